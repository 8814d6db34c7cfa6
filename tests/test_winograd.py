"""Winograd's convolution against the sums it stands for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minicnn.functional import conv2d_backward, conv2d_forward
from minicnn.kernels import winograd as kernels
from minicnn.layers import columns, winograd
from minicnn.layers.windows import Windows

a, b = winograd.SMALL, winograd.LARGE
B_T = np.array(
    [
        [1, 0, -5 / 2, 0, 1, 0],
        [0, -b, -2, a, 1, 0],
        [0, b, -2, -a, 1, 0],
        [0, -a, -1 / 2, b, 1, 0],
        [0, a, -1 / 2, -b, 1, 0],
        [0, 1, 0, -5 / 2, 0, 1],
    ]
)
A_T = np.array(
    [[1, 1, 1, 1, 1, 0], [0, a, -a, b, -b, 0], [0, 1 / 2, 1 / 2, 2, 2, 0], [0, a / 2, -a / 2, 2 * b, -2 * b, 1]]
)


def both_ways(x, w, b, dy, monkeypatch, padding="same"):
    """(y, dx, dw, db) by Winograd's method and by im2col."""
    results = []
    for by_winograd in (True, False):
        monkeypatch.setattr(winograd, "applies", lambda *shape, by_winograd=by_winograd: by_winograd)
        y, cache = conv2d_forward(x, w, b, padding=padding)
        results.append((y, *conv2d_backward(dy, cache)))
    return results


def test_the_matrices_give_a_convolution_along_one_axis():
    """Four outputs of three products each, from six products: the identity at the top of the file."""
    rng = np.random.default_rng(0)
    d, g = rng.standard_normal(6), rng.standard_normal(3)
    assert_allclose(A_T @ ((winograd.G @ g) * (B_T @ d)), [d[i : i + 3] @ g for i in range(4)], rtol=1e-12)


@pytest.mark.parametrize(
    ("sums", "matrix"),
    [
        (kernels.image_sums, B_T),
        (kernels.image_sums_backward, B_T.T),
        (kernels.product_sums, A_T),
        (kernels.product_sums_backward, A_T.T),
    ],
)
def test_the_sums_are_the_matrices(sums, matrix):
    columns_of_matrix = [sums(*unit, a, b) for unit in np.eye(matrix.shape[1])]
    assert_allclose(np.transpose(columns_of_matrix), matrix, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("padding", ["same", "valid", ((2, 0), (1, 3))])
@pytest.mark.parametrize("image", [(8, 8), (7, 10), (10, 14)])
@pytest.mark.parametrize("tile_bytes", [1 << 13, 1 << 20])
def test_double_precision_gives_the_sums_of_im2col(tile_bytes, image, padding, monkeypatch):
    """Whole and cut-off blocks, tiles of one row of blocks and of several images."""
    monkeypatch.setattr(columns, "TILE_BYTES", tile_bytes)
    rng = np.random.default_rng(3)
    x, w, bias = rng.standard_normal((3, *image, 9)), rng.standard_normal((3, 3, 9, 8)), rng.standard_normal(8)
    y, _ = conv2d_forward(x, w, bias, padding=padding)
    dy = rng.standard_normal(y.shape)
    mine, direct = both_ways(x, w, bias, dy, monkeypatch, padding)
    for name, one, other in zip(("y", "dx", "dw", "db"), mine, direct, strict=True):
        assert_allclose(one, other, rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize(("image", "channels", "filters"), [((16, 16), 64, 128), ((7, 10), 8, 9), ((1, 2), 16, 8)])
def test_single_precision_loses_less_than_four_bits_to_im2col(image, channels, filters, monkeypatch):
    """Both are held against the same sums in double precision; a single rounding is granted to both."""
    rng = np.random.default_rng(1)
    shapes = (4, *image, channels), (3, 3, channels, filters), (filters,), (4, *image, filters)
    exact_arguments = [rng.standard_normal(shape).astype(np.float32).astype(np.float64) for shape in shapes]
    exact = both_ways(*exact_arguments, monkeypatch)[1]
    single = both_ways(*(a.astype(np.float32) for a in exact_arguments), monkeypatch)
    for name, mine, direct, true in zip(("y", "dx", "dw", "db"), *single, exact, strict=True):
        assert mine.dtype == np.float32
        rounding = np.finfo(np.float32).eps * np.abs(true).max()
        error, error_of_im2col = (max(np.abs(result - true).max(), rounding) for result in (mine, direct))
        assert error < 16 * error_of_im2col, name


@pytest.mark.parametrize("b", [np.zeros(8), np.r_[1.0, np.zeros(7)], None])
def test_where_all_pixels_are_zero_the_output_is_the_bias_exactly(b, monkeypatch):
    """As in a direct sum, so that ReLU's gradient is the same: a black background, before the first step."""
    rng = np.random.default_rng(2)
    x = np.zeros((3, 12, 13, 9))
    x[:, 4:6, 5:8] = rng.standard_normal((3, 2, 3, 9))
    x[0, 4, 5] = 0
    w = rng.standard_normal((3, 3, 9, 8))
    mine, direct = both_ways(x, w, b, np.ones((3, 12, 13, 8)), monkeypatch)
    background = np.broadcast_to(0 if b is None else b, mine[0].shape)
    black = direct[0] == background
    assert 0.5 < black.mean() < 0.9
    np.testing.assert_array_equal(mine[0][black], background[black])


@pytest.mark.parametrize(
    ("applies", "changed"),
    [
        (True, {}),
        (False, {"kernel": (3, 5)}),
        (False, {"stride": (1, 2)}),
        (False, {"dilation": 2}),
        (False, {"channels": winograd.FEWEST_CHANNELS - 1}),
        (False, {"filters": winograd.FEWEST_CHANNELS - 1}),
        (False, {"groups": 2}),
        (False, {"image": (5, 5)}),
    ],
)
def test_only_plain_3x3_kernels_on_several_channels(applies, changed):
    options = {
        "image": (12, 12),
        "kernel": 3,
        "stride": 1,
        "dilation": 1,
        "channels": 16,
        "filters": 16,
        "groups": 1,
    } | changed
    windows = Windows.on(options["image"], options["kernel"], options["stride"], "same", options["dilation"])
    assert winograd.applies(windows, options["channels"], options["filters"], options["groups"]) is applies
