"""History: what each epoch of a training ended with. Tally: the sums from which the present epoch's means come."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields


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
        Duration of the epoch, validation included; of one that was cut off and resumed, since then.
    stop_reason : str
        Why training ended early; empty if it did not.

    Examples
    --------
    >>> from minicnn import SGD, Dense, Flatten, Sequential, SoftmaxCrossEntropy, datasets, fit
    >>> model = Sequential([Flatten(), Dense(10)], input_shape=(8, 8, 1))
    >>> train = datasets.load("digits").train
    >>> history = fit(model, train, loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1), epochs=3)
    >>> history.epochs, [round(loss, 1) for loss in history.loss]
    (3, [2.0, 1.5, 1.1])
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
        unknown = sorted(set(values) - {column.name for column in fields(self)} | {"stop_reason"} & set(values))
        if unknown:
            raise ValueError(f"History has no column {unknown[0]!r}; val_loss, for instance, is one.")
        for name, value in values.items():
            getattr(self, name).append(value)


@dataclass
class Tally:
    """Sums over the steps of one epoch.

    Attributes
    ----------
    steps, seen : int
        How many steps were taken, and how many examples they saw.
    loss : float
        Sum of the examples' losses.
    correct : int or None
        How many examples were predicted rightly; None for a loss without classes.
    """

    steps: int = 0
    seen: int = 0
    loss: float = 0.0
    correct: int | None = 0

    def add(self, examples: int, mean_loss: float, correct: int | None) -> None:
        """Count one step."""
        self.steps += 1
        self.seen += examples
        self.loss += float(mean_loss) * examples  # a loss of one's own may give NumPy's numbers
        self.correct = None if correct is None else self.correct + int(correct)

    def means(self) -> dict[str, float | None]:
        """Loss and accuracy so far; there has to be a step."""
        return {"loss": self.loss / self.seen, "accuracy": None if self.correct is None else self.correct / self.seen}
