"""Exercise 9: wrong answers and their verdicts, right answers written differently."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

NAME = "09_dropout"

FORWARD, BACKWARD = "return x * scaled_mask, scaled_mask", "return dy if scaled_mask is None else dy * scaled_mask"
WRONG = [
    ("wrong-share", "the share that is silenced", ("< keep", "< rate")),
    ("wrong-share", "above", ("< keep", "< (rate or 1)")),
    ("nothing-silenced", "nowhere 0", ("return x * scaled_mask", "return x + 0 * scaled_mask")),
    ("mask-unscaled", "as they are", (" / keep", "")),
    ("mask-unscaled", "multiplied by keep", (" / keep", " * keep")),
    ("mask-unscaled", "divided by the rate", (" / keep", " / (rate or 1)")),
    ("mask-unscaled", "multiplied by 1.562", (" / keep", " / keep**2")),
    ("mask-shared", "All examples", ("rng.random(x.shape)", "rng.random(x.shape[1:])")),
    ("mask-shared", "All units of an example", ("rng.random(x.shape)", "rng.random((len(x),) + (1,) * (x.ndim - 1))")),
    ("not-a-mask", "two values", (FORWARD, "scaled_mask /= scaled_mask.mean(axis=0)\n    " + FORWARD)),
    ("mask-frozen", "same seed", ("rng.random", "np.random.default_rng(0).random")),
    ("rng-ignored", "np.random", ("rng.random", "np.random.random")),
    ("silenced-in-evaluation", "y = x", ("if not training:", "if rate == 0:")),
    ("scaled-in-evaluation", "0.8", ("return x, None", "return x * (1 - rate), None")),
    ("mask-missing", "", (BACKWARD, "return dy")),
    ("mask-unscaled", "backward by 1 ", (BACKWARD, "return dy if cache is None else dy * (cache > 0)")),
    ("mask-unscaled", "backward by 2.77", (BACKWARD, "return dy if cache is None else dy * cache**2")),
    ("mask-missing", "inverted", (BACKWARD, "return dy if cache is None else dy * (cache == 0) * cache.max()")),
    ("raised", "NoneType", (BACKWARD, "return dy * scaled_mask")),
    ("factor-constant", "", (("return x, None", "return x, 0.6 + 0 * x"))),
    (
        "backward-not-repeatable",
        "",
        """
def dropout_backward(dy, cache):
    return dy * (np.random.random(dy.shape) < 0.6) / 0.6
""",
    ),
    ("mask-read-from-y", "Keep the mask", (FORWARD, "y = x * scaled_mask\n    return y, (y != 0) / keep")),
    ("mask-read-from-y", "Keep the mask", (FORWARD, "y = x * scaled_mask\n    return y, y / x")),
    ("wrong-dtype", "float32", (".astype(x.dtype)", "")),
    ("argument-modified", "x", ("return x * scaled_mask, scaled_mask", "x *= scaled_mask\n    return x, scaled_mask")),
    ("wrong-returns", "2 values", (FORWARD, "return x * scaled_mask")),
]  # fmt: skip

BY_WHERE = """
def dropout_forward(x, rate, rng, training=True):
    silenced = rng.random(x.shape) < rate if training else np.zeros(x.shape, bool)
    scale = 1 / (1 - rate) if training else 1.0
    return np.where(silenced, 0, x * scale).astype(x.dtype), (silenced, scale)


def dropout_backward(dy, cache):
    silenced, scale = cache
    dx = dy * scale
    dx[silenced] = 0
    return dx
"""
BY_BINOMIAL = """
def dropout_forward(x, rate, rng, training=True):
    if not training:
        return x.copy(), np.ones_like(x)
    m = rng.binomial(1, 1 - rate, size=x.shape)
    return np.asfortranarray(x * m / x.dtype.type(1 - rate)).astype(x.dtype), (m / (1 - rate)).astype(x.dtype)


def dropout_backward(dy, cache):
    return np.einsum("...,...->...", dy[::-1], cache[::-1])[::-1]
