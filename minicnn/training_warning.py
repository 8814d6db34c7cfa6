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
