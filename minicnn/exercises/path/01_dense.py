"""Exercise 1: a dense layer.

Every output is a weighted sum of all inputs, plus a bias:

    y[n, o] = sum over i of x[n, i] w[i, o] + b[o]                                                  (1)

N examples lie in the rows of x, so that (1) for all n and o together is one matrix product.

Backward. Somebody hands you dy = dL/dy: how fast the loss L grows with each y[n, o]. You answer with dL/dx, dL/dw and
dL/db, each shaped like its variable, by the chain rule:

    dL/dx[n, i] = sum over all outputs y[m, o] of  dy[m, o]  times  d y[m, o] / d x[n, i]           (2)

Which y depend on x[n, i], and how fast? On w[i, o]? On b[o]? Whatever several outputs depend on collects a sum.

All arrays that come in have one dtype, float64 or float32, and so has what you return.

Write the two functions, then: minicnn exercises check 1
"""

import numpy as np


def dense_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Weighted sums, equation (1).

    Parameters
    ----------
    x : array, shape (N, I)
    w : array, shape (I, O)
    b : array, shape (O,)

    Returns
    -------
    y : array, shape (N, O)
    cache : tuple
        Whatever your backward function will need; you decide.
    """
    # your code
    y = x @ w + b
    return y, (x, w)
    # end


def dense_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients by the chain rule, equation (2).

    Parameters
    ----------
    dy : array, shape (N, O)
        dL/dy.
    cache : tuple
        What dense_forward returned.

    Returns
    -------
    dx : array, shape (N, I)
    dw : array, shape (I, O)
    db : array, shape (O,)
    """
    # your code
    x, w = cache
    dx = dy @ w.T
    dw = x.T @ dy
    db = dy.sum(axis=0)
    return dx, dw, db
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Exercise, Gradients, Mistake, Values
from minicnn.reference.vectorized import dense_forward as right_forward

EXAMPLE = {
    "x": np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]),
    "w": np.array([[1.0, 0.0], [2.0, -1.0], [0.5, 3.0]]),
    "b": np.array([10.0, -20.0]),
}


def drawn(examples: int, inputs: int, outputs: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Arguments of dense_forward."""
    rng = np.random.default_rng(seed)
    shapes = {"x": (examples, inputs), "w": (inputs, outputs), "b": (outputs,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


EXERCISE = Exercise(
    title="dense layer, forward and backward",
    checks=[
        Values(
            "dense_forward",
            EXAMPLE,
            right_forward,
            mistakes=[
                Mistake("bias-missing", "The bias b is not added.", lambda x, w, b: (x @ w, None)),
                Mistake("bias-subtracted", "The bias b is subtracted.", lambda x, w, b: (x @ w - b, None)),
                Mistake(
                    "bias-along-the-wrong-axis",
                    "Each example (row of y) gets a bias of its own. By (1) b[o] belongs to output o, a column of y.",
                    lambda x, w, b: (x @ w + b[:, None], None),
                ),
            ],
            title="forward on an example",
        ),
        Gradients("dense_forward", "dense_backward", drawn(4, 3, 2), hints="dense"),
        Gradients("dense_forward", "dense_backward", drawn(1, 3, 2), title="one example alone", hints="dense"),
        keeps_caches_apart("dense_forward", "dense_backward", lambda: drawn(4, 3, 2), lambda: drawn(4, 3, 2, seed=2)),
        keeps_float32("dense_forward", "dense_backward", lambda: drawn(4, 3, 2)),
    ],
    hints=[
        """\
The idea. x[n, i] reaches every output o of its own example n, through w[i, o]; w[i, o] reaches output o of every
example n; b[o] reaches output o of every example with factor 1. Each gradient is dy, multiplied by that factor and
summed over whatever it reaches.""",
        """\
The formula. dx[n, i] = sum over o of dy[n, o] w[i, o]
             dw[i, o] = sum over n of x[n, i] dy[n, o]
             db[o]    = sum over n of dy[n, o]
The first two are matrix products: which factor must be transposed so that the index summed over stands inside?""",
        """\
Almost the code. dx: dy times w transposed; dw: x transposed times dy; db: dy summed along the axis of the examples.
Check by the shapes: (N, O) (O, I) gives (N, I), and (I, N) (N, O) gives (I, O).""",
    ],
    derivation="""\
From (1), y[m, o] depends on x[n, i] only if m = n, and then d y[n, o] / d x[n, i] = w[i, o]. So (2) becomes

    dx[n, i] = sum over o of dy[n, o] w[i, o],        dx = dy w^T                                   (3)

In the same way d y[n, o] / d w[i, o] = x[n, i], for every example n, and d y[n, o] / d b[o] = 1:

    dw[i, o] = sum over n of x[n, i] dy[n, o],        dw = x^T dy                                   (4)
    db[o]    = sum over n of dy[n, o]                                                               (5)

There is no 1/N in (4) and (5): the loss has averaged over the batch already, and dy contains it.""",
)
