"""Dropout: in training, silence each unit with probability `rate` and scale up the rest.

    forward     y = x * m / keep,      keep = 1 - rate,  m_i = 1 with probability keep, else 0      (1)
    backward    dx = dy * m / keep                                                                  (2)

Dividing by `keep` leaves the mean where it was, E[y] = x, so that evaluation needs no scaling: y = x.
A silenced unit has m_i = 0: by (2) nothing flows back through it, and its incoming weights stay as they are.

Spatial dropout silences whole channels of an image: one m for each example and channel. Neighbouring pixels of a
channel say nearly the same, so that silencing them one by one would hide little.

Sources: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014; Tompson
et al., "Efficient Object Localization Using Convolutional Networks", CVPR 2015 (spatial).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..arguments import checked_number, checked_rng
from ..kernels import parallel
from .checks import check_image_shape, checked_array, checked_cache, checked_dy
from .layer import Layer

PIECE = 1 << 18  # units whose masks come from one generator


def dropout_forward(x: np.ndarray, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Silence units at random, equation (1).

    Parameters
    ----------
    x : array, any shape
    rate : float in [0, 1)
        Probability that a unit is silenced.
    rng : numpy.random.Generator

    Returns
    -------
    y : array, shape and dtype of `x`
    cache : array, shape and dtype of `x`
        The scaled mask m / keep, for `dropout_backward`.

    Examples
    --------
    >>> from minicnn.functional import dropout_forward
    >>> y, cache = dropout_forward(np.ones((1, 8)), rate=0.5, rng=np.random.default_rng(1))
    >>> y  # those kept are doubled
    array([[0., 0., 2., 0., 2., 2., 0., 2.]])
    """
    x = checked_array(x, "x")
    scaled_mask = _scaled_mask(x.shape, x.dtype, rate, rng)
    return _product(x, scaled_mask), scaled_mask


def dropout_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Pass the gradient through the same units, equation (2). Shapes as in `dropout_forward`.

    Examples
    --------
    >>> from minicnn.functional import dropout_backward, dropout_forward
    >>> y, cache = dropout_forward(np.ones((1, 8)), rate=0.5, rng=np.random.default_rng(1))
    >>> bool((dropout_backward(np.ones((1, 8)), cache) == y).all())  # through the same units, by the same factor
    True
    """
    scaled_mask = checked_cache(cache, np.ndarray, "dropout_forward")
    return _product(checked_dy(dy, scaled_mask.shape, scaled_mask.dtype), scaled_mask)


def spatial_dropout2d_forward(x: np.ndarray, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Silence channels at random, equation (1) with one m for each example and channel.

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    rate : float in [0, 1)
        Probability that a channel is silenced.
    rng : numpy.random.Generator

    Returns
    -------
    y : array, shape and dtype of `x`
    cache : array, shape of `x`
        The scaled mask m / keep, for `spatial_dropout2d_backward`: a view that repeats one number for each channel.

    Examples
    --------
    >>> from minicnn.functional import spatial_dropout2d_forward
    >>> y, cache = spatial_dropout2d_forward(np.ones((1, 4, 4, 6)), rate=0.5, rng=np.random.default_rng(0))
    >>> y.mean(axis=(1, 2))  # a channel is there or not, as a whole
    array([[0., 2., 2., 2., 0., 0.]])
    """
    x = checked_array(x, "x", "(N, H, W, C)")
    N, _, _, C = x.shape
    scaled_mask = np.broadcast_to(_scaled_mask((N, 1, 1, C), x.dtype, rate, rng), x.shape)
    return _product(x, scaled_mask), scaled_mask


