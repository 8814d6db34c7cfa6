"""Data sets and augmentation."""

import numpy as np

from minicnn import augment, datasets

from .row import Bad
from .training import Endless

IMAGES = np.full((2, 4, 4, 1), 0.5, np.float32)
RNG = np.random.default_rng(0)
GOOD = datasets.Split(IMAGES, np.array([0, 1]))
WHOLE = "whole number"
CROP = augment.Crop(2)


def dataset(images=IMAGES, labels=(0, 1), classes=("a", "b"), dtype=np.int64):
    return datasets.Dataset("mine", datasets.Split(images, np.array(labels, dtype)), GOOD, classes)


def npz(t, **arrays):
    path = t.folder / "data.npz"
    np.savez(path, **arrays)
    try:
        datasets.from_npz(path)
    finally:
        path.unlink()


def text_file(t, read):
    path = t.folder / "notes.npz"
    path.write_text("no archive")
    try:
        read(path)
    finally:
        path.unlink()


GOOD_ARRAYS = {"x_train": IMAGES, "y_train": [0, 1], "x_test": IMAGES, "y_test": [0, 1]}
DATASETS = [
    Bad(
        "load: unknown", lambda t: datasets.load("imagenet"), ValueError, "data set", "'imagenet'", "load takes one of"
    ),
    Bad(
        "load: nearly", lambda t: datasets.load("fashion_mni"), ValueError, "data set", "'fashion_mni'", "Did you mean"
    ),
    Bad("load: None", lambda t: datasets.load(None), ValueError, "data set", "None", "load takes one of"),
    Bad("load: a list", lambda t: datasets.load(["mnist"]), ValueError, "data set", "['mnist']", "load takes one of"),
    Bad("from_folder: None", lambda t: datasets.from_folder(None), TypeError, "path", "None", "path of a folder"),
    Bad("from_folder: a number", lambda t: datasets.from_folder(3), TypeError, "path", "3", "path of a folder"),
    Bad(
        "from_folder: missing",
        lambda t: datasets.from_folder(t.folder / "no"),
        FileNotFoundError,
        "from_folder",
        "no",
        "folder",
    ),
    Bad(
        "from_folder: empty",
        lambda t: datasets.from_folder(t.folder),
        ValueError,
        "class folders",
        "none",
        "at least two",
    ),
    Bad("from_folder: size 0", lambda t: datasets.from_folder(t.folder, 0), ValueError, "size", "0", "(height, width)"),
    Bad(
        "from_folder: size text",
        lambda t: datasets.from_folder(t.folder, "32x32"),
        ValueError,
        "size",
        "'32x32'",
        "(height, width)",
    ),
    Bad(
        "from_folder: three sides",
        lambda t: datasets.from_folder(t.folder, (8, 8, 3)),
        ValueError,
        "size",
        "(8, 8, 3)",
        "(height, width)",
    ),
    Bad(
        "from_folder: share 1",
        lambda t: datasets.from_folder(t.folder, test_share=1),
        ValueError,
        "test_share",
        "1",
        "test_share < 1",
    ),
    Bad(
        "from_folder: share text",
        lambda t: datasets.from_folder(t.folder, test_share="a"),
        TypeError,
        "test_share",
        "'a'",
        "number",
    ),
    Bad("from_folder: seed", lambda t: datasets.from_folder(t.folder, seed=-1), ValueError, "seed", "-1", WHOLE),
    Bad(
        "from_folder: resize",
        lambda t: datasets.from_folder(t.folder, resize="cubic"),
        ValueError,
        "resize",
        "'cubic'",
        "nearest",
    ),
    Bad(
        "from_folder: cache text",
        lambda t: datasets.from_folder(t.folder, cache="no"),
        TypeError,
        "cache",
        "'no'",
        "True or False",
    ),
    Bad("from_npz: None", lambda t: datasets.from_npz(None), TypeError, "path", "None", "path of a file"),
    Bad(
        "from_npz: missing",
        lambda t: datasets.from_npz(t.folder / "a.npz"),
        FileNotFoundError,
        "from_npz",
        "a.npz",
        "path",
    ),
    Bad(
        "from_npz: a folder",
        lambda t: datasets.from_npz(t.folder),
        FileNotFoundError,
        "from_npz",
        "No file",
        "from_npy",
    ),
    Bad(
        "from_npz: text", lambda t: text_file(t, datasets.from_npz), ValueError, "notes.npz", "no .npz file", "np.savez"
    ),
    Bad("from_npz: arrays missing", lambda t: npz(t, x=IMAGES), ValueError, "x_train", "found x", "np.savez"),
    Bad(
        "from_npz: one-hot",
        lambda t: npz(t, **GOOD_ARRAYS | {"y_train": np.eye(2)}),
        ValueError,
        "y_train",
        "(2, 2)",
        "argmax",
    ),
    Bad(
        "from_npz: wide floats",
        lambda t: npz(t, **GOOD_ARRAYS | {"x_test": IMAGES * 255}),
        ValueError,
        "x_test",
        "127.5",
        "scale",
    ),
    Bad(
        "from_npz: NaN",
        lambda t: npz(t, **GOOD_ARRAYS | {"x_test": IMAGES * np.nan}),
        ValueError,
        "x_test",
        "nan",
        "scale",
    ),
    Bad(
        "from_npz: labels",
        lambda t: npz(t, **GOOD_ARRAYS | {"y_test": [0.0, 1.0]}),
        TypeError,
        "y_test",
        "float64",
        "astype(int)",
    ),
    Bad("from_npy: None", lambda t: datasets.from_npy(None), TypeError, "folder", "None", "path of a folder"),
    Bad(
        "from_npy: missing",
        lambda t: datasets.from_npy(t.folder),
        FileNotFoundError,
        "from_npy",
        "x_train.npy",
        "folder",
    ),
    Bad("ScaledImages: None", lambda t: datasets.ScaledImages(None), TypeError, "ScaledImages", "None", "len(x)"),
    Bad("ScaledImages: a list", lambda t: datasets.ScaledImages([1, 2]), ValueError, "images", "(1,)", "(N, H, W)"),
    Bad(
        "ScaledImages: endless",
        lambda t: datasets.ScaledImages(Endless()),
        TypeError,
        "ScaledImages",
        "Endless",
        "len(x)",
    ),
    Bad("ScaledImages: white 0", lambda t: datasets.ScaledImages(IMAGES, white=0), ValueError, "white", "0", WHOLE),
    Bad(
        "ScaledImages: of int",
        lambda t: datasets.ScaledImages(IMAGES.astype(int)),
        TypeError,
        "images",
        "int64",
        "uint8",
    ),
    Bad(
        "ScaledImages: cut in two",
        lambda t: datasets.ScaledImages(IMAGES)[:, 1],
        TypeError,
        "slice",
        "(slice",
        "Cut the array",
    ),
    Bad("Dataset: float64", lambda t: dataset(IMAGES.astype("f8")), TypeError, "train", "float64", "float32"),
    Bad("Dataset: labels of int32", lambda t: dataset(dtype=np.int32), TypeError, "labels", "int32", "int64"),
    Bad("Dataset: too few labels", lambda t: dataset(labels=[0]), ValueError, "label", "(1,)", "one label an image"),
    Bad("Dataset: label 2 of 2", lambda t: dataset(labels=[0, 2]), ValueError, "labels", "0 to 2", "labels 0 to 1"),
    Bad("Dataset: negative label", lambda t: dataset(labels=[0, -1]), ValueError, "labels", "-1 to 0", "labels 0 to 1"),
    Bad("Dataset: NaN", lambda t: dataset(IMAGES * np.nan), ValueError, "pixels", "nan", "[0, 1]"),
    Bad("Dataset: 0 to 255", lambda t: dataset(IMAGES * 255), ValueError, "pixels", "127.5", "[0, 1]"),
    Bad("Dataset: no image", lambda t: dataset(IMAGES[:0], []), ValueError, "images", "(0, 4, 4, 1)", "without a zero"),
    Bad("Dataset: three axes", lambda t: dataset(IMAGES[0]), ValueError, "images", "(4, 4, 1)", "(N, H, W, C)"),
    Bad("Dataset: two shapes", lambda t: dataset(IMAGES[:, :3]), ValueError, "images", "(3, 4, 1)", "one shape"),
    Bad(
        "Dataset: lists",
        lambda t: datasets.Dataset("a", ([[1.0]], [0]), GOOD, ("a", "b")),
        TypeError,
        "train",
        "list",
        "float32",
    ),
    Bad(
        "Dataset: split None",
        lambda t: datasets.Dataset("a", None, GOOD, ("a", "b")),
        TypeError,
        "train",
        "None",
        "Split(images, labels)",
    ),
    Bad("Dataset: classes a number", lambda t: dataset(classes=2), TypeError, "classes", "2", "names"),
    Bad("subset: 0", lambda t: t.data.subset(train=0), ValueError, "subset(train=...)", "0", "1 to 8"),
    Bad(
        "subset: too many", lambda t: t.data.subset(test=10**9), ValueError, "subset(test=...)", "1000000000", "1 to 8"
    ),
    Bad("subset: a share", lambda t: t.data.subset(train=0.5), TypeError, "subset(train=...)", "0.5", WHOLE),
    Bad("subset: text", lambda t: t.data.subset(train="all"), TypeError, "subset(train=...)", "'all'", WHOLE),
    Bad("subset: seed", lambda t: t.data.subset(train=3, seed=-1), ValueError, "seed", "-1", WHOLE),
]

