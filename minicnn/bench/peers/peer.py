"""What every contestant does: build a network, take training steps, predict, and say how long each took.

A step is forward, loss, backward and optimizer, SGD(0.01, momentum 0.9) in float32, on a batch that lies ready:
choosing its examples is not timed. All train on the same number of images, so that their memory can be compared.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import time
from collections.abc import Callable
from typing import ClassVar

from ..networks import Network

LEARNING_RATE, MOMENTUM = 0.01, 0.9
IMAGES = 1024  # of the data set, or two batches if that is more


class Peer:
    """The base of every contestant.

    Attributes
    ----------
    name : str
        As in tables and after `--peers`.
    module, distribution : str
        What must be installed: the name to import and the name it is installed by.
    """

    name: ClassVar[str]
    module: ClassVar[str]
    distribution: ClassVar[str]

    @classmethod
    def available(cls) -> bool:
        """Whether the library is installed."""
        return importlib.util.find_spec(cls.module) is not None

    @classmethod
    def version(cls) -> str:
        """Name and version of the library, and how it is set up."""
        return f"{cls.distribution} {importlib.metadata.version(cls.distribution)}"

    @classmethod
    def environment(cls, threads: int) -> dict[str, str]:
        """Environment variables for the process that times it."""
        return {}

    def prepare(self, network: Network, batch: int, threads: int) -> int:
        """Build the network and its data; return the number of trainable parameters."""
        raise NotImplementedError

    def steps(self, count: int) -> list[float]:
        """Seconds that each of `count` training steps took."""
        raise NotImplementedError

    def predictions(self, count: int) -> list[float]:
        """Seconds that each of `count` predictions of a batch took, in evaluation mode and without gradients."""
        raise NotImplementedError


def images_for(batch: int) -> int:
    """Size of the data set: whole batches."""
    return batch * max(2, IMAGES // batch)


def timed(work: Callable[[], object], count: int) -> list[float]:
    """Seconds of each of `count` calls."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds
