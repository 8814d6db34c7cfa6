"""Exercise 2: ReLU.

Dense layers one after the other are no more than one dense layer: a product of matrices is a matrix. What lies between
them must bend, and the simplest thing that bends is the rectified linear unit:

    y = max(x, 0)                                                                                   (1)

for each number by itself, in an array of any shape.

Backward. dy = dL/dy comes in, dx = dL/dx goes out. Since y[k] depends on x[k] alone, the chain rule has one factor for
each number, the slope of (1):

    dx[k] = dy[k] times the slope at x[k]                                                           (2)

What is the slope where x > 0, and where x < 0? At x = 0 itself there is none: the line has its bend there. Any number
between the slopes on both sides would do; take 0, as everybody does.                               (3)

The arrays that come in belong to somebody who still needs them: make new ones, change none.

Write the two functions, then: minicnn exercises check 2
"""

import numpy as np


def relu_forward(x: np.ndarray) -> tuple[np.ndarray, object]:
    """What is positive stays, the rest becomes 0; equation (1).

    Parameters
    ----------
    x : array, any shape

    Returns
    -------
    y : array, shape and dtype of x
    cache : object
        Whatever your backward function will need; you decide.
    """
    raise NotImplementedError


def relu_backward(dy: np.ndarray, cache: object) -> np.ndarray:
    """The chain rule with the slope of ReLU, equations (2) and (3).

    Parameters
    ----------
    dy : array, shape of y
        dL/dy.
    cache : object
        What relu_forward returned.

    Returns
    -------
    dx : array, shape of x and dtype of dy
    """
    raise NotImplementedError


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Condition, Exercise, Gradients, Mistake, Values, Wrong
from minicnn.reference import vectorized

EXAMPLE = {"x": np.array([[3.0, -2.0, 0.5], [-1.0, 0.0, 40.0]])}


def drawn(*shape: int, seed: int = 2) -> dict[str, np.ndarray]:
    """An argument of relu_forward; none of its numbers is 0."""
    return {"x": np.random.default_rng(seed).normal(size=shape)}


def takes_zero_at_the_bend(yours) -> Wrong | None:
    """Equation (3), among numbers that are not 0."""
    x, dy = np.array([0.0, 2.0, -0.0, -2.0]), np.array([5.0, 7.0, -5.0, 7.0])
    _, cache = yours.relu_forward(x)
    dx = yours.relu_backward(dy, cache)
    if np.array_equal(dx, vectorized.relu_backward(dy, x > 0)):
        return None
    return Wrong(
        "slope-at-zero",
        f"For x = {x} and dy = {dy} you return dx = {dx}. Where x is exactly 0, let nothing through: (3).",
    )


EXERCISE = Exercise(
    title="ReLU, forward and backward",
    checks=[
        Values(
            "relu_forward",
            EXAMPLE,
            vectorized.relu_forward,
            mistakes=[
                Mistake(
                    "absolute-value",
                    "This is |x|: negative numbers become positive. By (1) they become 0.",
                    lambda x: (np.abs(x), None),
                ),
                Mistake(
                    "minimum",
                    "This is min(x, 0): the negative numbers stay. By (1) the positive ones do.",
                    lambda x: (np.minimum(x, 0), None),
                ),
                Mistake(
                    "mask-for-values",
                    "1 stands where x is positive. That is the slope; y keeps the number x itself.",
                    lambda x: ((x > 0).astype(x.dtype), None),
                ),
                Mistake(
                    "maximum-along-an-axis",
                    "np.max(x, 0) is the largest number along axis 0. (1) takes the larger of two numbers, x[k] and 0.",
                    lambda x: (np.max(x, 0), None),
                ),
                Mistake("nothing-cut", "y is x: the negative numbers are still there.", lambda x: (x, None)),
            ],
            title="forward on an example",
        ),
        Gradients("relu_forward", "relu_backward", drawn(4, 3), hints="relu"),
        Gradients("relu_forward", "relu_backward", drawn(3, 2, 3, 2), title="a batch of images", hints="relu"),
        Condition("where x is 0", takes_zero_at_the_bend),
        keeps_caches_apart("relu_forward", "relu_backward", lambda: drawn(4, 3), lambda: drawn(4, 3, seed=3)),
        keeps_float32("relu_forward", "relu_backward", lambda: drawn(4, 3)),
    ],
    hints=[
        """\
The idea. A number that was cut off to 0 has no part in y: moving it a little changes nothing, and so nothing flows back
to it. A number that stayed as it was passes dy on as it is. The backward pass must know which was which.""",
        """\
The formula. dx[k] = dy[k] where x[k] > 0, and 0 elsewhere. It is x that decides, not dy: a negative dy is as good as a
positive one.""",
        """\
Almost the code. Forward: np.maximum (not np.max) of x and 0, and as cache the truth values x > 0. Backward: dy times
the cache, since NumPy counts True as 1 and False as 0.""",
    ],
    derivation="""\
y[k] depends on x[k] alone, so that of the chain rule's sum over all outputs one term is left:

    dx[k] = dy[k] d y[k] / d x[k],        d y[k] / d x[k] = 1 where x[k] > 0,  0 where x[k] < 0     (4)

As arrays: dx = dy * (x > 0). At x[k] = 0 the slopes on the two sides differ. Every number from 0 to 1 is a subgradient
there, that is the slope of a line that touches (1) and lies nowhere above it. (x > 0) takes 0.

The cache is one bit of news for each number. y would do as well, since y > 0 just where x > 0: a network can throw x
away and keep y, which the next layer keeps anyway.

A unit that is negative for every example gets no gradient, and its weights never move again: it is dead. That is the
price of the slope 0.""",
    library={"relu_forward": vectorized.relu_forward, "relu_backward": vectorized.relu_backward},
)
