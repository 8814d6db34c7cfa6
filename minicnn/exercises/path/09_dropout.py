"""Exercise 9: dropout.

In training, every unit is silenced with probability `rate`, and the others are scaled up:

    m[u] = 1 with probability keep = 1 - rate, else 0        for each unit u by itself              (1)
    y[u] = x[u] m[u] / keep                                                                         (2)

With rate 0.5, and a mask that chance has made:

    x    3   1   4   1   5
    m    1   0   0   1   1
    y    6   0   0   2  10

The mask is drawn anew at every call: no unit can rely on another one being there. On average over all masks y is x: a
share `keep` of them passes x / keep. So in evaluation, when all units are there, nothing has to be scaled:

    y = x                                                                                           (3)

Backward. Once the mask is drawn, (2) is a plain product. How fast does y[u] grow with x[u] where the unit was kept, and
how fast where it was silenced? And (3)?

rng.random(shape) gives numbers spread evenly over [0, 1).

Write the two functions, then: minicnn exercises check 9
"""

import numpy as np


def dropout_forward(
    x: np.ndarray, rate: float, rng: np.random.Generator, training: bool = True
) -> tuple[np.ndarray, object]:
    """Silence units at random in training, equations (1) and (2); do nothing in evaluation, equation (3).

    Parameters
    ----------
    x : array, any shape
    rate : float in [0, 1)
        Probability that a unit is silenced.
    rng : numpy.random.Generator
        Where all chance comes from: the same seed, the same mask.
    training : bool

    Returns
    -------
    y : array, shape and dtype of x
    cache : object
        Whatever your backward function will need; you decide.
    """
    # your code
    if not training:
        return x, None
    keep = 1 - rate
    scaled_mask = (rng.random(x.shape) < keep).astype(x.dtype) / keep
    return x * scaled_mask, scaled_mask
    # end


def dropout_backward(dy: np.ndarray, cache: object) -> np.ndarray:
    """Gradient of (2) or (3).

    Parameters
    ----------
    dy : array, shape of x
        dL/dy.
    cache : object
        What dropout_forward returned.

    Returns
    -------
    dx : array, shape of x and dtype of dy
    """
    # your code
    scaled_mask = cache
    return dy if scaled_mask is None else dy * scaled_mask
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Condition, Exercise, Gradients, Mistake, Values, Wrong
from minicnn.functional import dropout_forward as right_forward

RATE, KEEP = 0.2, 0.8
UNITS = np.arange(1.0, 10_001.0).reshape(100, 100)
CHANCE = 0.03  # of the share that is silenced: seven standard deviations for as many units
SAME = 1e-9  # relative


def drawn(*shape: int, seed: int = 9) -> dict:
    """Arguments of dropout_forward."""
    return {"x": np.random.default_rng(9).normal(size=shape), "rate": 0.4, "rng": np.random.default_rng(seed)}


def silences_and_scales(yours) -> Wrong | None:
    """Equations (1) and (2), seen from y / x."""
    y, _ = yours.dropout_forward(UNITS.copy(), RATE, np.random.default_rng(0))
    kept, ratio = y != 0, y / UNITS
    silenced = 1 - kept.mean()
    if kept.all():
        return Wrong("nothing-silenced", f"In training with rate {RATE} no unit is silenced: y is nowhere 0.")
    if (kept == kept[0]).all() or (kept == kept[:, :1]).all():
        what = "examples" if (kept == kept[0]).all() else "units of an example"
        return Wrong("mask-shared", f"All {what} have the same mask: by (1), m is drawn for each unit by itself.")
    if abs(silenced - RATE) > CHANCE:
        return Wrong(
            "wrong-share",
            f"With rate {RATE}, {silenced:.0%} of the units are silenced. A number of rng.random is below p with "
            "probability p: which units do you keep, those below the number or those above it?",
        )
    many = (yours.dropout_forward(UNITS.copy(), 1 - RATE, np.random.default_rng(0))[0] == 0).mean()
    if abs(many - (1 - RATE)) > CHANCE:
        return Wrong(
            "wrong-share",
            f"With rate {RATE} the right share of units is silenced, but with rate {1 - RATE} it is {many:.0%}. "
            "Numbers of rng.random are spread evenly over [0, 1); those of rng.normal, for one, are not.",
        )
    scale = ratio[kept].mean()
    if np.ptp(ratio[kept]) > SAME * abs(scale):
        return Wrong("not-a-mask", "y / x has more than two values: by (2) it is 0 or 1 / keep, whatever x is.")
    return None if abs(scale * KEEP - 1) < SAME else Wrong("mask-unscaled", wrong_scale(scale))


