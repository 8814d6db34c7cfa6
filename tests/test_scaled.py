"""ScaledImages: the numbers of equation (1), read when they are asked for."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import SGD, Dense, Flatten, Sequential, SoftmaxCrossEntropy, datasets, fit
from minicnn.datasets import ScaledImages


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (30, 4, 5, 3), dtype=np.uint8)


def scaled(pixels):
    return pixels.astype(np.float32) / np.float32(255)


class OnlySlices:
    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, part):
        assert isinstance(part, slice)
        return self.x[part]


@pytest.mark.parametrize("part", [slice(3, 9), slice(None), slice(None, None, -2), [4, 1, 1], np.arange(30) % 3 == 0])
def test_parts_are_those_of_the_scaled_array(pixels, part):
    part_read = ScaledImages(pixels)[part]
    assert part_read.dtype == np.float32
    assert_array_equal(part_read, scaled(pixels)[part])


@pytest.mark.parametrize("index", [0, 7, -1, np.int64(29)])
def test_one_image(pixels, index):
    assert_array_equal(ScaledImages(pixels)[index], scaled(pixels)[index])
    assert_array_equal(ScaledImages(OnlySlices(pixels))[index], scaled(pixels)[index])


def test_it_looks_like_the_array(pixels):
    x = ScaledImages(pixels)
    assert (len(x), x.shape, x.ndim, x.dtype) == (30, (30, 4, 5, 3), 4, np.float32)
    assert repr(x) == "ScaledImages(ndarray, shape=(30, 4, 5, 3))"
    assert_array_equal(np.asarray(x), scaled(pixels))
    assert x.__array__(np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="always a copy"):
        np.array(x, copy=False)


def test_grey_images_and_another_white(pixels):
    grey = ScaledImages(pixels[..., 0] // 16, white=15)
    assert grey.shape == (30, 4, 5, 1)
    assert_array_equal(grey[2:4], (pixels[2:4, ..., :1] // 16).astype(np.float32) / np.float32(15))


def test_floats_stay_as_they_are(pixels):
    assert_array_equal(ScaledImages(pixels / 255)[:5], (pixels[:5] / 255).astype(np.float32))


@pytest.mark.parametrize(
    ("stored", "error", "message"),
    [
        (np.zeros((3, 4), np.uint8), ValueError, "shape"),
        (np.zeros((3, 4, 4), np.int32), TypeError, "int32"),
        (np.zeros((3, 3, 8, 8), np.uint8), ValueError, "channels first"),
        (np.full((3, 4, 4), 255.0), ValueError, "scale floats"),
        (5, TypeError, r"ScaledImages takes examples as an array, .* got 5, which has no length"),
        ({}, TypeError, "dict fails"),
    ],
)
def test_what_is_no_image_is_refused_at_once(stored, error, message):
    with pytest.raises(error, match=message):
        ScaledImages(stored)


@pytest.mark.parametrize(("white", "error"), [(0, ValueError), (1.5, TypeError)])
def test_white_is_a_count(pixels, white, error):
    with pytest.raises(error, match="white"):
        ScaledImages(pixels, white)


def test_a_pixel_out_of_range_is_refused_when_it_is_read(pixels):
    stored = pixels / 255
    stored[20, 0, 0, 0] = np.nan
    images = ScaledImages(stored)
    images[:20]
    with pytest.raises(ValueError, match="nan"):
        images[16:24]


def test_no_more_than_images_can_be_chosen(pixels):
    with pytest.raises(TypeError, match="slice or indices"):
        ScaledImages(pixels)[:, ::-1]
    with pytest.raises(IndexError):
        ScaledImages(pixels)[30]


def test_stored_bytes_train_bit_for_bit_as_the_scaled_array(pixels, tmp_path):
    np.save(tmp_path / "x.npy", pixels)
    in_file = np.load(tmp_path / "x.npy", mmap_mode="r")
    labels = np.arange(30) % 3

    def weights(x):
        model = Sequential([Flatten(), Dense(3)], input_shape=(4, 5, 3))
        fit(model, (x, labels), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1), epochs=2, batch_size=7)
        return model.params["dense_1.w"]

    assert_array_equal(weights(datasets.ScaledImages(in_file)), weights(scaled(pixels)))
    assert np.isfinite(weights(ScaledImages(OnlySlices(pixels)))).all()
