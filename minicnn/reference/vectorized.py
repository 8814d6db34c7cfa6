"""Every function in whole-array NumPy: the step between the formulas (`loops`) and the kernels.

Two ideas carry the whole file.

1. A convolution is a matrix product. Write each patch that a filter sees as one row of a matrix (im2col), each filter
   as one column of another; then

       y = cols @ W + b,      dW = cols^T @ dy,      dcols = dy @ W^T                                     (1)

   and dx adds up dcols where patches overlap (col2im).

2. For one offset (ki, kj) within the window, the pixels under all windows are a strided slice of the image:
   `under_offset`. What loops over windows in `loops` becomes a short loop over offsets here.

Arguments, results and equations as in `loops`; float32 stays float32. Images are (N, H, W, C).

>>> from minicnn.reference import vectorized
>>> y, cache = vectorized.max_pool2d_forward(np.arange(16.0).reshape(1, 4, 4, 1), pool_size=2)
>>> vectorized.max_pool2d_backward(np.ones(y.shape), cache)[0, :, :, 0].astype(int)
array([[0, 0, 0, 0],
       [0, 1, 0, 1],
       [0, 0, 0, 0],
       [0, 1, 0, 1]])
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .geometry import Padding, Pair, Windows, lay_pooling_windows, lay_windows

# --- Windows ----------------------------------------------------------------------------------------------------------


def pad(x: np.ndarray, windows: Windows, value: float = 0.0) -> np.ndarray:
    """Put padding around each image; without padding, x itself.

    Parameters
    ----------
    x : (N, H, W, C) array
    windows : Windows
    value : float

    Returns
    -------
    padded : (N, top + H + bottom, left + W + right, C) array
    """
    if windows.padding == ((0, 0), (0, 0)):
        return x
    return np.pad(x, ((0, 0), *windows.padding, (0, 0)), constant_values=value)


def empty_padded(x_shape: tuple[int, ...], windows: Windows, dtype: np.dtype) -> np.ndarray:
    """Zeros of the shape that `pad` gives, to add gradients to."""
    batch, height, width, channels = x_shape
    (top, bottom), (left, right) = windows.padding
    return np.zeros((batch, top + height + bottom, left + width + right, channels), dtype)


def crop(padded: np.ndarray, windows: Windows) -> np.ndarray:
    """Take the image out of its padding again: the reverse of `pad`."""
    (top, _), (left, _) = windows.padding
    height, width = windows.image
    return padded[:, top : top + height, left : left + width]


def under_offset(padded: np.ndarray, windows: Windows, ki: int, kj: int) -> np.ndarray:
    """View the pixels under offset (ki, kj) of all windows.

    Parameters
    ----------
    padded : (N, top + H + bottom, left + W + right, ...) array
    windows : Windows
    ki, kj : int

    Returns
    -------
    view : (N, OH, OW, ...) array
        Writing to it writes to `padded`.
    """
    slices = [
        slice(k * dilation, k * dilation + stride * (output - 1) + 1, stride)
        for k, dilation, stride, output in zip((ki, kj), windows.dilation, windows.stride, windows.output, strict=True)
    ]
    return padded[:, *slices]


def patches(padded: np.ndarray, windows: Windows) -> np.ndarray:
    """View every window as a patch.

    Returns
    -------
    view : (N, OH, OW, C, KH, KW) array
    """
    (s_v, s_h), (d_v, d_h) = windows.stride, windows.dilation
    spanned = [d * (k - 1) + 1 for k, d in zip(windows.kernel, windows.dilation, strict=True)]
    return sliding_window_view(padded, spanned, axis=(1, 2))[:, ::s_v, ::s_h, :, ::d_v, ::d_h]


# --- Convolution ------------------------------------------------------------------------------------------------------


class Conv2DCache(NamedTuple):
    """What `conv2d_backward` needs of the forward pass; the matrices have the groups as first axis."""

    cols: np.ndarray
    matrix: np.ndarray
    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    has_bias: bool
    windows: Windows


def conv2d_forward(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    *,
    stride: int | Pair = 1,
    padding: Padding = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
) -> tuple[np.ndarray, Conv2DCache]:
    """Multiply the matrix of patches with the matrix of filters, one product for each group; (1)."""
    windows = lay_windows(x.shape[1:3], w.shape[:2], stride, padding, dilation)
    cols = im2col(pad(x, windows), windows, groups)
    matrix = filters_to_matrix(w, groups)
    y = (cols @ matrix).swapaxes(0, 1).reshape(len(x), *windows.output, w.shape[3])
    if b is not None:
        y += b
    return y, Conv2DCache(cols, matrix, x.shape, w.shape, b is not None, windows)


def conv2d_backward(dy: np.ndarray, cache: Conv2DCache) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Two more products of the same matrices; (1)."""
    cols, matrix, x_shape, w_shape, has_bias, windows = cache
    groups, positions, _ = cols.shape
    dy_matrix = dy.reshape(positions, groups, -1).swapaxes(0, 1)
    dw = matrix_to_filters(cols.swapaxes(1, 2) @ dy_matrix, w_shape)
    dx = col2im(dy_matrix @ matrix.swapaxes(1, 2), x_shape, windows)
    db = dy.sum(axis=(0, 1, 2)) if has_bias else None
    return dx, dw, db


