"""History: what each epoch of a training ended with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass
class History:
    """What each epoch ended with: lists with one entry an epoch.

    Attributes
    ----------
    loss, accuracy : list of float
        Means over the epoch's training steps, while the model was learning and with dropout at work; the accuracy is
        from 0 to 1, or None for a loss without classes.
    val_loss, val_accuracy : list of float
        After the epoch, in evaluation mode; None without validation data.
    learning_rate : list of float
        At the end of the epoch, dimensionless.
    seconds : list of float
        Duration of the epoch, validation included.
    stop_reason : str
        Why training ended early; empty if it did not.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float | None] = field(default_factory=list)
    val_loss: list[float | None] = field(default_factory=list)
    val_accuracy: list[float | None] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stop_reason: str = ""

    @property
    def epochs(self) -> int:
        """Number of epochs recorded."""
        return len(self.loss)

    def to_dict(self) -> dict:
        """The same as a dictionary of lists, for JSON."""
        return asdict(self)

    def append(self, **values: float | None) -> None:
        """Record one epoch."""
        for name, value in values.items():
            getattr(self, name).append(value)
