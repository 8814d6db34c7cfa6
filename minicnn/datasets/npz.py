"""Data sets from NumPy's .npz files: a zip archive that holds one array a member.

`np.load(..., allow_pickle=False)` reads arrays of plain numbers and strings. An array of Python objects would be
stored as a pickle, which can run any code when it is read; such a file is refused.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from .arrays import dataset_from_arrays
from .dataset import Dataset

KEYS = ("x_train", "y_train", "x_test", "y_test")
HOW_TO_WRITE = "Write one with np.savez_compressed(path, x_train=..., y_train=..., x_test=..., y_test=...)."


def from_npz(path: str | os.PathLike) -> Dataset:
    """Read a data set from an .npz file.

    Write such a file with `np.savez_compressed(path, x_train=..., y_train=..., x_test=..., y_test=..., classes=...)`.

    Parameters
    ----------
    path : path of the file
        Arrays in it: `x_train`, `x_test`, images of shape (N, H, W) or (N, H, W, C), uint8 or floats in [0, 1];
        `y_train`, `y_test`, class indices of shape (N,); optionally `classes`, the names of the classes.

    Returns
    -------
    Dataset
        Named after the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If it is no such file, or an array is missing, holds Python objects or is not what its name promises.
    """
    path = Path(path).expanduser()
    return dataset_from_arrays(read_npz(path), path.stem, description=f"Images read from {path.name}.")


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read those arrays of the file that make a data set, as they are; errors as `from_npz`."""
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}. from_npz takes the path of an .npz file.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name}: is no .npz file (a zip archive of arrays). {HOW_TO_WRITE}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = archive.files
            arrays = {key: archive[key] for key in names if key in (*KEYS, "classes")}
    except Exception as error:  # zipfile, zlib and NumPy raise nearly every type there is on a broken file
        raise ValueError(
            f"{path.name}: cannot be read as an .npz file of plain arrays ({error}). {HOW_TO_WRITE}"
        ) from error
    foreign = [key for key, array in arrays.items() if not isinstance(array, np.ndarray)]
    if foreign:  # np.load hands over the bytes of a member that is no array
        raise ValueError(f"{path.name}: {', '.join(foreign)} is no array. {HOW_TO_WRITE}")
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        raise ValueError(
            f"{path.name}: no array {', '.join(missing)}; found {', '.join(names) or 'none'}. {HOW_TO_WRITE}"
        )
    return arrays
