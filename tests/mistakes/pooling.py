"""Pooling of images (N, H, W, C), with and without overlap, with ties; over time; over whole images.

With u_ij as in `convolution`, max pooling sends dy to the winner of each window, average pooling a share to all:

    u_ij(dx) += dy [winner = (i, j)],          u_ij(dx) += dy / k^2                                 (1)
"""

from functools import partial, wraps

import numpy as np

from .convolution import crop, to_first, to_last, under
from .mistake import Operation, mistake


def lay(x, k, stride, padding=0):
    """How many windows there are, vertically and horizontally."""
    return [(n + 2 * padding - k) // stride + 1 for n in x.shape[1:3]]


def max_pool_forward(x, k=2, stride=2, padding=0):
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)), constant_values=-np.inf)
    positions = lay(x, k, stride, padding)
    windows = np.stack([under(padded, i, j, positions, stride) for i, j in np.ndindex(k, k)])
    return windows.max(axis=0), (windows, k, stride, padding, padded.shape)


def max_pool_backward(dy, cache):
    windows, k, stride, padding, shape = cache
    winner = windows.argmax(axis=0)
    dpadded = np.zeros(shape)
    for number, (i, j) in enumerate(np.ndindex(k, k)):
        under(dpadded, i, j, dy.shape[1:3], stride)[...] += dy * (winner == number)  # (1)
    return crop(dpadded, padding)


def avg_pool_forward(x, k=2, stride=2):
    positions = lay(x, k, stride)
    return sum(under(x, i, j, positions, stride) for i, j in np.ndindex(k, k)) / k**2, (k, stride, x.shape)


def avg_pool_backward(dy, cache):
    k, stride, shape = cache
    dx = np.zeros(shape)
    for i, j in np.ndindex(k, k):
        under(dx, i, j, dy.shape[1:3], stride)[...] += dy / k**2  # (1)
    return dx


# ---- the same on (N, C, H, W) ----


def first(forward):
    """The forward pass with channels first."""

    def with_channels_first(x):
        y, cache = forward(to_last(x))
        return to_first(y), cache

    return with_channels_first


def channels_first(backward):
    """The backward pass with channels first."""

    @wraps(backward)
    def adapted(dy, cache):
        return to_first(backward(to_last(dy), cache))

    return adapted


def draw(rng, n, h, w, c):
    return (rng.normal(size=(n, h, w, c)),)


def draw_channels_first(rng, n, h, w, c):
    return (rng.normal(size=(n, c, h, w)),)


def draw_ties(rng, n, h, w, c):
    """Rounded numbers, as in pictures of few colours: some maxima are equal."""
    return (np.round(2 * rng.normal(size=(n, h, w, c))) / 2,)


def draw_ties_first(rng, **sizes):
    return tuple(map(to_first, draw_ties(rng, **sizes)))


SIZES = {"n": 2, "h": 4, "w": 6, "c": 2}
ODD = {"n": 2, "h": 5, "w": 5, "c": 2}
overlapping = {"k": 3, "stride": 2}
max_pool = Operation("max-pool", max_pool_forward, max_pool_backward, draw, SIZES)
max_pool_first = Operation(
    "max-pool NCHW",
    first(max_pool_forward),
    channels_first(max_pool_backward),
    draw_channels_first,
    SIZES,
    channels_first,
)
max_overlap = Operation(
    "max-pool 3/2",
    partial(max_pool_forward, **overlapping),
    max_pool_backward,
    draw,
    ODD,
)
max_overlap_first = Operation(
    "max-pool 3/2 NCHW",
    first(partial(max_pool_forward, **overlapping)),
    channels_first(max_pool_backward),
    draw_channels_first,
    ODD,
    channels_first,
)
max_padded = Operation(
    "max-pool 3/2 padded", partial(max_pool_forward, **overlapping, padding=1), max_pool_backward, draw, ODD
)
max_ties = Operation("max-pool with ties", max_pool_forward, max_pool_backward, draw_ties, SIZES)
overlap_ties_first = Operation(
    "max-pool 3/2 with ties NCHW",
    first(partial(max_pool_forward, **overlapping)),
    channels_first(max_pool_backward),
    draw_ties_first,
    ODD,
    channels_first,
)
avg_pool = Operation("average pool", avg_pool_forward, avg_pool_backward, draw, SIZES)
avg_overlap = Operation("average pool 3/2", partial(avg_pool_forward, **overlapping), avg_pool_backward, draw, ODD)
avg_overlap_first = Operation(
    "average pool 3/2 NCHW",
    first(partial(avg_pool_forward, **overlapping)),
    channels_first(avg_pool_backward),
    draw_channels_first,
    ODD,
    channels_first,
)


