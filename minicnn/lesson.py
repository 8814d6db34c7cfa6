"""The lesson: one network, with and without dropout, with and without batch normalization.

    plain       (Conv 3x3 - ReLU - MaxPool 2) with 16, then with 32 filters - Flatten - Dense 128 - ReLU - Dense K
    dropout     + Dropout 0.25 after each pooling, 0.5 after the hidden dense layer
    batchnorm   + BatchNorm between each hidden layer's weights and its ReLU, where Ioffe & Szegedy (2015) put it
    both        + both: Conv - BatchNorm - ReLU - MaxPool - Dropout

All four start from the same weights: neither technique draws a random number while the network is built, so that one
seed gives every convolution and dense layer of the four arms the same values. For this the biases stay everywhere, also
where a batch norm takes them out again.

Three questions are asked of the results, each answered by differences between two arms from the same seeds.

>>> from minicnn import lesson
>>> model = lesson.network((28, 28, 1), classes=10, seed=0, dropout=True, batchnorm=True)
>>> model.layer_names[:5]
['conv2d_1', 'batchnorm_1', 'relu_1', 'maxpool2d_1', 'dropout_1']
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from .arguments import checked_count
from .datasets import Dataset
from .estimates import Comparison
from .experiments import MakeModel
from .layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D, ReLU
from .model import Sequential
from .results import Recipe, Results, measures

__all__ = [
    "ARMS",
    "DEFAULT",
    "QUESTIONS",
    "QUICK",
    "Clause",
    "Question",
    "Size",
    "answers",
    "footnote",
    "network",
    "table",
]


@dataclass(frozen=True)
class Size:
    """How much of the lesson to run.

    Attributes
    ----------
    train_images, test_images : int
        At most so many of each split.
    seeds, epochs : int

    Examples
    --------
    >>> from minicnn import datasets, lesson
    >>> lesson.QUICK
    Size(train_images=400, test_images=300, seeds=2, epochs=6)
    >>> lesson.QUICK.draw(datasets.load("digits"))
    Dataset('digits', train=400, test=300, image_shape=(8, 8, 1), classes=10)
    """

    train_images: int
    test_images: int
    seeds: int
    epochs: int

    def __post_init__(self):
        """Check the arguments."""
        for name in ("train_images", "test_images", "seeds", "epochs"):
            checked_count("Size", name, getattr(self, name), at_least=1)

    def recipe(self) -> Recipe:
        """The lesson's recipe for so many epochs."""
        return Recipe(epochs=self.epochs)

    def draw(self, data: Dataset) -> Dataset:
        """Take a class-balanced part of the data, all of it where there is no more."""
        train = min(self.train_images, len(data.train.labels))
        if train % Recipe.batch_size == 1:
            train -= 1  # batch norm cannot be trained on a last batch of one
        return data.subset(train, min(self.test_images, len(data.test.labels)))


DEFAULT = Size(train_images=2000, test_images=1000, seeds=3, epochs=9)
QUICK = Size(train_images=400, test_images=300, seeds=2, epochs=6)


def network(
    input_shape: tuple[int, ...], classes: int, seed: int, *, dropout: bool = False, batchnorm: bool = False
) -> Sequential:
    """Make the network of one arm, as drawn above.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and channels of an image.
    classes : int
        Number K of logits.
    seed : int
    dropout, batchnorm : bool

    Returns
    -------
    model : Sequential

    Raises
    ------
    ValueError
        If the images are smaller than 4x4.

    Examples
    --------
    >>> from minicnn import lesson
    >>> plain, both = (arm((28, 28, 1), 10, 0) for arm in (lesson.ARMS["plain"], lesson.ARMS["both"]))
    >>> bool((plain.params["conv2d_1.w"] == both.params["conv2d_1.w"]).all())  # the same weights to start from
    True
    """

    def hidden(weights: Layer, *pooling: Layer, rate: float) -> list[Layer]:
        normalized = [BatchNorm()] if batchnorm else []
        dropped = [Dropout(rate)] if dropout else []
        return [weights, *normalized, ReLU(), *pooling, *dropped]

    layers = [
        *hidden(Conv2D(16, 3, padding="same"), MaxPool2D(2), rate=0.25),
        *hidden(Conv2D(32, 3, padding="same"), MaxPool2D(2), rate=0.25),
        Flatten(),
        *hidden(Dense(128), rate=0.5),
        Dense(classes),
    ]
    return Sequential(layers, input_shape=input_shape, seed=seed)


