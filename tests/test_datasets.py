import gzip
import hashlib
import re
import socket
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicnn import datasets
from minicnn.datasets import Dataset, Split, make_embedded
from minicnn.datasets.idx import read_idx

DATA_FOLDER = Path(datasets.__file__).parent
EXPECTED = {
    "fashion-mini": ((28, 28, 1), 3000, 2000, [300] * 10, [200] * 10, 255),
    "digits": ((8, 8, 1), 1297, 500, [128, 132, 127, 133, 131, 132, 131, 129, 124, 130], [50] * 10, 16),
}


@pytest.fixture
def arrays(rng):
    return {
        "x_train": rng.integers(0, 256, (12, 5, 4, 3), dtype=np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": rng.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8),
        "y_test": np.arange(6) % 3,
        "classes": np.array(["ant", "bee", "cow"]),
    }


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def saved(tmp_path, arrays):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, **arrays)
    return path


def small(labels_train=(0, 1, 0, 1), labels_test=(0, 1), **changes):
    def split(labels):
        images = np.linspace(0, 1, len(labels) * 4, dtype=np.float32).reshape(-1, 2, 2, 1)
        return Split(images, np.array(labels, dtype=np.int64))

    parts = {"name": "small", "train": split(labels_train), "test": split(labels_test), "classes": ("a", "b")}
    return Dataset(**(parts | changes))


# ---------------------------------------------------------------------------------------------- embedded data sets


@pytest.mark.parametrize("name", EXPECTED)
def test_embedded_counts_types_and_ranges(name):
    shape, train_count, test_count, train_classes, test_classes, white = EXPECTED[name]
    data = datasets.load(name)
    assert data.name == name
    assert data.image_shape == shape
    assert len(data.classes) == 10
    assert data.description and data.licence
    for split, count, per_class in ((data.train, train_count, train_classes), (data.test, test_count, test_classes)):
        assert split.images.shape == (count, *shape)
        assert split.labels.shape == (count,)
        assert split.images.dtype == np.float32
        assert split.labels.dtype == np.int64
        assert np.bincount(split.labels).tolist() == per_class
        assert split.images.min() == 0
        assert split.images.max() == 1
        np.testing.assert_array_equal(split.images * white, np.round(split.images * white))
        assert len(np.unique(split.labels[:100])) == 10  # classes are mixed, not sorted


@pytest.mark.parametrize("name", EXPECTED)
def test_no_image_occurs_twice(name):
    data = datasets.load(name)
    hashes = [image.tobytes() for split in (data.train, data.test) for image in split.images]
    assert len(set(hashes)) == len(hashes)


def test_embedded_labels_fit_their_images():
    """A nearest-class-mean classifier reads them far above chance (0.1)."""
    for name in EXPECTED:
        data = datasets.load(name)
        means = np.stack([data.train.images[data.train.labels == k].mean(axis=0) for k in range(10)])
        distances = ((data.test.images[:, None] - means) ** 2).sum(axis=(2, 3, 4))
        assert np.mean(distances.argmin(axis=1) == data.test.labels) > 0.6


def test_load_needs_no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    for name in EXPECTED:
        datasets.load(name)


def test_every_load_returns_arrays_of_its_own():
    first = datasets.load("digits")
    first.train.images[:] = 0
    first.test.labels[:] = 0
    second = datasets.load("digits")
    assert second.train.images.max() == 1
    assert second.test.labels.max() == 9


def test_names_and_repr():
    assert datasets.names() == ("fashion-mini", "digits", "mnist", "fashion-mnist", "cifar10", "cats-vs-dogs")
    data = datasets.load("digits")
    assert repr(data) == "Dataset('digits', train=1297, test=500, image_shape=(8, 8, 1), classes=10)"
    assert repr(data.train) == "Split(images=float32[1297, 8, 8, 1], labels=int64[1297])"
    images, labels = data.train
    assert len(images) == len(labels)


