"""Exercise 4: a gradient checker of your own.

A backward pass can be wrong and the network still learns, a little worse. How do you know that yours is right? By
measuring: move one number of x a little, and see how much L changes.

A backward pass is asked for dL/dx at a given dy = dL/dy. The simplest L that has this dy, for y = f(x), is

    L(x) = sum over all entries k of dy[k] f(x)[k]                                                  (1)

so that is the one to measure. With e_i an array that is 1 at the index i and 0 elsewhere,

    dL/dx[i] is nearly  (L(x + h e_i) - L(x - h e_i)) / (2 h)                                       (2)

for a small step h. Going to both sides is worth its price: the error falls as h^2, that of (L(x + h e_i) - L(x)) / h
only as h. A smaller h is not always better, though. Computed numbers carry an error of 1e-16 of their size, and (2)
divides it by 2 h. With h = 1e-5 both errors are about 1e-10 or less.

Two gradients a and b agree if their shapes are equal and, with the same scale for all entries,

    |a[i] - b[i]| <= tolerance times scale  for every i,                                            (3)
    scale = the largest of all |a[k]| and |b[k]|

An entry may be 0 in a and 1e-12 in b. Beside its own size that is an error of 100 %, beside the scale it is none.

With both you can check a backward pass. Which dy should it be given, so that no mistake stays unseen? Ones will not do:
a backward pass that forgets dy would be right for them. (4)

Write the three functions, then: minicnn exercises check 4
"""

from collections.abc import Callable

import numpy as np


def numerical_gradient(
    f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, dy: np.ndarray | float, h: float = 1e-5
) -> np.ndarray:
    """Measure dL/dx, equations (1) and (2).

    Parameters
    ----------
    f : function of x
        Returns an array of the shape of dy, or a number (a loss) where dy is one. The array may be x itself or a view
        of it.
    x : array of float64, any shape
        In the end it holds the same numbers as before, to the last bit.
    dy : array or float
        dL/df(x).
    h : float
        The step.

    Returns
    -------
    dx : array, shape of x
    """
    # your code
    x = x.copy()
    dx = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        here = x[index]
        x[index] = here + h
        above = np.sum(dy * f(x))  # (1)
        x[index] = here - h
        below = np.sum(dy * f(x))
        x[index] = here
        dx[index] = (above - below) / (2 * h)  # (2)
    return dx
    # end


def gradients_agree(analytic: np.ndarray, numeric: np.ndarray, tolerance: float = 1e-6) -> bool:
    """Whether two gradients are the same but for rounding, equation (3).

    Parameters
    ----------
    analytic, numeric : array
        Of any shapes. NaN and infinity agree with nothing.
    tolerance : float
        Share of the scale, dimensionless.

    Returns
    -------
    agree : bool
    """
    # your code
    if analytic.shape != numeric.shape:
        return False
    scale = max(np.abs(analytic).max(), np.abs(numeric).max())
    return bool(np.isfinite(scale) and np.all(np.abs(analytic - numeric) <= tolerance * scale))  # (3)
    # end


def check_backward(forward: Callable, backward: Callable, x: np.ndarray, seed: int = 0) -> bool:
    """Whether backward is right for this x: compare what it says with what you measure.

    Parameters
    ----------
    forward : function of x
        Returns (y, cache); y is an array, or a float (a loss).
    backward : function of dy and cache
        Returns dx.
    x : array of float64
    seed : int
        For np.random.default_rng: the same seed gives the same dy, another one another.

    Returns
    -------
    right : bool
    """
    # your code
    y, cache = forward(x)
    dy = np.random.default_rng(seed).normal(size=np.shape(y))  # (4)
    numeric = numerical_gradient(lambda moved: forward(moved)[0], x, dy)
    return gradients_agree(backward(dy, cache), numeric)
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.exercise import Condition, Exercise, Mistake, Values, Wrong
from minicnn.reference.vectorized import (
    dense_backward,
    dense_forward,
    relu_backward,
    relu_forward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)

# ---- numerical_gradient ----


def cube(x):
    """y = x^3."""
    return x**3


def of_cube(f, x, dy, h):
    """What (2) gives for it: the derivative and h^2."""
    return dy * (3 * x**2 + h**2)


def neighbours(x):
    """Each number times the one on its left, the first times the last: y[k] = x[k] x[k - 1]."""
    return x * np.roll(x, 1, axis=-1)


def of_neighbours(f, x, dy, h=None):
    """What (2) gives for it: the derivative."""
    return dy * np.roll(x, 1, axis=-1) + np.roll(dy * x, -1, axis=-1)


