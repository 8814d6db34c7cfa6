"""Flatten: lay each example's numbers in one row, in memory order; backward lays them back.

    y[n] = x[n].ravel(),        dx = dy in the shape of x                                           (1)

No number changes, so that the gradient's numbers do not either.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .checks import checked_array, checked_cache, checked_dy
from .layer import FunctionLayer


class FlattenCache(NamedTuple):
    """What `flatten_backward` needs of the forward pass."""

    shape: tuple[int, ...]
    dtype: np.dtype


def flatten_forward(x: np.ndarray) -> tuple[np.ndarray, FlattenCache]:
    """Each example as one row, equation (1).

    Parameters
    ----------
    x : array, shape (N, ...)

    Returns
    -------
    y : array, shape (N, product of the other axes)
        A view of `x` where its memory allows.
    cache : FlattenCache

    Examples
    --------
    >>> from minicnn.functional import flatten_forward
    >>> y, cache = flatten_forward(np.zeros((20, 7, 7, 32)))
    >>> y.shape
    (20, 1568)
    """
    x, shape = checked_array(x, "x"), x.shape
    if shape == ():
        raise ValueError(f"x must have the axes (N, ...), a batch of examples, got an array of shape {shape}.")
    return x.reshape(len(x), math.prod(x.shape[1:])), FlattenCache(x.shape, x.dtype)


def flatten_backward(dy: np.ndarray, cache: FlattenCache) -> np.ndarray:
    """Back to the shape of x, equation (1).

    Examples
    --------
    >>> from minicnn.functional import flatten_backward, flatten_forward
    >>> y, cache = flatten_forward(np.zeros((20, 7, 7, 32)))
    >>> flatten_backward(np.ones(y.shape), cache).shape
    (20, 7, 7, 32)
    """
    shape, dtype = checked_cache(cache, FlattenCache, "flatten_forward")
    return checked_dy(dy, (shape[0], math.prod(shape[1:])), dtype).reshape(shape)


class Flatten(FunctionLayer):
    """From images (N, H, W, C) to rows (N, H * W * C), as `Dense` takes them.

    Examples
    --------
    >>> from minicnn import Flatten
    >>> Flatten().build((7, 7, 32))
    (1568,)
    """

    functions = flatten_forward, flatten_backward

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """One axis with all the numbers."""
        return (math.prod(input_shape),)