@pytest.mark.parametrize("wrong", ["fashion_mini", "FASHION_MINI", "fashionmini", "fashon-mini"])
def test_unknown_name_suggests_the_near_one(wrong):
    with pytest.raises(ValueError, match=r"Did you mean 'fashion-mini'\?.*'fashion-mini', 'digits'"):
        datasets.load(wrong)


@pytest.mark.parametrize("wrong", ["imagenet", "", None, [1, 2]])
def test_unknown_name_lists_the_known(wrong):
    with pytest.raises(ValueError, match="takes one of 'fashion-mini', 'digits'") as caught:
        datasets.load(wrong)
    assert "Did you mean" not in str(caught.value)


def test_data_page_states_the_sums_of_the_shipped_files():
    page = (DATA_FOLDER / "DATA.md").read_text()
    for name in EXPECTED:
        digest = hashlib.sha256((DATA_FOLDER / f"{name}.npz").read_bytes()).hexdigest()
        assert f"| `{name}.npz` | `{digest}` |" in page
        assert (DATA_FOLDER / f"{name}.npz").stat().st_size < 3e6
    assert "Copyright (c) 2017 Zalando SE" in page
    assert "CC BY 4.0" in page


# ---------------------------------------------------------------------------------------------------------- Dataset


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"classes": ("a",)}, ValueError, "labels run from 0 to 1, but 1 classes have the labels 0 to 0"),
        ({"train": Split(np.ones((2, 2, 2), "f4"), np.array([0, 1]))}, ValueError, r"train: .*shape \(N, H, W, C\)"),
        ({"train": Split(np.ones((0, 2, 2, 1), "f4"), np.zeros(0, int))}, ValueError, "without a zero"),
        ({"test": Split(np.ones((2, 2, 2, 1), "f4"), np.array([0]))}, ValueError, "test: needs one label an image"),
        ({"test": Split(np.ones((1, 2, 2, 1), "f4"), np.array([-1]))}, ValueError, "labels run from -1"),
        ({"test": Split(np.ones((1, 2, 3, 1), "f4"), np.array([0]))}, ValueError, r"one shape \(H, W, C\)"),
        ({"test": Split(np.full((1, 2, 2, 1), 2, "f4"), np.array([0]))}, ValueError, r"in \[0, 1\], got 2 to 2"),
        ({"test": Split(np.full((1, 2, 2, 1), np.nan, "f4"), np.array([0]))}, ValueError, r"in \[0, 1\], got nan"),
        ({"test": Split(np.ones((1, 2, 2, 1)), np.array([0]))}, TypeError, "float32 images .*got float64"),
        ({"test": Split(np.ones((1, 2, 2, 1), "f4"), np.array([0], "i4"))}, TypeError, "int64 labels, got .*int32"),
    ],
)
def test_dataset_refuses(change, error, message):
    with pytest.raises(error, match=f"small: .*{message}"):
        small(**change)


def test_dataset_is_frozen():
    with pytest.raises(AttributeError):
        small().name = "other"


@pytest.mark.parametrize("count", [10, 37, 500, 3000])
def test_subset_is_balanced(count):
    data = datasets.load("fashion-mini").subset(train=count, test=20)
    per_class = np.bincount(data.train.labels, minlength=10)
    assert per_class.sum() == count
    assert per_class.max() - per_class.min() <= 1
    assert np.bincount(data.test.labels).tolist() == [2] * 10


def test_subset_takes_what_a_small_class_has():
    data = small(labels_train=[0] * 10 + [1] * 2).subset(train=8)
    assert np.bincount(data.train.labels).tolist() == [6, 2]


def test_subset_is_deterministic_nested_and_keeps_images_with_labels():
    data = datasets.load("digits")
    where = {image.tobytes(): index for index, image in enumerate(data.train.images)}

    def chosen(count, seed=0):
        subset = data.subset(train=count, seed=seed)
        indices = [where[image.tobytes()] for image in subset.train.images]
        np.testing.assert_array_equal(data.train.labels[indices], subset.train.labels)
        assert indices == sorted(set(indices))
        return indices

    assert chosen(100) == chosen(100)
    assert chosen(100) != chosen(100, seed=1)
    assert set(chosen(100)) < set(chosen(250))


