"""Early stopping: what gets no better need not go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arguments import checked_count, checked_flag
from .best_so_far import BestSoFar
from .callback import Callback

if TYPE_CHECKING:
    from ..training import Run


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

    Examples
    --------
    >>> import minicnn as mc
    >>> from minicnn.callbacks import EarlyStopping
    >>> data = mc.datasets.load("digits").subset(train=200)
    >>> model = mc.Sequential([mc.Flatten(), mc.Dense(10)], input_shape=(8, 8, 1))
    >>> how = {"loss": mc.SoftmaxCrossEntropy(), "optimizer": mc.SGD(1.0), "callbacks": [EarlyStopping(patience=2)]}
    >>> history = mc.fit(model, data.train, validation=data.test, epochs=100, **how)
    >>> history.epochs < 100, history.stop_reason[:30]
    (True, 'val_loss has not become better')
    """

    def __init__(self, monitor: str = "val_loss", patience: int = 5, min_delta: float = 0.0, restore_best: bool = True):
        self.best = BestSoFar("EarlyStopping", monitor, min_delta)
        self.monitor, self.min_delta = monitor, self.best.min_delta
        self.patience = checked_count("EarlyStopping", "patience", patience, at_least=1)
        self.restore_best = checked_flag("EarlyStopping", "restore_best", restore_best)

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
