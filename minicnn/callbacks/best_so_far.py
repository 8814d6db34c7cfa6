"""The best value of the history so far, by which others decide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..arguments import checked_number

if TYPE_CHECKING:
    from ..training import Run


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

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from minicnn.callbacks import BestSoFar
    >>> best = BestSoFar("MyCallback", "loss")
    >>> for losses in ([0.9], [0.9, 0.7], [0.9, 0.7, 0.8]):
    ...     print(best.improved(SimpleNamespace(history=SimpleNamespace(loss=losses), stop=False)), best.value)
    True 0.9
    True 0.7
    False 0.7
    """

    # Column -> sign that makes smaller better.
    MONITORS = {"loss": 1, "accuracy": -1, "val_loss": 1, "val_accuracy": -1}

    def __init__(self, owner: str, monitor: str, min_delta: float = 0.0):
        if not isinstance(monitor, str) or monitor not in self.MONITORS:
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
