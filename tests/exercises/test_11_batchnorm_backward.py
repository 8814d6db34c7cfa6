"""Wrong and right answers to exercise 11, batch norm backward in stages."""

import copy

import numpy as np
import pytest
from answers import assert_passed, assert_wrong, changed, solution, verdict_on

from minicnn.exercises import course

NAME = "11_batchnorm_backward"
DBETA, DGAMMA = "dbeta = dy.sum(axis=axes)", "(dy * x_hat).sum(axis=axes)"
DX_HAT = "dx_hat = dy * gamma"
DVAR = "(dx_hat * centred).sum(axis=axes) * -0.5 * inv_std**3"
DMU = "-dx_hat.sum(axis=axes) * inv_std"
DX = "dx_hat * inv_std + dvar * 2 * centred / M + dmu / M"
RETURN = 'return dx, dgamma, dbeta, {"dx_hat": dx_hat, "dvar": dvar, "dmu": dmu}'

WRONG = {  # name: (changes, code, first wrong value, words of the message)
    "dbeta a mean": ([(DBETA, "dbeta = dy.mean(axis=axes)")], "factor-batch", "beta", []),
    "dgamma of x": ([(DGAMMA, "(dy * centred).sum(axis=axes)")], "factor-per-channel", "gamma", ["not divided by std"]),
    "dgamma not summed": ([(DGAMMA, "dy * x_hat")], "wrong-shape", "gamma", ["sum over axis 0"]),
    "gamma forgotten": ([(DX_HAT, "dx_hat = dy")], "factor-per-channel", "x_hat", ["1/gamma", "var, mu and x may be"]),
    "dvar without its minus": ([("* -0.5", "* 0.5")], "sign-flipped", "var", ["The gradient of x_hat, from which"]),
    "dvar without its half": ([("* -0.5", "* -1")], "factor-constant", "var", ["= 2 in all"]),
    "dvar with the second power": ([("inv_std**3", "inv_std**2")], "factor-per-channel", "var", ["sqrt(var"]),
    "dvar with x_hat": ([("dx_hat * centred", "dx_hat * x_hat")], "factor-per-channel", "var", ["1/sqrt(var"]),
    "dvar of dy": ([("dx_hat * centred", "dy * centred")], "factor-per-channel", "var", ["1/gamma"]),
    "dvar a mean": ([(DVAR, DVAR.replace("sum", "mean"))], "factor-constant", "var", ["1/N"]),
    "dvar not summed": ([(DVAR, DVAR.replace(".sum(axis=axes)", ""))], "wrong-shape", "var", ["has shape (6, 5)"]),
    "dmu without its minus": ([(DMU, DMU[1:])], "sign-flipped", "mu", ["The gradients of x_hat and var, from which"]),
    "dmu not divided": ([(DMU, "-dx_hat.sum(axis=axes)")], "factor-per-channel", "mu", ["sqrt(var"]),
    "dmu of dy": ([(DMU, DMU.replace("dx_hat", "dy"))], "factor-per-channel", "mu", ["1/gamma"]),
    "dmu a mean": ([(DMU, DMU.replace("sum", "mean"))], "factor-constant", "mu", ["1/N"]),
    "dx without mu": ([(" + dmu / M", "")], "mean-term-missing", "x", ["The gradients of x_hat, var and mu, from"]),
    "dx without var": ([(" + dvar * 2 * centred / M", "")], "variance-term-missing", "x", []),
    "dx without either": ([(DX, "dx_hat * inv_std")], "statistics-held-constant", "x", []),
    "dx without its 2": ([("dvar * 2 *", "dvar *")], "variance-term-missing", "x", ["the factor 0.5"]),
    "dx without 1/M": ([("dmu / M", "dmu")], "statistics-over-wrong-axes", "x", ["the factor 6"]),
    "M counts examples alone": ([("dy.size // len(gamma)", "len(dy)")], "statistics-over-wrong-axes", "x", []),
    "M counts pixels alone": ([("M = dy.size // len(gamma)", "M = dy[0, ..., 0].size if dy.ndim == 4 else len(dy)")],
        "statistics-over-wrong-axes", "x", []),
    "images over axis 0 alone": ([("axes = tuple(range(dy.ndim - 1))", "axes = 0")], "wrong-shape", "gamma", []),
    "axes of one dropped": ([(f"dx = {DX}", f"dx = ({DX}).squeeze()")], "wrong-shape", "x", ["x has (1, 3, 2, 2)"]),
    "dx_hat in float32": ([(DX_HAT, "dx_hat = (dy * gamma).astype('f')")], "low-precision", "x_hat", []),
    "cache in float32": ([("x_hat, gamma, inv_std = cache", "x_hat, gamma, inv_std = (a.astype('f') for a in cache)")],
        "low-precision", "gamma", ["rounding to float32"]),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "first", "words"), WRONG.values(), ids=WRONG)
