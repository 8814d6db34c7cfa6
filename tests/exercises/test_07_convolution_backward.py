"""Exercise 7: wrong answers and their verdicts, right answers written differently."""

import pytest
from answers import assert_passed, assert_wrong, changed, solution, verdict_on

NAME, FORWARD = "07_convolution_backward", "06_convolution_forward"

# Other ways to write col2im

BY_OFFSETS = """
def col2im(dcolumns, x_shape, kernel_size, stride, padding):
    N, H, W, C = x_shape
    KH, KW = kernel_size
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    patches = dcolumns.reshape(N, OH, OW, KH, KW, C)
    padded = np.zeros((N, H + 2 * padding, W + 2 * padding, C), dcolumns.dtype, order="F")
    for i in range(KH):
        for j in range(KW):
            padded[:, i : i + stride * OH : stride, j : j + stride * OW : stride][:, :OH, :OW] += patches[:, :, :, i, j]
    return padded[:, padding : padding + H, padding : padding + W]
"""
BY_INDEX = """
def col2im(dcolumns, x_shape, kernel_size, stride, padding):
    N, H, W, C = x_shape
    (KH, KW), padded = kernel_size, np.zeros((N, H + 2 * padding, W + 2 * padding, C), dcolumns.dtype)
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    rows = (stride * np.arange(OH)[:, None, None, None] + np.arange(KH)[:, None]) + np.zeros((1, OW, 1, KW), int)
    columns = (stride * np.arange(OW)[:, None, None] + np.arange(KW)) + np.zeros((OH, 1, KH, 1), int)
    index = slice(None), rows, columns
    np.add.at(padded, index, dcolumns.reshape(N, OH, OW, KH, KW, C))
    return padded[:, padding : padding + H, padding : padding + W]
"""

# Other ways to write conv2d_backward; forward's cache is that of the solution of exercise 6

TAKE = """
    (columns, matrix), x_shape, w_shape, stride, padding = cache
    (N, H, W, C), (KH, KW, _, F), (_, OH, OW, _) = x_shape, w_shape, dy.shape
    w = matrix.reshape(w_shape)
"""
PRODUCTS = f"""
def conv2d_backward(dy, cache):{TAKE}
    drows = dy.reshape(-1, F)
    dx = col2im(drows @ matrix.T, x_shape, (KH, KW), stride, padding)
    dw = (columns.T @ drows).reshape(w_shape)
    db = drows.sum(axis=0)
    return dx, dw, db
"""
IN_LOOPS = f"""
def conv2d_backward(dy, cache):{TAKE}
    patches = columns.reshape(N, OH, OW, KH, KW, C)
    dpadded = np.zeros((N, H + 2 * padding, W + 2 * padding, C), dy.dtype)
    dw, db = np.zeros(w_shape, dy.dtype), np.zeros(F, dy.dtype)
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                top, left = i * stride, j * stride
                for f in range(F):
                    dpadded[n, top : top + KH, left : left + KW] += dy[n, i, j, f] * w[..., f]
                    dw[..., f] += dy[n, i, j, f] * patches[n, i, j]
                    db[f] += dy[n, i, j, f]
    return dpadded[:, padding : padding + H, padding : padding + W], dw, db
"""
BY_EINSUM = f"""
def conv2d_backward(dy, cache):{TAKE}
    patches = columns.reshape(N, OH, OW, KH, KW, C)
    dpatches = np.einsum("nijf,klcf->nijklc", dy, w)
    dx = col2im(dpatches.reshape(columns.shape), x_shape, (KH, KW), stride, padding)
    dw = np.einsum("nijklc,nijf->klcf", patches, dy)
    return np.asfortranarray(dx), dw, np.einsum("nijf->f", dy)
"""
TURNED_KERNEL = f"""
def conv2d_backward(dy, cache):{TAKE}
    spread = np.zeros((N, H + 2 * padding + KH - 1, W + 2 * padding + KW - 1, F), dy.dtype)
    spread[:, KH - 1 : KH - 1 + stride * OH : stride, KW - 1 : KW - 1 + stride * OW : stride][:, :OH, :OW] = dy
    windows = np.lib.stride_tricks.sliding_window_view(spread, (KH, KW), axis=(1, 2))
    dpadded = np.einsum("nijfkl,klcf->nijc", windows, w[::-1, ::-1])
    dx = dpadded[:, padding : padding + H, padding : padding + W]
    dw = np.tensordot(dy[::-1, ::-1], columns.reshape(N, OH, OW, -1)[::-1, ::-1], ((0, 1, 2), (0, 1, 2)))
    return dx, dw.T.reshape(w_shape), dy[::-1].sum(axis=(0, 1, 2))
"""

