"""Conditions that many exercises ask for, whatever their functions compute."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .compare import KEEP_FLOAT32
from .exercise import Arguments, Condition, Wrong

MakeArguments = Callable[[], Arguments]


def keeps_caches_apart(forward: str, backward: str, first: MakeArguments, second: MakeArguments) -> Condition:
    """Two forward passes, then the backward pass of the first: nothing may be kept outside the cache.

    Parameters
    ----------
    forward, backward : str
        Names of the learner's functions.
    first, second : functions without arguments
        Make arguments of forward, of the same shapes and with other numbers.

    Returns
    -------
    Condition
    """

    def test(yours: ModuleType) -> Wrong | None:
        forward_, backward_ = getattr(yours, forward), getattr(yours, backward)
        y, cache = forward_(*first().values())
        expected = as_tuple(backward_(np.ones_like(y), cache))
        y, cache = forward_(*first().values())
        forward_(*second().values())
        got = as_tuple(backward_(np.ones_like(y), cache))
        if all(np.array_equal(g, e) for g, e in zip(got, expected, strict=True)):
            return None
        return Wrong(
            "kept-outside-the-cache",
            f"After a second call of {forward}, {backward} with the first cache answers for the second call. "
            "Keep everything in the cache, nothing in global variables.",
        )

    return Condition("two forward passes at a time", test)


def keeps_float32(forward: str, backward: str, arguments: MakeArguments, title: str = "float32") -> Condition:
    """What goes in as float32 comes out as float32: networks are trained in it.

    Parameters
    ----------
    forward, backward : str
        Names of the learner's functions.
    arguments : function without arguments
        Makes arguments of forward; arrays of floats are handed over as float32.
    title : str

    Returns
    -------
    Condition
    """

    def test(yours: ModuleType) -> Wrong | None:
        given = {name: _as_float32(value) for name, value in arguments().items()}
        y, cache = getattr(yours, forward)(*given.values())
        if _is_float(y) and y.dtype != np.float32:
            return _rounded_up(forward, "y", y)
        dy = np.ones_like(y) if isinstance(y, np.ndarray) else 1.0
        gradients = as_tuple(getattr(yours, backward)(dy, cache))
        arrays = [name for name, value in given.items() if _is_float(value)]
        for name, gradient in zip(arrays, gradients, strict=True):
            if gradient.dtype != np.float32:
                return _rounded_up(backward, f"d{name}", gradient)
        return None

    return Condition(title, test)


def _rounded_up(function: str, name: str, array: np.ndarray) -> Wrong:
    return Wrong(
        "wrong-dtype",
        f"{function} was given float32 and returned {name} as {array.dtype}. Stay in float32: {KEEP_FLOAT32}.",
    )


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _as_float32(value: Any) -> Any:
    return value.astype(np.float32) if _is_float(value) else value


def as_tuple(gradients: Any) -> tuple:
    """One gradient or several, as a tuple."""
    return tuple(gradients) if isinstance(gradients, (tuple, list)) else (gradients,)
