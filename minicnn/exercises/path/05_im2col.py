"""Exercise 5: im2col, the windows of an image as rows of a matrix.

A convolution slides a window over an image and takes, at each place, weighted sums of the numbers under it. Weighted
sums are what a dense layer computes. So if the numbers under each window are written as one row of a matrix, exercise 1
does the rest. This exercise writes the matrix; most convolutions that are fast begin like this.

A batch of images is an array x of shape (N, H, W, C): N images of H rows and W columns, with C channels (such as red,
green and blue).

How many windows are there? Along one axis lie `size` cells, and at both ends of them `padding` cells of zeros. A window
covers `kernel` cells. The first begins at the first cell, each following one `stride` cells further, and all of them
lie inside. With 8 cells, no padding, windows of 3 and a stride of 2 there are 3, and no window holds the last cell:

    [a b c] d e f g h        a b [c d e] f g h        a b c d [e f g] h                             (1)

Which numbers does a row hold? With OH windows one below the other and OW side by side, that of window (i, j) on image n
holds

    columns[(n, i, j), (ki, kj, c)] = padded[n, i stride + ki, j stride + kj, c]                    (2)

where padded is x with its zeros, and (ki, kj) are row and column within the window. (n, i, j) stands for one number,
the row: all windows of the first image come first, those of its upper edge from left to right before those below.
(ki, kj, c) stands for the column: the window's upper edge comes first, and of each cell all channels.

    row = (n OH + i) OW + j,        column = (ki KW + kj) C + c                                     (3)

Write the two functions, then: minicnn exercises check 5
"""

import numpy as np


def output_size(size: int, kernel: int, stride: int, padding: int) -> int:
    """How many windows fit along one axis, see (1).

    Parameters
    ----------
    size : int
        Cells of the image.
    kernel : int
        Cells under a window.
    stride : int
        Cells from one window to the next.
    padding : int
        Cells of zeros at each of the two ends.

    Returns
    -------
    windows : int
    """
    # your code
    return (size + 2 * padding - kernel) // stride + 1
    # end


def im2col(x: np.ndarray, kernel_size: tuple[int, int], stride: int, padding: int) -> np.ndarray:
    """Write the numbers under each window as a row, equations (2) and (3).

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    kernel_size : (KH, KW)
        Rows and columns of a window.
    stride, padding : int
        As in output_size, the same for rows and columns.

    Returns
    -------
    columns : array, shape (N * OH * OW, KH * KW * C) and dtype of x
    """
    # your code
    N, H, W, C = x.shape
    KH, KW = kernel_size
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    columns = np.empty((N, OH, OW, KH, KW, C), x.dtype)
    for i in range(OH):
        for j in range(OW):
            top, left = i * stride, j * stride
            columns[:, i, j] = padded[:, top : top + KH, left : left + KW]  # (2)
    return columns.reshape(N * OH * OW, KH * KW * C)  # (3)
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.exercise import Exercise, Mistake, Values
from minicnn.reference import vectorized
from minicnn.reference.geometry import lay_windows


def right_size(size, kernel, stride, padding):
    """The library's answer, along one axis of two."""
    return lay_windows((size, size), kernel, stride, padding).output[0]


def right_columns(x, kernel_size, stride, padding, pad=None):
    """The library's answer; with `pad` for images that are padded in another way."""
    windows = lay_windows(x.shape[1:3], kernel_size, stride, padding)
    padded = vectorized.pad(x, windows) if pad is None else pad(x, padding)
    return vectorized.im2col(padded, windows, groups=1)[0]


def patches(x, kernel_size, stride, padding):
    """The same as an array of shape (N, OH, OW, KH, KW, C)."""
    windows = lay_windows(x.shape[1:3], kernel_size, stride, padding)
    columns = right_columns(x, kernel_size, stride, padding)
    return columns.reshape(len(x), *windows.output, *kernel_size, x.shape[3])


def in_order(*axes: int):
    """Columns whose rows and columns are counted in another order than (3)."""
    return lambda *a: patches(*a).transpose(axes).reshape(right_columns(*a).shape)


def with_strides(rows: bool, columns: bool):
    """Columns of windows that lie one cell apart, not `stride`, in one direction or both."""

    def im2col(x, kernel_size, stride, padding):
        every, right = patches(x, kernel_size, 1, padding), patches(x, kernel_size, stride, padding)
        step_i, step_j = stride if rows else 1, stride if columns else 1
        some = every[:, ::step_i, ::step_j][:, : right.shape[1], : right.shape[2]]
        return some.reshape(right_columns(x, kernel_size, stride, padding).shape)

    return im2col


