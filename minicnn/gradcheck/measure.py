"""Which entries to look at, and what their derivatives are.

Every entry of a small argument, as long as the budget lasts. Of a larger one a few random directions, each of which
tests all entries at once (directions.py). Where they agree, a few entries besides have to show that numbers are alike;
where they disagree, every entry if the budget allows, else a random choice of them and those that spoil the directions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .case import Case
from .conduct import Conduct
from .directions import COUNT, Directions
from .noise import measure_noise
from .numeric import differentiate, spread
from .pair import Pair

EVALUATIONS_AN_ENTRY = 5  # four at the first step size, the rest for entries that need another
NOISE_ENTRIES = 5  # of each argument
WHOLE = 1000  # entries: smaller arguments are looked at as a whole, if the budget allows
AFTER_AGREEMENT, AFTER_DISAGREEMENT = 30, 120  # entries of an argument that is not looked at as a whole
SEARCH_SHARE = 0.25  # of the budget, for the entries that spoil a direction


def measure(case: Case, max_evaluations: int, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """Fill in `case.numeric` and `case.directions`; return the entries looked at, by the argument's position."""
    pair, conduct = case.pair, case.conduct
    if not conduct.is_measurable:
        return dict.fromkeys(conduct.gradients, np.arange(0))
    chosen = _choose_entries(pair, conduct, max_evaluations, rng)
    changes = {i: change_of_loss(pair, conduct, i) for i in chosen}
    least = conduct.eps * conduct.size / 2
    conduct.noise = max(
        measure_noise(changes[i], pair.arguments[i], _some(entries), spread(pair.arguments[i]), least)
        for i, entries in chosen.items()
    )
    for i, entries in chosen.items():
        if pair.arguments[i].size > min(WHOLE, len(entries)) and conduct.gradients[i].shape == pair.arguments[i].shape:
            chosen[i] = _by_directions(case, i, changes[i], entries, max_evaluations, rng)
    count = sum(map(len, chosen.values()))
    for i, entries in chosen.items():
        case.numeric[i] = differentiate(
            changes[i],
            pair.arguments[i],
            entries,
            size=conduct.size,
            noise=conduct.noise,
            tolerance=case.tolerance,
            max_evaluations=max_evaluations * len(entries) // max(1, count),
        )
    return chosen


def _by_directions(
    case: Case, i: int, change: Callable[[], float], entries: np.ndarray, budget: int, rng: np.random.Generator
) -> np.ndarray:
    """Look along a few directions, note them, and say which entries to look at."""
    conduct = case.conduct
    directions = Directions(
        change, case.pair.arguments[i], conduct.gradients[i], conduct.size, conduct.noise, case.tolerance, rng
    )
    everything = slice(0, case.pair.arguments[i].size)
    case.directions[i] = [directions.through(everything) for _ in range(COUNT)]
    if not any(direction.disagrees(case.tolerance) for direction in case.directions[i]):
        return np.sort(rng.permutation(entries)[:AFTER_AGREEMENT])
    if len(entries) == everything.stop:
        return entries  # all of it fits the budget, and tells most about the mistake
    last_call = case.pair.forward_calls + int(SEARCH_SHARE * budget)
    spoilers = directions.search(lambda: last_call - case.pair.forward_calls)
    return np.union1d(rng.permutation(entries)[: max(1, AFTER_DISAGREEMENT - len(spoilers))], spoilers)


def _choose_entries(
    pair: Pair, conduct: Conduct, max_evaluations: int, rng: np.random.Generator
) -> dict[int, np.ndarray]:
    """Which entries of each argument to look at: all, or a fair share of the budget; small arguments first."""
    left = max_evaluations // EVALUATIONS_AN_ENTRY
    checked = sorted(conduct.gradients, key=lambda i: pair.arguments[i].size)
    chosen = {}
    for position, i in enumerate(checked):
        size = pair.arguments[i].size
        count = min(size, max(1, left // (len(checked) - position)))
        chosen[i] = np.arange(size) if count == size else np.sort(rng.choice(size, count, replace=False))
        left -= count
    return {i: chosen[i] for i in sorted(chosen)}


def _some(entries: np.ndarray) -> np.ndarray:
    """A few of them, evenly apart, to measure the noise at."""
    count = min(NOISE_ENTRIES, 1 + len(entries) // 8)
    return entries[np.linspace(0, len(entries) - 1, count).astype(int)] if len(entries) else entries


def change_of_loss(pair: Pair, conduct: Conduct, i: int) -> Callable[[], float]:
    """The function that says by how much L differs from its first value."""
    first, dy = conduct.call.outputs, [d.ravel() for d in conduct.dy]

    def change() -> float:
        total = 0.0
        try:
            outputs = pair.outputs()
        except Exception as error:
            error.add_note(f"gradcheck had moved one entry of {pair.names[i]} a little when forward raised this.")
            raise
        with np.errstate(all="ignore"):
            for d, y, y_first in zip(dy, outputs, first, strict=True):
                if y.shape != y_first.shape:
                    raise ValueError(
                        f"forward's output changed its shape from {y_first.shape} to {y.shape} when one entry of "
                        f"{pair.names[i]} moved a little: there is no derivative."
                    )
                total += float(np.dot(d, (y - y_first).ravel()))
        return total

    return change
