"""Exercise 3: wrong answers by name, right ones however written."""

import warnings

import pytest
from answers import assert_passed, assert_wrong, changed, solution, verdict_on

from minicnn.exercises import course
from minicnn.exercises.judge import judge
from minicnn.exercises.learner import Learner

LOG_P = "shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))"
LOSS = "-log_p[np.arange(len(labels)), labels].mean()"
P = "np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)"
MINUS_ONE = "    dlogits[np.arange(len(labels)), labels] -= 1\n"
RETURN = "return dlogits * (dy / len(labels))"

WRONG = [  # in place of, what the learner did, expected code, words of the message
    (LOSS, LOSS.replace("mean", "sum"), "not-averaged", "divided by N"),
    (LOSS, LOSS.replace("mean()", "sum() / logits.size"), "averaged-over-classes", "not K"),
    (LOSS, LOSS.removeprefix("-"), "sign-flipped", "minus"),
    (LOSS, "-np.exp(log_p[np.arange(len(labels)), labels]).mean()", "log-missing", "logarithm"),
    (LOSS, "-log_p[:, labels].mean()", "whole-columns-picked", "N x N"),
    (LOSS, "-log_p.mean()", "every-class-counted", "of its label"),
    (LOSS, "-log_p[np.arange(len(labels)), labels]", "raised", "float(loss)"),
    (LOSS, "-log_p[np.arange(len(labels)), labels].mean() / np.log(2)", "wrong-logarithm", "natural"),
    (LOG_P, LOG_P.replace("axis=1", "axis=0"), "softmax-along-the-wrong-axis", "each row"),
    (LOG_P, "logits", "softmax-missing", "whole row"),
    (LOG_P, f"np.log({P})", "logarithm-of-zero", "-1000"),
    (LOG_P, f"np.log({P} + 1e-8)", "epsilon-in-the-logarithm", "another loss"),
    (LOG_P, f"np.log(np.clip({P}, 1e-12, 1.0))", "epsilon-in-the-logarithm", "another loss"),
    (LOG_P, f"np.log({P} + 1e-5)", "epsilon-in-the-logarithm", "another loss"),
    ("shifted = logits - logits.max(axis=1, keepdims=True)", "shifted = logits", "overflow", "infinite"),
    ("logits.max(axis=1, keepdims=True)", "logits.max()", "largest-of-all-rows", "of its own"),
    ("shifted = logits - ", "shifted = logits; shifted -= ", "argument-modified", "logits"),
    ("(dy / len(labels))", "dy", "factor-batch", "dlogits"),
    ("(dy / len(labels))", "(dy / log_p.size)", "factor-constant", "dlogits"),
    ("(dy / len(labels))", "(1 / len(labels))", "upstream-ignored", "dL/dy is missing"),
    (RETURN, "return -dlogits * (dy / len(labels))", "sign-flipped", "dlogits"),
    (MINUS_ONE, "", "label-term-missing", "minus one at the label"),
    (MINUS_ONE, "    dlogits[:, labels] -= 1\n", "label-term-missing", "whole columns"),
    (MINUS_ONE, MINUS_ONE.replace("-= 1", "= -1"), "term-missing", "taken off"),
    (MINUS_ONE, "    dlogits *= 1 - dlogits\n", "diagonal-jacobian", "slope of a sigmoid"),
    ("dlogits = np.exp(log_p)", "dlogits = log_p", "backward-not-repeatable", "write into the cache"),
    ("dlogits = np.exp(log_p)", "dlogits = log_p.copy()", "unrecognized", "log(p) stands where p should"),
    ("(log_p, labels)\n", "(logits, labels)\n", "unrecognized", "not normalized"),
]