ARMS: dict[str, MakeModel] = {
    "plain": network,
    "dropout": partial(network, dropout=True),
    "batchnorm": partial(network, batchnorm=True),
    "both": partial(network, dropout=True, batchnorm=True),
}


@dataclass(frozen=True)
class Clause:
    """One measure in the answer to a question.

    Attributes
    ----------
    measure : str
        A key of `minicnn.results.measures`.
    expected : int
        Sign of the expected difference.
    text : str
        With places for {arm}, {baseline}, {difference} and {target}.
    decimals : int
    scale : float
        100 for per cent.

    Examples
    --------
    >>> from minicnn.lesson import Clause
    >>> Clause("gap", -1, "gap {arm} with it, {baseline} without").expected  # a smaller gap is expected
    -1
    """

    measure: str
    expected: int
    text: str
    decimals: int = 1
    scale: float = 100


@dataclass(frozen=True)
class Question:
    """What two arms are compared for, and how the answer begins.

    Attributes
    ----------
    arm, baseline : str
    asked : str
        The question, after "whether".
    seen, not_seen, opposite, mixed : str
        The answers: the expected effect; none; the opposite one; one by one measure and the other by another.
    clauses : tuple of Clause

    Examples
    --------
    >>> from minicnn import lesson
    >>> [(question.arm, question.baseline, question.asked) for question in lesson.QUESTIONS][1]
    ('batchnorm', 'plain', 'batch norm speeds up learning')
    """

    arm: str
    asked: str
    seen: str
    not_seen: str
    opposite: str
    clauses: tuple[Clause, ...]
    mixed: str = ""
    baseline: str = "plain"

    def answer(self, results: Results) -> str:
        """Say in one sentence what was seen."""
        known = measures(results.target)
        seeds = results.common_seeds(self.arm, self.baseline)
        if not seeds:
            return f"Whether {self.asked}, this run cannot tell: it needs the arms {self.baseline} and {self.arm}."
        compared = [results.compare(self.arm, self.baseline, known[clause.measure]) for clause in self.clauses]
        beginning = self._verdict(compared) if len(seeds) > 1 else f"Whether {self.asked}, one seed cannot tell"
        numbers = "; ".join(map(self._numbers, self.clauses, compared, [results.target] * len(compared)))
        return f"{beginning}: {numbers}."

    def _verdict(self, compared: list[Comparison]) -> str:
        """Choose the beginning: a clause votes if its difference is seen."""
        directions = [comparison.direction for comparison in compared]
        votes = {clause.expected * d for clause, d in zip(self.clauses, directions, strict=True) if d}
        if votes == {1, -1}:
            return self.mixed
        if not votes:
            return self.not_seen
        return (self.seen if votes == {1} else self.opposite) + " by one of two measures" * (0 in directions)

    @staticmethod
    def _numbers(clause: Clause, comparison: Comparison, target: float) -> str:
        """Fill in a clause's numbers."""
        arm, baseline = (e.text(clause.decimals, clause.scale) for e in comparison[:2])
        difference = ""
        if comparison.difference.count and not comparison.difference.missing:
            difference = f" (difference {comparison.difference.text(clause.decimals, clause.scale, sign=True)}"
            difference += ", not seen)" if comparison.direction == 0 else ")"
        return clause.text.format(arm=arm, baseline=baseline, target=f"{target:.0%}".replace("%", " %")) + difference


