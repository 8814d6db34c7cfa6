"""Activations: y = f(x), one number at a time.

    dx = dy f'(x)                                                                                   (1)

Each entry of `ACTIVATIONS` holds f, its slope f' and the wrong slopes that are written for it. Some f have a parameter
a (the slope of a leaky ReLU, the alpha of ELU), which is found from y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import pi, sqrt

import numpy as np

from .operation import Mistake, Step, Term, Terms

TANH_GELU = sqrt(2 / pi), 0.044715  # of the approximation 0.5 x (1 + tanh(c (x + d x^3)))
NO_CODE = 30  # rank: known, but no code of the table is about it


@dataclass(frozen=True)
class Activation:
    """One f.

    Attributes
    ----------
    name : str
    function : function (x, a) -> y
    steps : dict of str to Step
        "slope", and what it is made of; they may use v.x, v.y and v.a.
    mistakes : tuple of Mistake
    parameter : function (x, y) -> a, optional
    hints : tuple of str
        Other names for it, lower case without blanks.
    """

    name: str
    function: Callable[[np.ndarray, float], np.ndarray]
    steps: dict[str, Step]
    mistakes: tuple[Mistake, ...] = ()
    parameter: Callable[[np.ndarray, np.ndarray], float] | None = None
    hints: tuple[str, ...] = field(default=())


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def normal_cdf(x: np.ndarray) -> np.ndarray:
    """Phi: the share of the normal distribution below x."""
    from math import erf

    return 0.5 * (1 + np.vectorize(erf, otypes=[float])(x / sqrt(2)))


def normal_density(x: np.ndarray) -> np.ndarray:
    """phi = Phi'."""
    return np.exp(-0.5 * x**2) / sqrt(2 * pi)


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    c, d = TANH_GELU
    return np.tanh(c * (x + d * x**3))


def _wrong(slope: Step, message: str, code: str = "unrecognized", rank: int = NO_CODE) -> Mistake:
    return Mistake(code, "slope", slope, message, rank)


def _mask_missing(slope: Step, message: str) -> Mistake:
    return Mistake("mask-missing", "slope", slope, message)


EVERYTHING_PASSES = _mask_missing(
    lambda v: np.ones_like(v.x),
    "dy passes where the unit was off, too: dx = dy * (x > 0).",
)

RECTIFIERS = (
    Activation(
        "ReLU",
        lambda x, a: np.maximum(x, 0),
        {"slope": lambda v: 1.0 * (v.x > 0)},
        (
            EVERYTHING_PASSES,
            _mask_missing(lambda v: 1.0 * (v.x < 0), "the mask is inverted: dy passes where x > 0, not where x < 0."),
            _wrong(lambda v: v.y, "dy is multiplied by y, it should be masked: dx = dy * (x > 0)."),
            _wrong(lambda v: v.x, "dy is multiplied by x, it should be masked: dx = dy * (x > 0).", "mask-missing", 0),
        ),
    ),
    Activation(
        "leaky ReLU",
        lambda x, a: np.where(x > 0, x, a * x),
        {"slope": lambda v: np.where(v.x > 0, 1.0, v.a)},
        (
            _mask_missing(
                lambda v: np.ones_like(v.x), "dy passes undiminished where x < 0; the slope there is {a:.4g}."
            ),
            Mistake(
                "zero-gradient", "slope", lambda v: 1.0 * (v.x > 0), "the slope for x < 0, {a:.4g}, is forgotten.", 30
            ),
            _wrong(
                lambda v: np.where(v.x > 0, v.a, 1.0), "the two sides are mixed up: the slope {a:.4g} is for x < 0."
            ),
            _wrong(
                lambda v: np.where(v.x > 0, 1.0, -v.a), "the slope for x < 0 has the wrong sign.", "term-missing", 0
            ),
            _wrong(lambda v: np.where(v.x > 0, 1.0, v.a * v.x), "for x < 0, dx is dy * slope, without x."),
            *(
                _wrong(
                    lambda v, a=a: np.where(v.x > 0, 1.0, a) if abs(a - v.a) > 1e-9 else None,
                    f"backward has the slope {a:g} for x < 0, forward another.",
                    "mask-unscaled",
                    0,
                )
                for a in (0.01, 0.1, 0.2, 0.3)
            ),
        ),
        parameter=lambda x, y: float(np.median(y[x < 0] / x[x < 0])) if (x < 0).any() else 1.0,
        hints=("leaky",),
    ),
    Activation(
        "ELU",
        lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
        {"slope": lambda v: np.where(v.x > 0, 1.0, v.y + v.a)},
        (
            _mask_missing(lambda v: np.ones_like(v.x), "dy passes undiminished where x < 0."),
            _wrong(
                lambda v: np.where(v.x > 0, 1.0, v.y), "for x < 0 the slope is y + alpha, not y.", "term-missing", 0
            ),
            _wrong(
                lambda v: np.where(v.x > 0, 1.0, np.exp(v.x)), "for x < 0 the slope is alpha * exp(x): alpha forgotten."
            ),
            _wrong(lambda v: np.where(v.x > 0, 1.0, v.y + 1), "for x < 0 the slope is y + alpha, not y + 1."),
        ),
        parameter=lambda x, y: float(np.median(y[x < 0] / np.expm1(x[x < 0]))) if (x < 0).any() else 1.0,
    ),
)

