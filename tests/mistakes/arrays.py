"""Moving numbers about: flatten, transpose, stack, roll, look up, repeat, broadcast, take sums and differences.

None of these computes much. Each only moves or copies numbers; its gradient moves them back, and adds up the copies.
"""

import numpy as np

from .mistake import Operation, mistake


def draw_images(rng, n, c, h, w):
    return (rng.normal(size=(n, c, h, w)),)


def draw_sequences(rng, n, t, c):
    return (rng.normal(size=(n, t, c)),)


IMAGES = {"n": 3, "c": 4, "h": 5, "w": 2}

# ---- from (N, C, H, W) to (N, H, W, C), and flat ----


def to_channels_last_forward(x):
    return x.transpose(0, 2, 3, 1), x.shape


def to_channels_last_backward(dy, shape):
    return dy.transpose(0, 3, 1, 2)


def flatten_forward(x):
    """From (N, C, H, W) to rows in the order of (H, W, C)."""
    return x.transpose(0, 2, 3, 1).reshape(len(x), -1), x.shape


def flatten_backward(dy, shape):
    n, c, h, w = shape
    return dy.reshape(n, h, w, c).transpose(0, 3, 1, 2)


channels_last = Operation("to channels last", to_channels_last_forward, to_channels_last_backward, draw_images, IMAGES)
flatten = Operation("flatten", flatten_forward, flatten_backward, draw_images, IMAGES)


@mistake("order-scrambled", channels_last)
def reshape_for_transpose(dy, shape):
    """A transpose is undone by a transpose; reshape keeps the order of the numbers in memory."""
    return dy.reshape(shape)


@mistake("order-scrambled", flatten)
def reshape_without_the_transpose(dy, shape):
    """The forward pass moved the channels to the end first."""
    return dy.reshape(shape)


@mistake("order-scrambled", flatten)
def unflatten_in_fortran_order(dy, shape):
    """order="F" counts the first axis fastest."""
    n, c, h, w = shape
    return dy.reshape((n, h, w, c), order="F").transpose(0, 3, 1, 2)


@mistake("wrong-shape", flatten)
def left_flat(dy, shape):
    """dx has the shape of x."""
    return dy


# ---- depth to space: r x r channels become a square of pixels ----


