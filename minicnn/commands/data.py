"""The option `--data`: a data set by its name, a file or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import UsageError

if TYPE_CHECKING:
    from ..datasets import Dataset

SIZE = (32, 32)  # pixels, of pictures read from a folder


def load_data(source: str, size: tuple[int, int] = SIZE) -> Dataset:
    """Load a data set by its name, from an .npz file or from a folder of pictures.

    Parameters
    ----------
    source : str
        One of `datasets.names()`, or a path.
    size : (height, width), in pixels
        To which pictures in a folder are squeezed; the others have their size.

    Returns
    -------
    data : Dataset

    Raises
    ------
    UsageError
        If there is nothing of this name.
    TypeError, ValueError, OSError
        If it holds no data set, or cannot be downloaded.
    ModuleNotFoundError
        If the packages to download it with are missing.
    """
    from .. import datasets

    if source in datasets.names():
        return datasets.load(source)
    path = Path(source).expanduser()
    if path.is_dir():
        return datasets.from_folder(path, size=size)
    if path.exists():
        return datasets.from_npz(path)
    raise UsageError(
        f"no data set, file or folder is called {source!r}. Known data sets: {', '.join(datasets.names())}.\n"
        "For images of your own, give an .npz file or a folder that has one folder of pictures for each class."
    )
