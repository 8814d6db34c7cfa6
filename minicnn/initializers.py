"""Initializers: how a parameter looks before training.

A unit adds up fan_in products w x. With independent w of mean zero, Var[y] = fan_in Var[w] E[x^2]: the variance of w
decides whether signals grow or die from layer to layer (and, with fan_out, gradients on their way back).

    fan_in, fan_out = in, out                              dense weights (in, out)                          (1)
                    = KH KW C_in / groups, KH KW C_out     kernels (KH, KW, C_in / groups, C_out)           (2)

    he        Var[w] = 2 / fan_in                 keeps E[x^2] through ReLU, which silences half            (3)
    glorot    Var[w] = 2 / (fan_in + fan_out)     a compromise between the ways forward and back            (4)
    lecun     Var[w] = 1 / fan_in                 keeps E[x^2] where the activation is linear at zero       (5)

`..._normal` draws from a plain normal distribution, as PyTorch (Keras cuts it off at two standard deviations);
`..._uniform` from [-a, a) with a = sqrt(3 Var[w]), which has the variance asked for.                       (6)

fan_out counts all C_out even where there are groups, as Keras and PyTorch do. Random numbers are drawn in float64 and
then rounded, so that one seed gives one network, in float32 and in float64.

Sources: He et al., "Delving Deep into Rectifiers", ICCV 2015 (3); Glorot & Bengio, "Understanding the difficulty of
training deep feedforward neural networks", AISTATS 2010 (4); LeCun et al., "Efficient BackProp", 1998 (5).

>>> from minicnn import initializers
>>> initializers.he_uniform((3, 3, 16, 32), np.random.default_rng(0)).shape
(3, 3, 16, 32)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from .arguments import checked_dtype, checked_number, checked_rng

__all__ = [
    "INITIALIZERS",
    "constant",
    "fans",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "zeros",
]

Shape = tuple[int, ...]
Initializer = Callable[[Shape, np.random.Generator, DTypeLike], np.ndarray]


def fans(shape: Shape) -> tuple[int, int]:
    """Count the inputs and outputs of a weight's unit, equations (1) and (2).

    Parameters
    ----------
    shape : tuple of int
        (in, out) or (KH, KW, C_in / groups, C_out); any axes but the last two are positions in a window.

    Returns
    -------
    fan_in, fan_out : int

    Raises
    ------
    ValueError
        If there are fewer than two axes, as in a bias.

    Examples
    --------
    >>> from minicnn.initializers import fans
    >>> fans((784, 10)), fans((3, 3, 16, 32))
    ((784, 10), (144, 288))
    """
    if len(_checked_shape(shape)) < 2:
        raise ValueError(
            f"Random initializers need the shape (in, out) or (KH, KW, C_in / groups, C_out), got {tuple(shape)}. "
            'For a bias take "zeros".'
        )
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def he_normal(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Draw from a normal distribution with variance 2 / fan_in, equation (3).

    Parameters
    ----------
    shape : tuple of int
        (in, out) or (KH, KW, C_in / groups, C_out).
    rng : numpy.random.Generator
    dtype : float32 or float64

    Returns
    -------
    w : array of this shape and dtype

    Examples
    --------
    >>> from minicnn.initializers import he_normal
    >>> w = he_normal((200, 1000), np.random.default_rng(0))
    >>> round(float(w.var()), 4)  # 2 / 200
    0.01
    """
    return _normal(shape, rng, dtype, _he_variance(shape))


