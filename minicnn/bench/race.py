"""The networks part: training steps and predictions of every contestant, by turns.

One row of results is one contestant at one network, batch, number of threads and task; its ratio is that to minicnn's
time: how many times as fast minicnn is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import product

from .clock import Effort, Spread, interleaved, ratio
from .settings import Settings
from .worker import Worker, WorkerError

TASKS = {"step": Worker.steps, "prediction": Worker.predictions}
BASE = "minicnn"


def measure(settings: Settings, say: Callable[[str], None]) -> Iterator[dict]:
    """All contestants at all networks, batches and numbers of threads; see `race`."""
    yield from race(settings.peers, settings.networks, settings.batches, settings.threads, settings.effort, say=say)


def race(
    peers: Sequence[str],
    networks: Sequence[str],
    batches: Sequence[int],
    threads: Sequence[int],
    effort: Effort,
    sides: Sequence[int | None] = (None,),
    say: Callable[[str], None] = print,
    tasks: Sequence[str] = tuple(TASKS),
) -> Iterator[dict]:
    """Yield a row of results for every contestant in every combination.

    Parameters
    ----------
    peers : sequence of str
        Names of installed ones; where minicnn is not among them, rows have no ratio.
    networks : sequence of str
    batches, threads : sequence of int
    effort : Effort
    sides : sequence of int or None
        Of the images, in pixels; None for the network's own.
    say : function of a str
        Told why a contestant cannot take part.
    tasks : sequence of str
        Some of `TASKS`.

    Yields
    ------
    row : dict
        "network", "side", "batch", "threads", "task", "peer"; "seconds" a step and "ratio", each with "median", "lower"
        and "upper".
    """
    for number in threads:
        with ExitStack() as stack:
            workers = {peer: stack.enter_context(Worker(peer, number)) for peer in peers}
            for network, side, batch in product(networks, sides, batches):
                ready = _prepared(workers, network, batch, side, say)
                for task in tasks:
                    where = {"network": network, "side": side, "batch": batch, "threads": number, "task": task}
                    yield from _rows(where, ready, effort)


def _prepared(
    workers: dict[str, Worker], network: str, batch: int, side: int | None, say: Callable[[str], None]
) -> dict[str, Worker]:
    """The workers that have built the network; one that cannot is left out from now on."""
    for peer, worker in list(workers.items()):
        try:
            worker.prepare(network, batch, side)
            worker.steps(1), worker.predictions(1)  # what cannot be done is seen before the turns begin
        except WorkerError as error:
            say(f"left out: {error}")
            workers.pop(peer)
    return workers


def _rows(where: dict, workers: dict[str, Worker], effort: Effort) -> Iterator[dict]:
    time_some = TASKS[where["task"]]
    turns = interleaved({peer: time_some.__get__(worker) for peer, worker in workers.items()}, effort)
    for peer, seconds in turns.items():
        row = where | {"peer": peer, "seconds": asdict(Spread.of(seconds))}
        if BASE in turns:
            row["ratio"] = asdict(ratio(seconds, turns[BASE]))
        yield row