SIGMOIDS = (
    Activation(
        "sigmoid",
        lambda x, a: sigmoid(x),
        {"slope": lambda v: v.y * (1 - v.y)},
        (
            _wrong(lambda v: v.x * (1 - v.x), "the slope is made with x: it is y * (1 - y), with the output y."),
            _wrong(lambda v: sigmoid(v.y) * (1 - sigmoid(v.y)), "sigmoid is taken twice: the slope is y * (1 - y)."),
            _wrong(lambda v: v.y, "the slope is y * (1 - y): the factor 1 - y is missing.", "term-missing", 0),
            _wrong(lambda v: 1 - v.y, "the slope is y * (1 - y): the factor y is missing.", "term-missing", 0),
            _wrong(lambda v: v.y * (1 + v.y), "the slope is y * (1 - y), with a minus.", "term-missing", 0),
            _wrong(lambda v: 1 - v.y**2, "1 - y^2 is the slope of tanh; that of sigmoid is y * (1 - y)."),
            _wrong(lambda v: sigmoid(v.x) * (1 - v.x), "x stands where y should: the slope is y * (1 - y)."),
        ),
    ),
    Activation(
        "tanh",
        lambda x, a: np.tanh(x),
        {"slope": lambda v: 1 - v.y**2},
        (
            _wrong(lambda v: 1 - v.x**2, "the slope is made with x: it is 1 - y^2, with the output y = tanh(x)."),
            _wrong(lambda v: 1 - np.tanh(v.y) ** 2, "tanh is taken twice: the slope is 1 - y^2."),
            _wrong(lambda v: 1 - v.y, "the square is forgotten: the slope is 1 - y^2.", "term-missing", 0),
            _wrong(lambda v: 1 + v.y**2, "the slope is 1 - y^2, with a minus.", "term-missing", 0),
            _wrong(lambda v: v.y * (1 - v.y), "y * (1 - y) is the slope of sigmoid; that of tanh is 1 - y^2."),
            _wrong(lambda v: v.y**2, "the slope is 1 - y^2: the 1 is missing.", "term-missing", 0),
        ),
    ),
    Activation(
        "softplus",
        lambda x, a: np.logaddexp(0, x),
        {"slope": lambda v: sigmoid(v.x)},
        (
            _wrong(lambda v: sigmoid(v.y), "the slope is sigmoid(x), not sigmoid(y)."),
            _wrong(lambda v: sigmoid(v.x) * (1 - sigmoid(v.x)), "the slope is sigmoid(x), not that of sigmoid."),
            _wrong(lambda v: 1.0 * (v.x > 0), "ReLU's mask stands for the slope sigmoid(x).", "term-missing", 0),
        ),
    ),
    Activation(
        "SiLU",
        lambda x, a: x * sigmoid(x),
        {
            "gate": lambda v: sigmoid(v.x),
            "curve": lambda v: v.x * sigmoid(v.x) * (1 - sigmoid(v.x)),
            "slope": Terms(gate=Term("the term sigmoid(x)"), curve=Term("the term x * sigmoid(x) * (1 - sigmoid(x))")),
        },
        (
            _wrong(lambda v: 1.0 * (v.x > 0), "ReLU's mask stands for the slope.", "term-missing", 0),
            _wrong(lambda v: v.gate * (1 - v.gate), "the product rule is missing: sigmoid(x) + x * sigmoid'(x)."),
            _wrong(
                lambda v: v.gate + v.y * (1 - v.y),
                "y * (1 - y) is made with the output: sigmoid(x) + y * (1 - sigmoid(x)).",
            ),
            _wrong(
                lambda v: v.gate + v.gate * (1 - v.gate),
                "x is missing: sigmoid(x) + x * sigmoid'(x).",
                "term-missing",
                0,
            ),
        ),
        hints=("swish",),
    ),
    Activation(
        "GELU",
        lambda x, a: x * normal_cdf(x),
        {
            "gate": lambda v: normal_cdf(v.x),
            "curve": lambda v: v.x * normal_density(v.x),
            "slope": Terms(gate=Term("the term Phi(x)"), curve=Term("the term x * phi(x)")),
        },
        (
            _wrong(lambda v: _gelu_tanh_slope(v.x), "backward belongs to the tanh approximation, forward is exact."),
            _wrong(lambda v: v.gate + normal_density(v.x), "x is missing: Phi(x) + x * phi(x).", "term-missing", 0),
        ),
    ),
    Activation(
        "GELU (tanh approximation)",
        lambda x, a: 0.5 * x * (1 + _gelu_tanh(x)),
        {
            "gate": lambda v: 0.5 * (1 + _gelu_tanh(v.x)),
            "curve": lambda v: _gelu_tanh_slope(v.x) - v.gate,
            "slope": Terms(
                gate=Term("the term 0.5 * (1 + tanh(u))"), curve=Term("the term 0.5 * x * (1 - tanh(u)^2) * du/dx")
            ),
        },
        (
            _wrong(
                lambda v: normal_cdf(v.x) + v.x * normal_density(v.x),
                "backward belongs to the exact GELU, forward is the tanh approximation.",
            ),
            _wrong(
                lambda v: v.gate + 0.5 * v.x * (1 - _gelu_tanh(v.x) ** 2),
                "the inner derivative is missing: du/dx = sqrt(2 / pi) * (1 + 3 * 0.044715 * x^2).",
                "term-missing",
                0,
            ),
            _wrong(
                lambda v: v.gate + 0.5 * v.x * (1 - _gelu_tanh(v.x) ** 2) * TANH_GELU[0] * (1 + TANH_GELU[1] * v.x**2),
                "the 3 of x^3's derivative is missing: du/dx = sqrt(2 / pi) * (1 + 3 * 0.044715 * x^2).",
                "term-missing",
                0,
            ),
        ),
    ),
)


