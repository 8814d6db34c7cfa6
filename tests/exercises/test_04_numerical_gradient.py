"""Exercise 4: wrong answers by name, right ones however written."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

DX = "(above - below) / (2 * h)"
ABOVE, BELOW, BACK = "np.sum(dy * f(x))  # (1)", "x[index] = here - h", "        x[index] = here\n"
CLOSE = "np.all(np.abs(analytic - numeric) <= tolerance * scale)"
AGREE = f"bool(np.isfinite(scale) and {CLOSE})"
DY = "np.random.default_rng(seed).normal(size=np.shape(y))"

WRONG = [  # in place of, what the learner did, expected code, words of the message
    (BELOW, "x[index] = here", "one-sided", "both"),
    (DX, "(above - below) / h", "divided-by-h", "two steps"),
    (DX, "above - below", "not-divided", "divides them"),
    (DX, "(below - above) / (2 * h)", "sign-flipped", "comes first"),
    ("dy * f(x)", "f(x)", "dy-missing", "dy[k] times"),
    ("    x = x.copy()\n", "    x = x.copy(); h = 1e-5\n", "step-ignored", "not h"),
    (BACK, "", "not-put-back", "moved to"),
    ("    x = x.copy()\n", "", None, ""),  # put back to the last bit: right
    ("    return dx\n", "    return dx[0]\n", "wrong-shape", "(2,), expected (2, 2)"),
    ("np.abs(analytic - numeric)", "(analytic - numeric)", "sign-of-the-difference", "its size"),
    ("tolerance * scale", "tolerance", "absolute-difference", "relative error"),
    (CLOSE, "not np.any(np.abs(analytic - numeric) > tolerance * scale)", None, ""),
    (
        f"np.isfinite(scale) and {CLOSE}",
        "not np.any(np.abs(analytic - numeric) > tolerance * scale)",
        "nan-passes",
        "NaN",
    ),
    (f"np.isfinite(scale) and {CLOSE}", CLOSE, "infinite-scale", "agrees with nothing"),
    ("np.all(np.abs", "np.any(np.abs", "wrong-entry-missed", "np.all"),
    (
        "np.abs(analytic - numeric) <= tolerance * scale",
        "np.abs(analytic - numeric) / scale <= tolerance",
        "zero-by-zero",
        "0 / 0",
    ),
    (
        "np.abs(analytic - numeric) <= tolerance * scale",
        "np.isclose(analytic, numeric, rtol=tolerance, atol=0)",
        "each-entry-by-itself",
        "one number",
    ),
    ("analytic.shape != numeric.shape", "analytic.ndim == 99", "shapes-not-compared", "repeats"),
    (AGREE, "np.abs(analytic - numeric) <= tolerance * scale", "wrong-shape", "must be True or False"),
    (DY, "np.ones(np.shape(y))", "dy-of-ones", "at random"),
    (DY, "np.random.normal(size=np.shape(y))", "seed-ignored", "same seed"),
    (DY, "np.random.default_rng(0).normal(size=np.shape(y))", "seed-ignored", "0 and 1"),
    (DY, "np.random.default_rng(seed).normal(size=y.shape)", "raised", "no attribute 'shape'"),
    (
        "backward(dy, cache), numeric)",
        "backward(np.ones_like(dy), cache), numeric)",
        "right-one-rejected",
        "the same dy",
    ),
    (
        "gradients_agree(backward(dy, cache), numeric)",
        "gradients_agree(backward(dy, cache), numeric, tolerance=1e-2)",
        "mistake-missed",
        "0.1 per cent",
    ),
    (
        "return gradients_agree(backward(dy, cache), numeric)",
        "return bool(np.allclose(backward(dy, cache)[0], numeric[0]))",
        "mistake-missed",
        "True for",
    ),
    (
        "return gradients_agree(backward(dy, cache), numeric)",
        "gradients_agree(backward(dy, cache), numeric)",
        "wrong-type",
        "True or False",
    ),
]

MOVED_BUT_NOT_BACK_TO_THE_BIT = """
def numerical_gradient(f, x, dy, h=1e-5):
    dx = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = np.sum(dy * f(x))
        x[index] -= 2 * h
        below = np.sum(dy * f(x))
        x[index] += h
        dx[index] = (above - below) / (2 * h)
    return dx
