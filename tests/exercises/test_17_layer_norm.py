"""Wrong and right answers to exercise 17, layer norm."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

NAME = "17_layer_norm"
INV_STD, Y = "1 / np.sqrt(var + eps)", "return gamma * x_hat + beta"
BATCH = "batch = tuple(range(dy.ndim - 1))"
DX_HAT, MEAN = "dx_hat = dy * gamma", "mean = dx_hat.mean(axis=-1, keepdims=True)"
PRODUCT = "product = (dx_hat * x_hat).mean(axis=-1, keepdims=True)"

WRONG = {  # name: (changes, code, words of the message)
    "batch norm": ([("(axis=-1, keepdims=True)", "(axis=0)")], "statistics-over-the-batch", ["that is batch norm"]),
    "no keepdims": ([("x.mean(axis=-1, keepdims=True)", "x.mean(axis=-1)")], "raised", ["((x - mu) ** 2)"]),
    "axis 1 of images": ([("x.mean(axis=-1, keepdims=True)", "x.mean(axis=1, keepdims=True)")], "wrong-value", []),
    "whole images": ([("axis=-1", "axis=tuple(range(1, x.ndim))")], "statistics-of-each-image", ["each pixel"]),
    "batch norm of images": ([("x.mean(axis=-1", "x.mean(axis=-1 if x.ndim == 2 else (0, 1, 2)"),
        ("((x - mu) ** 2).mean(axis=-1", "((x - mu) ** 2).mean(axis=-1 if x.ndim == 2 else (0, 1, 2)")],
        "statistics-over-the-batch", ["all axes but the last"]),
    "own eps": ([(INV_STD, "1 / np.sqrt(var + 1e-5)")], "eps-ignored", []),
    "no eps": ([(INV_STD, "1 / np.sqrt(var)")], "eps-missing", []),
    "gamma and beta swapped": ([(Y, "return beta * x_hat + gamma")], "gamma-beta-swapped", []),
    "eps outside": ([(INV_STD, "1 / (np.sqrt(var) + eps)")], "eps-outside-the-root", []),
    "no root": ([(INV_STD, "1 / (var + eps)")], "divides-by-variance", []),
    "ddof=1": ([("((x - mu) ** 2).mean(axis=-1", "x.var(axis=-1, ddof=1")], "divides-by-c-minus-1", []),
    "not centred": ([("x_hat = (x - mu)", "x_hat = x")], "mean-not-subtracted", []),
    "no gamma": ([(Y, "return x_hat + beta")], "gamma-missing", []),
    "no beta": ([(Y, "return gamma * x_hat")], "beta-missing", []),
    "gamma forgotten on the way back": ([(DX_HAT, "dx_hat = dy")], "factor-per-channel", ["gamma is forgotten"]),
    "gamma in front": ([(DX_HAT, "dx_hat = dy; inv_std = inv_std * gamma")], "term-missing", ["has to be inside them"]),
    "no mean": ([("dx_hat - mean -", "dx_hat -")], "mean-term-missing", []),
    "no variance": ([("- mean - x_hat * product", "- mean")], "variance-term-missing", []),
    "neither": ([(" - mean - x_hat * product", "")], "statistics-held-constant", []),
    "mean over the batch": ([(MEAN, "mean = dx_hat.mean(axis=0)")], "statistics-over-wrong-axes", ["mean(dx_hat)"]),
    "product over the batch": (
        [(PRODUCT, "product = (dx_hat * x_hat).mean(axis=0)")],
        "statistics-over-wrong-axes",
        ["mean(dx_hat * x_hat) goes over axes (0,)"],
    ),
    "sum of the product": ([(PRODUCT, PRODUCT.replace(".mean", ".sum"))], "statistics-over-wrong-axes", ["factor 5"]),
    "1/s forgotten": ([("inv_std * (dx_hat", "(dx_hat")], "factor-per-channel", ["1 / std is forgotten"]),
    "1/s twice": ([("inv_std * (dx_hat", "inv_std**2 * (dx_hat")], "factor-per-channel", ["1 / var for 1 / std"]),
    "dgamma of each example": ([(BATCH, "batch = -1")], "wrong-shape", ["axis 0 instead of axis 1"]),
    "dgamma over axis 0": ([(BATCH, "batch = 0")], "wrong-shape", ["sum over axes (0, 1)"]),
    "dgamma a mean": ([("(dy * x_hat).sum", "(dy * x_hat).mean")], "factor-batch", ["dgamma"]),
    "axes of one dropped": ([("return dx, ", "return dx.squeeze(), ")], "wrong-shape", ["x has (1, 6)"]),
    "float64 on the way": ([("return dx, ", "return dx.astype(float), ")], "wrong-dtype", ["dx as float64"]),
    "float32 on the way": ([("return dx, ", "return dx.astype('f'), ")], "low-precision", ["float64"]),
    "a cache outside": (
        [(Y, f"layernorm_forward.x_hat = x_hat\n    {Y}"),
         ("x_hat, gamma, inv_std = cache", "_, gamma, inv_std = cache\n    x_hat = layernorm_forward.x_hat")],
        "kept-outside-the-cache", []),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(changes, code, words, tmp_path):
    assert_wrong(verdict_on(NAME, *changes, tmp_path=tmp_path), code, *words)


RIGHT = {
    "loops": """
        def layernorm_backward(dy, cache):
            x_hat, gamma, inv_std = cache
            C = len(gamma)
            d, h, s = dy.reshape(-1, C), x_hat.reshape(-1, C), inv_std.reshape(-1)
            dx, dgamma, dbeta = np.zeros_like(d), np.zeros_like(gamma), np.zeros_like(gamma)
            for n in range(len(d)):
                mean = sum(gamma[c] * d[n, c] for c in range(C)) / C
                product = sum(gamma[c] * d[n, c] * h[n, c] for c in range(C)) / C
                for c in range(C):
                    dx[n, c] = s[n] * (gamma[c] * d[n, c] - mean - h[n, c] * product)
                    dgamma[c] += d[n, c] * h[n, c]
                    dbeta[c] += d[n, c]
            return dx.reshape(dy.shape), dgamma, dbeta
    """,
    "einsum": """
        def layernorm_backward(dy, cache):
            x_hat, gamma, inv_std = cache
            C = len(gamma)
            d, h, s = dy.reshape(-1, C), x_hat.reshape(-1, C), inv_std.reshape(-1)
            projected = np.einsum("nc,c->n", d, gamma)[:, None] + h * np.einsum("nc,c,nc->n", d, gamma, h)[:, None]
            dx = np.einsum("nc,n->nc", d * gamma - projected / C, s)
            return dx.reshape(dy.shape), np.einsum("nc,nc->c", d, h), np.einsum("nc->c", d)
    """,
    "in stages, transposed, with negative strides": """
        def layernorm_forward(x, gamma, beta, eps=1e-5):
            rows = x.reshape(-1, x.shape[-1]).T[::-1]
            centred = rows - rows.mean(axis=0)
            inv_std = (centred**2).mean(axis=0)
            inv_std = (inv_std + eps) ** -0.5
            y = (centred * inv_std)[::-1].T.reshape(x.shape) * gamma + beta
            return np.asfortranarray(y), (centred, inv_std, gamma)
        def layernorm_backward(dy, cache):
            centred, inv_std, gamma = cache
            C = len(gamma)
            d = dy.reshape(-1, C).T[::-1]
            dx_hat = d * gamma[::-1, None]
            dvar = -(dx_hat * centred).sum(axis=0) * inv_std**3 / 2
            dmu = -dx_hat.sum(axis=0) * inv_std
            dx = dx_hat * inv_std + (2 * dvar * centred + dmu) / C
            dgamma, dbeta = (d * centred * inv_std).sum(axis=1), d.sum(axis=1)
            return dx[::-1].T.reshape(dy.shape), dgamma[::-1], dbeta[::-1]
    """,
}


@pytest.mark.parametrize("functions", RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes(functions, tmp_path):
    assert_passed(verdict_on(NAME, functions, tmp_path=tmp_path))
