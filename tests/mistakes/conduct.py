"""Functions that misbehave: they change what they were given, remember, throw dice, lose digits, divide by zero.

Here most mistakes are in the forward pass: `which="forward"`.
"""

import numpy as np

from .activations import MATRIX, relu, sigmoid, softmax_rows, tanh
from .dense import dense, dense_backward, dense_forward
from .dropout import RATE
from .losses import cross_entropy_backward, cross_entropy_forward, draw_rows
from .mistake import Operation, mistake
from .normalization import batch, batch_norm, norm_backward

# ---- arrays that belong to the caller ----


@mistake("argument-modified", relu, which="forward")
def relu_in_place(x):
    """The caller's x is clipped as well."""
    positive = x.copy()
    x[x < 0] = 0
    return x, positive


@mistake("argument-modified", batch, which="forward")
def centred_in_place(x, gamma, beta):
    """`x -= mean` writes into the caller's batch."""
    mean = x.mean(axis=0)
    y, cache = batch_norm(x.copy(), gamma, beta)
    x -= mean
    return y, cache


@mistake("argument-modified", tanh)
def upstream_multiplied_in_place(dy, y):
    """dy belongs to the layer above, which may need it again."""
    dy *= 1 - y**2
    return dy


@mistake("argument-modified", dense, also=("backward-not-repeatable",))  # it is not, with other weights
def weights_updated_on_the_way(dy, cache):
    """Learning is the optimizer's."""
    gradients = dense_backward(dy, cache)
    _, w = cache
    w -= 0.1 * gradients[1]
    return gradients


# ---- another answer the second time ----

HIDDEN = np.random.default_rng(0)  # a generator that the checker is not told of


@mistake("not-repeatable", relu, which="forward")
def noise_added(x):
    """Noise nobody can wind back has no derivative."""
    y = x + 0.1 * HIDDEN.normal(size=x.shape)
    return np.maximum(y, 0), y


@mistake("not-repeatable", batch, which="forward")
def running_mean_used(x, gamma, beta, state={"mean": 0.0}):  # noqa: B006
    """The output depends on all batches before."""
    state["mean"] = 0.9 * state["mean"] + 0.1 * x.mean(axis=0)
    return batch_norm(x - state["mean"] * x, gamma, beta)


@mistake("not-repeatable", relu, which="forward")
def dropout_inside(x):
    """A fresh mask at each call: another function at each call."""
    kept = x * (HIDDEN.random(x.shape) >= RATE) / (1 - RATE)
    return np.maximum(kept, 0), kept


@mistake("backward-not-repeatable", dense)
def gradients_added_to_the_last_ones(dy, cache, total={}):  # noqa: B006
    """Gradients pile up from call to call."""
    dx, dw, db = dense_backward(dy, cache)
    total["dw"] = total.get("dw", 0) + dw
    return dx, total["dw"], db


@mistake("backward-not-repeatable", batch)
def cache_changed(dy, cache):
    """x_hat is multiplied in place, and wrong the next time."""
    gradients = norm_backward(dy, cache)
    cache.x_hat *= cache.gamma
    return gradients


@mistake("backward-not-repeatable", tanh)
def cache_used_up(dy, y):
    """y is no longer y after the first call."""
    dx = dy * (1 - y**2)
    y[...] = 1 - y**2
    return dx


# ---- digits lost ----


@mistake("low-precision", dense, which="forward")
def everything_in_float32(x, w, b):
    """Training's dtype, but a check needs float64."""
    y, _ = dense_forward(x.astype(np.float32), w.astype(np.float32), b.astype(np.float32))
    return y, (x, w)


@mistake("low-precision", batch, which="forward")
def rounded_on_the_way(x, gamma, beta):
    """A buffer of float32, though y is float64 again."""
    return batch_norm(x.astype(np.float32).astype(float), gamma, beta)


@mistake("low-precision", dense)
def gradient_into_float32(dy, cache):
    """np.zeros(..., dtype=np.float32) rounds what is written into it."""
    dx, dw, db = dense_backward(dy, cache)
    buffer = np.zeros(dw.shape, np.float32)
    buffer[...] = dw
    return dx, buffer, db


@mistake("low-precision", tanh)
def cache_in_float32(dy, y):
    """The gradient is as coarse as what it is made of."""
    return dy * (1 - y.astype(np.float32) ** 2)


# ---- NaN and infinity ----


@mistake("non-finite", relu, which="forward")
def logarithm_of_negatives(x):
    """log(x) of what is not positive."""
    return np.log(x), x


def draw_far_out(rng, n, c):
    """Some inputs so far out that exp(-x) overflows."""
    x = rng.normal(size=(n, c))
    x[0, 0], x[1, 1] = -800, 800
    return (x,)


far_out = Operation("sigmoid far out", sigmoid.forward, sigmoid.backward, draw_far_out, MATRIX)


@mistake("non-finite", far_out)
def exponentials_that_overflow(dy, cache):
    """e^-x / (1 + e^-x)^2 is infinity by infinity at x = -800; y (1 - y) is not."""
    x, _ = cache
    return dy * np.exp(-x) / (1 + np.exp(-x)) ** 2


def draw_certain(rng, n, k):
    """One class is so unlikely that its probability is zero, though it is no label."""
    logits, labels = draw_rows(rng, n, k)
    logits[0, labels[0] - 1] = -900
    return logits, labels


certain = Operation(
    "cross-entropy of a certain class", cross_entropy_forward, cross_entropy_backward, draw_certain, {"n": 5, "k": 4}
)


@mistake("non-finite", certain)
def divided_by_a_probability(dy, cache):
    """-1/p times the Jacobian of softmax, class by class: 0 times infinity."""
    p, target, _ = cache
    dp = -target / p
    return dy * p * (dp - (dp * p).sum(axis=1, keepdims=True)) / len(p)


def norm_forward(x):
    """Lengths of the rows, smoothed at zero."""
    return (x**2).sum(axis=1) ** 1.5, x


def norm_backward_right(dy, x):
    return 3 * dy[:, None] * x * np.sqrt((x**2).sum(axis=1, keepdims=True))


def draw_with_a_zero(rng, n, c):
    x = rng.normal(size=(n, c))
    x[1] = 0
    return (x,)


lengths = Operation("cubed lengths", norm_forward, norm_backward_right, draw_with_a_zero, MATRIX)


@mistake("non-finite", lengths)
def divided_by_a_length_of_zero(dy, x):
    """3 |x|^2 times x / |x|, and one row is zero."""
    length = np.sqrt((x**2).sum(axis=1, keepdims=True))
    return 3 * dy[:, None] * length**2 * x / length


# ---- nothing of the above ----


@mistake("unrecognized", softmax_rows)  # numbers without any relation to the right ones
def random_numbers(dy, p):
    """No rule has led here."""
    return dy * np.cos(1000 * p)


@mistake("unrecognized", dense)
def one_entry_off(dy, cache):
    """A single wrong entry says nothing about why."""
    dx, dw, db = dense_backward(dy, cache)
    dw[1, 2] *= 1.01
    return dx, dw, db
