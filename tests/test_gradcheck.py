"""The gradient checker: silent on correct code, at any scale; loud, with the right code, on planted mistakes."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import gradcheck_pairs as pairs
import numpy as np
import pytest
from gradcheck_pairs import batchnorm_backward, batchnorm_forward, correct_pairs, dense_backward, dense_forward
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.gradcheck import GradientError, check
from minicnn.gradcheck.numeric import differentiate

NAMES = tuple(correct_pairs(np.random.default_rng(0)))
SCALES = (1e-6, 1e-3, 1.0, 1e3, 1e6)


def batchnorm_arguments(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(8, 5)), rng.normal(size=5), rng.normal(size=5)


def dense_arguments(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)


def codes(report):
    return [finding.code for finding in report.findings]


# ---- correct code ----


@pytest.mark.parametrize("name", NAMES)
@settings(derandomize=True, deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from(SCALES))
def test_correct_code_passes_in_silence_at_any_scale(name, seed, scale):
    report = check(*correct_pairs(np.random.default_rng(seed), scale)[name], seed=seed)
    assert report.passed and report.max_relative_error < 1e-7, str(report)
    # Noise at the edge of what float64 holds may now and then look like a kink, which is no error.
    assert not codes(report) or (scale < 1 and codes(report) == ["not-differentiable-here"]), str(report)


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_is_measured_much_better_than_it_is_judged(name):
    report = check(*correct_pairs(np.random.default_rng(3))[name])
    for a in report.arguments:
        assert a.compared == a.numeric.size
        if name != "dense, batchnorm" or a.name != "b":  # the bias's true gradient is 0
            assert np.median(a.uncertainty) < 1e-8 * np.abs(a.numeric).max()
            assert np.abs(a.analytic - a.numeric).max() < 1e-8 * np.abs(a.numeric).max()


def test_a_true_zero_passes():
    report = check(*correct_pairs(np.random.default_rng(0))["dense, batchnorm"])
    bias = report["b"]
    assert np.abs(bias.analytic).max() < 1e-13 and np.abs(bias.numeric).max() < 1e-9
    assert bias.passed and bias.max_relative_error < 1e-7 and not report.findings


def test_a_bias_before_batch_norm_with_a_gradient_is_caught():
    forward, backward, arguments = correct_pairs(np.random.default_rng(0))["dense, batchnorm"]

    def wrong(dy, cache):
        gradients = list(backward(dy, cache))
        gradients[2] = gradients[2] + 1e-6 * dy.sum(axis=0)
        return gradients

    assert not check(forward, wrong, arguments)["b"].passed


def test_small_derivatives_of_a_large_loss():
    def forward(x):
        return 1e6 + 1e-3 * float(np.sum(x**2)), x

    x = np.random.default_rng(0).normal(size=(3, 4))
    assert check(forward, lambda dy, x: dy * 2e-3 * x, (x,)).passed
    assert not check(forward, lambda dy, x: dy * 2e-3 * x * 1.0001, (x,)).passed


def test_values_that_differ_little_around_a_large_one():
    x = 1e6 + np.random.default_rng(0).normal(size=(8, 5))
    report = check(batchnorm_forward, batchnorm_backward, (x, *batchnorm_arguments()[1:]))
    assert report.passed and not report.findings


def test_a_channel_without_variance():
    x, gamma, beta = batchnorm_arguments()
    x[:, 2] = 3.0
    report = check(batchnorm_forward, batchnorm_backward, (1e3 * x, gamma, beta))
    assert report.passed and not report.findings


def test_nearly_equal_maxima():
    x = 1 + 1e-7 * np.random.default_rng(0).normal(size=(5, 4))
    report = check(pairs.max_forward, pairs.max_backward, (x,))
    assert report.passed and report.arguments[0].compared == 20


def test_extrapolation_is_of_fourth_order():
    x = np.array([0.3])
    found = [
        differentiate(
            lambda: float(np.exp(x[0]) - np.exp(0.3)),
            x,
            np.array([0]),
            size=1.0,
            noise=noise,  # large enough to call for a large step
            tolerance=1e-7,
            max_evaluations=100,
        )
        for noise in (1e-6, 1e-16)
    ]
    rough, fine = (abs(f.values[0] - np.exp(0.3)) for f in found)
    assert x[0] == 0.3 and fine < 1e-10
    assert 1e-4 < found[0].uncertainty[0] < 1e-2 and rough < 1e-7


def test_what_lies_far_from_the_point_does_not_count():
    x = 8 * np.random.default_rng(0).normal(size=(6, 7))  # flat around each, though on the large scale a slope of 1
    report = check(lambda x: (np.round(x), None), lambda dy, cache: 0 * dy, (x,))
    assert report.passed and report.arguments[0].compared == 42


# ---- kinks ----


def test_kinks_are_left_out_and_reported():
    x = np.random.default_rng(0).normal(size=(4, 5))
    x[1, 2] = x[3, 0] = 0.0
    report = check(pairs.relu_forward, lambda dy, mask: dy * (mask + (x == 0) * 7.0), (x,))
    a = report.arguments[0]
    assert report.passed and codes(report) == ["not-differentiable-here"]
    assert np.argwhere(a.kinks).tolist() == [[1, 2], [3, 0]] and a.compared == 18
    assert np.isnan(a.numeric[1, 2]) and np.isnan(a.relative_error[1, 2])
    assert report.findings[0].evidence == {"count": 2, "indices": [(1, 2), (3, 0)]}


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-7, 1e-9])
def test_beside_a_kink_there_is_a_derivative(distance):
    x = np.random.default_rng(0).normal(size=(3, 3))
    x[0], x[1, 0] = distance, -distance
    report = check(pairs.relu_forward, pairs.relu_backward, (x,))
    assert report.passed and not report.findings
    assert not check(pairs.relu_forward, lambda dy, mask: dy, (x,)).passed


def test_tied_maxima_are_kinks():
    x = np.array([[1.0, 3.0, 3.0, 2.0], [0.5, 0.1, 0.2, 0.3]])
    report = check(pairs.max_forward, pairs.max_backward, (x,))
    assert report.passed and np.argwhere(report.arguments[0].kinks).tolist() == [[0, 1], [0, 2]]


def test_jumps_have_no_derivative_either():
    x = np.array([-1.0, 0.0, 1.0])
    report = check(lambda x: ((x > 0) + x, None), lambda dy, cache: dy, (x,))
    assert report.passed and report.arguments[0].kinks.tolist() == [False, True, False]


def test_a_smooth_bend_is_no_kink():
    x = np.array([-1.0, 0.0, 1e-6, 0.5])
    report = check(lambda x: (np.maximum(x, 0) ** 2, x), lambda dy, x: dy * 2 * np.maximum(x, 0), (x,))
    assert report.passed and not report.findings


def test_a_point_made_of_kinks_asks_for_another():
    report = check(pairs.relu_forward, pairs.relu_backward, (np.zeros((2, 3)),))
    assert report.passed and report.arguments[0].compared == 0 and np.isnan(report.max_relative_error)
    assert "another point" in report.findings[0].message and "not compared" in str(report)
    assert report.to_dict()["arguments"][0]["max_relative_error"] is None


# ---- mistakes ----


@settings(derandomize=True, deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), entry=st.integers(0, 39), relative=st.sampled_from([1.0, 1e-2, 1e-4]))
def test_a_single_wrong_entry_is_caught(seed, entry, relative):
    def backward(dy, cache):
        dx, dgamma, dbeta = batchnorm_backward(dy, cache)
        dx.flat[entry] *= 1 + relative
        return dx, dgamma, dbeta

    report = check(batchnorm_forward, backward, batchnorm_arguments(seed), seed=seed)
    x = report["x"]
    where = np.unravel_index(entry, (8, 5))
    if abs(x.numeric[where]) > 1e-4 * np.abs(x.numeric).max():
        assert not report.passed and x.worst_index == where and x.wrong.sum() == 1
        assert x.max_relative_error == pytest.approx(relative / (1 + relative), rel=1e-2)
        assert codes(report) == ["unrecognized"] and report.findings[0].argument == "x"


@pytest.mark.parametrize(
    ("region", "where"),
    [
        (lambda x: np.arange(8)[:, None] == [[3]], "at index 3 of axis 0 only"),
        (lambda x: (np.arange(8)[:, None] > 0) & (np.arange(5) > 1), "at index 1 to 7 of axis 0 only"),
        (lambda x: x < 0, "where x < 0"),
        (lambda x: np.pad(np.zeros((6, 3), bool), 1, constant_values=True), "on the border"),
    ],
)
def test_unrecognized_says_where_the_errors_sit(region, where):
    arguments = batchnorm_arguments()
    noise = np.random.default_rng(0).normal(size=(8, 5))

    def backward(dy, cache):
        dx, dgamma, dbeta = batchnorm_backward(dy, cache)
        return dx * (1 + noise * region(arguments[0])), dgamma, dbeta

    (finding,) = check(batchnorm_forward, backward, arguments).findings
    assert finding.code == "unrecognized" and where in finding.evidence["where"], finding
    assert where in finding.message


@pytest.mark.parametrize("scale", SCALES)
def test_a_small_mistake_is_caught_at_any_scale(scale):
    x, w, b = dense_arguments()

    def backward(dy, cache):
        dx, dw, db = dense_backward(dy, cache)
        return dx, dw * (1 + 1e-4), db

    report = check(dense_forward, backward, (x * scale, w, b))
    assert [a.passed for a in report.arguments] == [True, False, True]


def test_a_constant_ratio_is_named():
    report = check(pairs.tanh_forward, lambda dy, y: 8 * dy * (1 - y**2), (dense_arguments()[0],))
    (finding,) = report.findings
    assert finding.code == "factor-constant" and finding.evidence["ratio"] == pytest.approx(8, rel=1e-6)
    assert finding.evidence["entries"] == 12 and finding.evidence["residual"] < 1e-7


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda dx, dw, db: (dx, dw.T, db), "transpose it: .transpose(1, 0)"),
        (lambda dx, dw, db: (dx, dw, db[None]), "reshape it to (2,)"),
        (lambda dx, dw, db: (dx, dw[None], db), "reshape it to (3, 2)"),
        (lambda dx, dw, db: (dx, dw.ravel(), db), "reshape it to (3, 2)"),
    ],
)
def test_wrong_shape_says_what_mends_it(change, remedy):
    report = check(dense_forward, lambda dy, cache: change(*dense_backward(dy, cache)), dense_arguments())
    (finding,) = report.findings
    assert finding.code == "wrong-shape" and not report.passed
    assert remedy in finding.message and finding.evidence["remedy_agrees"]


def test_wrong_shape_advises_no_reshape_that_would_scramble():
    def backward(dy, cache):
        dx, dw, db = dense_backward(dy, cache)
        return dx, dw.T.ravel(), db

    (finding,) = check(dense_forward, backward, dense_arguments()).findings
    assert finding.code == "wrong-shape" and "reshape" not in finding.message


def test_wrong_shape_knows_the_gradient_of_another_argument():
    def backward(dy, cache):
        dx, dw, db = dense_backward(dy, cache)
        return dw, dx, db

    first, second = check(dense_forward, backward, dense_arguments()).findings
    assert first.code == second.code == "wrong-shape" and "crop" not in first.message + second.message
    assert "It is the gradient of w: return the gradients in the order" in first.message
    assert "It is the gradient of x:" in second.message


def test_wrong_shape_finds_the_sum_that_is_missing():
    report = check(dense_forward, lambda dy, cache: (*dense_backward(dy, cache)[:2], dy), dense_arguments())
    assert report.findings[0].evidence == {
        "shape": [4, 2],
        "expected": [2],
        "remedy": "sum over axis 0",
        "remedy_agrees": True,
    }


@pytest.mark.parametrize("instead", [1, (0, 1)])
def test_wrong_shape_finds_the_axis_that_should_have_been_summed_over(instead):
    def backward(dy, cache):
        return *dense_backward(dy, cache)[:2], dy.sum(axis=instead)

    (finding,) = check(dense_forward, backward, dense_arguments()).findings
    words = f"sum over axis 0 instead of {'axes (0, 1)' if instead == (0, 1) else 'axis 1'}; then its numbers are right"
    assert finding.code == "wrong-shape" and words in finding.message
    assert "crop" not in finding.message


def test_wrong_shape_names_the_axis_of_a_sum_of_products_too():
    def forward(x, gamma):
        return gamma * x, (x, gamma)

    def backward(dy, cache):
        x, gamma = cache
        return dy * gamma, (dy * x).sum(axis=1)

    (finding,) = check(forward, backward, (dense_arguments()[0], np.array([2.0, -1.0, 3.0]))).findings
    assert "sum over axis 0 instead of axis 1, perhaps" in finding.message


def test_wrong_shape_finds_the_crop_that_is_missing():
    def forward(x):
        padded = np.pad(x, 1)
        return padded[:-2] * 2 + padded[2:], None

    def backward(dy, cache):
        dpadded = np.zeros(len(dy) + 2)
        dpadded[:-2] += 2 * dy
        dpadded[2:] += dy
        return dpadded

    (finding,) = check(forward, backward, (np.arange(1.0, 6.0),)).findings
    assert finding.code == "wrong-shape" and "crop 2 from axis 0 (half at either end)" in finding.message
    assert finding.evidence["remedy_agrees"]


def test_not_repeatable():
    rng = np.random.default_rng(0)
    forward = functools.partial(pairs.dropout_forward, rate=0.5, rng=rng)
    x = dense_arguments()[0]
    report = check(forward, pairs.dropout_backward, (x,))
    assert codes(report) == ["not-repeatable"] and not report.passed and report.arguments[0].compared == 0
    state = rng.bit_generator.state
    assert check(forward, pairs.dropout_backward, (x,), rng=rng).passed  # named, it is wound back ...
    assert rng.bit_generator.state == state  # ... and left as it was


def test_backward_not_repeatable():
    def accumulating(dy, cache):
        total["dx"] = total.get("dx", 0) + pairs.tanh_backward(dy, cache)
        return total["dx"]

    def raising(dy, cache):
        return pairs.tanh_backward(dy, cache.pop())

    total = {}
    x = dense_arguments()[0]
    report = check(pairs.tanh_forward, accumulating, (x,))
    assert codes(report) == ["backward-not-repeatable"] and report.arguments[0].passed and not report.passed
    report = check(lambda x: (np.tanh(x), [np.tanh(x)]), raising, (x,))
    assert codes(report) == ["backward-not-repeatable"] and "IndexError" in report.findings[0].message


def test_argument_modified_by_forward():
    def forward(x, labels):
        x[x < 0] = 0
        labels[0] = 5
        return x, x > 0

    x, labels = dense_arguments()[0], np.arange(3)
    before = x.copy()
    report = check(forward, pairs.relu_backward, (x, labels))
    assert codes(report) == ["argument-modified"] * 2 and report.arguments[0].passed and not report.passed
    assert [f.argument for f in report.findings] == ["x", "labels"] and report.findings[0].evidence == {"by": "forward"}
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(labels, np.arange(3))


def test_argument_modified_by_backward():
    def backward(dy, cache):
        x, w = cache
        db = dy.sum(axis=0)
        dx, dw = dy @ w.T, x.T @ dy
        dy *= 0
        w += 1
        return dx, dw, db

    report = check(dense_forward, backward, dense_arguments())
    modified = [(f.argument, f.evidence["by"]) for f in report.findings if f.code == "argument-modified"]
    assert modified == [("w", "backward"), ("dy", "backward")] and not report.passed


def test_non_finite_gradient():
    report = check(lambda x: (np.sqrt(x**2 + 0), x), lambda dy, x: dy * x / np.sqrt(x**2), (np.array([1.0, 0.0, 2.0]),))
    finding = report.findings[0]
    assert finding.code == "non-finite" and finding.argument == "x" and not report.passed
    assert finding.evidence == {"count": 1, "indices": [(1,)]}
    report = check(pairs.tanh_forward, lambda dy, y: dy * (1 - y**2) / (y > 0), (np.array([1.0, -1.0, 2.0]),))
    assert codes(report) == ["non-finite"] and report.arguments[0].max_relative_error == np.inf
    assert report.to_dict()["arguments"][0]["worst"][0]["analytic"] is None


def test_non_finite_output():
    report = check(lambda x: (np.log(x), x), lambda dy, x: dy / x, (np.array([1.0, -2.0, 0.0]),))
    assert codes(report) == ["non-finite"] and report.findings[0].argument is None
    assert report.findings[0].evidence == {"output": 0, "count": 2, "indices": [(1,), (2,)]}


@pytest.mark.parametrize("end", [lambda y: y, lambda y: y.astype(float), lambda y: y.astype(float) / 3])
def test_low_precision_forward(end):
    def forward(x, w, b):
        y, _ = dense_forward(*(a.astype(np.float32) for a in (x, w, b)))
        return end(y), (x, w, end(np.ones(1, np.float32)))

    def backward(dy, cache):
        x, w, factor = cache
        return dense_backward(dy * np.round(factor * 3) / 3, (x, w))

    report = check(forward, backward, dense_arguments())
    assert codes(report) == ["low-precision"] and report.findings[0].argument is None and not report.passed
    expected = "y is float32" if end(np.zeros(1, np.float32)).dtype == np.float32 else "did not move"
    assert expected in report.findings[0].evidence["sign"]
    assert all(a.passed for a in report.arguments)  # right as far as can be seen


def test_low_precision_on_the_way():
    def forward(x, gamma, beta):
        y, cache = batchnorm_forward(x, gamma, beta)
        return (y + y.astype(np.float32)) / 2, cache

    assert "low-precision" in codes(check(forward, batchnorm_backward, batchnorm_arguments()))


def test_low_precision_backward():
    def backward(dy, cache):
        dx, dgamma, dbeta = batchnorm_backward(dy, cache)
        return dx.astype(np.float32), dgamma, dbeta

    report = check(batchnorm_forward, backward, batchnorm_arguments())
    assert codes(report) == ["low-precision"] and report.findings[0].argument == "x" and not report.passed


def test_float32_arguments_are_checked_in_float64():
    arguments = [a.astype(np.float32) for a in batchnorm_arguments()]
    report = check(batchnorm_forward, batchnorm_backward, arguments)
    assert report.passed and not report.findings and report.max_relative_error < 1e-8


def test_zero_gradient():
    report = check(dense_forward, lambda dy, c: (*dense_backward(dy, c)[:2], np.zeros(2)), dense_arguments())
    assert codes(report) == ["zero-gradient"] and report.findings[0].argument == "b"
    assert report.findings[0].evidence["count"] == 2

    def first_row_missing(dy, cache):
        dx, dw, db = dense_backward(dy, cache)
        dx[0] = 0
        return dx, dw, db

    (finding,) = check(dense_forward, first_row_missing, dense_arguments()).findings
    assert finding.code == "zero-gradient" and "3 of 12 entries" in finding.message


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (lambda dy, y: 1 - y**2, "the same for another dy"),
        (lambda dy, y: dy**2 * (1 - y**2), "not linear in dy"),
        (lambda dy, y: y + dy, "not linear in dy"),
    ],
)
def test_upstream_ignored(backward, message):
    report = check(pairs.tanh_forward, backward, (dense_arguments()[0],))
    assert codes(report) == ["upstream-ignored"] and not report.passed and message in report.findings[0].message


def test_ones_as_upstream_gradient_would_hide_what_a_random_one_shows():
    def without_mean_and_variance_terms(dy, cache):
        _, gamma, std = cache
        return gamma / std * (dy - dy.mean(axis=0)), *batchnorm_backward(dy, cache)[1:]

    assert not check(batchnorm_forward, without_mean_and_variance_terms, batchnorm_arguments())["x"].passed


# ---- what comes in ----


def test_a_loss_gets_a_random_number_as_dy():
    seen = []

    def backward(dy, cache):
        seen.append(dy)
        return pairs.cross_entropy_backward(dy, cache)

    forward, _, arguments = correct_pairs(np.random.default_rng(0))["cross-entropy"]
    assert check(forward, backward, arguments).passed
    assert all(type(dy) is float for dy in seen) and len(set(map(abs, seen))) > 1 and 1.0 not in seen


def test_a_bare_gradient_of_a_loss_belongs_to_the_prediction():
    prediction, target = np.random.default_rng(0).normal(size=(2, 3, 4))

    def forward(prediction, target):
        return float(np.mean((prediction - target) ** 2)), prediction - target

    report = check(forward, lambda dy, error: dy * 2 * error / error.size, (prediction, target))
    assert report.passed and [a.name for a in report.arguments] == ["prediction"] and report.unchecked == ["target"]
    assert "gave no gradient for it: target" in str(report)
    both = check(forward, lambda dy, e: (dy * 2 * e / e.size, -dy * 2 * e / e.size), (prediction, target))
    assert both.passed and len(both.arguments) == 2


def test_several_outputs():
    def forward(x, w):
        return (x @ w, float(np.sum(x**2))), (x, w)

    def backward(dy, cache):
        (dproduct, dsum), (x, w) = dy, cache
        return dproduct @ w.T + 2 * dsum * x, x.T @ dproduct

    def only_the_first(dy, cache):
        return dy[0] @ cache[1].T, cache[0].T @ dy[0]

    x, w, _ = dense_arguments()
    assert check(forward, backward, (x, w)).passed
    assert not check(forward, only_the_first, (x, w))["x"].passed


def test_constants_are_left_alone():
    def forward(x, n, flag, mode, nothing, rate):
        assert type(n) is int and type(flag) is bool and mode == "sum" and nothing is None and type(rate) is float
        return x * n * rate, n * rate

    x = dense_arguments()[0]
    constants = (3, True, "sum", None, 0.25)
    assert check(forward, lambda dy, factor: dy * factor, (x, *constants)).passed
    assert check(forward, lambda dy, factor: (dy * factor, *[None] * 5), (x, *constants)).passed


def test_a_number_is_checked_when_backward_gives_its_gradient():
    def forward(x, factor):
        return x * factor, (x, factor)

    x = dense_arguments()[0]
    report = check(forward, lambda dy, c: (dy * c[1], float((dy * c[0]).sum())), (x, 0.7))
    assert report.passed and [a.shape for a in report.arguments] == [(4, 3), ()]
    report = check(forward, lambda dy, c: (dy * c[1], 2 * float((dy * c[0]).sum())), (x, 0.7))
    assert [a.passed for a in report.arguments] == [True, False] and report["factor"].worst_index == ()


def test_arguments_left_to_their_default_may_get_none():
    def forward(x, w, b=None):
        return x @ w, (x, w)

    x, w, _ = dense_arguments()
    assert check(forward, lambda dy, c: (*dense_backward(dy, c)[:2], None), (x, w)).passed
    assert check(forward, lambda dy, c: (*dense_backward(dy, c)[:2], None), (x, w, None)).passed
    assert check(forward, lambda dy, c: dense_backward(dy, c)[:2], (x, w, None)).passed


def test_a_gradient_of_integers_is_not_looked_at():
    forward, backward, arguments = correct_pairs(np.random.default_rng(0))["cross-entropy"]
    report = check(forward, lambda dy, cache: (backward(dy, cache), np.full(6, 3.0)), arguments)
    assert report.passed and [a.name for a in report.arguments] == ["logits"]


def test_buffers_may_be_used_again():
    y, dx = np.zeros((4, 3)), np.zeros((4, 3))

    def forward(x):
        return np.multiply(x, x, out=y), x

    report = check(forward, lambda dy, x: np.multiply(dy, 2 * x, out=dx), (dense_arguments()[0],))
    assert report.passed and not report.findings


def test_a_generator_is_wound_back_and_not_used_up():
    rng = np.random.default_rng(5)
    state = rng.bit_generator.state
    x = dense_arguments()[0]
    assert check(pairs.dropout_forward, pairs.dropout_backward, (x, 0.5, rng)).passed
    assert rng.bit_generator.state == state
    report = check(pairs.dropout_forward, lambda dy, mask: dy, (x, 0.5, rng))
    assert not report.passed


def test_a_bare_array_is_one_argument_and_layout_does_not_matter():
    x = np.asfortranarray(np.random.default_rng(0).normal(size=(6, 4)))[::-1, ::2]
    assert check(pairs.tanh_forward, pairs.tanh_backward, x).passed


def test_names_come_from_the_signature_unless_given():
    x, w, b = dense_arguments()
    assert [a.name for a in check(dense_forward, dense_backward, (x, w, b)).arguments] == ["x", "w", "b"]
    named = check(dense_forward, dense_backward, (x, w, b), names=["images", "kernel", "bias"])
    assert [a.name for a in named.arguments] == ["images", "kernel", "bias"]
    assert check(lambda *a: dense_forward(*a), dense_backward, (x, w, b))["argument 2"].shape == (2,)


def test_same_seed_same_report():
    one, two = (check(batchnorm_forward, batchnorm_backward, batchnorm_arguments(), seed=4).to_dict() for _ in "ab")
    assert one == two
    other = check(batchnorm_forward, batchnorm_backward, batchnorm_arguments(), seed=5).to_dict()
    assert one["arguments"] != other["arguments"]


def large_dense_arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 50)), rng.normal(size=(50, 30)), rng.normal(size=30)


def test_large_arguments_are_looked_at_along_directions_and_sampled():
    report = check(dense_forward, dense_backward, large_dense_arguments(), max_evaluations=1000)
    assert report.passed and not report.findings and report.evaluations < 600
    x, w, b = report.arguments
    assert b.compared == 30 and b.directions == 0
    assert x.compared == w.compared == 30 and x.directions == w.directions == 3
    assert "30 of 1,000 entries of x" in str(report) and "30 of 1,500 entries of w" in str(report)
    assert "3 through x, 3 through w" in " ".join(str(report).split())
    other = check(dense_forward, dense_backward, large_dense_arguments(), max_evaluations=1000, seed=1)
    assert not np.array_equal(np.isnan(other["x"].numeric), np.isnan(x.numeric))


@pytest.mark.parametrize("where", [(0, 0), (17, 23), (49, 29)])
def test_one_wrong_entry_of_many_is_found_along_directions(where):
    def backward(dy, cache):
        dx, dw, db = dense_backward(dy, cache)
        dw[where] *= 1.001
        return dx, dw, db

    report = check(dense_forward, backward, large_dense_arguments(), max_evaluations=1000)
    assert [a.passed for a in report.arguments] == [True, False, True]
    assert report["w"].worst_index == where and report["w"].wrong.sum() == 1 and report.evaluations < 1500


def test_directions_that_disagree_fail_even_if_no_entry_is_found():
    def backward(dy, cache):
        dx, dw, db = dense_backward(dy, cache)
        dw[17, 23] *= 1.1
        return dx, dw, db

    report = check(dense_forward, backward, large_dense_arguments(), max_evaluations=10)
    assert not report.passed and report["w"].compared < 1500
    assert report.findings[0].code == "unrecognized" and report.findings[0].argument == "w"


# ---- bad use ----


@pytest.mark.parametrize(
    ("forward", "backward", "arguments", "error", "message"),
    [
        (
            lambda x: x * 2,
            None,
            (np.ones(3),),
            TypeError,
            r"pair \(y, cache\), got an array of float64 with shape \(3,\)",
        ),
        (lambda x: (x > 0, x), None, (np.ones(3),), TypeError, "y must be an array of floats"),
        (lambda x: (None, x), None, (np.ones(3),), TypeError, "got None"),
        (
            dense_forward,
            lambda dy, c: dense_backward(dy, c)[:2],
            dense_arguments(),
            ValueError,
            r"2 gradients, expected 3",
        ),
        (
            dense_forward,
            lambda dy, c: None,
            dense_arguments(),
            ValueError,
            r"None \(is its return missing\?\), expected 3",
        ),
        (dense_forward, lambda dy, c: {"dx": dy}, dense_arguments(), ValueError, r"a dict with 'dx', expected 3"),
        (dense_forward, lambda dy, c: dy, dense_arguments(), ValueError, r"1 gradient, expected 3 .*x, w, b"),
        (pairs.tanh_forward, lambda dy, c: None, (np.ones(3),), ValueError, "None for every argument"),
        (
            pairs.tanh_forward,
            lambda dy, c: ["a"],
            (np.ones(3),),
            TypeError,
            "gradient of x must be an array of numbers",
        ),
        (pairs.tanh_forward, None, (np.array([1.0, np.nan]),), ValueError, "x holds 1 NaN or infinite"),
        (pairs.tanh_forward, None, (np.arange(3),), TypeError, "no argument is an array of floats.*int64"),
        (pairs.tanh_forward, None, (), TypeError, "there are none"),
        (pairs.tanh_forward, None, 3.0, TypeError, "arguments takes a tuple"),
    ],
)
def test_bad_use_says_what_to_do(forward, backward, arguments, error, message):
    with pytest.raises(error, match=message):
        check(forward, backward, arguments)


def test_bad_options():
    with pytest.raises(ValueError, match="names takes one name for each of the 1 arguments"):
        check(pairs.tanh_forward, pairs.tanh_backward, (np.ones(3),), names=["x", "y"])
    with pytest.raises(ValueError, match="must be positive"):
        check(pairs.tanh_forward, pairs.tanh_backward, (np.ones(3),), tolerance=0)


def test_an_error_inside_forward_says_where_the_checker_was():
    def forward(x):
        if x[0] != 1.0 and abs(x[0] - 1) > 2.0**-12:
            raise ValueError("x must be 1")
        return x * 2, None

    with pytest.raises(ValueError, match="x must be 1") as caught:
        check(forward, lambda dy, cache: 2 * dy, (np.array([1.0, 900.0]),))
    assert "moved one entry of x" in caught.value.__notes__[0]


# ---- the report ----


def failed_report():
    def backward(dy, cache):
        dx, dgamma, dbeta = batchnorm_backward(dy, cache)
        return 3 * dx, dgamma[None], dbeta

    return check(batchnorm_forward, backward, batchnorm_arguments())


def test_raise_if_failed():
    check(batchnorm_forward, batchnorm_backward, batchnorm_arguments()).raise_if_failed()
    report = failed_report()
    with pytest.raises(GradientError) as caught:
        report.raise_if_failed()
    assert isinstance(caught.value, AssertionError) and str(caught.value) == str(report)


def test_report_as_text_fits_a_terminal():
    text = str(failed_report())
    assert text.startswith("Gradient check of batchnorm_forward and backward: FAILED")
    for part in (
        "Worst entries of x (40 of 40 are wrong)",
        "factor-constant, x:",
        "wrong-shape, gamma:",
        "What to try next",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 88
    passed = str(check(batchnorm_forward, batchnorm_backward, batchnorm_arguments()))
    assert "passed" in passed and "Worst" not in passed and "What" not in passed and len(passed.splitlines()) == 6


def test_report_as_json():
    report = failed_report()
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["passed"] is False and data["findings"][0]["code"] == "factor-constant"
    x, gamma, _ = data["arguments"]
    assert x["worst_index"] == list(report["x"].worst_index) and x["max_relative_error"] == pytest.approx(2 / 3)
    assert len(x["worst"]) == 5 and x["worst"][0]["analytic"] == pytest.approx(3 * x["worst"][0]["numeric"])
    assert gamma["max_relative_error"] is None and gamma["passed"] is False
    with pytest.raises(KeyError, match="no argument 'w'"):
        report["w"]


def test_plot_writes_a_figure(tmp_path):
    figure = failed_report().plot(tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    assert "FAILED" in figure.get_suptitle()
    check(*correct_pairs(np.random.default_rng(0))["convolution"], max_evaluations=200).plot(tmp_path / "sampled.png")
    check(pairs.relu_forward, pairs.relu_backward, (np.zeros(4),)).plot(tmp_path / "empty.png")
    check(lambda t: (t**2, t), lambda dy, t: 2 * t * dy, (np.array(2.0),)).plot(tmp_path / "scalar.png")


def test_gradcheck_needs_numpy_only():
    code = (
        "import sys, minicnn.gradcheck; "
        "print(sorted(m for m in sys.modules if m.startswith('minicnn.') and not m.startswith('minicnn.gradcheck')), "
        "'numba' in sys.modules, 'matplotlib' in sys.modules)"
    )
    root = Path(__file__).parents[1]
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert result.stdout.split("\n")[0] == "[] False False"
