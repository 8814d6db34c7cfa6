"""Flatten: lay each example's numbers in one row, in memory order; backward lays them back.

y[n] = x[n].ravel(),        dx = dy in the shape of x                                           (1)
"""

from __future__ import annotations

import math

import numpy as np

from .checks import checked_dy
from .layer import FunctionLayer


def flatten_forward(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Each example as one row, equation (1).

    Parameters
    ----------
    x : array, shape (N, ...)

    Returns
    -------
    y : array, shape (N, product of the other axes)
        A view of `x` where its memory allows.
    cache : tuple of int
        The shape of `x`.
    """
    return x.reshape(len(x), -1) if len(x) else x.reshape(0, math.prod(x.shape[1:])), x.shape


def flatten_backward(dy: np.ndarray, cache: tuple[int, ...]) -> np.ndarray:
    """Back to the shape of x, equation (1)."""
    dy = checked_dy(dy, (cache[0], math.prod(cache[1:])), dy.dtype)
    return dy.reshape(cache)


class Flatten(FunctionLayer):
    """From images (N, H, W, C) to rows (N, H * W * C), as `Dense` takes them."""

    functions = flatten_forward, flatten_backward

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """One axis with all the numbers."""
        return (math.prod(input_shape),)