def test_subset_keeps_everything_by_default_in_new_arrays():
    data = small()
    subset = data.subset()
    np.testing.assert_array_equal(subset.train.images, data.train.images)
    np.testing.assert_array_equal(subset.test.labels, data.test.labels)
    assert not np.shares_memory(subset.train.images, data.train.images)


@pytest.mark.parametrize("count", [0, -1, 5])
def test_subset_refuses_impossible_numbers(count):
    with pytest.raises(ValueError, match=rf"small.subset\(train=...\): takes 1 to 4 .*got {count}"):
        small().subset(train=count)


# --------------------------------------------------------------------------------------------------------- from_npz


def test_from_npz_reads_what_was_written(tmp_path, arrays):
    data = datasets.from_npz(str(saved(tmp_path, arrays)))
    assert repr(data) == "Dataset('mine', train=12, test=6, image_shape=(5, 4, 3), classes=3)"
    assert data.classes == ("ant", "bee", "cow")
    assert data.train.images.dtype == np.float32
    np.testing.assert_array_equal(data.train.images, arrays["x_train"].astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(data.test.labels, arrays["y_test"])
    assert data.test.labels.dtype == np.int64


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_from_npz_takes_floats_as_they_are(tmp_path, arrays, dtype):
    arrays["x_train"] = (arrays["x_train"] / 255).astype(dtype)
    data = datasets.from_npz(saved(tmp_path, arrays))
    np.testing.assert_array_equal(data.train.images, arrays["x_train"].astype(np.float32))
    assert data.train.images.dtype == np.float32


def test_from_npz_adds_what_may_be_missing(tmp_path, arrays):
    del arrays["classes"]
    arrays |= {"x_train": arrays["x_train"][..., 0], "x_test": arrays["x_test"][..., 0]}
    arrays["y_train"] = arrays["y_train"].reshape(-1, 1).astype(np.uint8)
    data = datasets.from_npz(saved(tmp_path, arrays))
    assert data.image_shape == (5, 4, 1)
    assert data.classes == ("0", "1", "2")
    assert data.train.labels.shape == (12,)


def test_from_npz_reads_class_names_of_bytes(tmp_path, arrays):
    arrays["classes"] = np.array([b"ant", b"bee", b"cow"])
    assert datasets.from_npz(saved(tmp_path, arrays)).classes == ("ant", "bee", "cow")


@pytest.mark.parametrize(
    "change, error, message",
    [
        (
            {"y_test": None, "more": np.zeros(3)},
            ValueError,
            r"no array y_test; found x_train, y_train, x_test, classes, more\. Write one",
        ),
        ({"y_train": np.arange(11) % 3}, ValueError, "train: needs one label an image, got 12 images"),
        ({"y_train": np.arange(12) % 4}, ValueError, "labels run from 0 to 3, but 3 classes"),
        ({"y_train": np.arange(12) % 3 - 1}, ValueError, "y_train: .*got -1 to 1"),
        ({"y_train": np.full(12, 2**63, np.uint64)}, ValueError, "y_train: .*9223372036854775808"),
        ({"y_train": np.full(12, 10**6), "classes": None}, ValueError, "label 1000000 .*more than the 12"),
        ({"y_train": np.zeros(12)}, TypeError, r"y_train: .*got float64.*astype\(int\)"),
        ({"y_train": np.eye(12, 3, dtype=int)}, ValueError, r"y_train: .*y_train.argmax\(axis=1\)"),
        ({"x_train": np.zeros((12, 20))}, ValueError, r"x_train: .*\(N, H, W, C\), got \(12, 20\)"),
        ({"x_train": np.zeros((12, 3, 8, 8))}, ValueError, r"x_train.transpose\(0, 2, 3, 1\)"),
        ({"x_train": np.zeros((12, 5, 4, 3), np.int64)}, TypeError, "x_train: .*got int64"),
        ({"x_train": np.full((12, 5, 4, 3), 255.0)}, ValueError, "x_train: .*255 to 255"),
        ({"x_train": np.full((12, 5, 4, 3), 1e300)}, ValueError, "x_train: .*1e.300 to 1e.300"),
        ({"x_train": np.full((12, 5, 4, 3), np.nan)}, ValueError, "x_train: .*nan to nan"),
        ({"x_train": np.zeros((12, 5, 5, 3), np.uint8)}, ValueError, "one shape"),
        ({"x_train": np.zeros((0, 5, 4, 3), np.uint8), "y_train": np.zeros(0, int)}, ValueError, "without a zero"),
    ],
)
def test_from_npz_names_what_is_wrong(tmp_path, arrays, change, error, message):
    arrays = {key: array for key, array in (arrays | change).items() if array is not None}
    with pytest.raises(error, match=rf"^mine(\.npz)?: .*{message}"):
        datasets.from_npz(saved(tmp_path, arrays))


def test_from_npz_refuses_objects(tmp_path, arrays):
    arrays["x_train"] = np.array([{"run": "me"}] * 12, dtype=object)
    with pytest.raises(ValueError, match=r"mine\.npz: cannot be read .*Python objects"):
        datasets.from_npz(saved(tmp_path, arrays))


def test_from_npz_refuses_other_files(tmp_path, arrays):
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        datasets.from_npz(tmp_path / "absent.npz")
    lone = tmp_path / "lone.npy"
    np.save(lone, arrays["x_train"])
    with pytest.raises(ValueError, match=r"lone\.npy: is no \.npz file"):
        datasets.from_npz(lone)
    texts = tmp_path / "texts.npz"
    with zipfile.ZipFile(texts, "w") as file:
        file.writestr("x_train", "not an array")
    with pytest.raises(ValueError, match=r"texts\.npz: .*x_train is no array"):
        datasets.from_npz(texts)


def test_from_npz_refuses_damaged_files(tmp_path, arrays, rng):
    content = saved(tmp_path, arrays).read_bytes()
    path = tmp_path / "damaged.npz"
    for _ in range(200):
        damaged = bytearray(content[: rng.integers(1, len(content) + 1)] if rng.random() < 0.3 else content)
        for position in rng.integers(0, len(damaged), 5):
            damaged[position] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            datasets.from_npz(path)  # a changed byte may be one that does not matter
        except (ValueError, TypeError) as error:
            assert str(error).startswith("damaged")


# ------------------------------------------------------------------------------------------------------ from_folder


def picture(path, colour, mode="RGB", size=(40, 30), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, **options)


def pets(root, count=5):
    """Cats are red, dogs are green; the blue channel says which one: 10, 20, ..."""
    for index in range(count):
        picture(root / "cat" / f"{index}.png", (255, 0, 10 * (index + 1)))
        picture(root / "dog" / f"{index}.png", (0, 255, 10 * (index + 1)))
    return root


@pytest.mark.parametrize("test_name", ["test", "validation", "valid", "val", "Test"])
def test_from_folder_with_a_split(tmp_path, test_name):
    pets(tmp_path / "train", 5)
    pets(tmp_path / test_name, 2)
    data = datasets.from_folder(tmp_path, size=(6, 8))
    assert data.name == tmp_path.name
    assert data.classes == ("cat", "dog")
    assert data.image_shape == (6, 8, 3)
    assert data.train.labels.tolist() == [0] * 5 + [1] * 5
    assert data.test.labels.tolist() == [0] * 2 + [1] * 2
    np.testing.assert_allclose(data.train.images[:5, 0, 0] * 255, [[255, 0, 10 * k] for k in range(1, 6)], atol=1e-4)
    np.testing.assert_allclose(data.train.images[5:, 5, 7] * 255, [[0, 255, 10 * k] for k in range(1, 6)], atol=1e-4)


@pytest.mark.parametrize("inner", [".", "train"])
def test_from_folder_splits_every_class(tmp_path, inner):
    pets(tmp_path / inner, 10)
    data = datasets.from_folder(tmp_path, size=4, test_share=0.3, seed=3)
    assert np.bincount(data.train.labels).tolist() == [7, 7]
    assert np.bincount(data.test.labels).tolist() == [3, 3]
    together = np.concatenate([data.train.images, data.test.images])
    assert len({image.tobytes() for image in together}) == 20
    for split in (data.train, data.test):
        np.testing.assert_array_equal(split.images[:, 0, 0, :2].argmax(axis=1), split.labels)
    again = datasets.from_folder(tmp_path, size=4, test_share=0.3, seed=3)
    np.testing.assert_array_equal(again.test.images, data.test.images)
    other = datasets.from_folder(tmp_path, size=4, test_share=0.3, seed=4)
    assert not np.array_equal(other.test.images, data.test.images)


def test_from_folder_ignores_what_is_no_picture(tmp_path):
    pets(tmp_path)
    for name in ("cat/notes.txt", "cat/._0.png", "dog/.hidden.jpg", ".thumbnails/0.png", "README.md", "papers/a.pdf"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("no picture")
    (tmp_path / "cat" / "folder.png").mkdir()
    data = datasets.from_folder(tmp_path)
    assert repr(data).endswith("train=8, test=2, image_shape=(32, 32, 3), classes=2)")


def test_from_folder_turns_every_mode_into_rgb(tmp_path):
    root = tmp_path / "train"
    picture(root / "a" / "1-grey.png", 51, "L")
    picture(root / "a" / "2-binary.png", 1, "1")
    palette = Image.new("RGB", (40, 30), (255, 51, 0)).quantize(4)
    palette.save(root / "a" / "3-palette.png")
    palette.save(root / "a" / "4-palette.gif")
    palette.save(root / "a" / "5-transparent-palette.png", transparency=bytes([0]))
    picture(root / "a" / "6-see-through.png", (255, 0, 0, 0), "RGBA")
    picture(root / "a" / "7-half.png", (0, 102), "LA")
    picture(root / "a" / "8-cmyk.jpg", (0, 0, 0, 0), "CMYK", quality=100)
    picture(root / "b" / "1.jpg", (0, 0, 0), quality=100)
    pixels = datasets.from_folder(tmp_path, size=(2, 2), test_share=0.01)
    images = np.concatenate([pixels.train.images[:-1], pixels.test.images[:1]])  # b has one picture, for training
    expected = {(51, 51, 51), (255, 255, 255), (255, 51, 0), (153, 153, 153)}
    assert len(images) == 8
    assert {tuple(np.round(image[0, 0] * 255).astype(int)) for image in images} == expected
    assert sum(np.all(np.round(image * 255) == 255) for image in images) == 4  # 2, 5, 6 and 8


def test_from_folder_turns_as_exif_says(tmp_path):
    upright = Image.new("RGB", (40, 20), "black")
    upright.paste("white", (0, 0, 20, 20))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees clockwise to see it upright
    pets(tmp_path / "train")
    pets(tmp_path / "test", 1)
    upright.save(tmp_path / "test" / "cat" / "0.jpg", quality=100, exif=exif)
    (tmp_path / "test" / "cat" / "0.png").unlink()
    image = datasets.from_folder(tmp_path, size=(8, 4)).test.images[0]
    np.testing.assert_allclose(image[:3], 1, atol=0.05)
    np.testing.assert_allclose(image[5:], 0, atol=0.05)


def test_from_folder_antialiases(tmp_path):
    stripes = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (64, 32)))
    for name in ("cat", "dog"):
        for index in range(2):
            (tmp_path / name).mkdir(exist_ok=True)
            stripes.save(tmp_path / name / f"{index}.png")
    image = datasets.from_folder(tmp_path, size=(4, 4)).train.images[0]
    np.testing.assert_allclose(image[:, 1:3], 0.5, atol=0.02)


