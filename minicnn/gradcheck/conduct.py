"""What a pair of functions must do besides being right.

The same input gives the same output, and the same dy the same gradients; nobody writes into what was handed to them;
gradients are linear in dy, since L = sum of dy y is:

    backward(a dy1 + b dy2) = a backward(dy1) + b backward(dy2)                                     (1)

And the outputs must be fine enough to difference. A pass in float32 rounds its values to 24 binary digits, so that a
relative move of the input by 2^-34 is lost in it, while float64, with 53 digits, shows it.                     (2)
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .pair import Call, Gradients, Pair

SAME = 1e-10  # relative difference between two runs that may come from the order of sums in threads
A, B = 0.75, -1.25  # equation (1)
TINY_MOVE, MOVE = 2.0**-34, 2.0**-12  # relative; (2)
STEADY = 0.3  # a change that half of the move halves to within this share is no jump
VISIBLE = 16 * np.finfo(np.float64).eps  # a change float64 shows for certain, relative to the largest value around
STUCK_SHARE = 0.9  # of the outputs that should have moved: so many did not


@dataclass
class Conduct:
    """What was seen while the two functions were called.

    Attributes
    ----------
    call : Call
        The first forward pass.
    dy : list of array
        Random upstream gradient, one array an output.
    gradients : dict of int to array
        backward's answer to `dy`, by the argument's position.
    modified : list of (str, str)
        The array that changed, and "forward" or "backward".
    drift, backward_drift : str
        How the second answer differed from the first; empty if it did not.
    nonlinearity : dict of int to (array, float)
        By how much (1) is missed in each entry, and how large its terms are.
    ignores_dy : list of int
        Arguments whose gradient was the same for another dy.
    float32 : str
        Why the forward pass seems to compute in less than float64; empty if it does not.
    noise : float
        Rounding noise of L, in units of L; measured by `check`.
    """

    call: Call
    dy: list[np.ndarray]
    gradients: Gradients = field(default_factory=dict)
    modified: list[tuple[str, str]] = field(default_factory=list)
    drift: str = ""
    backward_drift: str = ""
    nonlinearity: dict[int, tuple[np.ndarray, float]] = field(default_factory=dict)
    ignores_dy: list[int] = field(default_factory=list)
    float32: str = ""
    noise: float = 0.0

    @property
    def eps(self) -> float:
        """Relative rounding of the outputs."""
        dtypes = [*self.call.dtypes, np.dtype(np.float32 if self.float32 else np.float64)]
        return float(max(np.finfo(d).eps for d in dtypes))

    @property
    def outputs_are_finite(self) -> bool:
        """Whether every output is a finite number."""
        return all(np.isfinite(y).all() for y in self.call.outputs)

    @property
    def is_measurable(self) -> bool:
        """Whether differences of outputs say anything."""
        return self.outputs_are_finite and not self.drift

    @property
    def size(self) -> float:
        """Root of the sum of (dy y)^2: how large the parts are that L is the sum of."""
        return float(np.sqrt(sum(np.sum((d * y) ** 2) for d, y in zip(self.dy, self.call.outputs, strict=True))))


def observe(pair: Pair, rng: np.random.Generator) -> Conduct:
    """Call the two functions a few times and note what they do.

    Parameters
    ----------
    pair : Pair
        Its attribute `copies` is set if forward writes into its arguments.
    rng : numpy.random.Generator
        For the upstream gradients.
    """
    first = pair.forward()
    seen = Conduct(first, random_dy(first.outputs, rng))
    seen.modified += [(name, "forward") for name in pair.modified(first.handed)]
    pair.copies = bool(seen.modified)
    second = pair.forward()  # backward follows this one, the latest: an object keeps only one cache
    seen.drift = _drift(first.outputs, second.outputs, "output")
    seen.gradients = _backward(pair, seen, seen.dy, second)
    try:
        again = _backward(pair, seen, seen.dy, second)
    except Exception as error:  # whatever the learner's code raises
        seen.backward_drift = f"the second call raised {type(error).__name__}: {error}"
    else:
        seen.backward_drift = _drift(list(seen.gradients.values()), list(again.values()), "gradient")
    if not seen.backward_drift:
        _observe_linearity(pair, seen, second, rng)
    if seen.is_measurable:
        seen.float32 = _signs_of_float32(pair, first, list(seen.gradients), rng)
    return seen


def random_dy(outputs: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Upstream gradients of random sign and of size 0.5 to 1.5: none hides an output, none drowns the others."""
    return [np.asarray(rng.uniform(0.5, 1.5, y.shape) * rng.choice((-1.0, 1.0), y.shape)) for y in outputs]


