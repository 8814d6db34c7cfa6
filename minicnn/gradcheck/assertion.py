"""The check as one line of a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .check import check
from .report import Report


def assert_gradients(forward: Callable, backward: Callable, arguments: Sequence | np.ndarray, **options) -> Report:
    """Check a backward pass, and fail with the whole report if it is wrong.

        def test_batchnorm():
            assert_gradients(batchnorm_forward, batchnorm_backward, (x, gamma, beta))

    Parameters
    ----------
    forward, backward, arguments, **options
        As in `check`.

    Returns
    -------
    Report
        Of a check that passed.

    Raises
    ------
    GradientError
        An AssertionError whose message is the report. pytest shows it at the line of the test.

    Examples
    --------
    >>> from minicnn.gradcheck import assert_gradients
    >>> def test_square():
    ...     assert_gradients(lambda x: (x**2, x), lambda dy, x: 2 * x * dy, (np.array([1.0, -3.0]),))
    >>> test_square()
    """
    __tracebackhide__ = True
    report = check(forward, backward, arguments, **options)
    report.raise_if_failed()
    return report
