"""Exercise 16, an extra: depthwise convolution.

A filter of exercise 6 sees all channels at once. A depthwise convolution has one small filter for each channel, and the
channels stay apart:

    y[n, i, j, c] = b[c] + sum over ki, kj of  xp[n, i s + ki, j s + kj, c]  w[ki, kj, c]           (1)

with xp for x and its padding, s for the stride. It has C times fewer weights and products than a convolution from C to
C channels; networks for telephones are built of such layers, with convolutions of 1x1 between them to mix the channels.

im2col serves here too. A row of columns runs through (ki, kj, c): with two channels a and b under a window of 2x2,

    a00 b00 a01 b01 a10 b10 a11 b11

Give this row the shape that puts each channel into a column of its own, and (1) is a product entry by entry, and a sum.
There is no sum over channels, and so no matrix product.

Backward. Which outputs depend on x[n, r, t, c], on w[ki, kj, c], on b[c]? None of another channel. The last step to dx
is your col2im.

Write the two functions, then: minicnn exercises check 16
"""

import numpy as np

from minicnn.exercises.yours import col2im, im2col, output_size


def depthwise_conv2d_forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, padding: int = 0
) -> tuple[np.ndarray, tuple]:
    """Slide one filter over each channel, equation (1).

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    w : array, shape (KH, KW, C)
    b : array, shape (C,)
    stride : int
        Cells from one window to the next.
    padding : int
        Rows and columns of zeros on each side.

    Returns
    -------
    y : array, shape (N, OH, OW, C) and dtype of x
    cache : tuple
        Whatever your backward function will need; you decide.
    """
    # your code
    N, H, W, C = x.shape
    KH, KW, _ = w.shape
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    patches = im2col(x, (KH, KW), stride, padding).reshape(-1, KH * KW, C)
    rows = (patches * w.reshape(KH * KW, C)).sum(axis=1) + b
    return rows.reshape(N, OH, OW, C), (patches, w, x.shape, stride, padding)
    # end


def depthwise_conv2d_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients by the chain rule.

    Parameters
    ----------
    dy : array, shape (N, OH, OW, C)
        dL/dy.
    cache : tuple
        What depthwise_conv2d_forward returned.

    Returns
    -------
    dx : array, shape (N, H, W, C)
    dw : array, shape (KH, KW, C)
    db : array, shape (C,)
    """
    # your code
    patches, w, x_shape, stride, padding = cache
    KH, KW, C = w.shape
    drows = dy.reshape(-1, 1, C)
    dpatches = drows * w.reshape(KH * KW, C)
    dx = col2im(dpatches.reshape(-1, KH * KW * C), x_shape, (KH, KW), stride, padding)
    dw = (drows * patches).sum(axis=0).reshape(w.shape)
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Exercise, Gradients, Mistake, Values
from minicnn.reference import vectorized


def right_forward(x, w, b, stride=1, padding=0):
    """The library's convolution with as many groups as channels."""
    options = {"stride": stride, "padding": padding, "groups": len(b)}
    return vectorized.conv2d_forward(x, w[:, :, None], b, **options)


def drawn(x: tuple[int, ...], kernel: tuple[int, int], seed: int = 16) -> dict[str, np.ndarray]:
    """Arguments of depthwise_conv2d_forward."""
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=x), "w": rng.normal(size=(*kernel, x[3])), "b": rng.normal(size=x[3])}


def channels_taken_first(x, w, b):
    """The wrong pass that takes a row of columns for (c, ki, kj)."""
    N, OH, OW, C = right_forward(x, w, b)[0].shape
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    patches = windows.reshape(N, OH, OW, C, -1)
    return np.einsum("nijcq,qc->nijc", patches, w.reshape(-1, C)) + b, None


