"""Checks of what a user hands over: numbers to a constructor, gradients to an optimizer."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np


def checked_number(
    owner: str,
    name: str,
    value: float,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> float:
    """Return `value` as a plain float if it is a finite number within the bounds.

    Parameters
    ----------
    owner : str
        Who asks, for the message ("SGD").
    name : str
        The argument's name ("momentum").
    value : float
        What came.
    above, at_least : float, optional
        Lower bound, without and with the bound itself.
    below, at_most : float, optional
        Upper bound, without and with the bound itself.

    Returns
    -------
    value : float
        The same number, also where a NumPy scalar came: a float64 scalar would turn float32 arithmetic into float64.

    Raises
    ------
    TypeError
        If `value` is not a number.
    ValueError
        If it is not finite or out of bounds.
    """
    bounds = f"{name}"
    if above is not None or at_least is not None:
        bounds = f"{at_least:g} <= {bounds}" if above is None else f"{above:g} < {bounds}"
    if below is not None or at_most is not None:
        bounds = f"{bounds} <= {at_most:g}" if below is None else f"{bounds} < {below:g}"
    wanted = "a finite number" if bounds == name else f"a finite number with {bounds}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{owner} needs {wanted} as {name}, got {value!r}.")
    within = (
        math.isfinite(value)
        and (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (below is None or value < below)
        and (at_most is None or value <= at_most)
    )
    if not within:
        raise ValueError(f"{owner} needs {wanted} as {name}, got {value!r}.")
    return float(value)


def checked_count(owner: str, name: str, value: int, *, at_least: int) -> int:
    """Return `value` as a plain int if it is a whole number, `at_least` or more; else raise as `checked_number`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{owner} needs a whole number as {name}, got {value!r}.")
    if value < at_least:
        raise ValueError(f"{owner} needs a whole number with {at_least} <= {name} as {name}, got {value!r}.")
    return int(value)


def check_gradients(
    owner: str,
    params: dict[str, np.ndarray],
    grads: dict[str, np.ndarray],
    state: dict[str, dict[str, np.ndarray]],
) -> None:
    """See that every parameter can be changed and that its gradient, and its slots if it has any, are like it.

    Parameters
    ----------
    owner : str
        Name of the optimizer, for the message.
    params, grads : dict of str to array
        Parameters and gradients by name.
    state : dict of str to dict of str to array
        Slots by parameter and slot.

    Raises
    ------
    ValueError, TypeError
        If names, shapes or dtypes differ, or a parameter is not a writable float array.
    """
    missing = [name for name in params if grads.get(name) is None]
    if missing:
        raise ValueError(f"{owner}.step got no gradient for {', '.join(missing)}. Call model.backward(dy) before it.")
    unknown = [name for name in grads if name not in params]
    if unknown:
        raise ValueError(f"{owner}.step got gradients of unknown parameters: {', '.join(unknown)}.")
    for name, param in params.items():
        if param.dtype not in (np.float32, np.float64) or not param.flags.writeable:
            what = param.dtype if param.flags.writeable else f"read-only {param.dtype}"
            raise TypeError(f"{owner}.step changes writable arrays of float32 or float64, got {name} as {what}.")
        for what, array in ({"gradient": grads[name]} | state.get(name, {})).items():
            if array.shape != param.shape or array.dtype != param.dtype:
                advice = "Both must be alike." if what == "gradient" else f"Make a new {owner} for a new model."
                raise ValueError(
                    f"{owner}.step: {name} is {param.dtype} of shape {param.shape}, "
                    f"its {what} {array.dtype} of shape {array.shape}. {advice}"
                )