@mistake("factor-constant", avg_pool, avg_overlap_first)
def count_forgotten(dy, cache):
    """A mean of k^2 pixels passes a share 1/k^2 to each."""
    k, _, _ = cache
    return k**2 * avg_pool_backward(dy, cache)


@mistake("factor-constant", avg_overlap)
def divided_by_k(dy, cache):
    """A k x k window has k^2 pixels."""
    k, _, _ = cache
    return k * avg_pool_backward(dy, cache)


@mistake("overwritten", avg_overlap_first)
def shares_overwritten(dy, cache):
    """Windows overlap: shares add up."""
    k, stride, shape = cache
    dx = np.zeros(shape)
    for i, j in np.ndindex(k, k):
        under(dx, i, j, dy.shape[1:3], stride)[...] = dy / k**2
    return dx


@mistake("stride-ignored", avg_overlap)
def averages_placed_at_stride_1(dy, cache):
    """Window (oi, oj) begins at pixel (stride oi, stride oj)."""
    k, _, shape = cache
    return avg_pool_backward(dy, (k, 1, shape))


@mistake("zero-gradient", avg_pool)
def last_row_of_windows_left_out(dy, cache):
    """range(OH - 1) ends one too early."""
    without = dy.copy()
    without[:, -1] = 0
    return avg_pool_backward(without, cache)


@mistake("spread-over-window", max_pool_first)
def shared_by_all(dy, cache):
    """Only the maximum moves the output; that is average pooling's gradient."""
    _, k, stride, _, shape = cache
    return avg_pool_backward(dy, (k, stride, shape))


@mistake("spread-over-window", max_overlap)
def whole_gradient_for_everyone(dy, cache):
    """Only the maximum moves the output."""
    _, k, stride, _, shape = cache
    return k**2 * avg_pool_backward(dy, (k, stride, shape))


@mistake("tie-double-counted", max_ties, overlap_ties_first)
def every_maximum_takes_it_all(dy, cache):
    """`x == max` is true at several pixels where they tie, and then the gradient counts several times."""
    windows, k, stride, _, shape = cache
    dx = np.zeros(shape)
    for window, (i, j) in zip(windows, np.ndindex(k, k), strict=True):
        under(dx, i, j, dy.shape[1:3], stride)[...] += dy * (window == windows.max(axis=0))
    return dx


@mistake("overwritten", max_overlap_first)
def winners_overwritten(dy, cache):
    """A pixel that wins several windows gets the gradient of each."""
    windows, k, stride, padding, shape = cache
    winner = windows.argmax(axis=0)
    dpadded = np.zeros(shape)
    for number, (i, j) in enumerate(np.ndindex(k, k)):
        view = under(dpadded, i, j, dy.shape[1:3], stride)
        view[winner == number] = dy[winner == number]
    return crop(dpadded, padding)


@mistake("stride-ignored", max_pool, max_overlap_first)
def winners_placed_at_stride_1(dy, cache):
    """Window (oi, oj) begins at pixel (stride oi, stride oj)."""
    windows, k, _, padding, shape = cache
    return max_pool_backward(dy, (windows, k, 1, padding, shape))


@mistake("order-scrambled", max_pool, also=("transposed",))  # two axes of the window are swapped
def row_and_column_of_the_winner_swapped(dy, cache):
    """argmax counts row by row: i = number // k, j = number % k."""
    windows, k, *others = cache
    return max_pool_backward(dy, (windows.reshape(k, k, *dy.shape).swapaxes(0, 1).reshape(windows.shape), k, *others))


@mistake("shifted", max_padded)
def padding_cropped_at_the_end(dy, cache):
    """The padding stood on both sides."""
    windows, k, stride, padding, shape = cache
    dpadded = max_pool_backward(dy, (windows, k, stride, 0, shape))
    return dpadded[:, : -2 * padding, : -2 * padding]


@mistake("sign-flipped", max_overlap)
def minimum_in_mind(dy, cache):
    """max(x) = -min(-x): two minus signs, not one."""
    return -max_pool_backward(dy, cache)


