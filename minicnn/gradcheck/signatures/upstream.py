"""What should have been done to dy first: backward is right for another dy than the one it was given.

Backward is linear in dy. Give it dy' in place of dy, the gradient of a last step that it may have forgotten:

    dy' = dy (y != 0)                      a ReLU or mask at the end                                (1)
    dy' = dy (1 - y^2),   dy y (1 - y)     tanh, sigmoid at the end                                 (2)
    dy' = y (dy - sum(dy y))               softmax at the end, over any axis                        (3)
    dy' = dy moved to other places         a reshape or transpose at the end                        (4)

If backward's answer is the numeric gradient then, that step is what is missing, for all arguments at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..candidates import Candidate, is_far_off
from ..case import Case
from ..pair import Gradients
from .rearrange import rearrangements

OTHER_USE = 34
RANK, ELSEWHERE = 7, 13  # numbers in other places may have a simpler reason
RIGHT = 1e-7  # relative to the largest: how well the mended gradient must agree
MOST_PLACES = 80


def step_forgotten(case: Case, i: int) -> Iterator[Candidate]:
    """Equations (1) to (4)."""
    a = case.arguments[i]
    if not is_far_off(case, i):
        return
    for code, words, gradients in case.remember("mended dy", lambda: list(_mended(case))):
        mended = gradients.get(i)
        if mended is None or mended.shape != a.shape or np.allclose(mended, a.analytic):
            continue
        known = ~np.isnan(a.numeric) & ~a.kinks
        size = np.abs(a.numeric[known]).max(initial=0.0)
        missed = np.abs(mended - a.numeric)[known]
        if missed.size and np.all(missed <= RIGHT * size + a.uncertainty[known]):
            message = f"{words} before anything else: given that, backward's gradient of {a.name} is right."
            rank = RANK if "multiplied" in words or "softmax" in words else ELSEWHERE
            yield Candidate(code, message, None, {"mended_by": words}, rank)
            return


def other_use_forgotten(case: Case, i: int) -> Iterator[Candidate]:
    """n = a(dy) + a(dy') or a(dy) - a(dy'), dy' being dy in other places: used twice, but counted once."""
    a = case.arguments[i]
    for _, words, gradients in case.remember("mended dy", lambda: list(_mended(case))):
        other = gradients.get(i)
        if other is None or other.shape != a.shape or "taken" not in words:
            continue
        for sign, told in ((1.0, "plus"), (-1.0, "minus")):
            missed = np.abs(a.analytic + sign * other - a.numeric)[~np.isnan(a.numeric)]
            if missed.size and missed.max() <= RIGHT * np.nanmax(np.abs(a.numeric)) + np.nanmax(a.uncertainty):
                message = (
                    f"one of two uses of {a.name} is forgotten: backward's answer, {told} its answer to a dy "
                    f"{words.removeprefix('dy has to be taken ')}, is the right gradient."
                )
                yield Candidate("term-missing", message, None, {"other_use": words}, OTHER_USE)
                return


def _mended(case: Case) -> Iterator[tuple[str, str, Gradients]]:
    """Other dy, what they mean, and backward's answer to them."""
    dy, outputs = case.conduct.dy, case.conduct.call.outputs
    if case.conduct.backward_drift or case.conduct.call.is_loss:
        return
    call = case.pair.forward()
    for code, words, other in _other_dy(dy, outputs):
        try:
            gradients = case.pair.backward([d.copy() for d in other], call)
        except Exception:  # whatever the learner's code raises for such a dy
            continue
        yield code, words, {i: g.astype(np.float64) for i, g in gradients.items()}


def _other_dy(dy: list[np.ndarray], outputs: list[np.ndarray]) -> Iterator[tuple[str, str, list[np.ndarray]]]:
    pairs = list(zip(dy, outputs, strict=True))
    if any((y == 0).any() for y in outputs):
        mask = [d * (y != 0) for d, y in pairs]
        yield "mask-missing", "dy has to be multiplied by the mask of the output, dy * (y > 0),", mask
    yield (
        "term-missing",
        "dy has to be multiplied by tanh's slope, dy * (1 - y**2),",
        [d * (1 - y**2) for d, y in pairs],
    )
    yield (
        "term-missing",
        "dy has to be multiplied by sigmoid's slope, dy * y * (1 - y),",
        [d * y * (1 - y) for d, y in pairs],
    )
    yield "term-missing", "dy has to be multiplied by exp's slope, dy * y,", [d * y for d, y in pairs]
    if len(dy) > 1:
        return
    (d, y), shape = pairs[0], dy[0].shape
    for axis in range(-1, -len(shape) - 1, -1):
        through = y * (d - (d * y).sum(axis=axis, keepdims=True))
        yield "diagonal-jacobian", "dy has to go through softmax, y * (dy - sum(dy * y)),", [through]
    for count, one in enumerate(rearrangements(shape)):
        if count > MOST_PLACES:
            return
        yield one.code, f"dy has to be taken {one.words}", [np.nan_to_num(one.apply(d))]
