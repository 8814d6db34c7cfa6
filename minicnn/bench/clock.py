"""Timing by turns, so that noise hits all alike.

A round gives every contestant one turn; the next round goes the other way round. A turn is a step that does not count,
for caches and threads to warm up, and some that do; its result is their median. Over the rounds

    time     median of the turns, with quartiles                                                    (1)
    ratio    median over the rounds of (a's turn / b's turn), with quartiles                        (2)

In (2) a slow phase of the machine is in both numbers and falls out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

TimeSome = Callable[[int], list[float]]  # how many -> the seconds of each

WARM_UP = 1
PAUSE = 0.02  # seconds between turns, for the threads of the one before to fall asleep


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes
    ----------
    rounds : int
    turn : float
        About how many seconds a turn takes, if a single step does not take longer.
    most : int
        At most so many counted steps a turn.
    """

    rounds: int = 7
    turn: float = 0.3
    most: int = 30

    def steps(self, seconds: float) -> int:
        """How many steps of this length make a turn."""
        return int(np.clip(self.turn / seconds, 1, self.most))


@dataclass(frozen=True)
class Spread:
    """A median, and between which values the middle half of the measurements lies."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Median and quartiles."""
        lower, middle, upper = np.quantile(values, (0.25, 0.5, 0.75))
        return cls(float(middle), float(lower), float(upper))


def interleaved(contestants: Mapping[str, TimeSome], effort: Effort) -> dict[str, list[float]]:
    """Let the contestants take turns.

    Parameters
    ----------
    contestants : dict of str to function
        Called with a number of steps, it does them and returns how many seconds each took.
    effort : Effort

    Returns
    -------
    turns : dict of str to list of float
        For each contestant the median step of every round, in seconds.
    """
    counts = {name: effort.steps(median(run(WARM_UP + 2)[WARM_UP:])) for name, run in contestants.items()}
    turns: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(effort.rounds):
        for name in list(contestants)[:: 1 if number % 2 == 0 else -1]:
            time.sleep(PAUSE)
            turns[name].append(median(contestants[name](WARM_UP + counts[name])[WARM_UP:]))
    return turns


def ratio(a: Sequence[float], b: Sequence[float]) -> Spread:
    """How many times as long a takes as b, equation (2), from the turns of both."""
    return Spread.of(np.divide(a, b))
