"""Wrong backward passes for the tests of the signatures, in many operations, layouts and shapes.

`cases()` gives names, the two functions, their arguments, whose gradient is wrong, and the code that it deserves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from gradcheck_pairs import dense_backward, dense_forward, softmax_forward


class Case(NamedTuple):
    """One wrong gradient."""

    name: str
    forward: Callable
    backward: Callable
    arguments: tuple
    argument: str
    code: str


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (dense, elementwise, losses, normalizations, convolutions, pooling, structures):
        yield from family(np.random.default_rng(7))


# ---- products ----


def dense(rng: np.random.Generator) -> Iterator[Case]:
    """y = x w + b."""
    n = rng.normal
    oblong = n(size=(6, 4)), n(size=(4, 3)), n(size=3)
    square = n(size=(4, 4)), n(size=(4, 4)), n(size=4)
    order = rng.permutation(12)

    def case(name: str, arguments: tuple, argument: str, code: str, change: Callable) -> Case:
        def backward(dy: np.ndarray, cache: tuple) -> list:
            gradients = dict(zip("xwb", dense_backward(dy, cache), strict=True))
            gradients[argument] = change(gradients[argument], dy, *cache)
            return list(gradients.values())

        return Case(f"dense: {name}", dense_forward, backward, arguments, argument, code)

    yield case("weights divided by N", oblong, "w", "factor-batch", lambda g, dy, x, w: g / len(x))
    yield case("bias times N", oblong, "b", "factor-batch", lambda g, dy, x, w: g * len(x))
    yield case("bias averaged, N = C", square, "b", "factor-batch", lambda g, dy, x, w: dy.mean(axis=0))
    yield case("twice", oblong, "x", "factor-constant", lambda g, dy, x, w: 2 * g)
    yield case("minus", oblong, "w", "sign-flipped", lambda g, dy, x, w: -g)
    yield case("w not transposed", (n(size=(5, 4)), *square[1:]), "x", "transposed", lambda g, dy, x, w: dy @ w)
    yield case("dw transposed", square, "w", "transposed", lambda g, dy, x, w: g.T)
    yield case("db over the wrong axis", square, "b", "statistics-over-wrong-axes", lambda g, dy, x, w: dy.sum(axis=1))
    yield case("nothing for the bias", oblong, "b", "zero-gradient", lambda g, dy, x, w: 0 * g)
    yield case(
        "numbers in another order",
        oblong,
        "w",
        "order-scrambled",
        lambda g, dy, x, w: g.ravel()[order].reshape(g.shape),
    )
    yield case("one column lost", oblong, "w", "zero-gradient", lambda g, dy, x, w: g * [1, 0, 1])
    yield case("sign of a column", oblong, "w", "sign-flipped", lambda g, dy, x, w: g * [1, -1, 1])
    yield case("a factor a column", oblong, "w", "factor-per-channel", lambda g, dy, x, w: g * [1.5, 2.5, 1])
    yield case(
        "rounded on the way",
        (n(size=(50, 4)), *oblong[1:]),
        "x",
        "low-precision",
        lambda g, dy, x, w: (dy.astype(np.float32) @ w.T.astype(np.float32)).astype(float) * (1 + 1e-9),
    )


# ---- one output an entry ----


def elementwise(rng: np.random.Generator) -> Iterator[Case]:
    """Activations and dropout."""
    x = rng.normal(size=(5, 6))

    def relu(x: np.ndarray) -> tuple:
        return np.maximum(x, 0), x > 0

    def leaky(x: np.ndarray) -> tuple:
        return np.where(x > 0, x, 0.1 * x), x > 0

    def tanh(x: np.ndarray) -> tuple:
        return np.tanh(x), np.tanh(x)

    def dropout(x: np.ndarray, keep: float) -> tuple:
        mask = np.random.default_rng(3).random(x.shape) < keep
        return x * mask / keep, (mask, keep)

    yield Case("relu: no mask", relu, lambda dy, m: dy, (x,), "x", "mask-missing")
    yield Case("relu: the other mask", relu, lambda dy, m: dy * ~m, (x,), "x", "mask-missing")
    yield Case("relu: mask of a neighbour", relu, lambda dy, m: dy * np.roll(m, 1, 1), (x,), "x", "mask-missing")
    yield Case("leaky relu: slope forgotten", leaky, lambda dy, m: dy, (x,), "x", "mask-missing")
    yield Case("leaky relu: slope 0", leaky, lambda dy, m: dy * m, (x,), "x", "zero-gradient")
    yield Case("tanh: slope forgotten", tanh, lambda dy, y: dy, (x,), "x", "term-missing")
    yield Case("dropout: no mask", dropout, lambda dy, c: dy / c[1], (x, 0.6), "x", "mask-missing")
    yield Case("dropout: not scaled", dropout, lambda dy, c: dy * c[0], (x, 0.6), "x", "mask-unscaled")
    yield Case("dropout: scaled twice", dropout, lambda dy, c: dy * c[0] / c[1] ** 2, (x, 0.6), "x", "mask-unscaled")

    def relu_dense(x: np.ndarray, w: np.ndarray) -> tuple:
        return np.maximum(x, 0) @ w, (np.maximum(x, 0), w)

    plain = lambda dy, c: (dy @ c[1].T, c[0].T @ dy)  # noqa: E731
    yield Case("relu before dense: no mask", relu_dense, plain, (x, rng.normal(size=(6, 3))), "x", "mask-missing")

    def dense_relu(x: np.ndarray, w: np.ndarray) -> tuple:
        return np.maximum(x @ w, 0), (x, w)

    arguments = x, rng.normal(size=(6, 3))
    for argument in ("x", "w"):
        yield Case(f"dense and relu: no mask, {argument}", dense_relu, plain, arguments, argument, "mask-missing")


# ---- losses ----


def losses(rng: np.random.Generator) -> Iterator[Case]:
    """Cross-entropy, squares, penalties."""
    logits, labels = rng.normal(size=(6, 4)), np.array([0, 2, 1, 1, 3, 0])

    def cross_entropy(x: np.ndarray, labels: np.ndarray) -> tuple:
        p = softmax_forward(x)[0]
        return float(-np.log(p[np.arange(len(labels)), labels]).mean()), (p, np.eye(x.shape[1])[labels])

    def case(name: str, code: str, gradient: Callable) -> Case:
        return Case(
            f"cross-entropy: {name}", cross_entropy, lambda dy, c: dy * gradient(*c), (logits, labels), "x", code
        )

    yield case("no label", "label-term-missing", lambda p, t: p / len(p))
    yield case("not a mean", "factor-batch", lambda p, t: p - t)
    yield case("mean over classes too", "factor-constant", lambda p, t: (p - t) / p.size)
    yield case("labels minus softmax", "sign-flipped", lambda p, t: (t - p) / len(p))

    def ridge(x: np.ndarray, w: np.ndarray) -> tuple:
        return float(np.sum((x @ w) ** 2) / len(x) + 0.1 * np.sum(w**2) + 0.2 * np.abs(w).sum()), (x, w)

    def ridge_case(name: str, code: str, dw: Callable) -> Case:
        def backward(dy: float, cache: tuple) -> tuple:
            x, w = cache
            return dy * 2 * x @ w @ w.T / len(x), dy * dw(2 * x.T @ x @ w / len(x), w, x)

        return Case(f"penalties: {name}", ridge, backward, (logits, rng.normal(size=(4, 3))), "w", code)

    yield ridge_case("no L2", "regularizer-wrong", lambda g, w, x: g + 0.2 * np.sign(w))
    yield ridge_case("no L1", "regularizer-wrong", lambda g, w, x: g + 0.2 * w)
    yield ridge_case("neither", "regularizer-wrong", lambda g, w, x: g)
    yield ridge_case(
        "L2 on some rows only",
        "regularizer-wrong",
        lambda g, w, x: g + 0.2 * w * [[1], [1], [0], [1]] + 0.2 * np.sign(w),
    )

    def plain_ridge(x: np.ndarray, w: np.ndarray) -> tuple:
        return float(np.sum((x @ w) ** 2) / len(x) + 0.1 * np.sum(w**2)), (x, w)

    def summed(dy: float, cache: tuple) -> tuple:
        x, w = cache
        return dy * 2 * x @ w @ w.T / len(x), dy * (2 * x.T @ x @ w + 0.2 * w)

    arguments = logits, rng.normal(size=(4, 3))
    yield Case("penalties: data term not a mean", plain_ridge, summed, arguments, "w", "factor-batch")


# ---- normalization ----


def normalizations(rng: np.random.Generator) -> Iterator[Case]:
    """Batch, layer, instance and group norm: (axes of the statistics, axis of gamma, groups, shape)."""
    kinds = {
        "batch norm": ((0,), 1, 1, (8, 5)),
        "batch norm NHWC": ((0, 1, 2), 3, 1, (2, 3, 2, 4)),
        "batch norm NCHW": ((0, 2, 3), 1, 1, (2, 4, 3, 2)),
        "layer norm": ((1,), 1, 1, (4, 6)),
        "layer norm of sequences": ((2,), 2, 1, (2, 3, 5)),
        "group norm": ((2, 3, 4), 1, 2, (2, 4, 3, 3)),
    }
    mistakes = {
        "mean-term-missing": lambda g, m, q, s, k: (g - q) / s,
        "variance-term-missing": lambda g, m, q, s, k: (g - m) / s,
        "statistics-held-constant": lambda g, m, q, s, k: g / s,
        "statistics-over-wrong-axes": lambda g, m, q, s, k: (g - m - q * k / (k - 1)) / s,
        "factor-per-channel": lambda g, m, q, s, k: (g - m - q) / s**2,
    }
    for kind, (axes, channel, groups, shape) in kinds.items():
        arguments = rng.normal(0.5, 1.5, shape), rng.normal(size=shape[channel]), rng.normal(size=shape[channel])
        for code, formula in mistakes.items():
            pair = _normalization(axes, channel, groups, formula)
            yield Case(f"{kind}: {code}", *pair, arguments, "x", code)
        pair = _normalization(axes, channel, groups, lambda g, m, q, s, k: (g - m - q) / s, with_x=True)
        yield Case(f"{kind}: gamma's gradient with x", *pair, arguments, "gamma", "uses-input-not-normalized")

    centre = lambda x: (np.tanh(x - x.mean(axis=0)), x - x.mean(axis=0))  # noqa: E731

    def along_rows(dy: np.ndarray, centred: np.ndarray) -> np.ndarray:
        g = dy * (1 - np.tanh(centred) ** 2)
        return g - g.mean(axis=1, keepdims=True)

    table = rng.normal(size=(4, 5))
    yield Case("centre: over the other axis", centre, along_rows, (table,), "x", "statistics-over-wrong-axes")

    def unit(x: np.ndarray) -> tuple:
        size = np.linalg.norm(x, axis=1, keepdims=True)
        return x / size, (x / size, size)

    rows = rng.normal(size=(4, 5))
    yield Case("unit length: constant", unit, lambda dy, c: dy / c[1], (rows,), "x", "statistics-held-constant")
    yield Case(
        "unit length: over all rows",
        unit,
        lambda dy, c: (dy - c[0] * (dy * c[0]).sum()) / c[1],
        (rows,),
        "x",
        "statistics-over-wrong-axes",
    )


def _normalization(axes: tuple, channel: int, groups: int, formula: Callable, with_x: bool = False) -> tuple:
    def split(x: np.ndarray) -> np.ndarray:
        return x if groups == 1 else x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])

    def along(vector: np.ndarray, ndim: int) -> np.ndarray:
        return vector.reshape([-1 if axis == channel else 1 for axis in range(ndim)])

    def forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> tuple:
        parts = split(x)
        std = np.sqrt(parts.var(axis=axes, keepdims=True) + 1e-5)
        x_hat = ((parts - parts.mean(axis=axes, keepdims=True)) / std).reshape(x.shape)
        return along(gamma, x.ndim) * x_hat + along(beta, x.ndim), (x, x_hat, std, gamma)

    def backward(dy: np.ndarray, cache: tuple) -> tuple:
        x, x_hat, std, gamma = cache
        g, h = split(along(gamma, x.ndim) * dy), split(x_hat)
        mean, projection = g.mean(axis=axes, keepdims=True), h * (g * h).mean(axis=axes, keepdims=True)
        count = np.prod([g.shape[axis] for axis in axes])
        others = tuple(axis for axis in range(x.ndim) if axis != channel)
        dx = formula(g, mean, projection, std, count).reshape(x.shape)
        return dx, (dy * (x if with_x else x_hat)).sum(axis=others), dy.sum(axis=others)

    return forward, backward


# ---- convolution and pooling ----


def convolutions(rng: np.random.Generator) -> Iterator[Case]:
    """Images (N, C, H, W), weights (O, I, K, K)."""

    def case(name: str, argument: str, code: str, stride: int = 1, padding: int = 1, square: bool = False) -> Case:
        arguments = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(3 if square else 4, 3, 3, 3))
        return Case(f"convolution: {name}", *_convolution(name, stride, padding), arguments, argument, code)

    yield case("kernel not turned", "x", "flipped-kernel")
    yield case("kernel not turned", "x", "flipped-kernel", stride=2)
    yield case("weights turned", "w", "flipped-kernel")
    yield case("weights transposed", "w", "transposed")
    yield case("channels swapped", "x", "transposed", square=True)
    yield case("stride ignored", "x", "stride-ignored", stride=2, padding=0)
    yield case("overwritten", "x", "overwritten")
    yield case("overwritten", "x", "overwritten", stride=2)
    yield case("cropped at the end", "x", "shifted")
    yield case("dy reshaped", "w", "order-scrambled")


def _convolution(mistake: str, stride: int, padding: int) -> tuple:
    def padded(x: np.ndarray) -> np.ndarray:
        return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))

    def patches(x: np.ndarray, w: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(padded(x), w.shape[2:], axis=(2, 3))
        return windows[:, :, ::stride, ::stride]

    def forward(x: np.ndarray, w: np.ndarray) -> tuple:
        return np.einsum("ncijab,ocab->noij", patches(x, w), w), (x, w)

    def backward(dy: np.ndarray, cache: tuple) -> tuple:
        x, w = cache
        kernel = {"kernel not turned": w[:, :, ::-1, ::-1], "channels swapped": w.swapaxes(0, 1)}.get(mistake, w)
        dx, step, k = np.zeros(padded(x).shape), 1 if mistake == "stride ignored" else stride, w.shape[2]
        for i, j in np.ndindex(*dy.shape[2:]):
            window = np.s_[:, :, i * step : i * step + k, j * step : j * step + k]
            patch = np.einsum("no,ocab->ncab", dy[:, :, i, j], kernel)
            dx[window] = patch if mistake == "overwritten" else dx[window] + patch
        start = 0 if mistake == "cropped at the end" else padding
        if mistake == "dy reshaped":
            dy = dy.reshape(len(dy), *dy.shape[2:], dy.shape[1]).transpose(0, 3, 1, 2)
        dw = np.einsum("ncijab,noij->ocab", patches(x, w), dy)
        change = {"weights turned": lambda g: g[:, :, ::-1, ::-1], "weights transposed": lambda g: g.swapaxes(2, 3)}
        return dx[:, :, start:, start:][:, :, : x.shape[2], : x.shape[3]], change.get(mistake, np.asarray)(dw)

    return forward, backward


def pooling(rng: np.random.Generator) -> Iterator[Case]:
    """Images (N, H, W, C)."""

    def case(name: str, code: str, size: int, stride: int, x: np.ndarray | None = None) -> Case:
        x = rng.normal(size=(2, 6, 5, 2)) if x is None else x
        return Case(f"pooling: {name}, {size}/{stride}", *_pooling(name, size, stride), (x,), "x", code)

    yield case("to all of the window", "spread-over-window", 2, 2)
    yield case("to all of the window", "spread-over-window", 3, 2)
    yield case("to the smallest", "order-scrambled", 2, 2)
    yield case("stride ignored", "stride-ignored", 2, 2)
    yield case("stride ignored", "stride-ignored", 3, 2)
    yield case("overwritten", "overwritten", 3, 1)
    yield case("to every tied one", "tie-double-counted", 2, 2, np.round(rng.normal(size=(2, 6, 4, 2))))
    x = rng.normal(size=(3, 5, 4))
    yield Case(
        "max over time", lambda x: (x.max(axis=1), x.shape), lambda dy, s: np.broadcast_to(dy[:, None], s), (x,), "x",
        "spread-over-window",
    )  # fmt: skip
    yield Case(
        "mean over time", lambda x: (x.mean(axis=1), x.shape), lambda dy, s: np.broadcast_to(dy[:, None], s), (x,), "x",
        "factor-constant",
    )  # fmt: skip


def _pooling(mistake: str, size: int, stride: int) -> tuple:
    def forward(x: np.ndarray) -> tuple:
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
        return windows.max(axis=(-2, -1)), x

    def backward(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
        dx, step = np.zeros(x.shape), 1 if mistake == "stride ignored" else stride
        for n, i, j, c in np.ndindex(*dy.shape):
            window = x[n, i * stride : i * stride + size, j * stride : j * stride + size, c]
            target = dx[n, i * step : i * step + size, j * step : j * step + size, c]
            chosen = window == (window.min() if mistake == "to the smallest" else window.max())
            if mistake == "to all of the window":
                chosen = np.ones_like(chosen)
            if mistake == "overwritten":
                target[chosen] = dy[n, i, j, c]
            else:
                target += chosen * dy[n, i, j, c]
        return dx

    return forward, backward


# ---- other structures ----


def structures(rng: np.random.Generator) -> Iterator[Case]:
    """Softmax, reshapes, tables, branches, several outputs, time."""
    n = rng.normal

    def softmax(x: np.ndarray) -> tuple:
        return softmax_forward(x)

    for shape in ((4, 5), (2, 3, 4)):
        diagonal = lambda dy, p: dy * p * (1 - p)  # noqa: E731
        yield Case(f"softmax {shape}", softmax, diagonal, (n(size=shape),), "x", "diagonal-jacobian")
    yield Case(
        "flatten", lambda x: (x.transpose(0, 2, 3, 1).reshape(len(x), -1), x.shape), lambda dy, s: dy.reshape(s),
        (n(size=(2, 3, 4, 5)),), "x", "order-scrambled",
    )  # fmt: skip

    def lookup(table: np.ndarray, rows: np.ndarray) -> tuple:
        return table[rows], (rows, table.shape)

    def look_back(dy: np.ndarray, cache: tuple) -> np.ndarray:
        gradient = np.zeros(cache[1])
        gradient[cache[0]] += dy
        return gradient, None

    rows = np.array([[0, 1, 2], [1, 1, 3]])
    yield Case("embedding", lookup, look_back, (n(size=(5, 3)), rows), "table", "overwritten")

    def residual(x: np.ndarray, w: np.ndarray) -> tuple:
        return x + np.tanh(x @ w), (x, w)

    def through_the_branch(dy: np.ndarray, cache: tuple) -> tuple:
        x, w = cache
        dz = dy * (1 - np.tanh(x @ w) ** 2)
        return dz @ w.T, x.T @ dz

    arguments = n(size=(4, 3)), n(size=(3, 3))
    yield Case("residual: skip forgotten", residual, through_the_branch, arguments, "x", "term-missing")
    gate = np.linspace(0.1, 0.9, 3)
    gated = lambda x, w: (gate * x + np.tanh(x @ w), (x, w))  # noqa: E731
    yield Case("gate: skip forgotten", gated, through_the_branch, arguments, "x", "term-missing")
    only_skip = lambda dy, c: (dy, through_the_branch(dy, c)[1])  # noqa: E731
    yield Case("residual: branch forgotten", residual, only_skip, arguments, "x", "term-missing")
    two = lambda x, w: ((x @ w, np.tanh(x)), (x, w))  # noqa: E731
    first = lambda dy, c: (dy[0] @ c[1].T, c[0].T @ dy[0])  # noqa: E731
    yield Case("two outputs", two, first, arguments, "x", "term-missing")
    joined = lambda x: (np.concatenate([x**2, np.sin(x)], axis=1), x)  # noqa: E731
    half = lambda dy, x: dy[:, : x.shape[1]] * 2 * x  # noqa: E731
    yield Case("two branches side by side", joined, half, (n(size=(4, 3)),), "x", "term-missing")
    scale = lambda x, gamma, beta: (x * gamma + beta, (x, gamma))  # noqa: E731
    crossed = lambda dy, c: (dy * c[1], dy.sum(0), (dy * c[0]).sum(0))  # noqa: E731
    vectors = n(size=(6, 4)), n(size=4), n(size=4)
    yield Case("gradients in another order", scale, crossed, vectors, "beta", "order-scrambled")
    gram = lambda x: (x @ x.T, x)  # noqa: E731
    yield Case("Gram matrix: one factor", gram, lambda dy, x: dy @ x, (n(size=(4, 3)),), "x", "term-missing")

    def through_time(x: np.ndarray, w: np.ndarray) -> tuple:
        return np.cumsum(x, axis=1) @ w, (np.cumsum(x, axis=1), w)

    def own_moment(dy: np.ndarray, cache: tuple) -> tuple:
        total, w = cache
        return dy @ w.T, np.einsum("ntd,nth->dh", total, dy)

    sequences = n(size=(3, 5, 2)), n(size=(2, 4))
    yield Case("sums over time: own moment only", through_time, own_moment, sequences, "x", "term-missing")
