"""What an epoch has come to: the loss beside guessing, and validation labels beside predictions.

Guessing means to give the same answer for every example, the best such answer. With the share a_k of the loss's target
that falls on class k, or targets t:

    cross-entropy           - sum over k of  a_k log(a_k / sum over l of a_l)                       (1)
    mean squared error      mean over examples of (t - mean t)^2                                    (2)
"""

from __future__ import annotations

import math

import numpy as np

from ..losses import BinaryCrossEntropy, Loss, MeanSquaredError, SoftmaxCrossEntropy

HARDLY = 0.99  # of the loss of guessing: not below it
FALLING = 0.98  # of the loss of the epoch before
FAR_ABOVE = 2  # times a loss: told whatever the accuracy
DEVIATIONS = 3  # by which an accuracy must beat guessing, in standard errors
LEARNED = 0.25  # of the way from guessing to an accuracy of 1
FEWEST_LABELS = 64  # of which a shift can be told
MANY_TARGETS = 1000  # whose variance is near enough that of all


def not_finite(loss: float, epoch: int, step: int) -> str:
    """A loss that is NaN or infinite; epoch and step from 0."""
    if math.isfinite(loss):
        return ""
    return (
        f"the loss is {loss} in epoch {epoch + 1}, step {step + 1}, and the parameters will be NaN from here on. "
        "fit(..., check_finite=True) stops before that, and says where it arose and why."
    )


def guessing_loss(loss: Loss, labels: np.ndarray, classes: int) -> float | None:
    """The loss of the best constant answer, (1) or (2); None where that is always right, or the loss is not known."""
    if labels.min() == labels.max():
        return None
    if isinstance(loss, MeanSquaredError):
        some = labels[:: 1 + len(labels) // MANY_TARGETS]
        with np.errstate(over="ignore", invalid="ignore"):  # targets may be infinite, or nearly so
            return float(np.mean(np.var(some, axis=0, dtype=np.float64)))  # (2)
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


def beats_guessing(accuracy: float | None, guess_accuracy: float | None, examples: int) -> bool:
    """Whether an accuracy is better than that of guessing by more than chance; not so where there is none."""
    if accuracy is None or guess_accuracy is None:
        return False
    standard_error = np.sqrt(guess_accuracy * (1 - guess_accuracy) / examples)
    return accuracy > guess_accuracy + DEVIATIONS * standard_error


def not_below_chance(loss: float, first_loss: float, guess: float, steps: int, learning_rate: float) -> str:
    """Say that nothing was learned, and where to look first.

    Parameters
    ----------
    loss, first_loss : float
        Mean over the last steps, and that of the first step.
    guess : float
        That of guessing.
    steps : int
        Steps done.
    learning_rate : float
    """
    if loss > FAR_ABOVE * guess and loss > FAR_ABOVE * first_loss:
        advice = f"It has risen: the steps are too large. Try a tenth of the learning rate, {learning_rate / 10:g}."
    else:
        advice = (
            "Can the model learn 20 examples by heart, fit(model, (x[:20], labels[:20]), epochs=100, ...)? If so, see "
            "that each label belongs to its example (plot some). If not, try learning rates ten times smaller and "
            f"larger than {learning_rate:g}, bring inputs and targets to the order of 1, and look at the network."
        )
    return (
        f"after {steps} steps the loss is {loss:.4g} (it began with {first_loss:.4g}), and the best answer that is the "
        f"same for every example gives {guess:.4g}. {advice}"
    )


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
    number, place = "Were classes counted from 0 here and from 1 there?", "Is an image or a label missing?"
    moved = {
        f"1 more than the prediction. {number}": (predicted + 1) % classes == labels,
        f"1 less than the prediction. {number}": (predicted - 1) % classes == labels,
        f"that of the example after it. {place}": predicted[1:] == labels[:-1],
        f"that of the example before it. {place}": predicted[:-1] == labels[1:],
    }
    if classes == 2:
        moved = {"of the other class. Were the two swapped?": predicted != labels} | dict(list(moved.items())[2:])
    shares = {what: fits.mean() for what, fits in moved.items()}
    what, right, guess = max(shares, key=shares.get), np.mean(predicted == labels), guessing_accuracy(labels)
    if shares[what] < (guess + accuracy) / 2 or right > (guess + shares[what]) / 2:
        return ""
    return (
        f"the training accuracy is {accuracy:.1%}, but of {len(labels)} validation labels only {right:.1%} are what "
        f"the model predicts, while {shares[what]:.1%} are {what} Look at a few validation images with their labels."
    )
