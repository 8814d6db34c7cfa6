"""The IDX format of the MNIST family of data sets.

    byte     0 to 1    zero
    byte     2         type of the numbers; 0x08 is uint8, the only one read here
    byte     3         number of axes d
    4 d bytes          length of each axis, big-endian uint32
    the rest           the numbers, last axis fastest

A header may lie, so the lengths are checked against a limit before anything is read, and against what is there after;
no more memory is asked for than the file can fill.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

UINT8 = 0x08
GZIP_MAGIC = b"\x1f\x8b"
MAX_AXES = 4
MAX_BYTES = 2**30
MAX_RATIO = 1032  # deflate cannot pack closer


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file of bytes, gzip-compressed or not.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    array : uint8 array of 1 to 4 axes

    Raises
    ------
    ValueError
        If the file is no such file, is longer or shorter than its header says, or larger than a gibibyte.
    """
    with path.open("rb") as raw:
        compressed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        try:
            with gzip.GzipFile(fileobj=raw) if compressed else raw as file:
                shape = _read_shape(file, path.name)
                size = math.prod(shape)
                most = path.stat().st_size * (MAX_RATIO if compressed else 1)
                content = bytearray(file.read(min(size, most) + 1))  # one more shows if there is more than it says
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"{path.name}: a broken gzip file ({error}).") from error
    if len(content) != size:
        found = "more" if len(content) > size else f"{len(content)}"
        raise ValueError(f"{path.name}: the header announces {size} bytes {shape}, the file holds {found}.")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def read_idx_pair(images: Path, labels: Path, class_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of images and the file of their labels.

    Parameters
    ----------
    images, labels : pathlib.Path
    class_count : int
        Number K of classes.

    Returns
    -------
    images : uint8 array, shape (N, H, W)
    labels : uint8 array, shape (N,)
        From 0 to K - 1.

    Raises
    ------
    ValueError
        If a file is broken, or they do not belong together.
    """
    x, y = read_idx(images), read_idx(labels)
    if x.ndim != 3 or y.shape != x.shape[:1]:
        raise ValueError(f"{images.name}: needs images (N, H, W) and N labels, got {x.shape}, {y.shape}.")
    if y.max() >= class_count:
        raise ValueError(f"{labels.name}: has the label {y.max()}, the classes end at {class_count - 1}.")
    return x, y


def _read_shape(file, name: str) -> tuple[int, ...]:
    """Read the header and return the shape, none of it trusted."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:3] != bytes([0, 0, UINT8]) or not 1 <= magic[3] <= MAX_AXES:
        raise ValueError(f"{name}: no IDX file of 1 to {MAX_AXES} axes of uint8, it begins with {magic.hex(' ')}.")
    axes = magic[3]
    lengths = file.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise ValueError(f"{name}: ends within its header.")
    shape = struct.unpack(f">{axes}I", lengths)
    if not 0 < math.prod(shape) <= MAX_BYTES:
        raise ValueError(f"{name}: announces an array of shape {shape}; at most {MAX_BYTES} bytes and no zero.")
    return shape