IMAGE, PATCHES = "padding : padding + H, padding : padding + W", "reshape(N, OH, OW, KH, KW, C)"
AVERAGE = "padded /= copies_of_pixels(x_shape, kernel_size, stride, padding)\n    return padded"
WRONG_COL2IM = [
    ("overwritten", "last window", ("+= patches", "= patches")),
    ("overwritten", "last place", BY_OFFSETS.replace("+= patches", "= patches")),
    ("overwritten", "", BY_INDEX.replace("np.add.at(padded, index, ", "padded[index] += (")),
    ("averaged", "sum", ("return padded", AVERAGE)),
    ("stride-ignored", "i * stride", ("top, left = i * stride, j * stride", "top, left = i, j")),
    ("shifted", "at the end", (IMAGE, ":H, :W")),
    ("shifted", "at the beginning", (IMAGE, "2 * padding :, 2 * padding :")),
    ("not-cropped", "still has its padding", (f"padded[:, {IMAGE}]", "padded")),
    ("flipped-kernel", "turned by 180 degrees", ("patches[:, i, j]", "patches[:, i, j, ::-1, ::-1]")),
    ("order-scrambled", "Places", (PATCHES, "reshape(N, OH, OW, KW, KH, C).swapaxes(3, 4)")),
    ("order-scrambled", "Places", (PATCHES, "reshape(N, OH, OW, C, KH, KW).transpose(0, 1, 2, 4, 5, 3)")),
    ("order-scrambled", "Windows", (PATCHES, "reshape(N, OW, OH, KH, KW, C).swapaxes(1, 2)")),
    ("order-scrambled", "Windows", (PATCHES, "reshape(OH, OW, N, KH, KW, C).transpose(2, 0, 1, 3, 4, 5)")),
    ("wrong-dtype", "do not round", (", dcolumns.dtype)", ", np.float32)")),
    ("returned-nothing", "return dx", ("return padded[", "padded[")),
]  # fmt: skip
COUNTS = """
def copies_of_pixels(x_shape, kernel_size, stride, padding):
    N, H, W, C = x_shape
    counts = np.zeros((1, H + 2 * padding, W + 2 * padding, 1))
    for i in range(output_size(H, kernel_size[0], stride, padding)):
        for j in range(output_size(W, kernel_size[1], stride, padding)):
            counts[:, i * stride : i * stride + kernel_size[0], j * stride : j * stride + kernel_size[1]] += 1
    return np.maximum(counts, 1)
"""

SCRAMBLED = "dy.transpose(0, 3, 1, 2).reshape(-1, F)"
WRONG_BACKWARD = [
    ("factor-batch", "dw", PRODUCTS.replace("dw = (columns.T @ drows)", "dw = (columns.T @ drows / N)")),
    ("factor-batch", "dx", PRODUCTS.replace("drows @ matrix.T", "drows @ matrix.T / N")),
    ("factor-constant", "db", PRODUCTS.replace("drows.sum(axis=0)", "drows.mean(axis=0)")),
    ("factor-batch", "db", PRODUCTS.replace("drows.sum(axis=0)", "dy.sum(axis=(1, 2)).mean(axis=0)")),
    ("wrong-shape", "db", PRODUCTS.replace("drows.sum(axis=0)", "dy.sum(axis=0)")),
    ("wrong-shape", "dw", PRODUCTS.replace(".reshape(w_shape)\n    db", "\n    db")),
    ("order-scrambled", "dw", PRODUCTS.replace("(columns.T @ drows)", "(drows.T @ columns)")),
    ("order-scrambled", "dx", PRODUCTS.replace("drows @ matrix.T", f"{SCRAMBLED} @ matrix.T")),
    ("order-scrambled", "dw", PRODUCTS.replace("drows)", "dy.transpose(3, 0, 1, 2).reshape(-1, F))")),
    ("flipped-kernel", "dw", PRODUCTS.replace(".reshape(w_shape)\n    db", ".reshape(w_shape)[::-1, ::-1]\n    db")),
    ("flipped-kernel", "dx", IN_LOOPS.replace("* w[..., f]", "* w[::-1, ::-1, :, f]")),
    ("flipped-kernel", "dx", TURNED_KERNEL.replace("w[::-1, ::-1]", "w")),
    ("overwritten", "dx", IN_LOOPS.replace("left : left + KW] +=", "left : left + KW] =")),
    ("overwritten", "dw", IN_LOOPS.replace("dw[..., f] +=", "dw[..., f] =")),
    ("stride-ignored", "dx", IN_LOOPS.replace("top, left = i * stride, j * stride", "top, left = i, j")),
    ("shifted", "dx", IN_LOOPS.replace("padding : padding + H, padding : padding + W", ":H, :W")),
    ("shifted", "dx", IN_LOOPS.replace("padding : padding + H, padding : padding + W", "2 * padding :, 2 * padding :")),
    ("wrong-shape", "dx", IN_LOOPS.replace("dpadded[:, padding : padding + H, padding : padding + W]", "dpadded")),
    ("wrong-shape", "reshape", PRODUCTS.replace("return dx,", "return dx.squeeze(),")),
    ("sign-flipped", "dw", PRODUCTS.replace("columns.T @", "-columns.T @")),
    ("upstream-ignored", "db", PRODUCTS.replace("drows.sum(axis=0)", "np.ones_like(drows).sum(axis=0)")),
    ("low-precision", "dx", BY_EINSUM.replace("np.asfortranarray(dx)", "dx.astype(np.float32)")),
    ("wrong-dtype", "dw", IN_LOOPS.replace("np.zeros(w_shape, dy.dtype)", "np.zeros(w_shape)")),
    ("argument-modified", "dy", PRODUCTS.replace("    db =", "    drows *= 2\n    drows /= 2.0001\n    db =")),
    ("backward-not-repeatable", "", PRODUCTS.replace("    drows =", "    columns += 1\n    drows =")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "change"), WRONG_COL2IM)
