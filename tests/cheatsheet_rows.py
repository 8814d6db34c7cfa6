"""The formulas of docs/cheatsheet.md, each beside the same as a line of NumPy."""

from typing import NamedTuple

import numpy as np

from minicnn import SGD, Adam, AdamW, RMSProp, functional

rng = np.random.default_rng(0)

N, H, W, C, F, K, rate, a, eps = 4, 6, 5, 3, 2, 5, 0.4, 0.1, 1e-5
images = rng.normal(size=(N, H, W, C))
rows = rng.normal(size=(7, K))
t = np.eye(K)[rng.integers(0, K, len(rows))]
yes_or_no = rng.integers(0, 2, 7).astype(float)
class_weights = rng.uniform(0.5, 2, K)
target = rng.normal(size=rows.shape)


class Windows:
    """What im2col, col2im and the sums over windows stand for, written out."""

    def __init__(self, size, stride=1, padding=0):
        self.size, self.stride, self.padding = size, stride, padding

    def padded(self, x):
        p = self.padding
        return np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))

    def patches(self, x):
        """(N, OH, OW, C, KH * KW)."""
        views = np.lib.stride_tricks.sliding_window_view(self.padded(x), self.size, axis=(1, 2))
        views = views[:, :: self.stride, :: self.stride]
        return views.reshape(*views.shape[:4], -1)

    def collect(self, dpatches):
        """Each pixel's sum over the windows that it lies in."""
        dx = self.padded(np.zeros_like(images))
        OH, OW = dpatches.shape[1:3]
        for cell, (i, j) in enumerate(np.ndindex(*self.size)):
            below = np.s_[:, i : i + OH * self.stride : self.stride, j : j + OW * self.stride : self.stride]
            dx[below][:, :OH, :OW] += dpatches[..., cell]
        return dx[:, self.padding : self.padding + H, self.padding : self.padding + W]

    def im2col(self, x):
        return self.patches(x).swapaxes(3, 4).reshape(-1, self.size[0] * self.size[1] * C)

    def col2im(self, columns):
        OH, OW = self.patches(images).shape[1:3]
        return self.collect(columns.reshape(N, OH, OW, -1, C).swapaxes(3, 4))


class Row(NamedTuple):
    """One row of the tables of layers and losses: each formula and the same as a line of NumPy."""

    function: str
    arguments: dict  # those that have a gradient
    lines: dict  # forward, up to y or L
    backward: dict
    known: dict = {}  # what else the formulas name
    constants: tuple = ()  # further arguments of the function
    options: dict = {}


BATCHNORM = {
    r"\mu = \frac{1}{M} \sum_m x_m": "mu = 1 / M * x.sum(axis=0)",
    r"\mathrm{var} = \frac{1}{M} \sum_m (x_m - \mu)^2": "var = 1 / M * ((x - mu) ** 2).sum(axis=0)",
    r"\hat{x} = \frac{x - \mu}{\sqrt{\mathrm{var} + \mathrm{eps}}}": "x_hat = (x - mu) / np.sqrt(var + eps)",
    r"y = \gamma\, \hat{x} + \beta": "y = gamma * x_hat + beta",
}
BATCHNORM_PARAMETERS = {
    r"d\beta = \sum_m dy_m": "dbeta = dy.sum(axis=0)",
    r"d\gamma = \sum_m dy_m\, \hat{x}_m": "dgamma = (dy * x_hat).sum(axis=0)",
}
SOFTMAX = {r"p = \mathrm{softmax}(z)": "p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"}

conv, max_pool, avg_pool = Windows((3, 2)), Windows((2, 2), stride=1), Windows((3, 3), stride=2, padding=1)
weights, biases = rng.normal(size=(3, 2, C, F)), rng.normal(size=F)
one, two = rng.uniform(0.5, 1.5, (2, K))
mean, var = rng.normal(size=K), rng.uniform(0.5, 1.5, K)
dropped = functional.dropout_forward(images, rate, np.random.default_rng(1))[0]

