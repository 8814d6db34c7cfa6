"""The base of every callback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..configured import Configured

if TYPE_CHECKING:
    from ..training import Run


class Callback(Configured):
    """The base of every callback: hooks that do nothing.

    Examples
    --------
    >>> import minicnn as mc
    >>> class PrintEpoch(mc.callbacks.Callback):
    ...     def on_epoch_end(self, run):
    ...         print(run.epoch, f"{run.history.loss[-1]:.2f}")
    >>> model = mc.Sequential([mc.Flatten(), mc.Dense(10)], input_shape=(8, 8, 1))
    >>> how = {"loss": mc.SoftmaxCrossEntropy(), "optimizer": mc.SGD(0.1), "callbacks": [PrintEpoch()]}
    >>> history = mc.fit(model, mc.datasets.load("digits").train, epochs=2, **how)
    0 2.02
    1 1.47
    """

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

    def on_interrupt(self, run: Run) -> None:
        """After the step at which Ctrl-C ends training, before its epoch is recorded as far as it came."""

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
