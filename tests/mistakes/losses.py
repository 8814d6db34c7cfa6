"""Losses: the mean over a batch of cross-entropy, squared, absolute and hinge errors. All gradients end in dy / N."""

import numpy as np

from .activations import sigmoid_forward
from .mistake import Operation, mistake

# ---- softmax and cross-entropy: (N, K), sequences (N, T, K), images (N, K, H, W) ----


def cross_entropy_forward(logits, labels, axis=-1):
    shifted = logits - logits.max(axis=axis, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    target = one_hot(labels, logits.shape[axis], axis)
    return float(-(target * log_p).sum() / labels.size), (np.exp(log_p), target, labels)


def cross_entropy_backward(dy, cache):
    p, target, labels = cache
    return dy * (p - target) / labels.size


def one_hot(labels, classes, axis=-1):
    return np.moveaxis(np.eye(classes)[labels], -1, axis)


def images_forward(logits, labels):
    return cross_entropy_forward(logits, labels, axis=1)


def draw_rows(rng, n, k):
    return rng.normal(size=(n, k)), rng.integers(0, k, n)


def draw_sequences(rng, n, t, k):
    return rng.normal(size=(n, t, k)), rng.integers(0, k, (n, t))


def draw_images(rng, n, k, h, w):
    return rng.normal(size=(n, k, h, w)), rng.integers(0, k, (n, h, w))


rows = Operation("cross-entropy", cross_entropy_forward, cross_entropy_backward, draw_rows, {"n": 6, "k": 4})
sequences = Operation(
    "cross-entropy of sequences",
    cross_entropy_forward,
    cross_entropy_backward,
    draw_sequences,
    {"n": 3, "t": 5, "k": 4},
)
images = Operation(
    "cross-entropy of pixels", images_forward, cross_entropy_backward, draw_images, {"n": 2, "k": 4, "h": 3, "w": 5}
)


@mistake("label-term-missing", rows, sequences, images)
def probabilities_alone(dy, cache):
    """The logit of the label has -1 beside its probability."""
    p, _, labels = cache
    return dy * p / labels.size


@mistake("label-term-missing", rows)
def one_subtracted_in_whole_rows(dy, cache):
    """labels counts columns; p[labels] are rows."""
    p, _, labels = cache
    dlogits = p.copy()
    dlogits[labels] -= 1
    return dy * dlogits / labels.size


@mistake("term-missing", rows, sequences, images)
def minus_one_in_place_of_the_probability(dy, cache):
    """One is taken off the label's probability, which stays."""
    p, target, labels = cache
    return dy * np.where(target == 1, -1.0, p) / labels.size


@mistake("diagonal-jacobian", rows, sequences, images)
def slope_of_a_sigmoid(dy, cache):
    """p - t: the slope of softmax and that of the logarithm, put together."""
    p, _, labels = cache
    return dy * p * (1 - p) / labels.size


@mistake("factor-batch", rows)
def sum_for_mean(dy, cache):
    """The loss is a mean: 1/N."""
    p, target, _ = cache
    return dy * (p - target)


@mistake("factor-batch", rows, sequences, images)
def divided_by_the_batch_twice(dy, cache):
    """Once is enough."""
    return cross_entropy_backward(dy, cache) / len(cache[0])


@mistake("factor-constant", sequences)
def divided_by_the_batch_only(dy, cache):
    """The mean ran over N T labels."""
    p, target, _ = cache
    return dy * (p - target) / len(p)


@mistake("factor-constant", images)
def divided_by_all_logits(dy, cache):
    """The mean ran over the labels, not over the classes."""
    p, target, _ = cache
    return dy * (p - target) / p.size


@mistake("sign-flipped", rows, images)
def labels_minus_probabilities(dy, cache):
    """What is too likely has to come down: p - t."""
    p, target, labels = cache
    return dy * (target - p) / labels.size


@mistake("upstream-ignored", rows, sequences)
def as_if_dy_were_one(dy, cache):
    """dy is 1 only as long as nothing follows the loss."""
    p, target, labels = cache
    return (p - target) / labels.size


def smoothed_forward(logits, labels, smoothing=0.2):
    _, (p, target, labels) = cross_entropy_forward(logits, labels)
    q = (1 - smoothing) * target + smoothing / logits.shape[1]
    log_p = logits - logits.max(axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    return float(-(q * log_p).sum(axis=1).mean()), (p, q, target)


def smoothed_backward(dy, cache):
    p, q, _ = cache
    return dy * (p - q) / len(p)


smoothed = Operation("smoothed cross-entropy", smoothed_forward, smoothed_backward, draw_rows, {"n": 6, "k": 4})


@mistake("term-missing", smoothed)
def smoothing_forgotten(dy, cache):
    """The targets are q, no longer 0 and 1."""
    p, _, target = cache
    return dy * (p - target) / len(p)


# ---- binary cross-entropy with logits ----


def binary_forward(logits, labels):
    loss = np.maximum(logits, 0) - labels * logits + np.log1p(np.exp(-np.abs(logits)))
    return float(loss.mean()), (sigmoid_forward(logits)[0], labels)


def binary_backward(dy, cache):
    p, labels = cache
    return dy * (p - labels) / labels.size


def draw_binary(rng, n):
    return rng.normal(size=n), rng.integers(0, 2, n)


binary = Operation("binary cross-entropy", binary_forward, binary_backward, draw_binary, {"n": 7})


@mistake("label-term-missing", binary)
def probability_alone(dy, cache):
    """p - t: the label is missing."""
    p, labels = cache
    return dy * p / labels.size


@mistake("factor-batch", binary)
def not_averaged(dy, cache):
    """The loss is a mean: 1/N."""
    p, labels = cache
    return dy * (p - labels)


@mistake("sign-flipped", binary)
def label_minus_probability(dy, cache):
    """What is too likely has to come down: p - t."""
    p, labels = cache
    return dy * (labels - p) / labels.size


# ---- squared, absolute and hinge errors ----


def squared_forward(prediction, target):
    return float(np.mean((prediction - target) ** 2)), prediction - target


def squared_backward(dy, error):
    return 2 * dy * error / error.size, -2 * dy * error / error.size


def half_squared_forward(prediction, target):
    return 0.5 * squared_forward(prediction, target)[0], prediction - target


def half_squared_backward(dy, error):
    return dy * error / error.size, -dy * error / error.size


def absolute_forward(prediction, target):
    return float(np.mean(np.abs(prediction - target))), prediction - target


def absolute_backward(dy, error):
    return dy * np.sign(error) / error.size, -dy * np.sign(error) / error.size


def draw_regression(rng, n, c):
    return rng.normal(size=(n, c)), rng.normal(size=(n, c))


REGRESSION = {"n": 5, "c": 3}
squared = Operation("squared error", squared_forward, squared_backward, draw_regression, REGRESSION)
half_squared = Operation(
    "half the squared error", half_squared_forward, half_squared_backward, draw_regression, REGRESSION
)
absolute = Operation("absolute error", absolute_forward, absolute_backward, draw_regression, REGRESSION)


@mistake("factor-constant", squared)
def two_forgotten(dy, error):
    """The derivative of e^2 is 2 e."""
    return dy * error / error.size, -dy * error / error.size


@mistake("factor-constant", half_squared)
def two_too_many(dy, error):
    """The half takes the two away."""
    return 2 * dy * error / error.size, -2 * dy * error / error.size


@mistake("factor-constant", squared)
def mean_over_the_batch_only(dy, error):
    """np.mean divides by all N C numbers."""
    return 2 * dy * error / len(error), -2 * dy * error / len(error)


@mistake("factor-batch", squared)
def mean_over_the_outputs_only(dy, error):
    """np.mean divides by all N C numbers."""
    outputs = error.shape[1]
    return 2 * dy * error / outputs, -2 * dy * error / outputs


@mistake("sign-flipped", squared)
def target_minus_prediction(dy, error):
    """prediction - target is what the prediction has too much."""
    dprediction, dtarget = squared_backward(dy, error)
    return -dprediction, -dtarget


@mistake("upstream-ignored", squared)
def dy_left_out(dy, error):
    """dy is 1 only as long as nothing follows the loss."""
    return squared_backward(1.0, error)


@mistake("factor-constant", absolute)
def count_forgotten(dy, error):
    """The mean's 1 / (N C) is missing."""
    return dy * np.sign(error), -dy * np.sign(error)


def hinge_forward(scores, labels):
    """Mean over examples of the sum over wrong classes of max(0, s_j - s_label + 1)."""
    n = np.arange(len(labels))
    margins = np.maximum(0, scores - scores[n, labels][:, None] + 1)
    margins[n, labels] = 0
    return float(margins.sum() / len(labels)), (margins, labels)


def hinge_backward(dy, cache):
    margins, labels = cache
    dscores = (margins > 0).astype(float)
    dscores[np.arange(len(labels)), labels] = -dscores.sum(axis=1)
    return dy * dscores / len(labels)


hinge = Operation("hinge loss", hinge_forward, hinge_backward, draw_rows, {"n": 6, "k": 4})


@mistake("label-term-missing", hinge, also=("zero-gradient",))  # the entries of the labels are left at zero
def the_labels_own_score_forgotten(dy, cache):
    """Each violated margin pulls the label's score up as well."""
    margins, labels = cache
    return dy * (margins > 0) / len(labels)


@mistake("factor-batch", hinge)
def sum_of_the_margins(dy, cache):
    """The loss is a mean: 1/N."""
    return hinge_backward(dy, cache) * len(cache[1])
