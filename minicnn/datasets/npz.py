"""Data sets from NumPy's files: an .npz archive of arrays, or a folder with an .npy file for each.

Images larger than the memory stay in the file, which is mapped into the process (`numpy.memmap`): training reads and
scales a batch at a time (`ScaledImages`). In an .npz file that is possible if it was written uncompressed, by
`numpy.savez`. An array too large to be made in memory first is written piece by piece into an .npy file:

    x = np.lib.format.open_memmap("cells/x_train.npy", mode="w+", dtype=np.uint8, shape=(1_000_000, 64, 64, 3))
    x[:1000] = ...

No array of Python objects is read: it would be stored as a pickle, which can run any code.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from ..arguments import checked_path
from ..safe_npz import SafeNpz
from .arrays import dataset_from_arrays
from .dataset import Dataset
from .scaled import ScaledImages

KEYS = ("x_train", "y_train", "x_test", "y_test")
IMAGES = ("x_train", "x_test")
LARGE = 2**30  # bytes as float32: images above it stay in the file unless asked for otherwise
HOW_TO_WRITE = "Write one with np.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)."


def from_npz(path: str | os.PathLike, *, in_memory: bool | None = None) -> Dataset:
    """Read a data set from an .npz file.

    Write such a file with `np.savez_compressed(path, x_train=..., y_train=..., x_test=..., y_test=..., classes=...)`,
    one that may be larger than the memory with `np.savez`.

    Parameters
    ----------
    path : path of the file
        Arrays in it: `x_train`, `x_test`, images of shape (N, H, W) or (N, H, W, C), uint8 or floats in [0, 1];
        `y_train`, `y_test`, class indices of shape (N,); optionally `classes`, the names of the classes.
    in_memory : bool, optional
        False leaves the images in the file as `ScaledImages`, which read and scale those that are asked for; True reads
        them all at once. By default those of more than a gibibyte as float32 stay in the file, where they can. What
        training gives does not depend on it. The file must not change while it is in use.

    Returns
    -------
    Dataset
        Named after the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If it is no such file, an array is missing, holds Python objects or is not what its name promises, or the images
        can neither stay in the file nor be held in memory.

    Examples
    --------
    >>> from minicnn import datasets
    >>> x, y = np.zeros((10, 8, 8), np.uint8), np.arange(10) % 2
    >>> np.savez("cells.npz", x_train=x, y_train=y, x_test=x, y_test=y, classes=["healthy", "ill"])
    >>> datasets.from_npz("cells.npz")
    Dataset('cells', train=10, test=10, image_shape=(8, 8, 1), classes=2)
    """
    path = Path(checked_path("from_npz", path)).expanduser()
    arrays = _scaled_where_mapped(read_npz(path, in_memory), path.stem)
    return dataset_from_arrays(arrays, path.stem, description=f"Images read from {path.name}.")


def from_npy(folder: str | os.PathLike, *, in_memory: bool | None = None) -> Dataset:
    """Read a data set from a folder of .npy files: x_train.npy, y_train.npy, x_test.npy, y_test.npy.

    Parameters
    ----------
    folder : path of the folder
        The arrays in the files, and `classes.npy`, which may be missing, are those of `from_npz`.
    in_memory : bool, optional
        As in `from_npz`.

    Returns
    -------
    Dataset
        Named after the folder.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    TypeError, ValueError
        As `from_npz`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from minicnn import datasets
    >>> Path("cells").mkdir()
    >>> for split in ("train", "test"):
    ...     np.save(f"cells/x_{split}.npy", np.zeros((10, 8, 8), np.uint8))
    ...     np.save(f"cells/y_{split}.npy", np.arange(10) % 2)
    >>> datasets.from_npy("cells")
    Dataset('cells', train=10, test=10, image_shape=(8, 8, 1), classes=2)
    """
    folder = Path(checked_path("from_npy", folder, "folder", "folder")).expanduser().resolve()
    missing = [f"{key}.npy" for key in KEYS if not (folder / f"{key}.npy").is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder}: no {', '.join(missing)}. from_npy takes a folder with a file for each array."
        )
    arrays = {}
    for key in (*KEYS, "classes"):
        file = folder / f"{key}.npy"
        if file.is_file():
            arrays[key] = _map_npy(file, key, in_memory)
    return dataset_from_arrays(
        _scaled_where_mapped(arrays, folder.name), folder.name, description=f"Images read from {folder.name}."
    )


def read_npz(path: Path, in_memory: bool | None = True) -> dict[str, np.ndarray]:
    """Read those arrays of the file that make a data set, as they are; arguments and errors as `from_npz`.

    Returns
    -------
    arrays : dict of str to array
        Images that stay in the file are a `numpy.memmap`.
    """
    if not path.is_file():
        hint = " For a folder of .npy files there is from_npy." if path.is_dir() else ""
        raise FileNotFoundError(f"No file {path}. from_npz takes the path of an .npz file.{hint}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name}: is no .npz file (a zip archive of arrays). {HOW_TO_WRITE}")
    with path.open("rb") as file:
        try:
            archive = SafeNpz(file)
            names = archive.names
            wanted = [key for key in names if key in (*KEYS, "classes")]
            arrays = {key: _read_member(archive, key, path, in_memory) for key in wanted}
        except ValueError as error:
            raise ValueError(
                f"{path.name}: cannot be read as an .npz file of plain arrays ({error}). {HOW_TO_WRITE}"
            ) from error
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise ValueError(
            f"{path.name}: no array {', '.join(missing)}; found {', '.join(names) or 'none'}. {HOW_TO_WRITE}"
        )
    return arrays


def _read_member(archive: SafeNpz, key: str, path: Path, in_memory: bool | None) -> np.ndarray:
    """Read one array of the archive, or map it if it is to stay in the file and can."""
    header = archive.header(key)
    stays = _stays_in_file(key, header.nbytes // header.dtype.itemsize, in_memory)
    if stays and header.offset is not None:
        return np.memmap(path, header.dtype, "r", header.offset, header.shape, header.order)
    if stays and in_memory is not None:
        raise ValueError(f"{key} is compressed and cannot stay in the file: write it with np.savez")
    width = header.dtype.itemsize
    if header.nbytes > _free_memory() * width // (width + np.dtype(np.float32).itemsize):  # beside its float32 copy
        raise ValueError(
            f"{key}, {header.nbytes:,} bytes, is too large for the memory; with np.savez it stays in the file"
        )
    return archive.read(key, max_bytes=header.nbytes)


def _map_npy(file: Path, key: str, in_memory: bool | None) -> np.ndarray:
    """Map one .npy file; as a plain array if it is to be read."""
    try:
        mapped = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy raises nearly every type there is on a broken file
        raise ValueError(f"{file.name}: cannot be read as an .npy file of a plain array ({error}).") from error
    return mapped if _stays_in_file(key, mapped.size, in_memory) else np.asarray(mapped)


def _stays_in_file(key: str, count: int, in_memory: bool | None) -> bool:
    """Whether an array of `count` numbers is left where it is."""
    if in_memory not in (None, True, False):
        raise TypeError(f"in_memory takes True, False or None, got {in_memory!r}.")
    if key not in IMAGES:
        return False
    return count * np.dtype(np.float32).itemsize > LARGE if in_memory is None else not in_memory


def _scaled_where_mapped(arrays: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray | ScaledImages]:
    """Let images that stay in the file be scaled when they are read."""
    return {
        key: ScaledImages(array, name=f"{name}: {key}") if isinstance(array, np.memmap) else array
        for key, array in arrays.items()
    }


def _free_memory() -> int:
    import psutil  # comes when first used

    return psutil.virtual_memory().available
