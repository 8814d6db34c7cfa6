"""Activations: a function of each number alone, so that backward is a product with its derivative.

    dx = dy f'(x)                                                                                   (1)

                y = f(x)                        f'(x), by y where that is shorter
    relu        max(x, 0)                       1 where x > 0, else 0 (and 0 at x = 0)              (2)
    leaky relu  x where x > 0, else a x         1 where x > 0, else a                               (3)
    sigmoid     1 / (1 + exp(-x))               y (1 - y)                                           (4)
    tanh        tanh x                          1 - y^2                                             (5)

Softmax is the exception: its outputs share a sum, so that each depends on all of its row,

    softmax     y_k = exp(x_k) / sum over l of exp(x_l)                                             (6)
    backward    dx_k = y_k (dy_k - sum over l of dy_l y_l)                                          (7)

Sources: Glorot, Bordes & Bengio, "Deep sparse rectifier neural networks", AISTATS 2011 (relu); Maas, Hannun & Ng,
"Rectifier nonlinearities improve neural network acoustic models", ICML workshop 2013 (leaky relu); Bridle,
"Probabilistic interpretation of feedforward classification network outputs", 1990 (softmax).
"""

from __future__ import annotations

import numpy as np

from ..arguments import checked_number
from ..kernels import activations as kernels
from ..kernels import parallel
from .checks import checked_array, checked_cache, checked_dy
from .layer import FunctionLayer


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """max(x, 0), equation (2).

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    y : array, shape of `x`
    cache : array
        y itself, which is positive just where x is.

    Examples
    --------
    >>> from minicnn.functional import relu_forward
    >>> y, cache = relu_forward(np.array([-2.0, 0.0, 3.0]))
    >>> y
    array([0., 0., 3.])
    """
    x = checked_array(x, "x")
    y = np.empty_like(x)
    flat_x, flat_y = x.reshape(-1), y.reshape(-1)
    parallel.over_batch(lambda s: kernels.relu(flat_x[s], flat_y[s]), x.size, x.size)
    return y, y


def relu_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Pass the gradient where x was positive, equations (1) and (2). Shapes as in `relu_forward`.

    Examples
    --------
    >>> from minicnn.functional import relu_backward, relu_forward
    >>> y, cache = relu_forward(np.array([-2.0, 0.0, 3.0]))
    >>> relu_backward(np.array([1.0, 1.0, 1.0]), cache)
    array([0., 0., 1.])
    """
    y = checked_cache(cache, np.ndarray, "relu_forward")
    dy = checked_dy(dy, y.shape, y.dtype)
    dx = np.empty_like(y)
    flat_dy, flat_y, flat_dx = dy.reshape(-1), y.reshape(-1), dx.reshape(-1)
    parallel.over_batch(lambda s: kernels.relu_backward(flat_dy[s], flat_y[s], flat_dx[s]), y.size, y.size)
    return dx


def leaky_relu_forward(x: np.ndarray, *, negative_slope: float = 0.01) -> tuple[np.ndarray, tuple[np.ndarray, float]]:
    """x where positive, else a x, equation (3).

    Parameters
    ----------
    x : array, any shape
    negative_slope : float
        The slope a left of zero, dimensionless.

    Returns
    -------
    y : array, shape of `x`
    cache : (array, float)
        x and the slope.

    Examples
    --------
    >>> from minicnn.functional import leaky_relu_forward
    >>> y, cache = leaky_relu_forward(np.array([-2.0, 3.0]), negative_slope=0.1)
    >>> y
    array([-0.2,  3. ])
    """
    x = checked_array(x, "x")
    negative_slope = checked_number("leaky relu", "negative_slope", negative_slope)
    return np.where(x > 0, x, x.dtype.type(negative_slope) * x), (x, negative_slope)


def leaky_relu_backward(dy: np.ndarray, cache: tuple[np.ndarray, float]) -> np.ndarray:
    """Scale the gradient by 1 or a, equations (1) and (3). Shapes as in `leaky_relu_forward`.

    Examples
    --------
    >>> from minicnn.functional import leaky_relu_backward, leaky_relu_forward
    >>> y, cache = leaky_relu_forward(np.array([-2.0, 3.0]), negative_slope=0.1)
    >>> leaky_relu_backward(np.array([1.0, 1.0]), cache)
    array([0.1, 1. ])
    """
    x, negative_slope = checked_cache(cache, tuple, "leaky_relu_forward")
    dy = checked_dy(dy, x.shape, x.dtype)
    return np.where(x > 0, dy, x.dtype.type(negative_slope) * dy)


def sigmoid_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1 / (1 + exp(-x)), equation (4).

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    y : array, shape of `x`, between 0 and 1
    cache : array
        y itself.

    Examples
    --------
    >>> from minicnn.functional import sigmoid_forward
    >>> y, cache = sigmoid_forward(np.array([-2.0, 0.0, 2.0]))
    >>> y.round(2)
    array([0.12, 0.5 , 0.88])
    """
    x = checked_array(x, "x")
    small = np.exp(-np.abs(x))  # at most 1: never overflows
    y = np.where(x >= 0, 1, small) / (1 + small)
    return y, y


