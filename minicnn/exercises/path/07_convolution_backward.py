"""Exercise 7: convolution, backward.

Exercise 6 went from x to y in three steps. The gradient goes back through them, last step first:

    x   -- im2col -->   columns   -- columns W + b -->   rows   -- reshape -->   y
    dx  <-- col2im --   dcolumns  <-- dense backward --  drows  <-- reshape --   dy

Two of the three you have already: a reshape only renames places, and the step in the middle is the dense layer of
exercise 1. New is col2im, the backward pass of im2col. What has im2col done? It has copied. Here windows of 2x2 slide
over an image whose pixels are numbered from 0 to 8, and each window has become a row:

    image        columns
    0 1 2        0 1 3 4
    3 4 5        1 2 4 5
    6 7 8        3 4 6 7
                 4 5 7 8

Pixel 0 was copied once, pixel 1 twice, pixel 4 into every row. With dcolumns = dL/dcolumns of the same shape,

    dL/dx[pixel] = sum over all copies of  dL/dcopy  times  d copy / d pixel                        (1)

and you know how fast a copy grows with its pixel. To find the copies of a pixel would be a search; it is easier to go
through the copies, of which you know where each came from. If all of dcolumns is 1, dx counts copies:

    dcolumns     dx
    1 1 1 1      1 2 1
    1 1 1 1      2 4 2
    1 1 1 1      1 2 1
    1 1 1 1

Window (i, j) began at row i stride and column j stride of the padded image. dx is for the image without its padding.

In conv2d_backward the cache is that of your own conv2d_forward: change exercise 6 if something is missing in it.

All arrays that come in have one dtype, float64 or float32, and so has what you return.

Write the two functions, then: minicnn exercises check 7
"""

import numpy as np

from minicnn.exercises.yours import conv2d_forward, dense_backward, output_size


def col2im(
    dcolumns: np.ndarray, x_shape: tuple[int, int, int, int], kernel_size: tuple[int, int], stride: int, padding: int
) -> np.ndarray:
    """Bring the gradient of each copied pixel back to the pixel, equation (1).

    Parameters
    ----------
    dcolumns : array, shape (N OH OW, KH KW C)
        dL/dcolumns, for columns = im2col(x, kernel_size, stride, padding).
    x_shape : (N, H, W, C)
    kernel_size : (KH, KW)
    stride, padding : int

    Returns
    -------
    dx : array, shape (N, H, W, C)
    """
    # your code
    N, H, W, C = x_shape
    KH, KW = kernel_size
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    patches = dcolumns.reshape(N, OH, OW, KH, KW, C)
    padded = np.zeros((N, H + 2 * padding, W + 2 * padding, C), dcolumns.dtype)
    for i in range(OH):
        for j in range(OW):
            top, left = i * stride, j * stride
            padded[:, top : top + KH, left : left + KW] += patches[:, i, j]
    return padded[:, padding : padding + H, padding : padding + W]
    # end


def conv2d_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a convolution: the three steps backward.

    Parameters
    ----------
    dy : array, shape (N, OH, OW, F)
        dL/dy.
    cache : tuple
        What your conv2d_forward returned.

    Returns
    -------
    dx : array, shape (N, H, W, C)
    dw : array, shape (KH, KW, C, F)
    db : array, shape (F,)
    """
    # your code
    dense_cache, x_shape, w_shape, stride, padding = cache
    drows = dy.reshape(-1, dy.shape[3])
    dcolumns, dw, db = dense_backward(drows, dense_cache)
    dx = col2im(dcolumns, x_shape, w_shape[:2], stride, padding)
    return dx, dw.reshape(w_shape), db
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Exercise, Gradients, Mistake, Values
from minicnn.gradcheck.operations.windows import Windows
from minicnn.reference import vectorized
from minicnn.reference.geometry import lay_windows


def right_col2im(dcolumns, x_shape, kernel_size, stride, padding):
    """The library's col2im, which has groups as a further axis."""
    return vectorized.col2im(dcolumns[None], x_shape, lay_windows(x_shape[1:3], kernel_size, stride, padding))


def taken_for(*axes: int):
    """The wrong pass that reshapes dcolumns to these axes of (N, OH, OW, KH, KW, C), and then transposes."""

    def wrong(dcolumns, x_shape, kernel_size, stride, padding):
        output = lay_windows(x_shape[1:3], kernel_size, stride, padding).output
        shape = (x_shape[0], *output, *kernel_size, x_shape[3])
        patches = dcolumns.reshape([shape[a] for a in axes]).transpose(np.argsort(axes))
        return right_col2im(patches.reshape(dcolumns.shape), x_shape, kernel_size, stride, padding)

    return wrong


def placed(place):
    """The wrong pass in which `place` brings patches, (N, OH OW, KH KW, C), to the image."""

    def wrong(dcolumns, x_shape, kernel_size, stride, padding):
        laid = lay_windows(x_shape[1:3], kernel_size, stride, padding)
        windows = Windows(laid.image, laid.kernel, laid.output, laid.stride, laid.dilation, (padding, padding))
        patches = dcolumns.reshape(x_shape[0], np.prod(laid.output), np.prod(kernel_size), x_shape[3])
        return place(windows, patches).reshape(x_shape)

    return wrong