EXAMPLE = {
    "x": (np.arange(18.0) % 5).reshape(1, 3, 3, 2),
    "w": np.array([[[1.0, 0.0], [2.0, 1.0]], [[0.0, 3.0], [4.0, -1.0]]]),
    "b": np.array([100.0, 200.0]),
}
MIXED = "Channels are summed: by (1) channel c of y is made of channel c of x alone, there is no sum over c."
OF_CHANNELS = [
    Mistake("bias-missing", "The bias b is not added.", lambda x, w, b: right_forward(x, w, 0 * b)),
    Mistake(
        "channels-mixed",
        MIXED,
        lambda x, w, b: vectorized.conv2d_forward(x, np.repeat(w[..., None], len(b), axis=3), b),
    ),
    Mistake(
        "channels-mixed",
        MIXED,
        lambda x, w, b: vectorized.conv2d_forward(x, np.repeat(w[:, :, None], len(b), axis=2), b),
    ),
    Mistake(
        "channels-mixed",
        "All channels have the filter of the first: channel c has its own, w[:, :, c].",
        lambda x, w, b: right_forward(x, w[..., :1] + 0 * w, b),
    ),
    Mistake(
        "order-scrambled",
        "Channels and places of the window are mixed up: a row of columns runs through (ki, kj, c), and c changes "
        "fastest. A reshape to channels first cuts it elsewhere.",
        channels_taken_first,
    ),
    Mistake(
        "flipped-kernel",
        "The kernel is turned by 180 degrees: (1) multiplies the first pixel of the patch by the first weight.",
        lambda x, w, b: right_forward(x, w[::-1, ::-1], b),
    ),
]
OF_WINDOWS = [
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
PAIR = "depthwise_conv2d_forward", "depthwise_conv2d_backward"


def convolved(title: str, x: tuple[int, ...], kernel: tuple[int, int], **options) -> Gradients:
    """A gradient check."""
    return Gradients(*PAIR, drawn(x, kernel), title=title, options=options, hints="conv2d")


EXERCISE = Exercise(
    title="depthwise convolution, forward and backward",
    checks=[
        Values(PAIR[0], EXAMPLE, right_forward, mistakes=OF_CHANNELS, title="forward: two channels"),
        Values(
            PAIR[0],
            drawn((2, 5, 4, 3), (3, 2)),
            right_forward,
            mistakes=OF_WINDOWS,
            options={"stride": 2, "padding": 1},
            title="forward: stride 2 and padding 1",
        ),
        convolved("overlapping windows", (3, 5, 4, 2), (3, 2)),
        convolved("stride 2 and padding 1", (3, 5, 4, 2), (2, 3), stride=2, padding=1),
        convolved("one image alone, one channel", (1, 4, 3, 1), (2, 3)),
        keeps_caches_apart(*PAIR, lambda: drawn((2, 4, 3, 2), (2, 2)), lambda: drawn((2, 4, 3, 2), (2, 2), seed=17)),
        keeps_float32(*PAIR, lambda: drawn((2, 4, 3, 2), (2, 2))),
    ],
    hints=[
        """\
The idea. For one channel this is a convolution from one channel to one, and all channels do the same side by side. So
keep the channels as the last axis of everything, and use products entry by entry, which leave them apart, followed by
sums over the places of the window or over the windows.""",
        """\
The formula. With p for a row of columns, (n, i, j), and q for a place of the window, (ki, kj):
             y[p, c]         = b[c] + sum over q of patches[p, q, c] w[q, c]
             dpatches[p, q, c] = dy[p, c] w[q, c]
             dw[q, c]        = sum over p of dy[p, c] patches[p, q, c]
             db[c]           = sum over p of dy[p, c]""",
        """\
Almost the code. patches: im2col reshaped to (-1, KH KW, C). Forward: times w reshaped to (KH KW, C), summed along axis
1, plus b, reshaped to (N, OH, OW, C). Backward: dy reshaped to (-1, 1, C), so that it meets every place of its window;
times w that is dpatches, and col2im wants them as (-1, KH KW C); times patches, summed along axis 0, it is dw.""",
    ],
    derivation="""\
In y[p, c] = b[c] + sum over q of patches[p, q, c] w[q, c], the output (p, c) depends on patches[p, q, c] with the
derivative w[q, c], on w[q, c] with the derivative patches[p, q, c], and on b[c] with 1. Of the sums of the chain rule

    dpatches[p, q, c] = dy[p, c] w[q, c]                   one output only: no sum is left          (2)
    dw[q, c] = sum over p of dy[p, c] patches[p, q, c]     every window uses w[q, c]                (3)
    db[c] = sum over p of dy[p, c]                                                                  (4)

remain, and dx = col2im(dpatches), as in exercise 7: a pixel collects from all windows that cover it. Compare (2) with
dcolumns = drows W^T there: the sum over filters is gone, since only one filter looks at each channel.""",
    builds_on=("05_im2col", "07_convolution_backward"),
    extra=True,
)