def sigmoid_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """dy y (1 - y), equations (1) and (4). Shapes as in `sigmoid_forward`.

    Examples
    --------
    >>> from minicnn.functional import sigmoid_backward, sigmoid_forward
    >>> y, cache = sigmoid_forward(np.array([-2.0, 0.0, 2.0]))
    >>> sigmoid_backward(np.ones(3), cache).round(2)  # nowhere more than a quarter
    array([0.1 , 0.25, 0.1 ])
    """
    y = checked_cache(cache, np.ndarray, "sigmoid_forward")
    dy = checked_dy(dy, y.shape, y.dtype)
    return dy * y * (1 - y)


def tanh_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """tanh x, equation (5).

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    y : array, shape of `x`, between -1 and 1
    cache : array
        y itself.

    Examples
    --------
    >>> from minicnn.functional import tanh_forward
    >>> y, cache = tanh_forward(np.array([-1.0, 0.0, 1.0]))
    >>> y.round(2)
    array([-0.76,  0.  ,  0.76])
    """
    y = np.tanh(checked_array(x, "x"))
    return y, y


def tanh_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """dy (1 - y^2), equations (1) and (5). Shapes as in `tanh_forward`.

    Examples
    --------
    >>> from minicnn.functional import tanh_backward, tanh_forward
    >>> y, cache = tanh_forward(np.array([-1.0, 0.0, 1.0]))
    >>> tanh_backward(np.ones(3), cache).round(2)
    array([0.42, 1.  , 0.42])
    """
    y = checked_cache(cache, np.ndarray, "tanh_forward")
    dy = checked_dy(dy, y.shape, y.dtype)
    return dy * (1 - y * y)


def softmax_forward(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positive numbers that sum to 1 along the last axis, equation (6).

    Parameters
    ----------
    x : array, shape (..., K)

    Returns
    -------
    y : array, shape of `x`
    cache : array
        y itself.

    Examples
    --------
    >>> from minicnn.functional import softmax_forward
    >>> y, cache = softmax_forward(np.log([[1.0, 2.0, 5.0]]))
    >>> y
    array([[0.125, 0.25 , 0.625]])
    """
    x, shape = checked_array(x, "x"), x.shape
    if shape == () or shape[-1] == 0:
        raise ValueError(f"x must have at least one number in its last axis, the classes, got shape {shape}.")
    exp = np.exp(x - x.max(axis=-1, keepdims=True))  # the largest becomes exp(0) = 1: no overflow, same quotient
    y = exp / exp.sum(axis=-1, keepdims=True)
    return y, y


def softmax_backward(dy: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """y (dy - the sum of dy y over the row), equation (7). Shapes as in `softmax_forward`.

    Examples
    --------
    >>> from minicnn.functional import softmax_backward, softmax_forward
    >>> y, cache = softmax_forward(np.log([[1.0, 2.0, 5.0]]))
    >>> dx = softmax_backward(np.array([[0.0, 0.0, 1.0]]), cache)
    >>> dx.round(3)  # what one probability gains the others lose
    array([[-0.078, -0.156,  0.234]])
    """
    y = checked_cache(cache, np.ndarray, "softmax_forward")
    dy = checked_dy(dy, y.shape, y.dtype)
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))


class ReLU(FunctionLayer):
    """max(x, 0): equation (2).

    Examples
    --------
    >>> from minicnn import ReLU
    >>> ReLU().forward(np.array([[-2.0, 0.0, 3.0]]))
    array([[0., 0., 3.]])
    """

    functions = relu_forward, relu_backward


class LeakyReLU(FunctionLayer):
    """x where positive, else `negative_slope` times x: equation (3).

    Parameters
    ----------
    negative_slope : float
        The slope a left of zero, dimensionless.

    Examples
    --------
    >>> from minicnn import LeakyReLU
    >>> LeakyReLU(0.1).forward(np.array([[-2.0, 3.0]]))
    array([[-0.2,  3. ]])
    """

    functions = leaky_relu_forward, leaky_relu_backward

    def __init__(self, negative_slope: float = 0.01):
        self.negative_slope = checked_number("LeakyReLU", "negative_slope", negative_slope)


class Sigmoid(FunctionLayer):
    """1 / (1 + exp(-x)): equation (4). At a network's end `BinaryCrossEntropy` contains it already.

    Examples
    --------
    >>> from minicnn import Sigmoid
    >>> Sigmoid().forward(np.array([[-2.0, 0.0, 2.0]])).round(2)
    array([[0.12, 0.5 , 0.88]])
    """

    functions = sigmoid_forward, sigmoid_backward


class Tanh(FunctionLayer):
    """The hyperbolic tangent of x: equation (5).

    Examples
    --------
    >>> from minicnn import Tanh
    >>> Tanh().forward(np.array([[-1.0, 0.0, 1.0]])).round(2)
    array([[-0.76,  0.  ,  0.76]])
    """

    functions = tanh_forward, tanh_backward


class Softmax(FunctionLayer):
    """Probabilities along the last axis: equation (6). At a network's end `SoftmaxCrossEntropy` contains it already.

    Examples
    --------
    >>> from minicnn import Softmax
    >>> Softmax().forward(np.log([[1.0, 2.0, 5.0]]))
    array([[0.125, 0.25 , 0.625]])
    """

    functions = softmax_forward, softmax_backward
