"""Convolutions of images (N, H, W, C) with weights (KH, KW, C, F): stride, padding, dilation, groups, one dimension.

With u_ij(x) = the pixels under entry (i, j) of the kernel at all positions, (N, OH, OW, C):

    y = sum over i, j of u_ij(x) w_ij + b                                                           (1)
    u_ij(dx) += dy w_ij^T,    dw_ij = sum over positions of u_ij(x)^T dy,    db = sum of dy         (2)

Mistakes are written for this layout, and planted into the same operation on (N, C, H, W) with (F, C, KH, KW), too.
"""

from functools import partial, wraps

import numpy as np

from .mistake import Operation, mistake


def under(padded, i, j, positions, stride=1, dilation=1):
    """View u_ij, (N, OH, OW, ...), for OH x OW positions."""
    rows, columns = (
        slice(k * dilation, k * dilation + stride * (n - 1) + 1, stride) for k, n in zip((i, j), positions, strict=True)
    )
    return padded[:, rows, columns]


def conv_forward(x, w, b, stride=1, padding=0, dilation=1):
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0))) if padding else x
    positions = [
        (n - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(padded.shape[1:3], w.shape[:2], strict=True)
    ]
    y = b + np.zeros((len(x), *positions, w.shape[3]))
    for i, j in np.ndindex(w.shape[:2]):
        y += under(padded, i, j, positions, stride, dilation) @ w[i, j]  # (1)
    return y, (padded, w, stride, padding, dilation)


def conv_backward(dy, cache):
    padded, w, stride, padding, dilation = cache
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i, j in np.ndindex(w.shape[:2]):
        under(dpadded, i, j, dy.shape[1:3], stride, dilation)[...] += dy @ w[i, j].T  # (2)
        dw[i, j] = np.tensordot(under(padded, i, j, dy.shape[1:3], stride, dilation), dy, ((0, 1, 2), (0, 1, 2)))
    return crop(dpadded, padding), dw, dy.sum(axis=(0, 1, 2))


def crop(padded, p):
    """Take the image out of its padding."""
    return padded[:, p : padded.shape[1] - p, p : padded.shape[2] - p]


# ---- the same on (N, C, H, W) and (F, C, KH, KW) ----


def to_first(a):
    return np.ascontiguousarray(a.transpose(0, 3, 1, 2))


def to_last(a):
    return np.ascontiguousarray(a.transpose(0, 2, 3, 1))


def channels_first_forward(x, w, b, **options):
    y, cache = conv_forward(to_last(x), w.transpose(2, 3, 1, 0), b, **options)
    return to_first(y), cache


def channels_first(backward):
    """A backward pass for channels first from one for channels last."""

    @wraps(backward)
    def adapted(dy, cache):
        dx, dw, db = backward(to_last(dy), cache)
        return to_first(dx), dw.transpose(3, 2, 0, 1), to_first(db) if db.ndim == 4 else db

    return adapted


def draw(rng, n, h, w, c, f, kh, kw):
    return rng.normal(size=(n, h, w, c)), rng.normal(size=(kh, kw, c, f)), rng.normal(size=f)


def draw_channels_first(rng, **sizes):
    x, w, b = draw(rng, **sizes)
    return to_first(x), np.ascontiguousarray(w.transpose(3, 2, 0, 1)), b


def draw_square(rng, n, h, w, c, k):
    return draw(rng, n, h, w, c, c, k, k)


def draw_square_first(rng, n, h, w, c, k):
    return draw_channels_first(rng, n=n, h=h, w=w, c=c, f=c, kh=k, kw=k)


SIZES = {"n": 2, "h": 5, "w": 4, "c": 2, "f": 3, "kh": 3, "kw": 2}
SQUARE = {"n": 2, "h": 5, "w": 4, "c": 3, "k": 2}
TALL = {**SIZES, "h": 7}  # room for a dilated kernel


def nhwc(name, sizes=SIZES, drawn=draw, **options):
    return Operation(f"{name} NHWC", partial(conv_forward, **options), conv_backward, drawn, sizes)


def nchw(name, sizes=SIZES, drawn=draw_channels_first, **options):
    forward = partial(channels_first_forward, **options)
    return Operation(f"{name} NCHW", forward, channels_first(conv_backward), drawn, sizes, channels_first)


plain, plain_first = nhwc("convolution"), nchw("convolution")
square, square_first = nhwc("square convolution", SQUARE, draw_square), nchw("square", SQUARE, draw_square_first)
padded, padded_first = nhwc("padded convolution", padding=1), nchw("padded convolution", padding=1)
padded_square = nhwc("padded square convolution", SQUARE, draw_square, padding=1)
strided, strided_first = nhwc("convolution of stride 2", stride=2), nchw("convolution of stride 2", stride=2)
dilated, dilated_first = nhwc("dilated convolution", TALL, dilation=2), nchw("dilated convolution", TALL, dilation=2)
everything = nhwc("strided, padded, dilated convolution", {**SIZES, "h": 7, "w": 5}, stride=2, padding=1, dilation=2)


# ---- the kernel turned, transposed, scrambled ----


@mistake("flipped-kernel", plain, dilated)
def kernel_gradient_turned(dy, cache):
    """A correlation in the forward pass gives a correlation of x and dy: nothing to turn in dw."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, dw[::-1, ::-1], db


@mistake("flipped-kernel", plain_first, padded_square)
def kernel_not_turned_for_the_image(dy, cache):
    """Written as a convolution of the padded dy, dx takes the kernel turned by 180 degrees."""
    padded, w, *options = cache
    dx, _, _ = conv_backward(dy, (padded, w[::-1, ::-1], *options))
    return dx, *conv_backward(dy, cache)[1:]


@mistake("transposed", square)
def rows_and_columns_of_the_kernel_swapped(dy, cache):
    """i counts rows, j columns, in dw as in w."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, dw.swapaxes(0, 1), db


@mistake("transposed", square_first)
def input_and_output_channels_swapped(dy, cache):
    """dw_ij = x^T dy has the inputs as rows."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, dw.swapaxes(2, 3), db


@mistake("transposed", padded_square)
def channels_not_transposed_for_the_image(dy, cache):
    """dx goes back through w_ij^T."""
    padded, w, *options = cache
    dx, _, _ = conv_backward(dy, (padded, w.swapaxes(2, 3), *options))
    return dx, *conv_backward(dy, cache)[1:]


@mistake("wrong-shape", plain, plain_first)
def channels_swapped_and_not_square(dy, cache):
    """dw_ij = x^T dy has the inputs as rows."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, dw.swapaxes(2, 3), db


@mistake("order-scrambled", strided, plain_first)
def kernel_gradient_reshaped_from_filters(dy, cache):
    """The matrix of gradients has a row for each filter; a reshape alone does not bring the filters to the end."""
    dx, dw, db = conv_backward(dy, cache)
    rows = np.moveaxis(dw, 3, 0).reshape(dw.shape[3], -1)
    return dx, rows.reshape(dw.shape), db


@mistake("order-scrambled", plain)
def patches_flattened_channels_first(dy, cache):
    """The columns were flattened as (C, KH, KW), and unflattened as (KH, KW, C)."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, dw.transpose(2, 0, 1, 3).reshape(dw.shape), db


# ---- where things are put ----


@mistake("shifted", padded)
def cropped_at_the_end_only(dy, cache):
    """The padding stood on both sides."""
    shifted, dw, db = conv_backward_uncropped(dy, cache)
    p = cache[3]
    return shifted[:, : -2 * p, : -2 * p], dw, db


@mistake("shifted", padded_first, everything)
def cropped_at_the_start_only(dy, cache):
    """The padding stood on both sides."""
    shifted, dw, db = conv_backward_uncropped(dy, cache)
    p = cache[3]
    return shifted[:, 2 * p :, 2 * p :], dw, db


@mistake("shifted", padded_square)
def columns_cropped_at_the_wrong_side(dy, cache):
    """The padding stood on both sides, of rows and of columns."""
    shifted, dw, db = conv_backward_uncropped(dy, cache)
    p = cache[3]
    return shifted[:, p:-p, : -2 * p], dw, db


@mistake("wrong-shape", padded, padded_first)
def padding_not_cropped(dy, cache):
    """The gradient of the padding is nobody's."""
    return conv_backward_uncropped(dy, cache)


def conv_backward_uncropped(dy, cache):
    padded, w, stride, _, dilation = cache
    return conv_backward(dy, (padded, w, stride, 0, dilation))


@mistake("overwritten", plain_first, dilated, strided_first)
def pixels_overwritten(dy, cache):
    """Windows overlap: what they pass to a pixel adds up."""
    padded, w, stride, padding, dilation = cache
    dpadded = np.zeros_like(padded)
    for i, j in np.ndindex(w.shape[:2]):
        under(dpadded, i, j, dy.shape[1:3], stride, dilation)[...] = dy @ w[i, j].T
    return crop(dpadded, padding), *conv_backward(dy, cache)[1:]


@mistake("overwritten", plain)
def windows_overwritten(dy, cache):
    """The same, position by position: the last window over a pixel wins."""
    padded, w, _, padding, _ = cache
    dpadded = np.zeros_like(padded)
    for oi, oj in np.ndindex(dy.shape[1:3]):
        window = dpadded[:, oi : oi + w.shape[0], oj : oj + w.shape[1]]
        window[...] = np.tensordot(dy[:, oi, oj], w, (1, 3))
    return crop(dpadded, padding), *conv_backward(dy, cache)[1:]


@mistake("overwritten", plain)
def kernel_of_the_last_image(dy, cache):
    """Each image adds its part to dw."""
    padded, *others = cache
    dx, _, db = conv_backward(dy, cache)
    for n in range(len(dy)):
        _, dw, _ = conv_backward(dy[n : n + 1], (padded[n : n + 1], *others))
    return dx, dw, db


@mistake("stride-ignored", strided, strided_first)
def image_gradient_without_stride(dy, cache):
    """Position (oi, oj) looks at pixels from (2 oi, 2 oj) on."""
    padded, w, _, padding, dilation = cache
    dpadded = np.zeros_like(padded)
    for i, j in np.ndindex(w.shape[:2]):
        under(dpadded, i, j, dy.shape[1:3], 1, dilation)[...] += dy @ w[i, j].T
    return crop(dpadded, padding), *conv_backward(dy, cache)[1:]


@mistake("stride-ignored", strided, everything)
def kernel_gradient_without_stride(dy, cache):
    """Position (oi, oj) looks at pixels from (2 oi, 2 oj) on."""
    padded, w, _, padding, dilation = cache
    _, dw, _ = conv_backward(dy, (padded, w, 1, padding, dilation))
    dx, _, db = conv_backward(dy, cache)
    return dx, dw, db


# ---- sums and factors ----


@mistake("factor-constant", plain)
def bias_averaged_over_everything(dy, cache):
    """b is added at each position of each image."""
    dx, dw, _ = conv_backward(dy, cache)
    return dx, dw, dy.mean(axis=(0, 1, 2))


@mistake("factor-constant", strided_first)
def bias_averaged_over_positions(dy, cache):
    """b is added at each position."""
    dx, dw, _ = conv_backward(dy, cache)
    return dx, dw, dy.mean(axis=(1, 2)).sum(axis=0)


@mistake("factor-batch", dilated_first)
def kernel_averaged_over_the_batch(dy, cache):
    """The loss has divided by N already."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, dw / len(dy), db


@mistake("factor-batch", strided)
def bias_averaged_over_the_batch(dy, cache):
    """The loss has divided by N already."""
    dx, dw, _ = conv_backward(dy, cache)
    return dx, dw, dy.sum(axis=(1, 2)).mean(axis=0)


@mistake("wrong-shape", plain, plain_first)
def bias_summed_over_the_batch_only(dy, cache):
    """b is added at each position."""
    dx, dw, _ = conv_backward(dy, cache)
    return dx, dw, dy.sum(axis=0)


@mistake("zero-gradient", padded)
def bias_never_filled(dy, cache):
    """Initialized with zeros and returned like that."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, dw, np.zeros_like(db)


@mistake("sign-flipped", plain_first)
def kernel_with_a_minus(dy, cache):
    """The optimizer subtracts, not the gradient."""
    dx, dw, db = conv_backward(dy, cache)
    return dx, -dw, db


@mistake("upstream-ignored", plain_first)
def bias_counts_its_positions(dy, cache):
    """dL/db is the sum of dy, not of ones."""
    dx, dw, _ = conv_backward(dy, cache)
    return dx, dw, np.ones_like(dy).sum(axis=(0, 1, 2))


@mistake("low-precision", plain)
def columns_in_float32(dy, cache):
    """A buffer of float32 on the way takes the digits from everything behind it."""
    dx, dw, db = conv_backward(dy, cache)
    return dx.astype(np.float32), dw, db


# The axes of the bias: shapes do not tell where a picture is as wide as there are filters.


as_wide_as_filters = Operation(
    "convolution NCHW as wide as filters",
    channels_first_forward,
    channels_first(conv_backward),
    draw_channels_first,
    {"n": 2, "h": 5, "w": 5, "c": 2, "f": 4, "kh": 3, "kw": 2},
)


@mistake("statistics-over-wrong-axes", as_wide_as_filters)
def bias_summed_as_for_channels_last(dy, cache):
    """In (N, C, H, W) the sum runs over axes 0, 2 and 3."""
    dx, dw, _ = channels_first(conv_backward)(dy, cache)
    return dx, dw, dy.sum(axis=(0, 1, 2))


# ---- groups: (N, H, W, G C) with (KH, KW, C, G F), each group for itself ----


def grouped_forward(x, w, b, groups=2):
    parts = zip(*(np.split(a, groups, axis=-1) for a in (x, w, b)), strict=True)
    ys, caches = zip(*(conv_forward(*part) for part in parts), strict=True)
    return np.concatenate(ys, axis=-1), caches


def gradients_by_group(dy, caches):
    parts = np.split(dy, len(caches), axis=-1)
    return zip(*(conv_backward(part, cache) for part, cache in zip(parts, caches, strict=True)), strict=True)


def grouped_backward(dy, caches):
    return tuple(np.concatenate(parts, axis=-1) for parts in gradients_by_group(dy, caches))


def draw_groups(rng, n, h, w, c, f, k):
    return rng.normal(size=(n, h, w, 2 * c)), rng.normal(size=(k, k, c, 2 * f)), rng.normal(size=2 * f)


grouped = Operation(
    "grouped convolution",
    grouped_forward,
    grouped_backward,
    draw_groups,
    {"n": 2, "h": 3, "w": 4, "c": 1, "f": 3, "k": 2},
)


@mistake("order-scrambled", grouped)
def groups_in_the_wrong_order(dy, caches):
    """First group first."""
    return tuple(np.concatenate(parts[::-1], axis=-1) for parts in gradients_by_group(dy, caches))


@mistake("order-scrambled", grouped)
def groups_interleaved(dy, caches):
    """A group's channels stand side by side; stacking puts the groups' first channels first."""
    dx, dw, db = (list(parts) for parts in gradients_by_group(dy, caches))
    return tuple(np.stack(parts, axis=-1).reshape(*parts[0].shape[:-1], -1) for parts in (dx, dw, db))


@mistake("zero-gradient", grouped)
def only_the_first_group(dy, caches):
    """Every group has weights of its own."""
    dx, dw, db = grouped_backward(dy, caches)
    dw[..., dw.shape[-1] // 2 :] = 0
    return dx, dw, db


@mistake("flipped-kernel", grouped)
def kernels_of_all_groups_turned(dy, caches):
    """A correlation in the forward pass gives a correlation of x and dy."""
    dx, dw, db = grouped_backward(dy, caches)
    return dx, dw[::-1, ::-1], db


@mistake("overwritten", grouped)
def pixels_of_groups_overwritten(dy, caches):
    """Windows overlap, in groups as well."""
    parts = np.split(dy, len(caches), axis=-1)
    dxs = [pixels_overwritten(part, cache)[0] for part, cache in zip(parts, caches, strict=True)]
    return np.concatenate(dxs, axis=-1), *grouped_backward(dy, caches)[1:]


# ---- depthwise, (N, C, H, W) with one filter (C, KH, KW) a channel ----


def depthwise_forward(x, w):
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[1:], axis=(2, 3))
    return np.einsum("nchwij,cij->nchw", windows, w), (windows, w, x.shape)


def depthwise_backward(dy, cache):
    windows, w, shape = cache
    dx = np.zeros(shape)
    h, v = dy.shape[2:]
    for i, j in np.ndindex(w.shape[1:]):
        dx[:, :, i : i + h, j : j + v] += dy * w[:, i, j, None, None]
    return dx, np.einsum("nchwij,nchw->cij", windows, dy)


def draw_depthwise(rng, n, c, h, w, k):
    return rng.normal(size=(n, c, h, w)), rng.normal(size=(c, k, k))


depthwise = Operation(
    "depthwise convolution",
    depthwise_forward,
    depthwise_backward,
    draw_depthwise,
    {"n": 2, "c": 3, "h": 4, "w": 6, "k": 3},
)


@mistake("flipped-kernel", depthwise)
def turned_in_each_channel(dy, cache):
    """A correlation in the forward pass gives a correlation of x and dy."""
    dx, dw = depthwise_backward(dy, cache)
    return dx, dw[:, ::-1, ::-1]


@mistake("overwritten", depthwise)
def pixels_overwritten_in_each_channel(dy, cache):
    """Windows overlap: what they pass to a pixel adds up."""
    _, w, shape = cache
    dx = np.zeros(shape)
    for oi, oj in np.ndindex(dy.shape[2:]):
        dx[:, :, oi : oi + w.shape[1], oj : oj + w.shape[2]] = dy[:, :, oi, oj, None, None] * w
    return dx, depthwise_backward(dy, cache)[1]


@mistake("transposed", depthwise)
def rows_and_columns_swapped(dy, cache):
    """i counts rows, j columns."""
    dx, dw = depthwise_backward(dy, cache)
    return dx, dw.transpose(0, 2, 1)


# ---- one dimension, causal: y_t sees x_t and what came before, (N, T, C) with (K, C, F) ----


def causal_forward(x, w):
    k = len(w)
    padded = np.pad(x, ((0, 0), (k - 1, 0), (0, 0)))
    return sum(padded[:, i : i + x.shape[1]] @ w[i] for i in range(k)), (padded, w)


def causal_backward(dy, cache):
    dpadded, dw = causal_backward_uncropped(dy, cache)
    return dpadded[:, len(dw) - 1 :], dw


def causal_backward_uncropped(dy, cache):
    padded, w = cache
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for i in range(len(w)):
        dpadded[:, i : i + dy.shape[1]] += dy @ w[i].T
        dw[i] = np.tensordot(padded[:, i : i + dy.shape[1]], dy, ((0, 1), (0, 1)))
    return dpadded, dw


def draw_causal(rng, n, t, c, f, k):
    return rng.normal(size=(n, t, c)), rng.normal(size=(k, c, f))


causal = Operation(
    "causal convolution", causal_forward, causal_backward, draw_causal, {"n": 3, "t": 7, "c": 2, "f": 4, "k": 3}
)


@mistake("shifted", causal)
def cropped_on_both_sides(dy, cache):
    """A causal convolution is padded at the start only."""
    dpadded, dw = causal_backward_uncropped(dy, cache)
    return dpadded[:, 1:-1], dw


@mistake("flipped-kernel", causal)
def kernel_reversed_in_time(dy, cache):
    """Entry i of dw belongs to entry i of w."""
    dx, dw = causal_backward(dy, cache)
    return dx, dw[::-1]


@mistake("overwritten", causal)
def moments_overwritten(dy, cache):
    """Each moment is seen by K windows."""
    padded, w = cache
    dpadded = np.zeros_like(padded)
    for i in range(len(w)):
        dpadded[:, i : i + dy.shape[1]] = dy @ w[i].T
    return dpadded[:, len(w) - 1 :], causal_backward(dy, cache)[1]
