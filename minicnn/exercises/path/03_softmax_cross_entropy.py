"""Exercise 3: softmax and cross-entropy, the loss of a classifier.

The last layer of a classifier gives K numbers for each example, the logits z: the larger, the likelier the class.
Softmax makes probabilities of them,

    p[n, k] = exp(z[n, k]) / sum over l of exp(z[n, l])                                             (1)

positive and with the sum 1 in each row. The loss is minus the logarithm of what the label got, averaged over the N
examples:

    loss = -1/N sum over n of log p[n, labels[n]]                                                   (2)

with the natural logarithm. It is 0 if the network is certain and right, log K if it has no idea, and has no upper end.

Mind the exponential. exp(1000) is infinite, and exp(-1000) is 0, whose logarithm is minus infinity. Yet a network may
well give such logits, and (2) is an ordinary number then, as a pencil shows:
  - What happens to p if the same number is taken off all logits of a row?                          (3)
  - What is the logarithm of (1), if you take it before you compute anything?                       (4)

Backward. The loss is one number, and so is dy, which says how fast it counts (1 if nothing comes after it). You answer
with dlogits, dy times how fast the loss grows with each logit. One logit moves all probabilities of its row, its own up
and the others down. (4) is where to start: how does log p of the label move with its own logit, how with another one?

Write the two functions, then: minicnn exercises check 3
"""

import numpy as np


def softmax_cross_entropy_forward(logits: np.ndarray, labels: np.ndarray) -> tuple[float, object]:
    """The mean of -log(probability of the label), equation (2).

    Parameters
    ----------
    logits : array, shape (N, K)
        z, of any size.
    labels : integer array, shape (N,)
        The right class of each example, from 0 to K - 1.

    Returns
    -------
    loss : float
    cache : object
        Whatever your backward function will need; you decide.
    """
    # your code
    shifted = logits - logits.max(axis=1, keepdims=True)  # (3)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (4)
    loss = -log_p[np.arange(len(labels)), labels].mean()  # (2)
    return float(loss), (log_p, labels)
    # end


def softmax_cross_entropy_backward(dy: float, cache: object) -> np.ndarray:
    """How fast the loss grows with each logit, times dy.

    Parameters
    ----------
    dy : float
    cache : object
        What softmax_cross_entropy_forward returned.

    Returns
    -------
    dlogits : array, shape (N, K) and dtype of logits
    """
    # your code
    log_p, labels = cache
    dlogits = np.exp(log_p)
    dlogits[np.arange(len(labels)), labels] -= 1
    return dlogits * (dy / len(labels))
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Condition, Exercise, Gradients, Mistake, Values, Wrong
from minicnn.functional import softmax_cross_entropy_backward as right_backward
from minicnn.functional import softmax_cross_entropy_forward as right_forward

PAIR = "softmax_cross_entropy_forward", "softmax_cross_entropy_backward"
EXAMPLE = {"logits": np.log([[1.0, 2.0, 1.0], [3.0, 1.0, 4.0]]), "labels": np.array([1, 0])}
CERTAIN = {"logits": np.array([[0.0, -1000.0, 0.0], [0.0, 0.0, 0.0]]), "labels": np.array([1, 2])}
LARGE = {"logits": np.full((2, 3), 1000.0), "labels": np.array([1, 2])}
FAR_APART = {"logits": np.array([[0.0, 0.0, 0.0], [-1000.0, -1000.0, -1000.0]]), "labels": np.array([1, 2])}


def drawn(examples: int, classes: int, seed: int = 3) -> dict[str, np.ndarray]:
    """Arguments of softmax_cross_entropy_forward."""
    rng = np.random.default_rng(seed)
    return {"logits": rng.normal(size=(examples, classes)), "labels": rng.integers(classes, size=examples)}


def softmax(z: np.ndarray, axis: int = 1) -> np.ndarray:
    """Equation (1) to the letter."""
    return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


