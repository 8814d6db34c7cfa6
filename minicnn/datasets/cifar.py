"""CIFAR-10 in its binary version: a tar.gz archive with five batches of training images and one of test images.

A batch is 10,000 records of 3,073 bytes, without any header:

    byte  0             label, 0 to 9
    bytes 1 to 1024     red of 32 x 32 pixels, row by row
    bytes 1025 to 2048  green
    bytes 2049 to 3072  blue

(The better-known "python version" is a pickle, which can run any code when it is read; it is not read here.)

Nothing is unpacked onto the disk: the members are taken from the archive by their names, and only at the one size that
they may have. An archive that unpacks to far more than CIFAR-10 is given up on.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and its page
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOLDER = "cifar-10-batches-bin"
TRAIN_BATCHES = tuple(f"{FOLDER}/data_batch_{k}.bin" for k in range(1, 6))
TEST_BATCH = f"{FOLDER}/test_batch.bin"
RECORDS = 10_000  # a batch
SIDE, CHANNELS = 32, 3
RECORD_BYTES = 1 + CHANNELS * SIDE**2
BLOCK = 2**20  # bytes read at a time
MAX_UNPACKED = 2**28  # bytes; CIFAR-10 has 184 million


def read_cifar10(path: Path) -> dict[str, np.ndarray]:
    """Read cifar-10-binary.tar.gz.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    arrays : dict
        x_train, x_test: uint8 images, shapes (50000, 32, 32, 3) and (10000, 32, 32, 3); y_train, y_test: uint8 labels;
        classes: the ten names.

    Raises
    ------
    ValueError
        If the file is no such archive.
    """
    batches: dict[str, np.ndarray] = {}
    try:
        with gzip.open(path) as unpacked, tarfile.open(fileobj=_Limited(unpacked), mode="r|", bufsize=BLOCK) as archive:
            for member in archive:
                if member.name in (*TRAIN_BATCHES, TEST_BATCH):
                    if member.name in batches or not member.isreg() or member.size != RECORDS * RECORD_BYTES:
                        raise ValueError(f"{member.name} is no file of {RECORDS:,} images, or there twice")
                    batches[member.name] = _records(archive.extractfile(member))
        missing = [name for name in (*TRAIN_BATCHES, TEST_BATCH) if name not in batches]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing")
    except (ValueError, tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name}: is no archive of CIFAR-10's binary version ({error}).") from error
    train, test = np.concatenate([batches[name] for name in TRAIN_BATCHES]), batches[TEST_BATCH]
    return {
        "x_train": _images(train),
        "y_train": train[:, 0],
        "x_test": _images(test),
        "y_test": test[:, 0],
        "classes": np.array(CLASSES),
    }


class _Limited:
    """A file that refuses to give more than `MAX_UNPACKED` bytes."""

    def __init__(self, file: BinaryIO):
        self.file, self.left = file, MAX_UNPACKED

    def read(self, count: int) -> bytes:
        if count > self.left:
            raise ValueError(f"it unpacks to more than {MAX_UNPACKED:,} bytes")
        content = self.file.read(count)
        self.left -= len(content)
        return content


def _records(file: BinaryIO) -> np.ndarray:
    """Read a batch, one row a record."""
    records = np.frombuffer(file.read(), np.uint8).reshape(RECORDS, RECORD_BYTES)
    if records[:, 0].max() >= len(CLASSES):
        raise ValueError(f"it has the label {records[:, 0].max()}, the classes end at {len(CLASSES) - 1}")
    return records


def _images(records: np.ndarray) -> np.ndarray:
    """Turn planes of colours into pixels of three colours, shape (N, 32, 32, 3)."""
    planes = records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE)
    return np.stack([planes[:, colour] for colour in range(CHANNELS)], axis=-1)