def averaged(dcolumns, *options):
    """Gradients divided by the number of copies."""
    return right_col2im(dcolumns, *options) / np.maximum(right_col2im(np.ones_like(dcolumns), *options), 1)


def not_cropped(dcolumns, x_shape, kernel_size, stride, padding):
    """The gradient of the padded image."""
    N, H, W, C = x_shape
    return right_col2im(dcolumns, (N, H + 2 * padding, W + 2 * padding, C), kernel_size, stride, 0)


SCRAMBLED_PLACES = (
    "Places within a patch are mixed up. A row of dcolumns runs through (ki, kj, c), as im2col wrote it: give reshape "
    "the axes in this order, and none has to be moved."
)
SCRAMBLED_ROWS = (
    "Windows are mixed up. The rows of dcolumns run through (n, i, j), as im2col wrote them: give reshape the axes in "
    "this order, and none has to be moved."
)
OF_COPIES = [
    Mistake(
        "cropped-to-nothing",
        "Nothing is left of the image. With padding 0, [padding:-padding] is [0:-0], and -0 is 0: an empty slice. "
        "Say where the image ends by its height and width.",
        lambda dcolumns, x_shape, *options: np.zeros((x_shape[0], 0, 0, x_shape[3])),
    ),
    Mistake(
        "overwritten",
        "Overlapping windows overwrite each other: of a pixel's copies only the last window's counts. By (1) the "
        "gradients of all copies add up.",
        placed(lambda windows, patches: windows.crop(windows.overwrite(patches, offsets_outside=False))),
    ),
    Mistake(
        "overwritten",
        "Places of the window overwrite each other: of a pixel's copies only the last place's counts. By (1) the "
        "gradients of all copies add up.",
        placed(lambda windows, patches: windows.crop(windows.overwrite(patches, offsets_outside=True))),
    ),
    Mistake(
        "averaged",
        "The gradients of a pixel's copies are averaged: (1) is their sum, whatever their number.",
        averaged,
    ),
    Mistake(
        "flipped-kernel",
        "Each patch is turned by 180 degrees. Here nothing turns: the first place of a patch goes to the first pixel "
        "of its window. A turned kernel belongs to another way to write dx, without col2im.",
        placed(lambda windows, patches: windows.crop(windows.scatter(patches[:, :, ::-1]))),
    ),
    Mistake("order-scrambled", SCRAMBLED_PLACES, taken_for(0, 1, 2, 4, 3, 5)),
    Mistake("order-scrambled", SCRAMBLED_ROWS, taken_for(0, 2, 1, 3, 4, 5)),
]
OF_STRIDE = [
    Mistake(
        "stride-ignored",
        "The stride is ignored: window (i, j) began at row i * stride and column j * stride, not at (i, j).",
        placed(lambda windows, patches: windows.crop(windows.scatter(patches, windows.index_of((1, 1), (1, 1))))),
    ),
]
OF_PADDING = [
    Mistake(
        "shifted",
        "The padding is cropped at the wrong side: all of it at the end. It lay on all four sides, so that the image "
        "begins `padding` rows and columns from the corner.",
        placed(lambda windows, patches: windows.crop(windows.scatter(patches), start=(0, 0))),
    ),
    Mistake(
        "shifted",
        "The padding is cropped at the wrong side: all of it at the beginning. It lay on all four sides, so that the "
        "image begins `padding` rows and columns from the corner.",
        placed(lambda windows, patches: windows.crop(windows.scatter(patches), start=(2, 2))),
    ),
    Mistake(
        "not-cropped",
        "The result still has its padding. What arrives at the zeros around x is nobody's gradient: cut x out.",
        not_cropped,
    ),
]
OF_ORDER = [
    Mistake("order-scrambled", SCRAMBLED_PLACES, taken_for(0, 1, 2, 5, 3, 4)),
    Mistake("order-scrambled", SCRAMBLED_ROWS, taken_for(1, 2, 0, 3, 4, 5)),
]


def columns_for(x_shape, kernel_size, stride, padding) -> dict:
    """Arguments of col2im, with the numbers 1, 2, 3, ... as dcolumns."""
    output = lay_windows(x_shape[1:3], kernel_size, stride, padding).output
    rows, places = x_shape[0] * np.prod(output), np.prod(kernel_size) * x_shape[3]
    return {
        "dcolumns": np.arange(1.0, 1 + rows * places).reshape(rows, places),
        "x_shape": x_shape,
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
    }


def scattered(title, mistakes, *options) -> Values:
    """An example for col2im."""
    return Values("col2im", columns_for(*options), right_col2im, returns=("dx",), mistakes=mistakes, title=title)


def drawn(x: tuple[int, ...], w: tuple[int, ...], seed: int = 7) -> dict[str, np.ndarray]:
    """Arguments of conv2d_forward."""
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=x), "w": rng.normal(size=w), "b": rng.normal(size=w[3])}


def convolved(title, x, w, **options) -> Gradients:
    """A gradient check."""
    return Gradients("conv2d_forward", "conv2d_backward", drawn(x, w), title=title, options=options, hints="conv2d")


