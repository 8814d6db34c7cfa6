"""Resume: a training that was cut off goes on, and ends as if it had not been, bit for bit.

    fit(model, data, ..., epochs=100, resume="run.npz")

At the end of each epoch, and in long epochs every minute, everything that the rest of the run depends on goes into the
file:

    model and optimizer     parameters, running statistics, slots, steps, learning rate
    the random generator    as it stands now, and as it stood when the epoch's order was drawn          (1)
    the place               epoch, steps done in it, the sums of their losses and right answers
    history, callbacks      what each callback remembers, see `Callback.get_state`
    the settings            data, batch size, optimizer, ...: a fingerprint of all that must not change

The order of a large data set would make a large file; the six numbers of (1) say as much, for from them it can be drawn
once more. Augmentation depends on seed, epoch and batch only. So the same program, started again, does the same steps
on the same numbers. On another machine, or with another number of threads, sums may be rounded otherwise.

The file is a checkpoint (checkpoint/__init__.py): `minicnn.load("run.npz")` gives its model at any time, and at the end
the trained one.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .arguments import checked_count, checked_number, checked_path
from .batches import Examples
from .callbacks import Callback
from .checkpoint.contents import Contents
from .checkpoint.optimizer import describe_optimizer, set_optimizer
from .checkpoint.reader import read_file
from .checkpoint.rng import rng_array, rng_state
from .checkpoint.writer import write_file
from .history import Tally
from .settings import differences, settings_of

if TYPE_CHECKING:
    from .training import Run


@dataclass
class Place:
    """Where a run stands.

    Attributes
    ----------
    epoch : int
        The epoch to go on with, from 0.
    tally : Tally
        What its steps so far gave; the next step is `tally.steps`.
    order_rng : dict
        State of the random generator from which the epoch's order is drawn.
    stop : bool
        Whether a callback has ended the run.
    stop_reason : str
        Why.
    """

    epoch: int
    tally: Tally
    order_rng: dict
    stop: bool
    stop_reason: str


class RunFile(Callback):
    """The file of a run; `fit(resume=path)` makes one by itself.

    Parameters
    ----------
    path : str or Path
        Usually ends in ".npz"; missing folders are made.
    every_seconds : float
        How much work at most is lost when the program is killed, at least 0; an epoch's end is kept in any case.
    every_steps : int, optional
        Keep the run after each so many steps too, at least 1.

    Examples
    --------
    >>> from minicnn import SGD, Dense, Flatten, RunFile, Sequential, SoftmaxCrossEntropy, datasets, fit
    >>> how = {"loss": SoftmaxCrossEntropy(), "resume": RunFile("run.npz", every_seconds=10)}
    >>> for epochs in (2, 5):  # the second training goes on where the first one ended
    ...     model = Sequential([Flatten(), Dense(10)], input_shape=(8, 8, 1))
    ...     history = fit(model, datasets.load("digits").train, optimizer=SGD(0.1), epochs=epochs, **how)
    >>> history.epochs
    5
    """

    def __init__(self, path: str | Path, every_seconds: float = 60.0, every_steps: int | None = None):
        self.path = checked_path("RunFile", path)
        self.every_seconds = checked_number("RunFile", "every_seconds", every_seconds, at_least=0)
        self.every_steps = every_steps
        if every_steps is not None:
            self.every_steps = checked_count("RunFile", "every_steps", every_steps, at_least=1)

    def prepare(self, run: Run, settings: dict) -> None:
        """Read the file, if there is one, and see that it belongs to this run; nothing is changed yet.

        Parameters
        ----------
        run : Run
        settings : dict
            As `settings_of` gives them.

        Raises
        ------
        ValueError
            If the file cannot be gone on with.
        """
        if Path(self.path).is_dir():
            raise IsADirectoryError(f"resume takes the name of a file, and {self.path} is a folder.")
        self.callbacks, self.settings, self.saved = list(run.callbacks), settings, None
        if Path(self.path).exists():
            self.saved = read_file(self.path)
            _check(self.saved, self.path, run, settings)

    def on_train_begin(self, run: Run) -> None:
        """Go on from the file, or write it for the first time: a path that cannot be written shows at once."""
        if self.saved is not None:
            _restore(run, self.saved, self.callbacks)
            self.saved = None  # as large as model and optimizer: let go
        self.states = [callback.get_state() for callback in self.callbacks]
        self.closed = False
        self._write(run, run.epoch, run.tally, run.order_rng if run.tally.steps else None)

    def on_batch_end(self, run: Run) -> None:
        """Keep the run in the midst of an epoch, if it is time."""
        due = time.monotonic() - self.written >= self.every_seconds
        due |= self.every_steps is not None and (run.step + 1) % self.every_steps == 0
        if due:
            self._write_midway(run)

    def on_interrupt(self, run: Run) -> None:
        """Keep the run, and then no more: `fit` records the epoch as far as it came, but it shall go on from here."""
        self._write_midway(run)
        self.closed = True

    def on_epoch_end(self, run: Run) -> None:
        """Keep the run between two epochs."""
        if not self.closed:
            self.states = [callback.get_state() for callback in self.callbacks]
            self._write(run, run.epoch + 1, Tally(), None)

    def on_train_end(self, run: Run) -> None:
        """Keep the model as the callbacks leave it, such as the best one, and with it their states from before."""
        if not run.interrupted:
            self._write(run, run.epoch, Tally(), None)

    def _write_midway(self, run: Run) -> None:
        self.states = [callback.get_state() for callback in self.callbacks]
        self._write(run, run.epoch, run.tally, run.order_rng)

    def _write(self, run: Run, epoch: int, tally: Tally, order_rng: dict | None) -> None:
        """Write everything down; without `order_rng` the epoch's order is still to be drawn."""
        arrays = {"order_rng": rng_array(order_rng or run.model.rng.bit_generator.state)}
        values = []
        for number, state in enumerate(self.states):
            mine = {f"callbacks/{number}/{name}": a for name, a in state.items() if isinstance(a, np.ndarray)}
            arrays |= mine
            values.append({name: value for name, value in state.items() if not isinstance(value, np.ndarray)})
        place = {"epoch": epoch, "tally": asdict(tally), "stop": run.stop, "stop_reason": run.stop_reason}
        description = place | {"callbacks": values, "settings": self.settings}
        write_file(self.path, Contents(run.model, describe_optimizer(run.optimizer), run.history, description, arrays))
        self.written = time.monotonic()


