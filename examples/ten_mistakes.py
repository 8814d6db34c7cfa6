"""Ten mistakes that learners make
===============================

In ten backward passes; ``compare_checkers.py`` shows them to three gradient checkers. Each entry of MISTAKES: what is
wrong, forward, the wrong backward, forward's arguments.
"""

from functools import partial

import numpy as np

normal = np.random.default_rng(0).normal


def dense(x, w, b):
    return x @ w + b, (x, w)


def batchnorm(x, gamma, beta):
    std = np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - x.mean(axis=0)) / std
    return gamma * x_hat + beta, (x, x_hat, gamma, std)


def batchnorm_backward(dy, c, mean=1, var=1, normalized=1):
    """Right as it stands; each option set to 0 is a mistake."""
    x, x_hat, gamma, std = c
    inner = dy - mean * dy.mean(axis=0) - var * x_hat * (dy * x_hat).mean(axis=0)
    return gamma / std * inner, (dy * (x_hat if normalized else x)).sum(axis=0), dy.sum(axis=0)


def cross_entropy(logits, labels):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(p)), labels]).mean(), p


def conv(x, w):
    """3x3, padded by 1, on images (N, H, W, C)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("nijcab,abcf->nijf", windows, w), (w, windows)


def conv_unturned(dy, c):
    w, windows = c
    return conv(dy, w.swapaxes(2, 3))[0], np.einsum("nijcab,nijf->abcf", windows, dy)


def embedding(table, ids):
    return table[ids], (table, ids)


def embedding_overwritten(dy, c):
    dtable = np.zeros_like(c[0])
    dtable[c[1]] += dy
    return dtable


def dropout(x, rate, seed):
    mask = np.random.default_rng(seed).random(x.shape) >= rate
    return x * mask / (1 - rate), mask


def ridge(w, x, t):
    error = x @ w - t
    return (error**2).mean() + 0.1 * (w**2).sum(), (w, x, error)


def ridge_halved(dy, c):
    w, x, error = c
    return dy * (2 * x.T @ error / error.size + 0.1 * w), None, None


x, w, b, c = normal(size=(8, 5)), normal(size=(5, 5)), normal(size=5), normal(size=5)
images, kernel, labels, target = normal(size=(2, 5, 4, 2)), normal(size=(3, 3, 2, 3)), np.arange(8) % 5, normal(size=8)
MISTAKES = [
    ("dense: dw = x.T @ dy / N", dense, lambda dy, c: (dy @ c[1].T, c[0].T @ dy / len(dy), dy.sum(0)), (x, w, b)),
    ("dense: dx = dy @ w", dense, lambda dy, c: (dy @ c[1], c[0].T @ dy, dy.sum(0)), (x, w, b)),
    ("batch norm: no gradient through the mean", batchnorm, partial(batchnorm_backward, mean=0), (x, b, c)),
    ("batch norm: statistics as constants", batchnorm, partial(batchnorm_backward, mean=0, var=0), (x, b, c)),
    ("batch norm: dgamma = sum of dy x", batchnorm, partial(batchnorm_backward, normalized=0), (x, b, c)),
    ("softmax cross-entropy: dlogits = p / N", cross_entropy, lambda dy, p: dy * p / len(p), (x, labels)),
    ("convolution: dx with the kernel not turned", conv, conv_unturned, (images, kernel)),
    ("embedding: dtable[ids] += dy, ids repeat", embedding, embedding_overwritten, (x, np.array([2, 0, 2, 3]))),
    ("dropout: dx = dy * mask, 1 / keep forgotten", dropout, lambda dy, mask: dy * mask, (x, 0.4, 3)),
    ("ridge: + l w for the penalty l w^2", ridge, ridge_halved, (b, x, target)),
]
