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
        own=Term("softmax's term p * dp"), normalization=Term("softmax's term of the normalization, -p * sum(dp * p),")
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


def recognise(problem: Problem) -> Iterator[Operation]:
    """The attention that gives y, if there is one."""
    if not problem.hints("attention") or len(problem.arrays) != 3 or problem.y.ndim < 2:
        return
    for q_at, k_at, v_at in permutations(problem.arrays):
        q, k, v = (problem.arrays[at] for at in (q_at, k_at, v_at))
        if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
            continue
        features, queries, keys = q.shape[-1], q.shape[-2], k.shape[-2]
        for seen in (np.ones((queries, keys), bool), np.tri(queries, keys, dtype=bool)):
            for scale in (1 / sqrt(features), 1.0, 1 / features):
                given = {"q": q, "k": k, "v": v, "dy": problem.dy, "seen": seen, "scale": scale}
                if _gives(given, problem):
                    yield Operation(
                        name=f"attention with scale {scale:.4g}{'' if seen.all() else ' and a causal mask'}",
                        given=given,
                        steps=STEPS,
                        mistakes=MISTAKES,
                        gradients={q_at: Gradient("dq"), k_at: Gradient("dk"), v_at: Gradient("dv")},
                        counts={
                            "features": features,
                            "features under the root": sqrt(features),
                            "keys": keys,
                            "queries": queries,
                            IMAGES: len(q),
                        },
                    )
                    return


def _gives(given: dict, problem: Problem) -> bool:
    try:
        return is_same(Values(given, STEPS).y, problem.y)
    except ValueError:  # shapes that do not go together
        return False