def run_file_for(resume: str | Path | RunFile, run: Run, x: Examples, labels: np.ndarray, settings: dict) -> RunFile:
    """Make the run's file ready; what `fit` does with its argument `resume`.

    Parameters
    ----------
    resume : str, Path or RunFile
    run : Run
    x, labels : array
        The training data.
    settings : dict
        Those arguments of `fit` that `run` does not know.

    Returns
    -------
    run_file : RunFile

    Raises
    ------
    TypeError, ValueError
        If there is a file that cannot be gone on with, or a part of the run cannot be written down.
    """
    if not isinstance(resume, str | Path | RunFile):
        raise TypeError(f'resume takes the path of a file, such as "run.npz", or a RunFile, got {resume!r}.')
    run_file = resume if isinstance(resume, RunFile) else RunFile(resume)
    run_file.prepare(run, settings_of(run, x, labels, settings))
    return run_file


def _check(saved: Contents, path: str, run: Run, settings: dict) -> None:
    """See that a file holds a run, and this one."""
    if saved.optimizer is None or saved.history is None or not saved.run:
        raise ValueError(
            f"{path} holds a model, but no run to go on with. Train the model that minicnn.load({path!r}) gives, and"
            " name another file as resume."
        )
    try:
        place = _place(saved)
        different = differences(dict(saved.run["settings"]), settings)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"The run in {path} cannot be read: {error!r}. Name another file as resume.") from error
    if different:
        raise ValueError(
            f"{path} belongs to another run: {'; '.join(different[:3])}. Go on with the settings and data it began"
            " with, or name another file as resume, to start afresh."
        )
    if place.epoch > run.epochs:
        raise ValueError(f"{path} holds {place.epoch} epochs, more than epochs={run.epochs}. Ask for as many or more.")


def _place(saved: Contents) -> Place:
    """Read where the run stands."""
    values = saved.run
    tally = Tally(**values["tally"])
    for name, count in {"epoch": values["epoch"], "steps": tally.steps, "seen": tally.seen}.items():
        checked_count("A run", name, count, at_least=0)
    if not isinstance(tally.loss, float) or not isinstance(tally.correct, int | None):
        raise ValueError(f"its sums are no numbers: {tally}")
    if values["epoch"] != saved.history.epochs:
        raise ValueError(f"it has come to epoch {values['epoch']}, but its history has {saved.history.epochs}")
    order_rng = rng_state(saved.run_arrays["order_rng"])
    return Place(values["epoch"], tally, order_rng, bool(values["stop"]), str(values["stop_reason"]))


def _restore(run: Run, saved: Contents, callbacks: list[Callback]) -> None:
    """Put a run where the file stands."""
    for number, (callback, values) in enumerate(zip(callbacks, saved.run["callbacks"], strict=True)):
        prefix = f"callbacks/{number}/"
        arrays = {k.removeprefix(prefix): a for k, a in saved.run_arrays.items() if k.startswith(prefix)}
        try:
            callback.set_state(values | arrays, run)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{callback!r} cannot take up its state in the file: {error!r}") from error
    set_optimizer(run.optimizer, saved.optimizer)
    for name, param in run.model.params.items():
        param[...] = saved.model.params[name]
    run.model.set_state(saved.model.state)
    run.model.rng.bit_generator.state = saved.model.rng.bit_generator.state
    place = _place(saved)
    run.history, run.epoch, run.tally, run.order_rng = saved.history, place.epoch, place.tally, place.order_rng
    run.stop, run.stop_reason = place.stop, place.stop_reason
