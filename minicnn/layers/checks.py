"""Questions that every pure function asks of its arrays before it starts."""

from __future__ import annotations

import numpy as np

from .layer import Layer


def checked_array(x: np.ndarray, name: str, shape: str | None = None) -> np.ndarray:
    """Return x, C-contiguous, if it is a float array with the axes that `shape` names ("(N, H, W, C)"; None: any).

    Raises
    ------
    TypeError
        If x is no array of float32 or float64.
    ValueError
        If its number of axes differs.
    """
    if not isinstance(x, np.ndarray) or x.dtype not in (np.float32, np.float64):
        what = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
        raise TypeError(
            f"{name} must be an array of float32 or float64, got {what}.\n"
            f'Convert it, e.g. np.asarray({name}, dtype="float32"); divide pixels 0..255 by 255.'
        )
    if shape is not None and x.ndim != len(shape.replace(",)", ")").split(",")):
        raise ValueError(f"{name} must have the axes {shape}, got an array of shape {x.shape}.")
    return np.ascontiguousarray(x)


def check_same_dtype(**arrays: np.ndarray | None) -> None:
    """See that all arrays have one dtype: a mixture would be computed in float64 without anyone asking for it.

    Raises
    ------
    TypeError
        If they have not.
    """
    for name, x in arrays.items():
        if not (x is None or isinstance(x, np.ndarray)):
            raise TypeError(f"{name} must be an array like the others, got a {type(x).__name__}.")
    dtypes = {name: x.dtype for name, x in arrays.items() if x is not None}
    if len(set(dtypes.values())) > 1:
        found = ", ".join(f"{name} is {dtype}" for name, dtype in dtypes.items())
        raise TypeError(f"All arrays must have one dtype, but {found}. Convert them with .astype(...).")


def checked_cache(cache: object, kind: type, forward: str) -> object:
    """Return what the forward pass gave, if it is that: another one's cache, or swapped arguments, are not.

    Raises
    ------
    TypeError
        If it is of another kind.
    """
    if not isinstance(cache, kind):
        raise TypeError(
            f"cache must be what {forward} returned beside y, got a {type(cache).__name__}. "
            f"Call y, cache = {forward}(...), then the backward function with (dy, cache)."
        )
    return cache


def check_image_shape(layer: Layer, input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """See that a layer on images gets images, and return their shape.

    Raises
    ------
    ValueError
        If `input_shape` is not (H, W, C).
    """
    if len(input_shape) != 3:
        raise ValueError(
            f"{layer!r} works on images (H, W, C), got inputs of shape {input_shape}. Put it before Flatten and Dense."
        )
    return input_shape


def checked_dy(dy: np.ndarray, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return dL/dy, C-contiguous, if it looks like the y of the forward pass.

    Raises
    ------
    TypeError, ValueError
        If dtype or shape differ.
    """
    if not isinstance(dy, np.ndarray) or dy.dtype != dtype:
        raise TypeError(f"dy must be an array of {dtype} like y, got {getattr(dy, 'dtype', type(dy).__name__)}.")
    if dy.shape != shape:
        raise ValueError(f"dy = dL/dy must have the shape of y, {shape}, got {dy.shape}.")
    return np.ascontiguousarray(dy)
