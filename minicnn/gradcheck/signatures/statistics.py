"""Normalization with the gradient through its statistics missing, over whatever axes and groups.

With x-hat = (x - mean) / std over a group of m numbers and g = dL/dx-hat, the gradient is

    dx = (g - mean(g) - x-hat mean(g x-hat)) / std                                                  (1)

The forward pass does not notice when a constant is added to a group: its derivatives sum to 0 over each group. That is
how the groups are found. Then the error e = a - n tells which term is missing:

    without mean(g)                 e is constant over each group                                   (2)
    without x-hat mean(g x-hat)     e is a multiple of x - mean in each group                       (3)
    without both                    e is a sum of such parts                                        (4)

Where only a scale is divided out (root mean square, length), dx is orthogonal to x and e is a multiple of x.    (5)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..candidates import Candidate, is_far_off
from ..case import Case
from ..probe import jacobian

SUM_IS_ZERO = 1e-6  # of the sum of absolute values
ORTHOGONAL = 1e-3  # likewise; eps under the root leaves a little
RANK = 12
SMALLEST_GROUP = 3
BOTH = 1e-3  # of the largest error: a part below is none
SAME_SHARE = 1e-2  # relative: eps under the root makes a little difference
WHOLE = 1e-3  # relative: the missing term is all of it


def missing_statistics(case: Case, i: int) -> Iterator[Candidate]:
    """Equations (2) to (5) for every choice of groups."""
    a = case.arguments[i]
    is_vector_of_a_loss = case.conduct.call.is_loss and len(a.shape) < 2
    if np.isnan(a.numeric).any() or not a.shape or is_vector_of_a_loss or not is_far_off(case, i):
        return
    x = case.pair.arguments[i]
    for shape, axes, words in groupings(a.shape):
        n, error = a.numeric.reshape(shape), (a.analytic - a.numeric).reshape(shape)
        size = int(np.prod([shape[axis] for axis in axes]))
        if size < SMALLEST_GROUP:
            continue
        noise = float(np.max(a.uncertainty)) * size
        total, absolute = np.abs(n.sum(axis=axes)).max(), np.abs(n).sum(axis=axes).max()
        values = x.reshape(shape)
        if total <= SUM_IS_ZERO * absolute + noise and absolute > 10 * noise:
            centred = values - values.mean(axis=axes, keepdims=True)
            yield from _shift_invariant(case, i, error, centred, axes, words)
        elif np.abs((n * values).sum(axis=axes)).max() <= ORTHOGONAL * np.abs(n * values).sum(axis=axes).max():
            yield from _scale_invariant(case, i, error, values, axes, words)


def sums_over_wrong_axes(case: Case, i: int) -> Iterator[Candidate]:
    """The derivatives sum to 0 over one set of axes, backward's over another: its means run over the wrong axes."""
    a = case.arguments[i]
    if np.isnan(a.numeric).any() or len(a.shape) < 2 or not is_far_off(case, i):
        return
    wrong = right = None
    for shape, axes, words in groupings(a.shape):
        if shape != a.shape:
            break
        zero = [_sums_to_zero(g, axes, float(np.max(a.uncertainty))) for g in (a.numeric, a.analytic)]
        right = right or (words if zero == [True, False] else None)
        wrong = wrong or (words if zero == [False, True] else None)
    if right and wrong:
        message = (
            f"a mean is taken over the wrong axes: the derivatives sum to 0 over {right}, as forward subtracts a mean "
            f"there, but backward's gradient sums to 0 over {wrong}."
        )
        evidence = {"right": right, "backward": wrong}
        yield Candidate("statistics-over-wrong-axes", message, None, evidence, RANK + 1)


def _sums_to_zero(g: np.ndarray, axes: tuple[int, ...], uncertainty: float) -> bool:
    count = np.prod([g.shape[axis] for axis in axes])
    return bool(np.abs(g.sum(axis=axes)).max() <= SUM_IS_ZERO * np.abs(g).sum(axis=axes).max() + uncertainty * count)


