"""A learning rate that changes with the epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..arguments import checked_number
from .callback import Callback

if TYPE_CHECKING:
    from ..training import Run


class ScheduleLearningRate(Callback):
    """Set the learning rate before each batch.

    Parameters
    ----------
    schedule : function (epochs done: float) -> learning rate: float
        One of `minicnn.schedules`, or any function.

    Examples
    --------
    >>> import minicnn as mc
    >>> from minicnn.callbacks import ScheduleLearningRate
    >>> model = mc.Sequential([mc.Flatten(), mc.Dense(10)], input_shape=(8, 8, 1))
    >>> schedule = ScheduleLearningRate(mc.schedules.StepDecay(0.1, every=1))
    >>> how = {"loss": mc.SoftmaxCrossEntropy(), "optimizer": mc.SGD(), "callbacks": [schedule]}
    >>> [round(rate, 4) for rate in mc.fit(model, mc.datasets.load("digits").train, epochs=3, **how).learning_rate]
    [0.1, 0.01, 0.001]
    """

    def __init__(self, schedule: Callable[[float], float]):
        if not callable(schedule) or isinstance(schedule, type):
            raise TypeError(
                f"ScheduleLearningRate needs a function of the epochs done, e.g. CosineDecay(0.1, epochs=20),"
                f" got {schedule!r}."
            )
        self.schedule = schedule

    def on_train_begin(self, run: Run) -> None:
        """See that the schedule gives a learning rate, before anything has changed."""
        kind = type(run.optimizer).__name__
        checked_number(kind, "learning_rate", self.schedule(run.epochs_done), at_least=0)

    def on_batch_begin(self, run: Run) -> None:
        """Set the learning rate."""
        run.optimizer.learning_rate = self.schedule(run.epochs_done)