def test_from_folder_leaves_out_broken_pictures_with_one_warning(tmp_path):
    pets(tmp_path)
    (tmp_path / "cat" / "text.jpg").write_text("no picture")
    (tmp_path / "dog" / "empty.png").write_bytes(b"")
    whole = (tmp_path / "dog" / "0.png").read_bytes()
    (tmp_path / "dog" / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(tmp_path / "dog" / "deep.tif")
    with pytest.warns(UserWarning, match=r"left out pictures that cannot be read \(4\)") as caught:
        data = datasets.from_folder(tmp_path)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    for name in ("cat/text.jpg", "dog/empty.png", "dog/cut.png", "dog/deep.tif: pixels of mode F"):
        assert name in str(caught[0].message)
    assert len(data.train.labels) + len(data.test.labels) == 10


def test_from_folder_leaves_out_giants(tmp_path, monkeypatch):
    pets(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 30)
    picture(tmp_path / "cat" / "giant.png", "white", size=(41, 30))
    with pytest.warns(UserWarning, match=r"cat/giant\.png"):
        datasets.from_folder(tmp_path)


def test_from_folder_warning_stays_short(tmp_path):
    pets(tmp_path)
    for index in range(9):
        (tmp_path / "cat" / f"bad{index}.jpg").write_text("no picture")
    with pytest.warns(UserWarning, match=r"bad4\.jpg.*; and 4 more, listed in .*skipped\.$"):
        datasets.from_folder(tmp_path)


def test_from_folder_says_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        datasets.from_folder(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"at least two class folders .* found none"):
        datasets.from_folder(tmp_path)
    picture(tmp_path / "cat" / "0.png", "red")
    with pytest.raises(ValueError, match=r"at least two class folders .* found cat"):
        datasets.from_folder(tmp_path)
    picture(tmp_path / "dog" / "0.png", "red")
    with pytest.raises(ValueError, match="one picture a class"):
        datasets.from_folder(tmp_path)
    (tmp_path / "dog" / "0.png").write_text("no picture")
    with pytest.raises(ValueError, match="no picture of dog can be read"):
        datasets.from_folder(tmp_path)
    (tmp_path / "cat" / "0.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"none of its pictures can be read, for instance .*dog/0\.png"):
        datasets.from_folder(tmp_path)


def test_from_folder_refuses_unknown_test_classes_and_unsorted_pictures(tmp_path):
    pets(tmp_path / "a" / "train")
    pets(tmp_path / "a" / "test")
    picture(tmp_path / "a" / "test" / "bird" / "0.png", "blue")
    with pytest.raises(ValueError, match="classes bird do not occur in train"):
        datasets.from_folder(tmp_path / "a")
    for name in ("train/cat.0.png", "train/dog.0.png", "test1/0.png"):
        picture(tmp_path / "b" / name, "blue")
    with pytest.raises(ValueError, match="holds no class folders"):
        datasets.from_folder(tmp_path / "b")


def test_from_folder_may_have_a_class_called_train(tmp_path):
    for name in ("plane", "train"):
        for index in range(2):
            picture(tmp_path / name / f"{index}.png", "blue")
    assert datasets.from_folder(tmp_path).classes == ("plane", "train")


@pytest.mark.parametrize("options", [{"size": 0}, {"size": (8, -1)}, {"size": (8, 8, 3)}, {"size": 8.5}, {"size": "8"}])
def test_from_folder_refuses_sizes(tmp_path, options):
    with pytest.raises(ValueError, match=rf"from_folder\(size=...\).*got {re.escape(repr(options['size']))}"):
        datasets.from_folder(tmp_path, **options)


@pytest.mark.parametrize("share", [0, 1, -0.5, 20, float("nan")])
def test_from_folder_refuses_shares(tmp_path, share):
    with pytest.raises(ValueError, match=r"from_folder needs .* 0 < test_share < 1"):
        datasets.from_folder(tmp_path, test_share=share)


@pytest.mark.parametrize("argument", [{"test_share": "half"}, {"seed": 1.5}, {"seed": -1}, {"seed": None}])
def test_from_folder_names_the_argument(tmp_path, argument):
    ((name, value),) = argument.items()
    with pytest.raises((TypeError, ValueError), match=f"from_folder needs .*{name}.* got {value!r}"):
        datasets.from_folder(tmp_path, **argument)


def test_reading_pictures_changes_no_warning_filter(tmp_path):
    before = list(warnings.filters)
    datasets.from_folder(pets(tmp_path))
    assert warnings.filters == before


# ------------------------------------------------------------------------------------------------------ IDX and script


def write_idx(path, array, *, header=None, compress=True):
    header = header or struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    content = header + array.tobytes()
    path.write_bytes(gzip.compress(content) if compress else content)


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 5, 3), (2, 3, 2, 3)])
def test_idx_round_trip(tmp_path, rng, shape, compress):
    array = rng.integers(0, 256, shape, dtype=np.uint8)
    write_idx(tmp_path / "x", array, compress=compress)
    read = read_idx(tmp_path / "x")
    np.testing.assert_array_equal(read, array)
    assert read.flags.writeable


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "no IDX file"),
        (b"\0\0\x08", "no IDX file"),
        (b"\0\x01\x08\x01" + bytes(8), "no IDX file .*begins with 00 01 08 01"),
        (b"\0\0\x0d\x01\0\0\0\x01" + bytes(4), "no IDX file"),  # float32
        (b"\0\0\x08\x00", "no IDX file"),
        (b"\0\0\x08\xff" + bytes(1020), "no IDX file"),
        (b"\0\0\x08\x03\0\0\0\x01\0\0", "ends within its header"),
        (b"\0\0\x08\x01\0\0\0\x05abcd", r"announces 5 bytes \(5,\), the file holds 4"),
        (b"\0\0\x08\x01\0\0\0\x05abcdef", r"announces 5 bytes \(5,\), the file holds more"),
        (b"\0\0\x08\x01\0\0\0\x00", r"announces an array of shape \(0,\)"),
        (b"\0\0\x08\x04" + b"\xff" * 16 + b"abc", "announces an array of shape"),
    ],
)
def test_idx_refuses(tmp_path, content, message, compress):
    (tmp_path / "x.idx").write_bytes(gzip.compress(content) if compress else content)
    with pytest.raises(ValueError, match=rf"x\.idx: .*{message}"):
        read_idx(tmp_path / "x.idx")