def he_uniform(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Draw uniformly with variance 2 / fan_in, equations (3) and (6). Arguments as in `he_normal`.

    Examples
    --------
    >>> from minicnn.initializers import he_uniform
    >>> w = he_uniform((600, 1000), np.random.default_rng(0))
    >>> round(float(abs(w).max()), 4)  # sqrt(6 / 600)
    0.1
    """
    return _uniform(shape, rng, dtype, _he_variance(shape))


def glorot_normal(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Draw from a normal distribution with variance 2 / (fan_in + fan_out), equation (4). Arguments as `he_normal`.

    Examples
    --------
    >>> from minicnn.initializers import glorot_normal
    >>> w = glorot_normal((200, 600), np.random.default_rng(0))
    >>> round(float(w.var()), 4)  # 2 / (200 + 600)
    0.0025
    """
    return _normal(shape, rng, dtype, _glorot_variance(shape))


def glorot_uniform(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Draw uniformly with variance 2 / (fan_in + fan_out), equations (4) and (6). Arguments as in `he_normal`.

    Examples
    --------
    >>> from minicnn.initializers import glorot_uniform
    >>> w = glorot_uniform((200, 400), np.random.default_rng(0))
    >>> round(float(abs(w).max()), 4)  # sqrt(6 / (200 + 400))
    0.1
    """
    return _uniform(shape, rng, dtype, _glorot_variance(shape))


def lecun_normal(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Draw from a normal distribution with variance 1 / fan_in, equation (5). Arguments as in `he_normal`.

    Examples
    --------
    >>> from minicnn.initializers import lecun_normal
    >>> w = lecun_normal((100, 1000), np.random.default_rng(0))
    >>> round(float(w.var()), 4)  # 1 / 100
    0.01
    """
    return _normal(shape, rng, dtype, _lecun_variance(shape))


def lecun_uniform(shape: Shape, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Draw uniformly with variance 1 / fan_in, equations (5) and (6). Arguments as in `he_normal`.

    Examples
    --------
    >>> from minicnn.initializers import lecun_uniform
    >>> w = lecun_uniform((300, 1000), np.random.default_rng(0))
    >>> round(float(abs(w).max()), 4)  # sqrt(3 / 300)
    0.1
    """
    return _uniform(shape, rng, dtype, _lecun_variance(shape))


def zeros(shape: Shape, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Fill with 0; `rng` is not used. Arguments as in `he_normal`.

    For biases: weights that are all alike would stay alike.

    Examples
    --------
    >>> from minicnn.initializers import zeros
    >>> zeros((3,))
    array([0., 0., 0.], dtype=float32)
    """
    return np.zeros(_checked_shape(shape), checked_dtype(dtype))


def ones(shape: Shape, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Fill with 1; `rng` is not used. Arguments as in `he_normal`.

    Examples
    --------
    >>> from minicnn.initializers import ones
    >>> ones((3,))
    array([1., 1., 1.], dtype=float32)
    """
    return np.ones(_checked_shape(shape), checked_dtype(dtype))


def constant(value: float) -> Initializer:
    """Make an initializer that fills with `value`.

    Its name is "constant(value)", which `get` understands, so that a checkpoint can write it down.

    Parameters
    ----------
    value : float

    Returns
    -------
    initializer : function (shape, rng, dtype) -> array

    Examples
    --------
    >>> from minicnn import Dense
    >>> from minicnn.initializers import constant
    >>> layer = Dense(2, initializer=constant(0.1))
    >>> layer.build((1,))
    (2,)
    >>> layer.params["w"]
    array([[0.1, 0.1]], dtype=float32)
    """
    value = checked_number("constant", "value", value)

    def fill(shape: Shape, rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32) -> np.ndarray:
        return np.full(shape, value, dtype)

    fill.__name__ = f"constant({value!r})"
    return fill


INITIALIZERS: dict[str, Initializer] = {
    function.__name__: function
    for function in (he_normal, he_uniform, glorot_normal, glorot_uniform, lecun_normal, lecun_uniform, zeros, ones)
}


def get(name_or_function: str | Initializer) -> Initializer:
    """Find an initializer by its name.

    Parameters
    ----------
    name_or_function : str or function
        A name in `INITIALIZERS`, "constant(VALUE)", or a function (shape, rng, dtype) -> array, which comes back
        as it is.

    Returns
    -------
    initializer : function (shape, rng, dtype) -> array

    Raises
    ------
    ValueError
        If there is no initializer of this name.
    TypeError
        If neither a name nor a function came.

    Examples
    --------
    >>> from minicnn import initializers
    >>> initializers.get("he_uniform") is initializers.he_uniform
    True
    >>> initializers.get("constant(0.5)")((2,))
    array([0.5, 0.5], dtype=float32)
    """
    if callable(name_or_function):
        return name_or_function
    if not isinstance(name_or_function, str):
        raise TypeError(
            f"An initializer is a name or a function (shape, rng, dtype) -> array, got {name_or_function!r}."
        )
    if name_or_function in INITIALIZERS:
        return INITIALIZERS[name_or_function]
    if name_or_function.startswith("constant(") and name_or_function.endswith(")"):
        try:
            return constant(float(name_or_function[len("constant(") : -1]))
        except ValueError:
            pass  # not a finite number: the message below says how it is written
    names = ", ".join(INITIALIZERS)
    raise ValueError(f'Unknown initializer "{name_or_function}". Choose one of {names}, constant(0.1), or a function.')


def draw(name_or_function: str | Initializer, shape: Shape, rng: np.random.Generator, dtype: DTypeLike) -> np.ndarray:
    """Draw a parameter, and see that it is one: a function of the user's own may give anything.

    Parameters
    ----------
    name_or_function : str or function
        As in `get`.
    shape, rng, dtype
        As in `he_normal`.

    Returns
    -------
    w : array of this shape and dtype

    Raises
    ------
    TypeError, ValueError
        If the function gives no array of finite numbers, or one of another shape.
    """
    initializer = get(name_or_function)
    name = getattr(initializer, "__name__", repr(initializer))
    w = initializer(shape, rng, dtype)
    if not isinstance(w, np.ndarray) or w.dtype.kind not in "fiu":
        raise TypeError(f"The initializer {name} must return an array of numbers of shape {shape}, got {w!r:.80}.")
    if w.shape != shape:
        raise ValueError(f"The initializer {name} must return an array of shape {shape}, got {w.shape}.")
    if not np.isfinite(w).all():
        raise ValueError(f"The initializer {name} must return finite numbers, got NaN or infinity among them.")
    return w.astype(dtype, copy=False)


def _checked_shape(shape: Shape) -> Shape:
    """Return the shape of a parameter, if it is one."""
    if not isinstance(shape, tuple | list) or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
        raise ValueError(f"An initializer takes whole numbers above 0 as shape, got {shape!r}.")
    return shape


def _he_variance(shape: Shape) -> float:
    return 2 / fans(shape)[0]  # (3)


def _glorot_variance(shape: Shape) -> float:
    return 2 / sum(fans(shape))  # (4)


def _lecun_variance(shape: Shape) -> float:
    return 1 / fans(shape)[0]  # (5)


def _normal(shape: Shape, rng: np.random.Generator, dtype: DTypeLike, variance: float) -> np.ndarray:
    dtype, rng = checked_dtype(dtype), checked_rng("An initializer", rng)
    return (math.sqrt(variance) * rng.standard_normal(shape)).astype(dtype)


def _uniform(shape: Shape, rng: np.random.Generator, dtype: DTypeLike, variance: float) -> np.ndarray:
    dtype, rng = checked_dtype(dtype), checked_rng("An initializer", rng)
    bound = math.sqrt(3 * variance)  # (6)
    return rng.uniform(-bound, bound, shape).astype(dtype)
