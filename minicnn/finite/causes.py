"""Why a number is not finite: what can be told from the array, from what it was computed of, and from the run so far.

A layer that works number by number gives itself away by the places: if it failed just where its input is 0, it took a
logarithm of 0 or divided by it. What grew from step to step was driven by the learning rate. Each cause below looks for
its own evidence and says nothing without it; the first that speaks is the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .error import Place

HUGE = 1e9  # nothing that is scaled sensibly comes near it
EXP_OVERFLOWS = 88  # in float32
GROWN = 100  # times the largest initial parameter: more than training does to it


@dataclass(frozen=True)
class Story:
    """How the run came here.

    Attributes
    ----------
    begun : bool
        Whether the first step has begun.
    steps : int
        Steps that the optimizer has done.
    learning_rate : float
    largest : tuple of (str, float, float)
        Name of the largest parameter, its largest magnitude at the start, and now.
    losses : tuple of (float, float), optional
        The first batch's, and the last that was finite.
    data : float
        The largest magnitude in examples and labels of this batch.
    """

    begun: bool
    steps: int
    learning_rate: float
    largest: tuple[str, float, float]
    losses: tuple[float, float] | None
    data: float


def likely_cause(place: Place, story: Story) -> str:
    """Say in a few sentences what it probably came from, with the evidence, and what to do.

    Parameters
    ----------
    place : Place
    story : Story

    Returns
    -------
    cause : str
    """
    return next(said for cause in CAUSES if (said := cause(place, story)))


def in_the_data(place: Place, story: Story) -> str:
    """The examples or labels hold it already."""
    if place.owner not in ("data", "validation"):
        return ""
    examples = np.flatnonzero(place.bad.reshape(len(place.values), -1).any(axis=1))
    return (
        f"the {place.array} are not finite themselves, in {len(examples)} of the {len(place.values)} of this batch. "
        f"np.flatnonzero(~np.isfinite({place.array}).reshape(len({place.array}), -1).all(axis=1)) finds them in the "
        "whole data. Leave them out, or look where they were made: a mean of nothing, a division by a deviation of 0, "
        "a missing value."
    )


def in_the_parameters(place: Place, story: Story) -> str:
    """A parameter was not finite before the first step."""
    if story.begun or story.steps:
        return ""
    return (
        "the model came with it: trained to NaN before, loaded from such a training, or set by hand. Make it anew, or "
        "load an earlier checkpoint."
    )


def dead_inputs(place: Place, story: Story) -> str:
    """0 / 0 in examples that are all zero, or in channels that are the same everywhere: nothing to normalize."""
    x, bad = place.source, place.bad
    if x is None or x.shape != bad.shape or x.ndim < 2 or not np.isnan(np.asarray(place.values)[bad]).all():
        return ""
    others = tuple(range(x.ndim - 1))
    dead_channels = x.max(axis=others) == x.min(axis=others)
    dead_examples = ~x.reshape(len(x), -1).any(axis=1)
    if not bad[..., ~dead_channels].any():
        dead, why = f"{dead_channels.sum()} of {dead_channels.size} channels", "the same number all over this batch"
    elif not bad[~dead_examples].any():
        dead, why = f"{dead_examples.sum()} of {len(x)} examples", "all zero"
    else:
        return ""
    return (
        f"dead inputs: {dead} of {place.owner}'s input are {why}, and all the NaN are there. Their deviation, or sum, "
        "or norm is 0, and 0 / 0 is NaN. Add a small eps to what is divided by, as BatchNorm does, and look why they "
        "are dead: ReLU units that give 0 for everything, or constant columns of the data."
    )


def log_of_a_probability(place: Place, story: Story) -> str:
    """A loss on probabilities, of which one is exactly 0 or 1."""
    p = place.source
    if place.array not in ("loss", "gradient of the prediction") or p is None or p.min() < 0 or p.max() > 1:
        return ""
    ends = np.sum((p == 0) | (p == 1))
    if not ends:
        return ""
    return (
        f"log of zero: {ends} of the {p.size} predictions here are exactly 0 or 1, and the logarithm of a probability "
        "0 is minus infinity. Leave out the last Softmax or Sigmoid and take a loss on logits (SoftmaxCrossEntropy, "
        "BinaryCrossEntropy), which never meets log(0); or keep the probabilities away from the ends, e.g. "
        "np.clip(p, 1e-7, 1 - 1e-7)."
    )


def log_of_zero(place: Place, story: Story) -> str:
    """A logarithm of 0, or a division by it, in a function of each number alone."""
    if place.source is None or not np.array_equal(place.bad, place.source == 0):
        return ""
    return (
        f"log of zero, or a division by zero: {place.owner} gives this just where its input is 0, {place.bad.sum()} "
        "times. (The derivatives of log, of a root and of 1/x are infinite there, too.) Add a small number first, e.g. "
        "np.log(x + 1e-7)."
    )


def negative_root(place: Place, story: Story) -> str:
    """A logarithm or root of a negative number."""
    x = place.source
    if x is None or not x.min() < 0 or not any(np.array_equal(place.bad, where) for where in (x < 0, x <= 0)):
        return ""
    return (
        f"a logarithm or a root of a negative number: {place.owner} gives this just where its input is negative, "
        f"{place.bad.sum()} times, down to {x.min():.3g}. Make it positive first, e.g. with a ReLU and a small number "
        "added."
    )


def exp_overflow(place: Place, story: Story) -> str:
    """An exponential of a large number."""
    x, bad = place.source, place.bad
    if x is None or x.shape != bad.shape or not np.array_equal(bad, x > EXP_OVERFLOWS):
        return ""
    return (
        f"exp of a large number: {place.owner} gives infinity just where its input is above {x[bad].min():.3g}, and "
        f"exp overflows beyond {EXP_OVERFLOWS} in float32. Subtract the largest number first, as a softmax can, or "
        "keep its input small."
    )


def too_large_data(place: Place, story: Story) -> str:
    """Examples, targets or initial weights that no scaling has seen."""
    name, start, _ = story.largest
    what, reached = ("the batch", story.data) if story.data >= start else (f"the parameter {name}", start)
    if reached <= HUGE:
        return ""
    return (
        f"numbers too large: {what} reaches {reached:.3g}, and float32 ends at 3e38, its squares at 1.8e19. Scale "
        "examples and targets to the order of 1, and take the layers' own initial weights."
    )


def learning_rate(place: Place, story: Story) -> str:
    """Parameters or activations have grown from step to step."""
    name, start, now = story.largest
    grown = now > GROWN * start and now > 1
    spoilt = place.array.startswith("parameter") or place.direction == "step"
    if not story.steps or not (grown or spoilt or _largest(place.source) > HUGE):
        return ""
    evidence = f"the largest number in {name} was {start:.3g} at the start and is {now:.3g} now"
    if story.losses:
        evidence += f"; the loss went from {story.losses[0]:.3g} to {story.losses[1]:.3g}"
    rate = story.learning_rate
    return (
        f"the learning rate {rate:g} is too large: {evidence}, after {story.steps} "
        f"step{'s' * (story.steps > 1)}. Try a tenth of it, {rate / 10:g}, and see that inputs and targets are of the "
        "order of 1."
    )


def unknown(place: Place, story: Story) -> str:
    """Nothing of the above: where to look."""
    if place.array == "loss" or place.array == "gradient of the prediction":
        return f"the prediction and the labels are finite, so that it arose within {place.owner}: look at its formula."
    return (
        f"what went into {place.owner} is finite, so that it arose there: look for a logarithm, a root, a division or "
        "exp in it, and check its backward pass with gradcheck.check_layer."
    )


Cause = Callable[[Place, Story], str]
CAUSES: tuple[Cause, ...] = (
    in_the_data,
    in_the_parameters,
    dead_inputs,
    log_of_a_probability,
    log_of_zero,
    negative_root,
    exp_overflow,
    too_large_data,
    learning_rate,
    unknown,
)


def _largest(x: np.ndarray | None) -> float:
    return 0.0 if x is None else float(np.abs(x).max())
