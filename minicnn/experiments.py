"""Experiments: every arm from every seed.

An arm is one way to make the network. All arms are trained on the same data by the same recipe, each from the same
seeds: one seed, one set of initial weights, wherever the arms draw their parameters in the same order. What came of it
is in results.py, what the seeds tell together in estimates.py.

Runs train side by side, each in one thread: two runs on two cores are done sooner than one run after the other with its
small batches spread over both, and a run's result does not depend on the number of cores.

>>> from minicnn import BatchNorm, Dense, Flatten, Sequential, datasets
>>> from minicnn.experiments import run_experiment
>>> arms = {
...     "plain": lambda shape, classes, seed: Sequential([Flatten(), Dense(classes)], shape, seed),
...     "batchnorm": lambda shape, classes, seed: Sequential([Flatten(), BatchNorm(), Dense(classes)], shape, seed),
... }
>>> results = run_experiment(arms, datasets.load("digits").subset(200, 200), seeds=[0, 1])
>>> results.array("batchnorm", "test_accuracy").shape  # seeds, epochs
(2, 9)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

from .arguments import checked_count, checked_kind, checked_number
from .callbacks import Callback
from .datasets import Dataset
from .kernels.parallel import check_threads, default_threads
from .losses import SoftmaxCrossEntropy
from .model import Sequential
from .optimizers import SGD
from .results import Curves, Recipe, Results
from .training import Run, fit

__all__ = ["run_experiment", "train"]

MakeModel = Callable[[tuple[int, ...], int, int], Sequential]  # (input_shape, classes, seed) -> model
AfterEpoch = Callable[[Curves], None]
TrainArm = Callable[[MakeModel, int, Dataset, Recipe, AfterEpoch | None, threading.Event], Curves]


def run_experiment(
    arms: Mapping[str, MakeModel],
    data: Dataset,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    recipe: Recipe | None = None,
    target: float = 0.8,
    threads: int | None = None,
    after_epoch: Callable[[str, int, Curves], None] | None = None,
    after_run: Callable[[str, int, Results], None] | None = None,
    train_arm: TrainArm | None = None,
) -> Results:
    """Train every arm from every seed.

    Parameters
    ----------
    arms : dict of str to function (input_shape, classes, seed) -> Sequential
    data : Dataset
    seeds : sequence of int
    recipe : Recipe, optional
        By default the lesson's.
    target : float
        The test accuracy, from 0 to 1, to which epochs are counted.
    threads : int, optional
        How many runs train side by side; by default one a core.
    after_epoch, after_run : functions, optional
        Called with the arm, the seed, and the run's curves or all results so far; `after_epoch` in the run's thread.
    train_arm : function (make_model, seed, data, recipe, after_epoch, cancelled) -> Curves, optional
        By default the arm's network is made and trained by `train`.

    Returns
    -------
    results : Results
        After Ctrl-C those of the runs that were finished.

    Raises
    ------
    TypeError, ValueError
        If data, networks and recipe do not fit together.

    Examples
    --------
    >>> from minicnn import Dense, Flatten, Sequential, datasets
    >>> from minicnn.experiments import run_experiment
    >>> from minicnn.results import Recipe
    >>> def linear(input_shape, classes, seed):
    ...     return Sequential([Flatten(), Dense(classes)], input_shape, seed)
    >>> results = run_experiment({"linear": linear}, datasets.load("digits"), recipe=Recipe(epochs=2))
    >>> results.summary()["linear"]["test_accuracy"].count  # seeds
    3
    """
    seeds = _check_arguments(arms, data, seeds, recipe, train_arm)
    target = checked_number("run_experiment", "target", target, at_least=0, at_most=1)
    check_threads(threads)
    results = Results(_about(data), recipe or Recipe(), list(seeds), target, {arm: {} for arm in arms})
    cancelled, train_arm = threading.Event(), train_arm or make_and_train

    def run(arm: str, seed: int) -> Curves:
        told = after_epoch and partial(after_epoch, arm, seed)
        try:
            return train_arm(arms[arm], seed, data, results.recipe, told, cancelled)
        except BaseException:
            cancelled.set()  # before this thread takes the next run
            raise

    def take_in(job: Future) -> None:
        arm, seed = jobs[job]
        finished = results.runs[arm] | {seed: job.result()}
        results.runs[arm] = {seed: finished[seed] for seed in seeds if seed in finished}
        if after_run:
            after_run(arm, seed, results)

    with ThreadPoolExecutor(threads or default_threads()) as pool:
        # Seeds come before arms, so that what an interrupted experiment has can be compared.
        jobs = {pool.submit(run, arm, seed): (arm, seed) for seed in seeds for arm in arms}
        try:
            for job in _as_completed(jobs):
                take_in(job)
        except KeyboardInterrupt:
            results.interrupted = True
        finally:
            cancelled.set()  # nothing is left to cancel unless Ctrl-C came
            pool.shutdown(cancel_futures=True)
    for job, (arm, seed) in jobs.items():  # Ctrl-C may have come between a run's end and its being taken in
        if not job.cancelled() and job.exception() is None and seed not in results.runs[arm]:
            take_in(job)
    return results


def _as_completed(jobs: Collection[Future]) -> Iterator[Future]:
    """Yield each job when it is done; between them, look up often enough to hear a Ctrl-C.

    Of jobs found done together, those that failed come last, so that the others' results are taken in first. Otherwise
    they keep their order.
    """
    pending = set(jobs)
    while pending:
        done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
        yield from sorted((job for job in jobs if job in done), key=lambda job: job.exception() is not None)


def make_and_train(
    make_model: MakeModel,
    seed: int,
    data: Dataset,
    recipe: Recipe,
    after_epoch: AfterEpoch | None,
    cancelled: threading.Event,
) -> Curves:
    """Make an arm's network from a seed and `train` it."""
    return train(make_model(data.image_shape, len(data.classes), seed), data, recipe, after_epoch, cancelled)