def of_labels(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """From each row the entry at its label."""
    return values[np.arange(len(labels)), labels]


def without_cache(loss):
    """The wrong loss that a mistake makes, in the form in which a forward function returns it."""
    return lambda z, labels: (loss(z, labels), None)


def known(code: str, message: str, *losses) -> list[Mistake]:
    """One mistake, in the forms in which it is written."""
    return [Mistake(code, message, without_cache(loss)) for loss in losses]


SMALL = (1e-300, 1e-100, 1e-30, 1e-20, 1e-16, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7)
EPSILON = (
    "This looks like log(p + epsilon). It keeps infinity away by giving another loss: from some point on, being more "
    "wrong costs no more. With (4) there is no logarithm of 0 to be afraid of."
)


def small_p(z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The probabilities of the labels, as they are without (4): some are 0."""
    return of_labels(softmax(z - z.max(axis=1, keepdims=True)), labels)


def plus_epsilon(epsilon: float):
    """The wrong loss with the logarithm of p + epsilon."""
    return lambda z, labels: -np.log(small_p(z, labels) + epsilon).mean()


def at_least_epsilon(epsilon: float):
    """The wrong loss with the logarithm of p or epsilon, whichever is larger."""
    return lambda z, labels: -np.log(np.maximum(small_p(z, labels), epsilon)).mean()


MISTAKES = [
    *known(
        "not-averaged",
        "The losses of the examples are added up. By (2) their sum is divided by N.",
        lambda z, labels: -np.log(of_labels(softmax(z), labels)).sum(),
    ),
    *known(
        "averaged-over-classes",
        "The sum is divided by N K. The mean of (2) is over the N examples; each has one label, not K.",
        lambda z, labels: -np.log(of_labels(softmax(z), labels)).sum() / z.size,
    ),
    *known(
        "sign-flipped",
        "The loss has the wrong sign. The logarithm of a probability is never positive, and (2) has a minus in front.",
        lambda z, labels: np.log(of_labels(softmax(z), labels)).mean(),
    ),
    *known(
        "softmax-along-the-wrong-axis",
        "The probabilities of each column have the sum 1. By (1) those of each row have: the classes of one example.",
        lambda z, labels: -np.log(of_labels(softmax(z, axis=0), labels)).mean(),
        lambda z, labels: -np.log(of_labels(softmax(z - z.max(axis=1, keepdims=True), axis=0), labels)).mean(),
    ),
    *known(
        "softmax-of-the-whole-array",
        "All probabilities of the batch together have the sum 1. By (1) those of each row have.",
        lambda z, labels: -np.log(of_labels(np.exp(z) / np.exp(z).sum(), labels)).mean(),
        lambda z, labels: (np.log(np.exp(z - z.max(1, keepdims=True)).sum()) - of_labels(z, labels) + z.max(1)).mean(),
    ),
    *known(
        "softmax-missing",
        "The logits stand where log p should. By (4) something that belongs to the whole row comes off them.",
        lambda z, labels: -of_labels(z, labels).mean(),
        lambda z, labels: -np.log(np.exp(of_labels(z, labels))).mean(),
    ),
    *known(
        "log-missing",
        "The probability itself is averaged. (2) has its logarithm.",
        lambda z, labels: -of_labels(softmax(z), labels).mean(),
        lambda z, labels: of_labels(softmax(z), labels).mean(),
        lambda z, labels: 1 - of_labels(softmax(z), labels).mean(),
    ),
    *known(
        "wrong-logarithm",
        "This is another logarithm. (2) has the natural one, np.log.",
        lambda z, labels: -np.log2(of_labels(softmax(z), labels)).mean(),
        lambda z, labels: -np.log10(of_labels(softmax(z), labels)).mean(),
    ),
    *known(
        "whole-columns-picked",
        "p[:, labels] takes the columns of all labels, from all rows: N x N numbers. (2) has one number from each row.",
        lambda z, labels: -np.log(softmax(z)[:, labels]).mean(),
        lambda z, labels: -np.log(softmax(z)[:, labels]).sum() / len(z),
    ),
    *known(
        "every-class-counted",
        "The logarithms of all classes are averaged. (2) has one number from each row, that of its label.",
        lambda z, labels: -np.log(softmax(z)).mean(),
        lambda z, labels: -np.log(softmax(z)).sum() / len(z),
    ),
    *known("epsilon-in-the-logarithm", EPSILON, *map(plus_epsilon, (1e-7, 1e-6, 1e-5, 1e-4, 1e-3))),
    *known(
        "shifted-by-column",
        "What you take off differs within a row: the largest number of each column. (3) takes one number off a row.",
        lambda z, labels: -np.log(of_labels(softmax(z - z.max(axis=0)), labels)).mean(),
    ),
    *known(
        "shifted-in-one-place",
        "The logit of the label and the sum of the exponentials are not of the same logits: take the same number off "
        "in both, (3).",
        lambda z, labels: -np.log(of_labels(softmax(z), labels)).mean() + z.max(axis=1).mean(),
        lambda z, labels: -np.log(of_labels(softmax(z), labels)).mean() - z.max(axis=1).mean(),
    ),
    *known(
        "binary-cross-entropy",
        "The other classes are counted too, with log(1 - p): that is the loss of K yes-or-no questions. (2) has the "
        "label's logarithm alone.",
        lambda z, labels: (
            -(np.log(1 - softmax(z)).sum() + np.log(of_labels(softmax(z) / (1 - softmax(z)), labels)).sum()) / len(z)
        ),
    ),
]


MISTAKES_WHEN_CERTAIN = [
    *known(
        "logarithm-of-zero",
        "A probability is so small that the computer has 0 for it, with the logarithm minus infinity. The true one is "
        "about -1000: take the logarithm of (1) on paper, (4), and compute that.",
        lambda z, labels: -np.log(small_p(z, labels)).mean(),
    ),
    *known("epsilon-in-the-logarithm", EPSILON, *map(plus_epsilon, SMALL), *map(at_least_epsilon, SMALL)),
]
MISTAKES_WHEN_LARGE = known(
    "overflow",
    "exp(1000) is infinite, and what is computed with it is no number, or infinite. Make the logits smaller first, in "
    "a way that leaves p as it is: (3).",
    lambda z, labels: -np.log(of_labels(softmax(z), labels)).mean(),
    lambda z, labels: np.mean(np.log(np.exp(z).sum(axis=1)) - of_labels(z, labels)),
)
MISTAKES_FAR_APART = known(
    "largest-of-all-rows",
    "You take the largest number of all rows off the logits, and of another row nothing is left but exp(-1000) = 0. "
    "Each row has a largest number of its own.",
    lambda z, labels: -np.log(of_labels(softmax(z - z.max()), labels)).mean(),
    lambda z, labels: np.mean(np.log(np.exp(z - z.max()).sum(axis=1)) - of_labels(z - z.max(), labels)),
)


def example(title: str, arguments: dict[str, np.ndarray], mistakes: list[Mistake]) -> Values:
    """A forward pass by its numbers."""
    return Values(PAIR[0], arguments, right_forward, ("loss", None), mistakes, title)


def backward_keeps_finite(yours) -> Wrong | None:
    """The backward pass where exp(logits) is infinite."""
    for arguments in (CERTAIN, LARGE, FAR_APART):
        _, cache = yours.softmax_cross_entropy_forward(*arguments.values())
        dlogits = yours.softmax_cross_entropy_backward(1.0, cache)
        expected = right_backward(1.0, right_forward(*arguments.values())[1])
        if not np.allclose(dlogits, expected, rtol=0, atol=1e-7):
            return Wrong(
                "overflow" if not np.isfinite(dlogits).all() else "wrong-value",
                f"For logits\n{arguments['logits']}\nand labels {arguments['labels']} you return dlogits\n{dlogits}\n"
                "The backward pass needs p, too, and what is said of the exponential holds there as well.",
            )
    return None


EXERCISE = Exercise(
    title="softmax cross-entropy, forward and backward",
    checks=[
        example("exp(logits) = [[1, 2, 1], [3, 1, 4]]", EXAMPLE, MISTAKES),
        example("certain and wrong", CERTAIN, MISTAKES_WHEN_CERTAIN),
        example("logits of 1000", LARGE, MISTAKES_WHEN_LARGE),
        example("rows far apart", FAR_APART, MISTAKES_FAR_APART),
        Gradients(*PAIR, drawn(8, 5), hints="softmax cross-entropy"),
        Gradients(*PAIR, drawn(1, 5), title="one example alone", hints="softmax cross-entropy"),
        Condition("gradients for large logits", backward_keeps_finite),
        keeps_caches_apart(*PAIR, lambda: drawn(8, 5), lambda: drawn(8, 5, seed=4)),
        keeps_float32(*PAIR, lambda: drawn(8, 5)),
    ],
    hints=[
        """\
The idea. A factor that all exponentials of a row have in common cancels in (1): take the row's largest logit off all of
them, and the largest exponential is 1. For the gradient, write the loss of one example as the logarithm of a sum minus
the label's logit, and see which of the two parts a logit is in.""",
        """\
The formula. With m the largest logit of the row,
    log p[n, k] = z[n, k] - m - log(sum over l of exp(z[n, l] - m))
    d loss_n / dz[n, k] = p[n, k], minus 1 if k is the label
and the loss of the batch has 1/N of each example's loss in it.""",
        """\
Almost the code. Forward: .max(axis=1, keepdims=True) for m, log p as above, and log_p[np.arange(N), labels] takes one
entry from each row. Backward: p = np.exp(log_p) is a new array; subtract 1 from p[np.arange(N), labels], then multiply
by dy / N.""",
    ],
    derivation="""\
Take the same number m off all logits of a row: exp(z - m) = exp(z) exp(-m), and the factor exp(-m) cancels in (1). If m
is the largest logit, the exponentials lie between 0 and 1 and one of them is 1: their sum is neither infinite nor 0.
The logarithm of (1) is

    log p[n, k] = z[n, k] - m - log(sum over l of exp(z[n, l] - m))                                 (5)

and nothing in it overflows. For one example with the label t (leave out n),

    loss = log(sum over l of exp(z[l])) - z[t]                                                      (6)

The derivative of the logarithm of a sum is the derivative of the sum, divided by the sum:

    d/dz[k] log(sum over l of exp(z[l])) = exp(z[k]) / sum over l of exp(z[l]) = p[k]               (7)

and -z[t] adds -1 where k = t. So dz = p - onehot(t), and for the mean of a batch, with dy in front,

    dlogits[n, k] = dy / N (p[n, k] - 1 if k = labels[n] else p[n, k])                              (8)

Each row of (8) has the sum 0. It must: by (3) all logits of a row may grow by the same number without any effect. No
entry is larger than dy / N, however wrong the network is. This is why softmax and logarithm are differentiated in one:
one after the other, they would give 1/p times p, which is infinity times 0 for a network that is certain and wrong.""",
)
