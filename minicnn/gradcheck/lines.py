"""A backward pass as named lines, each of which can be judged by itself.

    lines = {
        "x_hat": lambda d, v: d["y"] * v["gamma"],
        "var": lambda d, v: ...,
    }

A line makes the gradient of its name from gradients d made before and from values v. Handed the *measured* gradients in
place of those that the lines before it made, a right line gives the measured gradient of its own value: what is wrong
before it does not count.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import numpy as np

CLOSE = 1e-5  # relative to the largest entry: many times the uncertainty of measured gradients, less than any mistake


class Lines:
    """A backward pass made of lines.

    Parameters
    ----------
    lines : dict of str to function (d, v) -> gradient
        In the order in which they are run.
    output : str
        The name of the output: d[output] is dy.
    """

    def __init__(self, lines: Mapping[str, Callable], output: str):
        self.lines, self.output = dict(lines), output

    def __call__(self, dy: object, cache: object) -> dict[str, object]:
        """All gradients, as a backward pass returns them to `trace`."""
        d = {self.output: dy}
        for name, line in self.lines.items():
            d[name] = line(d, cache)
        return {name: d[name] for name in self.lines}

    def is_right(self, name: str, measured: dict[str, np.ndarray], cache: object) -> bool | None:
        """Whether a line gives the measured gradient from measured ones; None where that cannot be told.

        Parameters
        ----------
        name : str
        measured : dict of str to array
            The gradients by their names, dy among them; NaN where nothing was measured.
        cache : object
            Of the forward pass that they belong to.
        """
        expected = measured[name]
        try:
            with np.errstate(all="ignore"):
                given = np.asarray(self.lines[name](copy.deepcopy(measured), cache), dtype=np.float64)
        except Exception:  # as with a gradient of a wrong shape in place of a right one
            return None
        if given.shape != expected.shape:
            return False
        known = ~np.isnan(expected) & ~np.isnan(given)
        if not known.any():
            return None
        largest = float(np.abs(expected[known]).max())
        return bool(np.abs(given - expected)[known].max() <= CLOSE * largest)
