"""Losses."""

import numpy as np

from minicnn import BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy
from minicnn.layers.layer import NotReadyError

from .row import Bad

Z = np.zeros((4, 3), np.float32)
LABELS = np.array([0, 1, 2, 0])
ONE = np.zeros((4, 1), np.float32)
CE, BCE, MSE = SoftmaxCrossEntropy, BinaryCrossEntropy, MeanSquaredError
CLASS = "from 0 to 2"

ROWS = [
    Bad("CE: smoothing 2", lambda t: CE(label_smoothing=2), ValueError, "label_smoothing", "2", "<= 1"),
    Bad("CE: smoothing negative", lambda t: CE(-0.1), ValueError, "label_smoothing", "-0.1", "0 <="),
    Bad("CE: smoothing text", lambda t: CE("some"), TypeError, "label_smoothing", "'some'", "number"),
    Bad("CE: weights text", lambda t: CE(class_weights="abc"), TypeError, "class_weights", "'abc'", "numbers"),
    Bad(
        "CE: weights negative",
        lambda t: CE(class_weights=[1, -1]),
        ValueError,
        "class_weights",
        "[1, -1]",
        "at least 0",
    ),
    Bad(
        "CE: weights NaN",
        lambda t: CE(class_weights=[1, float("nan")]),
        ValueError,
        "class_weights",
        "nan",
        "at least 0",
    ),
    Bad(
        "CE: weights a number",
        lambda t: CE(class_weights=2.0),
        ValueError,
        "class_weights",
        "2.0",
        "one for each class",
    ),
    Bad(
        "CE: weights ragged",
        lambda t: CE(class_weights=[[1], [1, 2]]),
        TypeError,
        "class_weights",
        "[[1], [1, 2]]",
        "numbers",
    ),
    Bad(
        "CE: weights too few",
        lambda t: CE(class_weights=[1, 2]).forward(Z, LABELS),
        ValueError,
        "class_weights",
        "[1, 2]",
        "3 numbers",
    ),
    Bad(
        "CE: weights all 0",
        lambda t: CE(class_weights=[0, 0, 0]).forward(Z, LABELS),
        ValueError,
        "class weight",
        "0",
        "class_weights",
    ),
    Bad("CE: logits a list", lambda t: CE().forward([[0.0, 1.0]], [0]), TypeError, "logits", "list", "asarray"),
    Bad("CE: logits one axis", lambda t: CE().forward(Z[0], LABELS), ValueError, "logits", "(3,)", "(N, K)"),
    Bad("CE: logits of int", lambda t: CE().forward(Z.astype(int), LABELS), TypeError, "logits", "int64", "asarray"),
    Bad(
        "CE: labels one-hot",
        lambda t: CE().forward(Z, np.eye(3, dtype=int)[LABELS]),
        ValueError,
        "abels",
        "(4, 3)",
        "(N,)",
    ),
    Bad(
        "CE: labels one-hot floats",
        lambda t: CE().forward(Z, np.eye(3)[LABELS]),
        TypeError,
        "abels",
        "float64",
        "argmax",
    ),
    Bad(
        "CE: labels as text",
        lambda t: CE().forward(Z, ["a", "b", "c", "a"]),
        TypeError,
        "abels",
        "<U1",
        "whole numbers",
    ),
    Bad("CE: labels None", lambda t: CE().forward(Z, None), TypeError, "abels", "object", "whole numbers"),
    Bad("CE: labels from 1", lambda t: CE().forward(Z, LABELS + 1), ValueError, "abels", "1 to 3", CLASS),
    Bad("CE: labels negative", lambda t: CE().forward(Z, LABELS - 1), ValueError, "abels", "-1 to 1", CLASS),
    Bad("CE: labels huge", lambda t: CE().forward(Z, LABELS + 2**40), ValueError, "abels", str(2**40), CLASS),
    Bad("CE: labels too few", lambda t: CE().forward(Z, LABELS[:3]), ValueError, "abels", "(3,)", "(4, 3)"),
    Bad("CE: empty batch", lambda t: CE().forward(Z[:0], LABELS[:0]), ValueError, "abels", "(0,)", "N > 0"),
    Bad(
        "CE: ragged labels",
        lambda t: CE().forward(Z, [[0], [1, 2]]),
        TypeError,
        "abels",
        "[[0], [1, 2]]",
        "whole numbers",
    ),
    Bad(
        "CE: backward first",
        lambda t: CE().backward(),
        NotReadyError,
        "SoftmaxCrossEntropy",
        "backward",
        "forward pass first",
    ),
    Bad("CE: backward of None", lambda t: t.loss.backward(None), TypeError, "dy", "None", "number"),
    Bad("CE: backward of NaN", lambda t: t.loss.backward(float("nan")), ValueError, "dy", "nan", "finite"),
    Bad("CE: classes of a row", lambda t: CE().classes(Z[0]), ValueError, "logits", "(3,)", "(N, K)"),
    Bad("CE: correct", lambda t: CE().correct(Z, LABELS[:2]), ValueError, "abels", "(2,)", "(4, 3)"),
    Bad("CE: probabilities of a list", lambda t: CE().probabilities([[0.0]]), TypeError, "logits", "list", "asarray"),
    Bad("BCE: two logits", lambda t: BCE().forward(Z[:, :2], LABELS), ValueError, "labels", "(4,)", "(4, 2)"),
    Bad("BCE: label 2", lambda t: BCE().forward(ONE, LABELS), ValueError, "labels", "2", "SoftmaxCrossEntropy"),
    Bad("BCE: label NaN", lambda t: BCE().forward(ONE, [0, 1, np.nan, 0]), ValueError, "labels", "nan", "0 and 1"),
    Bad("BCE: labels text", lambda t: BCE().forward(ONE, ["0", "1", "1", "0"]), TypeError, "labels", "<U1", "numbers"),
    Bad("BCE: labels None", lambda t: BCE().forward(ONE, None), TypeError, "labels", "object", "numbers"),
    Bad("BCE: empty", lambda t: BCE().forward(ONE[:0], []), ValueError, "labels", "(0, 1)", "at least one row"),
    Bad("BCE: logits text", lambda t: BCE().forward("abc", [0]), TypeError, "logits", "str", "asarray"),
    Bad("BCE: classes of three", lambda t: BCE().classes(Z), ValueError, "logits", "(4, 3)", "(N, 1)"),
    Bad("BCE: backward first", lambda t: BCE().backward(), NotReadyError, "BinaryCrossEntropy", "backward", "forward"),
    Bad("MSE: shapes", lambda t: MSE().forward(Z, Z[:, :2]), ValueError, "target", "(4, 2)", "shape of prediction"),
    Bad("MSE: target text", lambda t: MSE().forward(ONE, list("abcd")), TypeError, "target", "<U1", "numbers"),
    Bad(
        "MSE: target complex",
        lambda t: MSE().forward(ONE, np.ones((4, 1), complex)),
        TypeError,
        "target",
        "complex",
        "numbers",
    ),
    Bad("MSE: target None", lambda t: MSE().forward(ONE, None), TypeError, "target", "object", "numbers"),
    Bad("MSE: prediction int", lambda t: MSE().forward(LABELS, LABELS), TypeError, "prediction", "int64", "asarray"),
    Bad(
        "MSE: probabilities",
        lambda t: MSE().probabilities(Z),
        TypeError,
        "probabilities",
        "MeanSquaredError",
        "SoftmaxCrossEntropy",
    ),
    Bad("MSE: backward first", lambda t: MSE().backward(), NotReadyError, "MeanSquaredError", "backward", "forward"),
]
