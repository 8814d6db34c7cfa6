"""Recognised operations: found in any layout, never mistaken for one another, and their usual mistakes named."""

import dataclasses
import functools
import sys
from unittest import mock

import gradcheck_pairs as pairs
import numpy as np
import pytest

from minicnn import functional
from minicnn.gradcheck import check, operations
from minicnn.gradcheck.case import Case
from minicnn.gradcheck.operations import attention as attention_
from minicnn.gradcheck.operations import (
    convolution,
    cross_entropy,
    dropout,
    given_statistics,
    losses,
    normalization_mistakes,
    pooling,
    softmax,
    transposed_convolution,
)
from minicnn.gradcheck.operations import windows as windows_
from minicnn.gradcheck.operations.explain import candidates
from minicnn.gradcheck.operations.problem import Problem

SAMPLE = 5  # mistakes of each operation
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


# ---- what is recognised ----


def channels_first(forward, backward):
    """A pair on (N, H, W, C) images and (KH, KW, C, F) weights as one on (N, C, H, W) and (F, C, KH, KW)."""

    def first(a):
        return a.transpose(0, 3, 1, 2) if a.ndim == 4 else a

    def forward_first(x, *parameters):
        w = [p.transpose(2, 3, 1, 0) if p.ndim == 4 else p for p in parameters]
        y, cache = forward(x.transpose(0, 2, 3, 1), *w)
        return first(y), cache

    def backward_first(dy, cache):
        gradients = backward(dy.transpose(0, 2, 3, 1) if dy.ndim == 4 else dy, cache)
        dx, *others = gradients if isinstance(gradients, tuple) else (gradients,)
        others = [g.transpose(3, 2, 0, 1) if g.ndim == 4 else g for g in others]
        return (first(dx), *others) if others else first(dx)

    return forward_first, backward_first


def pair(name, first=False, **options):
    forward = functools.partial(getattr(functional, f"{name}_forward"), **options)
    backward = getattr(functional, f"{name}_backward")
    return channels_first(forward, backward) if first else (forward, backward)


def of_signal(x, w, b):
    """One-dimensional convolution of (N, C, T) with (F, C, K), stride 2."""
    patches = np.lib.stride_tricks.sliding_window_view(x, w.shape[2], axis=2)[:, :, ::2]
    return np.einsum("ncik,fck->nfi", patches, w) + b[:, None], (x.shape, patches, w)


def of_signal_backward(dy, cache):
    shape, patches, w = cache
    dx = np.zeros(shape)
    for k in range(w.shape[2]):
        dx[:, :, k : k + 2 * dy.shape[2] - 1 : 2] += np.einsum("nfi,fc->nci", dy, w[:, :, k])
    return dx, np.einsum("nfi,ncik->fck", dy, patches), dy.sum(axis=(0, 2))


def normalize(x, gamma, beta, axes, shape, eps=1e-5):
    """Any norm; parameters as they broadcast to x."""
    work = x.reshape(shape)
    std = np.sqrt(work.var(axis=axes, keepdims=True) + eps)
    x_hat = (work - work.mean(axis=axes, keepdims=True)) / std
    return gamma * x_hat.reshape(x.shape) + beta, (x_hat, std, gamma, axes, x.shape)


def normalize_backward(dy, cache):
    x_hat, std, gamma, axes, shape = cache
    d = (dy * gamma).reshape(x_hat.shape)
    mean, along = (
        functools.partial(np.mean, axis=axes, keepdims=True),
        tuple(k for k in range(dy.ndim) if k >= gamma.ndim or gamma.shape[k] == 1),
    )
    dx = (d - mean(d) - x_hat * mean(d * x_hat)) / std
    dgamma, dbeta = (dy * x_hat.reshape(shape)).sum(axis=along), dy.sum(axis=along)
    return dx.reshape(shape), dgamma.reshape(gamma.shape), dbeta.reshape(gamma.shape)


def norm(axes, shape, eps=1e-5):
    return functools.partial(normalize, axes=axes, shape=shape, eps=eps), normalize_backward


