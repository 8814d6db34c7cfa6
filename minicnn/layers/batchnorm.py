"""Batch normalization: give each channel mean 0 and variance 1 over the batch, then a scale and a shift it can learn.

For each channel c, with M numbers x_m in it (m runs over every axis but the last: examples, and for images pixels):

    mu    = 1/M sum over m of x_m                                                                   (1)
    var   = 1/M sum over m of (x_m - mu)^2                                                          (2)
    x_hat = (x - mu) / sqrt(var + eps)                                                              (3)
    y     = gamma x_hat + beta                                                                      (4)

Backward: mu and var depend on every x_m, so that dx has three terms, straight through, through mu and through var:

    dbeta  = sum over m of dy_m                                                                     (5)
    dgamma = sum over m of dy_m x_hat_m                                                             (6)
    dx     = gamma / sqrt(var + eps) (dy - dbeta / M - x_hat dgamma / M)                            (7)

In evaluation mu and var are running averages (8) over the training batches. They do not depend on x, and dx has one
term (9). As arguments they have gradients of their own (10); in training these flow on into every x_m and make the
other two terms of (7).

    running = momentum running + (1 - momentum) batch                                               (8)
    dx      = gamma / sqrt(var + eps) dy                                                            (9)
    dmu     = -gamma / sqrt(var + eps) dbeta,      dvar = -gamma / (2 (var + eps)) dgamma          (10)

Both sums of (1) and (2) come from one pass over x, for with any number s in place of mu

    var     = 1/M sum over m of (x_m - s)^2 - (mu - s)^2                                           (11)

where little cancels if s is one of the x_m, for then (mu - s)^2 is at most M var. Here it is x_1, and sums are kept in
float64.

(8) takes the biased variance (2) and momentum 0.9 keeps nine tenths of the old value, as Keras and ONNX have it;
PyTorch's momentum is 1 - ours and its running variance divides by M - 1.

Sources: Ioffe & Szegedy, "Batch normalization", ICML 2015; Chan, Golub & LeVeque, "Algorithms for computing the sample
variance", The American Statistician 37, 1983 (11).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..arguments import checked_number
from ..kernels import batchnorm as kernels
from ..kernels import parallel
from .checks import check_same_dtype, checked_array, checked_cache, checked_dy
from .layer import Layer


class BatchNormCache(NamedTuple):
    """What the backward passes need of the forward pass; mean and inv_std = 1 / sqrt(var + eps) are (C,), float64."""

    x: np.ndarray
    gamma: np.ndarray
    mean: np.ndarray
    var: np.ndarray
    inv_std: np.ndarray


def batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float = 1e-5
) -> tuple[np.ndarray, BatchNormCache]:
    """Normalize with the batch's own statistics, equations (1) to (4).

    Parameters
    ----------
    x : array, shape (N, C) or (N, H, W, C)
    gamma, beta : array, shape (C,)
    eps : float
        Added to the variance, in units of x squared.

    Returns
    -------
    y : array, shape of `x`
    cache : BatchNormCache

    Raises
    ------
    TypeError
        If the arrays are not all float32 or all float64.
    ValueError
        If shapes do not fit, or there is only one number a channel.

    Examples
    --------
    >>> from minicnn.functional import batchnorm_forward
    >>> x = np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 50.0]])
    >>> y, cache = batchnorm_forward(x, gamma=np.ones(2), beta=np.zeros(2))
    >>> y.round(3)  # each column by itself
    array([[-1.225, -1.225],
           [ 0.   ,  0.   ],
           [ 1.225,  1.225]])
    """
    x = _checked(x, gamma, beta)
    rows = _rows(x)
    M = len(rows)
    if M < 2:
        raise ValueError(
            f"Batch norm in training needs at least two numbers a channel, got x of shape {x.shape}: one number is "
            "its own mean, so that x - mean = 0 and nothing of x is left. Use a larger batch, or evaluation mode."
        )
    s = rows[0].astype(np.float64)
    total, squares = _sums_over_batch(lambda part: kernels.channel_moments(rows[part], s), rows)  # of x - s
    mean = s + total / M  # (1)
    var = squares / M - (mean - s) ** 2  # (2) as (11)
    return _normalize(x, gamma, beta, mean, var, eps)


def batchnorm_backward(dy: np.ndarray, cache: BatchNormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients through the statistics, equations (5) to (7).

    Parameters
    ----------
    dy : array, shape of x
    cache : BatchNormCache

    Returns
    -------
    dx : array, shape of x
    dgamma, dbeta : array, shape (C,)

    Examples
    --------
    >>> from minicnn.functional import batchnorm_backward, batchnorm_forward
    >>> rng = np.random.default_rng(0)
    >>> y, cache = batchnorm_forward(rng.normal(5, 2, (8, 3)), gamma=np.ones(3), beta=np.zeros(3))
    >>> dx, dgamma, dbeta = batchnorm_backward(rng.normal(size=(8, 3)), cache)
    >>> np.allclose(dx.sum(axis=0), 0)  # the work of the mean's term
    True
    >>> np.allclose((dx * y).sum(axis=0), 0, atol=1e-4)  # and of the variance's
    True
    """
    x, gamma, mean, _, inv_std = checked_cache(cache, BatchNormCache, "batchnorm_forward")
    dgamma, dbeta = _parameter_gradients(dy, cache)
    M = x.size // len(gamma)
    # (7), with x_hat = (x - mean) inv_std
    dx = _scale(dy, x, mean, scale=gamma * inv_std, offset=dbeta / M, slope=inv_std * dgamma / M)
    return dx, dgamma.astype(x.dtype), dbeta.astype(x.dtype)