def padded_with(rows: tuple[int, int], mode: str = "constant"):
    """Columns of images that are padded by these multiples of `padding` before and after, or not with zeros."""

    def pad(x, padding):
        both = tuple(share * padding for share in rows)
        return np.pad(x, ((0, 0), both, both, (0, 0)), mode=mode)

    return lambda *a: right_columns(*a, pad=pad)


def fits(title: str, size: int, kernel: int, stride: int, padding: int, mistakes: list[Mistake]) -> Values:
    """output_size by its number."""
    arguments = {"size": size, "kernel": kernel, "stride": stride, "padding": padding}
    return Values("output_size", arguments, right_size, ("windows",), mistakes, title)


AS_CELLS = "This is the number of cells. Windows must lie inside: near the end none begins."
ALL_STRIDES = "Not every cell begins a window: with a stride of 2 it is every second one."
TOO_EARLY = "The first window is there without any stride. It is counted after the division."
STICKS_OUT = "The last of these windows sticks out: a cell is left over, as in (1)."
SIZES = [
    fits(
        "5 cells, windows of 3", 5, 3, 1, 0,
        [
            Mistake("one-too-few", "abcde has the windows abc, bcd and cde.", lambda *a: right_size(*a) - 1),
            Mistake("as-many-as-cells", AS_CELLS, lambda size, kernel, stride, padding: size),
        ],
    ),
    fits(
        "windows that lie 2 cells apart", 7, 3, 2, 0,
        [
            Mistake("stride-ignored", ALL_STRIDES, lambda size, kernel, stride, padding: size - kernel + 1),
            Mistake("one-added-too-early", TOO_EARLY, lambda size, kernel, stride, p: (size - kernel + 1) // stride),
        ],
    ),
    fits(
        "a cell is left over", 10, 3, 2, 0,
        [Mistake("rounded-up", STICKS_OUT, lambda *a: right_size(*a) + 1)],
    ),
    fits(  # round(4.5) is 4 and round(3.5) is 4, too
        "8 cells, as in (1)", 8, 3, 2, 0,
        [Mistake("rounded-up", STICKS_OUT, lambda *a: right_size(*a) + 1)],
    ),
    fits(
        "2 cells of zeros at both ends", 5, 3, 1, 2,
        [
            Mistake("padding-at-one-end", "There are zeros at both ends.", lambda s, k, d, p: s + p - k + 1),
            Mistake("padding-ignored", "The zeros are cells, too.", lambda s, k, d, p: s - k + 1),
        ],
    ),
]  # fmt: skip


def counting(*shape: int) -> np.ndarray:
    """1, 2, 3, ... in this shape."""
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape)


def example(title: str, x: np.ndarray, kernel_size, stride=1, padding=0, mistakes=()) -> Values:
    """im2col by its numbers."""
    arguments = {"x": x, "kernel_size": kernel_size, "stride": stride, "padding": padding}
    return Values("im2col", arguments, right_columns, ("columns",), mistakes, title)


