"""Make the data files that come with minicnn from their originals.

    python -m minicnn.datasets.make_embedded [FOLDER] [--digits FILE] [--out FOLDER]

FOLDER holds the four files of Fashion-MNIST (Debian's package dataset-fashion-mnist puts them at the default path).
FILE is optdigits.tes from UCI or the same numbers as digits.csv.gz in scikit-learn: a line has 64 pixels and the label.

Which images are taken follows from the SHA-256 of their pixels, smallest first: as good as drawing lots, without a seed
or a random generator that another version might change. The same sums read backwards put them in order.            (1)
A test image that occurs among the original training images is left out.                                            (2)

Running this again gives the same files byte for byte (with another zlib the compressed bytes may differ, the arrays
do not): np.savez_compressed dates every member 1980-01-01.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .idx import read_idx_pair
from .remote import DIGIT_CLASSES, FASHION_CLASSES

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASS_COUNT = 10
DIGIT_SIDE, DIGIT_WHITE = 8, 16


def make_fashion_mini(source: Path, target: Path, train_per_class: int = 300, test_per_class: int = 200) -> None:
    """Take the same number of images of every class from each original file, by rules (1) and (2).

    Parameters
    ----------
    source : folder of train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz and the two t10k files
    target : path of the .npz file to write
    train_per_class, test_per_class : int
        Numbers of images.

    Raises
    ------
    ValueError
        If a file is broken, or a class has too few images.
    """
    x_train, y_train = _read_pair(source, "train")
    x_test, y_test = _read_pair(source, "t10k")
    train_hashes, test_hashes = _hashes(x_train), _hashes(x_test)
    unseen = ~np.isin(test_hashes, train_hashes)  # (2)
    x_test, y_test, test_hashes = x_test[unseen], y_test[unseen], test_hashes[unseen]
    train, _ = _take(train_hashes, y_train, train_per_class)
    test, _ = _take(test_hashes, y_test, test_per_class)
    _write(target, x_train[train], y_train[train], x_test[test], y_test[test], FASHION_CLASSES)


def make_digits(source: Path, target: Path, test_per_class: int = 50) -> None:
    """Split the digits: the same number of each for testing, chosen by rule (1), all others for training.

    Parameters
    ----------
    source : path of optdigits.tes or digits.csv.gz
    target : path of the .npz file to write
    test_per_class : int
        Number of images of each digit.

    Raises
    ------
    ValueError
        If the file holds anything else than lines of 64 pixels from 0 to 16 and a label from 0 to 9.
    """
    with gzip.open(source, "rt") if source.suffix == ".gz" else source.open() as file:
        rows = np.loadtxt(file, delimiter=",", ndmin=2)
    pixels, labels = rows[:, :-1], rows[:, -1]
    if pixels.shape[1] != DIGIT_SIDE**2 or not (np.isin(pixels, range(DIGIT_WHITE + 1)).all()):
        raise ValueError(f"{source.name}: needs {DIGIT_SIDE**2} pixels from 0 to {DIGIT_WHITE} and a label a line.")
    if not np.isin(labels, range(CLASS_COUNT)).all():
        raise ValueError(f"{source.name}: a label is none of 0 to 9.")
    x, y = pixels.astype(np.uint8).reshape(-1, DIGIT_SIDE, DIGIT_SIDE), labels.astype(np.uint8)
    test, train = _take(_hashes(x), y, test_per_class)
    _write(target, x[train], y[train], x[test], y[test], DIGIT_CLASSES)


def _read_pair(source: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Read images (N, H, W) and labels (N,) of one part, both uint8."""
    images, labels = (source / f"{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
    return read_idx_pair(images, labels, CLASS_COUNT)


def _hashes(images: np.ndarray) -> np.ndarray:
    """SHA-256 of every image's pixels, as hexadecimal strings."""
    return np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in images])


def _take(hashes: np.ndarray, labels: np.ndarray, per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of `per_class` images of each class and of all others, chosen and ordered by rule (1)."""
    lots, taken = np.argsort(hashes, kind="stable"), np.zeros(len(labels), dtype=bool)
    for label in range(CLASS_COUNT):
        members = lots[labels[lots] == label]
        if len(members) < per_class:
            raise ValueError(f"Class {label} has {len(members)} images, {per_class} are needed.")
        taken[members[:per_class]] = True
    # Ordered by the lots they were drawn with, the first images would favour the classes drawn at smaller sums.
    order = np.argsort([sha256[::-1] for sha256 in hashes], kind="stable")
    return order[taken[order]], order[~taken[order]]


def _write(target: Path, x_train, y_train, x_test, y_test, classes: Sequence[str]) -> None:
    np.savez_compressed(
        target, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test, classes=np.array(classes)
    )
    print(f"{target}: {len(y_train)} + {len(y_test)} images, SHA-256 {hashlib.sha256(target.read_bytes()).hexdigest()}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in the title of this page."""
    parser = argparse.ArgumentParser(description="Make the data files that come with minicnn from their originals.")
    parser.add_argument("folder", nargs="?", type=Path, default=DEBIAN_FOLDER, help="of the Fashion-MNIST files")
    parser.add_argument("--digits", type=Path, metavar="FILE", help="optdigits.tes or scikit-learn's digits.csv.gz")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, metavar="FOLDER", help="where to write")
    options = parser.parse_args(arguments)
    make_fashion_mini(options.folder, options.out / "fashion-mini.npz")
    if options.digits:
        make_digits(options.digits, options.out / "digits.npz")


if __name__ == "__main__":
    main()
