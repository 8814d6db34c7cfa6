"""Dropout of units, of whole channels, of whole examples: y = x m / keep, dx = dy m / keep."""

import numpy as np

from .mistake import Operation, mistake


def dropout_forward(x, rate, rng):
    m = rng.random(x.shape) >= rate
    return x * m / (1 - rate), (m, rate)


def channels_last_forward(x, rate, rng):
    """One mask for each channel of (N, H, W, C)."""
    n, _, _, c = x.shape
    m = rng.random((n, 1, 1, c)) >= rate
    return x * m / (1 - rate), (m, rate)


def channels_first_forward(x, rate, rng):
    """One mask for each channel of (N, C, H, W)."""
    m = rng.random((*x.shape[:2], 1, 1)) >= rate
    return x * m / (1 - rate), (m, rate)


def examples_forward(x, rate, rng):
    """One mask for each example: stochastic depth."""
    m = rng.random((len(x), 1)) >= rate
    return x * m / (1 - rate), (m, rate)


def dropout_backward(dy, cache):
    m, rate = cache
    return dy * m / (1 - rate)


RATE = 0.4


def draw_matrix(rng, n, c):
    return rng.normal(size=(n, c)), RATE, np.random.default_rng(rng.integers(100))


def draw_images(rng, n, a, b, c):
    return rng.normal(size=(n, a, b, c)), RATE, np.random.default_rng(rng.integers(100))


MATRIX, IMAGES = {"n": 5, "c": 6}, {"n": 3, "a": 4, "b": 2, "c": 5}
units = Operation("dropout", dropout_forward, dropout_backward, draw_matrix, MATRIX)
pixels = Operation("dropout on images", dropout_forward, dropout_backward, draw_images, IMAGES)
channels_last = Operation("spatial dropout NHWC", channels_last_forward, dropout_backward, draw_images, IMAGES)
channels_first = Operation("spatial dropout NCHW", channels_first_forward, dropout_backward, draw_images, IMAGES)
examples = Operation("stochastic depth", examples_forward, dropout_backward, draw_matrix, {"n": 8, "c": 3})


@mistake("mask-missing", units, pixels, channels_last, channels_first, examples)
def everything_flows_back(dy, cache):
    """Silenced units get no gradient."""
    return dy


@mistake("mask-missing", units, channels_first)
def scaled_without_the_mask(dy, cache):
    """1/keep is there, the mask is not."""
    _, rate = cache
    return dy / (1 - rate)


@mistake("mask-unscaled", units, channels_last, channels_first, examples)
def mask_without_the_scale(dy, cache):
    """The forward pass divided by keep."""
    m, _ = cache
    return dy * m


@mistake("mask-unscaled", units)
def divided_by_the_rate(dy, cache):
    """keep = 1 - rate."""
    m, rate = cache
    return dy * m / rate


@mistake("mask-unscaled", units, channels_last)
def multiplied_by_keep(dy, cache):
    """Forward and backward scale the same way."""
    m, rate = cache
    return dy * m * (1 - rate)


@mistake("mask-unscaled", pixels)
def divided_by_keep_twice(dy, cache):
    """The mask may have been scaled already."""
    m, rate = cache
    return dy * m / (1 - rate) ** 2


HIDDEN = np.random.default_rng(5)  # a generator that the checker is not told of


@mistake("backward-not-repeatable", units)
def a_fresh_mask(dy, cache):
    """The mask of the forward pass is the one to use."""
    _, rate = cache
    return dy * (HIDDEN.random(dy.shape) >= rate) / (1 - rate)


def residual_forward(x, rate, rng):
    """A block beside which the input passes: y = x + dropout(x)."""
    y, cache = dropout_forward(x, rate, rng)
    return x + y, cache


def residual_backward(dy, cache):
    return dy + dropout_backward(dy, cache)


residual = Operation("residual dropout", residual_forward, residual_backward, draw_matrix, MATRIX)


@mistake("term-missing", residual)
def shortcut_forgotten(dy, cache):
    """The input passes beside the block, and so does its gradient."""
    return dropout_backward(dy, cache)
