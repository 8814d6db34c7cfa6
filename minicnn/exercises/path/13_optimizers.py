"""Exercise 13: optimizers: SGD with momentum, and Adam.

A gradient dw = dL/dw says which way the loss grows. An optimizer makes a step of it, the other way.

SGD with momentum keeps a velocity v, like a ball that rolls on: steps that agree add up, steps to and fro cancel.

    v <- momentum v + dw                                                                            (1)
    w <- w - learning_rate v                                                                        (2)

Adam divides by the usual size of the gradient, so that each weight moves at about the same pace. It keeps running means
of the gradient and of its square, and counts the steps t from 1:

    m <- beta1 m + (1 - beta1) dw                                                                   (3)
    s <- beta2 s + (1 - beta2) dw^2                                                                 (4)
    m_hat = m / (1 - beta1^t),    s_hat = s / (1 - beta2^t)                                         (5)
    w <- w - learning_rate m_hat / (sqrt(s_hat) + eps)                                              (6)

m and s start at zero and are too small in the first steps; (5) makes up for that in the step alone. What is kept for
the next step is m and s.

All this is done element by element. Return new arrays: whoever called you may still need the old ones. All
have the dtype of w, float64 or float32.

Write the two functions, then: minicnn exercises check 13
"""

import numpy as np


def sgd_step(
    w: np.ndarray, dw: np.ndarray, v: np.ndarray, learning_rate: float, momentum: float
) -> tuple[np.ndarray, np.ndarray]:
    """One step of SGD with momentum, equations (1) and (2).

    Parameters
    ----------
    w, dw, v : array, all of one shape
        Parameter, its gradient, its velocity.
    learning_rate, momentum : float

    Returns
    -------
    w, v : array
        After the step.
    """
    # your code
    v = momentum * v + dw
    return w - learning_rate * v, v
    # end


def adam_step(
    w: np.ndarray,
    dw: np.ndarray,
    m: np.ndarray,
    s: np.ndarray,
    t: int,
    learning_rate: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One step of Adam, equations (3) to (6).

    Parameters
    ----------
    w, dw, m, s : array, all of one shape
        Parameter, its gradient, running means of the gradient and of its square.
    t : int
        Number of this step; that of the first is 1.
    learning_rate, beta1, beta2, eps : float

    Returns
    -------
    w, m, s : array
        After the step.
    """
    # your code
    m = beta1 * m + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    m_hat = m / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - learning_rate * m_hat / (np.sqrt(s_hat) + eps), m, s
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.exercise import Condition, Exercise, Mistake, Values, Wrong
from minicnn.optimizers import SGD, Adam, Optimizer

SGD_EXAMPLE = {
    "w": np.array([1.0, 2.0, -3.0]),
    "dw": np.array([4.0, -2.0, 0.0]),
    "v": np.array([2.0, 6.0, -4.0]),
    "learning_rate": 0.25,
    "momentum": 0.5,
}

# 1 - beta1^t = 3/4 and 1 - beta2^t = 7/16, so that m_hat = [2, -6, 4] and s_hat = [4, 16, 4].
ADAM_EXAMPLE = {
    "w": np.array([1.0, 2.0, 3.0]),
    "dw": np.array([1.0, -2.0, 2.0]),
    "m": np.array([2.0, -7.0, 4.0]),
    "s": np.array([2.0, 8.0, 1.0]),
    "t": 2,
    "learning_rate": 0.5,
    "beta1": 0.5,
    "beta2": 0.75,
    "eps": 2.0,
}


def stepped(optimizer: Optimizer, w: np.ndarray, dw: np.ndarray, t: int = 1, **slots: np.ndarray) -> tuple:
    """Step number t of the library's optimizer, which changes arrays in place; here they are copies."""
    params = {"w": w.copy()}
    optimizer.state, optimizer.iterations = {"w": {name: slot.copy() for name, slot in slots.items()}}, t - 1
    optimizer.step(params, {"w": dw})
    return params["w"], *optimizer.state["w"].values()


def right_sgd(w, dw, v, learning_rate, momentum):
    """The library's."""
    return stepped(SGD(learning_rate, momentum), w, dw, velocity=v)


def right_adam(w, dw, m, s, t, learning_rate, beta1=0.9, beta2=0.999, eps=1e-8):
    """The library's."""
    return stepped(Adam(learning_rate, beta1, beta2, eps), w, dw, t, mean=m, mean_square=s)


def sgd_with(step):
    """The right velocity with another step(dw, old v, new v, momentum)."""

    def wrong(w, dw, v, learning_rate, momentum):
        _, new = right_sgd(w, dw, v, learning_rate, momentum)
        return w - learning_rate * step(dw, v, new, momentum), new

    return wrong


def adam_with(step):
    """The right means with another step(m, s, dw, t, beta1, beta2, eps), in units of the learning rate."""

    def wrong(w, dw, m, s, t, learning_rate, beta1, beta2, eps):
        _, m, s = right_adam(w, dw, m, s, t, learning_rate, beta1, beta2, eps)
        return w - learning_rate * step(m, s, dw, t, beta1, beta2, eps), m, s

    return wrong


def keeps_the_corrected(w, dw, m, s, t, learning_rate, beta1, beta2, eps):
    """m_hat and s_hat in place of m and s."""
    w, m, s = right_adam(w, dw, m, s, t, learning_rate, beta1, beta2, eps)
    return w, m / (1 - beta1**t), s / (1 - beta2**t)


def betas_swapped(w, dw, m, s, t, learning_rate, beta1, beta2, eps):
    """beta1 for s, beta2 for m."""
    return right_adam(w, dw, m, s, t, learning_rate, beta2, beta1, eps)


def not_squared(w, dw, m, s, t, learning_rate, beta1, beta2, eps):
    """Dw in (4)."""
    m, s = beta1 * m + (1 - beta1) * dw, beta2 * s + (1 - beta2) * dw
    return w - learning_rate * m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps), m, s


