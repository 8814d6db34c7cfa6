"""Estimates: what a few repetitions of an experiment tell, and what they do not.

Of n values v_i, one a seed, the reader gets the mean and how far it may be off:

    mean            m = 1/n sum over i of v_i                                                       (1)
    standard error  e = s / sqrt(n),    s^2 = 1/(n - 1) sum over i of (v_i - m)^2                   (2)

Two conditions a and b are compared seed by seed, by (1) and (2) of the differences

    d_i = a_i - b_i                                                                                 (3)

in which the luck of the initial weights, common to both, has gone. A difference counts as seen if

    |m| > 2 e.                                                                                      (4)

With few seeds (4) is a weak test: where there is no difference at all, normally distributed values still pass it in 5 %
of the experiments with many seeds, but in 18 % of those with three and in 30 % of those with two. Of one seed there is
no standard error, and nothing can be told. The interval that covers the true mean in 95 % of all experiments, however
few the seeds, is wider:

    m - t e  to  m + t e,    t the 97.5 % point of Student's distribution with n - 1 degrees of freedom     (5)

Source: Student, "The probable error of a mean", Biometrika 6, 1908.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Comparison", "Estimate"]

SEEN = 2  # standard errors, (4)
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)  # t of (5) for n - 1 = 1, 2, ... 10


class Estimate(NamedTuple):
    """Mean and standard error of a few values, equations (1) and (2).

    Attributes
    ----------
    mean : float or None
        Over the values there are; None if there are none.
    standard_error : float or None
        None for fewer than two values.
    count, missing : int
        How many values there are, and how many are not, such as the epochs to an accuracy that was never reached.

    Examples
    --------
    >>> from minicnn.estimates import Estimate
    >>> Estimate.of([0.81, 0.83, 0.85]).text(1, scale=100)
    '83.0 ± 1.2'
    >>> Estimate.of([9, None, 9]).text(1)
    '9.0 ± 0.0 (not reached in 1 of 3)'
    """

    mean: float | None
    standard_error: float | None
    count: int
    missing: int = 0

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Estimate:
        """Estimate from one value a seed; None stands for one that is missing."""
        known = [value for value in values if value is not None]
        mean = float(np.mean(known)) if known else None  # (1)
        error = float(np.std(known, ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else None  # (2)
        return cls(mean, error, len(known), len(values) - len(known))

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean, equation (5); None where nothing can be told.

        That is with fewer than two values, after a run that diverged to NaN, and where a value is missing.
        """
        if self.standard_error is None or self.missing or not math.isfinite(self.standard_error):
            return None
        t = STUDENT[min(self.count - 1, len(STUDENT)) - 1]  # of more than 11 values a little too large: careful
        return self.mean - t * self.standard_error, self.mean + t * self.standard_error

    def text(self, decimals: int, scale: float = 1, sign: bool = False) -> str:
        """Write as "84.2 ± 0.3"; with values missing as "9.0 (not reached in 1 of 3)".

        Parameters
        ----------
        decimals : int
            After the point.
        scale : float
            Factor, e.g. 100 for per cent.
        sign : bool
            Whether to write a plus, too.
        """
        if self.mean is None:
            return "not reached"
        number = f"{self.mean * scale:{'+' if sign else ''}.{decimals}f}"
        error = "" if self.standard_error is None else f" ± {self.standard_error * scale:.{decimals}f}"
        some = f" (not reached in {self.missing} of {self.count + self.missing})" if self.missing else ""
        return number + error + some


class Comparison(NamedTuple):
    """One condition beside another, over the seeds that both have.

    Attributes
    ----------
    arm, baseline : Estimate
    difference : Estimate
        Of arm minus baseline, seed by seed, equation (3).

    Examples
    --------
    >>> from minicnn.estimates import Comparison
    >>> comparison = Comparison.of([0.83, 0.86, 0.88], baseline=[0.80, 0.84, 0.85])
    >>> comparison.difference.text(3), comparison.direction  # beyond two standard errors
    ('0.027 ± 0.003', 1)
    >>> Comparison.of([0.83, 0.80], [0.80, 0.82]).direction  # not seen
    0
    """

    arm: Estimate
    baseline: Estimate
    difference: Estimate

    @classmethod
    def of(cls, arm: Sequence[float | None], baseline: Sequence[float | None]) -> Comparison:
        """Compare two sequences with one value a seed, in the order of the same seeds."""
        pairs = zip(arm, baseline, strict=True)
        differences = [None if a is None or b is None else a - b for a, b in pairs]  # (3)
        return cls(Estimate.of(arm), Estimate.of(baseline), Estimate.of(differences))

    @property
    def direction(self) -> int | None:
        """+1 or -1 for a difference that is seen, 0 for one that is not, (4); None where nothing can be told.

        That is with fewer than two seeds, after a run that diverged to NaN, and where a value is missing: to leave out
        the seeds that never reached an accuracy would favour the arm they belong to.
        """
        mean, error, _, missing = self.difference
        if error is None or missing or not math.isfinite(error):
            return None
        return int(math.copysign(1, mean)) if abs(mean) > SEEN * error else 0  # (4)
