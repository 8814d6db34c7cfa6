"""From the arrays that people have to the arrays that minicnn trains on.

Pixels are stored as whole numbers u from 0 (black) to `white`, 255 in most files, and trained on as

    x = u / white,    0 <= x <= 1, float32, shape (N, H, W, C).                                      (1)

Floating-point images are taken to be scaled already, and are refused where they are not: guessing a scale would
train on something else than was meant.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .dataset import Dataset, Split


def dataset_from_arrays(
    arrays: Mapping[str, np.ndarray], name: str, *, white: int = 255, description: str = "", licence: str = "not stated"
) -> Dataset:
    """Make a `Dataset` of the arrays x_train, y_train, x_test, y_test and, where given, classes.

    Parameters
    ----------
    arrays : mapping of str to array
        Images as `to_images` takes them, or `ScaledImages`; labels as `to_labels` takes them; `classes` a list of K
        names. Without names, the classes are called "0", "1", ... up to the largest label.
    name, description, licence : str
        What the data set says about itself.
    white : int
        The whole number that stands for white, equation (1).

    Returns
    -------
    Dataset
        With arrays of its own.

    Raises
    ------
    TypeError, ValueError
        If an array is not what its name promises.
    """
    x_train, x_test = (
        to_images(arrays[key], f"{name}: {key}", white) if isinstance(arrays[key], np.ndarray) else arrays[key]
        for key in ("x_train", "x_test")
    )
    y_train, y_test = (to_labels(arrays[key], f"{name}: {key}") for key in ("y_train", "y_test"))
    if "classes" in arrays:
        classes = tuple(np.ravel(arrays["classes"]).astype(str).tolist())
    else:
        classes = _numbered_classes(max(y.max(initial=0) for y in (y_train, y_test)), len(y_train), name)
    return Dataset(name, Split(x_train, y_train), Split(x_test, y_test), classes, description, licence)


def _numbered_classes(largest: int, images: int, name: str) -> tuple[str, ...]:
    """Call the classes "0", "1", ...; a label as large as the number of images is no class index."""
    if images and largest >= images:
        raise ValueError(
            f"{name}: the label {largest} asks for {largest + 1} classes, more than the {images} training images. "
            f"Number the classes from 0, or give the array classes."
        )
    return tuple(map(str, range(largest + 1)))


def to_images(array: np.ndarray, what: str, white: int = 255) -> np.ndarray:
    """Scale images by equation (1).

    Parameters
    ----------
    array : uint8 or float array, shape (N, H, W) or (N, H, W, C)
        Whole numbers from 0 to `white`, or numbers in [0, 1].
    what : str
        Name of the array, for messages.
    white : int

    Returns
    -------
    images : float32 array, shape (N, H, W, C)
        A new array; a missing channel axis becomes C = 1.

    Raises
    ------
    TypeError
        If the numbers are neither uint8 nor floating-point.
    ValueError
        If the shape or the range is another.
    """
    if array.ndim not in (3, 4):
        raise ValueError(f"{what}: images need a shape (N, H, W) or (N, H, W, C), got {array.shape}.")
    if array.ndim == 4 and array.shape[1] == 3 and array.shape[2] == array.shape[3] > 4:
        raise ValueError(
            f"{what}: {array.shape} looks like channels first (N, C, H, W); minicnn takes (N, H, W, C): "
            f"use {what.split()[-1]}.transpose(0, 2, 3, 1)."
        )
    if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{what}: images need uint8 (0 to {white}) or floats in [0, 1], got {array.dtype}.")
    scale = white if array.dtype == np.uint8 else 1
    if array.size and not (array.min() >= 0 and array.max() <= scale):  # False for NaN too
        raise ValueError(
            f"{what}: pixels run from {array.min():.6g} to {array.max():.6g}; "
            f"scale floats to [0, 1] first, or store uint8 from 0 to {white}."
        )
    images = array.astype(np.float32)
    images /= np.float32(scale)  # (1)
    return images if images.ndim == 4 else images[..., np.newaxis]


def to_labels(array: np.ndarray, what: str) -> np.ndarray:
    """Check labels and return them as an int64 array of shape (N,).

    Parameters
    ----------
    array : integer array, shape (N,) or (N, 1)
        Index of each image's class.
    what : str
        Name of the array, for messages.

    Raises
    ------
    TypeError
        If the labels are not whole numbers.
    ValueError
        If the shape is another or a label is negative or too large to be an index.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = f" One-hot labels become indices with {what.split()[-1]}.argmax(axis=1)." if array.ndim == 2 else ""
        raise ValueError(f"{what}: labels need a shape (N,), one class index an image, got {array.shape}.{hint}")
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{what}: labels are class indices, whole numbers from 0; got {array.dtype}. Use .astype(int).")
    if array.size and not (array.min() >= 0 and array.max() < 2**31):
        raise ValueError(f"{what}: labels are class indices 0, 1, ..., got {array.min()} to {array.max()}.")
    return array.astype(np.int64)
