"""What an experiment measured: the curves of every run, single numbers taken from them, the file that keeps both.

>>> from minicnn.results import Curves
>>> Curves(train_accuracy=[0.8, 0.95], test_accuracy=[0.78, 0.85]).epochs_to(0.8)
2
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from . import __version__
from .arguments import checked_count, checked_kind, checked_number, checked_path
from .estimates import Comparison, Estimate
from .json_file import write_json

__all__ = ["Curves", "Recipe", "Results", "load", "measures", "save"]

CURVES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
FORMAT = 1  # of results.json


@dataclass(frozen=True)
class Recipe:
    """How every arm is trained: SGD with momentum on the softmax cross-entropy.

    Attributes
    ----------
    epochs, batch_size : int
    learning_rate, momentum : float
        Dimensionless.

    Examples
    --------
    >>> from minicnn.results import Recipe
    >>> Recipe(epochs=20)
    Recipe(epochs=20, batch_size=64, learning_rate=0.02, momentum=0.9)
    """

    epochs: int = 9
    batch_size: int = 64
    learning_rate: float = 0.02
    momentum: float = 0.9

    def __post_init__(self):
        """Check the arguments."""
        checked_count("Recipe", "epochs", self.epochs, at_least=1)
        checked_count("Recipe", "batch_size", self.batch_size, at_least=1)
        checked_number("Recipe", "learning_rate", self.learning_rate, above=0)
        checked_number("Recipe", "momentum", self.momentum, at_least=0, below=1)


@dataclass
class Curves:
    """One run, measured after each epoch, in evaluation mode on the test images and on as many training images.

    The training loss that `fit` reports is another thing: it is a mean over the epoch, in which the network still
    learned, and with dropout at work it is the loss of thinned networks. Only with both data sets measured in one way
    is their difference the generalization gap.

    Attributes
    ----------
    train_loss, test_loss : list of float
        In nats, one number an epoch.
    train_accuracy, test_accuracy : list of float
        From 0 to 1.
    seconds : float
        Duration of the run, measuring included.

    Examples
    --------
    >>> from minicnn.results import Curves
    >>> curves = Curves(train_accuracy=[0.80, 0.95], test_accuracy=[0.78, 0.85])
    >>> [round(gap, 2) for gap in curves.gap], curves.epochs_to(0.9)
    ([0.02, 0.1], None)
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def gap(self) -> list[float]:
        """Generalization gap: training accuracy minus test accuracy."""
        return [train - test for train, test in zip(self.train_accuracy, self.test_accuracy, strict=True)]

    def epochs_to(self, accuracy: float) -> int | None:
        """After how many epochs the test accuracy was first at least `accuracy`; None if it never was."""
        return next((epoch for epoch, a in enumerate(self.test_accuracy, start=1) if a >= accuracy), None)


Measure = Callable[[Curves], float | None]


@dataclass
class Results:
    """What an experiment has measured so far.

    Attributes
    ----------
    data : dict
        "name", "train_images", "test_images", "image_shape", "classes".
    recipe : Recipe
    seeds : list of int
        Those asked for.
    target : float
        The test accuracy, from 0 to 1, to which epochs are counted.
    runs : dict of str to dict of int to Curves
        Of each arm asked for, the finished runs by seed.
    interrupted : bool
        Whether Ctrl-C ended the experiment.

    Examples
    --------
    >>> from minicnn.results import Curves, Recipe, Results
    >>> runs = {"plain": {0: Curves([0.4], [0.9], [0.6], [0.8]), 1: Curves([0.4], [0.9], [0.6], [0.84])}}
    >>> results = Results({"name": "made up"}, Recipe(epochs=1), seeds=[0, 1], target=0.8, runs=runs)
    >>> results.array("plain", "test_accuracy").ravel()
    array([0.8 , 0.84])
    >>> results.summary()["plain"]["test_accuracy"].text(1, scale=100)
    '82.0 ± 2.0'
    """

    data: dict
    recipe: Recipe
    seeds: list[int]
    target: float
    runs: dict[str, dict[int, Curves]]
    interrupted: bool = False

    @property
    def finished(self) -> int:
        """Number of finished runs."""
        return sum(map(len, self.runs.values()))

    def array(self, arm: str, curve: str) -> np.ndarray:
        """One curve of an arm, such as "test_accuracy" or "gap", as an array (finished seeds, epochs)."""
        self._check_arms(arm)
        if curve not in (*CURVES, "gap"):
            raise ValueError(f"There is no curve {curve!r}; there are {', '.join((*CURVES, 'gap'))}.")
        return np.array([getattr(run, curve) for run in self.runs[arm].values()]).reshape(-1, self.recipe.epochs)

    def values(self, arm: str, measure: Measure) -> list[float | None]:
        """One number from each finished run of an arm."""
        return [measure(run) for run in self.runs[arm].values()]

    def common_seeds(self, *arms: str) -> list[int]:
        """Seeds from which every one of these arms has finished a run."""
        return [seed for seed in self.seeds if all(seed in self.runs.get(arm, ()) for arm in arms)]

    def compare(self, arm: str, baseline: str, measure: Measure) -> Comparison:
        """Compare two arms over the seeds that both have finished."""
        self._check_arms(arm, baseline)
        seeds = self.common_seeds(arm, baseline)
        return Comparison.of(*([measure(self.runs[name][seed]) for seed in seeds] for name in (arm, baseline)))

    def _check_arms(self, *arms: str) -> None:
        """See that the experiment has these arms."""
        for arm in arms:
            if arm not in self.runs:
                raise ValueError(f"The results have no arm {arm!r}; they have {', '.join(self.runs)}.")

    def summary(self) -> dict[str, dict[str, Estimate]]:
        """For each arm an estimate of every one of `measures(target)`."""
        return {
            arm: {name: Estimate.of(self.values(arm, measure)) for name, measure in measures(self.target).items()}
            for arm in self.runs
        }


