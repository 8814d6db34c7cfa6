"""Exercise 8: max-pooling.

Of each window only the largest number goes on, in every channel by itself. With stride s and windows of
pool_size x pool_size,

    y[n, i, j, c] = max over ki, kj of x[n, i s + ki, j s + kj, c]                                  (1)

Windows of 2x2, stride 2:

    x             y           dy          dx
    1 5 | 2 0     5 4         10 20       . . . .
    3 2 | 4 1     8 7         30 40       . . . .
    ---------                             . . . .
    8 6 | 0 7                             . . . .
    0 1 | 3 2

Backward. Move one number of x a little: which number of y moves with it, and how fast? Fill in dx by hand first. For
the chain rule you must know, for every window, where its largest number was: only forward sees that.

Where stride < pool_size, windows overlap, and a number may be the largest of several. A window that holds its largest
number twice has one winner all the same, and gives dy away once: take the first in row-major order, as argmax does.

Write the two functions, then: minicnn exercises check 8
"""

import numpy as np

from minicnn.exercises.yours import output_size


def max_pool2d_forward(x: np.ndarray, pool_size: int, stride: int) -> tuple[np.ndarray, tuple]:
    """The largest number of each window, equation (1).

    Parameters
    ----------
    x : array, shape (N, H, W, C)
    pool_size : int
        Height and width of a window.
    stride : int
        Cells from one window to the next.

    Returns
    -------
    y : array, shape (N, OH, OW, C) and dtype of x
        OH = output_size(H, pool_size, stride, 0), OW likewise.
    cache : tuple
        Whatever your backward function will need; you decide.
    """
    # your code
    N, H, W, C = x.shape
    OH, OW = output_size(H, pool_size, stride, 0), output_size(W, pool_size, stride, 0)
    y = np.empty((N, OH, OW, C), x.dtype)
    winner = np.empty((N, OH, OW, C), int)
    for i in range(OH):
        for j in range(OW):
            top, left = i * stride, j * stride
            window = x[:, top : top + pool_size, left : left + pool_size].reshape(N, -1, C)
            y[:, i, j] = window.max(axis=1)
            winner[:, i, j] = window.argmax(axis=1)
    return y, (winner, x.shape, pool_size, stride)
    # end


def max_pool2d_backward(dy: np.ndarray, cache: tuple) -> np.ndarray:
    """Gradient by the chain rule.

    Parameters
    ----------
    dy : array, shape (N, OH, OW, C)
        dL/dy.
    cache : tuple
        What max_pool2d_forward returned.

    Returns
    -------
    dx : array, shape (N, H, W, C)
    """
    # your code
    winner, x_shape, pool_size, stride = cache
    N, OH, OW, C = dy.shape
    dx = np.zeros(x_shape, dy.dtype)
    n, c = np.ogrid[:N, :C]
    for i in range(OH):
        for j in range(OW):
            row, column = np.divmod(winner[:, i, j], pool_size)
            dx[n, i * stride + row, j * stride + column, c] += dy[:, i, j]
    return dx
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Condition, Exercise, Gradients, Mistake, Values, Wrong
from minicnn.reference import vectorized


def right_forward(x, pool_size, stride):
    """The library's, which takes options by name."""
    return vectorized.max_pool2d_forward(x, pool_size=pool_size, stride=stride)


def drawn(shape: tuple[int, ...], pool_size: int, stride: int, seed: int = 8) -> dict:
    """Arguments of max_pool2d_forward."""
    x = np.random.default_rng(seed).normal(size=shape)
    return {"x": x, "pool_size": pool_size, "stride": stride}


def pooled(title: str, *arguments) -> Gradients:
    """A gradient check."""
    pair = "max_pool2d_forward", "max_pool2d_backward"
    return Gradients(*pair, lambda: drawn(*arguments), title=title, hints="max_pool2d")


def gives_dy_once(yours) -> Wrong | None:
    """A window of equal numbers gives away its dy, not more: to one of them, or in shares."""
    y, cache = yours.max_pool2d_forward(np.ones((2, 4, 6, 2)), 2, 2)
    dy = 1 + np.arange(y.size, dtype=float).reshape(y.shape)
    dx = yours.max_pool2d_backward(dy, cache)
    given = dx.reshape(2, 2, 2, 3, 2, 2).sum(axis=(2, 4))
    if np.allclose(given, dy):
        return None
    seen = (
        f"In a window of four equal numbers dy is {dy[0, 0, 0, 0]:g}, and the four gradients sum to "
        f"{given[0, 0, 0, 0]:g}"
    )
    if given[0, 0, 0, 0] > dy[0, 0, 0, 0]:
        words = (
            "each equal maximum takes all of dy. There is one winner; x == maximum does not find just one, argmax does."
        )
        return Wrong("tie-double-counted", f"{seen}: {words}")
    return Wrong("tie-lost", f"{seen}: dy is lost. A window has a winner though its largest number comes twice.")


IMAGE = np.array([[1.0, 5.0, 2.0, 0.0], [3.0, 2.0, 4.0, 1.0], [-8.0, -6.0, 0.0, 7.0], [-9.0, -7.0, 3.0, 2.0]])
TWO_CHANNELS = np.stack([IMAGE, 10.0 - IMAGE[::-1]], axis=-1)

