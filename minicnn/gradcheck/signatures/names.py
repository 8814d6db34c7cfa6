"""Which constant is it? Names for a ratio, from the shapes and numbers at hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..case import Case
from ..pair import Pair
from ..probe import analytic_gradients, slopes

SAME = 1e-6  # relative: two constants that agree so far are the same
MOST_AXES = 5


def batch_size(case: Case) -> int | None:
    """The length of the first axis that the data and the outputs have in common; of the data, for a loss."""
    arrays = [a for a in case.pair.arguments if isinstance(a, np.ndarray) and a.ndim]
    if not arrays:
        return None
    lengths = [len(y) for y in case.conduct.call.outputs if y.ndim]
    for array in arrays:
        if not lengths or len(array) in lengths:
            return len(array)
    return len(arrays[0])


def names_of(case: Case, i: int, value: float) -> list[str]:
    """What the constant may be, the likeliest first; empty if nothing known equals it."""
    found = [name for name, known in _known(case, i) if np.isclose(value, known, rtol=SAME, atol=0)]
    return list(dict.fromkeys(found))


def _known(case: Case, i: int) -> Iterator[tuple[str, float]]:
    """Names and values."""
    n = batch_size(case)
    if n and n > 1:
        yield from (("N", n), ("1/N", 1 / n), ("N/(N-1)", n / (n - 1)), ("(N-1)/N", (n - 1) / n))
    yield from _from_hints(case)
    for name, number in case.remember(("counts", i), lambda: list(_counts(case, i))):
        yield name, number
        yield f"1/({name})", 1 / number
    yield from ((str(k), float(k)) for k in (2, 3, 4))
    yield from ((f"1/{k}", 1 / k) for k in (2, 3, 4))
    for name, number in case.memory["counts", i]:
        yield f"sqrt({name})", number**0.5
        yield f"1/sqrt({name})", number**-0.5
        if number > 1:
            yield f"({name})/({name} - 1)", number / (number - 1)
            yield f"({name} - 1)/({name})", (number - 1) / number


def _from_hints(case: Case) -> Iterator[tuple[str, float]]:
    """Numbers among the hints and the arguments: a rate, a scale."""
    given = {f"hint {k}": v for k, v in case.hints.items()}
    given.update(zip(case.pair.names, case.pair.arguments, strict=True))
    for name, number in given.items():
        if isinstance(number, (bool, str)) or np.ndim(number) or not isinstance(number, (int, float, np.ndarray)):
            continue
        number = float(number)
        if number and number != 1:
            yield from ((name, number), (f"1/{name}", 1 / number))
        if 0 < number < 1:
            yield from ((f"1 - {name}", 1 - number), (f"1/(1 - {name})", 1 / (1 - number)))
        if number > 1 and number == int(number):
            yield from ((f"{name}^2", number**2), (f"1/{name}^2", number**-2))


def _counts(case: Case, i: int) -> Iterator[tuple[str, int]]:
    """Lengths of axes and their products: of the outputs, of argument i, of the other arguments."""
    order = [i, *(k for k in range(len(case.pair.arguments)) if k != i)]
    arrays = [("y", y) for y in case.conduct.call.outputs]
    arrays += [(case.pair.names[k], case.pair.arguments[k]) for k in order]
    named = [(name, a.shape) for name, a in arrays if isinstance(a, np.ndarray) and 0 < a.ndim <= MOST_AXES]
    for count in range(1, MOST_AXES + 1):
        for name, shape in named:
            for axes in combinations(range(len(shape)), count):
                product = int(np.prod([shape[axis] for axis in axes]))
                if product > 1:
                    yield _words(name, shape, axes), product


def _words(name: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> str:
    if len(axes) == len(shape):
        return f"the number of entries of {name}"
    lengths = "*".join(str(shape[axis]) for axis in axes)
    return f"length {lengths} of {name}'s axis {axes[0]}" if len(axes) == 1 else f"{lengths}, {name}'s axes {axes}"


def ratio_of_a_smaller_batch(case: Case, i: int) -> Iterator[tuple[int, float]]:
    """Sizes of other batches, and the ratio analytic / numeric there, along a random direction."""
    n = batch_size(case)
    for pair in _other_points(case, n):
        size = _size_there(case, pair, n)
        ratio = _ratio(pair, i)
        if ratio is not None and size != n:
            yield size, ratio


def _other_points(case: Case, n: int | None) -> Iterator[Pair]:
    """The pair at points with fewer examples, or those of `make_arguments`."""
    if case.make_arguments is not None:
        for seed in (1, 2):
            try:
                yield case.pair.at(list(case.make_arguments(seed)))
            except Exception:  # the caller's function may not like it
                return
    if not n or n < 2:
        return
    mine = case.pair.arguments
    long = [k for k, a in enumerate(mine) if isinstance(a, np.ndarray) and a.ndim and len(a) == n]
    choices = [long, [k for k in long if k == long[0] or mine[k].dtype.kind != "f"], long[:1]]
    for chosen in dict.fromkeys(map(tuple, choices)):
        pair = case.pair.at([a[: n - 1] if k in chosen else a for k, a in enumerate(mine)])
        try:
            outputs = pair.outputs()
        except Exception:  # these arrays do not belong together
            continue
        wanted = [(n - 1, *y.shape[1:]) if y.ndim and len(y) == n else y.shape for y in case.conduct.call.outputs]
        if [y.shape for y in outputs] == wanted:
            yield pair
            return


def _size_there(case: Case, pair: Pair, n: int | None) -> int:
    for here, there in zip(case.pair.arguments, pair.arguments, strict=True):
        if isinstance(here, np.ndarray) and here.ndim and len(here) == n:
            return len(there)
    return 0


def _ratio(pair: Pair, i: int) -> float | None:
    """analytic / numeric along a random direction, for a random dy."""
    rng = np.random.default_rng(0)
    direction = rng.choice((-1.0, 1.0), pair.arguments[i].shape)
    found = slopes(pair, i, direction)
    if found is None:
        return None
    dy = [np.asarray(rng.uniform(0.5, 1.5, y.shape)) for y in found[0]]
    gradients = analytic_gradients(pair, dy)
    numeric = sum(float(np.sum(d * s)) for d, s in zip(dy, found[0], strict=True))
    if not gradients or i not in gradients or gradients[i].shape != direction.shape or not numeric:
        return None
    return float(np.sum(gradients[i] * direction)) / numeric
