"""What is in a data set, and what looks wrong with it: a minute before an hour of training.

Of each split: the number of images of each class; over all pixels x of a channel their range and

    mean = sum x / n,    deviation = sqrt(sum (x - mean)^2 / n)                                       (1)

Two images are the same if all their pixels are; checksums find them. A test image that the network was trained on tells
nothing about images it has not seen, and two labels for one image cannot both be right.

Images are read a part at a time, so that they may be more than the memory holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .dataset import Dataset, Split

PART = 1 << 23  # bytes of pixels read at a time
DARK = 1.5 / 255  # the brightest pixel of images that were divided by 255 twice is below it
CLASSES_SHOWN = 40
EXAMPLES_SHOWN = 3


@dataclass(frozen=True)
class SplitDescription:
    """One split in numbers.

    Attributes
    ----------
    images : int
    per_class : tuple of int
        Number of images of each class.
    low, high : float
        Smallest and largest pixel.
    mean, deviation : tuple of float
        Of each channel's pixels, equation (1).
    """

    images: int
    per_class: tuple[int, ...]
    low: float
    high: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


@dataclass(frozen=True)
class Description:
    """What `Dataset.describe` found out; `print` shows it.

    Attributes
    ----------
    name : str
    image_shape : (H, W, C)
    classes : tuple of str
    train, test : SplitDescription
    in_both : tuple of (int, int)
        For each test image that is a training image too, the indices (test, train).
    repeated : int
        Number of training images that occurred before in the training split.
    contradictions : tuple of (str, int, str, int)
        Same images with different labels: (split, index, split, index).
    out_of_range : tuple of (str, int, int)
        Labels that name no class: (split, index, label).
    remarks : tuple of str
        What looks wrong, in words; empty if nothing does.
    """

    name: str
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    train: SplitDescription
    test: SplitDescription
    in_both: tuple[tuple[int, int], ...]
    repeated: int
    contradictions: tuple[tuple[str, int, str, int], ...]
    out_of_range: tuple[tuple[str, int, int], ...]
    remarks: tuple[str, ...]

    def to_dict(self) -> dict:
        """Return all of it as dictionaries, lists, numbers and text, as JSON has them."""
        return _plain(asdict(self))

    def __str__(self) -> str:
        """Show counts and numbers as tables, and the remarks."""
        H, W, C = self.image_shape
        head = (
            f"{self.name}: {self.train.images:,} training and {self.test.images:,} test images, {H}x{W} pixels, "
            f"{C} channel{'s' * (C > 1)}, {len(self.classes)} classes"
        )
        both = (self.train, self.test)
        counts = [(name, *(_share(s.per_class[k], s.images) for s in both)) for k, name in enumerate(self.classes)]
        hidden = len(counts) - CLASSES_SHOWN
        if hidden > 0:
            counts = [*counts[:CLASSES_SHOWN], (f"and {hidden} more", "", "")]
        pixels = [
            ("range", *(f"{s.low:.3g} to {s.high:.3g}" for s in both)),
            ("mean", *(_numbers(s.mean) for s in both)),
            ("deviation", *(_numbers(s.deviation) for s in both)),
        ]
        remarks = [f"- {remark}" for remark in self.remarks] or ["Nothing looks wrong."]
        table = _table([("class", "training", "test"), *counts, ("", "", ""), ("pixels", "", ""), *pixels])
        return "\n".join([head, "", *table, "", *remarks])


def describe(data: Dataset) -> Description:
    """Look at every image and label of a data set.

    Parameters
    ----------
    data : Dataset

    Returns
    -------
    description : Description
    """
    splits = {"train": data.train, "test": data.test}
    first: dict[bytes, tuple[str, int]] = {}  # where each image occurred first
    repeated, in_both, contradictions = 0, [], []
    for name, split in splits.items():
        for index, checksum in enumerate(_checksums(split.images)):
            before, where = first.setdefault(checksum, (name, index))
            if (before, where) == (name, index):
                continue
            if split.labels[index] != splits[before].labels[where]:
                contradictions.append((name, index, before, where))
            if name == "train":
                repeated += 1
            elif before == "train":
                in_both.append((index, where))
    K = len(data.classes)
    out_of_range = tuple(
        (name, int(k), int(split.labels[k]))
        for name, split in splits.items()
        for k in np.flatnonzero((split.labels < 0) | (split.labels >= K))
    )
    train, test = (_measure(split, K) for split in splits.values())
    found = (tuple(in_both), repeated, tuple(contradictions), out_of_range)
    remarks = tuple(_remarks(data, train, test, *found))
    return Description(data.name, data.image_shape, data.classes, train, test, *found, remarks)


def _parts(images: np.ndarray) -> Iterator[np.ndarray]:
    """Cut the images into parts of about `PART` bytes."""
    step = max(PART // (4 * int(np.prod(images.shape[1:]))), 1)
    for start in range(0, len(images), step):
        yield np.asarray(images[start : start + step])


def _checksums(images: np.ndarray) -> Iterator[bytes]:
    for part in _parts(images):
        for image in part:
            yield hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _measure(split: Split, class_count: int) -> SplitDescription:
    """Count the labels, and measure the pixels."""
    N, H, W, _ = split.images.shape
    ranges_and_sums = [(p.min(), p.max(), p.sum(axis=(0, 1, 2), dtype=np.float64)) for p in _parts(split.images)]
    lows, highs, sums = zip(*ranges_and_sums, strict=True)
    mean = sum(sums) / (N * H * W)  # (1)
    squares = sum(((part - mean) ** 2).sum(axis=(0, 1, 2)) for part in _parts(split.images))
    known = split.labels[(split.labels >= 0) & (split.labels < class_count)]
    return SplitDescription(
        images=N,
        per_class=tuple(np.bincount(known, minlength=class_count).tolist()),
        low=float(min(lows)),
        high=float(max(highs)),
        mean=tuple(mean.tolist()),
        deviation=tuple(np.sqrt(squares / (N * H * W)).tolist()),  # (1)
    )


def _remarks(
    data: Dataset,
    train: SplitDescription,
    test: SplitDescription,
    in_both: Sequence[tuple[int, int]],
    repeated: int,
    contradictions: Sequence[tuple[str, int, str, int]],
    out_of_range: Sequence[tuple[str, int, int]],
) -> Iterator[str]:
    """Say what looks wrong."""
    if in_both:
        yield (
            f"{_share(len(in_both), test.images)} of the test images are training images too "
            f"(test {_some([k for k, _ in in_both])}): their accuracy says nothing about new images."
        )
    if repeated:
        yield f"{_share(repeated, train.images)} of the training images occur more than once."
    if contradictions:
        shown = _some([f"{split}[{k}] = {other}[{i}]" for split, k, other, i in contradictions])
        yield f"{len(contradictions):,} images have another label where they occur again ({shown})."
    if out_of_range:
        shown = _some([f"{split}[{k}]: {label}" for split, k, label in out_of_range])
        yield f"{len(out_of_range):,} labels name no class, 0 to {len(data.classes) - 1} ({shown})."
    for split, words in ((train, "training"), (test, "test")):
        empty = [name for name, count in zip(data.classes, split.per_class, strict=True) if not count]
        if empty:
            begin = " Do the labels begin at 1?" if split is train and empty == [data.classes[0]] else ""
            yield f"There is no {words} image of {_some(empty)}.{begin}"
    if max(train.high, test.high) < DARK:
        yield f"The brightest pixel is {max(train.high, test.high):.2g}: were the images divided by 255 twice?"


def _some(items: Sequence[object]) -> str:
    """Name the first few."""
    more = ", ..." if len(items) > EXAMPLES_SHOWN else ""
    return ", ".join(map(str, items[:EXAMPLES_SHOWN])) + more


def _share(count: int, total: int) -> str:
    return f"{count:,} ({count / total:.1%})".replace("%", " %")


def _numbers(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Set columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _plain(value: object) -> object:
    """Turn tuples into lists, all the way down."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value
