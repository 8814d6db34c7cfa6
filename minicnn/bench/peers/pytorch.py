"""PyTorch: in its default memory format, with channels last, and tuned as its own performance guide has it."""

from __future__ import annotations

import ctypes.util
import os
import time
from pathlib import Path
from typing import ClassVar

from ..networks import Network
from .peer import LEARNING_RATE, MOMENTUM, Peer, images_for, timed


class PyTorch(Peer):
    """Images as (N, C, H, W), optimizer and allocator as they come."""

    name, module, distribution = "pytorch", "torch", "torch"
    memory_format: ClassVar[str] = "contiguous_format"
    optimizer_options: ClassVar[dict] = {}

    def prepare(self, network: Network, batch: int, threads: int) -> int:
        """Build module, loss and optimizer."""
        import torch
        from torch import nn

        torch.set_num_threads(threads)
        memory_format = getattr(torch, self.memory_format)
        layers = [_module(part.kind, part.options, shape) for part, shape in network.with_shapes()]
        self.module = nn.Sequential(*layers).to(memory_format=memory_format)
        self.loss = nn.BCEWithLogitsLoss() if network.outputs == 1 else nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.module.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, **self.optimizer_options
        )
        x, labels = network.data(images_for(batch))
        x, labels = torch.tensor(x).permute(0, 3, 1, 2), torch.tensor(labels)
        self.batches = [images.contiguous(memory_format=memory_format) for images in x.split(batch)]
        self.labels = (labels.float().unsqueeze(1) if network.outputs == 1 else labels).split(batch)
        self.done = 0
        return sum(parameter.numel() for parameter in self.module.parameters())

    def steps(self, count: int) -> list[float]:
        """Forward, loss, backward, optimizer."""
        self.module.train()
        seconds = []
        for _ in range(count):
            x, labels = self.batches[self.done % len(self.batches)], self.labels[self.done % len(self.batches)]
            start = time.perf_counter()
            self.optimizer.zero_grad()
            self.loss(self.module(x), labels).backward()
            self.optimizer.step()
            seconds.append(time.perf_counter() - start)
            self.done += 1
        return seconds

    def predictions(self, count: int) -> list[float]:
        """Forward in evaluation mode under `no_grad`."""
        import torch

        self.module.eval()
        with torch.no_grad():
            return timed(lambda: self.module(self.batches[0]), count)


class PyTorchChannelsLast(PyTorch):
    """Images as (N, H, W, C) in memory, as minicnn has them."""

    name = "pytorch-channels-last"
    memory_format = "channels_last"


class PyTorchTuned(PyTorchChannelsLast):
    """Channels last, the optimizer's loop in one function, and tcmalloc in place of the system's allocator."""

    name = "pytorch-tuned"
    optimizer_options = {"fused": True}

    @classmethod
    def version(cls) -> str:
        """With or without tcmalloc: it is preloaded where it is found."""
        return f"{super().version()}, {'tcmalloc' if find_tcmalloc() else 'without tcmalloc: not found'}"

    @classmethod
    def environment(cls, threads: int) -> dict[str, str]:
        """The library to load before all others."""
        library = find_tcmalloc()
        already = os.environ.get("LD_PRELOAD")
        return {"LD_PRELOAD": f"{library}:{already}" if already else library} if library else {}


def find_tcmalloc() -> str | None:
    """The file named by MINICNN_BENCH_TCMALLOC, else the system's tcmalloc, if there is one."""
    named = os.environ.get("MINICNN_BENCH_TCMALLOC")
    if named:
        return named if Path(named).exists() else None
    return ctypes.util.find_library("tcmalloc_minimal") or ctypes.util.find_library("tcmalloc")


def _module(kind: str, options: dict, shape: tuple[int, ...]) -> object:
    """PyTorch's module for one part of the network, whose inputs have `shape`."""
    from torch import nn

    match kind:
        case "Conv2D":
            return nn.Conv2d(shape[-1], options["filters"], options["kernel_size"], padding=options["padding"])
        case "BatchNorm":
            norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            return norm(shape[-1], eps=options.get("eps", 1e-5), momentum=1 - options.get("momentum", 0.9))
        case "MaxPool2D":
            return nn.MaxPool2d(options["pool_size"])
        case "Dropout":
            return nn.Dropout(options["rate"])
        case "Dense":
            return nn.Linear(shape[0], options["units"])
        case "ReLU":
            return nn.ReLU()
        case "Flatten":
            return nn.Flatten()
    raise ValueError(f"PyTorch's side of the benchmark knows no layer {kind}.")
