"""What each technique gains: the training step with it and without it.

A technique is switched off by putting something else in the place of one name in a module, in a process of its own; all
processes take turns. A technique's gain is

    gain = median over the rounds of (step without it / step with everything) - 1                   (1)

so that 0.25 says: without it a step takes a quarter longer. Gains do not add up, since each is measured with all others
at work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass
from importlib import import_module
from unittest.mock import patch

from . import numpy_kernels
from .clock import Spread, interleaved, ratio
from .settings import Settings
from .worker import Worker, WorkerError

EVERYTHING = "everything"
NO_LIMIT = 1 << 62  # bytes: more than there are


@dataclass(frozen=True)
class Technique:
    """Something that minicnn does to be fast.

    Attributes
    ----------
    what : str
        What is done instead when it is switched off.
    instead : dict of str to object
        "module.name" inside minicnn -> what takes its place.
    """

    what: str
    instead: dict[str, object]


def _in_numpy(module: str, *names: str) -> dict[str, object]:
    return {f"kernels.{module}.{name}": getattr(numpy_kernels, name) for name in names}


TECHNIQUES = {
    "threads": Technique("one thread", {"kernels.parallel.default_threads": lambda: 1}),
    "one pool": Technique(
        "BLAS keeps its own threads beside ours", {"kernels.parallel._one_blas_thread": nullcontext()}
    ),
    "written BLAS buffers": Technique(
        "as OpenBLAS finds them in a new process", {"kernels.parallel._prepare_blas": lambda number: None}
    ),
    "Winograd": Technique(
        "im2col for kernels of 3x3 too",
        {"layers.winograd.applies": lambda windows, channels, filters, groups: False},
    ),
    "freed memory kept": Technique(
        "handed back to the system as the C library likes", {"kernels.memory.keep_freed": lambda: None}
    ),
    "caches let go": Technique("kept until the next step", {"layers.layer.Layer.forget": lambda layer: None}),
    "tiles": Technique("one matrix of all columns", {"layers.columns.TILE_BYTES": NO_LIMIT}),
    "columns of few channels": Technique("row by row, like those of many", {"layers.columns.FEW_CHANNELS": 0}),
    "no gradient of the data": Technique(
        "the first convolution computes dx too",
        {"layers.conv2d.Conv2D.backward_params": lambda layer, dy: layer.backward(dy)},
    ),
    "max-pooling kernels": Technique("NumPy", _in_numpy("pooling", "max_pool", "max_pool_backward")),
    "batch norm kernels": Technique(
        "NumPy",
        _in_numpy(
            *("batchnorm", "channel_sums", "channel_moments", "normalize"),
            *("gradient_sums", "normalize_backward"),
        ),
    ),
    "ReLU kernels": Technique("NumPy", _in_numpy("activations", "relu", "relu_backward")),
    "SGD kernel": Technique("NumPy", _in_numpy("optimizers", "sgd")),
}


def switch_off(name: str) -> None:
    """Switch a technique off for the rest of this process."""
    for place, replacement in TECHNIQUES[name].instead.items():
        switched_off(place, replacement).start()


def switched_off(place: str, replacement: object) -> patch:
    """A context manager that puts something in the place of "module.name" or "module.Class.name" inside minicnn."""
    path = place.split(".")
    depth = next(k for k, part in enumerate(path) if part[0].isupper() or k == len(path) - 1)
    thing = import_module(".".join(["minicnn", *path[:depth]]))
    for part in path[depth:-1]:
        thing = getattr(thing, part)
    return patch.object(thing, path[-1], replacement)


def measure(settings: Settings, say: Callable[[str], None]) -> Iterator[dict]:
    """Yield a row for every technique and network, at the middle batch size and the largest number of threads.

    Yields
    ------
    row : dict
        "network", "batch", "threads", "technique", "instead"; "seconds" a step without it and "ratio" to the step with
        everything, both spreads.
    """
    batch, threads = settings.middle_batch, max(settings.threads)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker("minicnn", threads)) for name in (EVERYTHING, *TECHNIQUES)}
        for name in TECHNIQUES:
            workers[name].switch_off(name)
        for network in settings.networks:
            for name, worker in list(workers.items()):
                try:
                    worker.prepare(network, batch)
                    worker.steps(1)
                except WorkerError as error:
                    say(f"left out: without {name}, {error}")
                    workers.pop(name)
            turns = interleaved({name: worker.steps for name, worker in workers.items()}, settings.effort)
            for name, seconds in turns.items():
                row = {"network": network, "batch": batch, "threads": threads, "technique": name}
                row["instead"] = TECHNIQUES[name].what if name in TECHNIQUES else ""
                yield row | {
                    "seconds": asdict(Spread.of(seconds)),
                    "ratio": asdict(ratio(seconds, turns[EVERYTHING])),
                }
