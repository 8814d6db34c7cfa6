"""Data sets from folders of pictures: the folder's name is the class.

Two layouts are understood. With a split of your own:

    pets/train/cat/*.jpg   pets/train/dog/*.jpg   pets/test/cat/*.jpg   pets/test/dog/*.jpg

(`validation`, `valid` or `val` do as well as `test`), or without one:

    pets/cat/*.jpg   pets/dog/*.jpg

where the same share of every class is drawn at random for the test split. Files are read in the order of their names,
so that the same folder and seed give the same data set.
"""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..arguments import checked_count, checked_flag, checked_number, checked_path
from .arrays import to_images
from .dataset import Dataset, Split
from .decoded import decode_pictures
from .npz import LARGE
from .picture import RESIZE, SUFFIXES
from .scaled import ScaledImages

TEST_FOLDERS = ("test", "validation", "valid", "val")
NAMED_IN_WARNING = 5


def from_folder(
    path: str | os.PathLike,
    size: int | tuple[int, int] = (32, 32),
    *,
    test_share: float = 0.2,
    seed: int = 0,
    resize: str = "antialiased",
    cache: bool = True,
    progress: bool | None = None,
) -> Dataset:
    """Read a data set from class folders of pictures.

    Every picture becomes RGB: turned as its EXIF orientation says, transparent parts on white, then squeezed to
    `size` (the aspect ratio is not kept). Pictures that are broken, giant or of an unknown kind are left out: a warning
    names the first of them, `Dataset.skipped` has them all, with the reasons.

    Parameters
    ----------
    path : path of the folder
        `train/<class>/*` and `test/<class>/*` (or validation, valid, val), or `<class>/*`.
    size : int or (height, width), in pixels
    test_share : float in (0, 1)
        Share of each class that becomes the test split, where the folder has no split of its own.
    seed : int
        Chooses the images of that test split.
    resize : "antialiased" or "nearest"
        Whether a pixel is the mean of all those that it stands for, or one of them.
    cache : bool
        Whether to keep the decoded pictures in `data_folder()`: the next time only those are decoded that were added or
        changed.
    progress : bool, optional
        Whether to show a bar; None shows it on a terminal.

    Returns
    -------
    Dataset
        Images (N, height, width, 3), of more than a gibibyte as `ScaledImages`; classes in the order of their names.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    TypeError, ValueError
        If it does not hold at least two class folders with readable pictures, or an argument makes no sense.

    Examples
    --------
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from minicnn import datasets
    >>> for k, name in enumerate(["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]):
    ...     Path("pets", name).parent.mkdir(parents=True, exist_ok=True)
    ...     Image.new("RGB", (40, 30), (60 * k, 0, 0)).save(Path("pets", name))
    >>> datasets.from_folder("pets", size=16, cache=False)
    Dataset('pets', train=2, test=2, image_shape=(16, 16, 3), classes=2)
    """
    checked_path("from_folder", path, what="folder"), checked_flag("from_folder", "cache", cache)
    root, size = Path(path).expanduser().resolve(), _check_size(size)
    test_share = checked_number("from_folder", "test_share", test_share, above=0, below=1)
    seed = checked_count("from_folder", "seed", seed, at_least=0)
    if resize not in RESIZE:
        raise ValueError(f"from_folder(resize=...) takes {' or '.join(map(repr, RESIZE))}, got {resize!r}.")
    if not root.is_dir():
        raise FileNotFoundError(f"No folder {root}. from_folder takes a folder with one folder of pictures a class.")
    train_root, test_root = _find_splits(root)
    classes = _find_classes(train_root, test_root)
    train_files, test_files = (_labelled(folder, classes) for folder in (train_root, test_root))
    files = [file for file, _ in train_files + test_files]
    pictures = dict(zip(files, decode_pictures(root, files, size, resize, cache=cache, progress=progress), strict=True))
    train = _gather(train_files, pictures, train_root)
    unread = [name for label, name in enumerate(classes) if label not in train.labels]
    if unread:
        raise ValueError(f"{train_root}: no picture of {', '.join(unread)} can be read. Mend or remove these folders.")
    if test_root is None:
        train, test = _split(train, test_share, seed, root)
    else:
        test = _gather(test_files, pictures, test_root)
    skipped = tuple((f.relative_to(root).as_posix(), why) for f, why in pictures.items() if isinstance(why, str))
    _warn_of(skipped, root)
    description = f"Pictures read from the folder {root.name}."
    return Dataset(root.name, _scaled(train), _scaled(test), tuple(classes), description, skipped=skipped)