EXERCISE = Exercise(
    title="convolution, backward",
    checks=[
        scattered("col2im: the image of 3x3", OF_COPIES, (1, 3, 3, 1), (2, 2), 1, 0),
        scattered("col2im: stride 2", OF_STRIDE, (1, 5, 4, 1), (3, 2), 2, 0),
        scattered("col2im: padding 1", OF_PADDING, (1, 3, 2, 1), (3, 2), 1, 1),
        scattered("col2im: images and channels", OF_ORDER, (2, 2, 3, 3), (2, 2), 1, 0),
        convolved("overlapping windows", (3, 5, 4, 2), (3, 2, 2, 3)),
        convolved("stride 2", (2, 6, 7, 2), (3, 2, 2, 3), stride=2),
        convolved("stride 2 and padding 1", (3, 5, 4, 2), (2, 3, 2, 3), stride=2, padding=1),
        convolved("one image alone, one channel, one filter", (1, 4, 3, 1), (2, 3, 1, 1)),
        keeps_caches_apart(
            "conv2d_forward",
            "conv2d_backward",
            lambda: drawn((2, 3, 4, 2), (2, 2, 2, 3)),
            lambda: drawn((2, 3, 4, 2), (2, 2, 2, 3), seed=8),
        ),
        keeps_float32("conv2d_forward", "conv2d_backward", lambda: drawn((2, 3, 4, 2), (2, 2, 2, 3))),
    ],
    hints=[
        """\
The idea. im2col has copied pixels into rows, and a copy grows as fast as its pixel: d copy / d pixel = 1. So by (1) the
gradient of a pixel is the sum of its copies' gradients. You need not look for the copies of a pixel. Go through the
windows as im2col did, with the arrow turned round: it read a window of the image into a row, you bring the row back to
the window. Where windows overlap, a pixel gets something from each of them.""",
        """\
The formula. With dxp for the gradient of the padded image, all zeros at first: for every window (i, j), every ki, kj, c
             dxp[n, i stride + ki, j stride + kj, c]  +=  dcolumns[(n, i, j), (ki, kj, c)]
and dx is the part of dxp that the image takes up: H rows from row `padding` on, W columns from column `padding` on.""",
        """\
Almost the code, col2im. Reshape dcolumns to (N, OH, OW, KH, KW, C); OH and OW come from output_size. Make zeros of the
shape (N, H + 2 padding, W + 2 padding, C). In two loops over i and j, take the window: rows i stride to i stride + KH,
columns j stride to j stride + KW, of all images and channels at once. Add to it (+=) the patch (i, j), which has the
shape (N, KH, KW, C). After the loops, cut out the image.""",
        """\
The idea of conv2d_backward. Undo three steps, last first. Forward's last step reshaped rows of shape (N OH OW, F) to y:
so dy reshaped to that is drows. Before it stood a dense layer, with columns for its x and the matrix W for its w: what
does its backward pass give for these two and for b? You have written it in exercise 1. Its first result is what col2im
is for; its second has the shape of the matrix, not yet that of w.""",
        """\
Almost the code, conv2d_backward. In four lines:
    drows: dy reshaped to (-1, F)
    dcolumns, dW, db: your dense_backward(drows, what your dense_forward kept), or by hand
        dcolumns = drows W^T,   dW = columns^T drows,   db = drows summed over its rows
    dx: col2im(dcolumns, shape of x, (KH, KW), stride, padding)
    dw: dW reshaped to (KH, KW, C, F)
There is no division by N: the loss has averaged over the batch already.""",
    ],
    derivation="""\
columns[p, q] is a copy of one pixel of the padded image: with p = (n, i, j) and q = (ki, kj, c), of

    xp[n, i s + ki, j s + kj, c]                                                                    (2)

Let S(n, r, t, c) be the set of all (p, q) that (2) takes from pixel (n, r, t, c). A copy has the derivative 1, so that

    dxp[n, r, t, c] = sum over (p, q) in S(n, r, t, c) of dcolumns[p, q]                            (3)

Going through all (p, q) and adding each to its pixel sums the same terms, and needs no S. That is col2im. It is the
transpose of im2col: im2col is linear, columns = A x with a matrix A of zeros and ones, and col2im multiplies with A^T.
So, for any d of the shape of columns, sum(im2col(x) d) = sum(x col2im(d)): a way to test the two without any gradient.

The rest is exercise 1. In rows = columns W + b,

    dcolumns = drows W^T,      dW = columns^T drows,      db[f] = sum over p of drows[p, f]         (4)

The rows p run through images and positions: a weight is used at every position of every image, and collects from all.

Put (4) into (3) and sort by pixels, at stride 1: dxp[r, t] = sum over ki, kj of dy[r - ki, t - kj] w[ki, kj]^T, with
zeros around dy. The minus signs turn the kernel: dxp is a convolution of dy with w turned by 180 degrees, its channels
and filters swapped. That is the other way to write this exercise. At stride 2 it needs zeros between the numbers of dy
as well; col2im does not care.""",
    builds_on=("01_dense", "05_im2col", "06_convolution_forward"),
)