def test_idx_refuses_a_broken_gzip_file(tmp_path, rng):
    write_idx(tmp_path / "x.gz", rng.integers(0, 256, (50, 4), dtype=np.uint8))
    content = (tmp_path / "x.gz").read_bytes()
    for broken in (content[:-40], content[:9] + b"\xff\xff" + content[11:], content[:-8] + bytes(8)):
        (tmp_path / "x.gz").write_bytes(broken)
        with pytest.raises(ValueError, match=r"x\.gz: a broken gzip file"):
            read_idx(tmp_path / "x.gz")


@pytest.fixture
def originals(tmp_path, rng):
    """Four tiny files like Fashion-MNIST's; one test image is a copy of a training image."""
    folder = tmp_path / "originals"
    folder.mkdir()
    files = {}
    for part, per_class in (("train", 6), ("t10k", 4)):
        files[part] = rng.integers(0, 256, (10 * per_class, 4, 3), dtype=np.uint8), np.arange(10 * per_class) % 10
    files["t10k"][0][0] = files["train"][0][0]
    for part, (images, labels) in files.items():
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels.astype(np.uint8))
    return folder, files


def test_script_takes_real_images_of_each_file(tmp_path, originals):
    folder, files = originals
    make_embedded.make_fashion_mini(folder, tmp_path / "a.npz", train_per_class=5, test_per_class=3)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as made:
        for part, key, per_class in (("train", "train", 5), ("t10k", "test", 3)):
            known = {image.tobytes(): label for image, label in zip(*files[part], strict=True)}
            x, y = made[f"x_{key}"], made[f"y_{key}"]
            assert x.dtype == y.dtype == np.uint8
            assert np.bincount(y).tolist() == [per_class] * 10
            assert [known[image.tobytes()] for image in x] == y.tolist()
        train = {image.tobytes() for image in files["train"][0]}
        assert not any(image.tobytes() in train for image in made["x_test"])
        assert tuple(made["classes"]) == make_embedded.FASHION_CLASSES


