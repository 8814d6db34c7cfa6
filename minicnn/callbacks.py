"""Callbacks: what happens beside the training loop.

`fit` calls the hooks of every callback, in the order of the list, with the one `run` that describes the training
(`minicnn.training.Run`):

    on_train_begin
        on_epoch_begin
            on_batch_begin      forward pass, loss
            on_loss             backward pass, step
            on_batch_end
        on_epoch_end
    on_train_end

`run.stop = True` ends training: before the step if set in `on_loss`, otherwise after the batch or epoch; the reason
goes to `run.stop_reason`. At `on_epoch_end`, `run.history` has this epoch's entry already.

One's own callback is a subclass with the hooks it needs:

    class PrintLearningRate(Callback):
        def on_epoch_end(self, run):
            print(run.epoch, run.optimizer.learning_rate)
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .arguments import checked_count, checked_number
from .atomic_write import atomic_write
from .configured import Configured

if TYPE_CHECKING:
    from .training import Run


class Callback(Configured):
    """The base of every callback: hooks that do nothing."""

    def on_train_begin(self, run: Run) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before an epoch's first batch."""

    def on_batch_begin(self, run: Run) -> None:
        """Before a batch's forward pass."""

    def on_loss(self, run: Run) -> None:
        """After a batch's forward pass; `run.batch_loss` is its loss."""

    def on_batch_end(self, run: Run) -> None:
        """After a batch's step; `run.batch_loss` is its loss from before the step."""

    def on_epoch_end(self, run: Run) -> None:
        """After an epoch and its validation, with the history up to date."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch, also when training was stopped."""

    def get_state(self) -> dict:
        """What the callback remembers from epoch to epoch, for `fit(resume=...)`: here nothing.

        Values are numbers, texts, None, or arrays.
        """
        return {}

    def set_state(self, state: dict, run: Run) -> None:
        """Take up what `get_state` gave in an earlier program; called after `on_train_begin`.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is not such a state; the run is refused then.
        """


class BestSoFar:
    """The best value of one column of the history.

    Parameters
    ----------
    owner : str
        Name of the callback, for the message.
    monitor : {"loss", "accuracy", "val_loss", "val_accuracy"}
        A loss is better when smaller, an accuracy when larger.
    min_delta : float
        By more than how much a value must beat the best one, at least 0; in the units of the monitored value.
    """

    # Column -> sign that makes smaller better.
    MONITORS = {"loss": 1, "accuracy": -1, "val_loss": 1, "val_accuracy": -1}

    def __init__(self, owner: str, monitor: str, min_delta: float = 0.0):
        if monitor not in self.MONITORS:
            raise ValueError(f"{owner} can monitor {', '.join(self.MONITORS)}, got {monitor!r}.")
        self.owner, self.monitor = owner, monitor
        self.min_delta = checked_number(owner, "min_delta", min_delta, at_least=0)
        self.value: float | None = None

    def check(self, run: Run) -> None:
        """See before training that there is validation data to monitor.

        Raises
        ------
        ValueError
            If there is none.
        """
        if self.monitor.startswith("val_") and run.validation is None:
            raise self._not_measured(run)

    def improved(self, run: Run) -> bool:
        """Take in the epoch's value and tell whether it beats the best so far; NaN never does.

        Raises
        ------
        ValueError
            If the history has no such value.
        """
        column = getattr(run.history, self.monitor)
        if run.stop and column[-1] is None:  # cut short before anything was measured
            return False
        if column[-1] is None:
            raise self._not_measured(run)
        sign, value = self.MONITORS[self.monitor], column[-1]
        if math.isnan(value):
            return False
        better = self.value is None or sign * value < sign * self.value - self.min_delta
        if better:
            self.value = value
        return better

    def _not_measured(self, run: Run) -> ValueError:
        if self.monitor.startswith("val_") and run.validation is None:
            advice = 'Give fit(..., validation=(x, labels)), or monitor "loss".'
        else:
            advice = f'The loss {run.loss!r} knows no accuracy; monitor "loss" or "val_loss".'
        return ValueError(f"{self.owner} monitors {self.monitor}, but this training does not measure it. {advice}")


class EarlyStopping(Callback):
    """Stop when the monitored value has not become better for some epochs.

    Parameters
    ----------
    monitor : {"loss", "accuracy", "val_loss", "val_accuracy"}
        Smaller is better for a loss, larger for an accuracy.
    patience : int
        Epochs in a row without improvement after which training stops, at least 1.
    min_delta : float
        An improvement is more than this; at least 0, in the units of the monitored value.
    restore_best : bool
        At the end of training, also of one that ran to its last epoch, give the model the parameters and state of its
        best epoch.
    """

    def __init__(self, monitor: str = "val_loss", patience: int = 5, min_delta: float = 0.0, restore_best: bool = True):
        self.best = BestSoFar("EarlyStopping", monitor, min_delta)
        self.monitor, self.min_delta = monitor, self.best.min_delta
        self.patience = checked_count("EarlyStopping", "patience", patience, at_least=1)
        self.restore_best = bool(restore_best)

    def on_train_begin(self, run: Run) -> None:
        """Forget an earlier training."""
        self.best = BestSoFar("EarlyStopping", self.monitor, self.min_delta)
        self.best.check(run)
        self.best_epoch, self.best_params, self.best_state = -1, {}, {}
        self.epochs_waited = 0

    def on_epoch_end(self, run: Run) -> None:
        """Keep the best parameters, or count an epoch without improvement."""
        if self.best.improved(run):
            self.best_epoch, self.epochs_waited = run.epoch, 0
            if self.restore_best:
                self.best_params = {name: array.copy() for name, array in run.model.params.items()}
                self.best_state = {name: array.copy() for name, array in run.model.state.items()}
            return
        self.epochs_waited += 1
        if self.epochs_waited >= self.patience and not run.stop:
            run.stop = True
            best = "" if self.best.value is None else f" ({self.best.value:.4g} in epoch {self.best_epoch + 1})"
            run.stop_reason = f"{self.monitor} has not become better{best} for {self.epochs_waited} epochs"

    def get_state(self) -> dict:
        """The best value, when it came, and the model of then."""
        state = {"best": self.best.value, "best_epoch": self.best_epoch, "epochs_waited": self.epochs_waited}
        state |= {f"params/{name}": array for name, array in self.best_params.items()}
        return state | {f"state/{name}": array for name, array in self.best_state.items()}

    def set_state(self, state: dict, run: Run) -> None:
        """Go on from the best of an earlier program."""
        self.best.value, self.best_epoch = state["best"], int(state["best_epoch"])
        self.epochs_waited = int(state["epochs_waited"])
        if self.restore_best and self.best_epoch >= 0:
            self.best_params = _arrays_like(run.model.params, "params", state)
            self.best_state = _arrays_like(run.model.state, "state", state)

    def on_train_end(self, run: Run) -> None:
        """Give the model its best parameters and state."""
        if not self.best_params:
            return
        for name, param in run.model.params.items():
            param[...] = self.best_params[name]
        run.model.set_state(self.best_state)
        self.best_params, self.best_state = {}, {}  # as large as the model: let go


