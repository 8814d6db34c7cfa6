"""Dense layers: y = x w + b, on vectors (N, in), with as many outputs as inputs, and on sequences (N, T, in).

dx = dy w^T,    dw = x^T dy,    db = sum of dy over all rows                                    (1)
"""

import numpy as np

from .mistake import Operation, mistake


def dense_forward(x, w, b):
    return x @ w + b, (x, w)


def dense_backward(dy, cache):
    x, w = cache
    rows, dy_rows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    return dy @ w.T, rows.T @ dy_rows, dy_rows.sum(axis=0)  # (1)


def draw_dense(rng, n, i, o):
    return rng.normal(size=(n, i)), rng.normal(size=(i, o)), rng.normal(size=o)


def draw_square(rng, n, c):
    return draw_dense(rng, n, c, c)


def draw_sequences(rng, n, t, i, o):
    return rng.normal(size=(n, t, i)), rng.normal(size=(i, o)), rng.normal(size=o)


dense = Operation("dense", dense_forward, dense_backward, draw_dense, {"n": 6, "i": 3, "o": 4})
square = Operation("square dense", dense_forward, dense_backward, draw_square, {"n": 6, "c": 4})
sequences = Operation(
    "dense on sequences", dense_forward, dense_backward, draw_sequences, {"n": 3, "t": 5, "i": 2, "o": 4}
)


@mistake("factor-batch", dense, square)
def averages_the_bias(dy, cache):
    """b is added to each of the N rows, and so its gradient is their sum."""
    dx, dw, _ = dense_backward(dy, cache)
    return dx, dw, dy.mean(axis=0)


@mistake("factor-batch", dense)
def divides_the_weights_by_the_batch(dy, cache):
    """The loss has divided by N already."""
    x, w = cache
    return dy @ w.T, x.T @ dy / len(x), dy.sum(axis=0)


@mistake("factor-batch", dense)
def divides_everything_by_the_batch(dy, cache):
    """The loss has divided by N already, for x as well."""
    return tuple(gradient / len(dy) for gradient in dense_backward(dy, cache))


@mistake("factor-constant", sequences)
def averages_over_time(dy, cache):
    """b is added at each of the T moments: sum over them."""
    dx, dw, _ = dense_backward(dy, cache)
    return dx, dw, dy.mean(axis=1).sum(axis=0)


@mistake("transposed", square)
def product_the_wrong_way_round(dy, cache):
    """x^T dy has the inputs as rows, dy^T x the outputs; with as many of both, shapes do not tell."""
    x, w = cache
    return dy @ w.T, dy.T @ x, dy.sum(axis=0)


@mistake("transposed", square)
def weights_not_transposed(dy, cache):
    """dx goes back through w^T."""
    x, w = cache
    return dy @ w, x.T @ dy, dy.sum(axis=0)


@mistake("wrong-shape", dense)
def product_the_wrong_way_round_and_not_square(dy, cache):
    """dy^T x has the shape of w^T."""
    x, w = cache
    return dy @ w.T, dy.T @ x, dy.sum(axis=0)


@mistake("wrong-shape", dense, square)
def bias_not_summed(dy, cache):
    """A variable that is broadcast in the forward pass is summed over in the backward pass."""
    x, w = cache
    return dy @ w.T, x.T @ dy, dy


@mistake("wrong-shape", sequences)
def bias_summed_over_the_batch_only(dy, cache):
    """Time is an axis along which b is broadcast, too."""
    dx, dw, _ = dense_backward(dy, cache)
    return dx, dw, dy.sum(axis=0)


@mistake("wrong-shape", dense)
def bias_summed_with_keepdims(dy, cache):
    """(1, out) is not (out,)."""
    dx, dw, _ = dense_backward(dy, cache)
    return dx, dw, dy.sum(axis=0, keepdims=True)


@mistake("order-scrambled", dense)
def weights_reshaped_not_transposed(dy, cache):
    """A reshape mends the shape, not the order."""
    x, w = cache
    return dy @ w.T, (dy.T @ x).reshape(w.shape), dy.sum(axis=0)


@mistake("overwritten", dense)
def only_the_last_example(dy, cache):
    """Each example adds its part to dw; `=` forgets all but the last."""
    x, w = cache
    dw = np.zeros_like(w)
    for n in range(len(x)):
        dw[...] = np.outer(x[n], dy[n])
    return dy @ w.T, dw, dy.sum(axis=0)


@mistake("overwritten", sequences)
def only_the_last_moment(dy, cache):
    """The same weights serve at all moments, and their gradients add up."""
    x, w = cache
    for t in range(x.shape[1]):
        dw = x[:, t].T @ dy[:, t]
    return dy @ w.T, dw, dy.sum(axis=(0, 1))


@mistake("zero-gradient", dense, sequences)
def bias_left_at_zero(dy, cache):
    """Initialized and never filled."""
    dx, dw, db = dense_backward(dy, cache)
    return dx, dw, np.zeros_like(db)


@mistake("upstream-ignored", dense)
def weights_without_upstream(dy, cache):
    """dy/dw = x is not yet dL/dw."""
    x, w = cache
    return dy @ w.T, x.T @ np.ones_like(dy), dy.sum(axis=0)


@mistake("upstream-ignored", dense)
def upstream_twice(dy, cache):
    """dy has its place in each product once."""
    x, w = cache
    return dy @ w.T, x.T @ dy**2, dy.sum(axis=0)


@mistake("sign-flipped", dense)
def bias_subtracted(dy, cache):
    """y = x w + b, as if it were x w - b."""
    dx, dw, db = dense_backward(dy, cache)
    return dx, dw, -db


@mistake("sign-flipped", dense)
def direction_of_descent(dy, cache):
    """The optimizer subtracts: a gradient points uphill."""
    return tuple(-gradient for gradient in dense_backward(dy, cache))