def train(
    model: Sequential,
    data: Dataset,
    recipe: Recipe,
    after_epoch: AfterEpoch | None = None,
    cancelled: threading.Event | None = None,
) -> Curves:
    """Train one model by the recipe, in one thread, and measure it after each epoch.

    Parameters
    ----------
    model : Sequential
        Changed in place.
    data : Dataset
    recipe : Recipe
    after_epoch : function, optional
        Called with the curves so far.
    cancelled : threading.Event, optional
        Ends the run when set.

    Returns
    -------
    curves : Curves

    Raises
    ------
    KeyboardInterrupt
        If the run was cut short: half a run cannot be compared with whole ones.

    Examples
    --------
    >>> from minicnn import Dense, Flatten, Sequential, datasets
    >>> from minicnn.experiments import train
    >>> from minicnn.results import Recipe
    >>> model = Sequential([Flatten(), Dense(10)], input_shape=(8, 8, 1))
    >>> curves = train(model, datasets.load("digits"), Recipe(epochs=2))
    >>> len(curves.test_accuracy), curves.test_loss[1] < curves.test_loss[0]
    (2, True)
    """
    checked_kind("train", "model", model, Sequential, "a Sequential")
    start = time.perf_counter()
    measuring = _Measuring(data, after_epoch, cancelled)
    history = fit(
        model,
        data.train,
        loss=SoftmaxCrossEntropy(),
        optimizer=SGD(recipe.learning_rate, momentum=recipe.momentum),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        validation=data.test,
        callbacks=[measuring],
        progress=False,
        threads=1,
    )
    if history.stop_reason:
        raise KeyboardInterrupt
    measuring.curves.seconds = time.perf_counter() - start
    return measuring.curves


class _Measuring(Callback):
    """Fill `Curves`: `fit` has just measured the test images, and as many training images are measured here."""

    def __init__(self, data: Dataset, after_epoch: AfterEpoch | None, cancelled: threading.Event | None):
        count = min(len(data.train.labels), len(data.test.labels))
        self.training_images = data.subset(train=count).train
        self.after_epoch, self.cancelled = after_epoch, cancelled
        self.curves = Curves()

    def on_batch_end(self, run: Run) -> None:
        if self.cancelled and self.cancelled.is_set():
            run.stop, run.stop_reason = True, "cancelled"

    def on_epoch_end(self, run: Run) -> None:
        if run.stop:
            return  # cut short: nothing to measure
        on_training_images = run.model.evaluate(self.training_images, run.loss)
        self.curves.train_loss.append(on_training_images["loss"])
        self.curves.train_accuracy.append(on_training_images["accuracy"])
        self.curves.test_loss.append(run.history.val_loss[-1])
        self.curves.test_accuracy.append(run.history.val_accuracy[-1])
        if self.after_epoch:
            self.after_epoch(self.curves)


def _check_arguments(
    arms: Mapping[str, MakeModel],
    data: Dataset,
    seeds: Sequence[int],
    recipe: Recipe | None,
    train_arm: TrainArm | None,
) -> list[int]:
    """See that there is an experiment to make, and return its seeds."""
    checked_kind("run_experiment", "arms", arms, Mapping, "a dict of names and functions")
    checked_kind("run_experiment", "data", data, Dataset, "a Dataset")
    checked_kind("run_experiment", "recipe", recipe, Recipe | None, "a Recipe(epochs=...)")
    checked_kind("run_experiment", "seeds", seeds, Sequence | range, "a list of whole numbers")
    for make_model in arms.values() if train_arm is None else ():  # another way to train knows what it takes
        if not callable(make_model):
            raise TypeError(
                f"run_experiment takes as arms functions (input_shape, classes, seed) -> model, got {make_model!r:.80}."
            )
    seeds = [checked_count("run_experiment", "seeds", seed, at_least=0) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"run_experiment needs at least one seed, all different, as seeds, got {seeds}.")
    if not arms:
        raise ValueError("run_experiment needs at least one network as arms, got {}.")
    return seeds


def _about(data: Dataset) -> dict:
    return {
        "name": data.name,
        "train_images": len(data.train.labels),
        "test_images": len(data.test.labels),
        "image_shape": list(data.image_shape),
        "classes": list(data.classes),
    }