"""
IN_LOOPS = """
def dropout_forward(x, rate, rng, training=True):
    y, mask = x.copy(), np.ones(x.shape, bool)
    if training:
        for index in np.ndindex(x.shape):
            mask[index] = rng.uniform() > rate
            y[index] = x[index] / (1 - rate) if mask[index] else 0
    return y, (mask, 1 - rate if training else 1)


def dropout_backward(dy, cache):
    mask, keep = cache
    dx = np.zeros_like(dy)
    for index in np.ndindex(dy.shape):
        if mask[index]:
            dx[index] = dy[index] / keep
    return dx
"""


@pytest.mark.parametrize(("code", "words", "change"), WRONG)
def test_a_wrong_answer_is_named(code, words, change, tmp_path):
    assert_wrong(verdict_on(NAME, change, tmp_path=tmp_path), code, words)


def test_a_mask_kept_outside_the_cache(tmp_path):
    forward = (FORWARD, "dropout_forward.mask = scaled_mask\n    return x * scaled_mask, True")
    backward = (BACKWARD, "return dy if cache is None else dy * dropout_forward.mask")
    assert_wrong(verdict_on(NAME, forward, backward, tmp_path=tmp_path), "kept-outside-the-cache")


def test_rounding_on_the_way_is_explained(tmp_path):
    change = (BACKWARD, "return dy if cache is None else (dy * cache).astype(np.float32)")
    assert_wrong(verdict_on(NAME, change, tmp_path=tmp_path), "low-precision", "keep the dtype of dy")


@pytest.mark.parametrize("answer", [BY_WHERE, BY_BINOMIAL, IN_LOOPS], ids=["where", "binomial", "loops"])
def test_a_right_answer_passes_however_it_is_written(answer, tmp_path):
    assert_passed(verdict_on(NAME, answer, tmp_path=tmp_path))


@pytest.mark.parametrize(
    ("divided", "code", "words"),
    [("(rng.random(x.shape) < 1 - rate) / rate", "mask-unscaled", "divided by rate"),
     ("(rng.random(x.shape) < rate) / rate", "wrong-share", "0 / 0")],
)  # fmt: skip
def test_divided_by_the_rate(divided, code, words, tmp_path):
    answer = f"""
def dropout_forward(x, rate, rng, training=True):
    return x * ({divided}).astype(x.dtype), None
"""
    assert_wrong(verdict_on(NAME, answer, tmp_path=tmp_path), code, words)


def test_one_thing_returned_in_evaluation(tmp_path):
    answer = """
def dropout_forward(x, rate, rng, training=True):
    if not training:
        return x
    mask = ((rng.random(x.shape) < 1 - rate) / (1 - rate)).astype(x.dtype)
    return x * mask, mask
"""
    assert_wrong(verdict_on(NAME, answer, tmp_path=tmp_path), "wrong-returns", "under Returns")


@pytest.mark.parametrize(
    ("silenced", "code", "words"),
    [
        ("rng.normal(size=x.shape) > 1 - rate", "wrong-share", "spread evenly"),
        ("rng.permutation(x.size).reshape(x.shape) < int(x.size * rate)", "number-fixed", "its own chance"),
        ("rng.random(x.shape[:2] + (1,) * (x.ndim - 2)) < rate", "mask-shared", "axis 2"),
        ("rng.random(x.shape[-2:]) < rate", "mask-shared", "axis 0"),
    ],
)
def test_masks_that_are_nearly_right(silenced, code, words, tmp_path):
    answer = f"""
def dropout_forward(x, rate, rng, training=True):
    if not training:
        return x, None
    mask = np.where({silenced}, 0, 1 / (1 - rate)).astype(x.dtype)
    return x * mask, mask
"""
    right = answer.replace(silenced, "rng.random(x.shape) < rate")
    assert_passed(verdict_on(NAME, right, tmp_path=tmp_path))
    assert_wrong(verdict_on(NAME, answer, tmp_path=tmp_path), code, words)
