"""Exercise 8: wrong answers and their verdicts, right answers written differently."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

NAME = "08_max_pooling"

BY_MASK = """
def max_pool2d_forward(x, pool_size, stride):
    OH, OW = output_size(x.shape[1], pool_size, stride, 0), output_size(x.shape[2], pool_size, stride, 0)
    y = np.zeros((len(x), OH, OW, x.shape[3]), x.dtype)
    for i in range(OH):
        for j in range(OW):
            window = x[:, i * stride : i * stride + pool_size, j * stride : j * stride + pool_size]
            y[:, i, j] = window.max(axis=(1, 2))
    return y, (x, y, pool_size, stride)


def max_pool2d_backward(dy, cache):
    x, y, pool_size, stride = cache
    dx = np.zeros_like(x)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            place = np.s_[:, i * stride : i * stride + pool_size, j * stride : j * stride + pool_size]
            mask = x[place] == y[:, i : i + 1, j : j + 1]
            shares = mask / mask.sum(axis=(1, 2), keepdims=True).astype(x.dtype)
            dx[place] += shares.astype(x.dtype) * dy[:, i : i + 1, j : j + 1]
    return dx
"""
IN_LOOPS = """
def max_pool2d_forward(x, pool_size, stride):
    N, H, W, C = x.shape
    y = np.zeros((N, output_size(H, pool_size, stride, 0), output_size(W, pool_size, stride, 0), C), x.dtype)
    winners = {}
    for n, i, j, c in np.ndindex(y.shape):
        best = -np.inf
        for r in range(i * stride, i * stride + pool_size):
            for t in range(j * stride, j * stride + pool_size):
                if x[n, r, t, c] > best:
                    best = y[n, i, j, c] = x[n, r, t, c]
                    winners[n, i, j, c] = n, r, t, c
    return y, (winners, x.shape)


def max_pool2d_backward(dy, cache):
    winners, shape = cache
    dx = np.zeros(shape, dy.dtype, order="F")
    for here, there in winners.items():
        dx[there] += dy[here]
    return dx
"""
BY_VIEW = """
def max_pool2d_forward(x, pool_size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (pool_size, pool_size), axis=(1, 2))[:, ::stride, ::stride]
    windows = windows.reshape(*windows.shape[:4], -1)
    return windows.max(axis=-1), (windows.argmax(axis=-1), x.shape, pool_size, stride)