def rms_norm(x, g):
    r = np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-6)
    return g * x / r, (x / r, r, g)


def rms_norm_backward(dy, cache):
    x_hat, r, g = cache
    d = dy * g
    return (d - x_hat * (d * x_hat).mean(axis=-1, keepdims=True)) / r, (dy * x_hat).sum(axis=tuple(range(dy.ndim - 1)))


def global_pool(reduce, axes):
    def forward(x):
        return reduce(x, axis=axes), x

    def backward(dy, x):
        y = reduce(x, axis=axes, keepdims=True)
        share = (x == y) if reduce is np.max else np.full(x.shape, y.size / x.size)
        return share * np.expand_dims(dy, axes)

    return forward, backward


def padded_average(x):
    """Average over 3x3 windows of (N, H, W, C), stride 1, with a border of zeros that counts."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2)).mean(axis=(-1, -2)), x.shape


def padded_average_backward(dy, shape):
    return padded_average(dy)[0]  # each pixel is in the windows around it


def layer_norm_outside(x, gamma):
    """With eps outside of the root, in the last axis, and M - 1 in the variance, as some transformers have it."""
    s = x.std(axis=-1, keepdims=True, ddof=1)
    deviation = x - x.mean(axis=-1, keepdims=True)
    return gamma * deviation / (s + 1e-3), (deviation, s, gamma)


def layer_norm_outside_backward(dy, cache):
    deviation, s, gamma = cache
    d, count = dy * gamma, dy.shape[-1]
    ds = -(d * deviation).sum(axis=-1, keepdims=True) / (s + 1e-3) ** 2
    dx = (d - d.mean(axis=-1, keepdims=True)) / (s + 1e-3) + ds * deviation / ((count - 1) * s)
    return dx, (dy * deviation / (s + 1e-3)).sum(axis=0)


def images(n=2, h=7, w=6, c=4):
    return normal(n, h, w, c)


def attention(q, k, v):
    """(N, T, C); a query sees no later keys."""
    scores = np.where(np.tri(q.shape[1], dtype=bool), q @ k.swapaxes(1, 2) / np.sqrt(q.shape[2]), -np.inf)
    p = pairs.softmax_forward(scores)[0]
    return p @ v, (q, k, v, p)


def attention_backward(dy, cache):
    q, k, v, p = cache
    ds = pairs.softmax_backward(dy @ v.swapaxes(1, 2), p) / np.sqrt(q.shape[2])
    return ds @ k, ds.swapaxes(1, 2) @ q, p.swapaxes(1, 2) @ dy


def self_attention(x, wq, wk, wv):
    return attention(x @ wq, x @ wk, x @ wv)[0], (x, wq, wk, wv)


def self_attention_backward(dy, cache):
    x, *weights = cache
    parts = attention_backward(dy, attention(*(x @ w for w in weights))[1])
    dx = sum(d @ w.T for d, w in zip(parts, weights, strict=True))
    return dx, *(np.einsum("nti,ntj->ij", x, d) for d in parts)


def two_layers(x, w1, b1, w2, b2, labels):
    """Weights as (out, in)."""
    h = np.maximum(x @ w1.T + b1, 0)
    loss, cache = pairs.cross_entropy_forward(h @ w2.T + b2, labels)
    return loss, (x, h, w1, w2, cache)


def two_layers_backward(dy, cache):
    x, h, w1, w2, cache = cache
    d = pairs.cross_entropy_backward(dy, cache)
    dh = d @ w2 * (h > 0)
    return dh @ w1, dh.T @ x, dh.sum(axis=0), d.T @ h, d.sum(axis=0)


def rnn_cell(x, h, wx, wh, b):
    new = np.tanh(x @ wx + h @ wh + b)
    return new, (x, h, wx, wh, new)


def rnn_cell_backward(dy, cache):
    x, h, wx, wh, new = cache
    d = dy * (1 - new**2)
    return d @ wx.T, d @ wh.T, x.T @ d, h.T @ d, d.sum(axis=0)


def gru_cell(x, h, wi, wh, bi, bh):
    """Stacked weights (out, in) in the order r, z, n, the reset gate behind the product."""
    (ir, iz, i_n), (hr, hz, hn) = (np.split(a @ w.T + b, 3, axis=1) for a, w, b in ((x, wi, bi), (h, wh, bh)))
    r, z = (1 / (1 + np.exp(-a)) for a in (ir + hr, iz + hz))
    n = np.tanh(i_n + r * hn)
    return (1 - z) * n + z * h, (x, h, wi, wh, r, z, n, hn)


def gru_cell_backward(dy, cache):
    x, h, wi, wh, r, z, n, hn = cache
    dan, daz = dy * (1 - z) * (1 - n**2), dy * (h - n) * z * (1 - z)
    dar = dan * hn * r * (1 - r)
    di, dh = np.hstack([dar, daz, dan]), np.hstack([dar, daz, dan * r])
    return di @ wi, dh @ wh + dy * z, di.T @ x, dh.T @ h, di.sum(axis=0), dh.sum(axis=0)


def transposed_conv(x, w, b, stride=2, padding=1):
    """(N, C, H, W) with (C, F, KH, KW)."""
    (n, _, h, width), (_, filters, kh, kw) = x.shape, w.shape
    padded = np.zeros((n, filters, stride * (h - 1) + kh, stride * (width - 1) + kw))
    for i, j in np.ndindex(h, width):
        padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += np.tensordot(x[:, :, i, j], w, 1)
    cut = slice(padding, -padding)
    return padded[:, :, cut, cut] + b[:, None, None], (x, w, stride, padding)


def transposed_conv_backward(dy, cache):
    x, w, stride, p = cache
    padded, dx, dw = np.pad(dy, ((0, 0), (0, 0), (p, p), (p, p))), np.zeros_like(x), np.zeros_like(w)
    for i, j in np.ndindex(x.shape[2:]):
        window = padded[:, :, i * stride : i * stride + w.shape[2], j * stride : j * stride + w.shape[3]]
        dx[:, :, i, j] = np.tensordot(window, w, ([1, 2, 3], [1, 2, 3]))
        dw += np.tensordot(x[:, :, i, j], window, (0, 0))
    return dx, dw, dy.sum(axis=(0, 2, 3))


LABELS = np.array([2, 0, 1, 1, 3])
RECOGNISED = {
    "dense": (pairs.dense_forward, pairs.dense_backward, (normal(4, 3), normal(3, 2), normal(2)), "dense layer"),
    "dense on sequences": (*pair("dense"), (normal(4, 3), normal(3, 5)), "dense layer"),
    "conv": (*pair("conv2d"), (images(), normal(3, 2, 4, 3), normal(3)), "windows of 3x2 (channels on axis 3"),
    "conv NCHW": (
        *pair("conv2d", first=True, stride=2, padding=1),
        (normal(2, 3, 6, 7), normal(4, 3, 3, 2), normal(4)),
        "windows of 3x2, stride 2, padding 1 (channels on axis 1",
    ),
    "grouped conv": (
        *pair("conv2d", stride=(2, 1), padding=1, groups=2),
        (images(), normal(3, 2, 2, 6), normal(6)),
        "stride (2, 1), padding 1, 2 groups",
    ),
    "depthwise conv": (
        *pair("conv2d", dilation=2, padding="same", groups=4),
        (images(), normal(3, 3, 1, 4)),
        "dilation 2, padding 2, 4 groups",
    ),
    "square conv": (*pair("conv2d", padding=1), (images(c=3), normal(3, 3, 3, 3), normal(3)), "windows of 3x3"),
    "one channel": (
        *pair("conv2d", stride=2, padding=1),
        (images(c=1), normal(3, 3, 1, 1)),
        "windows of 3x3, stride 2",
    ),
    "transposed conv": (
        transposed_conv,
        transposed_conv_backward,
        (normal(2, 3, 3, 4), normal(3, 2, 3, 2), normal(2)),
        "a transposed convolution with windows of 3x2, stride 2, padding 1",
    ),
    "square transposed conv": (
        functools.partial(transposed_conv, stride=1),
        transposed_conv_backward,
        (normal(2, 3, 3, 4), normal(3, 3, 3, 3), normal(3)),
        "a transposed convolution with windows of 3x3, padding 1",
    ),
    "conv of a signal": (of_signal, of_signal_backward, (normal(3, 2, 9), normal(4, 2, 3), normal(4)), "3, stride 2"),
    "max pool": (*pair("max_pool2d", pool_size=2), (images(),), "max pooling over axes (1, 2) with windows of 2x2"),
    "max pool NCHW": (
        *pair("max_pool2d", first=True, pool_size=3, stride=2, padding=1),
        (normal(2, 3, 7, 6),),
        "max pooling over axes (2, 3) with windows of 3x3, stride 2, padding 1",
    ),
    "average pool": (
        *pair("avg_pool2d", pool_size=(3, 2), stride=(2, 1), padding=(1, 0)),
        (images(),),
        "average pooling over axes (1, 2) with windows of 3x2, stride (2, 1), padding (1, 0)",
    ),
    "max pool with ties": (
        *pair("max_pool2d", pool_size=2),
        (RNG.integers(0, 3, (2, 6, 4, 3)).astype(float),),
        "max pooling over axes (1, 2) with windows of 2x2",
    ),
    "max pool of near ties": (
        *pair("max_pool2d", pool_size=2),
        (RNG.integers(0, 3, (2, 6, 4, 3)) + 1e-6 * normal(2, 6, 4, 3),),
        "max pooling over axes (1, 2) with windows of 2x2",
    ),
    "average pool, padding counted": (
        padded_average,
        padded_average_backward,
        (images(),),
        "average pooling (padding counted) over axes (1, 2) with windows of 3x3, padding 1",
    ),
    "global average pool": (*global_pool(np.mean, (2, 3)), (normal(2, 3, 4, 5),), "average pooling over axes (2, 3)"),
    "max over time": (*global_pool(np.max, (1,)), (normal(2, 5, 4),), "max pooling over axes (1,)"),
    "batch norm": (*pair("batchnorm"), (normal(6, 3), normal(3), normal(3)), "axes (0,), eps 1e-05"),
    "batch norm of images": (
        *pair("batchnorm", eps=1e-3),
        (images(), normal(4), normal(4)),
        "axes (0, 1, 2), eps 0.001",
    ),
    "layer norm": (*norm((2,), (2, 3, 5)), (normal(2, 3, 5), normal(1, 1, 5), normal(1, 1, 5)), "axes (2,)"),
    "layer norm, eps outside": (
        layer_norm_outside,
        layer_norm_outside_backward,
        (normal(4, 6), normal(6)),
        "axes (1,), eps 0.001, outside the root, variance with M - 1",
    ),
    "instance norm NCHW": (
        *norm((2, 3), (2, 3, 4, 5)),
        (normal(2, 3, 4, 5), normal(1, 3, 1, 1), normal(1, 3, 1, 1)),
        "axes (2, 3)",
    ),
    "group norm NCHW": (
        *norm((2, 3, 4), (2, 2, 3, 4, 5), eps=1e-8),
        (normal(2, 6, 4, 5), normal(1, 6, 1, 1), normal(1, 6, 1, 1)),
        "x reshaped to (2, 2, 3, 4, 5) over axes (2, 3, 4), eps 1e-08",
    ),
    "RMS norm": (
        rms_norm,
        rms_norm_backward,
        (normal(2, 3, 5), normal(5)),
        "RMS normalization over axes (2,), eps 1e-06",
    ),
    "batch norm in evaluation": (
        *pair("batchnorm_inference", eps=1e-3),
        (normal(2, 3, 2, 4), normal(4), normal(4), normal(4), normal(4) ** 2),
        "given mean and variance, eps 0.001",
    ),
    "batch norm NCHW": (
        *norm((0, 2, 3), (3, 4, 2, 2)),
        (normal(3, 4, 2, 2), normal(1, 4, 1, 1), normal(1, 4, 1, 1)),
        "axes (0, 2, 3)",
    ),
    "ReLU": (pairs.relu_forward, pairs.relu_backward, (normal(4, 5),), "ReLU"),
    "leaky ReLU": (*pair("leaky_relu", negative_slope=0.2), (normal(4, 5),), "leaky ReLU"),
    "tanh": (pairs.tanh_forward, pairs.tanh_backward, (normal(4, 5),), "tanh"),
    "sigmoid": (*pair("sigmoid"), (normal(4, 5),), "sigmoid"),
    "softmax": (pairs.softmax_forward, pairs.softmax_backward, (normal(4, 5),), "softmax along axis 1"),
    "dropout": (
        pairs.dropout_forward,
        pairs.dropout_backward,
        (normal(4, 5), 0.4, np.random.default_rng(1)),
        "dropout with keep = 0.6",
    ),
    "cross-entropy": (
        pairs.cross_entropy_forward,
        pairs.cross_entropy_backward,
        (normal(5, 4), LABELS),
        "softmax cross-entropy along axis 1",
    ),
    "smoothed cross-entropy": (
        *pair("softmax_cross_entropy", label_smoothing=0.2),
        (normal(5, 4), LABELS),
        "softmax cross-entropy along axis 1",
    ),
    "weighted cross-entropy": (
        *pair("softmax_cross_entropy", class_weights=np.array([1.0, 2.0, 0.5, 3.0])),
        (normal(5, 4), LABELS),
        "softmax cross-entropy along axis 1",
    ),
    "binary cross-entropy": (*pair("binary_cross_entropy"), (normal(6), LABELS[[0, 1, 1, 2, 3, 1]] % 2), "of logits"),
    "attention": (attention, attention_backward, tuple(normal(3, 2, 4, 3)), "scale 0.5774 and a mask"),
    "self-attention": (
        self_attention,
        self_attention_backward,
        (normal(2, 4, 3), *normal(3, 3, 5)),
        "self-attention with scale 0.4472 and a mask",
    ),
    "two layers": (
        two_layers,
        two_layers_backward,
        (normal(5, 3), normal(6, 3), normal(6), normal(4, 6), normal(4), LABELS),
        "2 dense layers with ReLU and softmax cross-entropy, mean",
    ),
    "RNN cell": (
        rnn_cell,
        rnn_cell_backward,
        (normal(4, 3), normal(4, 5), normal(3, 5), normal(5, 5), normal(5)),
        "the cell of an RNN with tanh",
    ),
    "GRU cell": (
        gru_cell,
        gru_cell_backward,
        (normal(4, 3), normal(4, 2), normal(6, 3), normal(6, 2), normal(6), normal(6)),
        "the cell of a GRU, reset behind the product",
    ),
    "squared error": (*pair("mean_squared_error"), (normal(5, 3), normal(5, 3)), "the mean over all of squared errors"),
}


def recognised(forward, backward, arguments):
    """The case that `check` would diagnose, and the operations whose right gradients are the measured ones."""
    seen = []
    with mock.patch.object(
        sys.modules["minicnn.gradcheck.check"], "diagnose", lambda case, *_: seen.append(case) or []
    ):
        check(forward, backward, arguments)
    (case,) = seen
    found = operations.recognise(case)
    return case, [o for o in found if all(Problem(case).is_gradient(i, o.gradient(i)) for i in measured(o, case))]


@functools.cache
def by_name(name):
    return recognised(*RECOGNISED[name][:3])


def measured(operation, case):
    return [i for i in operation.gradients if i in case.arguments]


@pytest.mark.parametrize("name", RECOGNISED)
def test_is_recognised_in_its_layout(name):
    words = RECOGNISED[name][3]
    case, found = by_name(name)
    assert found and words in found[0].name, [o.name for o in found]
    assert set(found[0].gradients) >= set(case.arguments)


@pytest.mark.parametrize("name", RECOGNISED)
def test_takes_few_calls(name):
    case, _ = by_name(name)
    before = case.pair.forward_calls
    operations.recognise(case)
    assert case.pair.forward_calls - before <= 40


def made(operation, case):
    """(argument, mistake, gradient) for all mistakes that change a gradient here."""
    for i in measured(operation, case):
        right = operation.gradient(i)
        for mistake in operation.mistakes:
            wrong = operation.gradient(i, (mistake,))
            if wrong is not None and wrong.shape == right.shape and np.isfinite(wrong).all() and not same(wrong, right):
                yield i, mistake, wrong


@pytest.mark.parametrize("name", RECOGNISED)
def test_a_mistake_is_named(name):
    """Backward returns what a mistake makes of a gradient: the first candidate has its code, or one as good."""
    case, (operation, *_) = by_name(name)
    chances = [
        (i, m, p) for i, m, p in made(operation, case) if not same(p, operation.gradient(i), case.arguments[i].kinks)
    ]
    assert chances
    for k in np.random.default_rng(0).permutation(len(chances))[:SAMPLE]:
        i, mistake, wrong = chances[k]
        found = list(candidates(operation, wrong_case(case, i, wrong), i))
        assert found, mistake.message
        first = min(found, key=lambda candidate: candidate.rank)
        assert first.code in {m.code for j, m, p in chances if j == i and same(p, wrong)} and "{" not in first.message


def test_every_mistake_of_the_tables_can_be_made():
    """No entry with a typo in it: each changes a gradient of some operation."""
    tables = (
        *(
            normalization_mistakes.MISTAKES,
            given_statistics.MISTAKES,
            convolution.MISTAKES,
            transposed_convolution.MISTAKES,
        ),
        *(pooling.OF_MAXIMA, pooling.OF_AVERAGES, attention_.MISTAKES, softmax.MISTAKES, dropout.MISTAKES),
        *(cross_entropy.OF_CROSS_ENTROPY, cross_entropy.OF_BINARY, losses.OF_DIFFERENCE),
    )
    never = {id(mistake.wrong): mistake.message for table in tables for mistake in table}
    for name in RECOGNISED:
        case, found = by_name(name)
        for operation in found:
            for _, mistake, _ in made(operation, case):
                never.pop(id(mistake.wrong), None)
    assert not never, list(never.values())


def same(a, b, but=False):
    return a.shape == b.shape and np.allclose(np.where(but, 0, a), np.where(but, 0, b), rtol=1e-9, atol=1e-12)


def wrong_case(case, i, gradient):
    report = dataclasses.replace(
        case.arguments[i], analytic=gradient, relative_error=np.where(case.arguments[i].kinks, np.nan, 1.0)
    )
    return Case(case.pair, case.conduct, case.tolerance, arguments={**case.arguments, i: report}, numeric=case.numeric)


# ---- as learners write them ----


def conv_in_loops(x, w, b, stride, padding):
    """(N, C, H, W) with (F, C, KH, KW)."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    (_, _, kh, kw), (n, _, h, width) = w.shape, padded.shape
    y = np.zeros((n, len(w), (h - kh) // stride + 1, (width - kw) // stride + 1))
    for i, j in np.ndindex(y.shape[2:]):
        window = padded[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
        y[:, :, i, j] = np.tensordot(window, w, ([1, 2, 3], [1, 2, 3])) + b
    return y, (x, padded, w, stride, padding)


def conv_backward_in_loops(dy, cache, wrong=""):
    x, padded, w, stride, p = cache
    (_, _, kh, kw), (_, _, h, width) = w.shape, x.shape
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    step = 1 if wrong == "step" else stride
    seen = np.pad(x, ((0, 0), (0, 0), (0, 2 * p), (0, 2 * p))) if wrong == "unpadded" else padded
    dy_here = dy.reshape(w.shape[0], len(x), *dy.shape[2:]).swapaxes(0, 1) if wrong == "reshaped" else dy
    for i, j in np.ndindex(dy.shape[2:]):
        window = np.s_[:, :, i * step : i * step + kh, j * step : j * step + kw]
        back = np.einsum("nf,fckl->nckl", dy_here[:, :, i, j], w[:, :, ::-1, ::-1] if wrong == "turned" else w)
        dpadded[window] = back + (0 if wrong == "assigned" else dpadded[window])
        part = np.einsum("nf,nckl->fckl", dy_here[:, :, i, j], seen[window])
        dw = part if wrong == "last position" else dw + part
    start = 0 if wrong == "cropped" else p
    return dpadded[:, :, start : start + h, start : start + width], dw, dy.sum(axis=(0, 2, 3))


@pytest.mark.parametrize(
    ("wrong", "codes", "words"),
    [
        ("assigned", {"x": "overwritten"}, "dx[window] += ..."),
        ("step", {"x": "stride-ignored", "w": "stride-ignored"}, "i * stride"),
        ("turned", {"x": "flipped-kernel"}, "180 degrees"),
        ("unpadded", {"w": "shifted"}, "without its padding"),
        ("reshaped", {"x": "order-scrambled", "w": "order-scrambled"}, "reshape"),
        ("last position", {"w": "overwritten"}, "+="),
        ("cropped", {"x": "shifted"}, "padding"),
        ("", {}, ""),
    ],
)
def test_a_convolution_in_loops(wrong, codes, words):
    forward = functools.partial(conv_in_loops, stride=2, padding=1)
    arguments = (normal(2, 3, 5, 6), normal(4, 3, 3, 2), normal(4))
    report = check(forward, functools.partial(conv_backward_in_loops, wrong=wrong), arguments)
    assert {f.argument: f.code for f in report.findings} == codes, str(report)
    assert report.passed is (wrong == "")
    for finding in report.findings:
        assert words in finding.message and finding.evidence["residual"] < 1e-6


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("offsets_outside", [False, True])
def test_windows_overwrite_in_the_order_of_the_loops(images, offsets_outside):
    laid = windows_.Windows((3, 3), (2, 2), (2, 2), (1, 1), (1, 1), (0, 0))
    dpatches = np.arange(16.0 * images).reshape(images, 4, 4, 1)
    expected = np.zeros((images, 9, 1))
    for outer, inner in np.ndindex(4, 4):
        window, k = (inner, outer) if offsets_outside else (outer, inner)
        expected[:, laid.index[window, k]] = dpatches[:, window, k]
    assert np.array_equal(laid.overwrite(dpatches, offsets_outside), expected)


# ---- what is not an operation, and when nothing is asked ----

NEITHER = {
    "scaled and shifted": (lambda x: (3 * x + 1, None), (normal(4, 5),)),
    "running sum of squares": (lambda x: (np.cumsum(x**2, axis=1), None), (normal(4, 5),)),
    "sorted": (lambda x: (np.sort(x, axis=1), None), (normal(4, 5),)),
    "product": (lambda a, b: (a * b, None), (normal(4, 5), normal(4, 5))),
    "bilinear": (lambda a, b: (np.einsum("ni,nj->nij", a, b), None), (normal(4, 3), normal(4, 2))),
    "dense, sine": (lambda x, w: (np.sin(x @ w), None), (normal(4, 3), normal(3, 2))),
    "centred": (lambda x: (x - x.mean(axis=0), None), (normal(4, 3),)),
    "sum of squares": (lambda x: (float(np.sum(x**2)), None), (normal(4, 3),)),
    "noise": (lambda x, w: (np.sin(x * 40) + w, None), (normal(4, 3), normal(3))),
    "x and x": (lambda x: (x @ x.T, None), (normal(4, 4),)),
    "normed to length 1 twice": (lambda x: (x / np.abs(x).sum(axis=1, keepdims=True), None), (normal(4, 3),)),
    "two": (lambda x, w: (np.maximum(x, w), None), (normal(4, 3), normal(4, 3))),
}


@pytest.mark.parametrize("name", NEITHER)
def test_other_functions_are_not_mistaken_for_operations(name):
    forward, arguments = NEITHER[name]
    _, found = recognised(forward, lambda dy, cache: tuple(np.ones_like(a) for a in arguments), arguments)
    assert not found, [o.name for o in found]


def test_nothing_is_asked_where_the_gradient_is_right(monkeypatch):
    monkeypatch.setattr(operations, "recognise", lambda case: pytest.fail("recognition ran"))
    assert check(*RECOGNISED["conv"][:3]).passed


def test_large_problems_are_left_alone():
    _, found = recognised(pairs.relu_forward, pairs.relu_backward, (normal(operations.MOST_ENTRIES + 1),))
    assert not found


def test_labels_in_a_closure():
    forward = functools.partial(pairs.cross_entropy_forward, labels=LABELS)
    _, found = recognised(forward, pairs.cross_entropy_backward, (normal(5, 4),))
    assert found and np.array_equal(found[0].given["hard"].argmax(axis=1), LABELS)


def test_a_hint_excludes_other_operations():
    x = np.abs(normal(4, 5))
    silent = check(lambda x: (x * 1.0, None), lambda dy, cache: dy * x, (x,), hints="conv2d")
    assert "operation" not in silent.findings[0].evidence


SHAPES = [(), (1,), (3,), (4, 3), (3, 3), (1, 3), (4, 1), (2, 4, 3), (2, 3, 4, 3), (2, 2, 3, 4, 2)]
FUNCTIONS = [
    lambda *a: np.sum([np.sum(np.sin(x)) for x in a]),
    lambda *a: a[0] * 1.5,
    lambda *a: np.tanh(a[0]) + sum(np.sum(x) for x in a[1:]),
    lambda *a: np.concatenate([x.ravel() for x in a]),
    lambda *a: sum(np.mean(x**2) for x in a),
    lambda *a: np.multiply.outer(a[0], a[-1]),
]


@pytest.mark.parametrize("seed", range(8))
def test_recognition_fails_on_no_function(seed):
    """Whatever the arguments: what a family raised would be a warning, and an error here."""
    rng = np.random.default_rng(seed)
    for function in FUNCTIONS:
        arguments = [rng.normal(size=SHAPES[k]) for k in rng.integers(len(SHAPES), size=rng.integers(1, 6))]
        if function(*arguments).size < 1000:
            labels = rng.integers(0, 3, 4)
            recognised(
                lambda *a, f=function: (np.asarray(f(*a[:-1])), None),
                lambda dy, cache, a=arguments: (*(np.zeros_like(np.atleast_1d(g)) for g in a), None),
                (*map(np.atleast_1d, arguments), labels),
            )


@pytest.mark.parametrize(
    ("dx", "code", "words"),
    [
        (
            lambda d, h, s, g: g / s * (d - d.sum(0) / 5 - h * (d * h).sum(0) / 5),
            "statistics-over-wrong-axes",
            "less one",
        ),
        (lambda d, h, s, g: g / s * (d - d.mean(0) - h * (d * h).mean(0) / 2), "variance-term-missing", "factor 0.5"),
        (lambda d, h, s, g: g / s * (d + d.mean(0) - h * (d * h).mean(0)), "mean-term-missing", "wrong sign"),
        (lambda d, h, s, g: 6 / s * (d - d.mean(0) - h * (d * h).mean(0)), "factor-per-channel", "Besides, it is"),
        (lambda d, h, s, g: 1 / s * (d - h * (d * h).mean(0)), "factor-per-channel", "is missing"),
        (lambda d, h, s, g: 1 / s**2 * (d - d.mean(0) - h * (d * h).mean(0)), "factor-per-channel", "Besides: "),
    ],
)
def test_terms_factors_and_two_mistakes(dx, code, words):
    """Batch norm of 6 examples, d = dy, h = x_hat; with what operations alone can say."""

    def backward(dy, cache):
        x_hat, gamma, std = cache
        return dx(dy, x_hat, std, gamma), (dy * x_hat).sum(axis=0), dy.sum(axis=0)

    arguments = (normal(6, 4), normal(4), normal(4))
    case, found = recognised(pairs.batchnorm_forward, backward, arguments)
    first = min((c for o in found for c in candidates(o, case, 0)), key=lambda candidate: candidate.rank)
    assert first.code == code and words in first.message, first.message