def groupings(shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], str]]:
    """Ways to form groups of numbers: a shape to reshape to, the axes to reduce, and words for it.

    All sets of axes, and those with one axis cut into equal parts, as group norm does.
    """
    long = [axis for axis, length in enumerate(shape) if length > 1]
    for count in range(1, len(long) + 1):
        for axes in combinations(long, count):
            yield shape, axes, f"axis {axes[0]}" if count == 1 else f"axes {axes}"
    for cut in long:
        for groups in (g for g in range(2, shape[cut]) if shape[cut] % g == 0):
            split = (*shape[:cut], groups, shape[cut] // groups, *shape[cut + 1 :])
            rest = [axis + (axis > cut) for axis in long if axis != cut]
            for count in range(len(rest) + 1):
                for axes in combinations(rest, count):
                    words = f"{groups} groups of axis {cut}" + (f" and axes {axes} (of {split})" if axes else "")
                    yield split, tuple(sorted((cut + 1, *axes))), words


def _shift_invariant(
    case: Case, i: int, error: np.ndarray, centred: np.ndarray, axes: tuple[int, ...], words: str
) -> Iterator[Candidate]:
    """Equations (2) to (4)."""
    constant = np.broadcast_to(error.mean(axis=axes, keepdims=True), error.shape)
    multiple = _projection(error, centred, axes)
    shares = _shares(case, i, constant, multiple, centred, axes)
    about = f"the derivatives sum to 0 over {words}, so forward subtracts a mean there"
    yield _candidate(
        case, i, "mean-term-missing", constant, shares[0], words,
        f"{about}; the error is constant over it: the gradient through the mean is missing, -mean(dx-hat)/std.",
    )  # fmt: skip
    yield _candidate(
        case, i, "variance-term-missing", multiple, shares[1], words,
        f"{about}; the error is a multiple of x - mean: the gradient through the variance is missing, "
        "-x-hat mean(dx-hat x-hat)/std.",
    )  # fmt: skip
    if min(np.abs(constant).max(), np.abs(multiple).max()) < BOTH * np.abs(error).max():
        return
    yield _candidate(
        case, i, "statistics-held-constant", constant + multiple, shares[2], words,
        f"{about}; the error is a constant plus a multiple of x - mean: the statistics are treated as constants, both "
        "the gradient through the mean and that through the variance are missing.",
    )  # fmt: skip


def _scale_invariant(
    case: Case, i: int, error: np.ndarray, values: np.ndarray, axes: tuple[int, ...], words: str
) -> Iterator[Candidate]:
    """Equation (5)."""
    multiple = _projection(error, values, axes)
    yield _candidate(
        case, i, "statistics-held-constant", multiple, _scale_share(case, i, multiple, values, axes), words,
        f"the derivatives are orthogonal to {case.arguments[i].name} over {words}, so forward divides by a size "
        "(root mean square, norm) there; the error is a multiple of the argument: that size is treated as a constant.",
    )  # fmt: skip


def _projection(error: np.ndarray, direction: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """The part of the error along a direction, group by group."""
    with np.errstate(all="ignore"):
        factor = (error * direction).sum(axis=axes, keepdims=True) / (direction**2).sum(axis=axes, keepdims=True)
    return np.nan_to_num(factor) * direction


def _candidate(
    case: Case, i: int, code: str, error: np.ndarray, share: float | None, words: str, message: str
) -> Candidate:
    """The numeric gradient and this error, under this code unless only a share of the term is missing."""
    a = case.arguments[i]
    evidence = {"groups": words, "largest_error": float(np.abs(error).max()), "share_of_the_term": share}
    if share is not None and not abs(share - 1) <= WHOLE:
        code = "statistics-over-wrong-axes"
        told = "not the same share of it everywhere" if np.isnan(share) else f"{share:.6g} of it"
        message += f" Not as a whole, though: {told}. Is it a mean over other axes or with another count?"
        if abs(share - 2) < WHOLE:
            code, message = "variance-term-missing", message + " Twice: its sign is wrong."
    return Candidate(code, message, a.numeric + error.reshape(a.shape), evidence, RANK)


def _shares(
    case: Case, i: int, constant: np.ndarray, multiple: np.ndarray, centred: np.ndarray, axes: tuple[int, ...]
) -> tuple[float | None, float | None, float | None]:
    """How much of each term of (1) is missing, where outputs belong to entries one by one; None if not known.

    The diagonal of J is (g_k / dy_k / std) (1 - 1/m - x-hat_k^2/m): from it follows g / std, and from that the terms.
    """
    found, dy = jacobian(case, i), case.conduct.dy
    if found is None or len(dy) != 1 or dy[0].shape != case.arguments[i].shape:
        return None, None, None
    size = int(np.prod([constant.shape[axis] for axis in axes]))
    x_hat = centred / np.sqrt((centred**2).mean(axis=axes, keepdims=True))
    terms = case.arguments[i].numeric.reshape(centred.shape) * centred
    if np.abs(terms.sum(axis=axes)).max() > ORTHOGONAL * np.abs(terms).sum(axis=axes).max():
        x_hat = 0 * x_hat  # only a mean is subtracted, nothing divided
    with np.errstate(all="ignore"):
        direct = np.diag(found.numeric).reshape(centred.shape) / (1 - 1 / size - x_hat**2 / size)
        g = direct * dy[0].reshape(centred.shape)
        terms = g.mean(axis=axes, keepdims=True) + 0 * g, x_hat * (g * x_hat).mean(axis=axes, keepdims=True)
    return (
        _share(constant, terms[0]),
        _share(multiple, terms[1]),
        _share(constant + multiple, terms[0] + terms[1]),
    )


def _scale_share(case: Case, i: int, multiple: np.ndarray, values: np.ndarray, axes: tuple[int, ...]) -> float | None:
    """The same for (5): the diagonal of J is (g_k / dy_k / size) (1 - x-hat_k^2/m)."""
    found, dy = jacobian(case, i), case.conduct.dy
    if found is None or len(dy) != 1 or dy[0].shape != case.arguments[i].shape:
        return None
    x_hat = values / np.sqrt((values**2).mean(axis=axes, keepdims=True))
    size = int(np.prod([values.shape[axis] for axis in axes]))
    with np.errstate(all="ignore"):
        g = np.diag(found.numeric).reshape(values.shape) / (1 - x_hat**2 / size) * dy[0].reshape(values.shape)
        return _share(multiple, x_hat * (g * x_hat).mean(axis=axes, keepdims=True))


def _share(error: np.ndarray, term: np.ndarray) -> float | None:
    """error / term; NaN if it is not the same everywhere, None if it cannot be told."""
    if not np.isfinite(term).all() or not term.any():
        return None
    share = float((error * term).sum() / (term**2).sum())
    return share if np.abs(error - share * term).max() < SAME_SHARE * np.abs(error).max(initial=0.0) else np.nan
