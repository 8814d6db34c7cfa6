"""Checks of what a user hands over: numbers to a constructor, gradients to an optimizer, paths to a file."""

from __future__ import annotations

import math
import os
from numbers import Integral, Real

import numpy as np
from numpy.typing import DTypeLike


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
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if (
        is_number
        and math.isfinite(value)
        and (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (below is None or value < below)
        and (at_most is None or value <= at_most)
    ):
        return float(value)
    bounds = name
    if above is not None or at_least is not None:
        bounds = f"{at_least:g} <= {bounds}" if above is None else f"{above:g} < {bounds}"
    if below is not None or at_most is not None:
        bounds = f"{bounds} <= {at_most:g}" if below is None else f"{bounds} < {below:g}"
    wanted = "a finite number" if bounds == name else f"a finite number with {bounds}"
    error = ValueError if is_number else TypeError
    raise error(f"{owner} needs {wanted} as {name}, got {value!r}.")


def checked_count(owner: str, name: str, value: int, *, at_least: int, at_most: int | None = None) -> int:
    """Return `value` as a plain int if it is a whole number within the bounds; else raise as `checked_number`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{owner} needs a whole number as {name}, got {value!r}.")
    if value < at_least or (at_most is not None and value > at_most):
        bounds = f"{at_least} <= {name}" + ("" if at_most is None else f" <= {at_most}")
        raise ValueError(f"{owner} needs a whole number with {bounds} as {name}, got {value!r}.")
    return int(value)


def checked_flag(owner: str, name: str, value: bool) -> bool:
    """Return `value` as a plain bool if it is one: the text "no" would count as True. Else raise TypeError."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{owner} takes True or False as {name}, got {value!r:.80}.")
    return bool(value)


def checked_rng(owner: str, rng: np.random.Generator) -> np.random.Generator:
    """Return `rng` if it is a generator of random numbers, else raise TypeError."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{owner} takes a generator such as np.random.default_rng(0) as rng, got {rng!r:.80}.")
    return rng


def checked_shape(input_shape: tuple[int, ...], name: str = "input_shape", empty: bool = False) -> tuple[int, ...]:
    """Return the shape of one example as a tuple, if it is one; else raise ValueError. `empty`: () is a shape too."""
    whole = isinstance(input_shape, (tuple, list)) and all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in input_shape
    )
    if not whole or not (input_shape or empty):
        raise ValueError(
            f"{name} takes the shape of one example without the batch axis, such as (28, 28, 1), got {input_shape!r}."
        )
    return tuple(int(n) for n in input_shape)


def checked_dtype(dtype: DTypeLike) -> np.dtype:
    """Return the dtype to compute in, float32 or float64; else raise TypeError."""
    try:
        found = None if dtype is None else np.dtype(dtype)  # NumPy would take None for float64
    except TypeError:
        found = None
    if found is None or found not in (np.float32, np.float64):
        raise TypeError(f'dtype takes "float32" or "float64", got {dtype!r}.')
    return found


def checked_kind(owner: str, name: str, value: object, kind: type | tuple[type, ...], wanted: str) -> None:
    """See that `value` is of its kind, which the message calls `wanted`; else raise TypeError."""
    if not isinstance(value, kind):
        raise TypeError(f"{owner} takes {wanted} as {name}, got {value!r:.80}.")


def checked_path(owner: str, path: str | os.PathLike, name: str = "path", what: str = "file") -> str:
    """Return a path as text, if it is one.

    Raises
    ------
    TypeError
        If it is neither text nor a path: a number would be taken for a file that is open already.
    ValueError
        If it is empty.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{owner} takes the path of a {what} as {name}, got {path!r:.80}.")
    if not os.fspath(path):
        raise ValueError(f"{owner} takes the path of a {what} as {name}, got {path!r}: give the name of a {what}.")
    return os.fspath(path)


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
    for argument, given in {"params": params, "grads": grads}.items():
        if not isinstance(given, dict):
            raise TypeError(
                f"{owner}.step takes arrays by name as {argument}, such as model.{argument}, got {given!r:.80}."
            )
    missing = [name for name in params if grads.get(name) is None]
    if missing:
        raise ValueError(f"{owner}.step got no gradient for {', '.join(missing)}. Call model.backward(dy) before it.")
    unknown = [name for name in grads if name not in params]
    if unknown:
        raise ValueError(f"{owner}.step got gradients of unknown parameters: {', '.join(unknown)}.")
    for name, param in params.items():
        if not isinstance(param, np.ndarray):
            raise TypeError(
                f"{owner}.step changes writable arrays of float32 or float64, got {name} as a {type(param).__name__}."
            )
        if param.dtype not in (np.float32, np.float64) or not param.flags.writeable:
            what = param.dtype if param.flags.writeable else f"read-only {param.dtype}"
            raise TypeError(f"{owner}.step changes writable arrays of float32 or float64, got {name} as {what}.")
        for what, array in ({"gradient": grads[name]} | state.get(name, {})).items():
            if not isinstance(array, np.ndarray):
                raise TypeError(f"{owner}.step takes the {what} of {name} as an array, got a {type(array).__name__}.")
            if array.shape != param.shape or array.dtype != param.dtype:
                advice = "Both must be alike." if what == "gradient" else f"Make a new {owner} for a new model."
                raise ValueError(
                    f"{owner}.step: {name} is {param.dtype} of shape {param.shape}, "
                    f"its {what} {array.dtype} of shape {array.shape}. {advice}"
                )