SGD_MISTAKES = [
    Mistake("wrong-order", "v comes first: return w, v.", lambda *arguments: right_sgd(*arguments)[::-1]),
    Mistake(
        "learning-rate-missing",
        "w goes by the whole of v. (2) has the learning rate in front.",
        lambda w, dw, v, lr, momentum: (w - (momentum * v + dw), momentum * v + dw),
    ),
    Mistake(
        "velocity-never-slows",
        "momentum is missing: the old velocity comes into the new one whole.",
        lambda w, dw, v, lr, momentum: (w - lr * (v + dw), v + dw),
    ),
    Mistake(
        "learning-rate-inside-velocity",
        "The learning rate is taken into the velocity, as Keras does. In (1) v has none: the two differ once the "
        "learning rate changes.",
        lambda w, dw, v, lr, momentum: (w + (momentum * v - lr * dw), momentum * v - lr * dw),
    ),
    Mistake(
        "learning-rate-inside-velocity",
        "The learning rate is taken into the velocity. In (1) v has none.",
        lambda w, dw, v, lr, momentum: (w - (momentum * v + lr * dw), momentum * v + lr * dw),
    ),
    Mistake(
        "gradient-weighted",
        "dw comes into v with the weight 1 - momentum. (1) is a sum, no mean: dw comes in whole.",
        lambda w, dw, v, lr, momentum: (
            w - lr * (momentum * v + (1 - momentum) * dw),
            momentum * v + (1 - momentum) * dw,
        ),
    ),
    Mistake(
        "velocity-not-kept",
        "The velocity starts from zero at each step: momentum times the old one is missing.",
        lambda w, dw, v, lr, momentum: (w - lr * dw, dw),
    ),
    Mistake("uphill", "w goes up the gradient. (2) has a minus.", sgd_with(lambda dw, old, new, momentum: -new)),
    Mistake("velocity-not-used", "w goes by dw. In (2) it goes by v.", sgd_with(lambda dw, old, new, momentum: dw)),
    Mistake(
        "old-velocity", "w goes by the v that came in. (2) takes the new one.", sgd_with(lambda dw, old, new, _: old)
    ),
    Mistake(
        "nesterov",
        "w goes by dw + momentum v: that is Nesterov's form. (2) takes v itself.",
        sgd_with(lambda dw, old, new, momentum: dw + momentum * new),
    ),
]

