"""Small valid files to start from, and the functions that read such files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

import minicnn
from minicnn.checkpoint.contents import Contents
from minicnn.checkpoint.optimizer import build_optimizer, describe_optimizer
from minicnn.checkpoint.reader import read
from minicnn.checkpoint.rng import rng_array
from minicnn.checkpoint.writer import write_file
from minicnn.datasets.npz import read_npz


def run_file(folder: Path) -> bytes:
    """A checkpoint of format 2 with all that there can be in one."""
    model = minicnn.Sequential([minicnn.Dense(2), minicnn.BatchNorm()], input_shape=(3,))
    optimizer = minicnn.SGD(0.1, momentum=0.9)
    optimizer.step(model.params, {name: np.ones_like(array) for name, array in model.params.items()})
    history = minicnn.History([1.0], [0.5], [None], [None], [0.1], [0.01], "")
    run = {"epoch": 1, "tally": {"steps": 0, "seen": 0, "loss": 0.0, "correct": 0}, "stop": False}
    arrays = {"order_rng": rng_array(model.rng.bit_generator.state)}
    path = folder / "run.npz"
    write_file(path, Contents(model, describe_optimizer(optimizer), history, run, arrays))
    return path.read_bytes()


def format_1_file(folder: Path) -> bytes:
    """A checkpoint as minicnn 0.1.0 wrote it."""
    layers = [
        {"type": "Conv2D", "config": {"filters": 1, "kernel_size": [2, 1], "padding": "same"}},
        {"type": "MaxPool2D", "config": {"pool_size": 2}},
        {"type": "Flatten", "config": {}},
        {"type": "Dropout", "config": {"rate": 0.5}},
    ]
    architecture = {"format": 1, "dtype": "float64", "input_shape": [4, 2, 1], "seed": 3, "layers": layers}
    file = io.BytesIO()
    params = {"params/conv2d_1.w": np.ones((2, 1, 1, 1)), "params/conv2d_1.b": np.zeros(1)}
    np.savez(file, architecture=np.array(json.dumps(architecture)), **params)
    return file.getvalue()


def dataset_file(folder: Path) -> bytes:
    """A data set, compressed."""
    file, images, labels = io.BytesIO(), np.arange(48, dtype=np.uint8).reshape(3, 4, 4), np.array([0, 1, 1])
    np.savez_compressed(
        file, x_train=images, y_train=labels, x_test=images[:1], y_test=labels[:1], classes=np.array(["a", "b"])
    )
    return file.getvalue()


def open_checkpoint(content: bytes) -> dict[str, np.ndarray] | None:
    """Read a checkpoint; return all its arrays, or None if it was refused."""
    try:
        contents = read(io.BytesIO(content), "file.npz")
        if contents.optimizer is not None:
            build_optimizer(contents.optimizer, "file.npz")
    except ValueError:
        return None
    slots = (contents.optimizer or {}).get("state", {})
    arrays = contents.model.params | contents.model.state | contents.run_arrays
    return arrays | {f"{name}/{slot}": array for name, mine in slots.items() for slot, array in mine.items()}


def dataset_opener(folder: Path) -> Callable[[bytes], dict[str, np.ndarray] | None]:
    """Make a function like `open_checkpoint` for data sets, which come from files."""
    path = folder / "data.npz"

    def open_dataset(content: bytes) -> dict[str, np.ndarray] | None:
        path.write_bytes(content)
        try:
            return read_npz(path)
        except ValueError:
            return None

    return open_dataset