def _backward(pair: Pair, seen: Conduct, dy: list[np.ndarray], call: Call) -> Gradients:
    """Run backward on a copy of dy, and note what it wrote into."""
    before = [a.copy() if isinstance(a, np.ndarray) else a for a in call.handed]
    handed_dy = [d.copy() for d in dy]
    gradients = pair.backward(handed_dy, call)
    changed = [
        name
        for name, old, new in zip(pair.names, before, call.handed, strict=True)
        if isinstance(old, np.ndarray) and not np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    ]
    if not all(map(np.array_equal, dy, handed_dy)):
        changed.append("dy")
    seen.modified += [(name, "backward") for name in changed if (name, "backward") not in seen.modified]
    return gradients


def _observe_linearity(pair: Pair, seen: Conduct, call: Call, rng: np.random.Generator) -> None:
    """Compare both sides of equation (1)."""
    other = random_dy(seen.dy, rng)
    mixed = [A * d + B * o for d, o in zip(seen.dy, other, strict=True)]
    of_other, of_mixed = _backward(pair, seen, other, call), _backward(pair, seen, mixed, call)
    for i, gradient in seen.gradients.items():
        if i in of_other and i in of_mixed and gradient.shape == of_other[i].shape == of_mixed[i].shape:
            with np.errstate(all="ignore"):
                first, second = A * gradient.astype(np.float64), B * of_other[i].astype(np.float64)
                missed = np.abs(of_mixed[i] - (first + second))
                largest = float(max(np.abs(first).max(initial=0.0), np.abs(second).max(initial=0.0)))
            seen.nonlinearity[i] = (missed, largest)
            if not _drift([gradient], [of_other[i]], "gradient"):
                seen.ignores_dy.append(i)


def _drift(first: list[np.ndarray], second: list[np.ndarray], what: str) -> str:
    """Say how two answers differ, or nothing."""
    if len(first) != len(second):
        return f"{len(first)} {what}s the first time, {len(second)} the second time"
    for a, b in zip(first, second, strict=True):
        if a.shape != b.shape:
            return f"{what} of shape {a.shape} the first time, {b.shape} the second time"
        finite = np.abs(a[np.isfinite(a)])
        differs = ~np.isclose(a, b, rtol=SAME, atol=SAME * float(finite.max(initial=0.0)), equal_nan=True)
        if differs.any():
            where = tuple(int(k) for k in np.argwhere(differs)[0])
            return (
                f"{np.count_nonzero(differs)} of {a.size} numbers of the {what} differ, "
                f"e.g. at {where}: {a[where]:.6g} the first time, {b[where]:.6g} the second time"
            )
    return ""


def _signs_of_float32(pair: Pair, call: Call, movable: list[int], rng: np.random.Generator) -> str:
    """See whether the forward pass keeps 53 binary digits, equation (2)."""
    coarse = sorted({d.name for d in call.dtypes if d.itemsize < 8})
    if coarse:
        return f"y is {' and '.join(coarse)} though the arguments are float64"
    return next(filter(None, (_signs_along(pair, call, i, rng) for i in movable)), "")


def _signs_along(pair: Pair, call: Call, i: int, rng: np.random.Generator) -> str:
    """Move one argument, and see whether the outputs follow."""
    direction = rng.choice((-1.0, 1.0), pair.arguments[i].shape)

    def moved(by: float) -> list[np.ndarray]:
        arguments = list(pair.arguments)
        arguments[i] = np.asarray(arguments[i] * (1 + by * direction))
        return pair.forward(arguments).outputs

    try:
        moves = [call.outputs, *map(moved, (TINY_MOVE, MOVE / 2, MOVE))]
    except Exception:  # outside of what forward takes: nothing to be learned here
        return ""
    if any(len({a.shape for a in each}) > 1 for each in zip(*moves, strict=True)):
        return ""
    y, y_tiny, y_half, y_moved = (np.concatenate([a.ravel() for a in outputs]) for outputs in moves)
    largest = max(
        [1.0 * np.abs(y).max(initial=0.0), *(np.abs(pair.arguments[i]).max(initial=0.0) for i in pair.floats)]
    )
    with np.errstate(all="ignore"):
        change = y_moved - y
        steady = np.abs(2 * (y_half - y) - change) < STEADY * np.abs(change)
        should_move = steady & (np.abs(change) * (TINY_MOVE / MOVE) > VISIBLE * largest)
    stuck = y_tiny[should_move] == y[should_move]
    if stuck.size and stuck.mean() > STUCK_SHARE:
        return (
            f"{np.count_nonzero(stuck)} of {stuck.size} outputs did not move when {pair.names[i]} moved by a relative "
            f"{TINY_MOVE:.0e}, as if values were rounded to float32 on the way"
        )
    return ""