def test_the_first_wrong_stage_is_named(changes, code, first, words, tmp_path):
    verdict = verdict_on(NAME, *changes, tmp_path=tmp_path)
    assert_wrong(verdict, code, *words)
    assert verdict.problem.message.startswith(f"The first wrong gradient is that of {first}")


WRONG_FORM = {
    "no stages": ((RETURN, "return dx, dgamma, dbeta"), "wrong-returns", "(dx, dgamma, dbeta, stages)"),
    "a tuple of stages": ((RETURN, "return dx, dgamma, dbeta, (dx_hat, dvar, dmu)"), "wrong-returns", "dictionary"),
    "another name": (('"dvar"', '"var"'), "stage-missing", "it holds 'dx_hat', 'var', 'dmu'"),
    "nothing yet": ((RETURN, "return dx, dgamma, dbeta, {}"), "stage-missing", "it holds nothing"),
    "none": (('"dmu": dmu', '"dmu": None'), "wrong-type", "dmu must be an array, got a NoneType"),
    "an error": (("dvar = ", "dvar = 1 / 0 * "), "raised", "ZeroDivisionError"),
    "dy changed": ((RETURN, f"dy += 1; {RETURN}"), "argument-modified", "backward changed dy"),
}


@pytest.mark.parametrize(("change", "code", "words"), WRONG_FORM.values(), ids=WRONG_FORM)
def test_what_cannot_be_traced_is_told(change, code, words, tmp_path):
    assert_wrong(verdict_on(NAME, change, tmp_path=tmp_path), code, words)


def test_the_first_wrong_stage_can_be_drawn(tmp_path):
    reports = []
    verdict_on(NAME, ("inv_std**3", "inv_std**2"), tmp_path=tmp_path, on_report=reports.append)
    assert [report.title for report in reports] == ["var"]
    reports[0].plot(tmp_path / "var.png")


