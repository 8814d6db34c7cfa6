"""The data sets that come with minicnn: small, real, there without a network.

Each is one .npz file beside this page, in the form `from_npz` reads. Origin, licence and citation stand in DATA.md;
`make_embedded.py` made the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .arrays import dataset_from_arrays
from .dataset import Dataset
from .npz import read_npz


class Embedded(NamedTuple):
    """What is known of a file beside this page; `white` is the pixel value that becomes 1."""

    white: int
    description: str
    licence: str


EMBEDDED = {
    "fashion-mini": Embedded(
        white=255,
        description="5,000 photographs of clothing, 28x28 grey, ten classes: a balanced subset of Fashion-MNIST.",
        licence="MIT, (c) 2017 Zalando SE",
    ),
    "digits": Embedded(
        white=16,
        description="1,797 handwritten digits, 8x8 grey, by 13 writers: the test part of UCI's optical digits.",
        licence="CC BY 4.0, E. Alpaydin and C. Kaynak 1998, doi:10.24432/C50P49",
    ),
}


def load_embedded(name: str) -> Dataset:
    """Read the file called `name`, a key of `EMBEDDED`."""
    white, description, licence = EMBEDDED[name]
    arrays = read_npz(Path(__file__).with_name(f"{name}.npz"))
    return dataset_from_arrays(arrays, name, white=white, description=description, licence=licence)