def loss(logits):
    """Exercise 3, for two examples."""
    return softmax_cross_entropy_forward(logits, np.array([2, 0]))[0]


def of_loss(f, x, dy):
    """Its derivative."""
    return softmax_cross_entropy_backward(dy, softmax_cross_entropy_forward(x, np.array([2, 0]))[1])


def own_output_only(f, x, dy, h):
    """Equation (2) with one output in the place of L."""
    dx = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        dx[i] = dy[i] * (f(x + e)[i] - f(x - e)[i]) / (2 * h)
    return dx


def not_put_back(last: int):
    """Equation (2) that leaves each number where it was moved to last, at +h or -h."""

    def numerical_gradient(f, x, dy, h):
        x, dx, values = x.copy(), np.zeros_like(x), {}
        for i in np.ndindex(x.shape):
            here = x[i]
            for side in (-last, last):
                x[i] = here + side * h
                values[side] = np.sum(dy * f(x))
            dx[i] = (values[1] - values[-1]) / (2 * h)
        return dx

    return numerical_gradient


ONE_SIDED = "The step goes to one side only. (2) goes to both, for an error of h^2 instead of h."
ALL_AT_ONCE = "All numbers of x are moved at the same time. (2) moves x[i] alone, and asks what that does to L."
PUT_BACK = "x[i] stays where it was moved to, and the next number is moved in another x. Put it back first."
ROWS = "x[i] of a matrix is a whole row, and you move all of it. np.ndindex(x.shape) gives the index of every number."
SAME_ARRAY = "Both values of L are the same. After b = a, b is only another name of a: b = a.copy() is a new array."
RETURNS_X = (
    "This f returns x itself, as dropout does in evaluation: move x again, and what f returned before moves along. "
    "Sum it up, or copy it, before x is moved."
)
NO_DY = "dy has no part in it. By (1) each f(x)[k] counts dy[k] times."
MISTAKES_WITH_CUBES = [
    Mistake("one-sided", ONE_SIDED, lambda f, x, dy, h: dy * (f(x + h) - f(x)) / h),
    Mistake("one-sided", ONE_SIDED, lambda f, x, dy, h: dy * (f(x) - f(x - h)) / h),
    Mistake("one-sided", ONE_SIDED, lambda f, x, dy, h: dy * (f(x + h) - f(x)) / (2 * h)),
    Mistake("divided-by-h", "All is twice too large. From x - h to x + h it is two steps.", lambda *a: 2 * of_cube(*a)),
    Mistake("not-divided", "These are differences of L. (2) divides them.", lambda *a: 2 * a[3] * of_cube(*a)),
    Mistake("dy-missing", NO_DY, lambda f, x, dy, h: of_cube(f, x, 1, h)),
    Mistake("step-ignored", "The step is not h.", lambda f, x, dy, h: of_cube(f, x, dy, 1e-5)),
    Mistake("sign-flipped", "The sign is wrong: L(x + h e_i) comes first in (2).", lambda *a: -of_cube(*a)),
    Mistake("moves-whole-rows", ROWS, lambda *a: 0 * a[1] + of_cube(*a).sum(axis=1, keepdims=True)),
    Mistake("moved-and-moved-back", SAME_ARRAY, lambda *a: 0 * a[1]),
    Mistake("moves-all-at-once", ALL_AT_ONCE, lambda *a: of_cube(*a).sum()),
    Mistake("moves-all-at-once", ALL_AT_ONCE, lambda *a: 0 * a[1] + of_cube(*a).sum()),
]
MISTAKES_WITH_NEIGHBOURS = [
    Mistake("moves-all-at-once", ALL_AT_ONCE, lambda f, x, dy, h: dy * (f(x + h) - f(x - h)) / (2 * h)),
    Mistake(
        "own-output-only", "x[i] has a part in other outputs than y[i], too. L has them all, (1).", own_output_only
    ),
    Mistake("not-put-back", PUT_BACK, not_put_back(last=1)),
    Mistake("not-put-back", PUT_BACK, not_put_back(last=-1)),
]


def measures(title: str, f, x: list, dy, right, mistakes=(), **step) -> Values:
    """numerical_gradient by its numbers."""
    arguments = {"f": f, "x": np.array(x), "dy": np.array(dy) if isinstance(dy, list) else dy, **step}
    return Values("numerical_gradient", arguments, right, ("dx",), mistakes, title)