def max_pool2d_backward(dy, cache):
    winner, shape, pool_size, stride = cache
    n, i, j, c = np.indices(dy.shape)
    dx = np.zeros(shape, dy.dtype)[:, ::-1]
    np.add.at(dx, (n, i * stride + winner // pool_size, j * stride + winner % pool_size, c), dy)
    return dx
"""

WINDOW, PLACE = "window.max(axis=1)", "dx[n, i * stride + row, j * stride + column, c] += dy[:, i, j]"
SPREAD = (
    "dx[:, i * stride : i * stride + pool_size, j * stride : j * stride + pool_size] += dy[:, i : i + 1, j : j + 1]"
)
SIZES = "output_size(H, pool_size, stride, 0), output_size(W, pool_size, stride, 0)"
WRONG = [
    ("average", "", (WINDOW, "window.mean(axis=1)")),
    ("minimum", "", (WINDOW, "window.min(axis=1)")),
    ("zero-wins", "start from 0", (WINDOW, "np.maximum(window, 0).max(axis=1)")),
    ("channels-mixed", "", (WINDOW, "window.max(axis=(1, 2))[:, None]")),
    ("stride-ignored", "not at (i, j)", ("top, left = i * stride, j * stride", "top, left = i, j")),
    ("stride-ignored", "side by side", ("    N, H, W, C =", "    stride = pool_size\n    N, H, W, C =")),
    ("stride-ignored", "one cell apart", ("    N, H, W, C =", "    stride = 1\n    N, H, W, C =")),
    ("window-over-the-edge", "", (SIZES, "H // stride, W // stride")),
    ("wrong-shape", "y has shape", ("return y,", "return y[..., None],")),
    ("wrong-dtype", "float64", ("np.empty((N, OH, OW, C), x.dtype)", "np.empty((N, OH, OW, C))")),
    ("argument-modified", "changed its argument x", (WINDOW, WINDOW + "\n            x[:, top, left] = 0")),
    ("overwritten", "+=", (PLACE, PLACE.replace("+=", "="))),
    ("overwritten", "np.add.at", BY_VIEW.replace("np.add.at(dx, (", "dx[").replace("c), dy)", "c] += dy")),
    ("spread-over-window", "", (PLACE, SPREAD)),
    ("spread-over-window", "", (PLACE, SPREAD + " / pool_size**2")),
    ("stride-ignored", "i * stride", (PLACE, PLACE.replace("i * stride", "i").replace("j * stride", "j"))),
    ("transposed", "mixed up", ("row, column = np.divmod", "column, row = np.divmod")),
    ("order-scrambled", "first entry", ("winner[:, i, j] = window.argmax(axis=1)", "winner[:, i, j] = 0")),
    ("order-scrambled", "smallest", ("window.argmax", "window.argmin")),
    ("wrong-shape", "reshape", ("return dx", "return dx.squeeze()")),
    ("factor-batch", "", (PLACE, PLACE + " / N")),
    ("sign-flipped", "", (PLACE, PLACE.replace("+=", "-="))),
    ("upstream-ignored", "", (PLACE, PLACE.replace("dy[:, i, j]", "1"))),
    ("low-precision", "keep the dtype of dy", ("np.zeros(x_shape, dy.dtype)", "np.zeros(x_shape, np.float32)")),
    ("wrong-dtype", "dx as float64", ("np.zeros(x_shape, dy.dtype)", "np.zeros(x_shape)")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "change"), WRONG)
def test_a_wrong_answer_is_named(code, words, change, tmp_path):
    assert_wrong(verdict_on(NAME, change, tmp_path=tmp_path), code, words)


@pytest.mark.parametrize(
    ("share", "code", "words"),
    [
        ("mask", "tie-double-counted", "dy is 1, and the four gradients sum to 4"),
        ("(mask & (mask.sum(axis=(1, 2), keepdims=True) == 1))", "tie-lost", "sum to 0"),
    ],
)
def test_equal_maxima_that_do_not_give_dy_once(share, code, words, tmp_path):
    answer = BY_MASK.replace("shares.astype(x.dtype) *", f"{share} *")
    assert_wrong(verdict_on(NAME, answer, tmp_path=tmp_path), code, words)


def test_winners_kept_outside_the_cache(tmp_path):
    forward = ("return y, (winner,", "max_pool2d_forward.winner = winner\n    return y, (None,")
    backward = ("    N, OH", "    winner = max_pool2d_forward.winner\n    N, OH")
    assert_wrong(verdict_on(NAME, forward, backward, tmp_path=tmp_path), "kept-outside-the-cache")


@pytest.mark.parametrize("answer", [BY_MASK, IN_LOOPS, BY_VIEW], ids=["shares", "loops, Fortran order", "view"])
def test_a_right_answer_passes_however_it_is_written(answer, tmp_path):
    assert_passed(verdict_on(NAME, answer, tmp_path=tmp_path))


def test_windows_as_large_as_the_stride(tmp_path):
    answer = """
def max_pool2d_forward(x, pool_size, stride):
    OH, OW = output_size(x.shape[1], pool_size, stride, 0), output_size(x.shape[2], pool_size, stride, 0)
    y = np.zeros((len(x), OH, OW, x.shape[3]), x.dtype)
    for i, j in np.ndindex(OH, OW):
        y[:, i, j] = x[:, i * stride : i * stride + stride, j * stride : j * stride + stride].max(axis=(1, 2))
    return y, None
"""
    assert_wrong(verdict_on(NAME, answer, tmp_path=tmp_path), "window-as-large-as-the-stride", "pool_size x pool_size")
