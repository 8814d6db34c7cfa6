"""Exercise 6: convolution, forward.

A filter lies on the image, multiplies the patch under it by its weights, adds up, and moves on by the stride s:

    y[n, i, j, f] = b[f] + sum over ki, kj, c of  xp[n, i s + ki, j s + kj, c]  w[ki, kj, c, f]     (1)

xp is x with `padding` rows and columns of zeros around it. The kernel is not flipped: what deep learning calls a
convolution is a cross-correlation.

You need no loop for (1). Your im2col of exercise 5 has written each patch as a row of a matrix, and then (1) says that
every row meets every filter: a dense layer (exercise 1) whose examples are the patches.

    x            w            columns           w as a column     y as a column       y
    1 2 3        1 0          1 2 4 5           1                 11                  11 14
    4 5 6        0 2          2 3 5 6           0                 14                  20 23
    7 8 9                     4 5 7 8           0                 20
                              5 6 8 9           2                 23

Two questions are left. In which order must w become a matrix, so that each weight meets its pixel? And what are the
rows of the product, when y is to have the shape (N, OH, OW, F)?

The cache is yours to choose. Exercise 7 goes back through this function and will need what its steps have kept.

Write the function, then: minicnn exercises check 6
"""

import numpy as np

from minicnn.exercises.yours import dense_forward, im2col, output_size


def conv2d_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, padding: int = 0
) -> tuple[np.ndarray, tuple]:
    """Slide filters over images, equation (1).

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    w : array, shape (KH, KW, C, F)
    b : array, shape (F,)
    stride : int
        Cells from one window to the next.
    padding : int
        Rows and columns of zeros on each side.

    Returns
    -------
    y : array, shape (N, OH, OW, F) and dtype of x
        OH = output_size(H, KH, stride, padding), OW likewise.
    cache : tuple
        Whatever your backward function will need; you decide.
    """
    # your code
    N, H, W, _ = x.shape
    KH, KW, _, F = w.shape
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    columns = im2col(x, (KH, KW), stride, padding)
    rows, dense_cache = dense_forward(columns, w.reshape(-1, F), b)
    return rows.reshape(N, OH, OW, F), (dense_cache, x.shape, w.shape, stride, padding)
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.exercise import Exercise, Mistake, Values
from minicnn.reference.loops import conv2d_forward as right_forward


def whole_numbers(*shape: int) -> np.ndarray:
    """Numbers from 0 to 6, in no order that a wrong reshape would keep."""
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape) % 7