def measures(target: float) -> dict[str, Measure]:
    """Name the single numbers worth taking from a run.

    Parameters
    ----------
    target : float
        A test accuracy, from 0 to 1, to which epochs are counted.

    Returns
    -------
    dict of str to function (Curves) -> float or None

    Examples
    --------
    >>> from minicnn.results import Curves, measures
    >>> curves = Curves([0.9, 0.4], [0.7, 0.9], [0.9, 0.6], [0.7, 0.8])
    >>> {name: measure(curves) for name, measure in measures(target=0.8).items() if "test" in name}
    {'test_loss': 0.6, 'test_accuracy': 0.8, 'first_test_accuracy': 0.7}
    """
    target = checked_number("measures", "target", target, at_least=0, at_most=1)
    at_end = {name: lambda run, name=name: getattr(run, name)[-1] for name in (*CURVES, "gap")}
    return at_end | {
        "first_test_accuracy": lambda run: run.test_accuracy[0],
        "epochs_to_target": lambda run: run.epochs_to(target),
    }


def save(results: Results, path: str | Path, **more: object) -> None:
    """Write the results as JSON, whole or not at all; numbers that are not finite become null.

    Parameters
    ----------
    results : Results
    path : str or Path
        Missing folders are made.
    **more
        Further entries, such as sentences.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from minicnn.results import Recipe, Results, save
    >>> save(Results({"name": "made up"}, Recipe(), seeds=[0], target=0.8, runs={}), "results.json", note="nothing yet")
    >>> '"note": "nothing yet"' in Path("results.json").read_text()
    True
    """
    checked_kind("save", "results", results, Results, "what run_experiment returned")
    content = {
        "format": FORMAT,
        "minicnn": __version__,
        "data": results.data,
        "recipe": asdict(results.recipe),
        "seeds": results.seeds,
        "target": results.target,
        "interrupted": results.interrupted,
        "arms": {
            arm: {"seeds": list(runs)}
            | {name: [getattr(run, name) for run in runs.values()] for name in (*CURVES, "seconds")}
            for arm, runs in results.runs.items()
        },
        "summary": {
            arm: {name: estimate._asdict() for name, estimate in estimates.items()}
            for arm, estimates in results.summary().items()
        },
    }
    write_json(path, content | more)


def load(path: str | Path) -> Results:
    """Read what `save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    results : Results

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no results file, or of a newer format.

    Examples
    --------
    >>> from minicnn.results import Recipe, Results, load, save
    >>> save(Results({"name": "made up"}, Recipe(), seeds=[0], target=0.8, runs={}), "results.json")
    >>> load("results.json").recipe
    Recipe(epochs=9, batch_size=64, learning_rate=0.02, momentum=0.9)
    """
    path = checked_path("load", path)
    try:
        content = json.loads(Path(path).read_bytes())
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}, this minicnn reads {FORMAT}")
        runs = {arm: _runs(entry) for arm, entry in content["arms"].items()}
        about = {name: content[name] for name in ("data", "seeds", "target", "interrupted")}
        return Results(recipe=Recipe(**content["recipe"]), runs=runs, **about)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} does not hold the results of an experiment: {error!r}.") from error


def _runs(entry: dict) -> dict[int, Curves]:
    """Put the curves of one arm together again, a run a seed."""
    columns = [[_with_nan(curve) for curve in entry[name]] for name in CURVES]
    return dict(zip(entry["seeds"], map(Curves, *columns, entry["seconds"]), strict=True))


def _with_nan(curve: list[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in curve]
