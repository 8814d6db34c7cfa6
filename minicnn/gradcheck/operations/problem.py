"""What recognition works with: the arguments, the outputs, and forward itself to ask at other points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..case import Case

SAME = 1e-9  # relative: outputs that agree so far come from the same formula
FAR = 0.25  # relative: how far an argument is moved to see whether y changes
SAME_GRADIENT = 1e-6  # relative to the largest entry; wrong formulas differ by more


@dataclass(frozen=True)
class Problem:
    """A case with one output, as recognition sees it.

    Attributes
    ----------
    case : Case
    """

    case: Case

    @cached_property
    def arrays(self) -> dict[int, np.ndarray]:
        """The arguments that are arrays of floats and that y depends on, by position."""
        arrays = {i: self.case.pair.arguments[i] for i in self.case.pair.floats}
        return arrays if len(arrays) == 1 else {i: a for i, a in arrays.items() if self._moves(i, a)}

    @cached_property
    def integers(self) -> dict[int, np.ndarray]:
        """The arguments that are arrays of integers, such as labels, by position."""
        found = {i: a for i, a in enumerate(self.case.pair.arguments) if isinstance(a, (np.ndarray, list))}
        found = {i: np.asarray(a) for i, a in found.items() if i not in self.arrays}
        return {i: a for i, a in found.items() if a.dtype.kind in "iu"}

    @cached_property
    def y(self) -> np.ndarray:
        """The output."""
        return self.case.conduct.call.outputs[0]

    @cached_property
    def dy(self) -> np.ndarray:
        """The gradient that came in from above."""
        return self.case.conduct.dy[0]

    def hints(self, *operations: str) -> bool:
        """Whether the caller's hint, if there is one, allows one of these operations."""
        hint = str(self.case.hints.get("operation", "")).lower().replace("_", "").replace("-", "").replace(" ", "")
        return not hint or any(name in hint for name in operations)

    def is_output(self, y: np.ndarray) -> bool:
        """Whether these are the outputs."""
        return is_same(y, self.y)

    def ask(self, changed: dict[int, np.ndarray]) -> np.ndarray | None:
        """Forward's output with some arguments changed; None if it refuses them."""
        arguments = list(self.case.pair.arguments)
        for i, value in changed.items():
            arguments[i] = np.array(value, np.float64)
        try:
            outputs = self.case.pair.forward(arguments).outputs
        except Exception:  # whatever the learner's code raises: this is not the operation looked for
            return None
        return outputs[0] if outputs[0].shape == self.y.shape else None

    def _moves(self, i: int, array: np.ndarray) -> bool:
        """Whether y changes when this argument does; in most cases its derivative has told already."""
        if i in self.case.arguments and np.nan_to_num(self.case.arguments[i].numeric).any():
            return True
        moved = self.ask({i: array + FAR * (1 + np.abs(array))})
        return moved is None or not np.array_equal(moved, self.y)

    def is_gradient(self, i: int, gradient: np.ndarray | None) -> bool:
        """Whether the right gradient of an operation is the derivative that was measured: the last test of it."""
        a = self.case.arguments[i]
        if gradient is None or gradient.shape != a.shape:
            return False
        known = ~np.isnan(a.numeric)
        error = np.abs(gradient - a.numeric)[known]
        largest = np.abs(a.numeric[known]).max(initial=0.0)
        return bool(known.any() and np.all(error <= SAME_GRADIENT * largest + 3 * a.uncertainty[known]))


def is_same(a: np.ndarray, b: np.ndarray, tolerance: float = SAME) -> bool:
    """Whether two arrays agree, relative to their largest entries."""
    if np.shape(a) != np.shape(b):
        return False
    with np.errstate(all="ignore"):
        return bool(np.abs(a - b).max(initial=0.0) <= tolerance * np.abs(b).max(initial=0.0))
