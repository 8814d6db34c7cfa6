"""Activations, one number at a time (ReLU, sigmoid, ...) and one row at a time (softmax, log-softmax)."""

import numpy as np

from .mistake import Operation, mistake


def draw_matrix(rng, n, c):
    return (rng.normal(size=(n, c)),)


def draw_images(rng, n, c, h, w):
    return (rng.normal(size=(n, c, h, w)),)


MATRIX = {"n": 5, "c": 4}
IMAGES = {"n": 2, "c": 3, "h": 4, "w": 2}

# ---- ReLU and its kin: dx = dy where the unit was on ----


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dy, x):
    return dy * (x > 0)


def leaky_forward(x, slope=0.1):
    return np.where(x > 0, x, slope * x), (x, slope)


def leaky_backward(dy, cache):
    x, slope = cache
    return np.where(x > 0, dy, slope * dy)


def clip_forward(x):
    return np.clip(x, -1, 1), x


def clip_backward(dy, x):
    return dy * (np.abs(x) < 1)


relu = Operation("ReLU", relu_forward, relu_backward, draw_matrix, MATRIX)
relu_images = Operation("ReLU on images", relu_forward, relu_backward, draw_images, IMAGES)
leaky = Operation("leaky ReLU", leaky_forward, leaky_backward, draw_matrix, MATRIX)
clip = Operation("clip", clip_forward, clip_backward, draw_matrix, MATRIX)


@mistake("mask-missing", relu, relu_images, clip)
def everything_passes(dy, x):
    """Where the output stands still, nothing flows back."""
    return dy


@mistake("upstream-ignored", relu, relu_images)
def mask_made_of_dy(dy, x):
    """Whether a unit was on is a question to x."""
    return dy * (dy > 0)


@mistake("upstream-ignored", relu)
def the_mask_alone(dy, x):
    """dy/dx is not yet dL/dx."""
    return (x > 0).astype(float)


@mistake("zero-gradient", leaky)
def slope_forgotten(dy, cache):
    """A leaky ReLU leaks in both directions."""
    x, _ = cache
    return dy * (x > 0)


@mistake("mask-missing", clip)
def upper_side_only(dy, x):
    """Both ends are clipped."""
    return dy * (x < 1)


# ---- smooth ones ----


def sigmoid_forward(x):
    y = (1 + np.tanh(x / 2)) / 2
    return y, (x, y)


def sigmoid_backward(dy, cache):
    _, y = cache
    return dy * y * (1 - y)


def tanh_forward(x):
    y = np.tanh(x)
    return y, y


def tanh_backward(dy, y):
    return dy * (1 - y**2)


def tanh_2_forward(x):
    """tanh(x) = 2 sigmoid(2x) - 1."""
    s, _ = sigmoid_forward(2 * x)
    return 2 * s - 1, s


def tanh_2_backward(dy, s):
    return 4 * dy * s * (1 - s)


def silu_forward(x):
    s, _ = sigmoid_forward(x)
    return x * s, (x, s)


def silu_backward(dy, cache):
    x, s = cache
    return dy * (s + x * s * (1 - s))


sigmoid = Operation("sigmoid", sigmoid_forward, sigmoid_backward, draw_matrix, MATRIX)
tanh = Operation("tanh", tanh_forward, tanh_backward, draw_images, IMAGES)
tanh_by_sigmoid = Operation("tanh by sigmoid", tanh_2_forward, tanh_2_backward, draw_matrix, MATRIX)
silu = Operation("SiLU", silu_forward, silu_backward, draw_matrix, MATRIX)


@mistake("upstream-ignored", sigmoid)
def derivative_alone(dy, cache):
    """The chain rule's factor dy is missing."""
    _, y = cache
    return y * (1 - y)


@mistake("unrecognized", sigmoid)  # no code of the table is about it
def input_for_output(dy, cache):
    """y (1 - y), not x (1 - x)."""
    x, _ = cache
    return dy * x * (1 - x)


@mistake("sign-flipped", tanh)
def squares_the_wrong_way_round(dy, y):
    """1 - y^2, not y^2 - 1."""
    return dy * (y**2 - 1)


@mistake("upstream-ignored", tanh)
def adds_instead_of_multiplying(dy, y):
    """The chain rule multiplies."""
    return dy + 1 - y**2


@mistake("factor-constant", tanh_by_sigmoid)
def inner_derivative_forgotten(dy, s):
    """2 from outside and 2 from inside make 4."""
    return 2 * dy * s * (1 - s)


@mistake("term-missing", silu)
def half_of_the_product_rule(dy, cache):
    """x sigmoid(x) depends on x twice."""
    _, s = cache
    return dy * s


# ---- softmax, over the last axis and over the channels of images; its logarithm ----


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_forward(x):
    """Over the last axis of (N, K), over the channels of (N, K, H, W): axis 1."""
    p = softmax(x, axis=1)
    return p, p


def softmax_backward(dy, p):
    return p * (dy - (dy * p).sum(axis=1, keepdims=True))


def log_softmax_forward(x):
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), softmax(x, axis=1)


def log_softmax_backward(dy, p):
    return dy - p * dy.sum(axis=1, keepdims=True)


softmax_rows = Operation("softmax", softmax_forward, softmax_backward, draw_matrix, MATRIX)
softmax_images = Operation("softmax of channels", softmax_forward, softmax_backward, draw_images, IMAGES)
log_softmax = Operation("log-softmax", log_softmax_forward, log_softmax_backward, draw_matrix, MATRIX)


@mistake("diagonal-jacobian", softmax_rows, softmax_images)
def as_a_sigmoid(dy, p):
    """Every output depends on every input of its row: -p_i p_j beside the diagonal."""
    return dy * p * (1 - p)


@mistake("diagonal-jacobian", log_softmax)
def as_if_outputs_were_independent(dy, p):
    """The sum in the row's logarithm sees every input."""
    return dy * (1 - p)


@mistake("term-missing", softmax_rows, also=("diagonal-jacobian",))  # p dy is a diagonal, too
def normalization_forgotten(dy, p):
    """The sum below the fraction moves as well."""
    return p * dy


@mistake("statistics-over-wrong-axes", softmax_rows)
def sums_over_the_batch(dy, p):
    """The sum runs over the classes of one example."""
    return p * (dy - (dy * p).sum(axis=0))


@mistake("statistics-over-wrong-axes", log_softmax)
def mean_for_sum(dy, p):
    """The count is right, but nothing is to be divided by it."""
    return dy - p * dy.mean(axis=1, keepdims=True)