QUESTIONS = (
    Question(
        arm="dropout",
        asked="dropout narrows the generalization gap",
        seen="Dropout narrowed the generalization gap",
        not_seen="An effect of dropout on the generalization gap was not seen in this run",
        opposite="In this run dropout widened the generalization gap",
        clauses=(
            Clause("gap", -1, "training accuracy ended {arm} points above test accuracy with it, {baseline} without"),
        ),
    ),
    Question(
        arm="batchnorm",
        asked="batch norm speeds up learning",
        seen="Batch norm sped up learning",
        not_seen="An effect of batch norm on speed was not seen in this run",
        opposite="In this run batch norm slowed down learning",
        mixed="Batch norm sped up learning by one measure and slowed it down by another",
        clauses=(
            Clause(
                "first_test_accuracy",
                +1,
                "after one epoch test accuracy was {arm} % with it, {baseline} % without",
            ),
            Clause(
                "epochs_to_target",
                -1,
                "epochs to a test accuracy of {target} were {arm} with it, {baseline} without",
                scale=1,
            ),
        ),
    ),
    Question(
        arm="both",
        asked="both together end better than the plain network",
        seen="Both together ended better than the plain network",
        not_seen="A difference at the end between both together and the plain network was not seen in this run",
        opposite="In this run both together ended worse than the plain network",
        mixed="Both together ended better than the plain network by one measure and worse by the other",
        clauses=(
            Clause("test_loss", -1, "test loss {arm} with them, {baseline} without", decimals=3, scale=1),
            Clause("test_accuracy", +1, "test accuracy {arm} % with them, {baseline} % without"),
        ),
    ),
)


def answers(results: Results) -> list[str]:
    """Say in three sentences what the results show, and where they do not show it.

    Parameters
    ----------
    results : Results
        Of the lesson's arms, as many as there are.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from minicnn import lesson
    >>> from minicnn.results import Curves, Recipe, Results
    >>> plain, dropout = ({seed: Curves([0.4], [0.9], [0.6], [test]) for seed in (0, 1)} for test in (0.80, 0.85))
    >>> results = Results({}, Recipe(epochs=1), [0, 1], 0.8, {"plain": plain, "dropout": dropout})
    >>> lesson.answers(results)[0].partition(":")[0]
    'Dropout narrowed the generalization gap'
    """
    return [question.answer(results) for question in QUESTIONS]


def footnote(results: Results) -> str:
    """Say how to read the numbers.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str

    Examples
    --------
    >>> from minicnn import lesson
    >>> from minicnn.results import Curves, Recipe, Results
    >>> results = Results({}, Recipe(epochs=1), [0], 0.8, {"plain": {0: Curves([0.4], [0.9], [0.6], [0.8])}})
    >>> print(lesson.footnote(results).partition(". ")[2])
    One seed: no standard errors; for those, take --seeds 3 or more.
    """
    seeds = max(map(len, results.runs.values()))
    gap = "Gap: training minus test accuracy, both at the end, in evaluation mode and on equally many images."
    if seeds < 2:
        return f"{gap} One seed: no standard errors; for those, take --seeds 3 or more."
    return (
        f"{gap} Numbers are means ± standard errors over {seeds} seeds. A difference, taken seed by seed, counts as "
        "seen beyond two of its standard errors. With few seeds that is a weak test; more --seeds make it stronger."
    )


def table(results: Results) -> str:
    """The arms at the end of training, a row each: mean ± standard error over the seeds.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str

    Examples
    --------
    >>> from minicnn import lesson
    >>> from minicnn.results import Curves, Recipe, Results
    >>> results = Results({}, Recipe(epochs=1), [0], 0.8, {"plain": {0: Curves([0.4], [0.9], [0.6], [0.8])}})
    >>> print(lesson.table(results))
    arm    train accuracy  test accuracy  gap (points)  test loss  epochs to 80 %
    -----------------------------------------------------------------------------
    plain  90.0 %          80.0 %         10.0          0.600      1.0
    """
    columns = [
        ("train accuracy", "train_accuracy", 1, 100, " %"),
        ("test accuracy", "test_accuracy", 1, 100, " %"),
        ("gap (points)", "gap", 1, 100, ""),
        ("test loss", "test_loss", 3, 1, ""),
        (f"epochs to {100 * results.target:g} %", "epochs_to_target", 1, 1, ""),
    ]
    rows = [("arm", *(title for title, *_ in columns))]
    for arm, summary in results.summary().items():
        if not results.runs[arm]:
            continue
        rows.append((arm, *(summary[name].text(digits, scale) + unit for _, name, digits, scale, unit in columns)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