def _gelu_tanh_slope(x: np.ndarray) -> np.ndarray:
    c, d = TANH_GELU
    t = _gelu_tanh(x)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * d * x**2)


SIMPLE = (
    Activation(
        "exp",
        lambda x, a: np.exp(x),
        {"slope": lambda v: v.y},
        (
            _wrong(lambda v: v.x, "the slope is y = exp(x), not x."),
            _wrong(lambda v: np.exp(v.y), "exp is taken twice."),
        ),
    ),
    Activation(
        "log",
        lambda x, a: np.log(x),
        {"slope": lambda v: 1 / v.x},
        (
            _wrong(lambda v: 1 / v.y, "the slope is 1 / x, not 1 / y."),
            _wrong(lambda v: v.x, "dy is multiplied by x, the slope is 1 / x."),
        ),
    ),
    Activation(
        "square root",
        lambda x, a: np.sqrt(x),
        {"slope": lambda v: 0.5 / v.y},
        (_wrong(lambda v: 0.5 / v.x, "the slope is 0.5 / sqrt(x), not 0.5 / x."),),
        hints=("sqrt",),
    ),
    Activation(
        "square",
        lambda x, a: x**2,
        {"slope": lambda v: 2 * v.x},
        (_wrong(lambda v: 2 * np.abs(v.x), "the sign of x is lost: the slope is 2 * x.", "sign-flipped", 0),),
    ),
    Activation("cube", lambda x, a: x**3, {"slope": lambda v: 3 * v.x**2}),
    Activation(
        "absolute value",
        lambda x, a: np.abs(x),
        {"slope": lambda v: np.sign(v.x)},
        (_wrong(lambda v: np.ones_like(v.x), "the slope is -1 where x < 0: dx = dy * sign(x).", "sign-flipped", 0),),
        hints=("abs",),
    ),
    Activation(
        "reciprocal",
        lambda x, a: 1 / x,
        {"slope": lambda v: -(v.y**2)},
        (_wrong(lambda v: v.y, "the slope of 1 / x is -1 / x^2.", "term-missing", 0),),
    ),
    Activation(
        "clip to [-1, 1]",
        lambda x, a: np.clip(x, -1, 1),
        {"slope": lambda v: 1.0 * (np.abs(v.x) < 1)},
        (
            _mask_missing(lambda v: np.ones_like(v.x), "dy passes where x was clipped, too."),
            _mask_missing(lambda v: 1.0 * (v.x < 1), "dy passes where x was clipped from below."),
            _mask_missing(lambda v: 1.0 * (v.x > -1), "dy passes where x was clipped from above."),
        ),
        hints=("hardtanh",),
    ),
    Activation(
        "softsign",
        lambda x, a: x / (1 + np.abs(x)),
        {"slope": lambda v: 1 / (1 + np.abs(v.x)) ** 2},
        (_wrong(lambda v: 1 / (1 + np.abs(v.x)), "the square is forgotten: 1 / (1 + |x|)^2.", "term-missing", 0),),
    ),
)

ACTIVATIONS = RECTIFIERS + SIGMOIDS + SIMPLE
