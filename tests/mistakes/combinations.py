"""Several operations in one pair: a layer with its activation, a variable used twice, branches that meet, statistics.

Where a variable reaches the loss along several paths, its gradient is the sum over all of them.
"""

import numpy as np

from .mistake import Operation, mistake

# ---- a dense layer with its activation inside ----


def dense_relu_forward(x, w, b):
    y = np.maximum(x @ w + b, 0)
    return y, (x, w, y > 0)


def dense_relu_backward(dy, cache):
    x, w, on = cache
    d = dy * on
    return d @ w.T, x.T @ d, d.sum(axis=0)


def dense_tanh_forward(x, w, b):
    y = np.tanh(x @ w + b)
    return y, (x, w, 1 - y**2)


def draw_dense(rng, n, i, o):
    return rng.normal(size=(n, i)), rng.normal(size=(i, o)), rng.normal(size=o)


SIZES = {"n": 6, "i": 3, "o": 4}
dense_relu = Operation("dense and ReLU", dense_relu_forward, dense_relu_backward, draw_dense, SIZES)
dense_tanh = Operation("dense and tanh", dense_tanh_forward, dense_relu_backward, draw_dense, SIZES)


@mistake("mask-missing", dense_relu)
def activation_forgotten(dy, cache):
    """Units that are off pass nothing back, to x, w and b alike."""
    x, w, _ = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


@mistake("term-missing", dense_tanh)
def slope_of_the_activation_forgotten(dy, cache):
    """dy has to go back through tanh first."""
    x, w, _ = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


# ---- a variable used twice ----


def gram_forward(x):
    return x @ x.T, x


def gram_backward(dy, x):
    return (dy + dy.T) @ x


def quadratic_forward(x, m):
    return np.sum((x @ m) * x, axis=1), (x, m)


def quadratic_backward(dy, cache):
    x, m = cache
    return dy[:, None] * (x @ (m + m.T)), x.T @ (dy[:, None] * x)


def tied_forward(x, w):
    """An autoencoder that decodes with the transposed weights of its encoder."""
    h = np.tanh(x @ w)
    return h @ w.T, (x, w, h)


def tied_backward(dy, cache):
    x, w, h = cache
    dh = (dy @ w) * (1 - h**2)
    return dh @ w.T, x.T @ dh + dy.T @ h


def difference_forward(x):
    return x[:, 1:] - x[:, :-1], x.shape


def difference_backward(dy, shape):
    dx = np.zeros(shape)
    dx[:, 1:] += dy
    dx[:, :-1] -= dy
    return dx


def draw_matrix(rng, n, c):
    return (rng.normal(size=(n, c)),)


def draw_quadratic(rng, n, c):
    return rng.normal(size=(n, c)), rng.normal(size=(c, c))


def draw_tied(rng, n, i, o):
    return rng.normal(size=(n, i)), rng.normal(size=(i, o))


gram = Operation("Gram matrix", gram_forward, gram_backward, draw_matrix, {"n": 4, "c": 3})
quadratic = Operation("quadratic form", quadratic_forward, quadratic_backward, draw_quadratic, {"n": 5, "c": 3})
tied = Operation("tied weights", tied_forward, tied_backward, draw_tied, SIZES)
difference = Operation("differences", difference_forward, difference_backward, draw_matrix, {"n": 3, "c": 6})


@mistake("term-missing", gram)
def only_the_left_factor(dy, x):
    """x stands on both sides of the product."""
    return dy @ x


@mistake("term-missing", quadratic)
def only_the_right_factor(dy, cache):
    """x m x has x twice."""
    x, m = cache
    return dy[:, None] * (x @ m), x.T @ (dy[:, None] * x)


@mistake("term-missing", tied)
def only_the_encoder(dy, cache):
    """The decoder has the same weights."""
    x, w, h = cache
    dh = (dy @ w) * (1 - h**2)
    return dh @ w.T, x.T @ dh


