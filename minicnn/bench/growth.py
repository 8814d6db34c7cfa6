"""Time per image over batch size, image side and number of threads, beside PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .race import race
from .settings import Settings

RIVALS = ("minicnn", "pytorch", "pytorch-channels-last")


def measure(settings: Settings, say: Callable[[str], None]) -> Iterator[dict]:
    """Yield the rows of `race` for training steps of the first network, with the axis and the time per image.

    Yields
    ------
    row : dict
        As from `race`, and "axis" ("batch", "side" or "threads") and "per_image", seconds.
    """
    peers = [peer for peer in settings.peers if peer in RIVALS]
    network, most, batch = settings.networks[:1], max(settings.threads), settings.middle_batch
    effort = replace(settings.effort, rounds=min(settings.effort.rounds, 3))
    options = {"effort": effort, "say": say, "tasks": ("step",)}
    axes = {
        "batch": race(peers, network, settings.growing_batches, [most], **options),
        "side": race(peers, network, [batch], [most], sides=settings.sides, **options),
        "threads": race(peers, network, [batch], range(1, most + 1), **options),
    }
    for axis, rows in axes.items():
        for row in rows:
            yield row | {"axis": axis, "per_image": row["seconds"]["median"] / row["batch"]}
