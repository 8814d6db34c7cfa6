"""Wrong and right answers to exercise 12, batch norm backward in one expression."""

import pytest
from answers import assert_passed, assert_wrong, changed, solution, verdict_on

NAME = "12_batchnorm_one_expression"
MEAN, VARIANCE = " - dy.mean(axis=axes)", " - x_hat * (dy * x_hat).mean(axis=axes)"
SCALE = "gamma * inv_std * (dy"
AXES = "axes = tuple(range(dy.ndim - 1))"
CALL = "batchnorm_dx(dy, x_hat, gamma, inv_std)"
DGAMMA, DBETA = "(dy * x_hat).sum(axis=axes)", "dy.sum(axis=axes)"

WRONG = {  # name: (changes, code, words of the message)
    "one sum": ([(MEAN, MEAN.replace("mean", "sum"))], "sums-not-means", ["through mu"]),
    "the other sum": ([(VARIANCE, VARIANCE.replace("mean", "sum"))], "sums-not-means", ["through var"]),
    "times s": ([(SCALE, "gamma / inv_std * (dy")], "multiplied-by-s", []),
    "no mean": ([(MEAN, "")], "mean-term-missing", ["through mu"]),
    "no variance": ([(VARIANCE, "")], "variance-term-missing", ["through var"]),
    "neither": ([(MEAN + VARIANCE, "")], "statistics-held-constant", ["direct term only"]),
    "mean added": ([(MEAN, MEAN.replace("-", "+"))], "mean-term-added", ["wrong sign"]),
    "variance added": ([(VARIANCE, VARIANCE.replace("-", "+"))], "variance-term-added", ["wrong sign"]),
    "half of the variance": ([(VARIANCE, VARIANCE + " / 2")], "half-the-variance-term", []),
    "sums": ([(".mean(", ".sum(")], "sums-not-means", ["1/M"]),
    "no gamma": ([(SCALE, "inv_std * (dy")], "gamma-missing", []),
    "no 1/s": ([(SCALE, "gamma * (dy")], "not-divided-by-s", []),
    "1/s twice": ([(SCALE, "gamma * inv_std**2 * (dy")], "divided-by-s-too-often", ["Count the powers"]),
    "x_hat squared": ([("(dy * x_hat).mean", "(x_hat**2).mean")], "mean-of-x-hat-squared", []),
    "a product of means": ([("(dy * x_hat).mean", "dy.mean(axis=axes) * x_hat.mean")], "variance-term-missing", []),
    "axis 0 alone": ([("axes = tuple(range(dy.ndim - 1))", "axes = 0")], "statistics-over-wrong-axes", ["for images"]),
    "dgamma a mean": ([(DGAMMA, "(dy * x_hat).mean(axis=axes)")], "factor-batch", ["dgamma"]),
    "dbeta a mean": ([(f", {DBETA}", ", dy.mean(axis=axes)")], "factor-batch", ["dbeta"]),
    "dgamma without x_hat": ([(DGAMMA, DBETA)], "order-scrambled", ["gradient of beta"]),
    "dgamma and dbeta swapped": ([(f"{DGAMMA}, {DBETA}", f"{DBETA}, {DGAMMA}")], "order-scrambled", ["in the order"]),
    "cache taken wrongly": ([("_, x_hat, gamma, inv_std = cache", "x_hat, _, gamma, inv_std = cache")],
        "variance-term-missing", ["std to the power -1", "made with x - mean, not divided"]),
    "parameters over axis 0": ([(f"{AXES}\n    return batchnorm_dx", "axes = 0\n    return batchnorm_dx")],
        "wrong-shape", ["dgamma", "dbeta"]),
    "axes of one dropped": ([(f"return {CALL}", f"return {CALL}.squeeze()")], "wrong-shape", ["x has (1, 3, 2, 2)"]),
    "two gradients": ([(f", {DBETA}", "")], "wrong-returns", ["returned 2 gradients"]),
    "dy changed": ([("_, x_hat, gamma", "dy *= 2\n    _, x_hat, gamma")], "argument-modified", ["dy"]),
    "float64 on the way": ([(f"return {CALL}", "dy = dy.astype(float)\n    return " + CALL)], "wrong-dtype", []),
    "float32 on the way": ([(f"return {CALL}", f"return {CALL}.astype('f')")], "low-precision", ["float64"]),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(changes, code, words, tmp_path):
    assert_wrong(verdict_on(NAME, *changes, tmp_path=tmp_path), code, *words)


def test_what_forward_keeps_outside_the_cache_is_noticed(tmp_path):
    forward, keeps = "10_batchnorm_forward", "batchnorm_forward.x_hat = x_hat"
    kept = changed(
        solution(forward), ("    return gamma * x_hat + beta", f"    {keeps}\n    return gamma * x_hat + beta")
    )
    taken = ("_, x_hat, gamma, inv_std = cache", "_, _, gamma, inv_std = cache; x_hat = batchnorm_forward.x_hat")
    verdict = verdict_on(NAME, taken, tmp_path=tmp_path, others={forward: kept})
    assert_wrong(verdict, "kept-outside-the-cache", "After a second call of batchnorm_forward")


@pytest.mark.parametrize(
    ("M", "dx", "code", "words"),
    [
        ("dy.size // len(gamma)", "dy - x_hat * dgamma / M", "mean-term-missing", "dx: the gradient through the mean"),
        (
            "dy[0, ..., 0].size if dy.ndim == 4 else len(dy)",
            "dy - dbeta / M - x_hat * dgamma / M",
            "statistics-over-wrong-axes",
            "x of shape (3, 2, 4, 2)",
        ),
    ],
)
def test_backward_is_checked_even_if_it_does_not_use_the_expression(M, dx, code, words, tmp_path):
    backward = f"""
        def batchnorm_backward(dy, cache):
            _, x_hat, gamma, inv_std = cache
            axes, M = tuple(range(dy.ndim - 1)), {M}
            dgamma, dbeta = (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)
            return gamma * inv_std * ({dx}), dgamma, dbeta
    """
    assert_wrong(verdict_on(NAME, backward, tmp_path=tmp_path), code, words)


RIGHT = {
    "loops": """
        def batchnorm_dx(dy, x_hat, gamma, inv_std):
            C = len(gamma)
            d, h = dy.reshape(-1, C), x_hat.reshape(-1, C)
            dx, M = np.zeros_like(d), len(d)
            for c in range(C):
                mean = sum(d[m, c] for m in range(M)) / M
                product = sum(d[m, c] * h[m, c] for m in range(M)) / M
                for m in range(M):
                    dx[m, c] = gamma[c] * inv_std[c] * (d[m, c] - mean - h[m, c] * product)
            return dx.reshape(dy.shape)
    """,
    "einsum, M outside": """
        def batchnorm_dx(dy, x_hat, gamma, inv_std):
            d, h = dy.reshape(-1, len(gamma)), x_hat.reshape(-1, len(gamma))
            M = len(d)
            inner = M * d - np.einsum("mc->c", d) - np.einsum("mc,kc,kc->mc", h, d, h)
            return np.einsum("mc,c,c->mc", inner, gamma, inv_std).reshape(dy.shape) / M
    """,
    "channels in front, Fortran order, negative strides": """
        def batchnorm_dx(dy, x_hat, gamma, inv_std):
            d, h = (np.moveaxis(a, -1, 0).reshape(len(gamma), -1)[:, ::-1] for a in (dy, x_hat))
            dx = d - d.mean(axis=1, keepdims=True) - h * (d * h).mean(axis=1, keepdims=True)
            dx = (dx.T * (gamma * inv_std))[::-1]
            return np.asfortranarray(dx.reshape(dy.shape))
        def batchnorm_backward(dy, cache):
            _, x_hat, gamma, inv_std = cache
            axes = tuple(range(dy.ndim - 1))
            return [batchnorm_dx(dy, x_hat, gamma, inv_std), (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)]
    """,
    "by dgamma and dbeta, in place on a copy": """
        def batchnorm_dx(dy, x_hat, gamma, inv_std):
            axes = tuple(range(dy.ndim - 1))
            M = dy.size // len(gamma)
            dx = dy * 1
            dx -= dy.sum(axis=axes) / M
            dx -= x_hat * ((dy * x_hat).sum(axis=axes) / M)
            dx *= gamma * inv_std
            return dx
    """,
    "gamma first": """
        def batchnorm_dx(dy, x_hat, gamma, inv_std):
            axes = tuple(range(dy.ndim - 1))
            dx_hat = dy * gamma
            return inv_std * (dx_hat - dx_hat.mean(axis=axes) - x_hat * (dx_hat * x_hat).mean(axis=axes))
    """,
}


@pytest.mark.parametrize("functions", RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes(functions, tmp_path):
    assert_passed(verdict_on(NAME, functions, tmp_path=tmp_path))
