"""The place of a number that is not finite, and the error that tells it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DIRECTIONS = {
    "forward": "forward pass",
    "backward": "backward pass",
    "step": "optimizer's step",
    "evaluation": "evaluation of the validation data",
}


@dataclass(frozen=True)
class Place:
    """An array that holds NaN or infinity, and what it was computed from.

    Attributes
    ----------
    owner : str
        Whose array it is: a layer's name ("dense_1"), "data", or the call of a loss or an optimizer.
    direction : {"forward", "backward", "step", "evaluation"}
    array : str
        Which of the owner's arrays, such as "output", "dx" or "gradient of w".
    values : array
    source : array, optional
        The layer's input, or the loss's prediction, of which `values` is a function or its gradient; None if unknown.
    """

    owner: str
    direction: str
    array: str
    values: np.ndarray
    source: np.ndarray | None = None

    @property
    def bad(self) -> np.ndarray:
        """True where `values` is not finite."""
        return ~np.isfinite(self.values)

    @property
    def found(self) -> str:
        """What it holds: "NaN", "inf", "-inf", or several."""
        values = np.asarray(self.values)[self.bad]
        kinds = {"NaN": np.isnan(values), "inf": values == np.inf, "-inf": values == -np.inf}
        return " and ".join(kind for kind, where in kinds.items() if where.any())

    def __str__(self) -> str:
        """Show what was found where, and how much of it."""
        if self.array == "loss":
            return f"the loss {self.owner} is {self.found}"
        first = ", ".join(map(str, np.argwhere(self.bad)[0]))
        count = f"{self.bad.sum():,} of {self.bad.size:,} numbers, the first at [{first}]"
        return f"{self.found} in the {self.array} of {self.owner} ({count})"


class NonFiniteError(FloatingPointError):
    """A number became NaN or infinite in training, see `fit(..., check_finite=True)`.

    Parameters
    ----------
    place : Place
    epoch, step : int
        Both from 1, the step within the epoch. Step 0: found before the first step of all (epoch 0), or after an epoch.
    cause : str
        What it probably came from and what to do, in sentences.

    Attributes
    ----------
    layer : str
        Name of the first layer that has such an array; "data", or the call of the loss or of the optimizer, if it is
        none of a layer's.
    direction : {"forward", "backward", "step", "evaluation"}
    array : str
        "output", "dx", "gradient of w", "parameter w", "running_var", "loss", "examples", ...
    epoch, step, cause
        As given.
    what : str
        The first line of the message.

    Examples
    --------
    >>> from minicnn import SGD, Dense, Flatten, NonFiniteError, Sequential, SoftmaxCrossEntropy, datasets, fit
    >>> model = Sequential([Flatten(), Dense(10)], input_shape=(8, 8, 1))
    >>> model.params["dense_1.w"][0, 0] = np.inf
    >>> try:
    ...     fit(model, datasets.load("digits").train, loss=SoftmaxCrossEntropy(), optimizer=SGD(), check_finite=True)
    ... except NonFiniteError as error:
    ...     print(error.layer, error.array)
    dense_1 parameter w
    """

    def __init__(self, place: Place, epoch: int, step: int, cause: str):
        self.layer, self.direction, self.array = place.owner, place.direction, place.array
        self.epoch, self.step, self.cause = epoch, step, cause
        when = f"epoch {epoch}, step {step}" if step else f"after epoch {epoch}" if epoch else "before the first step"
        self.what = f"{place}; {DIRECTIONS[place.direction]}, {when}"
        kept = "\nModel and optimizer are as they were before this step." if step else ""
        super().__init__(f"{self.what}.\nLikely cause: {cause}{kept}")
