"""Losses: one number for how far the predictions are from the truth, averaged over the batch.

With logits z, labels t, and a total weight W (the batch size N unless classes are weighted):

    softmax cross-entropy   L = -1/W sum over n, k of  w_k t_nk log p_nk,   p = softmax(z)          (1)
                            dz_nk = dL/W (p_nk (sum over l of w_l t_nl) - w_k t_nk)                 (2)

Without class weights (2) is the famous (p - t) / N. The target t_nk is 1 at the label and 0 elsewhere; label smoothing
s mixes it with the uniform distribution over the K classes:

    t <- (1 - s) t + s / K                                                                          (3)

    binary cross-entropy    L = 1/N sum over n of  max(z, 0) - z t + log(1 + exp(-|z|))             (4)
                            dz = dL/N (sigmoid(z) - t)                                              (5)

With p = sigmoid(z), (4) is -t log p - (1 - t) log(1 - p), written so that nothing overflows.

    mean squared error      L = 1/M sum over all M entries of  (z - t)^2                            (6)
                            dz = dL 2 (z - t) / M                                                   (7)

Taking logits instead of probabilities keeps log and exp from meeting at 0 and infinity.

Sources: Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990 (1); Szegedy et al.,
"Rethinking the Inception architecture", CVPR 2016 (3).

>>> from minicnn import SoftmaxCrossEntropy
>>> loss = SoftmaxCrossEntropy()
>>> round(loss.forward(np.array([[2.0, 0.0, 0.0]]), np.array([0])), 4)
0.2395
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from .arguments import checked_number
from .configured import Configured
from .layers.activations import sigmoid_forward, softmax_forward
from .layers.checks import checked_array, checked_cache
from .layers.layer import NotReadyError

__all__ = ["BinaryCrossEntropy", "Loss", "MeanSquaredError", "SoftmaxCrossEntropy"]


class CrossEntropyCache(NamedTuple):
    """What `softmax_cross_entropy_backward` needs: probabilities p, weighted targets w_k t_nk and total weight W."""

    p: np.ndarray
    weighted_targets: np.ndarray
    total_weight: float


def softmax_cross_entropy_forward(
    logits: np.ndarray,
    labels: np.ndarray,
    *,
    label_smoothing: float = 0.0,
    class_weights: Sequence[float] | np.ndarray | None = None,
) -> tuple[float, CrossEntropyCache]:
    """Mean of -log(probability of the label), equations (1) and (3).

    Parameters
    ----------
    logits : array, shape (N, K)
    labels : integer array, shape (N,), from 0 to K - 1
    label_smoothing : float in [0, 1]
        The share s of the uniform distribution in the target, dimensionless.
    class_weights : array, shape (K,), optional
        w_k, not negative; the mean is then divided by the sum of the labels' weights.

    Returns
    -------
    loss : float
        In nats.
    cache : CrossEntropyCache

    Raises
    ------
    TypeError
        If logits are not float or labels not integer.
    ValueError
        If shapes do not fit, the batch is empty, a label has no class or an option is out of range.

    Examples
    --------
    >>> from minicnn.functional import softmax_cross_entropy_forward
    >>> logits = np.log([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    >>> loss, cache = softmax_cross_entropy_forward(logits, labels=np.array([0, 1]))
    >>> round(loss, 4)  # the mean of -log 0.7 and -log 0.8
    0.2899
    """
    labels = _class_labels(logits, labels)
    N, K = logits.shape
    s = checked_number("softmax cross-entropy", "label_smoothing", label_smoothing, at_least=0, at_most=1)
    targets = np.full((N, K), s / K, logits.dtype)
    targets[np.arange(N), labels] += 1 - s  # (3)
    weighted_targets, total_weight = targets, float(N)
    if class_weights is not None:
        w = _class_weights(class_weights, K, logits.dtype)
        weighted_targets, total_weight = w * targets, float(w[labels].sum())
        if total_weight == 0:
            raise ValueError(
                "Every label of this batch has class weight 0, so that there is nothing to average: "
                "change class_weights."
            )
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -(weighted_targets * log_p).sum() / total_weight  # (1)
    return float(loss), CrossEntropyCache(np.exp(log_p), weighted_targets, total_weight)


def softmax_cross_entropy_backward(dy: float, cache: CrossEntropyCache) -> np.ndarray:
    """Gradient of the logits, equation (2).

    Parameters
    ----------
    dy : float
        dL/d(loss), 1 unless the loss is part of something larger.
    cache : CrossEntropyCache

    Returns
    -------
    dlogits : array, shape (N, K)

    Examples
    --------
    >>> from minicnn.functional import softmax_cross_entropy_backward, softmax_cross_entropy_forward
    >>> logits = np.log([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    >>> loss, cache = softmax_cross_entropy_forward(logits, labels=np.array([0, 1]))
    >>> softmax_cross_entropy_backward(1.0, cache).round(3)  # (p - t) / N
    array([[-0.15,  0.1 ,  0.05],
           [ 0.05, -0.1 ,  0.05]])
    """
    p, weighted_targets, total_weight = checked_cache(cache, CrossEntropyCache, "softmax_cross_entropy_forward")
    dy = _checked_dy("softmax cross-entropy", dy)
    scale = p.dtype.type(dy / total_weight)
    return scale * (p * weighted_targets.sum(axis=1, keepdims=True) - weighted_targets)  # (2)


def binary_cross_entropy_forward(logits: np.ndarray, labels: np.ndarray) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """Mean of -log(probability of the label) for two classes and one logit, equation (4).

    Parameters
    ----------
    logits : array, shape (N, 1) or (N,)
    labels : array, shape (N,) or (N, 1), of 0 and 1

    Returns
    -------
    loss : float
        In nats.
    cache : (array, array)
        Logits, and labels in their shape.

    Raises
    ------
    TypeError
        If logits are not float.
    ValueError
        If shapes do not fit, the batch is empty or a label is neither 0 nor 1.

    Examples
    --------
    >>> from minicnn.functional import binary_cross_entropy_forward
    >>> loss, cache = binary_cross_entropy_forward(np.array([[0.0], [0.0]]), labels=np.array([0, 1]))
    >>> round(loss, 4)  # log 2, for a guess
    0.6931
    """
    t = _like_logits(logits, labels)
    if not np.isin(t, (0, 1)).all():
        wrong = t[~np.isin(t, (0, 1))][0]
        raise ValueError(
            f"binary cross-entropy takes labels 0 and 1, got {wrong:g}. For more classes: SoftmaxCrossEntropy."
        )
    z = logits
    loss = np.mean(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))))  # (4)
    return float(loss), (z, t)


def binary_cross_entropy_backward(dy: float, cache: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Gradient of the logits, equation (5). Arguments as in `softmax_cross_entropy_backward`.

    Examples
    --------
    >>> from minicnn.functional import binary_cross_entropy_backward, binary_cross_entropy_forward
    >>> loss, cache = binary_cross_entropy_forward(np.array([[0.0], [0.0]]), labels=np.array([0, 1]))
    >>> binary_cross_entropy_backward(1.0, cache).ravel()  # (0.5 - t) / N
    array([ 0.25, -0.25])
    """
    z, t = checked_cache(cache, tuple, "binary_cross_entropy_forward")
    dy = _checked_dy("binary cross-entropy", dy)
    return z.dtype.type(dy / len(z)) * (sigmoid_forward(z)[0] - t)  # (5)


def mean_squared_error_forward(
    prediction: np.ndarray, target: np.ndarray
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """Mean of the squared differences, equation (6).

    Parameters
    ----------
    prediction : array, shape (N, ...)
    target : array, shape of `prediction`; (N,) will do for (N, 1)

    Returns
    -------
    loss : float
        In units of the target squared.
    cache : (array, array)
        Prediction, and target in its shape.

    Raises
    ------
    TypeError
        If the prediction is not float.
    ValueError
        If shapes do not fit or the batch is empty.

    Examples
    --------
    >>> from minicnn.functional import mean_squared_error_forward
    >>> loss, cache = mean_squared_error_forward(np.array([1.0, 2.0]), target=np.array([1.0, 4.0]))
    >>> loss
    2.0
    """
    t = _like_logits(prediction, target, "prediction", "target")
    return float(np.mean((prediction - t) ** 2)), (prediction, t)  # (6)


def mean_squared_error_backward(dy: float, cache: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Gradient of the prediction, equation (7). Arguments as in `softmax_cross_entropy_backward`.

    Examples
    --------
    >>> from minicnn.functional import mean_squared_error_backward, mean_squared_error_forward
    >>> loss, cache = mean_squared_error_forward(np.array([1.0, 2.0]), target=np.array([1.0, 4.0]))
    >>> mean_squared_error_backward(1.0, cache)
    array([ 0., -2.])
    """
    z, t = checked_cache(cache, tuple, "mean_squared_error_forward")
    dy = _checked_dy("mean squared error", dy)
    return z.dtype.type(2 * dy / z.size) * (z - t)  # (7)


def _checked_dy(owner: str, dy: float) -> float:
    """Return dL/d(loss) as a plain float, if it is a finite number."""
    return checked_number(owner, "dy", dy[()] if isinstance(dy, np.ndarray) and dy.ndim == 0 else dy)


def _class_labels(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """See that each row of logits has one label among its K classes."""
    logits = checked_array(logits, "logits", "(N, K)")
    try:
        labels = np.asarray(labels)
    except ValueError:
        raise TypeError(f"Labels must be whole numbers, one an example, got {labels!r:.80}.") from None
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"Labels must be whole numbers (class 0, 1, ...), got {labels.dtype}. "
            "From one-hot rows: labels.argmax(axis=1); from floats: labels.astype(int)."
        )
    if labels.shape != logits.shape[:1] or len(labels) == 0:
        raise ValueError(f"Labels must have shape (N,) with N > 0 for logits {logits.shape}, got {labels.shape}.")
    K = logits.shape[1]
    if labels.min() < 0 or labels.max() >= K:
        raise ValueError(
            f"Labels must be from 0 to {K - 1} for {K} logits, got {labels.min()} to {labels.max()}. "
            "Count classes from 0, or give the last layer more units."
        )
    return labels


def _class_weights(class_weights: Sequence[float] | np.ndarray, K: int, dtype: np.dtype) -> np.ndarray:
    w = _checked_weights(class_weights).astype(dtype)
    if w.shape != (K,):
        raise ValueError(f"class_weights takes {K} numbers, each at least 0, got {class_weights!r}.")
    return w


def _checked_weights(class_weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """See that these are weights of classes, however many."""
    try:
        w = np.asarray(class_weights)
    except ValueError:  # rows of different lengths
        w = np.empty(0, object)
    if w.dtype.kind not in "fiu":
        raise TypeError(f"class_weights takes numbers, one for each class, got {class_weights!r}.")
    if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any():
        raise ValueError(f"class_weights takes numbers, one for each class, each at least 0, got {class_weights!r}.")
    return w


def _like_logits(
    logits: np.ndarray, labels: np.ndarray, name: str = "logits", labels_name: str = "labels"
) -> np.ndarray:
    """Labels in dtype and shape of the logits; (N,) and (N, 1) are one shape here."""
    logits = checked_array(logits, name, f"({', '.join('NABCD'[: np.ndim(logits)])})")
    labels = np.asarray(labels)
    if labels.dtype.kind not in "fiub":
        raise TypeError(f"{labels_name} must be an array of numbers like {name}, got one of {labels.dtype}.")
    if {logits.shape, labels.shape} == {(len(logits),), (len(logits), 1)}:
        labels = labels.reshape(logits.shape)
    if labels.shape != logits.shape or len(labels) == 0:
        raise ValueError(
            f"{labels_name} must have the shape of {name}, {logits.shape}, and at least one row, got {labels.shape}."
        )
    return labels.astype(logits.dtype)


class Loss(Configured):
    """The base of the losses: the pure pair in `functions`, and the cache between its two calls.

    Examples
    --------
    >>> from minicnn.losses import Loss
    >>> class AbsoluteError(Loss):
    ...     functions = (
    ...         lambda prediction, target: (float(np.mean(np.abs(prediction - target))), (prediction, target)),
    ...         lambda dy, cache: dy * np.sign(cache[0] - cache[1]) / cache[0].size,
    ...     )
    >>> AbsoluteError().forward(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    1.0
    """

    functions: ClassVar[tuple[Callable, Callable]]

    def forward(self, prediction: np.ndarray, labels: np.ndarray) -> float:
        """The loss, averaged over the batch; arguments as in the pure function."""
        loss, self.cache = self.functions[0](prediction, labels, **self.config)
        return loss

    def backward(self, dy: float = 1.0) -> np.ndarray:
        """Gradient of the predictions of the last `forward`."""
        if not hasattr(self, "cache"):
            raise NotReadyError(f"{type(self).__name__}.backward needs a forward pass first: call forward(...).")
        return self.functions[1](dy, self.cache)

    def value(self, prediction: np.ndarray, labels: np.ndarray) -> float:
        """The loss, with nothing kept for `backward`."""
        return self.functions[0](prediction, labels, **self.config)[0]

    def correct(self, prediction: np.ndarray, labels: np.ndarray) -> int | None:
        """How many predictions name the right class; None where there are no classes."""
        classes = self.classes(prediction)
        if classes is None:
            return None
        if np.size(labels) != len(classes):
            shapes = f"shape {np.shape(labels)} for predictions of shape {prediction.shape}"
            raise ValueError(f"Labels must be as many as predictions, got {shapes}.")
        return int(np.count_nonzero(classes == np.reshape(labels, classes.shape)))

    def classes(self, prediction: np.ndarray) -> np.ndarray | None:
        """The predicted class of each example, shape (N,); None where there are no classes."""
        return None

    def probabilities(self, prediction: np.ndarray) -> np.ndarray:
        """What the predictions say as probabilities."""
        raise TypeError(f"{type(self).__name__} works on numbers, not on probabilities; SoftmaxCrossEntropy does.")


class SoftmaxCrossEntropy(Loss):
    """-log(probability of the label) for logits of K classes: equations (1) to (3).

    Parameters
    ----------
    label_smoothing, class_weights
        As in `softmax_cross_entropy_forward`.

    Examples
    --------
    >>> from minicnn import SoftmaxCrossEntropy
    >>> loss = SoftmaxCrossEntropy()
    >>> round(loss.forward(np.zeros((4, 10)), np.array([3, 1, 4, 1])), 4)  # log 10, for a guess
    2.3026
    >>> loss.backward()[0].round(3)
    array([ 0.025,  0.025,  0.025, -0.225,  0.025,  0.025,  0.025,  0.025,
            0.025,  0.025])
    """

    functions = softmax_cross_entropy_forward, softmax_cross_entropy_backward

    def __init__(self, label_smoothing: float = 0.0, class_weights: Sequence[float] | None = None):
        self.label_smoothing = checked_number(
            "SoftmaxCrossEntropy", "label_smoothing", label_smoothing, at_least=0, at_most=1
        )
        if class_weights is not None:
            _checked_weights(class_weights)
        self.class_weights = class_weights

    def classes(self, prediction: np.ndarray) -> np.ndarray:
        """The class with the largest logit."""
        return checked_array(prediction, "logits", "(N, K)").argmax(axis=1)

    def probabilities(self, prediction: np.ndarray) -> np.ndarray:
        """Softmax of the logits, shape (N, K)."""
        return softmax_forward(checked_array(prediction, "logits", "(N, K)"))[0]


class BinaryCrossEntropy(Loss):
    """-log(probability of the label) for two classes and one logit: equations (4) and (5).

    Examples
    --------
    >>> from minicnn import BinaryCrossEntropy
    >>> loss = BinaryCrossEntropy()
    >>> round(loss.forward(np.array([[2.0], [-2.0]]), np.array([1, 0])), 4)
    0.1269
    >>> loss.backward().ravel().round(4)
    array([-0.0596,  0.0596])
    """

    functions = binary_cross_entropy_forward, binary_cross_entropy_backward

    def classes(self, prediction: np.ndarray) -> np.ndarray:
        """Class 1 where the logit is positive."""
        prediction = checked_array(prediction, "logits")
        if prediction.shape not in ((len(prediction),), (len(prediction), 1)):
            raise ValueError(f"logits must have the axes (N, 1) or (N,), got an array of shape {prediction.shape}.")
        return (prediction.reshape(-1) > 0).astype(np.int64)

    def probabilities(self, prediction: np.ndarray) -> np.ndarray:
        """Probability of class 1, shape of the logits."""
        return sigmoid_forward(prediction)[0]


class MeanSquaredError(Loss):
    """Mean of the squared differences: equations (6) and (7).

    Examples
    --------
    >>> from minicnn import MeanSquaredError
    >>> loss = MeanSquaredError()
    >>> loss.forward(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    2.0
    >>> loss.backward().ravel()
    array([ 0., -2.])
    """

    functions = mean_squared_error_forward, mean_squared_error_backward