RIGHT = {
    "loops": """
def softmax_cross_entropy_forward(logits, labels):
    loss = 0.0
    for z, label in zip(logits, labels):
        m = max(z)
        loss += m + np.log(sum(np.exp(l - m) for l in z)) - z[label]
    return loss / len(labels), (logits, labels)

def softmax_cross_entropy_backward(dy, cache):
    logits, labels = cache
    dlogits = np.zeros_like(logits)
    for n, (z, label) in enumerate(zip(logits, labels)):
        e = np.exp(z - z.max())
        for k in range(len(z)):
            dlogits[n, k] = dy * (e[k] / e.sum() - (k == label)) / len(labels)
    return dlogits
""",
    "one-hot labels and einsum": """
def softmax_cross_entropy_forward(logits, labels):
    onehot = np.eye(logits.shape[1], dtype=logits.dtype)[labels]
    m = logits.max(axis=1)
    log_sum = m + np.log(np.exp(logits - m[:, None]).sum(axis=1))
    loss = (log_sum.sum() - np.einsum("nk,nk->", onehot, logits)) / len(labels)
    return loss, {"p": np.exp(logits - log_sum[:, None]), "onehot": onehot}

def softmax_cross_entropy_backward(dy, cache):
    return dy * (cache["p"] - cache["onehot"]) / len(cache["p"])
""",
    "logaddexp, Fortran order": """
def softmax_cross_entropy_forward(logits, labels):
    log_sum = np.logaddexp.reduce(logits, axis=1)
    per_example = log_sum - np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return np.mean(per_example), (logits, labels, log_sum)

def softmax_cross_entropy_backward(dy, cache):
    logits, labels, log_sum = cache
    p = np.exp(np.asfortranarray(logits) - log_sum[:, None])
    p[range(len(labels)), labels] -= 1
    return p * dy / len(labels)
""",
    "through the Jacobian of log p": """
def softmax_cross_entropy_backward(dy, cache):
    log_p, labels = cache
    N, K = log_p.shape
    jacobian = np.eye(K, dtype=log_p.dtype) - np.exp(log_p)[:, None, :]
    return -dy / N * jacobian[np.arange(N), labels]
""",
}


@pytest.mark.parametrize(("old", "new", "code", "words"), WRONG, ids=[row[1].strip() for row in WRONG])
def test_a_wrong_answer_is_named(old, new, code, words, tmp_path):
    assert_wrong(verdict_on("03_softmax_cross_entropy", (old, new), tmp_path=tmp_path), code, words)


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_passes_however_written(answer, tmp_path):
    assert_passed(verdict_on("03_softmax_cross_entropy", answer, tmp_path=tmp_path))


def test_a_backward_pass_with_its_own_softmax_must_not_overflow_either(tmp_path):
    answer = (
        ("(log_p, labels)\n", "(logits, labels)\n"),
        ("log_p, labels = cache", "logits, labels = cache"),
        ("np.exp(log_p)", "np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)"),
    )
    assert_wrong(verdict_on("03_softmax_cross_entropy", *answer, tmp_path=tmp_path), "overflow", "holds there as well")


def test_float32_on_the_way_is_explained(tmp_path):
    coarse = ("dlogits = np.exp(log_p)", "dlogits = np.exp(log_p.astype(np.float32)).astype(log_p.dtype)")
    assert_wrong(verdict_on("03_softmax_cross_entropy", coarse, tmp_path=tmp_path), "low-precision", "float32")


def test_an_overflow_is_told_by_its_numbers_and_not_as_a_warning(tmp_path):
    file = tmp_path / "03_softmax_cross_entropy.py"
    naive = ("logits - logits.max(axis=1, keepdims=True)", "logits")
    file.write_text(changed(solution("03_softmax_cross_entropy"), naive), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = judge(course.find("3"), Learner(file))
    assert_wrong(verdict, "overflow")


SHIFTED = "logits - logits.max(axis=1, keepdims=True)"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (SHIFTED, "logits - logits.max(axis=0)", "shifted-by-column"),
        (LOG_P, "logits - np.log(np.exp(shifted).sum(axis=1, keepdims=True))", "shifted-in-one-place"),
        (LOG_P, "shifted - np.log(np.exp(logits).sum(axis=1, keepdims=True))", "shifted-in-one-place"),
        (LOG_P, "shifted - np.log(np.exp(shifted).sum())", "softmax-of-the-whole-array"),
        (LOSS, f"{LOSS} - np.log(1 - np.exp(log_p)).sum() / len(labels) + np.log(1 - np.exp(log_p[np.arange("
               "len(labels)), labels])).mean()", "binary-cross-entropy"),
    ],
)  # fmt: skip
def test_where_the_largest_number_is_taken_off(old, new, code, tmp_path):
    assert_wrong(verdict_on("03_softmax_cross_entropy", (old, new), tmp_path=tmp_path), code)


def test_two_things_returned_for_one_gradient(tmp_path):
    verdict = verdict_on("03_softmax_cross_entropy", (RETURN, f"{RETURN}, None"), tmp_path=tmp_path)
    assert_wrong(verdict, "wrong-returns", "got a tuple of 2")


def test_labels_taken_for_rows(tmp_path):
    in_rows = (MINUS_ONE, "    dlogits[labels] -= 1\n")
    verdict = verdict_on("03_softmax_cross_entropy", in_rows, tmp_path=tmp_path)
    assert_wrong(verdict, "label-term-missing", "whole rows")