WINDOWS_AS_COLUMNS = "Each window is a column of your matrix. By (2) it is a row: columns[(n, i, j), :]."
DOWN_FIRST = "Your windows go down first. By (3), j counts fastest: from left to right, then one below."
CELLS_DOWN_FIRST = "Within a window your numbers go down first. By (3), kj counts faster than ki."
FLIPPED = "Your windows are turned by 180 degrees. (2) goes up with ki and kj: nothing is turned."
CHANNELS_FIRST = "Your rows hold one channel after the other. By (3), c counts fastest: of each cell all channels."
IMAGES_LAST = "Window (0, 0) of all images comes first in your matrix. By (3), all windows of an image come first."
STRIDE = "Your windows lie one cell apart. By (2) they lie `stride` cells apart, down as well as to the right."
AT_THE_END = "All zeros are at the end of rows and columns. There are `padding` of them at both ends."
AT_THE_START = "All zeros are at the start of rows and columns. There are `padding` of them at both ends."
NO_ZEROS = "The padding holds copies of the border. It holds zeros."
EXAMPLES = [
    example(
        "an image of 3 x 4, windows of 2 x 2", counting(1, 3, 4, 1), (2, 2),
        mistakes=[
            Mistake("windows-as-columns", WINDOWS_AS_COLUMNS, lambda *a: right_columns(*a).T),
            Mistake("windows-down-first", DOWN_FIRST, in_order(0, 2, 1, 3, 4, 5)),
            Mistake("cells-down-first", CELLS_DOWN_FIRST, in_order(0, 1, 2, 4, 3, 5)),
            Mistake("flipped-window", FLIPPED, lambda *a: patches(*a)[..., ::-1, ::-1, :].reshape(6, 4)),
        ],
    ),
    example(
        "two channels", counting(1, 2, 3, 2), (2, 2),
        mistakes=[Mistake("channels-first", CHANNELS_FIRST, in_order(0, 1, 2, 5, 3, 4))],
    ),
    example(
        "two images, windows of 1 x 2", counting(2, 2, 3, 1), (1, 2),
        mistakes=[Mistake("images-last", IMAGES_LAST, in_order(1, 2, 0, 3, 4, 5))],
    ),
    example(
        "stride 2", counting(1, 4, 5, 1), (2, 2), stride=2,
        mistakes=[
            Mistake("stride-ignored", STRIDE, with_strides(rows=False, columns=False)),
            Mistake("stride-ignored", STRIDE, with_strides(rows=True, columns=False)),
            Mistake("stride-ignored", STRIDE, with_strides(rows=False, columns=True)),
        ],
    ),
    example(
        "padding 1", counting(1, 2, 2, 1), (2, 2), padding=1,
        mistakes=[
            Mistake("padding-at-one-end", AT_THE_END, padded_with((0, 2))),
            Mistake("padding-at-one-end", AT_THE_START, padded_with((2, 0))),
            Mistake("padding-not-zero", NO_ZEROS, padded_with((1, 1), "edge")),
        ],
    ),
    example("windows of 3 x 2, stride 2 and padding 1", counting(3, 7, 6, 2), (3, 2), stride=2, padding=1),
    example("a window as large as the image", counting(2, 3, 2, 3), (3, 2)),
    example("windows of one cell", counting(2, 3, 2, 3), (1, 1)),
    example("windows that leave cells out", counting(2, 8, 7, 1), (2, 1), stride=3),
    example("a transposed image", counting(2, 5, 4, 3).transpose(0, 2, 1, 3), (2, 3), padding=1),
    example("float32", counting(1, 3, 4, 2).astype(np.float32), (2, 2), padding=1),
]  # fmt: skip

EXERCISE = Exercise(
    title="im2col: windows as rows of a matrix",
    checks=[*SIZES, *EXAMPLES],
    hints=[
        """\
The idea. How far can the first window be moved before it sticks out, and how many strides is that? The first one
counts, too. For im2col, think of an array with six axes, (N, OH, OW, KH, KW, C): the numbers under window (i, j) of all
images at once are one slice of the padded images, with the axes (N, KH, KW, C). In the end, reshape joins axes.""",
        """\
The formula. The padded axis has size + 2 padding cells, so that a window can move by size + 2 padding - kernel of them:
so many // stride steps. Window (i, j) begins at row i stride and column j stride of the padded image, and ends KH rows
and KW columns further on.""",
        """\
Almost the code. np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0))) leaves the axes of images and
channels alone. Make columns = np.empty((N, OH, OW, KH, KW, C), x.dtype), fill columns[:, i, j] in two loops over i and
j, and return columns.reshape(N * OH * OW, KH * KW * C).""",
    ],
    derivation="""\
Window number i begins at cell i stride of the padded axis and ends before cell i stride + kernel. It lies inside if

    i stride + kernel <= size + 2 padding,        i <= (size + 2 padding - kernel) / stride         (4)

The largest whole i is the quotient rounded down, and since i begins with 0, the windows are one more:

    output_size = floor((size + 2 padding - kernel) / stride) + 1                                   (5)

For (3): an array of shape (N, OH, OW, KH, KW, C) lies in memory with its last axis counting fastest. Its reshape to two
axes moves nothing, and what was at (n, i, j, ki, kj, c) is at row (n OH + i) OW + j and column (ki KW + kj) C + c. That
the channels count fastest is no law. It suits images that lie in memory as (N, H, W, C): the KW C numbers of a kernel
row are copied in one piece. And weights of shape (KH, KW, C, F) become the matrix for exercise 6 by a reshape, too.

The matrix has up to KH KW times as many numbers as the image: 3 x 3 windows with stride 1 hold each number nine times.
That is the price for one large matrix product, which processors are best at. minicnn pays it in small change: it makes
the matrix for a few images at a time (minicnn/layers/columns.py). The extra exercise 18 makes it fast.""",
    builds_on=("01_dense",),
)