def _arrays_like(arrays: dict[str, np.ndarray], kind: str, state: dict) -> dict[str, np.ndarray]:
    """The arrays of a saved state, one for each of a model's."""
    saved = {name: state[f"{kind}/{name}"] for name in arrays}
    if any(saved[name].shape != array.shape for name, array in arrays.items()):
        raise ValueError(f"its {kind} have other shapes than the model's")
    return saved


class Checkpoint(Callback):
    """Save the model after each epoch, see `minicnn.checkpoint`.

    Parameters
    ----------
    path : str or Path
        Where to; "{epoch}" in it becomes the number of epochs done, "{epoch:03d}" with leading zeros. Without it, each
        save replaces the one before.
    monitor : {None, "loss", "accuracy", "val_loss", "val_accuracy"}
        Save only when this value is the best so far; None saves every epoch.
    """

    def __init__(self, path: str | Path, monitor: str | None = None):
        self.path, self.monitor = str(path), monitor
        try:
            self.path.format(epoch=1)
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f'Checkpoint knows only "{{epoch}}" in its path, got {self.path!r}.') from error
        if monitor is not None:
            BestSoFar("Checkpoint", monitor)

    def on_train_begin(self, run: Run) -> None:
        """Forget an earlier training."""
        self.best = None if self.monitor is None else BestSoFar("Checkpoint", self.monitor)
        if self.best is not None:
            self.best.check(run)

    def on_epoch_end(self, run: Run) -> None:
        """Save the model."""
        from . import checkpoint  # here, because it loads the layers and their kernels

        if self.best is None or self.best.improved(run):
            checkpoint.save(run.model, self.path.format(epoch=run.epoch + 1))

    def get_state(self) -> dict:
        """The best value."""
        return {} if self.best is None else {"best": self.best.value}

    def set_state(self, state: dict, run: Run) -> None:
        """Go on from the best of an earlier program."""
        if self.best is not None:
            self.best.value = state["best"]


class ScheduleLearningRate(Callback):
    """Set the learning rate before each batch.

    Parameters
    ----------
    schedule : function (epochs done: float) -> learning rate: float
        One of `minicnn.schedules`, or any function.
    """

    def __init__(self, schedule: Callable[[float], float]):
        if not callable(schedule):
            raise TypeError(
                f"ScheduleLearningRate needs a function of the epochs done, e.g. CosineDecay(0.1, epochs=20),"
                f" got {schedule!r}."
            )
        self.schedule = schedule

    def on_batch_begin(self, run: Run) -> None:
        """Set the learning rate."""
        run.optimizer.learning_rate = self.schedule(run.epochs_done)


class CSVLog(Callback):
    """Write the history as a table, one row an epoch.

    The file is written anew after each epoch and put in place as a whole, so that it is complete whenever the program
    ends. A new training replaces it.

    Parameters
    ----------
    path : str or Path
    """

    COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")

    def __init__(self, path: str | Path):
        self.path = str(path)

    def on_epoch_end(self, run: Run) -> None:
        """Write the table; what was not measured stays empty."""
        text = io.StringIO(newline="")
        table = csv.writer(text)
        table.writerow(("epoch", *self.COLUMNS))
        columns = [getattr(run.history, name) or [None] * run.history.epochs for name in self.COLUMNS]
        table.writerows((epoch, *row) for epoch, row in enumerate(zip(*columns, strict=True), start=1))
        with atomic_write(self.path) as file:
            file.write(text.getvalue().encode())


class StopOnNaN(Callback):
    """Stop when the loss of a batch is not finite, before the step, and say where the first such number was.

    The model keeps the parameters that led there. `fit(..., check_finite=True)` looks at the backward pass and the
    parameters too, at every step, and raises instead of stopping.
    """

    def on_train_begin(self, run: Run) -> None:
        """Note from where the parameters start."""
        from . import finite  # here, because it loads this file

        self.largest_at_start = finite.largest_parameters(run)

    def on_loss(self, run: Run) -> None:
        """Look at the batch's loss."""
        if math.isfinite(run.batch_loss):
            return
        from . import finite

        error = finite.find_nonfinite(run, self.largest_at_start)
        run.stop, run.stop_reason = True, f"{error.what}. Likely cause: {error.cause}"