"""
MOVES_A_FLAT_COPY = """
def numerical_gradient(f, x, dy, h=1e-5):
    dx, numbers = np.zeros(x.size), x.reshape(-1)
    for i in range(x.size):
        here = numbers[i]
        numbers[i] = here + h
        above = np.sum(dy * f(x))
        numbers[i] = here - h
        dx[i] = (above - np.sum(dy * f(x))) / (2 * h)
        numbers[i] = here
    return dx.reshape(x.shape)
"""
ALL_AT_ONCE = """
def numerical_gradient(f, x, dy, h=1e-5):
    return dy * (f(x + h) - f(x - h)) / (2 * h)
"""
ROWS = """
def numerical_gradient(f, x, dy, h=1e-5):
    dx = np.zeros_like(x)
    for i in range(len(x)):
        x[i] += h
        above = np.sum(dy * f(x))
        x[i] -= 2 * h
        dx[i] = (above - np.sum(dy * f(x))) / (2 * h)
        x[i] += h
    return dx
"""
ONE_SUM_FOR_ALL = """
def numerical_gradient(f, x, dy, h=1e-5):
    return np.full(x.shape, np.sum(dy * (f(x + h) - f(x - h))) / (2 * h))
"""
OWN_OUTPUT_ONLY = """
def numerical_gradient(f, x, dy, h=1e-5):
    dx = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[index] = h
        dx[index] = dy[index] * (f(x + e) - f(x - e))[index] / (2 * h)
    return dx
"""
LEFT_MOVED = """
def numerical_gradient(f, x, dy, h=1e-5):
    dx = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        dx[index] = np.sum(dy * f(x))
        x[index] -= 2 * h
        dx[index] = (dx[index] - np.sum(dy * f(x))) / (2 * h)
    return dx
"""
WRONG_FUNCTIONS = [
    (MOVED_BUT_NOT_BACK_TO_THE_BIT, "not-put-back", "x + h - h is not always x"),
    (MOVES_A_FLAT_COPY, "copy-moved", "are copies"),
    (ROWS, "moves-whole-rows", "whole row"),
    (ALL_AT_ONCE, "moves-all-at-once", "x[i] alone"),
    (ONE_SUM_FOR_ALL, "moves-all-at-once", "x[i] alone"),
    (OWN_OUTPUT_ONLY, "own-output-only", "other outputs"),
    (LEFT_MOVED, "argument-modified", "changed its argument x"),
]

RIGHT = {
    "a new array for each step": """
def numerical_gradient(f, x, dy, h=1e-5):
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    dx = [np.sum(dy * (f(x + e) - f(x - e))) / (2 * h) for e in steps]
    return np.reshape(dx, x.shape)
""",
    "einsum, and the largest relative error": """
def numerical_gradient(f, x, dy, h=1e-5):
    jacobian = np.empty((*np.shape(dy), *x.shape))
    for index in np.ndindex(*x.shape):
        moved = np.array(x, order="F")
        moved[index] += h
        above = np.array(f(moved))
        moved[index] = x[index] - h
        jacobian[(..., *index)] = (above - f(moved)) / (2 * h)
    return np.tensordot(dy, jacobian, axes=np.ndim(dy))

def gradients_agree(analytic, numeric, tolerance=1e-6):
    if np.shape(analytic) != np.shape(numeric) or not np.all(np.isfinite(analytic - numeric)):
        return False
    largest = np.max(np.abs([analytic, numeric]))
    return largest == 0 or np.max(np.abs(analytic - numeric)) / largest <= tolerance
""",
    "through x.flat, with dy of any distribution": """
def numerical_gradient(f, x, dy, h=1e-5):
    dx, z = np.zeros(x.shape), x.copy()
    for i, here in enumerate(x.flat):
        L = []
        for moved in (here - h, here + h):
            z.flat[i] = moved
            L.append(np.sum(dy * f(z)))
        z.flat[i] = here
        dx.flat[i] = (L[1] - L[0]) / 2 / h
    return dx

