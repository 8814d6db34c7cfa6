"""Attention: y = p v, p = softmax over the keys of q k^T / sqrt(c), for q, k, v of (N, T, C); and a plain mixture.

dv = p^T dy,    dp = dy v^T,    ds = p (dp - sum of dp p),    dq = ds k / sqrt(c),    dk = ds^T q / sqrt(c)     (1)
"""

import numpy as np

from .activations import softmax
from .mistake import Operation, mistake


def turned(a):
    return a.swapaxes(1, 2)


def attention_forward(q, k, v):
    p = softmax(q @ turned(k) / np.sqrt(q.shape[2]), axis=2)
    return p @ v, (q, k, v, p)


def attention_backward(dy, cache):
    q, k, v, p = cache
    dp = dy @ turned(v)
    ds = p * (dp - (dp * p).sum(axis=2, keepdims=True)) / np.sqrt(q.shape[2])
    return ds @ k, turned(ds) @ q, turned(p) @ dy  # (1)


def draw(rng, n, t, c):
    return tuple(rng.normal(size=(3, n, t, c)))


attention = Operation("attention", attention_forward, attention_backward, draw, {"n": 2, "t": 4, "c": 3})


@mistake("factor-constant", attention)
def scale_forgotten(dy, cache):
    """q k^T was divided by sqrt(c)."""
    dq, dk, dv = attention_backward(dy, cache)
    scale = np.sqrt(cache[0].shape[2])
    return dq * scale, dk * scale, dv


@mistake("factor-constant", attention)
def divided_by_c(dy, cache):
    """q k^T was divided by sqrt(c), not by c."""
    dq, dk, dv = attention_backward(dy, cache)
    scale = np.sqrt(cache[0].shape[2])
    return dq / scale, dk / scale, dv


@mistake("sign-flipped", attention)
def keys_with_a_minus(dy, cache):
    """A key that is looked at more moves the output towards its value."""
    dq, dk, dv = attention_backward(dy, cache)
    return dq, -dk, dv


@mistake("zero-gradient", attention)
def keys_forgotten(dy, cache):
    """Queries, keys and values: three gradients."""
    dq, dk, dv = attention_backward(dy, cache)
    return dq, np.zeros_like(dk), dv


@mistake("order-scrambled", attention)
def reshaped_for_turned(dy, cache):
    """(N, C, T) becomes (N, T, C) by a transpose, not by a reshape."""
    dq, dk, dv = attention_backward(dy, cache)
    return dq, turned(dk).reshape(dk.shape), dv


@mistake("upstream-ignored", attention)
def values_count_their_readers(dy, cache):
    """dv is what comes from above, weighted with p."""
    dq, dk, _ = attention_backward(dy, cache)
    return dq, dk, turned(cache[3]) @ np.ones_like(dy)


@mistake("diagonal-jacobian", attention)
def softmax_as_a_sigmoid(dy, cache):
    """The weights of one query sum to one: each depends on all scores."""
    q, k, v, p = cache
    ds = (dy @ turned(v)) * p * (1 - p) / np.sqrt(q.shape[2])
    return ds @ k, turned(ds) @ q, turned(p) @ dy


def mixture_forward(scores, values):
    """One mixture an example: scores (N, K), values (N, K, C)."""
    p = softmax(scores, axis=1)
    return np.einsum("nk,nkc->nc", p, values), (p, values)


def mixture_backward(dy, cache):
    p, values = cache
    dp = np.einsum("nc,nkc->nk", dy, values)
    return p * (dp - (dp * p).sum(axis=1, keepdims=True)), np.einsum("nk,nc->nkc", p, dy)


def draw_mixture(rng, n, k, c):
    return rng.normal(size=(n, k)), rng.normal(size=(n, k, c))


mixture = Operation("mixture", mixture_forward, mixture_backward, draw_mixture, {"n": 4, "k": 5, "c": 3})


@mistake("factor-batch", mixture)
def values_averaged(dy, cache):
    """The loss has divided by N already."""
    dscores, dvalues = mixture_backward(dy, cache)
    return dscores, dvalues / len(dy)


@mistake("wrong-shape", mixture)
def values_with_axes_swapped(dy, cache):
    """(N, K, C): keys first."""
    dscores, dvalues = mixture_backward(dy, cache)
    return dscores, turned(dvalues)
