"""A data set for classification: two splits of labelled images, and what is known about them.

The training split is what the parameters are fitted to. The test split is never trained on: it answers how well the
network does on images it has not seen. A smaller data set is drawn class by class, one image of each class in turn,
until there are enough: the classes stay as balanced as the split allows.                                          (1)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..arguments import checked_count, checked_kind

if TYPE_CHECKING:
    from .description import Description


class Split(NamedTuple):
    """A pair (images, labels), as `fit` takes it.

    Attributes
    ----------
    images : float32 array, shape (N, H, W, C)
        Intensities from 0 (black) to 1 (white), dimensionless; `ScaledImages` where they stay in a file.
    labels : int64 array, shape (N,)
        Index of each image's class, 0 to K - 1.

    Examples
    --------
    >>> from minicnn import datasets
    >>> data = datasets.load("digits")
    >>> data.train
    Split(images=float32[1297, 8, 8, 1], labels=int64[1297])
    >>> images, labels = data.train
    >>> labels[:5]
    array([4, 1, 2, 5, 2])
    """

    images: np.ndarray
    labels: np.ndarray

    def __repr__(self) -> str:
        """Show shapes and types, not the numbers."""
        parts = (f"{name}={array.dtype}{list(array.shape)}" for name, array in self._asdict().items())
        return f"Split({', '.join(parts)})"


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """Labelled images in a training and a test split.

    Attributes
    ----------
    name : str
        What `load` calls it, or the file or folder it came from.
    train, test : Split
        Images (N, H, W, C), float32 in [0, 1], and labels (N,), int64 from 0 to K - 1.
    classes : tuple of str
        The K class names; label k means `classes[k]`.
    description : str
        One sentence.
    licence : str
        The terms under which the images may be used.
    skipped : tuple of (str, str)
        Files that were left out when the data set was read, each with the reason.

    Raises
    ------
    TypeError
        If images or labels have another dtype.
    ValueError
        If shapes do not agree, a split is empty, a pixel lies outside [0, 1] or a label outside 0 to K - 1.

    Examples
    --------
    >>> from minicnn import datasets
    >>> data = datasets.load("fashion-mini")
    >>> data.image_shape, data.classes[:3]
    ((28, 28, 1), ('T-shirt/top', 'Trouser', 'Pullover'))
    >>> data.subset(train=1000, test=500)
    Dataset('fashion-mini', train=1000, test=500, image_shape=(28, 28, 1), classes=10)
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    description: str = ""
    licence: str = "not stated"
    skipped: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse splits that would only fail, or mislead, later in training."""
        checked_kind("Dataset", "classes", self.classes, tuple | list, "the names of the classes, a tuple,")
        _check_split(self.train, f"{self.name}: train", len(self.classes))
        _check_split(self.test, f"{self.name}: test", len(self.classes))
        if self.train.images.shape[1:] != self.test.images.shape[1:]:
            raise ValueError(
                f"{self.name}: training and test images need one shape (H, W, C), "
                f"got {self.train.images.shape[1:]} and {self.test.images.shape[1:]}."
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (H, W, C) of one image: the `input_shape` of a model."""
        return self.train.images.shape[1:]

    def subset(self, train: int | None = None, test: int | None = None, seed: int = 0) -> Dataset:
        """Draw a smaller data set whose classes are as balanced as the splits allow, rule (1).

        The numbers of images per class differ by at most one, unless a class has no more images to give. With one
        seed, a smaller subset is part of every larger one.

        Parameters
        ----------
        train, test : int, optional
            Number of images to keep in each split; None keeps them all.
        seed : int
            The same seed draws the same images.

        Returns
        -------
        Dataset
            With arrays of its own, in memory; the images stay in their order. A split in a file that is kept whole
            stays there.

        Raises
        ------
        ValueError
            If a number is below 1 or above the number of images in the split.
        """
        return replace(
            self,
            train=_draw(self.train, train, seed, f"{self.name}.subset(train=...)"),
            test=_draw(self.test, test, seed, f"{self.name}.subset(test=...)"),
        )

    def describe(self) -> Description:
        """Look at every image and label: counts, ranges, duplicates, and what looks wrong. `print` shows it.

        Returns
        -------
        Description
            See `minicnn.datasets.description`.
        """
        from .description import describe

        return describe(self)

    def __repr__(self) -> str:
        """Show the counts, not the arrays."""
        return (
            f"Dataset({self.name!r}, train={len(self.train.labels)}, test={len(self.test.labels)}, "
            f"image_shape={self.image_shape}, classes={len(self.classes)})"
        )


def _check_split(split: Split, what: str, class_count: int) -> None:
    """Raise unless the split is as `Dataset` promises; `what` begins the message."""
    if not isinstance(split, tuple) or len(split) != 2:
        raise TypeError(f"{what}: needs Split(images, labels), got {split!r:.80}.")
    images, labels = split
    if not hasattr(images, "dtype") or not hasattr(labels, "dtype"):
        kinds = f"a {type(images).__name__} and a {type(labels).__name__}"
        raise TypeError(f"{what}: needs arrays, float32 images and int64 labels, got {kinds}.")
    if images.dtype != np.float32 or labels.dtype != np.int64:
        raise TypeError(f"{what}: needs float32 images and int64 labels, got {images.dtype} and {labels.dtype}.")
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(f"{what}: images need a shape (N, H, W, C) without a zero in it, got {images.shape}.")
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"{what}: needs one label an image, got {len(images)} images and labels of shape {labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= class_count:
        raise ValueError(
            f"{what}: labels run from {labels.min()} to {labels.max()}, "
            f"but {class_count} classes have the labels 0 to {class_count - 1}."
        )
    if isinstance(images, np.ndarray) and not (images.min() >= 0 and images.max() <= 1):  # False for NaN too
        raise ValueError(f"{what}: pixels must lie in [0, 1], got {images.min():.6g} to {images.max():.6g}.")


def _draw(split: Split, count: int | None, seed: int, what: str) -> Split:
    """Copy `count` images of the split, all of them for None, class-balanced by rule (1)."""
    total = len(split.labels)
    count = total if count is None else count
    if isinstance(count, bool) or not isinstance(count, Integral):
        raise TypeError(f"{what}: takes a whole number of images, got {count!r}.")
    checked_count(what, "seed", seed, at_least=0)
    if not 1 <= count <= total:
        raise ValueError(f"{what}: takes 1 to {total} images, the number in the split, got {count}.")
    if count == total and not isinstance(split.images, np.ndarray):
        return split
    shuffled = np.random.default_rng(seed).permutation(total)
    turn = np.empty(total, dtype=np.int64)
    for label in np.unique(split.labels):
        members = shuffled[split.labels[shuffled] == label]
        turn[members] = np.arange(len(members))
    in_turn = shuffled[np.argsort(turn[shuffled], kind="stable")]  # (1): every class's first image, then its second
    chosen = np.sort(in_turn[:count])
    return Split(split.images[chosen], split.labels[chosen])