def test_a_wrong_col2im_is_named(code, words, change, tmp_path):
    assert_wrong(verdict_on(NAME, change, COUNTS, tmp_path=tmp_path), code, words)


@pytest.mark.parametrize(("code", "argument", "answer"), WRONG_BACKWARD)
def test_a_wrong_backward_pass_is_named(code, argument, answer, tmp_path):
    verdict = verdict_on(NAME, answer, tmp_path=tmp_path)
    assert_wrong(verdict, code, argument)
    assert "recognised" not in verdict.problem.message  # the learner knows that it is a convolution


@pytest.mark.parametrize("answer", [BY_OFFSETS, BY_INDEX], ids=["offsets", "index"])
def test_a_right_col2im_passes_however_it_is_written(answer, tmp_path):
    assert_passed(verdict_on(NAME, answer, tmp_path=tmp_path))


@pytest.mark.parametrize(
    "answer",
    [PRODUCTS, IN_LOOPS, BY_EINSUM, TURNED_KERNEL],
    ids=["products", "loops", "einsum and Fortran order", "turned kernel and negative strides"],
)
def test_a_right_backward_pass_passes_however_it_is_written(answer, tmp_path):
    assert_passed(verdict_on(NAME, answer, tmp_path=tmp_path))


def test_another_cache_is_as_good(tmp_path):
    forward = changed(
        solution(FORWARD), ("(dense_cache, x.shape, w.shape, stride, padding)", "(x, w, b, stride, padding)")
    )
    backward = """
    def conv2d_backward(dy, cache):
        x, w, b, stride, padding = cache
        columns = im2col(x, w.shape[:2], stride, padding)
        dcolumns, dw, db = dense_backward(dy.reshape(len(columns), -1), (columns, w.reshape(-1, len(b))))
        return col2im(dcolumns, x.shape, w.shape[:2], stride, padding), dw.reshape(w.shape), db
    """
    change = ("import conv2d_forward,", "import im2col, conv2d_forward,")
    assert_passed(verdict_on(NAME, change, backward, tmp_path=tmp_path, others={FORWARD: forward}))


def test_columns_kept_outside_the_cache(tmp_path):
    forward = changed(solution(FORWARD), ("    return rows", "    conv2d_forward.kept = dense_cache\n    return rows"))
    backward = ("    drows =", "    dense_cache = conv2d_forward.kept\n    drows =")
    verdict = verdict_on(NAME, backward, tmp_path=tmp_path, others={FORWARD: forward})
    assert_wrong(verdict, "kept-outside-the-cache")


def test_a_crop_from_0_to_minus_0_leaves_nothing(tmp_path):
    answer = """
def col2im(dcolumns, x_shape, kernel_size, stride, padding):
    N, H, W, C = x_shape
    KH, KW = kernel_size
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    patches = dcolumns.reshape(N, OH, OW, KH, KW, C)
    dx = np.zeros((N, H + 2 * padding, W + 2 * padding, C), dcolumns.dtype)
    for i, j in np.ndindex(OH, OW):
        dx[:, i * stride : i * stride + KH, j * stride : j * stride + KW] += patches[:, i, j]
    return dx[:, padding:-padding, padding:-padding]
"""
    assert_wrong(verdict_on(NAME, answer, tmp_path=tmp_path), "cropped-to-nothing", "-0 is 0")
    right = answer.replace("padding:-padding, padding:-padding", "padding : padding + H, padding : padding + W")
    assert_passed(verdict_on(NAME, right, tmp_path=tmp_path))