AUGMENT = [
    Bad("Pipeline: a step", lambda t: augment.Pipeline(augment.Flip()), TypeError, "Pipeline", "Flip()", "list"),
    Bad(
        "Pipeline: classes",
        lambda t: augment.Pipeline([augment.Flip]),
        TypeError,
        "Pipeline",
        "Flip",
        "write Flip(...)",
    ),
    Bad("Pipeline: None in it", lambda t: augment.Pipeline([None]), TypeError, "Pipeline", "[None]", "list"),
    Bad("Pipeline: seed", lambda t: augment.Pipeline([], seed=-1), ValueError, "seed", "-1", WHOLE),
    Bad("Pipeline: epoch", lambda t: augment.Pipeline([])(IMAGES, epoch=-1), ValueError, "epoch", "-1", WHOLE),
    Bad("Pipeline: batch", lambda t: augment.Pipeline([])(IMAGES, batch=0.5), TypeError, "batch", "0.5", WHOLE),
    Bad(
        "Pipeline: no images",
        lambda t: augment.Pipeline([augment.Flip()])(None),
        TypeError,
        "Flip",
        "NoneType",
        "array",
    ),
    Bad(
        "Pipeline: a step gives None",
        lambda t: augment.Pipeline([lambda x, rng: None])(IMAGES),
        TypeError,
        "step",
        "NoneType",
        "array",
    ),
    Bad("Flip: probability", lambda t: augment.Flip(2), ValueError, "probability", "2", "probability <= 1"),
    Bad(
        "Flip: half precision",
        lambda t: augment.Flip()(IMAGES.astype("f2"), RNG),
        TypeError,
        "Flip",
        "float16",
        "uint8",
    ),
    Bad("Flip: one image", lambda t: augment.Flip()(IMAGES[0], RNG), ValueError, "Flip", "(4, 4, 1)", "images[None]"),
    Bad("Flip: a seed", lambda t: augment.Flip()(IMAGES, 0), TypeError, "rng", "0", "default_rng"),
    Bad("Shift: negative", lambda t: augment.Shift(-1), ValueError, "pixels", "-1", WHOLE),
    Bad("Shift: half a pixel", lambda t: augment.Shift(0.5), TypeError, "pixels", "0.5", WHOLE),
    Bad("Shift: fill 255", lambda t: augment.Shift(1, fill=255), ValueError, "fill", "255", "fill <= 1"),
    Bad("Shift: huge", lambda t: augment.Shift(10**30), ValueError, "pixels", str(10**30), WHOLE),
    Bad("Crop: 0", lambda t: augment.Crop(0), ValueError, "size", "0", WHOLE),
    Bad("Crop: three sides", lambda t: augment.Crop((1, 2, 3)), ValueError, "size", "(1, 2, 3)", "(height, width)"),
    Bad("Crop: text", lambda t: augment.Crop("a"), TypeError, "size", "'a'", WHOLE),
    Bad("Crop: larger", lambda t: augment.Crop(9)(IMAGES, RNG), ValueError, "images", "(4, 4)", "at least 9x9"),
    Bad(
        "center_crop: larger", lambda t: augment.center_crop(IMAGES, 9), ValueError, "images", "(4, 4)", "at least 9x9"
    ),
    Bad("center_crop: a list", lambda t: augment.center_crop([1], 2), TypeError, "center_crop", "list", "array"),
    Bad("Cutout: 0", lambda t: augment.Cutout(0), ValueError, "size", "0", WHOLE),
    Bad("Cutout: fill NaN", lambda t: augment.Cutout(2, fill=float("nan")), ValueError, "fill", "nan", "finite"),
    Bad("Brightness: 2", lambda t: augment.Brightness(2), ValueError, "strength", "2", "strength <= 1"),
    Bad(
        "Brightness: 0 to 255",
        lambda t: augment.Brightness(0.1)(IMAGES * 255, RNG),
        ValueError,
        "pixels",
        "127.5",
        "from 0 to 1",
    ),
    Bad("Contrast: negative", lambda t: augment.Contrast(-0.5), ValueError, "strength", "-0.5", "0 <= strength"),
    Bad(
        "Contrast: NaN",
        lambda t: augment.Contrast(0.5)(IMAGES * np.nan, RNG),
        ValueError,
        "pixels",
        "nan",
        "from 0 to 1",
    ),
]

ROWS = [*DATASETS, *AUGMENT]