def test_script_is_deterministic(tmp_path, originals):
    for name in ("a.npz", "b.npz"):
        make_embedded.make_fashion_mini(originals[0], tmp_path / name, train_per_class=5, test_per_class=3)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as file:  # no clock in the file
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_script_refuses_too_few_images_and_mismatched_files(tmp_path, originals):
    folder, _ = originals
    with pytest.raises(ValueError, match="Class 0 has 3 images, 4 are needed"):  # the fourth is in the training file
        make_embedded.make_fashion_mini(folder, tmp_path / "a.npz", train_per_class=5, test_per_class=4)
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.full(40, 10, np.uint8))
    with pytest.raises(ValueError, match=r"t10k-labels.*has the label 10"):
        make_embedded.make_fashion_mini(folder, tmp_path / "a.npz", train_per_class=1, test_per_class=1)
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.zeros(39, np.uint8))
    with pytest.raises(ValueError, match=r"t10k-images.*needs images .*\(40, 4, 3\), \(39,\)"):
        make_embedded.make_fashion_mini(folder, tmp_path / "a.npz", train_per_class=1, test_per_class=1)
    assert not (tmp_path / "a.npz").exists()


def same_arrays(a, b):
    with np.load(a, allow_pickle=False) as first, np.load(b, allow_pickle=False) as second:
        return first.files == second.files and all(np.array_equal(first[key], second[key]) for key in first.files)


