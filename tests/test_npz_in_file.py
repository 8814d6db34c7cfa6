"""from_npz and from_npy with images that stay in the file: the same data set, read a part at a time."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import SGD, Dense, Flatten, Sequential, SoftmaxCrossEntropy, datasets, fit
from minicnn.datasets import ScaledImages, npz


@pytest.fixture
def arrays():
    rng = np.random.default_rng(7)
    return {
        "x_train": rng.integers(0, 256, (30, 5, 4, 3), dtype=np.uint8),
        "y_train": np.arange(30) % 3,
        "x_test": rng.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8),
        "y_test": np.arange(6) % 3,
        "classes": np.array(["ant", "bee", "cow"]),
    }


def as_npz(tmp_path, arrays, write=np.savez):
    write(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


def as_npy(tmp_path, arrays):
    folder = tmp_path / "mine"
    folder.mkdir()
    for key, array in arrays.items():
        np.save(folder / f"{key}.npy", array)
    return folder


READERS = {"npz": (as_npz, datasets.from_npz), "npy": (as_npy, datasets.from_npy)}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, ">f4", np.float64])
def test_in_the_file_and_in_memory_are_the_same_data(tmp_path, arrays, kind, dtype):
    write, read = READERS[kind]
    if dtype != np.uint8:
        arrays |= {key: (arrays[key] / 255).astype(dtype) for key in ("x_train", "x_test")}
    arrays["x_test"] = np.asfortranarray(arrays["x_test"])
    path = write(tmp_path, arrays)
    there, here = read(path, in_memory=False), read(path, in_memory=True)
    assert repr(there) == repr(here) == "Dataset('mine', train=30, test=6, image_shape=(5, 4, 3), classes=3)"
    assert there.classes == here.classes == ("ant", "bee", "cow")
    for one, other in ((there.train, here.train), (there.test, here.test)):
        assert isinstance(one.images, ScaledImages) and type(other.images) is np.ndarray
        assert isinstance(one.images.base, np.memmap)
        assert_array_equal(np.asarray(one.images), other.images)
        assert_array_equal(one.labels, other.labels)


def test_grey_images_in_a_file(tmp_path, arrays):
    arrays |= {"x_train": arrays["x_train"][..., 0], "x_test": arrays["x_test"][..., 0]}
    assert datasets.from_npz(as_npz(tmp_path, arrays), in_memory=False).image_shape == (5, 4, 1)


@pytest.mark.parametrize("kind", READERS)
def test_large_images_stay_in_the_file(tmp_path, arrays, kind, monkeypatch):
    write, read = READERS[kind]
    path = write(tmp_path, arrays)
    assert isinstance(read(path).train.images, np.ndarray)
    monkeypatch.setattr(npz, "LARGE", arrays["x_train"].size * 4 - 1)
    data = read(path)
    assert isinstance(data.train.images, ScaledImages) and isinstance(data.test.images, np.ndarray)


def test_compressed_images_are_read_if_they_fit(tmp_path, arrays, monkeypatch):
    path = as_npz(tmp_path, arrays, np.savez_compressed)
    monkeypatch.setattr(npz, "LARGE", 100)
    assert isinstance(datasets.from_npz(path).train.images, np.ndarray)
    with pytest.raises(ValueError, match=r"mine\.npz: .*x_train is compressed .*write it with np\.savez"):
        datasets.from_npz(path, in_memory=False)
    size = arrays["x_train"].size
    monkeypatch.setattr(npz, "_free_memory", lambda: 5 * size)  # bytes and float32
    datasets.from_npz(path)
    monkeypatch.setattr(npz, "_free_memory", lambda: 5 * size - 1)
    with pytest.raises(ValueError, match=r"x_train, 1,800 bytes, is too large for the memory; with np\.savez"):
        datasets.from_npz(path)


def test_training_is_bit_for_bit_the_same(tmp_path, arrays):
    path = as_npz(tmp_path, arrays)

    def trained(in_memory):
        data = datasets.from_npz(path, in_memory=in_memory)
        model = Sequential([Flatten(), Dense(3)], input_shape=data.image_shape)
        options = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.1), "epochs": 2, "batch_size": 7}
        history = fit(model, data.train, validation=data.test, **options)
        return model.params["dense_1.w"], history.val_loss

    for one, other in zip(trained(True), trained(False), strict=True):
        assert_array_equal(one, other)


def test_a_subset_is_in_memory_and_the_whole_stays_in_the_file(tmp_path, arrays):
    path = as_npz(tmp_path, arrays)
    there, here = (datasets.from_npz(path, in_memory=m).subset(train=9) for m in (False, True))
    assert type(there.train.images) is np.ndarray and isinstance(there.test.images, ScaledImages)
    assert_array_equal(there.train.images, here.train.images)


def test_a_pixel_out_of_range_names_file_and_array(tmp_path, arrays):
    arrays["x_train"] = arrays["x_train"] / 255
    arrays["x_train"][20, 0, 0, 0] = 7
    data = datasets.from_npz(as_npz(tmp_path, arrays), in_memory=False)
    with pytest.raises(ValueError, match=r"mine: x_train: pixels run from .* to 7;"):
        data.train.images[20]


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x_train": np.zeros((30, 5, 4, 3), np.int64)}, TypeError, "x_train: .*got int64"),
        ({"x_train": np.zeros((30, 20), np.uint8)}, ValueError, r"x_train: .*\(N, H, W, C\), got \(1, 20\)"),
        ({"x_train": np.zeros((30, 3, 8, 8), np.uint8)}, ValueError, r"x_train.transpose\(0, 2, 3, 1\)"),
        ({"y_train": np.arange(29) % 3}, ValueError, "train: needs one label an image, got 30 images"),
        ({"x_train": np.full(30, {}, object)}, ValueError, "Python objects"),
    ],
)
def test_what_is_wrong_is_named_before_training(tmp_path, arrays, kind, change, error, message):
    write, read = READERS[kind]
    with pytest.raises(error, match=message):
        read(write(tmp_path, arrays | change), in_memory=False)


def test_from_npy_names_missing_and_broken_files(tmp_path, arrays):
    folder = as_npy(tmp_path, arrays)
    (folder / "classes.npy").unlink()
    assert datasets.from_npy(folder).classes == ("0", "1", "2")
    whole = (folder / "x_train.npy").read_bytes()
    for broken in (whole[:-1], whole[:50], b"", b"something else"):
        (folder / "x_train.npy").write_bytes(broken)
        with pytest.raises(ValueError, match=r"x_train\.npy: cannot be read"):
            datasets.from_npy(folder)
    (folder / "x_train.npy").unlink()
    (folder / "y_test.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"mine: no x_train\.npy, y_test\.npy\. from_npy takes a folder"):
        datasets.from_npy(folder)
    with pytest.raises(FileNotFoundError, match="there is from_npy"):
        datasets.from_npz(folder)


@pytest.mark.parametrize("kind", READERS)
def test_in_memory_takes_a_truth_value(tmp_path, arrays, kind):
    write, read = READERS[kind]
    with pytest.raises(TypeError, match="in_memory takes True, False or None, got 'no'"):
        read(write(tmp_path, arrays), in_memory="no")
