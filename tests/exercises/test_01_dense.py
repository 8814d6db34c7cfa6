"""Exercise 1: wrong answers by name, right ones however written."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

WRONG = [  # what the learner did, expected code, words of the message
    ((("x @ w + b", "x @ w"),), "bias-missing", "b is not added"),
    ((("+ b", "- b"),), "bias-subtracted", "subtracted"),
    ((("+ b", "+ b[:, None]"),), "bias-along-the-wrong-axis", "column of y"),
    ((("x @ w + b", "x @ w.T + b"),), "raised", "in dense_forward: y = x @ w.T + b"),
    ((("return y, (x, w)", "return y"),), "wrong-returns", "(y, cache)"),
    ((("    return y, (x, w)", ""),), "returned-nothing", "return y, cache"),
    ((("y = x @ w + b", "x *= 2; y = x @ w / 2 + b"),), "argument-modified", "changed its argument x"),
    ((("y = x @ w + b", "y = x.astype(np.float32) @ w.astype(np.float32)"),), "wrong-dtype", "float64 went in"),
    ((("axis=0", "axis=1"),), "wrong-shape", "sum over axis 0 instead of axis 1"),
    ((("dy.sum(axis=0)", "dy.sum()"),), "wrong-shape", "sum over axis 0"),
    ((("dy.sum(axis=0)", "dy"),), "wrong-shape", "sum over axis 0"),
    ((("axis=0)", "axis=0, keepdims=True)"),), "wrong-shape", "reshape it to (2,)"),
    ((("dy.sum(axis=0)", "dy.mean(axis=0)"),), "factor-batch", "db"),
    ((("x.T @ dy", "x.T @ dy / len(x)"),), "factor-batch", "dw"),
    ((("x.T @ dy", "dy.T @ x"),), "wrong-shape", "transpose"),
    ((("x.T @ dy", "x.T @ np.ones_like(dy)"),), "upstream-ignored", "dL/dy is missing"),
    ((("dy @ w.T", "-dy @ w.T"),), "sign-flipped", "dx"),
    ((("dy @ w.T", "dy @ w"),), "raised", "dx = dy @ w"),
    ((("return dx, dw, db", "return dx, db, dw"),), "wrong-shape", "dw"),
    ((("return dx, dw, db", "return dx, dw"),), "wrong-returns", "backward returned 2 gradients, expected 3"),
    ((("dx = dy", "dy *= 2; dx = dy"),), "argument-modified", "dy"),
    (
        (
            "KEPT = []",
            ("return y, (x, w)", "KEPT[:] = [x, w]; return y, None"),
            ("x, w = cache", "x, w = KEPT"),
        ),
        "kept-outside-the-cache",
        "global",
    ),
    ((("dx = dy @ w.T", "dx = np.zeros(x.shape); dx += dy @ w.T"),), "wrong-dtype", "dx as float64"),
]

RIGHT = {
    "loops over indices": """
def dense_backward(dy, cache):
    x, w = cache
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(w.shape[1], w.dtype)
    for n in range(len(x)):
        for o in range(w.shape[1]):
            db[o] += dy[n, o]
            for i in range(x.shape[1]):
                dx[n, i] += dy[n, o] * w[i, o]
                dw[i, o] += dy[n, o] * x[n, i]
    return dx, dw, db
""",
    "einsum": """
def dense_backward(dy, cache):
    x, w = cache
    return np.einsum("no,io->ni", dy, w), np.einsum("ni,no->io", x, dy), np.einsum("no->o", dy)
""",
    "column by column, a list of gradients in Fortran order": """
def dense_backward(dy, cache):
    x, w = cache
    dx = np.asfortranarray(dy @ w.T)
    dw = np.column_stack([x.T @ dy[:, o] for o in range(w.shape[1])])
    return [dx, np.asfortranarray(dw), np.ones(len(dy), dy.dtype) @ dy]
""",
    "with negative strides": """
def dense_backward(dy, cache):
    x, w = cache
    dx = (dy[::-1] @ w.T)[::-1]
    dw = (x[:, ::-1].T @ dy)[::-1]
    return dx, dw, dy[:, ::-1].sum(axis=0)[::-1]
""",
    "a bias as one more row of weights": """
def dense_forward(x, w, b):
    ones = np.ones((len(x), 1), x.dtype)
    x1, w1 = np.hstack([x, ones]), np.vstack([w, b])
    return x1 @ w1, {"x1": x1, "w1": w1}

def dense_backward(dy, cache):
    dw1 = cache["x1"].T @ dy
    dx1 = dy @ cache["w1"].T
    return dx1[:, :-1], dw1[:-1], dw1[-1]
""",
}


@pytest.mark.parametrize(("changes", "code", "words"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_wrong_answer_is_named(changes, code, words, tmp_path):
    assert_wrong(verdict_on("01_dense", *changes, tmp_path=tmp_path), code, words)


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_passes_however_written(answer, tmp_path):
    assert_passed(verdict_on("01_dense", answer, tmp_path=tmp_path))


def test_an_error_is_told_with_the_shapes_that_went_in(tmp_path):
    for wrong in (("x @ w + b", "x @ w.T + b"), ("dy @ w.T", "dy @ w")):
        verdict = verdict_on("01_dense", wrong, tmp_path=tmp_path)
        assert_wrong(verdict, "raised", "The call was dense_forward(x of shape (", "w of shape (3, 2)")


def test_float32_on_the_way_is_explained(tmp_path):
    coarse = ("dx = dy @ w.T", "dx = (dy.astype(np.float32) @ w.T.astype(np.float32)).astype(dy.dtype)")
    assert_wrong(verdict_on("01_dense", coarse, tmp_path=tmp_path), "low-precision", "float32")


def test_relu_inside_is_seen_in_the_numbers(tmp_path):
    verdict = verdict_on("01_dense", ("x @ w + b", "np.maximum(x @ w + b, 0)"), tmp_path=tmp_path)
    assert_wrong(verdict, "wrong-value", "is 0, expected -13")


def test_a_matrix_is_no_array(tmp_path):
    verdict = verdict_on("01_dense", ("x @ w + b", "np.matrix(x) * w + b"), tmp_path=tmp_path)
    assert_wrong(verdict, "wrong-type", "np.matrix")
