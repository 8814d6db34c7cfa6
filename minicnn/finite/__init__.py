"""check_finite: where the first number came from that is NaN or infinite, and probably why.

`fit(..., check_finite=True)` looks at every array of every step and ends with `NonFiniteError` at the first that is not
finite, before it reaches the parameters.
"""

from .check import FiniteCheck, find_nonfinite, largest_parameters
from .error import NonFiniteError

__all__ = ["FiniteCheck", "NonFiniteError", "find_nonfinite", "largest_parameters"]
