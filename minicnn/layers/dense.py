"""Dense: every output is a weighted sum of all inputs.

    y = x w + b                                                                                     (1)

    dx = dy w^T                                                                                     (2)
    dw = x^T dy         summed over the batch by the product                                        (3)
    db = sum over n of dy[n]                                                                        (4)

Each follows from y[n,o] = sum over i of x[n,i] w[i,o] + b[o], by collecting dy[n,o] times the derivative of y[n,o].

Source: Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .. import initializers
from ..arguments import checked_count, checked_flag
from ..kernels import parallel
from .checks import check_same_dtype, checked_array, checked_cache, checked_dy
from .layer import Layer


class DenseCache(NamedTuple):
    """What `dense_backward` needs of the forward pass."""

    x: np.ndarray
    w: np.ndarray
    with_bias: bool


def dense_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> tuple[np.ndarray, DenseCache]:
    """Weighted sums, equation (1).

    Parameters
    ----------
    x : array, shape (N, in)
    w : array, shape (in, out)
    b : array, shape (out,), optional

    Returns
    -------
    y : array, shape (N, out)
    cache : DenseCache

    Raises
    ------
    TypeError
        If the arrays are not all float32 or all float64.
    ValueError
        If shapes do not fit together.

    Examples
    --------
    >>> from minicnn.functional import dense_forward
    >>> x, w, b = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]]), np.array([0.0, 0.0, 5.0])
    >>> y, cache = dense_forward(x, w, b)
    >>> y
    array([[ 1.,  2., 16.]])
    """
    x = checked_array(x, "x", "(N, in)")
    w = checked_array(w, "w", "(in, out)")
    check_same_dtype(x=x, w=w, b=b)
    if x.shape[1] != w.shape[0]:
        raise ValueError(f"x has {x.shape[1]} inputs and w {w.shape[0]} rows (shapes {x.shape} and {w.shape}).")
    if b is not None and b.shape != w.shape[1:]:
        raise ValueError(f"b must have shape {w.shape[1:]}, one number an output, got {b.shape}.")
    y = parallel.matmul(x, w)  # (1)
    if b is not None:
        y += b
    return y, DenseCache(x, w, b is not None)


def dense_backward(
    dy: np.ndarray, cache: DenseCache, *, need_dx: bool = True
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray | None]:
    """Gradients, equations (2) to (4).

    Parameters
    ----------
    dy : array, shape (N, out)
    cache : DenseCache
    need_dx : bool
        False leaves out (2), and dx is None.

    Returns
    -------
    dx : array, shape (N, in)
    dw : array, shape (in, out)
    db : array, shape (out,); None if there was no bias

    Examples
    --------
    >>> from minicnn.functional import dense_backward, dense_forward
    >>> y, cache = dense_forward(x=np.array([[1.0, 2.0]]), w=np.array([[3.0], [4.0]]), b=np.zeros(1))
    >>> dx, dw, db = dense_backward(np.array([[1.0]]), cache)
    >>> dx, dw.T, db  # w, x, and how often b was added
    (array([[3., 4.]]), array([[1., 2.]]), array([1.]))
    """
    x, w, with_bias = checked_cache(cache, DenseCache, "dense_forward")
    dy = checked_dy(dy, (len(x), w.shape[1]), x.dtype)
    dx = parallel.matmul(dy, w.T) if need_dx else None  # (2)
    dw = parallel.matmul(x.T, dy)  # (3)
    db = dy.sum(axis=0) if with_bias else None  # (4)
    return dx, dw, db


class Dense(Layer):
    """Fully connected layer with `units` outputs on inputs (N, in).

    Parameters
    ----------
    units : int
        Number of outputs.
    use_bias : bool
        False where a batch norm follows, which takes any bias out again.
    initializer : str or function
        Of the weights, see `minicnn.initializers`; biases start at zero.

    Examples
    --------
    >>> from minicnn import Dense
    >>> layer = Dense(10)
    >>> layer.build((784,))
    (10,)
    >>> {name: array.shape for name, array in layer.params.items()}
    {'w': (784, 10), 'b': (10,)}
    """

    def __init__(self, units: int, use_bias: bool = True, initializer: str | initializers.Initializer = "he_uniform"):
        initializers.get(initializer)
        self.units = checked_count("Dense", "units", units, at_least=1)
        self.use_bias, self.initializer = checked_flag("Dense", "use_bias", use_bias), initializer

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(units,) for inputs (in,)."""
        if len(input_shape) != 1:
            raise ValueError(
                f"{self!r} works on vectors (in,), got inputs of shape {input_shape}. "
                "Put a Flatten or GlobalAvgPool2D before it."
            )
        return (self.units,)

    def param_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Weights (in, units) and biases (units,)."""
        w, b = (*input_shape, self.units), (self.units,)
        return {"w": w, "b": b} if self.use_bias else {"w": w}

    def build_params(self) -> None:
        """Draw the weights; biases are zero."""
        shapes = self.param_shapes(self.input_shape)
        self.params["w"] = initializers.draw(self.initializer, shapes["w"], self.rng, self.dtype)
        if self.use_bias:
            self.params["b"] = np.zeros(shapes["b"], self.dtype)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Weighted sums; training and evaluation are the same."""
        y, self.cache = dense_forward(x, **self.params)
        return y

    def backward(self, dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
        """Gradients of weights and bias into `grads`; returns dx."""
        dx, *gradients = dense_backward(dy, self.cache, need_dx=need_dx)
        self.grads = dict(zip(self.params, gradients, strict=False))
        return dx

    def backward_params(self, dy: np.ndarray) -> None:
        """`backward` without dx."""
        self.backward(dy, need_dx=False)
