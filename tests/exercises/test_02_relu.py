"""Exercise 2: wrong answers by name, right ones however written."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

FORWARD, BACKWARD = "return np.maximum(x, 0), x > 0", "return dy * positive"

WRONG = [  # in place of, what the learner did, expected code, words of the message
    (FORWARD, "return np.abs(x), x > 0", "absolute-value", "|x|"),
    (FORWARD, "return np.minimum(x, 0), x > 0", "minimum", "min(x, 0)"),
    (FORWARD, "return (x > 0) * 1.0, x > 0", "mask-for-values", "slope"),
    (FORWARD, "return x > 0, x > 0", "wrong-dtype", "bool"),
    (FORWARD, "return np.max(x, 0), x > 0", "maximum-along-an-axis", "along axis 0"),
    (FORWARD, "return x, x > 0", "nothing-cut", "still there"),
    (FORWARD, "return np.maximum(x, 0.1 * x), x > 0", "wrong-value", "y[0, 1] is -0.2, expected 0"),
    (FORWARD, "x[x < 0] = 0\n    return x, x > 0", "argument-modified", "relu_forward changed its argument x"),
    (FORWARD, "return x[x > 0], x > 0", "wrong-shape", "(3,), expected (2, 3)"),
    (FORWARD, "return max(x, 0), x > 0", "raised", "ambiguous"),
    (BACKWARD, "return dy", "mask-missing", "dx"),
    (BACKWARD, "return positive * 1.0", "upstream-ignored", "dL/dy is missing"),
    (BACKWARD, "return np.maximum(dy, 0)", "upstream-ignored", "not linear in dy"),
    (BACKWARD, "return dy * (dy > 0)", "upstream-ignored", "not linear in dy"),
    (BACKWARD, "return dy * ~positive", "mask-missing", "dx"),
    (BACKWARD, "return -dy * positive", "sign-flipped", "sign"),
    (BACKWARD, "return dy[positive]", "wrong-shape", "dx"),
    (BACKWARD, "dy[~positive] = 0\n    return dy", "argument-modified", "backward changed dy,"),
    (BACKWARD, "dy * positive", "wrong-returns", "is its return missing?"),
    ("x > 0", "x >= 0", "slope-at-zero", "exactly 0"),
]

RIGHT = {
    "where": """
def relu_forward(x):
    return np.where(x > 0, x, np.zeros_like(x)), x
def relu_backward(dy, cache):
    return np.where(cache > 0, dy, np.zeros_like(dy))
""",
    "the output as cache": """
def relu_forward(x):
    y = x * (x > 0)
    return y, y
def relu_backward(dy, cache):
    dx = dy.copy()
    dx[cache <= 0] = 0
    return dx
""",
    "loops": """
def relu_forward(x):
    y = np.empty_like(x)
    for index in np.ndindex(x.shape):
        y[index] = x[index] if x[index] > 0 else 0
    return y, {"shape": x.shape, "slopes": [float(number > 0) for number in x.flat]}
def relu_backward(dy, cache):
    dx = [slope * d for slope, d in zip(cache["slopes"], dy.flat)]
    return np.array(dx, dtype=dy.dtype).reshape(cache["shape"])
""",
    "half of x + |x|, and Fortran order": """
def relu_forward(x):
    return np.asfortranarray((x + np.abs(x)) / 2), np.maximum(np.sign(x), 0)
def relu_backward(dy, cache):
    return np.asfortranarray(dy * cache)
""",
    "einsum": """
def relu_backward(dy, cache):
    return np.einsum("...,...->...", dy, cache.astype(dy.dtype))
""",
}


@pytest.mark.parametrize(("old", "new", "code", "words"), WRONG, ids=[new for _, new, _, _ in WRONG])
def test_a_wrong_answer_is_named(old, new, code, words, tmp_path):
    assert_wrong(verdict_on("02_relu", (old, new), tmp_path=tmp_path), code, words)


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_passes_however_written(answer, tmp_path):
    assert_passed(verdict_on("02_relu", answer, tmp_path=tmp_path))


def test_float32_on_the_way_is_accepted_since_one_product_rounds_once(tmp_path):
    coarse = ("return dy * positive", "return (dy.astype(np.float32) * positive).astype(dy.dtype)")
    assert_passed(verdict_on("02_relu", coarse, tmp_path=tmp_path))


def test_a_small_example_is_shown_with_its_arguments(tmp_path):
    verdict = verdict_on("02_relu", (FORWARD, "return x, None"), tmp_path=tmp_path)
    assert "x:\n    [[ 3.  -2.   0.5]\n     [-1.   0.  40. ]]" in verdict.problem.message


def test_a_changed_dy_is_called_dy(tmp_path):
    verdict = verdict_on("02_relu", (BACKWARD, "dy *= positive\n    return dy"), tmp_path=tmp_path)
    assert verdict.problem.message.startswith("backward changed dy,")


def test_a_limit_above_is_noticed(tmp_path):
    verdict = verdict_on("02_relu", (FORWARD, "return np.clip(x, 0, 6), x > 0"), tmp_path=tmp_path)
    assert_wrong(verdict, "wrong-value", "is 6, expected 40")


def test_a_comma_after_return_is_called_so(tmp_path):
    verdict = verdict_on("02_relu", (BACKWARD, BACKWARD + ","), tmp_path=tmp_path)
    assert_wrong(verdict, "wrong-returns", "got a tuple of 1", "comma")
