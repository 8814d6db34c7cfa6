"""Exercise 6: wrong answers and their verdicts, right answers written differently."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

NAME = "06_convolution_forward"

IN_LOOPS = """
def conv2d_forward(x, w, b, stride=1, padding=0):
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    KH, KW, C, F = w.shape
    OH, OW = output_size(x.shape[1], KH, stride, padding), output_size(x.shape[2], KW, stride, padding)
    y = np.zeros((len(x), OH, OW, F), x.dtype)
    for n in range(len(x)):
        for i in range(OH):
            for j in range(OW):
                window = padded[n, i * stride : i * stride + KH, j * stride : j * stride + KW]
                for f in range(F):
                    y[n, i, j, f] = (window * w[..., f]).sum() + b[f]
    return y, None
"""
BY_OFFSETS = """
def conv2d_forward(x, w, b, stride=1, padding=0):
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    KH, KW = w.shape[:2]
    OH, OW = output_size(x.shape[1], KH, stride, padding), output_size(x.shape[2], KW, stride, padding)
    y = np.broadcast_to(b, (len(x), OH, OW, len(b))).copy(order="F")
    for i in range(KH):
        for j in range(KW):
            y += padded[:, i : i + stride * OH : stride, j : j + stride * OW : stride][:, :OH, :OW] @ w[i, j]
    return y, None
"""
BY_EINSUM = """
def conv2d_forward(x, w, b, stride=1, padding=0):
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[:2], axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("nijckl,klcf->nijf", windows, w) + b, (x, w)
"""

WEIGHTS, ROWS = ".reshape(-1, F)", "rows.reshape(N, OH, OW, F)"
WRONG = [
    ("bias-missing", (", b)\n", ", 0 * b)\n")),
    ("bias-at-each-weight", IN_LOOPS.replace("(window * w[..., f]).sum() + b[f]", "(window * w[..., f] + b[f]).sum()")),
    ("flipped-kernel", (WEIGHTS, "[::-1, ::-1].reshape(-1, F)")),
    ("transposed", (WEIGHTS, ".transpose(1, 0, 2, 3).reshape(-1, F)")),
    ("order-scrambled", (WEIGHTS, ".reshape(F, -1).T")),
    ("order-scrambled", (WEIGHTS, ".transpose(2, 0, 1, 3).reshape(-1, F)")),
    ("order-scrambled", (ROWS, "rows.reshape(N, F, OH, OW).transpose(0, 2, 3, 1)")),
    ("order-scrambled", (ROWS, "rows.T.reshape(N, OH, OW, F)")),
    ("order-scrambled", (ROWS, "rows.reshape(OH, OW, N, F).transpose(2, 0, 1, 3)")),
    ("order-scrambled", (ROWS, "rows.reshape(N, OW, OH, F).swapaxes(1, 2)")),
    ("channels-first", (ROWS, ROWS + ".transpose(0, 3, 1, 2)")),
    ("channels-not-summed", BY_EINSUM.replace("windows, w)", "windows[:, :, :, :1], w[:, :, :1])")),
    ("stride-ignored", BY_OFFSETS.replace("    padded =", "    stride = 1\n    padded =")),
    ("padding-ignored", BY_OFFSETS.replace("    padded =", "    padding = 0\n    padded =")),
    ("wrong-shape", (ROWS, "rows")),
    ("wrong-dtype", IN_LOOPS.replace(", x.dtype)", ")")),
    ("argument-modified", BY_OFFSETS.replace("    padded =", "    x *= 1.5\n    padded =")),
    ("returned-nothing", ("return rows", "rows")),
]


@pytest.mark.parametrize(("code", "change"), WRONG)
def test_a_wrong_answer_is_named(code, change, tmp_path):
    assert_wrong(verdict_on(NAME, change, tmp_path=tmp_path), code)


@pytest.mark.parametrize("answer", [IN_LOOPS, BY_OFFSETS, BY_EINSUM], ids=["loops", "offsets", "einsum"])
def test_a_right_answer_passes_however_it_is_written(answer, tmp_path):
    assert_passed(verdict_on(NAME, answer, tmp_path=tmp_path))


def test_rounding_on_the_way_is_explained(tmp_path):
    verdict = verdict_on(NAME, (ROWS, "rows.astype(np.float32).reshape(N, OH, OW, F)"), tmp_path=tmp_path)
    assert_wrong(verdict, "wrong-dtype", "do not round on the way")


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("stride-ignored", "i * stride : i * stride + KH, j * stride : j * stride + KW", "i : i + KH, j : j + KW"),
        ("wrong-value", "patch.ravel() @ w.reshape(-1, F) + b", "np.maximum(patch.ravel() @ w.reshape(-1, F) + b, 0)"),
    ],
)
def test_loops_with_a_mistake(code, old, new, tmp_path):
    answer = """
def conv2d_forward(x, w, b, stride=1, padding=0):
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    KH, KW, C, F = w.shape
    OH, OW = output_size(x.shape[1], KH, stride, padding), output_size(x.shape[2], KW, stride, padding)
    y = np.zeros((len(x), OH, OW, F), x.dtype)
    for n, i, j in np.ndindex(len(x), OH, OW):
        patch = padded[n, i * stride : i * stride + KH, j * stride : j * stride + KW]
        y[n, i, j] = patch.ravel() @ w.reshape(-1, F) + b
    return y, None
"""
    assert_passed(verdict_on(NAME, answer, tmp_path=tmp_path))
    assert_wrong(verdict_on(NAME, answer.replace(old, new), tmp_path=tmp_path), code)