def batchnorm_inference_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, var: np.ndarray, *, eps: float = 1e-5
) -> tuple[np.ndarray, BatchNormCache]:
    """Normalize with given statistics, equations (3) and (4).

    Parameters
    ----------
    x : array, shape (N, C) or (N, H, W, C)
    gamma, beta, mean, var : array, shape (C,)
    eps : float
        Added to the variance, in units of x squared.

    Returns
    -------
    y : array, shape of `x`
    cache : BatchNormCache

    Examples
    --------
    >>> from minicnn.functional import batchnorm_inference_forward
    >>> x, mean, var = np.array([[3.0], [5.0], [9.0]]), np.array([5.0]), np.array([4.0])
    >>> y, cache = batchnorm_inference_forward(x, np.ones(1), np.zeros(1), mean, var, eps=0)
    >>> y.ravel()
    array([-1.,  0.,  2.])
    """
    x = _checked(x, gamma, beta, mean=mean, var=var)
    if (var < 0).any():
        raise ValueError(f"var holds variances, each at least 0, got {var.min():.4g}.")
    return _normalize(x, gamma, beta, mean.astype(np.float64), var.astype(np.float64), eps)


def batchnorm_inference_backward(dy: np.ndarray, cache: BatchNormCache) -> tuple[np.ndarray, ...]:
    """Gradients where the statistics are arguments like the others, equations (5), (6), (9) and (10).

    Parameters
    ----------
    dy : array, shape of x
    cache : BatchNormCache

    Returns
    -------
    dx : array, shape of x
    dgamma, dbeta, dmean, dvar : array, shape (C,)

    Examples
    --------
    >>> from minicnn.functional import batchnorm_inference_backward, batchnorm_inference_forward
    >>> x, mean, var = np.array([[3.0], [5.0], [9.0]]), np.array([5.0]), np.array([4.0])
    >>> y, cache = batchnorm_inference_forward(x, np.ones(1), np.zeros(1), mean, var, eps=0)
    >>> dx, dgamma, dbeta, dmean, dvar = batchnorm_inference_backward(np.ones((3, 1)), cache)
    >>> dx.ravel()  # one term: 1 / sqrt(4)
    array([0.5, 0.5, 0.5])
    """
    x, gamma, mean, _, inv_std = checked_cache(cache, BatchNormCache, "batchnorm_inference_forward")
    dgamma, dbeta = _parameter_gradients(dy, cache)
    no_term = np.zeros_like(mean)
    dx = _scale(dy, x, mean, scale=gamma * inv_std, offset=no_term, slope=no_term)  # (9)
    dmean, dvar = -gamma * inv_std * dbeta, -gamma * inv_std**2 * dgamma / 2  # (10)
    return dx, *(gradient.astype(x.dtype) for gradient in (dgamma, dbeta, dmean, dvar))


def update_running(running: np.ndarray, batch: np.ndarray, momentum: float = 0.9) -> np.ndarray:
    """Take the statistics of one more batch into the running ones, equation (8).

    Parameters
    ----------
    running, batch : array, shape (C,)
    momentum : float in [0, 1)
        Share of the running statistics that is kept, dimensionless.

    Returns
    -------
    array, shape (C,), dtype of `running`
    """
    return (momentum * running + (1 - momentum) * batch).astype(running.dtype)


def _rows(x: np.ndarray) -> np.ndarray:
    """View x as (M, C): a row for every example, and for images for every pixel."""
    return x.reshape(-1, x.shape[-1])


def _checked(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, **statistics: np.ndarray) -> np.ndarray:
    """Return x, C-contiguous, if the arrays fit together."""
    x = checked_array(x, "x", "(N, H, W, C)" if np.ndim(x) == 4 else "(N, C)")
    check_same_dtype(x=x, gamma=gamma, beta=beta)
    C = x.shape[-1]
    for name, array in dict(gamma=gamma, beta=beta, **statistics).items():
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} must be an array of shape ({C},), got a {type(array).__name__}.")
        if array.shape != (C,):
            raise ValueError(f"{name} must have shape ({C},), one number a channel of x, got {array.shape}.")
    return x