ADAM_MISTAKES = [
    Mistake(
        "uphill",
        "w goes up the gradient. (6) has a minus.",
        adam_with(lambda m, s, dw, t, beta1, beta2, eps: -m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps)),
    ),
    Mistake(
        "eps-ignored",
        "The numbers are those of another eps, its default or none, than was given.",
        adam_with(lambda m, s, dw, t, beta1, beta2, eps: m / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + 1e-8)),
    ),
    Mistake(
        "betas-ignored",
        "The numbers are those of beta1 = 0.9 and beta2 = 0.999, the defaults, but others were given.",
        lambda w, dw, m, s, t, lr, beta1, beta2, eps: right_adam(w, dw, m, s, t, lr, 0.9, 0.999, eps),
    ),
    Mistake(
        "wrong-order",
        "s comes before m: return w, m, s.",
        lambda *arguments: tuple(right_adam(*arguments)[k] for k in (0, 2, 1)),
    ),
    Mistake(
        "one-mean-corrected",
        "Only m is corrected. (5) corrects s too.",
        adam_with(lambda m, s, dw, t, beta1, beta2, eps: m / (1 - beta1**t) / (np.sqrt(s) + eps)),
    ),
    Mistake(
        "step-miscounted",
        "The corrections are those of the next step: t is the number of this step, and counts from 1 already.",
        adam_with(
            lambda m, s, dw, t, beta1, beta2, eps: (
                m / (1 - beta1 ** (t + 1)) / (np.sqrt(s / (1 - beta2 ** (t + 1))) + eps)
            )
        ),
    ),
    Mistake(
        "eps-outside-the-quotient",
        "eps is added to the quotient. In (6) it belongs to what m_hat is divided by: mind the brackets.",
        lambda w, dw, m, s, t, lr, beta1, beta2, eps: (
            right_adam(w, dw, m, s, t, lr, beta1, beta2, 1e-300)[0] + eps,
            *right_adam(w, dw, m, s, t, lr, beta1, beta2, eps)[1:],
        ),
    ),
    Mistake(
        "bias-not-corrected",
        "w goes by m and s as they are. (6) takes m_hat and s_hat, which (5) makes of them.",
        adam_with(lambda m, s, dw, t, beta1, beta2, eps: m / (np.sqrt(s) + eps)),
    ),
    Mistake(
        "corrected-means-kept",
        "m_hat and s_hat are returned, so that they would be corrected again in each further step. Return m and s.",
        keeps_the_corrected,
    ),
    Mistake("betas-swapped", "beta1 belongs to m and beta2 to s: here it is the other way round.", betas_swapped),
    Mistake("gradient-not-squared", "s is a mean of dw. In (4) it is one of dw^2.", not_squared),
    Mistake(
        "corrections-of-the-first-step",
        "The corrections are 1 - beta, but this is step 2: (5) takes beta to the power t, and t counts from 1.",
        adam_with(lambda m, s, dw, t, beta1, beta2, eps: m / (1 - beta1) / (np.sqrt(s / (1 - beta2)) + eps)),
    ),
    Mistake(
        "root-missing",
        "m_hat is divided by s_hat + eps, without the root.",
        adam_with(lambda m, s, dw, t, beta1, beta2, eps: m / (1 - beta1**t) / (s / (1 - beta2**t) + eps)),
    ),
    Mistake(
        "eps-inside-the-root",
        "eps is added inside the root. In (6) it is added to the root.",
        adam_with(lambda m, s, dw, t, beta1, beta2, eps: m / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t) + eps)),
    ),
    Mistake(
        "mean-not-used",
        "w goes by dw, which would be RMSProp. (6) takes m_hat.",
        adam_with(lambda m, s, dw, t, beta1, beta2, eps: dw / (np.sqrt(s / (1 - beta2**t)) + eps)),
    ),
]