@mistake("upstream-ignored", max_pool_first)
def mask_of_the_winners(dy, cache):
    """The winner's gradient is dy, not 1."""
    return max_pool_backward(np.ones_like(dy), cache)


# ---- pooling by a reshape: (N, H, W, C) as (N, OH, k, OW, k, C) ----


def block_forward(x, k=2):
    n, h, w, c = x.shape
    blocks = x.reshape(n, h // k, k, w // k, k, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // k, w // k, k * k, c)
    return blocks.max(axis=3), (blocks, k, x.shape)


def gradient_of_blocks(dy, blocks):
    """dy at the first maximum of each block."""
    dblocks = np.zeros_like(blocks)
    np.put_along_axis(dblocks, blocks.argmax(axis=3)[:, :, :, None], dy[:, :, :, None], axis=3)
    return dblocks


def block_backward(dy, cache):
    blocks, k, (n, h, w, c) = cache
    dblocks = gradient_of_blocks(dy, blocks).reshape(n, h // k, w // k, k, k, c)
    return dblocks.transpose(0, 1, 3, 2, 4, 5).reshape(n, h, w, c)


def draw_blocks(rng, n, oh, ow, c):
    return (rng.normal(size=(n, 2 * oh, 2 * ow, c)),)


blocks_of_pixels = Operation(
    "max-pool by blocks", block_forward, block_backward, draw_blocks, {"n": 2, "oh": 3, "ow": 2, "c": 3}
)


@mistake("order-scrambled", blocks_of_pixels)
def blocks_reshaped_without_the_transpose(dy, cache):
    """(OH, OW, k, k) has to become (OH, k, OW, k) before the reshape."""
    blocks, _, shape = cache
    return gradient_of_blocks(dy, blocks).reshape(shape)


@mistake("spread-over-window", blocks_of_pixels)
def repeated_over_the_block(dy, cache):
    """Only the maximum moves the output."""
    _, k, _ = cache
    return dy.repeat(k, axis=1).repeat(k, axis=2)


# ---- over time, (N, T, C), and over whole images, (N, C, H, W) ----


def time_forward(x):
    return x.max(axis=1), x


def time_backward(dy, x):
    dx = np.zeros_like(x)
    np.put_along_axis(dx, x.argmax(axis=1)[:, None], dy[:, None], axis=1)
    return dx


def draw_sequences(rng, n, t, c):
    return (rng.normal(size=(n, t, c)),)


def draw_counts(rng, n, t, c):
    """Small whole numbers: many ties."""
    return (rng.integers(0, 5, (n, t, c)).astype(float),)


def global_forward(x):
    return x.mean(axis=(2, 3)), x.shape


def global_backward(dy, shape):
    n, c, h, w = shape
    return np.broadcast_to(dy.reshape(n, c, 1, 1) / (h * w), shape).copy()


def draw_images(rng, n, c, h, w):
    return (rng.normal(size=(n, c, h, w)),)


SEQUENCES = {"n": 4, "t": 6, "c": 3}
over_time = Operation("max over time", time_forward, time_backward, draw_sequences, SEQUENCES)
counts = Operation("max of counts", time_forward, time_backward, draw_counts, SEQUENCES)
over_images = Operation(
    "global average pool NCHW", global_forward, global_backward, draw_images, {"n": 3, "c": 4, "h": 5, "w": 2}
)


@mistake("tie-double-counted", counts)
def all_maxima_of_the_sequence(dy, x):
    """Of equal maxima, one takes the gradient, or they share it."""
    return dy[:, None] * (x == x.max(axis=1, keepdims=True))


@mistake("spread-over-window", over_time)
def spread_over_time(dy, x):
    """Only the moment of the maximum moves the output."""
    return np.broadcast_to(dy[:, None] / x.shape[1], x.shape).copy()


@mistake("factor-constant", over_images)
def size_of_the_image_forgotten(dy, shape):
    """A mean over H W pixels passes 1 / (H W) to each."""
    n, c, _, _ = shape
    return np.broadcast_to(dy.reshape(n, c, 1, 1), shape).copy()


@mistake("factor-constant", over_images)
def divided_by_the_height_only(dy, shape):
    """A mean over H W pixels passes 1 / (H W) to each."""
    n, c, h, _ = shape
    return np.broadcast_to(dy.reshape(n, c, 1, 1) / h, shape).copy()