def puts_numbers_back(yours) -> Wrong | None:
    """0.1 + h - h is 0.1 only nearly."""
    x = np.random.default_rng(4).normal(size=(3, 4))
    before = x.copy()
    yours.numerical_gradient(cube, x, np.ones((3, 4)))
    change = np.abs(x - before).max()
    if change == 0:
        return None
    how = "Put every number back, or work on a copy"
    if change < 1e-12:
        how = "For computed numbers x + h - h is not always x: remember the number and put it back"
    return Wrong("not-put-back", f"After the call, numbers of x have changed by up to {change:.0e}. {how}.")


def moves_x_itself(yours) -> Wrong | None:
    """An array that does not lie row by row in memory."""
    x, dy = np.arange(1.0, 7.0).reshape(3, 2).T, np.arange(6.0).reshape(2, 3)
    dx, expected = yours.numerical_gradient(neighbours, x, dy), of_neighbours(None, x, dy)
    if np.shape(dx) == x.shape and np.allclose(dx, expected, rtol=1e-6, atol=1e-6):
        return None
    return Wrong(
        "copy-moved",
        f"For the transpose of an array you return\n{dx}\ninstead of\n{expected}\nWhere an array does not lie row by "
        "row in memory, x.reshape(-1) and x.ravel() are copies: moving their numbers does not move x. x[index] does.",
    )


# ---- gradients_agree ----


def agree(title: str, analytic: list, numeric: list, right: bool, code: str, message: str, **options) -> Values:
    """gradients_agree for two gradients, and what may be the reason if it is wrong about them."""
    arguments = {"analytic": np.array(analytic), "numeric": np.array(numeric)}
    mistakes = [Mistake(code, message, lambda analytic, numeric, **options: not right)]
    expected = lambda analytic, numeric, **options: right  # noqa: E731
    return Values("gradients_agree", arguments, expected, ("agree",), mistakes, title, options)


ONE_WRONG = "One entry is wrong. (3) must hold for every i: np.all, not np.any or a mean."
SIGN = "analytic - numeric is negative here, and so below every limit: take its size."
BESIDE_LARGE = "1e-4 beside 1000 is a relative error of 1e-7: (3) measures the difference by the scale."
SMALL = "The difference is small, but so are the gradients: (3) measures it by the scale."
ZERO_ENTRY = "0 and 1e-12 are the same beside 5: the scale of (3) is one number for all entries."
WITHOUT_SIGN = "The scale of (3) is a size: the largest of |a[k]| and |b[k]| is 5 here, not -1."
LARGEST = "3e-6 is more than 1e-6 of 1. The scale of (3) is the largest number, no sum or norm; and no mean of errors."
TOLERANCE = "With tolerance=0.1, 2 and 2.1 agree: take the tolerance that is given."
ZERO_SCALE = "The scale is 0 here, and 0 / 0 is no number: (3) has a product, not a quotient."
SHAPES = "The shapes differ, and NumPy repeats the smaller array until it fits."
NAN = "Comparisons with NaN are False. Ask whether all are within the limit, not whether one is beyond it."
INFINITE = "The scale is infinite here, and beside it all is small. Infinity agrees with nothing."
AGREE = [
    agree("equal gradients", [1.0, -2.0], [1.0, -2.0], True, "equal-ones-rejected", "These two are the same."),
    agree("opposite signs", [-1.0, -2.0], [1.0, 2.0], False, "sign-of-the-difference", SIGN),
    agree("one wrong entry", [1.0, 2.0, 3.0], [1.0, 2.0, 4.0], False, "wrong-entry-missed", ONE_WRONG),
    agree("rounding of large numbers", [1000.0, 2.0], [1000.0001, 2.0], True, "absolute-difference", BESIDE_LARGE),
    agree("wrong, but small", [1e-9, 2e-9], [2e-9, 1e-9], False, "absolute-difference", SMALL),
    agree("an entry of 0", [0.0, 5.0], [1e-12, 5.0], True, "each-entry-by-itself", ZERO_ENTRY),
    agree("negative gradients", [-5.0, -1.0], [-5.000001, -1.0], True, "scale-with-sign", WITHOUT_SIGN),
    agree("nearly the same", [1.0] * 4, [1.0, 1.0, 1.0, 1.000003], False, "scale-too-large", LARGEST),
    agree("another tolerance", [1.0, 2.0], [1.0, 2.1], True, "tolerance-ignored", TOLERANCE, tolerance=0.1),
    agree("two gradients of 0", [0.0, 0.0], [0.0, 0.0], True, "zero-by-zero", ZERO_SCALE),
    agree("other shapes", [1.0, 2.0], [[1.0, 2.0], [1.0, 2.0]], False, "shapes-not-compared", SHAPES),
    agree("NaN", [np.nan, 1.0], [1.0, 1.0], False, "nan-passes", NAN),
    agree("infinity", [np.inf, 1.0], [1.0, 1.0], False, "infinite-scale", INFINITE),
]

