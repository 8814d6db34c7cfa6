"""Winograd's convolution against the sums it stands for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minicnn.functional import conv2d_backward, conv2d_forward
from minicnn.layers import winograd
from minicnn.layers.windows import Windows

B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
A_T = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])


def both_ways(x, w, b, dy, monkeypatch):
    """(y, dx, dw, db) by Winograd's method and by im2col."""
    results = []
    for by_winograd in (True, False):
        monkeypatch.setattr(winograd, "applies", lambda *shape, by_winograd=by_winograd: by_winograd)
        y, cache = conv2d_forward(x, w, b, padding="same")
        results.append((y, *conv2d_backward(dy, cache)))
    return results


def test_the_matrices_give_a_convolution_along_one_axis():
    """Two outputs of three products each, from four products: the identity at the top of the file."""
    rng = np.random.default_rng(0)
    d, g = rng.standard_normal(4), rng.standard_normal(3)
    assert_allclose(A_T @ ((winograd.G @ g) * (B_T @ d)), [d[:3] @ g, d[1:] @ g], rtol=1e-12)


@pytest.mark.parametrize(("image", "channels", "filters"), [((16, 16), 64, 128), ((7, 10), 8, 9), ((1, 2), 16, 8)])
def test_single_precision_rounds_as_im2col_does(image, channels, filters, monkeypatch):
    """Both lie within a few roundings of the same sums in double precision."""
    rng = np.random.default_rng(1)
    shapes = (4, *image, channels), (3, 3, channels, filters), (filters,), (4, *image, filters)
    exact_arguments = [rng.standard_normal(shape).astype(np.float32).astype(np.float64) for shape in shapes]
    exact = both_ways(*exact_arguments, monkeypatch)[1]
    single = both_ways(*(a.astype(np.float32) for a in exact_arguments), monkeypatch)[0]
    for name, mine, true in zip(("y", "dx", "dw", "db"), single, exact, strict=True):
        assert mine.dtype == np.float32
        assert np.abs(mine - true).max() < 2e-6 * np.abs(true).max(), name


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
    ],
)
def test_only_plain_3x3_kernels_on_several_channels(applies, changed):
    options = {"kernel": 3, "stride": 1, "dilation": 1, "channels": 16, "filters": 16, "groups": 1} | changed
    windows = Windows.on((9, 9), options["kernel"], options["stride"], "same", options["dilation"])
    assert winograd.applies(windows, options["channels"], options["filters"], options["groups"]) is applies