def im2col(padded: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """Write each patch as a row.

    Parameters
    ----------
    padded : (N, top + H + bottom, left + W + right, C_in) array
    windows : Windows
    groups : int

    Returns
    -------
    cols : (groups, N OH OW, KH KW C_in / groups) array
    """
    view = patches(padded, windows)
    batch, oh, ow, channels, kh, kw = view.shape
    view = view.reshape(batch, oh, ow, groups, channels // groups, kh, kw)
    return view.transpose(3, 0, 1, 2, 5, 6, 4).reshape(groups, batch * oh * ow, -1)


def col2im(dcols: np.ndarray, x_shape: tuple[int, ...], windows: Windows) -> np.ndarray:
    """Add each row of dcols to the pixels its patch came from, one offset of the window at a time.

    Parameters
    ----------
    dcols : (groups, N OH OW, KH KW C_in / groups) array
    x_shape : (N, H, W, C_in)
    windows : Windows

    Returns
    -------
    dx : (N, H, W, C_in) array
    """
    groups, kernel = len(dcols), windows.kernel
    dcols = dcols.reshape(groups, x_shape[0], *windows.output, *kernel, -1)
    padded = empty_padded(x_shape, windows, dcols.dtype)
    by_group = padded.reshape(*padded.shape[:3], groups, -1)
    for ki, kj in np.ndindex(kernel):
        under_offset(by_group, windows, ki, kj)[...] += np.moveaxis(dcols[..., ki, kj, :], 0, 3)
    return crop(padded, windows)


def filters_to_matrix(w: np.ndarray, groups: int) -> np.ndarray:
    """Write each filter as a column: (KH, KW, C, C_out) to (groups, KH KW C, C_out / groups)."""
    filters = w.shape[3]
    return w.reshape(-1, groups, filters // groups).swapaxes(0, 1)


def matrix_to_filters(matrix: np.ndarray, w_shape: tuple[int, ...]) -> np.ndarray:
    """Undo `filters_to_matrix`."""
    return matrix.swapaxes(0, 1).reshape(w_shape)


# --- Pooling ----------------------------------------------------------------------------------------------------------


class MaxPool2DCache(NamedTuple):
    """What `max_pool2d_backward` needs: for each window the number ki KW + kj of its winner."""

    winner: np.ndarray
    x_shape: tuple[int, ...]
    windows: Windows


class AvgPool2DCache(NamedTuple):
    """What `avg_pool2d_backward` needs: for each window the number of pixels in it."""

    pixels: np.ndarray
    x_shape: tuple[int, ...]
    windows: Windows


def max_pool2d_forward(
    x: np.ndarray, *, pool_size: int | Pair = 2, stride: int | Pair | None = None, padding: Padding = 0
) -> tuple[np.ndarray, MaxPool2DCache]:
    """Go over the offsets in row-major order and keep what is larger than all before: the first of equals stays."""
    windows = lay_pooling_windows(x.shape[1:3], pool_size, stride, padding)
    padded = pad(x, windows, -np.inf)
    y = under_offset(padded, windows, 0, 0).copy()
    winner = np.zeros(y.shape, np.int32)
    for number, (ki, kj) in enumerate(np.ndindex(windows.kernel)):
        values = under_offset(padded, windows, ki, kj)
        np.copyto(winner, number, where=values > y)
        np.maximum(y, values, out=y)
    return y, MaxPool2DCache(winner, x.shape, windows)


def max_pool2d_backward(dy: np.ndarray, cache: MaxPool2DCache) -> np.ndarray:
    """For each offset, add the gradients of the windows in which it won."""
    winner, x_shape, windows = cache
    padded = empty_padded(x_shape, windows, dy.dtype)
    for number, (ki, kj) in enumerate(np.ndindex(windows.kernel)):
        under_offset(padded, windows, ki, kj)[...] += dy * (winner == number)
    return crop(padded, windows)


def avg_pool2d_forward(
    x: np.ndarray, *, pool_size: int | Pair = 2, stride: int | Pair | None = None, padding: Padding = 0
) -> tuple[np.ndarray, AvgPool2DCache]:
    """Add up the offsets, and divide by the same sum for an image of ones: the number of pixels in each window."""
    windows = lay_pooling_windows(x.shape[1:3], pool_size, stride, padding)
    ones = np.ones((1, *windows.image, 1), x.dtype)
    pixels = sum_offsets(pad(ones, windows), windows)
    y = sum_offsets(pad(x, windows), windows)
    y /= pixels
    return y, AvgPool2DCache(pixels, x.shape, windows)


def avg_pool2d_backward(dy: np.ndarray, cache: AvgPool2DCache) -> np.ndarray:
    """Add each window's share to every offset."""
    pixels, x_shape, windows = cache
    share = dy / pixels
    padded = empty_padded(x_shape, windows, dy.dtype)
    for ki, kj in np.ndindex(windows.kernel):
        under_offset(padded, windows, ki, kj)[...] += share
    return crop(padded, windows)


def sum_offsets(padded: np.ndarray, windows: Windows) -> np.ndarray:
    """Sum each window, (N, ..., C) to (N, OH, OW, C)."""
    total = np.zeros((len(padded), *windows.output, padded.shape[3]), padded.dtype)
    for ki, kj in np.ndindex(windows.kernel):
        total += under_offset(padded, windows, ki, kj)
    return total


def global_avg_pool2d_forward(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Average over rows and columns; the cache is the shape of x."""
    return x.mean(axis=(1, 2)), x.shape


def global_avg_pool2d_backward(dy: np.ndarray, cache: tuple[int, ...]) -> np.ndarray:
    """Spread dy / (H W) over rows and columns."""
    batch, height, width, channels = cache
    share = dy.reshape(batch, 1, 1, channels) / (height * width)
    return np.broadcast_to(share, cache).copy()


# --- Dense and flatten ------------------------------------------------------------------------------------------------


class DenseCache(NamedTuple):
    """What `dense_backward` needs of the forward pass."""

    x: np.ndarray
    w: np.ndarray
    has_bias: bool


def dense_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> tuple[np.ndarray, DenseCache]:
    """Return y = x @ w + b."""
    y = x @ w
    if b is not None:
        y += b
    return y, DenseCache(x, w, b is not None)


def dense_backward(dy: np.ndarray, cache: DenseCache) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return dx = dy @ w^T, dw = x^T @ dy, db = sum of dy over the batch."""
    x, w, has_bias = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0) if has_bias else None


def flatten_forward(x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Write each example as one row; the cache is the shape of x."""
    return x.reshape(len(x), -1), x.shape


def flatten_backward(dy: np.ndarray, cache: tuple[int, ...]) -> np.ndarray:
    """Give each example its shape back."""
    return dy.reshape(cache)


# --- Activations ------------------------------------------------------------------------------------------------------


class LeakyReLUCache(NamedTuple):
    """What `leaky_relu_backward` needs of the forward pass."""

    positive: np.ndarray
    negative_slope: float


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return y = max(x, 0). The cache is the mask x > 0."""
    return np.maximum(x, 0), x > 0


def relu_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Return dx = dy where x > 0, else 0."""
    positive = cache
    return dy * positive


def leaky_relu_forward(x: np.ndarray, *, negative_slope: float = 0.01) -> tuple[np.ndarray, LeakyReLUCache]:
    """Return y = x where x > 0, else negative_slope x."""
    positive = x > 0
    return np.where(positive, x, negative_slope * x), LeakyReLUCache(positive, negative_slope)


def leaky_relu_backward(dy: np.ndarray, cache: LeakyReLUCache) -> np.ndarray:
    """Return dx = dy where x > 0, else negative_slope dy."""
    positive, negative_slope = cache
    return np.where(positive, dy, negative_slope * dy)


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return y = 1 / (1 + e^-x) = e^x / (1 + e^x): of the two forms, for each x the one that cannot overflow."""
    e = np.exp(-np.abs(x))
    y = np.where(x >= 0, 1, e) / (1 + e)
    return y, y


def sigmoid_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Return dx = dy y (1 - y)."""
    y = cache
    return dy * y * (1 - y)


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return y = tanh(x). The cache is y."""
    y = np.tanh(x)
    return y, y


def tanh_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Return dx = dy (1 - y^2)."""
    y = cache
    return dy * (1 - y * y)


def softmax_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normalize e^x along the last axis, after taking off the largest x. The cache is y."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    y = e / e.sum(axis=-1, keepdims=True)
    return y, y


def softmax_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Return dx = y (dy - sum of dy y): the product with the Jacobian, multiplied out."""
    y = cache
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


# --- Batch normalization ----------------------------------------------------------------------------------------------


class BatchNormCache(NamedTuple):
    """What the two backward passes need: x normalized, gamma, and 1 / sqrt(var + eps)."""

    x_hat: np.ndarray
    gamma: np.ndarray
    inverse_std: np.ndarray


def batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float = 1e-5
) -> tuple[np.ndarray, BatchNormCache]:
    """Normalize with the mean and biased variance over every axis but the last."""
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axis=axes)
    var = np.square(x - mean).mean(axis=axes)
    return batchnorm_inference_forward(x, gamma, beta, mean, var, eps=eps)


def batchnorm_backward(dy: np.ndarray, cache: BatchNormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simplify the three ways of `loops.batchnorm_backward` to one line, with M values in a channel.

    dx = gamma / std (dy - dbeta / M - x_hat dgamma / M)
    """
    x_hat, gamma, inverse_std = cache
    dgamma, dbeta = scale_and_shift_gradients(dy, x_hat)
    count = x_hat.size // len(gamma)
    dx = gamma * inverse_std * (dy - dbeta / count - x_hat * (dgamma / count))
    return dx, dgamma, dbeta


def batchnorm_inference_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, var: np.ndarray, *, eps: float = 1e-5
) -> tuple[np.ndarray, BatchNormCache]:
    """Normalize with a given mean and variance."""
    inverse_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mean) * inverse_std
    return gamma * x_hat + beta, BatchNormCache(x_hat, gamma, inverse_std)


def batchnorm_inference_backward(dy: np.ndarray, cache: BatchNormCache) -> tuple[np.ndarray, ...]:
    """Go back to (dx, dgamma, dbeta, dmean, dvar); none of the five arguments depends on another."""
    x_hat, gamma, inverse_std = cache
    dgamma, dbeta = scale_and_shift_gradients(dy, x_hat)
    dx, dmean = dy * (gamma * inverse_std), -gamma * inverse_std * dbeta
    return dx, dgamma, dbeta, dmean, -gamma * inverse_std**2 * dgamma / 2


def scale_and_shift_gradients(dy: np.ndarray, x_hat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dgamma = sum of dy x_hat and dbeta = sum of dy, over every axis but the last."""
    axes = tuple(range(dy.ndim - 1))
    return (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)


# --- Dropout ----------------------------------------------------------------------------------------------------------


def dropout_forward(x: np.ndarray, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return y = x m / keep with a mask for each value. The cache is m / keep."""
    scaled_mask = draw_scaled_mask(x.shape, x.dtype, rate, rng)
    return x * scaled_mask, scaled_mask


def dropout_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Return dx = dy m / keep."""
    scaled_mask = cache
    return dy * scaled_mask


def spatial_dropout2d_forward(x: np.ndarray, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return y = x m / keep with one mask for each whole channel of an image. The cache is m / keep."""
    batch, _, _, channels = x.shape
    scaled_mask = draw_scaled_mask((batch, 1, 1, channels), x.dtype, rate, rng)
    return x * scaled_mask, scaled_mask


def spatial_dropout2d_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Return dx = dy m / keep."""
    scaled_mask = cache
    return dy * scaled_mask


def draw_scaled_mask(shape: tuple[int, ...], dtype: np.dtype, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Draw m / keep: 1 / keep with probability keep = 1 - rate, else 0."""
    keep = 1.0 - rate
    return (rng.random(shape, dtype=dtype) < keep).astype(dtype) / dtype.type(keep)


# --- Losses -----------------------------------------------------------------------------------------------------------


class SoftmaxCrossEntropyCache(NamedTuple):
    """What `softmax_cross_entropy_backward` needs: probabilities p, targets q and their scale W."""

    p: np.ndarray
    q: np.ndarray
    total_weight: float


def softmax_cross_entropy_forward(
    logits: np.ndarray,
    labels: np.ndarray,
    *,
    label_smoothing: float = 0.0,
    class_weights: np.ndarray | None = None,
) -> tuple[float, SoftmaxCrossEntropyCache]:
    """Return the loss = -(sum of q log p) / W, see `loops`."""
    batch, classes = logits.shape
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    q = np.full_like(logits, label_smoothing / classes)
    q[np.arange(batch), labels] += 1 - label_smoothing
    total_weight = batch
    if class_weights is not None:
        weights = np.asarray(class_weights, logits.dtype)
        q *= weights
        total_weight = float(weights[labels].sum())
    loss = -float((q * log_p).sum()) / total_weight
    return loss, SoftmaxCrossEntropyCache(np.exp(log_p), q, total_weight)


def softmax_cross_entropy_backward(dy: float = 1.0, cache: SoftmaxCrossEntropyCache | None = None) -> np.ndarray:
    """Return dlogits = dy/W (p (sum of q in the row) - q)."""
    p, q, total_weight = cache
    return (p * q.sum(axis=1, keepdims=True) - q) * float(dy / total_weight)


def binary_cross_entropy_forward(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the loss = mean of max(z, 0) - t z + log(1 + e^-|z|). The cache is sigmoid(z) - t."""
    t = np.asarray(labels, logits.dtype).reshape(logits.shape)
    loss = (np.maximum(logits, 0) - t * logits + np.log1p(np.exp(-np.abs(logits)))).mean()
    return float(loss), sigmoid_forward(logits)[0] - t


def binary_cross_entropy_backward(dy: float = 1.0, cache: np.ndarray | None = None) -> np.ndarray:
    """Return dlogits = dy/N (sigmoid(z) - t)."""
    difference = cache
    return difference * float(dy / len(difference))


def mean_squared_error_forward(prediction: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the loss = mean of (prediction - target)^2 over batch and outputs. The cache is prediction - target."""
    difference = prediction - np.asarray(target, prediction.dtype)
    return float(np.square(difference).mean()), difference


def mean_squared_error_backward(dy: float = 1.0, cache: np.ndarray | None = None) -> np.ndarray:
    """Return dprediction = 2 dy/S (prediction - target), S values in all."""
    difference = cache
    return difference * float(2 * dy / difference.size)