# ---- check_backward ----

X, W, B = (np.random.default_rng(7).normal(size=shape) for shape in ((5, 3), (3, 3), (3,)))
LABELS = np.array([2, 0, 1, 1, 2])

DENSE_OF_X = (lambda x: dense_forward(x, W, B)), X
DENSE_OF_W = (lambda w: dense_forward(X, w, B)), W
DENSE_OF_B = (lambda b: dense_forward(X, W, b)), B
RELU = relu_forward, X
LOSS = (lambda logits: softmax_cross_entropy_forward(logits, LABELS)), X


def dx_of_dense(dy, cache):
    """The first of three gradients."""
    return dense_backward(dy, cache)[0]


def but_for_one_entry(dy, cache):
    """The right dx of ReLU, with its largest number one per cent too large."""
    dx = relu_backward(dy, cache)
    dx[np.unravel_index(np.abs(dx).argmax(), dx.shape)] *= 1.01
    return dx


RIGHT = [  # forward and argument, backward, name
    (DENSE_OF_X, dx_of_dense, "the dense layer's dx = dy w^T"),
    (DENSE_OF_W, lambda dy, cache: dense_backward(dy, cache)[1], "the dense layer's dw = x^T dy"),
    (RELU, relu_backward, "ReLU's dx = dy (x > 0)"),
    (LOSS, softmax_cross_entropy_backward, "cross-entropy's dlogits = dy (p - onehot) / N"),
]
PLANTED = [
    (DENSE_OF_X, lambda dy, cache: dy @ W, "a dense layer with dx = dy w, w not transposed"),
    (DENSE_OF_X, lambda dy, cache: 1.001 * dx_of_dense(dy, cache), "a dense layer with dx 0.1 per cent too large"),
    (DENSE_OF_B, lambda dy, cache: dy.mean(axis=0), "a dense layer with db = the mean of dy"),
    (RELU, lambda dy, cache: dy, "a ReLU that lets everything through, dx = dy"),
    (RELU, but_for_one_entry, "a ReLU with one entry of dx one per cent too large"),
    (LOSS, lambda dy, cache: dy * cache.p / len(X), "cross-entropy without minus one at the label"),
    (LOSS, lambda dy, cache: dy * (cache.p - cache.q), "cross-entropy without 1/N"),
]
WITHOUT_DY = [
    (DENSE_OF_W, lambda dy, cache: X.T @ np.ones_like(dy), "a dense layer with dw = x^T 1, without dy"),
    (RELU, lambda dy, cache: 1.0 * cache, "a ReLU with dx = (x > 0), without dy"),
    (LOSS, lambda dy, cache: (cache.p - cache.q) / len(X), "cross-entropy with (p - onehot) / N, without dy"),
]


def opinion(yours, pair, *seed) -> bool | None:
    """What the learner thinks of a pair of functions; None if it is neither True nor False."""
    (forward, x), backward, _ = pair
    result = yours.check_backward(forward, backward, x.copy(), *seed)
    return bool(result) if isinstance(result, (bool, np.bool_)) else None


def lets_right_ones_pass(yours) -> Wrong | None:
    """Right backward passes."""
    opinions = {pair[2]: opinion(yours, pair) for pair in RIGHT}
    if None in opinions.values():
        return Wrong("wrong-type", "check_backward must return True or False.")
    rejected = [name for name, right in opinions.items() if not right]
    if not rejected:
        return None
    return Wrong(
        "right-one-rejected",
        f"check_backward returns False for {rejected[0]}, which is right. Do backward and numerical_gradient get the "
        "same dy? Is f the first of the two things that forward returns?",
    )


def finds_planted_mistakes(yours) -> Wrong | None:
    """Wrong backward passes."""
    missed = [pair[2] for pair in PLANTED if opinion(yours, pair)]
    return Wrong("mistake-missed", f"check_backward returns True for {missed[0]}.") if missed else None


def finds_missing_dy(yours) -> Wrong | None:
    """Backward passes that are right for one dy only."""
    missed = [pair[2] for pair in WITHOUT_DY if opinion(yours, pair)]
    why = "With dy = 1 nobody can tell: draw dy at random, (4)."
    return Wrong("dy-of-ones", f"check_backward returns True for {missed[0]}. {why}") if missed else None