ROWS = {
    "dense": Row(
        "dense",
        {"x": rows, "w": rng.normal(size=(K, F)), "b": biases},
        {r"y = x\, w + b": "y = x @ w + b"},
        {
            r"dx = dy\, w^T": "dx = dy @ w.T",
            r"dw = x^T\, dy": "dw = x.T @ dy",
            r"db = \sum_n dy_n": "db = dy.sum(axis=0)",
        },
    ),
    "convolution": Row(
        "conv2d",
        {"x": images, "w": weights, "b": biases},
        {
            r"\mathrm{columns} = \mathrm{im2col}(x)": "columns = im2col(x)",
            r"y = \mathrm{columns}\, w + b": "y = columns @ w.reshape(-1, F) + b",
        },
        {
            r"dx = \mathrm{col2im}(dy\, w^T)": "dx = col2im(dy @ w.reshape(-1, F).T)",
            r"dw = \mathrm{columns}^T\, dy": "dw = columns.T @ dy",
            r"db = \sum_p dy_p": "db = dy.sum(axis=0)",
        },
        known={"im2col": conv.im2col, "col2im": conv.col2im, "F": F},
    ),
    "max pooling": Row(
        "max_pool2d",
        {"x": images},
        {r"y_p = \max_{r \in p} x_r": "y = patches(x).max(axis=-1)"},
        {
            r"dx_r = \sum_{p \ni r} dy_p\, [r = \mathrm{argmax}(p)]": (
                "dx = collect(dy[..., None] * (np.arange(4) == patches(x).argmax(axis=-1)[..., None]))"
            )
        },
        known={"patches": max_pool.patches, "collect": max_pool.collect},
        options={"pool_size": 2, "stride": 1},
    ),
    "average pooling": Row(
        "avg_pool2d",
        {"x": images},
        {r"y_p = \frac{1}{K_p} \sum_{r \in p} x_r": "y = 1 / K_p * patches(x).sum(axis=-1)"},
        {r"dx_r = \sum_{p \ni r} \frac{1}{K_p}\, dy_p": "dx = collect((1 / K_p * dy)[..., None] * np.ones(9))"},
        known={
            "patches": avg_pool.patches,
            "collect": avg_pool.collect,
            "K_p": avg_pool.patches(np.ones_like(images)).sum(axis=-1),
        },
        options={"pool_size": 3, "stride": 2, "padding": 1},
    ),
    "global average pooling": Row(
        "global_avg_pool2d",
        {"x": images},
        {r"y = \frac{1}{H W} \sum_{i,j} x_{ij}": "y = 1 / (H * W) * x.sum(axis=(1, 2))"},
        {r"dx_{ij} = \frac{1}{H W} dy": "dx = 1 / (H * W) * dy[:, None, None] * np.ones(x.shape)"},
        known={"H": H, "W": W},
    ),
    "batch norm, training": Row(
        "batchnorm",
        {"x": rows, "gamma": one, "beta": two},
        BATCHNORM,
        BATCHNORM_PARAMETERS
        | {
            r"dx = \frac{\gamma}{\sqrt{\mathrm{var} + \mathrm{eps}}} "
            r"(dy - \frac{d\beta}{M} - \frac{\hat{x}\, d\gamma}{M})": (
                "dx = gamma / np.sqrt(var + eps) * (dy - dbeta / M - x_hat * dgamma / M)"
            )
        },
        known={"M": len(rows), "eps": eps},
    ),
    "batch norm, evaluation": Row(
        "batchnorm_inference",
        {"x": rows, "gamma": one, "beta": two, "mu": mean, "var": var},
        dict(list(BATCHNORM.items())[2:]),
        BATCHNORM_PARAMETERS
        | {
            r"dx = \frac{\gamma}{\sqrt{\mathrm{var} + \mathrm{eps}}} dy": "dx = gamma / np.sqrt(var + eps) * dy",
            r"d\mu = -\frac{\gamma}{\sqrt{\mathrm{var} + \mathrm{eps}}} d\beta": (
                "dmu = -gamma / np.sqrt(var + eps) * dbeta"
            ),
            r"d\mathrm{var} = -\frac{\gamma}{2 (\mathrm{var} + \mathrm{eps})} d\gamma": (
                "dvar = -gamma / (2 * (var + eps)) * dgamma"
            ),
        },
        known={"eps": eps},
    ),
    "dropout": Row(
        "dropout",
        {"x": images},
        {r"y = x\, m / \mathrm{keep}": "y = x * m / keep"},
        {r"dx = dy\, m / \mathrm{keep}": "dx = dy * m / keep"},
        known={"m": dropped != 0, "keep": 1 - rate},
        constants=(rate, np.random.default_rng(1)),
    ),
    "flatten": Row(
        "flatten", {"x": images}, {"y = x": "y = x.reshape(len(x), -1)"}, {"dx = dy": "dx = dy.reshape(x.shape)"}
    ),
    "relu": Row(
        "relu", {"x": rows}, {r"y = \max(x, 0)": "y = np.maximum(x, 0)"}, {"dx = dy\\, [x > 0]": "dx = dy * (x > 0)"}
    ),
    "leaky relu": Row(
        "leaky_relu",
        {"x": rows},
        {r"y = x\, ([x > 0] + a\, [x \le 0])": "y = x * ((x > 0) + a * (x <= 0))"},
        {r"dx = dy\, ([x > 0] + a\, [x \le 0])": "dx = dy * ((x > 0) + a * (x <= 0))"},
        known={"a": a},
        options={"negative_slope": a},
    ),
    "sigmoid": Row(
        "sigmoid",
        {"x": rows},
        {r"y = \frac{1}{1 + e^{-x}}": "y = 1 / (1 + np.exp(-x))"},
        {r"dx = dy\, y\, (1 - y)": "dx = dy * y * (1 - y)"},
    ),
    "tanh": Row(
        "tanh", {"x": rows}, {r"y = \tanh(x)": "y = np.tanh(x)"}, {r"dx = dy\, (1 - y^2)": "dx = dy * (1 - y**2)"}
    ),
    "softmax": Row(
        "softmax",
        {"x": rows},
        {r"y_k = \frac{e^{x_k}}{\sum_l e^{x_l}}": "y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)"},
        {r"dx_k = y_k\, (dy_k - \sum_l dy_l\, y_l)": "dx = y * (dy - (dy * y).sum(axis=1, keepdims=True))"},
    ),
    "softmax cross-entropy": Row(
        "softmax_cross_entropy",
        {"z": rows},
        SOFTMAX | {r"L = -\frac{1}{N} \sum_{n,k} t_{nk} \log\, p_{nk}": "L = -1 / N * (t * np.log(p)).sum()"},
        {r"dz = \frac{dL}{N} (p - t)": "dz = dL / N * (p - t)"},
        known={"t": t, "N": len(rows)},
        constants=(t.argmax(axis=1),),
    ),
    "with class weights": Row(
        "softmax_cross_entropy",
        {"z": rows},
        SOFTMAX
        | {
            r"W = \sum_{n,k} w_k\, t_{nk}": "W = (w * t).sum()",
            r"L = -\frac{1}{W} \sum_{n,k} w_k\, t_{nk} \log\, p_{nk}": "L = -1 / W * (w * t * np.log(p)).sum()",
        },
        {
            r"dz_{nk} = \frac{dL}{W} (p_{nk} \sum_l w_l\, t_{nl} - w_k\, t_{nk})": (
                "dz = dL / W * (p * (w * t).sum(axis=1, keepdims=True) - w * t)"
            )
        },
        known={"t": t, "w": class_weights},
        constants=(t.argmax(axis=1),),
        options={"class_weights": class_weights},
    ),
    "binary cross-entropy": Row(
        "binary_cross_entropy",
        {"z": rng.normal(size=7)},
        {
            r"p = \mathrm{sigmoid}(z)": "p = 1 / (1 + np.exp(-z))",
            r"L = \frac{1}{N} \sum_n (\max(z, 0) - z\, t + \log(1 + e^{-\lvert z \rvert}))": (
                "L = 1 / N * (np.maximum(z, 0) - z * t + np.log(1 + np.exp(-abs(z)))).sum()"
            ),
        },
        {r"dz = \frac{dL}{N} (p - t)": "dz = dL / N * (p - t)"},
        known={"t": yes_or_no, "N": 7},
        constants=(yes_or_no,),
    ),
    "mean squared error": Row(
        "mean_squared_error",
        {"z": rows},
        {r"L = \frac{1}{M} \sum (z - t)^2": "L = 1 / M * ((z - t) ** 2).sum()"},
        {r"dz = \frac{2\, dL}{M} (z - t)": "dz = 2 * dL / M * (z - t)"},
        known={"t": target, "M": rows.size},
        constants=(target,),
    ),
}

