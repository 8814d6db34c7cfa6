"""Wrong and right answers to exercise 10, batch norm forward."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

AXES = "axes = tuple(range(x.ndim - 1))"
VAR = "((x - mu) ** 2).mean(axis=axes)"
INV_STD = "1 / np.sqrt(var + eps)"
CENTRED = "centred, inv_std = x - mu,"
Y = "gamma * x_hat + beta"
EVALUATED = "gamma * (x - mean) / np.sqrt(var + eps) + beta"
RUNNING = "(momentum * running + (1 - momentum) * batch).astype(running.dtype)"

STATISTICS = "return mu, var"


def images_over(axis):
    """Right for vectors, and over other axes for images."""
    return (STATISTICS, f"return (x.mean(axis={axis}), x.var(axis={axis})) if x.ndim == 4 else (mu, var)")


WRONG = {  # name: (changes, code, words of the message)
    "variance first": ([(STATISTICS, "return x.var(axis=axes), mu")], "wrong-order", ["return mu, var"]),
    "variance not divided": ([(VAR, "((x - mu) ** 2).sum(axis=axes)")], "sum-not-mean", ["its 1/M"]),
    "no eps": ([(INV_STD, "1 / np.sqrt(var)")], "eps-missing", []),
    "times the root": ([(INV_STD, "np.sqrt(var + eps)")], "multiplied-by-the-root", []),
    "gamma and beta swapped": ([(Y, "beta * x_hat + gamma")], "gamma-beta-swapped", []),
    "beta inside": ([(Y, "gamma * (x_hat + beta)")], "shift-scaled", []),
    "own momentum": ([(RUNNING, "0.9 * running + 0.1 * batch")], "momentum-ignored", []),
    "evaluation without eps": ([(EVALUATED, "gamma * (x - mean) / np.sqrt(var) + beta")], "eps-missing", []),
    "sums": ([("x.mean(axis=axes)", "x.sum(axis=axes)"), (VAR, "len(x) * x.var(0)")], "sum-not-mean", []),
    "ddof=1": ([(VAR, "x.var(axis=axes, ddof=1)")], "divides-by-m-minus-1", ["var[0] is 1.33333, expected 1"]),
    "mean of squares": ([(VAR, "(x**2).mean(axis=axes)")], "mean-not-subtracted", ["differences from mu"]),
    "std for var": ([(VAR, "x.std(axis=axes)")], "root-of-the-variance", []),
    "layer norm": ([(STATISTICS, "return x.mean(axis=1), x.var(axis=1)")], "statistics-of-each-example", ["(4,)"]),
    "axis 0 alone": ([(AXES, "axes = 0")], "statistics-of-each-pixel", ["every axis but the last"]),
    "instance norm": ([images_over((1, 2))], "statistics-of-each-image", ["instance norm"]),
    "channels first": ([images_over((0, 2, 3))], "channels-first", ["(N, H, W, C)"]),
    "all channels together": ([images_over(None)], "one-statistic-for-all", ["mu has shape ()"]),
    "two axes forgotten": ([images_over((0, 1))], "wrong-shape", ["mu has shape (2, 2)"]),
    "keepdims": ([("mu = x.mean(axis=axes)", "mu = x.mean(axis=axes, keepdims=True)")], "wrong-shape", ["(1, 2)"]),
    "does not broadcast": ([(AXES, "axes = 1")], "raised", ["var = ((x - mu) ** 2)"]),
    "digits cancel": ([(VAR, "(x**2).mean(axis=axes) - mu**2")], "variance-cancels", ["Subtract before you square"]),
    "own eps": ([(INV_STD, "1 / np.sqrt(var + 1e-5)")], "eps-ignored", []),
    "eps outside": ([(INV_STD, "1 / (np.sqrt(var) + eps)")], "eps-outside-the-root", ["inside the root"]),
    "eps sometimes": ([(INV_STD, "1 / np.sqrt(var + (eps if eps > 1 else 0))")], "eps-missing", ["0 / 0"]),
    "own statistics": (
        [("mu, var = batch_statistics(x)", "mu, var = x.mean(axis=0), x.var(axis=0)")],
        "statistics-of-each-pixel",
        ["normalized by itself"],
    ),
    "axes of one dropped": (
        [(CENTRED, "x = x.squeeze(); centred, inv_std = x - mu,")],
        "wrong-shape",
        ["(1, 2, 3, 2)"],
    ),
    "no root": ([(INV_STD, "1 / (var + eps)")], "divides-by-variance", ["without the root"]),
    "not centred": ([(CENTRED, "centred, inv_std = x,")], "mean-not-subtracted", []),
    "no gamma": ([(Y, "x_hat + beta")], "gamma-missing", []),
    "no beta": ([(Y, "gamma * x_hat")], "beta-missing", []),
    "one gamma for all": ([(Y, "gamma[0] * x_hat + beta")], "wrong-value", ["y[0, 1] is"]),
    "x changed": ([(CENTRED, "x -= mu; centred, inv_std = x,")], "argument-modified", ["its argument x"]),
    "float64 on the way": ([(INV_STD, "1 / np.sqrt(var.astype(float) + eps)")], "wrong-dtype", ["float32 went in"]),
    "no cache": ([(f"{Y}, (centred, x_hat, gamma, inv_std)", Y)], "wrong-returns", ["(y, cache)"]),
    "PyTorch's momentum": (
        [(RUNNING, "(1 - momentum) * running + momentum * batch")],
        "momentum-the-other-way-round",
        ["PyTorch"],
    ),
    "batch whole": ([(RUNNING, "momentum * running + batch")], "batch-not-weighted", ["it grows"]),
    "running changed": ([(f"return {RUNNING}", "running += 1; return running")], "argument-modified", ["running"]),
    "batch in evaluation": (
        [(EVALUATED, "batchnorm_forward(x, gamma, beta, eps)[0]")],
        "batch-statistics-in-evaluation",
        ["does not depend on the others"],
    ),
    "evaluation, own eps": ([(EVALUATED, "gamma * (x - mean) / np.sqrt(var + 1e-5) + beta")], "eps-ignored", []),
    "evaluation, no root": ([(EVALUATED, "gamma * (x - mean) / (var + eps) + beta")], "divides-by-variance", []),
    "evaluation, axes of one dropped": ([(EVALUATED, f"({EVALUATED}).squeeze()")], "wrong-shape", ["(1, 2)"]),
    "nothing returned": ([(f"return {EVALUATED}", EVALUATED)], "returned-nothing", ["return y"]),
}


@pytest.mark.parametrize(("changes", "code", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(changes, code, words, tmp_path):
    assert_wrong(verdict_on("10_batchnorm_forward", *changes, tmp_path=tmp_path), code, *words)


RIGHT = {
    "rows of channels": """
        def batch_statistics(x):
            rows = x.reshape(-1, x.shape[-1])
            return rows.mean(axis=0), rows.var(axis=0)
    """,
    "loops": """
        def batch_statistics(x):
            rows = x.reshape(-1, x.shape[-1])
            M, C = rows.shape
            mu, var = np.zeros(C), np.zeros(C)
            for c in range(C):
                mu[c] = sum(rows[m, c] for m in range(M)) / M
                var[c] = sum((rows[m, c] - mu[c]) ** 2 for m in range(M)) / M
            return mu, var
        def batchnorm_forward(x, gamma, beta, eps=1e-5):
            mu, var = batch_statistics(x)
            x_hat = ((x - mu) / np.sqrt(var + eps)).astype(x.dtype)
            return gamma * x_hat + beta, x_hat
    """,
    "the other order": """
        def batchnorm_forward(x, gamma, beta, eps=1e-5):
            mu, var = batch_statistics(x)
            scale = gamma * (var + eps) ** -0.5
            return x * scale + (beta - mu * scale), {"x": x}
        def batchnorm_evaluate(x, gamma, beta, mean, var, eps=1e-5):
            scale = gamma * (var + eps) ** -0.5
            return x * scale + (beta - mean * scale)
        def update_running(running, batch, momentum=0.9):
            return running + (1 - momentum) * (batch - running)
    """,
    "channels in front on the way": """
        def batchnorm_forward(x, gamma, beta, eps=1e-5):
            mu, var = batch_statistics(x)
            y = np.moveaxis(x, -1, 0)
            ones = (1,) * (x.ndim - 1)
            y = (y - mu.reshape(-1, *ones)) / np.sqrt(var.reshape(-1, *ones) + eps)
            return np.moveaxis(y, 0, -1) * gamma + beta, None
    """,
}


@pytest.mark.parametrize("functions", RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes(functions, tmp_path):
    assert_passed(verdict_on("10_batchnorm_forward", functions, tmp_path=tmp_path))
