"""Images that stay where and as they are stored, and are scaled when they are read.

    x = u / white,    0 <= x <= 1, float32                                 equation (1) of arrays.py

A file of bytes that is larger than the memory, opened with `numpy.load(path, mmap_mode="r")`, becomes data to train on:
nothing is read before a batch is asked for, and only that.
"""

from __future__ import annotations

import operator

import numpy as np

from ..arguments import checked_count
from ..batches import Examples, peek, takes_indices
from .arrays import to_images


class ScaledImages:
    """Images (N, H, W, C), float32 from 0 to 1, made from stored ones a part at a time.

    Parameters
    ----------
    stored : array, or object with `len(x)` and `x[a:b]`
        Images of shape (N, H, W) or (N, H, W, C): uint8, or floats from 0 to 1.
    white : int
        The whole number that stands for white.
    name : str
        What error messages call them.

    Attributes
    ----------
    base : the object `stored`
    shape : (N, H, W, C)
    dtype : float32

    Raises
    ------
    TypeError, ValueError
        If the first image is none of these; a pixel out of range is reported when it is read.

    Examples
    --------
    >>> from minicnn.datasets import ScaledImages
    >>> np.save("images.npy", np.full((1000, 8, 8), 51, np.uint8))
    >>> images = ScaledImages(np.load("images.npy", mmap_mode="r"))
    >>> images
    ScaledImages(memmap, shape=(1000, 8, 8, 1))
    >>> images[:32].max()  # 51 / 255, read now
    np.float32(0.2)
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(self, stored: Examples, white: int = 255, name: str = "ScaledImages: images"):
        peek(stored, "ScaledImages")
        self.base, self.name = stored, name
        self.white = checked_count("ScaledImages", "white", white, at_least=1)
        self.takes_indices = takes_indices(stored)
        self.shape = (len(stored), *self[:1].shape[1:])

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, part: slice | int | np.ndarray) -> np.ndarray:
        """Read and scale the images of a slice or an array of indices, or one image (H, W, C)."""
        if isinstance(part, tuple):
            raise TypeError(f"ScaledImages takes a slice or indices of images, got {part}. Cut the array it gives.")
        if not isinstance(part, slice) and np.ndim(part) == 0:
            index = range(len(self))[operator.index(part)]
            return self[index : index + 1][0]
        return to_images(np.asarray(self.base[part]), self.name, self.white)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """Read all images into memory: `np.asarray(x)`."""
        if copy is False:
            raise ValueError("ScaledImages are made when they are read: always a copy.")
        return np.asarray(self[:], dtype)

    def __repr__(self) -> str:
        """Show the shape, not the numbers."""
        return f"ScaledImages({type(self.base).__name__}, shape={self.shape})"