@mistake("term-missing", difference)
def only_the_later_one(dy, shape):
    """Each number stands in two differences, once with a minus."""
    dx = np.zeros(shape)
    dx[:, 1:] = dy
    return dx


# ---- branches that meet ----


def highway_forward(x, h, gate):
    t = (1 + np.tanh(gate / 2)) / 2
    return t * h + (1 - t) * x, (x, h, t)


def highway_backward(dy, cache):
    x, h, t = cache
    return (1 - t) * dy, t * dy, dy * (h - x) * t * (1 - t)


def summary_forward(x):
    """Mean and spread of each column: two outputs."""
    mean, std = x.mean(axis=0), x.std(axis=0)
    return (mean, std), (x - mean, std)


def summary_backward(dy, cache):
    (dmean, dstd), (c, std) = dy, cache
    return (dmean + dstd * c / std) / len(c)


def draw_highway(rng, n, c):
    return tuple(rng.normal(size=(3, n, c)))


highway = Operation("highway", highway_forward, highway_backward, draw_highway, {"n": 5, "c": 3})
summary = Operation("mean and spread", summary_forward, summary_backward, draw_matrix, {"n": 5, "c": 3})


@mistake("sign-flipped", highway)
def gate_the_wrong_way_round(dy, cache):
    """An open gate lets h in and keeps x out: h - x."""
    x, h, t = cache
    return (1 - t) * dy, t * dy, dy * (x - h) * t * (1 - t)


@mistake("term-missing", summary)
def second_output_forgotten(dy, cache):
    """Both outputs send a gradient back."""
    (dmean, _), (c, _) = dy, cache
    return np.broadcast_to(dmean, c.shape) / len(c)


# ---- statistics as outputs ----


def spread_forward(x):
    return x.std(axis=0), (x - x.mean(axis=0), x.std(axis=0))


def spread_backward(dy, cache):
    c, std = cache
    return dy * c / std / len(c)


def unit_forward(x):
    """Rows of length one."""
    length = np.sqrt(np.sum(x**2, axis=1, keepdims=True))
    return x / length, (x / length, length)


def unit_backward(dy, cache):
    y, length = cache
    return (dy - y * np.sum(dy * y, axis=1, keepdims=True)) / length


def masked_mean_forward(x, lengths):
    """Mean over the moments that each sequence really has."""
    valid = np.arange(x.shape[1]) < lengths[:, None]
    return (x * valid[:, :, None]).sum(axis=1) / lengths[:, None], (valid, lengths)


def masked_mean_backward(dy, cache):
    valid, lengths = cache
    return valid[:, :, None] * (dy / lengths[:, None])[:, None]


def draw_lengths(rng, n, t, c):
    return rng.normal(size=(n, t, c)), rng.integers(1, t, n)


spread = Operation("spread", spread_forward, spread_backward, draw_matrix, {"n": 5, "c": 3})
unit = Operation("unit length", unit_forward, unit_backward, draw_matrix, {"n": 4, "c": 5})
masked_mean = Operation(
    "masked mean", masked_mean_forward, masked_mean_backward, draw_lengths, {"n": 4, "t": 6, "c": 3}
)


@mistake("factor-batch", spread)
def count_of_the_spread_forgotten(dy, cache):
    """The spread is the root of a mean over N."""
    c, std = cache
    return dy * c / std


# The length is a scale: as a statistic it is the spread.
@mistake("statistics-held-constant", unit, also=("variance-term-missing",))
def length_held_constant(dy, cache):
    """Moving x changes its length."""
    _, length = cache
    return dy / length


@mistake("mask-missing", masked_mean)
def padding_gets_a_gradient(dy, cache):
    """What comes after a sequence's end was not averaged."""
    valid, lengths = cache
    return np.broadcast_to((dy / lengths[:, None])[:, None], (*valid.shape, dy.shape[1])).copy()