@pytest.mark.parametrize("suffix", [".tes", ".csv.gz"])
def test_script_makes_the_shipped_digits(tmp_path, rng, suffix):
    with np.load(DATA_FOLDER / "digits.npz") as shipped:
        x = np.concatenate([shipped["x_train"], shipped["x_test"]]).reshape(-1, 64)
        y = np.concatenate([shipped["y_train"], shipped["y_test"]])
    lines = [",".join(map(str, row)) for row in np.column_stack([x, y]).tolist()]
    text = "\n".join(rng.permutation(lines))
    source = tmp_path / f"digits{suffix}"
    source.write_bytes(gzip.compress(text.encode()) if suffix.endswith("gz") else text.encode())
    make_embedded.make_digits(source, tmp_path / "digits.npz")
    assert same_arrays(tmp_path / "digits.npz", DATA_FOLDER / "digits.npz")


@pytest.mark.parametrize(
    "row, message", [([17] * 64 + [0], "pixels from 0 to 16"), ([0] * 64 + [10], "label"), ([0] * 64, "64 pixels")]
)
def test_script_refuses_other_digits(tmp_path, row, message):
    (tmp_path / "digits.csv").write_text(",".join(map(str, row)))
    with pytest.raises(ValueError, match=message):
        make_embedded.make_digits(tmp_path / "digits.csv", tmp_path / "digits.npz")


@pytest.mark.skipif(not make_embedded.DEBIAN_FOLDER.is_dir(), reason="needs the package dataset-fashion-mnist")
def test_script_makes_the_shipped_fashion_mini(tmp_path, capsys):
    make_embedded.main(["--out", str(tmp_path)])
    assert same_arrays(tmp_path / "fashion-mini.npz", DATA_FOLDER / "fashion-mini.npz")
    assert "3000 + 2000 images, SHA-256" in capsys.readouterr().out