def wrong_scale(scale: float) -> str:
    """What kept units are multiplied by, in words."""
    words = {
        1.0: "as they are",
        KEEP: "multiplied by keep",
        1 / RATE: "divided by the rate",
        RATE: "multiplied by the rate",
    }
    found = next((w for number, w in words.items() if abs(scale - number) < SAME), f"multiplied by {scale:.4g}")
    return (
        f"The mean of y over many masks is not x: with rate {RATE}, kept units are {found}. By (2) they make up for "
        "those that are silenced."
    )


def draws_anew(yours) -> Wrong | None:
    """Another mask at every call, from the generator that is handed over."""

    def mask(rng):
        return yours.dropout_forward(UNITS.copy(), RATE, rng)[0] != 0

    rng = np.random.default_rng(1)
    first, second = mask(rng), mask(rng)
    if (first == second).all():
        return Wrong(
            "mask-frozen",
            "Two calls with the same generator gave the same mask. Draw from rng itself: a new generator inside the "
            "function, made from the same seed, begins anew each time.",
        )
    if not (first == mask(np.random.default_rng(1))).all():
        return Wrong(
            "rng-ignored",
            "Two generators of the same seed gave different masks. Let all chance come from rng, not from np.random: "
            "otherwise nobody can repeat a training run.",
        )
    silenced = {np.count_nonzero(mask(rng)) for _ in range(4)}
    if len(silenced) == 1:
        return Wrong(
            "number-fixed",
            "The same number of units is silenced at every call. By (1), each unit has its own chance, whatever "
            "becomes of the others: now and then it is a few more or less.",
        )
    return None


def silences_numbers_of_images(yours) -> Wrong | None:
    """Equation (1) for arrays of four axes: a mask that is the same along one of them is no mask for each unit."""
    images = UNITS.reshape(10, 10, 10, 10)
    kept = yours.dropout_forward(images.copy(), RATE, np.random.default_rng(3))[0] != 0
    shared = [axis for axis in range(4) if (kept == kept.take([0], axis)).all()]
    if not shared:
        return None
    return Wrong(
        "mask-shared",
        f"Of an array of four axes, units along axis {shared[0]} have the same mask. By (1), m is drawn for each unit "
        "by itself, in an array of any shape: the mask has the shape of x.",
    )


def does_nothing_in_evaluation(yours) -> Wrong | None:
    """Equation (3)."""
    y, _ = yours.dropout_forward(UNITS.copy(), RATE, np.random.default_rng(0), training=False)
    if np.array_equal(y, UNITS):
        return None
    if (y == 0).any():
        return Wrong("silenced-in-evaluation", "Units are silenced in evaluation too: with training=False, y = x.")
    return Wrong(
        "scaled-in-evaluation",
        f"In evaluation y is x times {np.mean(y / UNITS):.4g}: by (2) the mean is right already, so that y = x.",
    )


