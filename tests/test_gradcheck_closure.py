"""check_closure and assert_gradients: the other ways to call the check."""

import subprocess
import sys
import textwrap

import gradcheck_pairs as pairs
import numpy as np
import pytest

from minicnn.gradcheck import GradientError, assert_gradients, check_closure

X = np.random.default_rng(0).normal(size=(4, 3))
W = np.random.default_rng(1).normal(size=(3, 2))


def test_one_array():
    report = check_closure(np.tanh, lambda x, dy: dy * (1 - np.tanh(x) ** 2), X)
    assert report.passed and [a.name for a in report.arguments] == ["x"]
    report = check_closure(np.tanh, lambda x, dy: dy * (1 - np.tanh(x)), X)
    assert not report.passed and report.title == "tanh and <lambda>"


def test_several_arguments():
    def product(images, weights):
        return images @ weights

    def grad(images, weights, dy):
        return dy @ weights.T, images.T @ dy

    report = check_closure(product, grad, (X, W))
    assert report.passed and [a.name for a in report.arguments] == ["images", "weights"]
    report = check_closure(product, lambda x, w, dy: (dy @ w.T, 2 * x.T @ dy), (X, W))
    assert [a.passed for a in report.arguments] == [True, False]


@pytest.mark.parametrize("f_as_one", [False, True])
@pytest.mark.parametrize("grad_as_one", [False, True])
def test_a_tuple_as_one(f_as_one, grad_as_one):
    f = (lambda xs: xs[0] @ xs[1]) if f_as_one else (lambda x, w: x @ w)

    def gradients(x, w, dy):
        return dy @ w.T, x.T @ dy

    grad = (lambda xs, dy: gradients(*xs, dy)) if grad_as_one else gradients
    report = check_closure(f, grad, (X, W), title="product")
    assert report.passed and report.title == "product" and len(report.arguments) == 2


def test_a_tuple_of_one_constants_and_losses():
    assert check_closure(lambda x: x**2, lambda x, dy: 2 * x * dy, (X,)).passed
    labels = np.array([0, 2, 1, 1])
    loss = lambda x, labels: float(x[np.arange(4), labels].sum())  # noqa: E731
    report = check_closure(loss, lambda x, labels, dy: dy * np.eye(3)[labels], (X, labels))
    assert report.passed and [a.name for a in report.arguments] == ["x"]
    report = check_closure(lambda t: t**2, lambda t, dy: 2 * t * dy, 1.5)
    assert report.passed and report.arguments[0].shape == ()


def test_options_go_on_to_check():
    report = check_closure(np.tanh, lambda x, dy: 0 * dy, X, names=["input"], tolerance=1e-5, seed=3)
    assert report["input"] and report.tolerance == 1e-5 and report.seed == 3


def test_assert_gradients():
    report = assert_gradients(pairs.dense_forward, pairs.dense_backward, (X, W, np.ones(2)))
    assert report.passed
    with pytest.raises(GradientError, match="Gradient check of tanh_forward and <lambda>: FAILED"):
        assert_gradients(pairs.tanh_forward, lambda dy, y: dy, (X,))


def test_pytest_shows_the_report_at_the_line_of_the_test(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent(
            """
            import numpy as np
            from minicnn.gradcheck import assert_gradients

            def test_square():
                assert_gradients(lambda x: (x**2, x), lambda dy, x: dy * x, (np.array([1.0, 2.0]),))
            """
        )
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    out = subprocess.run(command, capture_output=True, text=True).stdout
    assert "What was found" in out and "1 failed" in out and "test_mine.py:6: GradientError" in out
    assert "assertion.py" not in out and "report.py" not in out  # the checker's own lines are of no interest
