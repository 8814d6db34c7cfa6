"""Images to train on: data sets that come with minicnn, those that it downloads, and your own.

>>> from minicnn import datasets
>>> datasets.load("digits")
Dataset('digits', train=1297, test=500, image_shape=(8, 8, 1), classes=10)
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial

from .dataset import Dataset, Split
from .download import DownloadError
from .embedded import EMBEDDED, load_embedded
from .folder import from_folder
from .npz import from_npy, from_npz
from .places import data_folder
from .remote import IDX, load_cats_vs_dogs, load_cifar10, load_idx
from .scaled import ScaledImages

__all__ = [
    "Dataset",
    "DownloadError",
    "ScaledImages",
    "Split",
    "data_folder",
    "from_folder",
    "from_npy",
    "from_npz",
    "load",
    "names",
]

# A name for `load` and the call that makes its Dataset. Any source of data joins by one entry.
_LOADERS: dict[str, Callable[[], Dataset]] = {
    **{name: partial(load_embedded, name) for name in EMBEDDED},
    **{name: partial(load_idx, name) for name in IDX},
    "cifar10": load_cifar10,
    "cats-vs-dogs": load_cats_vs_dogs,
}


def names() -> tuple[str, ...]:
    """List the names that `load` knows.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from minicnn import datasets
    >>> datasets.names()
    ('fashion-mini', 'digits', 'mnist', 'fashion-mnist', 'cifar10', 'cats-vs-dogs')
    """
    return tuple(_LOADERS)


def load(name: str) -> Dataset:
    """Load a data set by its name.

    Parameters
    ----------
    name : str
        One of `names()`. "fashion-mini" (28x28 grey, 3,000 training and 2,000 test images of clothing) and "digits"
        (8x8 grey, 1,297 and 500 handwritten digits) come with minicnn. The others are downloaded when first used, and
        kept in the folder of `data_folder()`: "mnist" and "fashion-mnist" (28x28 grey, 60,000 and 10,000), "cifar10"
        (32x32 in colour, 50,000 and 10,000) and "cats-vs-dogs" (two of its classes, 5,000 and 1,000 of each). Where the
        files are there already, no network is touched.

    Returns
    -------
    Dataset
        With arrays of its own at every call: changing them changes nothing for anybody else.

    Raises
    ------
    ValueError
        If there is no data set of that name.
    DownloadError
        If its files are not there and cannot be downloaded.
    ModuleNotFoundError
        If its files are not there and the packages to download them with are missing: `pip install "minicnn[data]"`.

    Examples
    --------
    >>> from minicnn import datasets
    >>> datasets.load("fashion-mini")
    Dataset('fashion-mini', train=3000, test=2000, image_shape=(28, 28, 1), classes=10)
    """
    if name not in names():
        known = ", ".join(map(repr, names()))
        close = difflib.get_close_matches(str(name).lower().replace("_", "-"), names(), n=1)
        question = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"No data set is called {name!r}.{question} load takes one of {known}; "
            f"for images of your own, see from_npz and from_folder."
        )
    return _LOADERS[name]()