VELOCITY = {r"v \leftarrow \mu\, v + g": "v = mu * v + g"}
L2 = {r"g \leftarrow g + \lambda\, w": "g = g + lambda_ * w"}
ADAM = {
    r"m \leftarrow \beta_1 m + (1 - \beta_1)\, g": "m = beta1 * m + (1 - beta1) * g",
    r"s \leftarrow \beta_2 s + (1 - \beta_2)\, g^2": "s = beta2 * s + (1 - beta2) * g**2",
    r"\hat{m} = m / (1 - \beta_1^t)": "m_hat = m / (1 - beta1**t)",
    r"\hat{s} = s / (1 - \beta_2^t)": "s_hat = s / (1 - beta2**t)",
    r"w \leftarrow w - \mathrm{lr}\, \hat{m} / (\sqrt{\hat{s}} + \mathrm{eps})": (
        "w = w - lr * m_hat / (np.sqrt(s_hat) + eps)"
    ),
}
STEPS = [
    (SGD(0.1), {r"w \leftarrow w - \mathrm{lr}\, g": "w = w - lr * g"}),
    (SGD(0.1, momentum=0.9), VELOCITY | {r"w \leftarrow w - \mathrm{lr}\, v": "w = w - lr * v"}),
    (
        SGD(0.1, momentum=0.9, nesterov=True),
        VELOCITY | {r"w \leftarrow w - \mathrm{lr}\, (g + \mu\, v)": "w = w - lr * (g + mu * v)"},
    ),
    (
        RMSProp(0.1),
        {
            r"s \leftarrow \rho\, s + (1 - \rho)\, g^2": "s = rho * s + (1 - rho) * g**2",
            r"w \leftarrow w - \mathrm{lr}\, g / (\sqrt{s} + \mathrm{eps})": "w = w - lr * g / (np.sqrt(s) + eps)",
        },
    ),
    (Adam(0.1), ADAM),
    (Adam(0.1, weight_decay=0.5), L2 | ADAM),
    (AdamW(0.1, weight_decay=0.5), {r"w \leftarrow w - \mathrm{lr}\, \lambda\, w": "w = w - lr * lambda_ * w"} | ADAM),
]
