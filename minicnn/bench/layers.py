"""Where the time of a training step goes, and how near the convolutions come to their limit.

`fit` runs as always, with a clock around each layer's forward and backward. A convolution of P output positions with
K = KH KW C numbers in a patch and F filters does

    forward     2 P K F operations          columns (P, K) times w (K, F)                           (1)
    backward    2 P K F for dw              columns^T times dy (P, F)                               (2)
                2 P K F for dx              dy times w^T, left out in the first layer               (3)

multiplications and additions by its definition. Its limit is the speed at which these matrix products alone run, each
thread with one product of its slice of the rows. A convolution that gets by with fewer operations may exceed it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict
from statistics import median

import numpy as np

from ..kernels import parallel
from .clock import WARM_UP, Effort, Spread
from .networks import NETWORKS, Network, Part
from .peers.minicnn import MiniCNN
from .settings import Settings

GIGA = 1e9
FORWARD, BACKWARD = "forward", "backward"


def measure(settings: Settings, say: Callable[[str], None]) -> Iterator[dict]:
    """Yield a row for every layer, and for loss, optimizer and the rest, at the middle batch size.

    Yields
    ------
    row : dict
        "network", "batch", "threads", "layer", "what"; "forward" and "backward" in seconds, each a spread or None;
        "share" of the step, from 0 to 1. For convolutions "filters", and "gflops" and "limit", each with "forward" and
        "backward".
    """
    batch = settings.middle_batch
    for name in settings.networks:
        for threads in settings.threads:
            with parallel.threads(threads):
                yield from _rows(NETWORKS[name](), batch, threads, settings.effort)


def _rows(network: Network, batch: int, threads: int, effort: Effort) -> Iterator[dict]:
    peer = MiniCNN()
    peer.prepare(network, batch, threads)
    clocks = Clocks(peer)
    products = {k: Products(*size, first=k == 0) for k, size in convolutions(network, batch)}
    speeds: dict[tuple, list[float]] = defaultdict(list)
    count = effort.steps(median(peer.steps(WARM_UP + 2)[WARM_UP:]))
    clocks.seconds.clear()
    steps = []
    for _ in range(effort.rounds):  # steps and products by turns, as a slow phase of the machine hits both
        steps += peer.steps(count)
        for k, product in products.items():
            for direction in (FORWARD, BACKWARD):
                speeds[k, direction].append(product.gflops(direction))
    where = {"network": network.name, "batch": batch, "threads": threads}
    whole = median(steps)
    rest = whole
    for name, what in clocks.names.items():
        row = where | {"layer": name, "what": what} | _times(clocks, name)
        mine = sum(row[direction]["median"] for direction in (FORWARD, BACKWARD) if row[direction])
        rest -= mine
        row["share"] = mine / whole
        if name in clocks.layer_numbers and (k := clocks.layer_numbers[name]) in products:
            row |= _speeds(row, products[k], {d: median(speeds[k, d]) for d in (FORWARD, BACKWARD)})
        yield row
    yield where | {"layer": "rest", "what": "metrics, hooks", FORWARD: None, BACKWARD: None, "share": rest / whole}
    total = asdict(Spread.of(steps))
    yield where | {"layer": "step", "what": "all of it", FORWARD: total, BACKWARD: None, "share": 1.0}


class Clocks:
    """A clock around everything that a training step calls.

    Attributes
    ----------
    names : dict of str to str
        What is timed, and how it is made.
    layer_numbers : dict of str to int
        Position in the network, for layers.
    seconds : dict of (str, str) to list of float
        The times by name and direction.
    """

    def __init__(self, peer: MiniCNN):
        self.names, self.layer_numbers = {}, {}
        self.seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        for k, (name, layer) in enumerate(zip(peer.model.layer_names, peer.model.layers, strict=True)):
            self.names[name], self.layer_numbers[name] = repr(layer), k
            self._time(layer, "forward", name, FORWARD)
            self._time(layer, "backward_params" if k == 0 else "backward", name, BACKWARD)
        self.names["loss"], self.names["optimizer"] = type(peer.loss).__name__, type(peer.optimizer).__name__
        self._time(peer.loss, "forward", "loss", FORWARD)
        self._time(peer.loss, "backward", "loss", BACKWARD)
        self._time(peer.optimizer, "step", "optimizer", BACKWARD)

    def _time(self, thing: object, method: str, name: str, direction: str) -> None:
        """Put a clock around one method of one object."""
        work = getattr(thing, method)

        def timed(*arguments, **options):
            start = time.perf_counter()
            result = work(*arguments, **options)
            self.seconds[name, direction].append(time.perf_counter() - start)
            return result

        setattr(thing, method, timed)


class Products:
    """The matrix products of one convolution, (1) to (3), on random numbers."""

    def __init__(self, P: int, K: int, F: int, first: bool):
        rng = np.random.default_rng(0)
        self.columns, self.w, self.dy = (rng.random(size, dtype=np.float32) for size in ((P, K), (K, F), (P, F)))
        self.y, self.dcolumns = np.empty_like(self.dy), np.empty_like(self.columns)
        self.operations = {FORWARD: operations(P, K, F), BACKWARD: operations(P, K, F) * (1 if first else 2)}
        self.first = first

    def gflops(self, direction: str) -> float:
        """Billions of operations a second, in the present number of threads."""
        work = self._forward if direction == FORWARD else self._backward
        seconds = []
        for _ in range(WARM_UP + 1):
            start = time.perf_counter()
            parallel.over_batch(work, len(self.columns), self.columns.size)
            seconds.append(time.perf_counter() - start)
        return self.operations[direction] / seconds[-1] / GIGA

    def _forward(self, rows: slice) -> None:
        np.matmul(self.columns[rows], self.w, out=self.y[rows])  # (1)

    def _backward(self, rows: slice) -> np.ndarray:
        if not self.first:
            np.matmul(self.dy[rows], self.w.T, out=self.dcolumns[rows])  # (3)
        return self.columns[rows].T @ self.dy[rows]  # (2)


def operations(P: int, K: int, F: int) -> int:
    """Multiplications and additions of one product of (P, K) and (K, F)."""
    return 2 * P * K * F


def convolutions(network: Network, batch: int) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Position in the network and (P, K, F) of every convolution."""
    for k, (part, shape) in enumerate(network.with_shapes()):
        if part.kind == "Conv2D":
            yield k, _sizes(part, shape, batch)


def _sizes(part: Part, shape: tuple[int, ...], batch: int) -> tuple[int, int, int]:
    H, W, C = shape  # same padding, stride 1: as many positions as pixels
    return batch * H * W, part.options["kernel_size"] ** 2 * C, part.options["filters"]


def _times(clocks: Clocks, name: str) -> dict:
    return {
        direction: asdict(Spread.of(clocks.seconds[name, direction])) if clocks.seconds[name, direction] else None
        for direction in (FORWARD, BACKWARD)
    }


def _speeds(row: dict, product: Products, limits: dict[str, float]) -> dict:
    speed = {d: product.operations[d] / row[d]["median"] / GIGA for d in (FORWARD, BACKWARD)}
    return {"filters": product.w.shape[1], "gflops": speed, "limit": limits}
