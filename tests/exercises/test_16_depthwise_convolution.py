"""Exercise 16: wrong answers and their verdicts, right answers written differently."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

NAME = "16_depthwise_convolution"

IN_LOOPS = """
def depthwise_conv2d_forward(x, w, b, stride=1, padding=0):
    N, H, W, C = x.shape
    KH, KW, _ = w.shape
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    y = np.zeros((N, output_size(H, KH, stride, padding), output_size(W, KW, stride, padding), C), x.dtype)
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            window = padded[:, i * stride : i * stride + KH, j * stride : j * stride + KW]
            y[:, i, j] = (window * w).sum(axis=(1, 2)) + b
    return y, (padded, w, stride, padding)


def depthwise_conv2d_backward(dy, cache):
    padded, w, stride, padding = cache
    KH, KW, C = w.shape
    dpadded, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros(C, w.dtype)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            window = np.s_[:, i * stride : i * stride + KH, j * stride : j * stride + KW]
            here = dy[:, i, j, None, None]
            dpadded[window] += here * w
            dw += (here * padded[window]).sum(axis=0)
            db += dy[:, i, j].sum(axis=0)
    return dpadded[:, padding : padded.shape[1] - padding, padding : padded.shape[2] - padding], dw, db
"""
BY_EINSUM = """
def depthwise_conv2d_backward(dy, cache):
    patches, w, x_shape, stride, padding = cache
    (KH, KW, C), patches, rows = w.shape, patches.reshape(-1, *w.shape), dy.reshape(-1, w.shape[2])
    dcolumns = np.einsum("pc,klc->pklc", rows, w).reshape(len(rows), -1)
    dw = np.einsum("pklc,pc->klc", patches, rows)
    return np.asfortranarray(col2im(dcolumns, x_shape, (KH, KW), stride, padding)), dw, np.einsum("pc->c", rows)
"""
BY_CHANNELS = """
def depthwise_conv2d_backward(dy, cache):
    patches, w, x_shape, stride, padding = cache
    N, H, W, C = x_shape
    dx, dw = np.zeros((C, N, H, W), dy.dtype), np.zeros(w.shape[::-1], dy.dtype).T
    for c in range(C):
        rows = dy[:, :, ::-1, c][:, :, ::-1].reshape(-1, 1)
        dx[c] = col2im(rows * w[..., c].reshape(1, -1), (N, H, W, 1), w.shape[:2], stride, padding)[..., 0]
        dw[..., c] = (rows.T @ patches[:, :, c]).reshape(w.shape[:2])
    return dx.transpose(1, 2, 3, 0), dw, dy.sum(axis=(0, 1, 2))
"""

PATCHES = ".reshape(-1, KH * KW, C)"
SUM = "(patches * w.reshape(KH * KW, C)).sum(axis=1)"
AT_STRIDE_1 = "window = np.s_[:, i : i + KH, j : j + KW]"
WRONG = [
    ("bias-missing", "", (" + b", " + 0 * b")),
    ("channels-mixed", "no sum over c", (".sum(axis=1) + b", ".sum(axis=(1, 2))[:, None] + b")),
    ("channels-mixed", "no sum over c", (SUM, 'np.einsum("pqc,qd->pd", patches, w.reshape(-1, C))')),
    ("channels-mixed", "its own", ("w.reshape(KH * KW, C)).sum", "w[..., 0].reshape(-1, 1)).sum")),
    ("order-scrambled", "fastest", (PATCHES, ".reshape(-1, C, KH * KW).swapaxes(1, 2)")),
    ("flipped-kernel", "180 degrees", IN_LOOPS.replace("window * w)", "window * w[::-1, ::-1])")),
    ("stride-ignored", "im2col", ("    N, H, W, C = x", "    stride = 1\n    N, H, W, C = x")),
    ("padding-ignored", "zeros", ("    N, H, W, C = x", "    padding = 0\n    N, H, W, C = x")),
    ("factor-batch", "dw", ("dw = (drows", "dw = (drows / len(dy)")),
    ("factor-constant", "db", ("db = dy.sum", "db = dy.mean")),
    ("wrong-shape", "db", ("db = dy.sum(axis=(0, 1, 2))", "db = dy.sum(axis=0)")),
    ("flipped-kernel", "dx", ("dpatches = drows * w", "dpatches = drows * w[::-1, ::-1]")),
    ("flipped-kernel", "dw", (".reshape(w.shape)\n", ".reshape(w.shape)[::-1, ::-1]\n")),
    ("overwritten", "dx", IN_LOOPS.replace("dpadded[window] +=", "dpadded[window] =")),
    ("stride-ignored", "dx", IN_LOOPS.replace("            here =", f"            {AT_STRIDE_1}\n            here =")),
    ("shifted", "dx", IN_LOOPS.replace("[:, padding : padded.shape[1] - padding, ", "[:, 2 * padding :, ")),
    ("term-missing", "dx", ("drows * w.reshape(KH * KW, C)", "drows * w[..., 0].reshape(-1, 1)")),
    ("order-scrambled", "dx", ("dpatches.reshape(", "dpatches.swapaxes(1, 2).reshape(")),
    ("wrong-shape", "reshape", ("return dx,", "return dx.squeeze(),")),
    ("low-precision", "dx", ("return dx, dw", "return dx.astype(np.float32), dw")),
    ("wrong-dtype", "dw", IN_LOOPS.replace("np.zeros_like(w)", "np.zeros(w.shape)")),
    ("backward-not-repeatable", "", ("    drows = dy", "    patches += 1\n    drows = dy")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "change"), WRONG)
def test_a_wrong_answer_is_named(code, words, change, tmp_path):
    assert_wrong(verdict_on(NAME, change, tmp_path=tmp_path), code, words)


@pytest.mark.parametrize("answer", [IN_LOOPS, BY_EINSUM, BY_CHANNELS], ids=["loops", "einsum", "channel by channel"])
def test_a_right_answer_passes_however_it_is_written(answer, tmp_path):
    assert_passed(verdict_on(NAME, answer, tmp_path=tmp_path))


def test_patches_kept_outside_the_cache(tmp_path):
    forward = ("    return rows", "    depthwise_conv2d_forward.kept = patches\n    return rows")
    backward = ("    drows = dy", "    patches = depthwise_conv2d_forward.kept\n    drows = dy")
    assert_wrong(verdict_on(NAME, forward, backward, tmp_path=tmp_path), "kept-outside-the-cache")