RIGHT = {
    "loops": """
        def batchnorm_backward_staged(dy, cache):
            shape, C = dy.shape, dy.shape[-1]
            centred, x_hat, gamma, inv_std = cache
            dy, centred, x_hat = (a.reshape(-1, C) for a in (dy, centred, x_hat))
            M = len(dy)
            dx, dx_hat = np.zeros((M, C)), np.zeros((M, C))
            dgamma, dbeta, dvar, dmu = np.zeros(C), np.zeros(C), np.zeros(C), np.zeros(C)
            for c in range(C):
                for m in range(M):
                    dbeta[c] += dy[m, c]
                    dgamma[c] += dy[m, c] * x_hat[m, c]
                    dx_hat[m, c] = dy[m, c] * gamma[c]
                    dvar[c] -= dx_hat[m, c] * centred[m, c] * inv_std[c] ** 3 / 2
                    dmu[c] -= dx_hat[m, c] * inv_std[c]
                for m in range(M):
                    dx[m, c] = dx_hat[m, c] * inv_std[c] + (2 * dvar[c] * centred[m, c] + dmu[c]) / M
            stages = {"dx_hat": dx_hat.reshape(shape), "dvar": dvar, "dmu": dmu}
            return dx.reshape(shape), dgamma, dbeta, stages
    """,
    "einsum": """
        def batchnorm_backward_staged(dy, cache):
            centred, x_hat, gamma, inv_std = (a.reshape(-1, a.shape[-1]) if a.ndim > 1 else a for a in cache)
            rows = dy.reshape(centred.shape)
            dbeta, dgamma = np.einsum("mc->c", rows), np.einsum("mc,mc->c", rows, x_hat)
            dx_hat = np.einsum("mc,c->mc", rows, gamma)
            dvar = -0.5 * np.einsum("mc,mc,c->c", dx_hat, centred, inv_std**3)
            dmu = -np.einsum("mc,c->c", dx_hat, inv_std)
            dx = np.einsum("mc,c->mc", dx_hat, inv_std) + (2 * np.einsum("c,mc->mc", dvar, centred) + dmu) / len(rows)
            stages = {"dmu": dmu, "dvar": dvar, "dx_hat": dx_hat.reshape(dy.shape)}
            return dx.reshape(dy.shape), dgamma, dbeta, stages
    """,
    "channels in front, Fortran order, negative strides": """
        def batchnorm_backward_staged(dy, cache):
            centred, x_hat, gamma, inv_std = cache
            C = len(gamma)
            rows = [np.moveaxis(a, -1, 0).reshape(C, -1)[::-1] for a in (dy, centred, x_hat)]
            g, s = gamma[::-1, None], inv_std[::-1, None]
            d, c, h = rows
            dh = d * g
            dvar = -(dh * c).sum(axis=1, keepdims=True) * s**3 / 2
            dmu = -dh.sum(axis=1, keepdims=True) * s
            dx = dh * s + (2 * dvar * c + dmu) / d.shape[1]
            back = lambda a: np.asfortranarray(np.moveaxis(a[::-1].reshape(C, *dy.shape[:-1]), 0, -1))
            stages = {"dx_hat": back(dh), "dvar": dvar[::-1, 0], "dmu": dmu[::-1, 0]}
            return back(dx), (d * h).sum(axis=1)[::-1], d.sum(axis=1)[::-1], stages
    """,
    "more stages than asked for, and dmu with its second term": """
        def batchnorm_backward_staged(dy, cache):
            centred, x_hat, gamma, inv_std = cache
            axes = tuple(range(dy.ndim - 1))
            M = dy.size / gamma.size
            dx_hat = gamma * dy
            dinv_std = (dx_hat * centred).sum(axis=axes)
            dvar = dinv_std * -0.5 * inv_std**3
            dcentred = dx_hat * inv_std + dvar * 2 * centred / M
            dmu = -dcentred.sum(axis=axes)
            stages = dict(dx_hat=dx_hat, dinv_std=dinv_std, dvar=dvar, dcentred=dcentred, dmu=dmu)
            return dcentred + dmu / M, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes), stages
    """,
}


@pytest.mark.parametrize("function", RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes(function, tmp_path):
    assert_passed(verdict_on(NAME, function, tmp_path=tmp_path))


def test_a_forward_pass_that_changes_x_is_told_and_spoils_no_later_check(tmp_path):
    forward = "10_batchnorm_forward"
    changes_x = ("centred, inv_std = x - mu,", "x -= mu; centred, inv_std = x,")
    before = copy.deepcopy(course.find(NAME).exercise.checks[0].arguments)
    verdict = verdict_on(NAME, tmp_path=tmp_path, others={forward: changed(solution(forward), changes_x)})
    assert_wrong(verdict, "argument-modified", "changed x")
    after = course.find(NAME).exercise.checks[0].arguments
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_the_cache_is_the_learners_own(tmp_path):
    forward = "10_batchnorm_forward"
    keeps_x = ("(centred, x_hat, gamma, inv_std)", '{"x": x, "gamma": gamma, "eps": eps}')
    reads_x = (
        "centred, x_hat, gamma, inv_std = cache",
        """x, gamma, eps = cache["x"], cache["gamma"], cache["eps"]
    axes = tuple(range(x.ndim - 1))
    centred, inv_std = x - x.mean(axis=axes), (x.var(axis=axes) + eps) ** -0.5
    x_hat = centred * inv_std""",
    )
    others = {forward: changed(solution(forward), keeps_x)}
    assert_passed(verdict_on(NAME, reads_x, tmp_path=tmp_path, others=others))
