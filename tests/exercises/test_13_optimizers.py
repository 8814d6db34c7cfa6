"""Wrong and right answers to exercise 13, SGD with momentum and Adam."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

NAME = "13_optimizers"
V, SGD = "momentum * v + dw", "return w - learning_rate * v, v"
M, S = "beta1 * m + (1 - beta1) * dw", "beta2 * s + (1 - beta2) * dw**2"
M_HAT, S_HAT = "m / (1 - beta1**t)", "s / (1 - beta2**t)"
ADAM = "return w - learning_rate * m_hat / (np.sqrt(s_hat) + eps), m, s"

WRONG = {  # name: (changes, code, words of the message)
    "Keras's velocity": ([(V, "momentum * v - learning_rate * dw"), (SGD, "return w + v, v")],
        "learning-rate-inside-velocity", ["Keras"]),
    "learning rate in v": ([(V, "momentum * v + learning_rate * dw"), (SGD, "return w - v, v")],
        "learning-rate-inside-velocity", ["(1) v has none"]),
    "a mean of gradients": ([(V, "momentum * v + (1 - momentum) * dw")], "gradient-weighted", ["dw comes in whole"]),
    "no velocity": ([(V, "dw")], "velocity-not-kept", []),
    "no velocity, and the old one returned": ([(f"v = {V}", "pass"), (SGD, "return w - learning_rate * dw, v")],
        "wrong-value", ["w[0] is 0, expected -0.25"]),
    "uphill": ([(SGD, "return w + learning_rate * v, v")], "uphill", ["(2) has a minus"]),
    "step by dw": ([(SGD, "return w - learning_rate * dw, v")], "velocity-not-used", []),
    "step by the old v": ([(f"v = {V}\n    {SGD}", f"return w - learning_rate * v, {V}")], "old-velocity", ["new one"]),
    "Nesterov": ([(SGD, "return w - learning_rate * (dw + momentum * v), v")], "nesterov", ["Nesterov"]),
    "v alone": ([(SGD, "return w - learning_rate * v")], "wrong-returns", ["(w, v)"]),
    "v changed": ([(f"v = {V}", "v *= momentum\n    v += dw")], "argument-modified", ["its argument v"]),
    "w changed": ([(SGD, "w -= learning_rate * v\n    return w, v")], "argument-modified", ["its argument w"]),
    "v and w swapped": ([(SGD, "return v, w - learning_rate * v")], "wrong-order", ["return w, v"]),
    "float64": ([(V, "np.float64(momentum) * v + dw")], "wrong-dtype", ["float32 went in"]),
    "not corrected": ([(M_HAT, "m"), (S_HAT, "s")], "bias-not-corrected", ["m_hat and s_hat"]),
    "corrected and kept": ([("m_hat = ", "m = m_hat = "), ("s_hat = ", "s = s_hat = ")], "corrected-means-kept", []),
    "betas swapped": ([(M, "beta2 * m + (1 - beta2) * dw"), (S, "beta1 * s + (1 - beta1) * dw**2"),
        (M_HAT, "m / (1 - beta2**t)"), (S_HAT, "s / (1 - beta1**t)")], "betas-swapped", []),
    "not squared": ([("dw**2", "dw")], "gradient-not-squared", ["dw^2"]),
    "t from zero": ([("**t)", "**(t - 1))")], "corrections-of-the-first-step", ["to the power t"]),
    "no t": ([("**t)", ")")], "corrections-of-the-first-step", []),
    "no root": ([("np.sqrt(s_hat)", "s_hat")], "root-missing", []),
    "eps inside": ([("np.sqrt(s_hat) + eps", "np.sqrt(s_hat + eps)")], "eps-inside-the-root", []),
    "RMSProp": ([(ADAM, ADAM.replace("m_hat", "dw"))], "mean-not-used", ["RMSProp"]),
    "Adam uphill": ([(ADAM, ADAM.replace("w -", "w +"))], "uphill", ["w[0] is 1.25, expected 0.75"]),
    "Adam's own eps": ([("+ eps", "+ 1e-8")], "eps-ignored", []),
    "no eps": ([(" + eps", "")], "eps-ignored", ["or none"]),
    "no learning rate": ([(SGD, "return w - v, v")], "learning-rate-missing", []),
    "no momentum": ([(V, "v + dw")], "velocity-never-slows", []),
    "s not corrected": ([(S_HAT, "s")], "one-mean-corrected", []),
    "t from two": ([("**t)", "**(t + 1))")], "step-miscounted", []),
    "eps outside": ([(ADAM, "return w - learning_rate * m_hat / np.sqrt(s_hat) + eps, m, s")],
        "eps-outside-the-quotient", []),
    "own betas": ([(M, "0.9 * m + (1 - 0.9) * dw"), (S, "0.999 * s + (1 - 0.999) * dw**2"),
        (M_HAT, "m / (1 - 0.9**t)"), (S_HAT, "s / (1 - 0.999**t)")], "betas-ignored", []),
    "m and s swapped": ([("return w - learning_rate * m_hat / (np.sqrt(s_hat) + eps), m, s",
        "return w - learning_rate * m_hat / (np.sqrt(s_hat) + eps), s, m")], "wrong-order", ["return w, m, s"]),
    "s changed": ([(f"s = {S}", "s *= beta2\n    s += (1 - beta2) * dw**2")], "argument-modified", ["its argument s"]),
    "Adam in float64": ([(M, "np.float64(beta1) * m + (1 - beta1) * dw")], "wrong-dtype", ["float32 went in"]),
    "m and s forgotten": ([(ADAM, ADAM.removesuffix(", m, s"))], "wrong-returns", ["(w, m, s)"]),
    "beta fixed": ([(M, "0.9 * m + 0.1 * dw")], "wrong-value", ["w[0]"]),
    "its own count of steps": ([(f"m = {M}", f"adam_step.t = t = getattr(adam_step, 't', t - 1) + 1\n    m = {M}")],
        "kept-between-calls", ["two parameters in turn"]),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(changes, code, words, tmp_path):
    assert_wrong(verdict_on(NAME, *changes, tmp_path=tmp_path), code, *words)


RIGHT = {
    "in place on copies": """
        def sgd_step(w, dw, v, learning_rate, momentum):
            w, v = w.copy(), v.copy()
            v *= momentum
            v += dw
            w -= learning_rate * v
            return w, v
        def adam_step(w, dw, m, s, t, learning_rate, beta1=0.9, beta2=0.999, eps=1e-8):
            w, m, s = w.copy(), m.copy(), s.copy()
            m += (1 - beta1) * (dw - m)
            s += (1 - beta2) * (dw * dw - s)
            w -= learning_rate * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps)
            return w, m, s
    """,
    "multiplied out, as the library does it": """
        def adam_step(w, dw, m, s, t, learning_rate, beta1=0.9, beta2=0.999, eps=1e-8):
            m, s = beta1 * m + (1 - beta1) * dw, beta2 * s + (1 - beta2) * np.square(dw)
            root = (1 - beta2**t) ** 0.5
            return [w - learning_rate * root / (1 - beta1**t) * m / (s**0.5 + eps * root), m, s]
    """,
    "loops": """
        def sgd_step(w, dw, v, learning_rate, momentum):
            new_w, new_v = np.empty_like(w), np.empty_like(v)
            for i in np.ndindex(w.shape):
                new_v[i] = momentum * v[i] + dw[i]
                new_w[i] = w[i] - learning_rate * new_v[i]
            return new_w, new_v
        def adam_step(w, dw, m, s, t, learning_rate, beta1=0.9, beta2=0.999, eps=1e-8):
            w, m, s = (np.asfortranarray(a.copy()) for a in (w, m, s))
            for i in np.ndindex(w.shape):
                m[i] = beta1 * m[i] + (1 - beta1) * dw[i]
                s[i] = beta2 * s[i] + (1 - beta2) * dw[i] ** 2
                w[i] -= learning_rate * m[i] / (1 - beta1**t) / (np.sqrt(s[i] / (1 - beta2**t)) + eps)
            return w, m, s
    """,
}


@pytest.mark.parametrize("functions", RIGHT.values(), ids=RIGHT)
def test_what_is_right_passes(functions, tmp_path):
    assert_passed(verdict_on(NAME, functions, tmp_path=tmp_path))
