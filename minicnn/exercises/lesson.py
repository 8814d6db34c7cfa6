"""The lesson with a learner's own layers: `minicnn exercises lesson`.

The four arms of `minicnn lesson` are trained twice, from the same seeds on the same images: once with the functions of
the learner's folder (`own_network.py`), each run in a process of its own, and once with minicnn's. An exercise that is
not passed yet is replaced by its solution, and the text says so.
"""

from __future__ import annotations

import math
import shutil
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from .. import datasets
from ..estimates import SEEN
from ..experiments import AfterEpoch, run_experiment
from ..lesson import ARMS, Size
from ..results import Curves, Measure, Recipe, Results, measures
from .course import path
from .own_network import DATA
from .sandbox import Limits, StoppedError, train_apart
from .verdict import Verdict

YOURS, LIBRARY = "your layers", "minicnn's"
DEFAULT = Size(train_images=400, test_images=300, seeds=3, epochs=6)
QUICK = Size(train_images=200, test_images=100, seeds=2, epochs=2)


class OwnLayersError(Exception):
    """The learner's functions failed on the way; the message says where."""


def usable(verdicts: Sequence[Verdict]) -> set[str]:
    """Names of the exercises whose functions the lesson takes from the learner.

    Those that are passed; but where forward and backward are two exercises, they share a cache, and one does not go
    without the other.
    """
    passed = {verdict.exercise for verdict in verdicts if verdict.passed}
    home = {function: entry.name for entry in path() for function in entry.functions}
    for function, name in home.items():
        pair = {name, home.get(function.replace("_forward", "_backward"), name)}
        if not pair <= passed:
            passed -= pair
    return passed


def prepare(folder: Path, own: Collection[str], target: Path) -> None:
    """Put the files to train with into a folder: some of the learner's, and solutions for the rest.

    Parameters
    ----------
    folder : Path
        The learner's.
    own : collection of str
        Names of the exercises to take from there, see `usable`.
    target : Path
        An empty folder.
    """
    for entry in path():
        if entry.name in own:
            shutil.copy(folder / f"{entry.name}.py", target)
        else:
            (target / f"{entry.name}.py").write_text(entry.solution, encoding="utf-8")


def train_both(
    folder: Path, size: Size, limits: Limits, after_epoch: Callable[[str, int, Curves], None]
) -> tuple[Results, Results]:
    """Train the four arms with the functions of a folder, then with minicnn's.

    Parameters
    ----------
    folder : Path
        As `prepare` makes it.
    size : Size
    limits : Limits
        Of one run.
    after_epoch : function (arm, seed, curves)
        Called from the threads in which runs are watched.

    Returns
    -------
    own, library : Results

    Raises
    ------
    OwnLayersError
        If a function failed or a limit was passed.
    """
    data = size.draw(datasets.load(DATA))
    how = {"seeds": range(size.seeds), "recipe": size.recipe(), "after_epoch": after_epoch}

    def train_own(
        arm: str, seed: int, _data: object, _recipe: Recipe, told: AfterEpoch, cancelled: threading.Event
    ) -> Curves:
        task = {"arm": arm, "seed": seed, "size": asdict(size)}
        try:
            verdict, curves = train_apart(folder, task, limits, cancelled, told)
        except StoppedError:
            raise KeyboardInterrupt from None
        if not verdict.passed:
            raise OwnLayersError(f"{arm}, seed {seed}: {verdict.problem.message}")
        return curves

    own = run_experiment({arm: arm for arm in ARMS}, data, train_arm=train_own, **how)
    return own, own if own.interrupted else run_experiment(ARMS, data, **how)


def together(own: Results, library: Results) -> Results:
    """Both results as one, each arm twice: "plain, your layers" and "plain, minicnn's"."""
    runs = {f"{arm}, {whose}": r.runs[arm] for arm in ARMS for whose, r in ((YOURS, own), (LIBRARY, library))}
    return Results(own.data, own.recipe, own.seeds, own.target, runs)


def answers(results: Results) -> list[str]:
    """Say for each arm whether the two ended alike, as far as the seeds and the test images can tell.

    Dropout draws other masks in the two networks. So a difference must not only be seen by the seeds, but also be more
    than the luck of so few test images: of n answers, a share p right has the standard error sqrt(p (1 - p) / n), and
    the difference of two such shares sqrt(2) times as much.

    Parameters
    ----------
    results : Results
        From `together`.
    """
    accuracy = measures(results.target)["test_accuracy"]
    return [_answer(results, arm, accuracy) for arm in ARMS]


def _answer(results: Results, arm: str, accuracy: Measure) -> str:
    names = f"{arm}, {YOURS}", f"{arm}, {LIBRARY}"
    if len(results.common_seeds(*names)) < 2:
        return f"{arm}: one seed cannot tell whether your network and minicnn's end alike."
    comparison = results.compare(*names, accuracy)
    difference = comparison.difference
    numbers = f"test accuracy {difference.text(1, 100, sign=True)} points beside minicnn's"
    if comparison.direction is None:
        return f"{arm}: your network and minicnn's cannot be compared."
    share, answered = comparison.baseline.mean, results.data["test_images"] * difference.count
    luck = math.sqrt(2 * share * (1 - share) / answered)
    if comparison.direction == 0 or abs(difference.mean) < SEEN * luck:
        return f"{arm}: your network ended like minicnn's, as far as {answered:,} answers can tell; {numbers}."
    return f"{arm}: your network ended {'better' if comparison.direction > 0 else 'worse'}; {numbers}."


def stand_ins(own: Collection[str]) -> str:
    """Say which of the functions are not the learner's own.

    Parameters
    ----------
    own : collection of str
        From `usable`.
    """
    names = [entry.name for entry in path() if not entry.exercise.extra]
    missing = [name for name in names if name not in own]
    if not missing:
        return "Every function is your own."
    if missing == names:
        return "No exercise is passed yet: what you see is what the solutions do."
    return f"The solution stands in for what is not passed yet, and what shares a cache with it: {', '.join(missing)}."
