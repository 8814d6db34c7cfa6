"""Validation images that are training images too.

All pixels of all images would take long to compare. A few pixels, the same ones in each image, make a key

    key = sum over k of  a_k * (bits of pixel k),   a_k random odd numbers, modulo 2^64               (1)

and only images whose keys meet are compared whole.
"""

from __future__ import annotations

import numpy as np

PIXELS = 32  # that a key is made of
FEWEST_NUMBERS = 64  # in an image: smaller ones may be alike by chance
TOLD_FROM = 0.01  # share of the validation images; real data sets hold a few twins


def validation_in_training(x: np.ndarray, validation: np.ndarray) -> str:
    """Say how many validation images, (V, H, W, C), are among the training images, (N, H, W, C)."""
    if x.ndim != 4 or x[0].size < FEWEST_NUMBERS:
        return ""
    twins = find_twins(x, validation)
    share = len(twins) / len(validation)
    if not twins or share < TOLD_FROM:
        return ""
    here, there = next(iter(twins.items()))
    return (
        f"{len(twins):,} of the {len(validation):,} validation images ({share:.0%}) are training images, too: number "
        f"{here} of the validation images is number {there} of the training images. What the model knows by heart "
        "says nothing about what it has understood: the validation accuracy will be too high. Split the images "
        "first, each into one part only, and only then repeat or augment those for training."
    )


def find_twins(x: np.ndarray, others: np.ndarray) -> dict[int, int]:
    """Find the images of `others` that are in x, pixel by pixel; images of one colour do not count.

    Returns
    -------
    twins : dict of int to int
        Number in `others` -> number in x.
    """
    keys, other_keys = _keys(x), _keys(others)
    suspects = np.flatnonzero(np.isin(keys, other_keys))
    known = {x[k].tobytes(): int(k) for k in suspects[::-1]}  # the first of several
    found = {}
    for k in np.flatnonzero(np.isin(other_keys, keys)):
        image = others[k].astype(x.dtype, copy=False)
        twin = known.get(image.tobytes())
        if twin is not None and image.min() < image.max():
            found[int(k)] = twin
    return found


def _keys(images: np.ndarray) -> np.ndarray:
    """Equation (1), for each image."""
    rng = np.random.default_rng(0)
    H, W, C = images.shape[1:]
    rows, columns, channels = (rng.integers(size, size=PIXELS) for size in (H, W, C))
    bits = images[:, rows, columns, channels].astype(np.float32).view(np.uint32).astype(np.uint64)
    odd = rng.integers(2**63, size=PIXELS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return (bits * odd).sum(axis=1, dtype=np.uint64)  # (1)
