"""The losses' values: by hand, at extreme logits, and for labels that do not fit."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minicnn import BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy
from minicnn.layers import NotReadyError


def test_softmax_cross_entropy_by_hand():
    loss = SoftmaxCrossEntropy()
    logits = np.log(np.array([[1.0, 2.0, 1.0], [3.0, 1.0, 4.0]]))  # probabilities 1/4 1/2 1/4 and 3/8 1/8 4/8
    assert loss.forward(logits, np.array([1, 0])) == pytest.approx((math.log(2) + math.log(8 / 3)) / 2, rel=1e-14)
    assert_allclose(loss.backward(), np.array([[1 / 4, -1 / 2, 1 / 4], [-5 / 8, 1 / 8, 4 / 8]]) / 2, rtol=1e-14)
    assert_allclose(loss.probabilities(logits)[0], [1 / 4, 1 / 2, 1 / 4], rtol=1e-14)
    assert loss.correct(logits, np.array([1, 0])) == 1


def test_class_weights_divide_by_the_weights_of_the_labels():
    logits = np.log(np.array([[1.0, 1.0], [1.0, 3.0]]))
    loss = SoftmaxCrossEntropy(class_weights=[1, 3]).forward(logits, np.array([0, 1]))
    assert loss == pytest.approx((1 * math.log(2) + 3 * math.log(4 / 3)) / 4, rel=1e-14)


def test_label_smoothing_mixes_with_the_uniform_distribution():
    logits = np.log(np.array([[1.0, 3.0]]))
    loss = SoftmaxCrossEntropy(label_smoothing=0.2).forward(logits, np.array([1]))
    assert loss == pytest.approx(0.9 * math.log(4 / 3) + 0.1 * math.log(4), rel=1e-14)


def test_binary_cross_entropy_by_hand():
    loss = BinaryCrossEntropy()
    logits = np.log(np.array([[3.0], [1.0]]))  # probabilities 3/4 and 1/2
    assert loss.forward(logits, np.array([1, 0])) == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, rel=1e-14)
    assert_allclose(loss.backward(), [[-1 / 8], [1 / 4]], rtol=1e-14)
    assert loss.correct(np.array([[2.0], [-1.0], [3.0]]), np.array([1, 1, 1])) == 2


def test_mean_squared_error_by_hand():
    loss = MeanSquaredError()
    assert loss.forward(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 4.0]])) == 13 / 4
    assert_allclose(loss.backward(), [[0, 1], [1.5, 0]])
    assert loss.forward(np.array([[1.0], [2.0]]), np.array([2.0, 2.0])) == 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("big", [1e4, -1e4])
def test_extreme_logits_stay_finite(dtype, big):
    softmax, binary = SoftmaxCrossEntropy(), BinaryCrossEntropy()
    assert softmax.forward(np.array([[big, 0], [0, big]], dtype), np.array([0, 0])) == pytest.approx(5e3, rel=1e-6)
    assert np.isfinite(softmax.backward()).all()
    assert binary.forward(np.array([[big], [big]], dtype), np.array([0, 1])) == pytest.approx(5e3, rel=1e-6)
    assert np.isfinite(binary.backward()).all()
    assert np.abs(binary.backward()).max() == 0.5


@pytest.mark.parametrize(
    ("loss", "logits", "labels", "error", "message"),
    [
        (SoftmaxCrossEntropy(), np.zeros((2, 3)), [0, 3], ValueError, "from 0 to 2 for 3 logits, got 0 to 3"),
        (SoftmaxCrossEntropy(), np.zeros((2, 3)), [-1, 0], ValueError, "Count classes from 0"),
        (SoftmaxCrossEntropy(), np.zeros((2, 3)), [0.0, 1.0], TypeError, r"labels\.astype\(int\)"),
        (SoftmaxCrossEntropy(), np.zeros((2, 3)), np.eye(3)[:2], TypeError, r"labels\.argmax\(axis=1\)"),
        (SoftmaxCrossEntropy(), np.zeros((2, 3)), [0], ValueError, r"shape \(N,\)"),
        (SoftmaxCrossEntropy(), np.zeros((0, 3)), np.zeros(0, int), ValueError, "N > 0"),
        (SoftmaxCrossEntropy(), np.zeros(3), [0], ValueError, r"axes \(N, K\)"),
        (SoftmaxCrossEntropy(), np.zeros((2, 3), int), [0, 1], TypeError, "float32 or float64"),
        (SoftmaxCrossEntropy(class_weights=[1, 2]), np.zeros((1, 3)), [0], ValueError, "takes 3 numbers"),
        (SoftmaxCrossEntropy(class_weights=[0, 1]), np.zeros((1, 2)), [0], ValueError, "nothing to average"),
        (BinaryCrossEntropy(), np.zeros((2, 1)), [0, 2], ValueError, "labels 0 and 1, got 2"),
        (BinaryCrossEntropy(), np.zeros((2, 1)), [0.5, 1], ValueError, "labels 0 and 1, got 0.5"),
        (BinaryCrossEntropy(), np.zeros((2, 2)), [0, 1], ValueError, "shape of logits"),
        (BinaryCrossEntropy(), np.zeros((0, 1)), [], ValueError, "at least one row"),
        (MeanSquaredError(), np.zeros((2, 3)), np.zeros((3, 2)), ValueError, "target must have the shape"),
    ],
)
def test_labels_that_do_not_fit(loss, logits, labels, error, message):
    with pytest.raises(error, match=message):
        loss.forward(logits, np.asarray(labels))


def test_bad_options_are_refused_at_once():
    with pytest.raises(ValueError, match="label_smoothing"):
        SoftmaxCrossEntropy(label_smoothing=1.1)


def test_backward_before_forward_says_what_to_do():
    with pytest.raises(NotReadyError, match="forward pass first"):
        BinaryCrossEntropy().backward()


def test_probabilities_need_classes():
    with pytest.raises(TypeError, match="works on numbers"):
        MeanSquaredError().probabilities(np.zeros((1, 1)))
