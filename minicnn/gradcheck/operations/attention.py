"""Attention: each query takes a mixture of the values, by how much its key is like it.

    s = scale q k^T,    p = softmax(s) along the keys,    y = p v                                   (1)
    dv = p^T dy,    dp = dy v^T,    ds = p dp - p sum(dp p),    dq = scale ds k,    dk = scale ds^T q     (2)

Arrays are (..., tokens, features); with a causal mask, a query sees no key behind its own place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from math import sqrt

import numpy as np

from .factors import IMAGES
from .operation import Gradient, Mistake, Operation, Term, Terms, Values
from .problem import Problem, is_same
from .softmax import softmax

HIDDEN = -1e30  # the score of a key that is not seen
HIDING = -1e3  # what is added to a score in order to hide a key is less than this


def _turned(a: np.ndarray) -> np.ndarray:
    return a.swapaxes(-1, -2)


STEPS = {
    "p": lambda v: softmax(np.where(v.seen, v.scale * (v.q @ _turned(v.k)), HIDDEN), -1),
    "y": lambda v: v.p @ v.v,  # (1)
    "dv": lambda v: _turned(v.p) @ v.dy,
    "dp": lambda v: v.dy @ _turned(v.v),
    "own": lambda v: v.p * v.dp,
    "normalization": lambda v: -v.p * (v.dp * v.p).sum(axis=-1, keepdims=True),
    "ds": Terms(
        own=Term("softmax's term p * dp"),
        normalization=Term(
            "softmax's term of the normalization, -p * sum(dp * p),", miscounted="statistics-over-wrong-axes"
        ),
    ),
    "scale_of_dq": lambda v: v.scale,
    "scale_of_dk": lambda v: v.scale,
    "ds_of_dq": lambda v: v.ds,
    "ds_of_dk": lambda v: _turned(v.ds),
    "dq": lambda v: v.scale_of_dq * (v.ds_of_dq @ v.k),
    "dk": lambda v: v.scale_of_dk * (v.ds_of_dk @ v.q),  # (2)
}
MISTAKES = (
    Mistake(
        "diagonal-jacobian",
        "ds",
        lambda v: v.dp * v.p * (1 - v.p),
        "softmax is treated as if the weights were independent: ds = p * (dp - sum(dp * p)).",
    ),
    Mistake(
        "term-missing",
        "ds",
        lambda v: v.own,
        "softmax's normalization is missing: ds = p * (dp - sum(dp * p)).",
    ),
    Mistake("term-missing", "ds", lambda v: v.dp, "softmax is left out: ds = p * (dp - sum(dp * p))."),
    Mistake(
        "statistics-over-wrong-axes",
        "normalization",
        lambda v: -v.p * (v.dp * v.p).sum(axis=-2, keepdims=True),
        "the sum of softmax's gradient runs over the queries: it runs over the keys.",
    ),
    *(
        Mistake(
            "factor-constant",
            f"scale_of_d{name}",
            lambda v: 1.0,
            f"the scale of the scores is forgotten in d{name}: d{name} = scale * ...",
        )
        for name in ("q", "k")
    ),
    Mistake("transposed", "ds_of_dq", lambda v: _turned(v.ds), "ds is transposed in dq: dq = scale * ds @ k."),
    Mistake("transposed", "ds_of_dk", lambda v: v.ds, "ds is not transposed in dk: dk = scale * ds.T @ q."),
    Mistake("transposed", "dv", lambda v: v.p @ v.dy, "p is not transposed in dv: dv = p.T @ dy."),
    Mistake("term-missing", "dv", lambda v: v.dy, "p is missing in dv: dv = p.T @ dy."),
    Mistake(
        "mask-missing",
        "p",
        lambda v: softmax(v.scale * (v.q @ _turned(v.k)), -1),
        "the mask is missing in backward: keys that a query does not see have weight 0.",
    ),
)


SELF_STEPS = STEPS | {
    **{name: lambda v, name=name: v.x @ v[f"w{name}"] for name in "qkv"},
    **{f"path_{name}": lambda v, name=name: v[f"d{name}"] @ v[f"w{name}"].T for name in "qkv"},
    **{f"dw{name}": lambda v, name=name: _rows(v.x).T @ _rows(v[f"d{name}"]) for name in "qkv"},
    "dx": Terms(
        path_q=Term("the path of x through the queries, dq @ wq.T,"),
        path_k=Term("the path of x through the keys, dk @ wk.T,"),
        path_v=Term("the path of x through the values, dv @ wv.T,"),
    ),
}


def _rows(a: np.ndarray) -> np.ndarray:
    return a.reshape(-1, a.shape[-1])


def recognise(problem: Problem) -> Iterator[Operation]:
    """The attention that gives y, if there is one: of q, k, v, or of x with its three weights."""
    if not problem.hints("attention") or len(problem.arrays) not in (3, 4) or problem.y.ndim < 2:
        return
    for of_mask, mask in _masks(problem):
        rest = [k for k in problem.arrays if k != of_mask]
        found = _of_three(problem, rest, mask) if len(rest) == 3 else _of_itself(problem, rest, mask)
        for operation in found:
            yield operation
            return


def _masks(problem: Problem) -> Iterator[tuple[int | None, np.ndarray | None]]:
    """An argument that is added to the scores to hide some; or none, so that the mask may be causal, or all is seen."""
    yield None, None
    for k, a in problem.arrays.items():
        if a.ndim >= 2 and np.all((a == 0) | (a < HIDING)):
            yield k, a == 0


def _of_three(problem: Problem, places: list[int], mask: np.ndarray | None) -> Iterator[Operation]:
    if min(problem.arrays[k].ndim for k in places) < 2:
        return
    for order in permutations(places):
        for heads_apart in (False, True) if {problem.arrays[k].ndim for k in places} == {4} else (False,):
            swap = (lambda a: a.swapaxes(1, 2)) if heads_apart else np.asarray  # (B, T, heads, C) and back
            given = {name: swap(problem.arrays[at]) for name, at in zip("qkv", order, strict=True)}
            given |= {"dy": swap(problem.dy)}
            gradients = {at: Gradient(f"d{name}", swap) for name, at in zip("qkv", order, strict=True)}
            yield from _fitting(problem, given, STEPS, gradients, mask, swap(problem.y))


def _of_itself(problem: Problem, places: list[int], mask: np.ndarray | None) -> Iterator[Operation]:
    for x, *weights in permutations(places):
        if problem.arrays[x].ndim < 2 or any(problem.arrays[w].ndim != 2 for w in weights):
            continue
        given = {f"w{name}": problem.arrays[at] for name, at in zip("qkv", weights, strict=True)}
        given |= {"x": problem.arrays[x], "dy": problem.dy}
        gradients = {at: Gradient(f"dw{name}") for name, at in zip("qkv", weights, strict=True)}
        yield from _fitting(problem, given, SELF_STEPS, gradients | {x: Gradient("dx")}, mask, problem.y)


def _fitting(
    problem: Problem, given: dict, steps: dict, gradients: dict, mask: np.ndarray | None, y: np.ndarray
) -> Iterator[Operation]:
    """The operation with these roles, if some scale and mask give y."""
    try:
        v = Values(given | {"seen": True, "scale": 1.0}, steps)
        scores, features = v.q @ _turned(v.k), v.q.shape[-1]
    except ValueError:  # shapes that do not go together
        return
    queries, keys = scores.shape[-2:]
    for seen in (np.True_, np.tri(queries, keys, dtype=bool)) if mask is None else (mask,):
        for scale in (1 / sqrt(features), 1.0, 1 / features):
            here = given | {"seen": seen, "scale": scale}
            try:
                fits = is_same(Values(here, steps).y, y)
            except ValueError:
                continue
            if fits:
                yield Operation(
                    name=f"{'self-' if 'x' in given else ''}attention with scale {scale:.4g}"
                    f"{'' if np.all(seen) else ' and a mask'}",
                    given=here,
                    steps=steps,
                    mistakes=MISTAKES,
                    gradients=gradients,
                    counts={
                        "features": features,
                        "features under the root": sqrt(features),
                        "keys": keys,
                        "queries": queries,
                        IMAGES: len(problem.y),
                    },
                )
                return
