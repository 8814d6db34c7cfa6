"""TrainingWarning: what a teacher would say who looks over one's shoulder.

Each begins with its code, so that one of them can be silenced, or made an error, by Python's own filters:

    warnings.filterwarnings("ignore", "one-class-only", category=TrainingWarning)
"""

from __future__ import annotations

import sys
import warnings


class TrainingWarning(UserWarning):
    """Something about a training is probably not as it was meant.

    Parameters
    ----------
    code : str
        One of those in docs/when-training-goes-wrong.md.
    text : str
        What was seen, with the numbers, and what to do.

    Attributes
    ----------
    code : str

    Examples
    --------
    >>> import warnings
    >>> from minicnn import SGD, Dense, Flatten, Sequential, SoftmaxCrossEntropy, datasets, fit
    >>> images, labels = datasets.load("digits").train
    >>> model = Sequential([Flatten(), Dense(10)], input_shape=(8, 8, 1))
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     history = fit(model, (images, 0 * labels), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1))
    >>> [warning.message.code for warning in caught]
    ['one-class-only']
    """

    def __init__(self, code: str, text: str):
        self.code = code
        super().__init__(f"{code}: {text}")


def tell(code: str, text: str) -> None:
    """Warn, and let Python show the line of the user's own code that called minicnn. Arguments as in the warning."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("minicnn."):
        frame, level = frame.f_back, level + 1
    warnings.warn(TrainingWarning(code, text), stacklevel=level + 1)