def shuffle_forward(x, r=2):
    n, c, h, w = x.shape
    y = x.reshape(n, c // r**2, r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // r**2, h * r, w * r), (x.shape, r)


def shuffle_backward(dy, cache):
    (n, c, h, w), r = cache
    return dy.reshape(n, c // r**2, h, r, w, r).transpose(0, 1, 3, 5, 2, 4).reshape(n, c, h, w)


def draw_shuffle(rng, n, c, h, w):
    return (rng.normal(size=(n, 4 * c, h, w)),)


shuffle = Operation("pixel shuffle", shuffle_forward, shuffle_backward, draw_shuffle, {"n": 2, "c": 1, "h": 3, "w": 2})


@mistake("order-scrambled", shuffle)
def two_reshapes_without_transposes(dy, cache):
    """Six axes went one way; as many have to come back."""
    shape, _ = cache
    return dy.reshape(shape)


# ---- roll, and take differences ----


def roll_forward(x):
    return np.roll(x, 1, axis=1), None


def roll_backward(dy, cache):
    return np.roll(dy, -1, axis=1)


roll = Operation("roll", roll_forward, roll_backward, draw_sequences, {"n": 3, "t": 6, "c": 2})


@mistake("shifted", roll)
def rolled_the_same_way_again(dy, cache):
    """What went one step to the right comes one step to the left."""
    return np.roll(dy, 1, axis=1)


@mistake("shifted", roll)
def not_rolled_back(dy, cache):
    """What went one step to the right comes one step to the left."""
    return dy


def pad_forward(x):
    """One zero before the sequence: a causal layer begins like this."""
    return np.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1], None


def pad_backward(dy, cache):
    return np.pad(dy[:, 1:], ((0, 0), (0, 1), (0, 0)))


delay = Operation("delay by one", pad_forward, pad_backward, draw_sequences, {"n": 3, "t": 6, "c": 2})


@mistake("shifted", delay)
def delayed_once_more(dy, cache):
    """The gradient moves forward in time where the sequence moved back."""
    return np.pad(dy, ((0, 0), (1, 0), (0, 0)))[:, :-1]


# ---- concatenate two arrays ----


def concatenate_forward(a, b):
    return np.concatenate([a, b], axis=1), a.shape[1]


def concatenate_backward(dy, width):
    return dy[:, :width], dy[:, width:]


def draw_two(rng, n, c):
    return rng.normal(size=(n, c)), rng.normal(size=(n, c))


concatenate = Operation("concatenate", concatenate_forward, concatenate_backward, draw_two, {"n": 5, "c": 3})


@mistake("order-scrambled", concatenate)
def every_other_column(dy, width):
    """a stands before b; they do not alternate."""
    return dy[:, ::2], dy[:, 1::2]


def subtract_forward(a, b):
    return a - b, None


def subtract_backward(dy, cache):
    return dy, -dy


subtract = Operation("subtract", subtract_forward, subtract_backward, draw_two, {"n": 5, "c": 3})


@mistake("sign-flipped", subtract)
def same_gradient_for_both(dy, cache):
    """b comes in with a minus."""
    return dy, dy


# ---- look up rows of a table ----


def lookup_forward(table, words):
    return table[words], (table.shape, words)


def lookup_backward(dy, cache):
    shape, words = cache
    dtable = np.zeros(shape)
    np.add.at(dtable, words, dy)
    return dtable


def draw_lookup(rng, n, t, words, c):
    return rng.normal(size=(words, c)), rng.integers(0, words, (n, t))


lookup = Operation("look up", lookup_forward, lookup_backward, draw_lookup, {"n": 4, "t": 5, "words": 7, "c": 3})


@mistake("overwritten", lookup)
def plus_equals_with_indices(dy, cache):
    """`dtable[words] += dy` adds one of several gradients for a word that comes twice."""
    shape, words = cache
    dtable = np.zeros(shape)
    dtable[words] += dy
    return dtable


# ---- repeat pixels, sum and broadcast ----


def upsample_forward(x, k=2):
    return x.repeat(k, axis=2).repeat(k, axis=3), k


def upsample_backward(dy, k):
    n, c, h, w = dy.shape
    return dy.reshape(n, c, h // k, k, w // k, k).sum(axis=(3, 5))


upsample = Operation("upsample", upsample_forward, upsample_backward, draw_images, {"n": 3, "c": 2, "h": 4, "w": 5})


@mistake("overwritten", upsample)
def one_copy_of_four(dy, k):
    """Each pixel was copied k x k times: the gradients of the copies add up."""
    n, c, h, w = dy.shape
    dx = np.zeros((n, c, h // k, w // k))
    for i in range(k):
        for j in range(k):
            dx[...] = dy[:, :, i::k, j::k]
    return dx


@mistake("factor-constant", upsample)
def mean_of_the_copies(dy, k):
    """Each pixel was copied k x k times: the gradients of the copies add up."""
    n, c, h, w = dy.shape
    return dy.reshape(n, c, h // k, k, w // k, k).mean(axis=(3, 5))


@mistake("wrong-shape", upsample)
def copies_not_added(dy, k):
    """Each pixel was copied k x k times: the gradients of the copies add up."""
    return dy


def scale_forward(x, factor):
    """One factor for each channel of (N, T, C)."""
    return x * factor, (x, factor)


def scale_backward(dy, cache):
    x, factor = cache
    return dy * factor, (dy * x).sum(axis=(0, 1))


def draw_scale(rng, n, t, c):
    return rng.normal(size=(n, t, c)), rng.normal(size=c)


scale = Operation("scale channels", scale_forward, scale_backward, draw_scale, {"n": 4, "t": 3, "c": 5})


@mistake("factor-per-channel", scale)
def factor_forgotten(dy, cache):
    """y = f x gives dx = f dy."""
    _, dfactor = scale_backward(dy, cache)
    return dy, dfactor


@mistake("factor-per-channel", scale)
def divided_instead_of_multiplied(dy, cache):
    """Going back through a product is no division."""
    _, factor = cache
    return dy / factor, scale_backward(dy, cache)[1]


@mistake("factor-batch", scale)
def factor_averaged_over_the_batch(dy, cache):
    """The factor serves N examples: their gradients add up."""
    x, factor = cache
    return dy * factor, (dy * x).sum(axis=1).mean(axis=0)


def mean_forward(x):
    return x.mean(axis=1), x.shape


def mean_backward(dy, shape):
    return np.broadcast_to(dy[:, None] / shape[1], shape).copy()


mean = Operation("mean over time", mean_forward, mean_backward, draw_sequences, {"n": 3, "t": 7, "c": 4})


@mistake("factor-constant", mean)
def count_of_the_mean_forgotten(dy, shape):
    """A mean of T values passes a T-th to each."""
    return np.broadcast_to(dy[:, None], shape).copy()


def centre_forward(x):
    return x - x.mean(axis=0), None


def centre_backward(dy, cache):
    return dy - dy.mean(axis=0)


def draw_matrix(rng, n, c):
    return (rng.normal(size=(n, c)),)


centre = Operation("centre", centre_forward, centre_backward, draw_matrix, {"n": 6, "c": 4})


@mistake("mean-term-missing", centre, also=("statistics-held-constant",))  # the mean is the only statistic
def mean_taken_for_a_constant(dy, cache):
    """The mean moves with x."""
    return dy


@mistake("statistics-over-wrong-axes", centre)
def centred_along_the_other_axis(dy, cache):
    """The forward pass took the mean over the rows."""
    return dy - dy.mean(axis=1, keepdims=True)