def spatial_dropout2d_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Pass the gradient through the same channels, equation (2). Shapes as in `spatial_dropout2d_forward`.

    Examples
    --------
    >>> from minicnn.functional import spatial_dropout2d_backward, spatial_dropout2d_forward
    >>> y, cache = spatial_dropout2d_forward(np.ones((1, 4, 4, 6)), rate=0.5, rng=np.random.default_rng(0))
    >>> spatial_dropout2d_backward(np.ones((1, 4, 4, 6)), cache).mean(axis=(1, 2))
    array([[0., 2., 2., 2., 0., 0.]])
    """
    return dropout_backward(dy, checked_cache(cache, np.ndarray, "spatial_dropout2d_forward"))


def _scaled_mask(shape: tuple[int, ...], dtype: np.dtype, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Draw m / keep.

    Of many numbers, each piece has a generator of its own, seeded from `rng`: threads draw side by side, and how many
    there are makes no difference.
    """
    checked_rng("Dropout", rng)
    keep = 1 - checked_number("Dropout", "rate", rate, at_least=0, below=1)
    scaled_mask = np.empty(shape, dtype)
    pieces = [scaled_mask.reshape(-1)[start : start + PIECE] for start in range(0, scaled_mask.size, PIECE)]
    seeds = rng.integers(2**63, size=len(pieces)) if len(pieces) > 1 else []

    def draw(some: slice) -> None:
        for k in range(some.start, some.stop):
            generator = np.random.Generator(np.random.SFC64(seeds[k])) if len(pieces) > 1 else rng
            np.multiply(_kept(pieces[k].size, dtype, keep, generator), dtype.type(1 / keep), out=pieces[k])

    parallel.over_batch(draw, len(pieces), scaled_mask.size)
    return scaled_mask


def _kept(size: int, dtype: np.dtype, keep: float, rng: np.random.Generator) -> np.ndarray:
    """Draw m: what `rng.random(size, dtype) < keep` says, for float32 in half the time.

    A random float32 is a whole number of 24 bits, divided by 2^24. Whole numbers can be drawn two at a time, and are
    as easily compared; the lowest 8 of their 32 bits play no part.
    """
    if dtype == np.float64:
        return rng.random(size) < keep
    pairs = rng.integers(0, 2**64, size=-(-size // 2), dtype=np.uint64)
    threshold = math.ceil(np.float32(keep) * 2**24) << 8
    return pairs.view(np.uint32)[:size] < threshold


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`a * b` of two arrays of one shape, by slices of the batch."""
    y = np.empty_like(a)
    parallel.over_batch(lambda s: np.multiply(a[s], b[s], out=y[s]), len(a), a.size)
    return y


class Unchanged(NamedTuple):
    """What `Dropout.backward` needs of a forward pass that silenced nothing."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Dropout(Layer):
    """Silence a share `rate` of the units at each training step; do nothing in evaluation.

    Parameters
    ----------
    rate : float in [0, 1)
        Probability that a unit is silenced, dimensionless.

    Examples
    --------
    >>> from minicnn import Dropout
    >>> layer = Dropout(0.25)
    >>> layer.build((10_000,))
    (10000,)
    >>> y = layer.forward(np.ones((1, 10_000), "float32"), training=True)
    >>> round(float((y == 0).mean()), 2), round(float(y.mean()), 2)  # a quarter is silenced, the mean stays
    (0.25, 1.0)
    """

    functions = dropout_forward, dropout_backward

    def __init__(self, rate: float):
        self.rate = checked_number(type(self).__name__, "rate", rate, at_least=0, below=1)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Equation (1) in training, y = x in evaluation."""
        if not training or self.rate == 0:
            x = checked_array(x, "x")
            self.cache = Unchanged(x.shape, x.dtype)
            return x
        y, self.cache = self.functions[0](x, self.rate, self.rng)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Equation (2) in training, dx = dy in evaluation."""
        if isinstance(self.cache, Unchanged):
            return checked_dy(dy, *self.cache)
        return self.functions[1](dy, self.cache)


class SpatialDropout2D(Dropout):
    """Silence a share `rate` of the channels of each image at each training step; do nothing in evaluation.

    Parameters
    ----------
    rate : float in [0, 1)
        Probability that a channel is silenced, dimensionless.

    Examples
    --------
    >>> from minicnn import SpatialDropout2D
    >>> layer = SpatialDropout2D(0.5)
    >>> layer.build((4, 4, 6))
    (4, 4, 6)
    >>> layer.forward(np.ones((1, 4, 4, 6), "float32"), training=True)[0, 0, 0]  # six channels
    array([0., 0., 0., 2., 2., 2.], dtype=float32)
    """

    functions = spatial_dropout2d_forward, spatial_dropout2d_backward

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The same shape (H, W, C)."""
        return check_image_shape(self, input_shape)