def keeps_the_mask(yours) -> Wrong | None:
    """A unit may be 0 by itself, behind a ReLU for example, and is not silenced for that."""
    zeros = np.zeros_like(UNITS)
    y, cache = yours.dropout_forward(zeros, RATE, np.random.default_rng(2))
    dx = yours.dropout_backward(np.ones_like(y), cache)
    if np.isfinite(dx).all() and abs(np.mean(dx != 0) - KEEP) < CHANCE:
        return None
    return Wrong(
        "mask-read-from-y",
        "Where x is 0, dx is wrong: for an x of zeros a share `keep` of the units was kept all the same, and passes "
        "the gradient on. Keep the mask itself; y = 0 or y / x does not tell it.",
    )


EXERCISE = Exercise(
    title="dropout, training and evaluation",
    checks=[
        Values(
            "dropout_forward",
            lambda: {"x": np.array([[3.0, 1.0, 4.0], [1.0, 5.0, 9.0]]), "rate": 0.0, "rng": np.random.default_rng(0)},
            right_forward,
            mistakes=[
                Mistake(
                    "wrong-share",
                    "With rate 0 everything is silenced: `rate` is the share that is silenced, not the share kept.",
                    lambda x, rate, rng: (0 * x, None),
                ),
                Mistake(
                    "wrong-share",
                    "This is 0 / 0: rate, which is 0 here, stands where keep = 1 - rate should.",
                    lambda x, rate, rng: (np.nan * x, None),
                ),
                Mistake(
                    "mask-unscaled",
                    "This is x divided by rate, which is 0 here. (2) divides by keep = 1 - rate.",
                    lambda x, rate, rng: (np.inf * x, None),
                ),
            ],
            title="rate 0",
        ),
        Condition("training: units silenced, the others scaled", silences_and_scales),
        Condition("images", silences_numbers_of_images),
        Condition("a new mask at every call", draws_anew),
        Condition("evaluation", does_nothing_in_evaluation),
        Gradients("dropout_forward", "dropout_backward", lambda: drawn(4, 7), title="training", hints="dropout"),
        Gradients(
            "dropout_forward",
            "dropout_backward",
            lambda: drawn(1, 3, 4, 2),
            title="one image alone, in evaluation",
            options={"training": False},
            hints="dropout",
        ),
        Condition("units that are 0", keeps_the_mask),
        keeps_caches_apart("dropout_forward", "dropout_backward", lambda: drawn(4, 7), lambda: drawn(4, 7, seed=10)),
        keeps_float32("dropout_forward", "dropout_backward", lambda: drawn(4, 7)),
    ],
    hints=[
        """\
The idea. Chance comes in once, when the mask is drawn; after that, y is x times an array that does not depend on x. So
the derivative of each y[u] by its own x[u] is the number that x[u] was multiplied by. Forward must hand this array on:
a mask drawn again in backward would be another one.""",
        """\
The formula. With u from rng.random(x.shape), one number for each unit:
             m = (u < keep),   since u is below keep with probability keep = 1 - rate
             y = x m / keep,   dx = dy m / keep        in training
             y = x,            dx = dy                 in evaluation""",
        """\
Almost the code. Forward: without training, return x, and a cache that says so, such as None. Otherwise make one array,
(rng.random(x.shape) < keep) / keep, in the dtype of x; y is x times it, and it is the cache. Backward: dy itself where
the cache is None, otherwise dy times the cache.""",
    ],
    derivation="""\
The mean over masks, by (1) and (2):

    E[y[u]] = keep (x[u] / keep) + (1 - keep) 0 = x[u]                                              (4)

which is what evaluation gives, (3). (Without the division the mean would be keep x, and evaluation had to multiply by
keep: so it was in the first papers.) For a given mask y[u] depends on x[u] only, and

    d y[u] / d x[u] = m[u] / keep,        dx[u] = dy[u] m[u] / keep                                 (5)

A silenced unit passes nothing back. What comes in through its weights is multiplied by dx = 0 as well, so that these
weights stay as they are in this step: every step trains another, thinner network, and evaluation runs their average.
No gradient check can see a forgotten 1 / keep if forward and backward both forget it: each is right for the other. Only
(4) tells, and that is why the checker looks at it first.""",
)