def _normalize(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, var: np.ndarray, eps: float
) -> tuple[np.ndarray, BatchNormCache]:
    """Equations (3) and (4) in one pass."""
    eps = checked_number("Batch norm", "eps", eps, at_least=0)
    inv_std = 1 / np.sqrt(var + eps)
    y = np.empty_like(x)
    rows, y_rows = _rows(x), _rows(y)
    constants = [a.astype(x.dtype) for a in (mean, gamma * inv_std, beta)]
    parallel.over_batch(lambda s: kernels.normalize(rows[s], y_rows[s], *constants), len(rows), x.size)
    return y, BatchNormCache(x, gamma, mean, var, inv_std)


def _parameter_gradients(dy: np.ndarray, cache: BatchNormCache) -> tuple[np.ndarray, np.ndarray]:
    """Dgamma and dbeta, equations (5) and (6), in float64."""
    x, _, mean, _, inv_std = cache
    dy = checked_dy(dy, x.shape, x.dtype)
    rows, dy_rows = _rows(x), _rows(dy)
    dbeta, dgamma = _sums_over_batch(lambda s: kernels.gradient_sums(dy_rows[s], rows[s], mean, inv_std), rows)
    return dgamma, dbeta


def _scale(dy: np.ndarray, x: np.ndarray, mean: np.ndarray, **constants: np.ndarray) -> np.ndarray:
    """scale (dy - offset - slope (x - mean)) for each channel: the form of equations (7) and (9)."""
    dx = np.empty_like(x)
    rows, dy_rows, dx_rows = _rows(x), _rows(np.ascontiguousarray(dy)), _rows(dx)
    channels = [a.astype(x.dtype) for a in (mean, *constants.values())]
    parallel.over_batch(
        lambda s: kernels.normalize_backward(dy_rows[s], rows[s], dx_rows[s], *channels), len(rows), x.size
    )
    return dx


def _sums_over_batch(partial: Callable[[slice], tuple[np.ndarray, ...]], rows: np.ndarray) -> list[np.ndarray]:
    """Add up each of the sums that the threads made of their slices."""
    return [sum(parts) for parts in zip(*parallel.over_batch(partial, len(rows), rows.size), strict=True)]


class BatchNorm(Layer):
    """Normalize each channel over the batch, for inputs (N, C) and (N, H, W, C).

    Parameters
    ----------
    momentum : float
        Share of the running statistics that one training step keeps, equation (8), dimensionless; 0 <= momentum < 1.
    eps : float
        Added to the variance, in units of x squared; positive.

    Attributes
    ----------
    state : dict
        "running_mean" and "running_var", each (C,): what evaluation normalizes with.

    Examples
    --------
    >>> from minicnn import BatchNorm
    >>> layer = BatchNorm()
    >>> layer.build((3,))
    (3,)
    >>> y = layer.forward(np.random.default_rng(0).normal(5, 2, (100, 3)).astype("float32"), training=True)
    >>> np.allclose(y.mean(axis=0), 0, atol=1e-5), np.allclose(y.std(axis=0), 1, atol=1e-5)  # each channel
    (True, True)
    """

    def __init__(self, momentum: float = 0.9, eps: float = 1e-5):
        self.momentum = checked_number("BatchNorm", "momentum", momentum, at_least=0, below=1)
        self.eps = checked_number("BatchNorm", "eps", eps, above=0)

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The same shape, (C,) or (H, W, C)."""
        if len(input_shape) not in (1, 3):
            raise ValueError(f"{self!r} works on vectors (C,) or images (H, W, C), got inputs of shape {input_shape}.")
        return input_shape

    @property
    def smallest_training_batch(self) -> int:
        """Two where each example has one number a channel, see `batchnorm_forward`."""
        return 2 if math.prod(self.input_shape[:-1]) == 1 else 1

    def param_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Scale and shift, one number a channel each."""
        return {"gamma": input_shape[-1:], "beta": input_shape[-1:]}

    def build_params(self) -> None:
        """Start with y = x_hat, and with running statistics of mean 0 and variance 1."""
        C = self.input_shape[-1]
        self.params = {"gamma": np.ones(C, self.dtype), "beta": np.zeros(C, self.dtype)}
        self.state = {"running_mean": np.zeros(C, self.dtype), "running_var": np.ones(C, self.dtype)}

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Normalize with the batch's statistics in training, with the running ones in evaluation."""
        if not training:
            mean, var = self.state["running_mean"], self.state["running_var"]
            y, cache = batchnorm_inference_forward(x, **self.params, mean=mean, var=var, eps=self.eps)
            self.cache = batchnorm_inference_backward, cache
            return y
        y, cache = batchnorm_forward(x, **self.params, eps=self.eps)
        self.cache = batchnorm_backward, cache
        for name, batch in (("running_mean", cache.mean), ("running_var", cache.var)):
            self.state[name] = update_running(self.state[name], batch, self.momentum)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Gradients of gamma and beta into `grads`; returns dx, through the statistics if they were the batch's."""
        backward, cache = self.cache
        dx, dgamma, dbeta, *_ = backward(dy, cache)
        self.grads = {"gamma": dgamma, "beta": dbeta}
        return dx
