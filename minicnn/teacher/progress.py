"""What an epoch has come to: the loss beside guessing, and validation labels beside predictions.

Guessing means to give the same answer for every example, the best such answer. With the share a_k of the loss's target
that falls on class k, or targets t:

    cross-entropy           - sum over k of  a_k log(a_k / sum over l of a_l)                       (1)
    mean squared error      mean over examples of (t - mean t)^2                                    (2)
"""

from __future__ import annotations

import numpy as np

from ..losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy

HARDLY = 0.99  # of the loss of guessing: not below it
FAR_ABOVE = 1.5  # times the loss of guessing
DEVIATIONS = 3  # by which an accuracy must beat guessing, in standard errors
LEARNED = 0.25  # of the way from guessing to an accuracy of 1
FEWEST_LABELS = 64  # of which a shift can be told
MANY_TARGETS = 1000  # whose variance is near enough that of all


def guessing_loss(loss: Loss, labels: np.ndarray, classes: int) -> float | None:
    """The loss of the best constant answer, (1) or (2); None for a loss that is not known."""
    if isinstance(loss, MeanSquaredError):
        some = labels[:: 1 + len(labels) // MANY_TARGETS]
        return float(np.mean(np.var(some, axis=0, dtype=np.float64))) or None  # (2)
    if isinstance(loss, BinaryCrossEntropy):
        target = np.array([1 - np.mean(labels), np.mean(labels)])
    elif isinstance(loss, SoftmaxCrossEntropy):
        counts = np.bincount(labels, minlength=classes)
        weights = np.ones(classes) if loss.class_weights is None else np.asarray(loss.class_weights, np.float64)
        s = loss.label_smoothing
        target = weights * ((1 - s) * counts + s * len(labels) / classes) / (weights @ counts)
    else:
        return None
    target = target[target > 0]
    return float(-np.sum(target * np.log(target / target.sum())))  # (1)


def guessing_accuracy(labels: np.ndarray) -> float:
    """The share of the most frequent class."""
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def beats_guessing(loss: float, accuracy: float | None, guess: float, guess_accuracy: float | None, n: int) -> bool:
    """Whether the loss, or the accuracy of n examples by more than chance, is better than that of guessing."""
    if loss < HARDLY * guess:
        return True
    if accuracy is None or guess_accuracy is None:
        return False
    return accuracy > guess_accuracy + DEVIATIONS * np.sqrt(guess_accuracy * (1 - guess_accuracy) / n)


def not_below_chance(
    loss: float, guess: float, accuracy: float | None, guess_accuracy: float | None, steps: int, learning_rate: float
) -> str:
    """Say that nothing was learned, and where to look first."""
    seen = f"after {steps} steps the loss is {loss:.4g}, and to guess the same for every example gives {guess:.4g}"
    if accuracy is not None and guess_accuracy is not None:
        seen += f"; the accuracy is {accuracy:.1%}, and the most frequent class has {guess_accuracy:.1%} of the labels"
    if loss > FAR_ABOVE * guess:
        advice = f"So far above it, the steps are too large: try a tenth of the learning rate, {learning_rate / 10:g}."
    else:
        advice = (
            "Can the model learn 20 examples by heart, fit(model, (x[:20], labels[:20]), epochs=100, ...)? If so, see "
            "that each label belongs to its example (plot some). If not, try learning rates ten times smaller and "
            f"larger than {learning_rate:g}, and look at the network."
        )
    return f"{seen}. {advice}"


def far_apart(accuracy: float, val_accuracy: float, guess_accuracy: float) -> bool:
    """Whether the training accuracy is well on its way, and the validation accuracy has not left."""
    start = guess_accuracy + LEARNED * (1 - guess_accuracy)
    return accuracy > start > val_accuracy


def shifted_labels(predicted: np.ndarray, labels: np.ndarray, classes: int, accuracy: float) -> str:
    """Validation labels that fit the predictions once moved by one, in number or in place.

    Parameters
    ----------
    predicted, labels : integer array, shape (N,)
        Of the validation examples.
    classes : int
        Their number K.
    accuracy : float
        In training.
    """
    if len(labels) < FEWEST_LABELS:
        return ""
    moved = {
        "1 more than the prediction": (predicted + 1) % classes == labels,
        "1 less than the prediction": (predicted - 1) % classes == labels,
        "that of the example after it": predicted[1:] == labels[:-1],
        "that of the example before it": predicted[:-1] == labels[1:],
    }
    shares = {what: fits.mean() for what, fits in moved.items()}
    what, right = max(shares, key=shares.get), np.mean(predicted == labels)
    guess = guessing_accuracy(labels)
    if shares[what] < (guess + accuracy) / 2 or right > (guess + shares[what]) / 2:
        return ""
    return (
        f"the training accuracy is {accuracy:.1%}, but of {len(labels)} validation labels only {right:.1%} are what "
        f"the model predicts, while {shares[what]:.1%} are {what}. Were classes counted from 0 here and from 1 there, "
        "or is an image or a label missing? Look at a few validation images with their labels."
    )