def drawn(dtype: type) -> list[np.ndarray]:
    """Parameter, gradient, mean and mean square, of shape (3, 4)."""
    w, dw, m, s = np.random.default_rng(13).normal(size=(4, 3, 4)).astype(dtype)
    return [w, dw, m, s**2]


def serves_two(yours) -> Wrong | None:
    """Two parameters in turn, ten steps each: what is kept between steps is what comes in and goes out."""
    rng = np.random.default_rng(13)
    shapes = [(4,), (2, 3)]
    got = [[rng.normal(size=shape), np.zeros(shape), np.zeros(shape)] for shape in shapes]
    expected = got[:]
    for t in range(1, 11):
        for k, shape in enumerate(shapes):
            dw = rng.normal(size=shape)
            got[k] = yours.adam_step(got[k][0], dw, *got[k][1:], t, 0.1)
            expected[k] = right_adam(expected[k][0], dw, *expected[k][1:], t, 0.1)
    if all(np.allclose(g, e, rtol=1e-9) for g, e in zip(got[0] + got[1], expected[0] + expected[1], strict=True)):
        return None
    return Wrong(
        "kept-between-calls",
        "One step is right, but ten steps of two parameters in turn are not. All that a step needs of the steps before "
        "comes in as m, s and t; keep nothing of your own between calls.",
    )


EXERCISE = Exercise(
    title="SGD with momentum, and Adam",
    checks=[
        Values(
            "sgd_step",
            SGD_EXAMPLE,
            right_sgd,
            returns=("w", "v"),
            mistakes=SGD_MISTAKES,
            title="a step of SGD",
        ),
        Values(
            "sgd_step",
            dict(zip(("w", "dw", "v"), drawn(np.float32), strict=False)) | {"learning_rate": 0.1, "momentum": 0.9},
            right_sgd,
            returns=("w", "v"),
            title="a step of SGD in float32",
            tolerance=1e-6,
        ),
        Values(
            "adam_step",
            ADAM_EXAMPLE,
            right_adam,
            returns=("w", "m", "s"),
            mistakes=ADAM_MISTAKES,
            title="a step of Adam",
        ),
        Condition("two parameters in turn", serves_two),
        Values(
            "adam_step",
            dict(zip(("w", "dw", "m", "s"), drawn(np.float32), strict=True)) | {"t": 5, "learning_rate": 0.1},
            right_adam,
            returns=("w", "m", "s"),
            title="a step of Adam in float32",
            tolerance=1e-5,
        ),
    ],
    hints=[
        """\
The idea. First bring the running quantities up to date, then step with the new ones. Everything is a plain NumPy
expression on whole arrays. x = x + y makes a new array, x += y writes into the old one.""",
        """\
The formula. SGD: new v from old v and dw, then w minus learning_rate times the new v. Adam: new m, new s, then two
corrected ones under other names, for m and s themselves are to be returned; t is an exponent in (5), and eps is added
after the root is taken.""",
        """\
Almost the code. v = momentum * v + dw, and return w - learning_rate * v together with v. For Adam: m and s by (3) and
(4), m_hat = m / (1 - beta1**t), s_hat likewise, then w minus learning_rate times m_hat over np.sqrt(s_hat) + eps.""",
    ],
    derivation="""\
Momentum: with a gradient that stays the same, v becomes dw (1 + momentum + momentum^2 + ...) = dw / (1 - momentum).
With momentum 0.9 the steps grow tenfold. With a gradient that changes its sign every time, v becomes
dw / (1 + momentum): the steps shrink to about half. That is why a long flat valley is passed faster.

Adam's correction: from m = 0, t steps with the same gradient dw make, by (3),

    m = (1 - beta1) (1 + beta1 + ... + beta1^(t-1)) dw = (1 - beta1^t) dw                           (7)

so that m_hat = dw, from the first step on; s_hat = dw^2 in the same way. The first step of Adam is therefore
learning_rate dw / |dw|: each weight moves by the learning rate, however large its gradient. Without (5) it would be
(1 - beta1) / sqrt(1 - beta2) = 3.2 times that, with the usual betas.

eps keeps the division finite where a gradient is zero.""",
)