OF_MAXIMA = [
    Mistake(
        "average",
        "y holds the mean of each window: (1) asks for its largest number.",
        lambda x, pool_size, stride: vectorized.avg_pool2d_forward(x, pool_size=pool_size, stride=stride),
    ),
    Mistake(
        "minimum",
        "y holds the smallest number of each window: (1) asks for the largest.",
        lambda x, *options: (-right_forward(-x, *options)[0], None),
    ),
    Mistake(
        "zero-wins",
        "Where all numbers of a window are negative, y is 0, which is not among them. Does a maximum start from 0?",
        lambda x, *options: (np.maximum(right_forward(x, *options)[0], 0), None),
    ),
    Mistake(
        "stride-ignored",
        "The stride is ignored: window (i, j) begins at row i * stride and column j * stride, not at (i, j).",
        lambda x, pool_size, stride: (right_forward(x, pool_size, 1)[0][:, : x.shape[1] // 2, : x.shape[2] // 2], None),
    ),
    Mistake(
        "stride-ignored",
        "Windows lie one cell apart, as if the stride were 1: they begin `stride` cells apart.",
        lambda x, pool_size, stride: right_forward(x, pool_size, 1),
    ),
]
OF_CHANNELS = [
    Mistake(
        "channels-mixed",
        "y holds the largest number of all channels: (1) has a maximum for each channel by itself.",
        lambda x, *options: (right_forward(x.max(axis=3, keepdims=True) + 0 * x, *options)[0], None),
    ),
]
OF_OVERLAP = [
    Mistake(
        "window-as-large-as-the-stride",
        "The windows are stride x stride: they are pool_size x pool_size, and begin `stride` cells apart.",
        lambda x, pool_size, stride: (
            right_forward(x, stride, stride)[0][:, : (x.shape[1] - 1) // 2, : (x.shape[2] - 1) // 2],
            None,
        ),
    ),
    Mistake(
        "stride-ignored",
        "Windows lie side by side, as if the stride were pool_size: they begin `stride` cells apart, and may overlap.",
        lambda x, pool_size, stride: right_forward(x, pool_size, pool_size),
    ),
    Mistake(
        "window-over-the-edge",
        "Some windows of y reach over the edge of x: only those that lie on x with all their cells count. output_size "
        "says how many there are.",
        lambda x, pool_size, stride: vectorized.max_pool2d_forward(
            x, pool_size=pool_size, stride=stride, padding=((0, 1), (0, 1))
        ),
    ),
]


def example(title: str, x: np.ndarray, pool_size: int, stride: int, mistakes: list[Mistake]) -> Values:
    """An example of the forward pass."""
    arguments = {"x": x, "pool_size": pool_size, "stride": stride}
    return Values("max_pool2d_forward", arguments, right_forward, mistakes=mistakes, title=title)


EXERCISE = Exercise(
    title="max-pooling, forward and backward",
    checks=[
        example("forward: one image, one channel", IMAGE.reshape(1, 4, 4, 1), 2, 2, OF_MAXIMA),
        example("forward: two channels", TWO_CHANNELS[None], 2, 2, OF_CHANNELS),
        example("forward: overlapping windows", drawn((2, 8, 6, 2), 3, 2)["x"], 3, 2, OF_OVERLAP),
        pooled("windows side by side", (3, 4, 6, 2), 2, 2),
        pooled("overlapping windows", (3, 7, 5, 2), 3, 2),
        pooled("one image alone, gaps between windows", (1, 9, 6, 2), 2, 3),
        Condition("equal numbers", gives_dy_once),
        keeps_caches_apart(
            "max_pool2d_forward",
            "max_pool2d_backward",
            lambda: drawn((2, 4, 6, 2), 2, 2),
            lambda: drawn((2, 4, 6, 2), 2, 2, seed=9),
        ),
        keeps_float32("max_pool2d_forward", "max_pool2d_backward", lambda: drawn((2, 4, 6, 2), 2, 2)),
    ],
    hints=[
        """\
The idea. y is a copy of one number of the window, the winner; the others had no part in it. Moved a little, the winner
moves y by as much, the others move nothing: the derivative is 1 for the winner and 0 for the rest. So all of dy goes to
the winner's place. In the example the 10 goes to where the 5 stands.""",
        """\
The formula. With (r, t) for the row and the column of window (i, j)'s winner in x, in image n and channel c:
             dx[n, r, t, c] += dy[n, i, j, c]
Forward has to keep the winners. np.argmax tells the place in a window laid out as one row: place k is row
k // pool_size and column k % pool_size of the window, which itself begins at row i stride, column j stride.""",
        """\
Almost the code, forward. Loop over i and j. Take the window of all images and channels at once, x[:, rows, columns],
and reshape it to (N, pool_size^2, C). Its max along axis 1 is y[:, i, j], its argmax along axis 1 is winner[:, i, j].
Keep winner, the shape of x, pool_size and stride.""",
        """\
Almost the code, backward. dx begins as zeros of the shape of x. Loop over i and j; row, column = np.divmod(winner[:, i,
j], pool_size), both of shape (N, C). With n, c = np.ogrid[:N, :C], the entries dx[n, i stride + row, j stride + column,
c] are the winners of this window, one for each image and channel: add dy[:, i, j] to them. (Within one window no entry
comes twice, so that += adds; for all windows at once it has to be np.add.at.)""",
    ],
    derivation="""\
Let (r, t) be the winner of window (i, j) in image n and channel c, and no other number as large. Near this x,

    y[n, i, j, c] = x[n, r, t, c]                                                                   (2)

for a small move does not change who wins. So y has the derivative 1 by its winner and 0 by every other number, and

    dx[n, r, t, c] = sum of dy[n, i, j, c] over all windows (i, j) that (r, t) wins                 (3)

Going through the windows and adding each dy at its winner sums the same terms. Numbers that win nowhere get 0: most of
them. Where two numbers tie, the maximum has a bend, as ReLU has at 0, and no derivative: then any split of dy among the
winners would do, as long as it is dy that is split. argmax takes the first.""",
    builds_on=("05_im2col",),
)
