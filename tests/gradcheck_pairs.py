"""Tiny correct pairs of functions for the tests of gradcheck; they know nothing of minicnn."""

import numpy as np


def dense_forward(x, w, b):
    return x @ w + b, (x, w)


def dense_backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def relu_forward(x):
    return np.maximum(x, 0), x > 0


def relu_backward(dy, mask):
    return dy * mask


def tanh_forward(x):
    y = np.tanh(x)
    return y, y


def tanh_backward(dy, y):
    return dy * (1 - y**2)


def batchnorm_forward(x, gamma, beta):
    std = np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - x.mean(axis=0)) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


def batchnorm_backward(dy, cache):
    x_hat, gamma, std = cache
    dx = gamma / std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def layernorm_forward(x, gamma, beta):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    x_hat = (x - x.mean(axis=-1, keepdims=True)) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


def layernorm_backward(dy, cache):
    x_hat, gamma, std = cache
    d = dy * gamma
    dx = (d - d.mean(axis=-1, keepdims=True) - x_hat * (d * x_hat).mean(axis=-1, keepdims=True)) / std
    leading = tuple(range(dy.ndim - 1))
    return dx, (dy * x_hat).sum(axis=leading), dy.sum(axis=leading)


def dense_batchnorm_forward(x, w, b, gamma, beta):
    h, dense_cache = dense_forward(x, w, b)
    y, batchnorm_cache = batchnorm_forward(h, gamma, beta)
    return y, (dense_cache, batchnorm_cache)


def dense_batchnorm_backward(dy, cache):
    dh, dgamma, dbeta = batchnorm_backward(dy, cache[1])
    return *dense_backward(dh, cache[0]), dgamma, dbeta


def softmax_forward(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    return p, p


def softmax_backward(dy, p):
    return p * (dy - (dy * p).sum(axis=-1, keepdims=True))


def cross_entropy_forward(logits, labels):
    p, _ = softmax_forward(logits)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_p[np.arange(len(labels)), labels].mean()), (p, labels)


def cross_entropy_backward(dy, cache):
    p, labels = cache
    return dy * (p - np.eye(p.shape[1])[labels]) / len(labels)


def max_forward(x):
    where = x.argmax(axis=1)
    return x.max(axis=1), (where, x.shape)


def max_backward(dy, cache):
    where, shape = cache
    dx = np.zeros(shape)
    dx[np.arange(shape[0]), where] = dy
    return dx


def conv_forward(x, w, b):
    patches = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2))
    return np.einsum("nijcab,abcf->nijf", patches, w) + b, (x, w)


def conv_backward(dy, cache):
    x, w = cache
    patches = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2))
    dx = np.zeros_like(x)
    for a in range(w.shape[0]):
        for b in range(w.shape[1]):
            dx[:, a : a + dy.shape[1], b : b + dy.shape[2]] += dy @ w[a, b].T
    return dx, np.einsum("nijcab,nijf->abcf", patches, dy), dy.sum(axis=(0, 1, 2))


def dropout_forward(x, rate, rng):
    mask = (rng.random(x.shape) >= rate) / (1 - rate)
    return x * mask, mask


def dropout_backward(dy, mask):
    return dy * mask


def correct_pairs(rng, scale=1.0):
    """Name -> (forward, backward, arguments), the first argument of size `scale`."""
    normal = rng.normal
    x, vectors = normal(size=(6, 4)) * scale, (normal(size=4), normal(size=4))
    return {
        "dense": (dense_forward, dense_backward, (x, normal(size=(4, 3)), normal(size=3))),
        "relu": (relu_forward, relu_backward, (x,)),
        "tanh": (tanh_forward, tanh_backward, (x,)),
        "batchnorm": (batchnorm_forward, batchnorm_backward, (x, *vectors)),
        "layernorm": (layernorm_forward, layernorm_backward, (normal(size=(2, 3, 4)) * scale, *vectors)),
        "dense, batchnorm": (
            dense_batchnorm_forward,
            dense_batchnorm_backward,
            (x, normal(size=(4, 3)), normal(size=3), normal(size=3), normal(size=3)),
        ),
        "softmax": (softmax_forward, softmax_backward, (x,)),
        "cross-entropy": (cross_entropy_forward, cross_entropy_backward, (x, rng.integers(0, 4, 6))),
        "max": (max_forward, max_backward, (x,)),
        "convolution": (
            conv_forward,
            conv_backward,
            (normal(size=(2, 5, 4, 2)) * scale, normal(size=(3, 2, 2, 3)), normal(size=3)),
        ),
        "dropout": (dropout_forward, dropout_backward, (x, 0.4, np.random.default_rng(1))),
    }