def check_backward(forward, backward, x, seed=0):
    rng = np.random.default_rng(seed)
    y, cache = forward(x)
    dy = rng.uniform(1, 2, size=y.shape) if isinstance(y, np.ndarray) else rng.uniform(1, 2)
    dx = backward(dy, cache)
    return gradients_agree(dx, numerical_gradient(lambda x: forward(x)[0], x, dy))
""",
}


@pytest.mark.parametrize(("old", "new", "code", "words"), WRONG, ids=[row[1].strip() for row in WRONG])
def test_a_wrong_answer_is_named(old, new, code, words, tmp_path):
    verdict = verdict_on("04_numerical_gradient", (old, new), tmp_path=tmp_path)
    if code is None:
        assert_passed(verdict)
    else:
        assert_wrong(verdict, code, words)


@pytest.mark.parametrize(("function", "code", "words"), WRONG_FUNCTIONS, ids=[f"{row[1]}" for row in WRONG_FUNCTIONS])
def test_a_wrong_loop_is_named(function, code, words, tmp_path):
    assert_wrong(verdict_on("04_numerical_gradient", function, tmp_path=tmp_path), code, words)


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_passes_however_written(answer, tmp_path):
    assert_passed(verdict_on("04_numerical_gradient", answer, tmp_path=tmp_path))


def agrees_if(condition):
    """gradients_agree with a condition in place of (3)."""
    return f"""
def gradients_agree(analytic, numeric, tolerance=1e-6):
    if analytic.shape != numeric.shape or not np.isfinite(analytic + numeric).all():
        return False
    size = max(np.abs(analytic).max(), np.abs(numeric).max())
    difference = np.abs(analytic - numeric)
    return bool({condition})
"""


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("(difference <= tolerance * max(analytic.max(), numeric.max())).all()", "scale-with-sign"),
        ("(difference <= tolerance * (np.abs(analytic) + np.abs(numeric)).sum()).all()", "scale-too-large"),
        ("difference.mean() <= tolerance * size", "scale-too-large"),
        ("np.linalg.norm(difference) <= tolerance * (np.linalg.norm(analytic) + np.linalg.norm(numeric))",
         "scale-too-large"),
        ("(difference <= 1e-6 * size).all()", "tolerance-ignored"),
    ],
)  # fmt: skip
def test_agreement_by_another_measure(condition, code, tmp_path):
    assert_passed(
        verdict_on("04_numerical_gradient", agrees_if("(difference <= tolerance * size).all()"), tmp_path=tmp_path)
    )
    assert_wrong(verdict_on("04_numerical_gradient", agrees_if(condition), tmp_path=tmp_path), code)


@pytest.mark.parametrize(
    ("above", "below", "code"),
    [("x", "x", "moved-and-moved-back"), ("x.copy()", "x.copy()", None)],
)
def test_a_second_name_is_no_second_array(above, below, code, tmp_path):
    answer = f"""
def numerical_gradient(f, x, dy, h=1e-5):
    dx = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        above, below = {above}, {below}
        above[i] += h
        below[i] -= h
        dx[i] = np.sum(dy * (f(above) - f(below))) / (2 * h)
    return dx
"""
    verdict = verdict_on("04_numerical_gradient", answer, tmp_path=tmp_path)
    assert_wrong(verdict, code, "only another name") if code else assert_passed(verdict)


def test_what_f_returned_may_be_x_itself(tmp_path):
    answer = """
def numerical_gradient(f, x, dy, h=1e-5):
    dx = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        here = x[i]
        x[i] = here + h
        above = f(x)
        x[i] = here - h
        below = f(x)
        x[i] = here
        dx[i] = np.sum(dy * (above - below)) / (2 * h)
    return dx
"""
    assert_wrong(verdict_on("04_numerical_gradient", answer, tmp_path=tmp_path), "same-array-twice", "copy it")
    assert_passed(verdict_on("04_numerical_gradient", answer.replace("= f(x)", "= np.copy(f(x))"), tmp_path=tmp_path))
