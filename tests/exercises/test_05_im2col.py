"""Exercise 5: wrong answers by name, right ones however written."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

SIZE = "(size + 2 * padding - kernel) // stride + 1"
PAD = "np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))"
MATRIX = "columns.reshape(N * OH * OW, KH * KW * C)"
PATCH = "padded[:, top : top + KH, left : left + KW]"

WRONG = [  # in place of, what the learner did, expected code, words of the message
    (SIZE, "(size + 2 * padding - kernel) // stride", "one-too-few", "abc, bcd and cde"),
    (SIZE, "(size + 2 * padding) // stride", "as-many-as-cells", "none begins"),
    (SIZE, "(size + 2 * padding - kernel) / stride + 1", "wrong-type", "// divides ints"),
    (SIZE, "(size + 2 * padding - kernel + 1) // stride", "one-added-too-early", "after the division"),
    (SIZE, "size + 2 * padding - kernel + 1", "stride-ignored", "every second"),
    (SIZE, "-(-(size + 2 * padding - kernel) // stride) + 1", "rounded-up", "sticks out"),
    (SIZE, "(size + padding - kernel) // stride + 1", "padding-at-one-end", "both ends"),
    (SIZE, "(size - kernel) // stride + 1", "padding-ignored", "zeros are cells"),
    (MATRIX, f"{MATRIX}.T", "windows-as-columns", "it is a row"),
    (MATRIX, "columns", "wrong-shape", "(1, 2, 3, 2, 2, 1), expected (6, 4)"),
    (MATRIX, f"columns.transpose(0, 2, 1, 3, 4, 5).{MATRIX[8:]}", "windows-down-first", "from left to right"),
    (MATRIX, f"columns.transpose(0, 1, 2, 4, 3, 5).{MATRIX[8:]}", "cells-down-first", "kj counts faster"),
    (MATRIX, f"columns.transpose(0, 1, 2, 5, 3, 4).{MATRIX[8:]}", "channels-first", "c counts fastest"),
    (MATRIX, f"columns.transpose(1, 2, 0, 3, 4, 5).{MATRIX[8:]}", "images-last", "windows of an image come first"),
    (PATCH, "padded[:, top : top + KH, left : left + KW][:, ::-1, ::-1]", "flipped-window", "nothing is turned"),
    ("i * stride, j * stride", "i, j", "stride-ignored", "down as well as"),
    ("i * stride, j * stride", "i * stride, j", "stride-ignored", "down as well as"),
    ("i * stride, j * stride", "i * KH, j * KW", "raised", "columns[:, i, j] ="),
    (PAD, PAD.replace("(padding, padding)", "(0, 2 * padding)"), "padding-at-one-end", "at the end"),
    (PAD, PAD.replace("(padding, padding)", "(2 * padding, 0)"), "padding-at-one-end", "at the start"),
    (PAD, PAD[:-1] + ", mode='edge')", "padding-not-zero", "It holds zeros"),
    (PAD, "np.pad(x, padding)", "raised", "padding"),
    (PAD, "x", "raised", "columns[:, i, j] ="),
    (", x.dtype)", ")", "wrong-dtype", "float32 went in"),
    (PATCH, f"{PATCH}; x[0] = 0", "argument-modified", "changed its argument x"),
]

RIGHT = {
    "loops over all indices": """
def im2col(x, kernel_size, stride, padding):
    N, H, W, C = x.shape
    KH, KW = kernel_size
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    columns = np.zeros((N * OH * OW, KH * KW * C), dtype=x.dtype)
    for n, i, j, ki, kj, c in np.ndindex(N, OH, OW, KH, KW, C):
        r, s = i * stride + ki - padding, j * stride + kj - padding
        if 0 <= r < H and 0 <= s < W:
            columns[(n * OH + i) * OW + j, (ki * KW + kj) * C + c] = x[n, r, s, c]
    return columns
""",
    "a loop over offsets, in Fortran order": """
def output_size(size, kernel, stride, padding):
    return len(range(0, size + 2 * padding - kernel + 1, stride))

def im2col(x, kernel_size, stride, padding):
    KH, KW = kernel_size
    OH = output_size(x.shape[1], KH, stride, padding)
    OW = output_size(x.shape[2], KW, stride, padding)
    padded = np.zeros((len(x), x.shape[1] + 2 * padding, x.shape[2] + 2 * padding, x.shape[3]), x.dtype)
    padded[:, padding:padding + x.shape[1], padding:padding + x.shape[2]] = x
    under = [padded[:, ki::stride, kj::stride][:, :OH, :OW] for ki in range(KH) for kj in range(KW)]
    return np.asfortranarray(np.concatenate(under, axis=3).reshape(len(x) * OH * OW, -1))
""",
    "a view of all windows": """
def output_size(size, kernel, stride, padding):
    return int(np.floor((size + 2 * padding - kernel) / stride)) + 1

def im2col(x, kernel_size, stride, padding):
    p = (padding, padding)
    view = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), p, p, (0, 0))), kernel_size, axis=(1, 2))
    view = view[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    return view.reshape(-1, kernel_size[0] * kernel_size[1] * x.shape[3])
""",
    "indices made beforehand": """
def im2col(x, kernel_size, stride, padding):
    N, H, W, C = x.shape
    rows = stride * np.arange(output_size(H, kernel_size[0], stride, padding))[:, None] + np.arange(kernel_size[0])
    cols = stride * np.arange(output_size(W, kernel_size[1], stride, padding))[:, None] + np.arange(kernel_size[1])
    padded = np.pad(x, [(0, 0), (padding,) * 2, (padding,) * 2, (0, 0)])
    patches = padded[:, rows[:, None, :, None], cols[None, :, None, :]]
    return np.vstack([window.ravel() for image in patches for line in image for window in line])
""",
}


@pytest.mark.parametrize(("old", "new", "code", "words"), WRONG, ids=[row[1] for row in WRONG])
def test_a_wrong_answer_is_named(old, new, code, words, tmp_path):
    assert_wrong(verdict_on("05_im2col", (old, new), tmp_path=tmp_path), code, words)


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_passes_however_written(answer, tmp_path):
    assert_passed(verdict_on("05_im2col", answer, tmp_path=tmp_path))


@pytest.mark.parametrize(
    "rounded",
    ["round((size + 2 * padding - kernel) / stride + 1)", "round((size + 2 * padding - kernel) / stride) + 1"],
)
def test_rounding_to_even_does_not_hide(rounded, tmp_path):
    assert_wrong(verdict_on("05_im2col", (SIZE, rounded), tmp_path=tmp_path), "rounded-up", "sticks out")