def example(x: tuple[int, ...], w: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Arguments of these shapes."""
    return {"x": whole_numbers(*x), "w": whole_numbers(*w), "b": 100.0 * np.arange(1, 1 + w[3])}


ONE_FILTER = {
    "x": np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 0.0, 1.0]]).reshape(1, 3, 3, 1),
    "w": np.array([[1.0, 2.0], [3.0, 5.0]]).reshape(2, 2, 1, 1),
    "b": np.array([-15.0]),  # y has both signs
}


def in_float32() -> dict[str, np.ndarray]:
    """The arguments of a network in training."""
    return {name: a.astype(np.float32) for name, a in example((1, 4, 3, 2), (2, 2, 2, 3)).items()}


def with_weights(order):
    """The wrong pass for weights in another order: `order` makes an array of the shape of w."""
    return lambda x, w, b: right_forward(x, order(w), b)


def with_y(order):
    """The wrong pass for outputs in another order."""
    return lambda x, w, b: (order(right_forward(x, w, b)[0]), None)


def rows_taken_for(*axes: int):
    """The wrong pass in which rows of the product are reshaped to these axes of y, and then transposed."""
    return with_y(lambda y: y.reshape([y.shape[a] for a in axes]).transpose(np.argsort(axes)))


SCRAMBLED_OUTPUTS = (
    "The numbers of y are right, but in wrong places. The rows run through (n, i, j), as im2col wrote them, and each "
    "holds all filters: give reshape the axes in this order, and none has to be moved."
)
OF_ONE_FILTER = [
    Mistake(
        "flipped-kernel",
        "The kernel is turned by 180 degrees: (1) multiplies the first pixel of the patch by the first weight.",
        with_weights(lambda w: w[::-1, ::-1]),
    ),
    Mistake(
        "transposed",
        "Rows and columns of the kernel are swapped: w[ki, kj] lies on row ki and column kj of the patch.",
        with_weights(lambda w: w.swapaxes(0, 1)),
    ),
    Mistake("bias-missing", "The bias b is not added.", lambda x, w, b: right_forward(x, w)),
    Mistake(
        "bias-at-each-weight",
        "The bias is added once for each weight of the kernel: (1) adds it once, after the sum.",
        lambda x, w, b: right_forward(x, w, b * w[..., 0].size),
    ),
    Mistake(
        "channels-first",
        "y has the axes (N, F, OH, OW): here the filters come last, (N, OH, OW, F), as the channels of x do.",
        with_y(lambda y: y.transpose(0, 3, 1, 2)),
    ),
    Mistake("order-scrambled", SCRAMBLED_OUTPUTS, rows_taken_for(0, 2, 1, 3)),
]
OF_ORDER = [
    Mistake(
        "order-scrambled",
        "The weights have become a matrix in a wrong order: row q of the matrix must hold the weights, one for each "
        "filter, that place q of a patch meets. The filters are the last axis of w already; reshape(F, -1) cuts it "
        "elsewhere.",
        with_weights(lambda w: w.reshape(w.shape[3], -1).T.reshape(w.shape)),
    ),
    Mistake(
        "order-scrambled",
        "The weights are in the order (C, KH, KW), the pixels of a patch in the order (KH, KW, C): the two must agree.",
        with_weights(lambda w: w.transpose(2, 0, 1, 3).reshape(w.shape)),
    ),
    Mistake("order-scrambled", SCRAMBLED_OUTPUTS, with_y(lambda y: y.transpose(3, 0, 1, 2).reshape(y.shape))),
    Mistake("order-scrambled", SCRAMBLED_OUTPUTS, rows_taken_for(0, 3, 1, 2)),
    Mistake("order-scrambled", SCRAMBLED_OUTPUTS, rows_taken_for(1, 2, 0, 3)),
    Mistake(
        "channels-not-summed",
        "Only the first channel of x is used: a filter sees all channels, and (1) sums over c too.",
        lambda x, w, b: right_forward(x[..., :1], w[:, :, :1], b),
    ),
]


def one_cell_apart(x, w, b, stride, padding):
    """As many windows as there should be, but without gaps between them."""
    rows, columns = right_forward(x, w, b, stride=stride, padding=padding)[0].shape[1:3]
    return right_forward(x, w, b, padding=padding)[0][:, :rows, :columns], None


OF_WINDOWS = [
    Mistake(
        "stride-ignored",
        "There are as many windows as there should be, but they lie one cell apart: window (i, j) begins at row "
        "i * stride and column j * stride.",
        one_cell_apart,
    ),
    Mistake(
        "stride-ignored",
        "The stride is ignored: window (i, j) begins at row i * stride and column j * stride. Does im2col get it?",
        lambda x, w, b, stride, padding: right_forward(x, w, b, padding=padding),
    ),
    Mistake(
        "padding-ignored",
        "The padding is ignored: around x lie rows and columns of zeros. Does im2col get the padding?",
        lambda x, w, b, stride, padding: right_forward(x, w, b, stride=stride),
    ),
]

EXERCISE = Exercise(
    title="convolution, forward",
    checks=[
        Values("conv2d_forward", ONE_FILTER, right_forward, mistakes=OF_ONE_FILTER, title="one channel, one filter"),
        Values(
            "conv2d_forward",
            example((2, 3, 5, 2), (2, 3, 2, 3)),
            right_forward,
            mistakes=OF_ORDER,
            title="images, channels and filters",
        ),
        Values(
            "conv2d_forward",
            example((1, 4, 6, 1), (3, 2, 1, 1)),
            right_forward,
            mistakes=OF_WINDOWS,
            options={"stride": 2, "padding": 1},
            title="stride 2 and padding 1",
        ),
        Values("conv2d_forward", in_float32, right_forward, tolerance=1e-5, title="one image alone, in float32"),
    ],
    hints=[
        """\
The idea. A convolution computes the same weighted sums at every position: a dense layer, used on many patches. im2col
has laid the patches out as the rows of a matrix, N OH OW of them, with KH KW C numbers each. What is missing is w as a
matrix that fits, and the way from the product's rows back to images.""",
        """\
The formula. With p for a row of columns, that is (n, i, j), and q for a place in a patch, that is (ki, kj, c):
             y[p, f] = b[f] + sum over q of columns[p, q] W[q, f]
W has KH KW C rows and F columns. Its rows run through (ki, kj, c) in this order, and so do the first three axes of w,
which has the shape (KH, KW, C, F). In the same way the rows of y run through (n, i, j).""",
        """\
Almost the code. In four lines:
    columns from im2col, with the kernel's height and width, stride and padding
    the matrix W: w with its first three axes made one, reshape(-1, F)
    rows of y: your dense_forward with columns as the examples
    y: these rows reshaped to (N, OH, OW, F), with OH and OW from output_size
Keep in the cache what dense_forward has kept, the shapes of x and w, stride and padding.""",
    ],
    derivation="""\
Let p number the windows (n, i, j) and q the places (ki, kj, c) of a window, both in row-major order. im2col has made

    columns[p, q] = xp[n, i s + ki, j s + kj, c]                                                    (2)

and with W[q, f] = w[ki, kj, c, f], which is w.reshape(KH KW C, F) and copies nothing, (1) becomes

    y[p, f] = b[f] + sum over q of columns[p, q] W[q, f],        y = columns W + b                  (3)

the dense layer of exercise 1 with N OH OW examples. Row-major order is also that of y.reshape(N, OH, OW, F), so that no
axis has to be moved anywhere: this is what channels last is good for. Large matrix products are what a processor does
best; that is why im2col is worth its copies, KH KW times the memory of x at stride 1.""",
    builds_on=("01_dense", "05_im2col"),
)
