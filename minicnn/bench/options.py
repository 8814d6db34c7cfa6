"""What the options of `fit` add to a training step, on each network.

    added = median over the rounds of (step with the option / plain step) - 1                       (1)

A step lasts from the end of one batch to the end of the next: what happens between batches, or beside them in the
background, is in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

from .clock import Spread, TimeSome, interleaved, ratio
from .networks import NETWORKS, Network
from .peers.minicnn import MiniCNN
from .settings import Settings

PLAIN, AUGMENT = "plain", "augment"


def measure(settings: Settings, say: Callable[[str], None]) -> Iterator[dict]:
    """Yield a row for every option and network, at the smallest batch size and the largest number of threads.

    Yields
    ------
    row : dict
        "network", "batch", "threads", "option", "what"; "seconds" a step with it and "ratio" to the plain step, both
        spreads.
    """
    batch, threads = min(settings.batches), max(settings.threads)
    for network in settings.networks:
        steps = {
            name: _steps(NETWORKS[network](), batch, threads, options) for name, (_, options) in every_option().items()
        }
        turns = interleaved(steps, settings.effort)
        for name, seconds in turns.items():
            row = {"network": network, "batch": batch, "threads": threads, "option": name}
            row["what"] = every_option()[name][0]
            yield row | {"seconds": asdict(Spread.of(seconds)), "ratio": asdict(ratio(seconds, turns[PLAIN]))}


def every_option() -> dict[str, tuple[str, dict]]:
    """For each option what it does, and as arguments of `fit`; random labels call for no advice."""
    from .. import augment

    steps = [augment.Flip(), augment.Shift(4), augment.Cutout(8), augment.Brightness(0.2), augment.Contrast(0.2)]
    return {
        PLAIN: ("", {"warn": False}),
        AUGMENT: ("flip, shift, cutout, brightness, contrast", {"warn": False, "augment": augment.Pipeline(steps)}),
        "check_finite": ("every array of every step", {"warn": False, "check_finite": True}),
    }


def _steps(network: Network, batch: int, threads: int, options: dict) -> TimeSome:
    """Make a function that trains for a number of steps and returns how long each took."""
    from .. import fit
    from ..callbacks import Callback

    peer = MiniCNN()
    peer.prepare(network, batch, threads)

    class Stopwatch(Callback):
        def __init__(self, count: int):
            self.count, self.ends = count, []

        def on_batch_end(self, run):
            self.ends.append(time.perf_counter())
            run.stop = len(self.ends) > self.count  # the first end is where the first step begins

    def steps(count: int) -> list[float]:
        watch = Stopwatch(count)
        fit(
            peer.model,
            peer.data,
            loss=peer.loss,
            optimizer=peer.optimizer,
            batch_size=batch,
            epochs=count + 1,  # it ends after `count` + 1 steps
            callbacks=[watch],
            progress=False,
            threads=threads,
            **options,
        )
        return [end - start for start, end in zip(watch.ends, watch.ends[1:], strict=False)]

    return steps