def draws_dy_from_the_seed(yours) -> Wrong | None:
    """The same dy for the same seed, another one for another."""
    seen = {}
    for call, seed in enumerate((0, 0, 1)):
        watched = RELU, lambda dy, cache, call=call: seen.setdefault(call, dy) * cache, "ReLU"
        opinion(yours, watched, seed)
    if not np.array_equal(seen[0], seen[1]):
        return Wrong("seed-ignored", "Two calls with the same seed use different dy: what fails once may pass later.")
    if np.array_equal(seen[0], seen[2]):
        return Wrong("seed-ignored", "The seeds 0 and 1 give the same dy: draw it from np.random.default_rng(seed).")
    return None


COUNTING, ITS_DY = [[1.0, 2.0], [3.0, 4.0]], [[1.0, 10.0], [2.0, -1.0]]
TWO_ROWS, THEIR_DY = [[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]], [[1.0, 2.0, 0.0], [0.0, 3.0, -1.0]]
NUMBERS = [[0.1, -0.7, 0.3], [1.2, 0.4, -0.6]]
BY_CUBES, BY_NEIGHBOURS = "f(x) = x**3, a step of 2", "y[k] = x[k] x[k - 1], a step of 1/2"

EXERCISE = Exercise(
    title="a gradient checker of your own",
    checks=[
        measures(BY_CUBES, cube, COUNTING, ITS_DY, of_cube, MISTAKES_WITH_CUBES, h=2.0),
        measures(BY_NEIGHBOURS, neighbours, TWO_ROWS, THEIR_DY, of_neighbours, MISTAKES_WITH_NEIGHBOURS, h=0.5),
        Condition("x is put back", puts_numbers_back),
        measures("y of another shape", lambda x: x @ W[:, :2], NUMBERS, ITS_DY, lambda f, x, dy: dy @ W[:, :2].T),
        measures("a loss: y and dy are numbers", loss, NUMBERS, 2.0, of_loss),
        measures(
            "f returns x itself",
            lambda x: x,
            COUNTING,
            ITS_DY,
            lambda f, x, dy: dy,
            [Mistake("same-array-twice", RETURNS_X, lambda f, x, dy: 0 * x)],
        ),
        Condition("any memory order", moves_x_itself),
        *AGREE,
        Condition("right backward passes", lets_right_ones_pass),
        Condition("planted mistakes", finds_planted_mistakes),
        Condition("dy forgotten", finds_missing_dy),
        Condition("the seed", draws_dy_from_the_seed),
    ],
    hints=[
        """\
The idea. One loop over all indices of x; in it L is computed twice, with x[i] a little larger and a little smaller and
all else as it was. L is a single number, whatever the shape of y. Two gradients are compared by the largest of all
numbers in them. And check_backward uses both: one dy, once through backward, once through numerical_gradient.""",
        """\
The formula. dx[i] = (sum of dy * f(x with x[i] + h) - sum of dy * f(x with x[i] - h)) / (2 h).
For gradients_agree, three questions in this order: are the shapes equal? Is everything finite? Is |analytic - numeric|
<= tolerance * scale in every entry, where scale is the largest number of both, without its sign?""",
        """\
Almost the code. for index in np.ndindex(x.shape): keep here = x[index]; set x[index] = here + h and take
np.sum(dy * f(x)); set here - h and take it again; set x[index] = here. In check_backward, y, cache = forward(x), then
dy = np.random.default_rng(seed).normal(size=np.shape(y)), which is right for a number, too; and f is
lambda x: forward(x)[0].""",
    ],
    derivation="""\
Taylor's formula for L along the one number x[i], with derivatives by it:

    L(x + h e_i) = L + h L' + h^2/2 L'' + h^3/6 L''' + ...                                          (5)
    L(x - h e_i) = L - h L' + h^2/2 L'' - h^3/6 L''' + ...                                          (6)

In the difference every second term cancels:

    (L(x + h e_i) - L(x - h e_i)) / (2 h) = L' + h^2/6 L''' + ...                                   (7)

while one side alone, (5) minus L, leaves h/2 L''. For x^3, (7) is 3 x^2 + h^2 exactly. Rounding adds an error of about
1e-16 |L| / h. Both errors are equal near h = 1e-5, if L and its derivatives are about 1: there (7) is as good as it
gets, and a tolerance of 1e-6 asks no more of it than it can tell.

Why a random dy? A backward pass multiplies dy with a matrix, the transposed Jacobian. A random dy shows a wrong entry
anywhere in it, with probability 1. With dy = 1 one sees sums, in which errors may cancel, and not whether dy was used.

What minicnn's own checker does beyond this stands in minicnn/gradcheck/numeric.py: it looks for the best h of each
number, and measures how far each derivative can be trusted.""",
    builds_on=("01_dense", "02_relu", "03_softmax_cross_entropy"),
)