def _check_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width), or raise what is wrong with them."""
    try:
        height, width = (operator.index(s) for s in (size if isinstance(size, tuple | list) else (size, size)))
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(f"from_folder(size=...) takes a number of pixels or a pair (height, width), got {size!r}.")
    return height, width


def _find_splits(root: Path) -> tuple[Path, Path | None]:
    """Find the folders of the training and the test split; without a split, the root itself and None."""
    folders = {folder.name.lower(): folder for folder in _folders(root)}
    if "train" not in folders or not _class_folders(folders["train"]):
        if "train" in folders and any(name.startswith(TEST_FOLDERS) for name in folders):
            raise ValueError(f"{folders['train']}: holds no class folders. Sort its pictures as train/<class>/*.jpg.")
        return root, None
    tests = (folders[name] for name in TEST_FOLDERS if name in folders)
    return folders["train"], next((folder for folder in tests if _class_folders(folder)), None)


def _folders(root: Path) -> list[Path]:
    folders = (folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    return sorted(folders, key=lambda folder: folder.name)  # paths themselves sort differently on Windows


def _class_folders(root: Path) -> list[Path]:
    return [folder for folder in _folders(root) if _pictures(folder)]


def _pictures(folder: Path) -> list[Path]:
    """List the pictures of a class; hidden files such as ._cat.jpg are not pictures."""
    files = (file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
    return sorted(filter(Path.is_file, files), key=lambda file: file.name)


def _find_classes(train_root: Path, test_root: Path | None) -> list[str]:
    """List the classes that there are to learn; those to be tested on must be among them."""
    classes = [folder.name for folder in _class_folders(train_root)]
    if len(classes) < 2:
        raise ValueError(
            f"{train_root}: needs at least two class folders with pictures ({', '.join(sorted(SUFFIXES))}), "
            f"found {', '.join(classes) or 'none'}."
        )
    unknown = [folder.name for folder in _class_folders(test_root) if folder.name not in classes] if test_root else []
    if unknown:
        raise ValueError(f"{test_root}: classes {', '.join(unknown)} do not occur in {train_root.name}.")
    return classes


def _labelled(root: Path | None, classes: Sequence[str]) -> list[tuple[Path, int]]:
    """List the pictures below root/<class>, each with the number of its class."""
    folders = [(root / name, label) for label, name in enumerate(classes)] if root else []
    return [(file, label) for folder, label in folders if folder.is_dir() for file in _pictures(folder)]


def _gather(files: list[tuple[Path, int]], pictures: dict[Path, np.ndarray | str], root: Path) -> Split:
    """Put those that could be read together, their pixels still whole numbers from 0 to 255."""
    read = [(pictures[file], label) for file, label in files if not isinstance(pictures[file], str)]
    if not read:
        file, _ = files[-1]
        raise ValueError(
            f"{root}: none of its pictures can be read, for instance {file.parent.name}/{file.name}: {pictures[file]}."
        )
    images, labels = zip(*read, strict=True)
    return Split(np.stack(images), np.array(labels, dtype=np.int64))


def _split(both: Split, test_share: float, seed: int, root: Path) -> tuple[Split, Split]:
    """Draw the share of every class for the test split: at least one image, but never a class's last."""
    rng = np.random.default_rng(seed)
    in_test = np.zeros(len(both.labels), dtype=bool)
    for label in np.unique(both.labels):
        members = np.flatnonzero(both.labels == label)
        count = min(max(round(test_share * len(members)), 1), len(members) - 1)
        in_test[rng.permutation(members)[:count]] = True
    if not in_test.any():
        raise ValueError(f"{root}: one picture a class leaves none for the test split; two are the least.")
    return Split(both.images[~in_test], both.labels[~in_test]), Split(both.images[in_test], both.labels[in_test])


def _scaled(split: Split) -> Split:
    """Scale pixels to [0, 1]; many of them only when they are asked for, for float32 takes four times the memory."""
    pixels, labels = split
    large = pixels.size * np.dtype(np.float32).itemsize > LARGE
    return Split(ScaledImages(pixels) if large else to_images(pixels, "pictures"), labels)


def _warn_of(skipped: Sequence[tuple[str, str]], root: Path) -> None:
    """Warn once, naming the first few files that were left out."""
    if skipped:
        rest = len(skipped) - NAMED_IN_WARNING
        more = f"; and {rest} more, listed in the data set's attribute skipped" if rest > 0 else ""
        shown = "; ".join(f"{file}: {why}" for file, why in skipped[:NAMED_IN_WARNING])
        warnings.warn(f"{root}: left out pictures that cannot be read ({len(skipped)}): {shown}{more}.", stacklevel=3)
