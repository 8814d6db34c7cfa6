"""Exercise 18, an extra: im2col as a kernel of your own, faster than NumPy.

A Python loop takes a tenth of a microsecond or more to copy one number, NumPy's own loops, written in C, a hundredth of
that. But NumPy has only the loops that somebody has written before. Numba translates a Python function into machine
code, at its first call, and its loops are as fast as C then. It wants what NumPy made you forget: loops over indices.

Your kernel copies the numbers under all windows, as in exercise 5, with one index for each axis:

    columns[n, i, j, ki, kj, c] = padded[n, i stride + ki, j stride + kj, c]                        (1)

`fast_im2col` below makes the arrays and calls it. Being right is the smaller part. It is measured on 32 grey images of
28 x 28 with windows of 3 x 3, and must be 1.5 times as fast as NumPy's best way, which copies a view of all windows in
one go (minicnn/reference/vectorized.py). NumPy is good at that: six loops in the order of (1) will hardly do. Consider:
  - An innermost loop that ends after one or three numbers costs more than the numbers. Which of the six are long? (2)
  - Memory comes to the processor in lines of 64 bytes, 16 numbers of float32. Of the loops that are long, which one
    goes through both arrays in small steps?                                                                      (3)

A wrong index in compiled code is not noticed: it reads or writes somewhere else in memory. Your kernel is therefore
tried in plain Python first. You can do so, too: copy_patches.py_func is the function as it was before Numba.

Write the kernel, then: minicnn exercises check 18
"""

import numpy as np
from numba import njit

from minicnn.exercises.yours import output_size


@njit
def copy_patches(padded: np.ndarray, columns: np.ndarray, stride: int) -> None:
    """Write the numbers under each window into `columns`, equation (1).

    Parameters
    ----------
    padded : array, shape (N, H + 2 padding, W + 2 padding, C)
        Row by row in memory.
    columns : array, shape (N, OH, OW, KH, KW, C)
        Written to: all of it. What it holds before means nothing.
    stride : int
    """
    # your code
    N, OH, OW, KH, KW, C = columns.shape
    for n in range(N):
        for i in range(OH):
            for ki in range(KH):
                for kj in range(KW):
                    for c in range(C):
                        for j in range(OW):
                            columns[n, i, j, ki, kj, c] = padded[n, i * stride + ki, j * stride + kj, c]
    # end


def fast_im2col(x: np.ndarray, kernel_size: tuple[int, int], stride: int, padding: int) -> np.ndarray:
    """What im2col of exercise 5 returns, by your kernel."""
    N, H, W, C = x.shape
    KH, KW = kernel_size
    OH, OW = output_size(H, KH, stride, padding), output_size(W, KW, stride, padding)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    columns = np.empty((N, OH, OW, KH, KW, C), x.dtype)
    copy_patches(padded, columns, stride)
    return columns.reshape(N * OH * OW, KH * KW * C)


# ==== The checker's part: not in the learner's file ====

import statistics
import time

import numba
from numba.extending import is_jitted

from minicnn.exercises.compare import compare
from minicnn.exercises.exercise import Condition, Exercise, Mistake, Values, Wrong
from minicnn.reference import vectorized
from minicnn.reference.geometry import lay_windows

ENOUGH = 1.5  # times as fast as NumPy
ROUNDS, ATTEMPTS = 31, 3


def right_columns(x, kernel_size, stride, padding):
    """The library's way with NumPy, which is the one to beat."""
    windows = lay_windows(x.shape[1:3], kernel_size, stride, padding)
    return vectorized.im2col(vectorized.pad(x, windows), windows, groups=1)[0]


def with_kernel(kernel, x, kernel_size, stride, padding):
    """im2col by a kernel; what it does not write is NaN."""
    windows = lay_windows(x.shape[1:3], kernel_size, stride, padding)
    columns = np.full((len(x), *windows.output, *kernel_size, x.shape[3]), np.nan, x.dtype)
    kernel(np.array(vectorized.pad(x, windows)), columns, stride)  # a copy, for kernels that write the wrong way
    return columns.reshape(right_columns(x, kernel_size, stride, padding).shape)


def copying(place):
    """A mistake's function: the number copied lies elsewhere, at the place for these indices and this stride."""

    def kernel(padded, columns, stride):
        for index in np.ndindex(columns.shape):
            columns[index] = padded[place(*index, stride)]

    return lambda *arguments: with_kernel(kernel, *arguments)


def dilated(n, i, j, ki, kj, c, stride):
    """The stride within the window."""
    return n, i + stride * ki, j + stride * kj, c


def medians(*functions) -> list[float]:
    """Median seconds of each, measured in turn, so that what else the machine does meets all of them."""
    seconds = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, taken in zip(functions, seconds, strict=True):
            start = time.perf_counter()
            function()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in seconds]


def counting(*shape: int) -> np.ndarray:
    """1, 2, 3, ... in this shape, as float32."""
    return np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)


def example(title: str, x: np.ndarray, kernel_size, stride=1, padding=0, mistakes=()) -> Values:
    """fast_im2col by its numbers."""
    arguments = {"x": x, "kernel_size": kernel_size, "stride": stride, "padding": padding}
    return Values("fast_im2col", arguments, right_columns, ("columns",), mistakes, title)


NO_STRIDE = "Your windows lie one cell apart. By (1) they lie `stride` cells apart."
STRIDE_INSIDE = "The stride is between the cells of a window. By (1) it is between the windows."
SWAPPED = "ki goes to the right and kj down. By (1) it is the other way round."
EXAMPLES = [
    example(
        "an image of 3 x 4, windows of 2 x 2", counting(1, 3, 4, 1), (2, 2),
        mistakes=[Mistake("swapped-cells", SWAPPED, copying(lambda n, i, j, ki, kj, c, d: (n, i + kj, j + ki, c)))],
    ),
    example(
        "stride 2", counting(1, 5, 7, 1), (2, 2), stride=2,
        mistakes=[
            Mistake("stride-ignored", NO_STRIDE, copying(lambda n, i, j, ki, kj, c, d: (n, i + ki, j + kj, c))),
            Mistake("stride-inside", STRIDE_INSIDE, copying(dilated)),
        ],
    ),
    example("two images of two channels, windows of 2 x 3, padding 1", counting(2, 4, 5, 2), (2, 3), padding=1),
]  # fmt: skip


def in_plain_python(yours) -> Wrong | None:
    """The same kernel without Numba: NumPy notices an index that is too large."""
    kernel = getattr(yours.copy_patches, "py_func", yours.copy_patches)
    for check in EXAMPLES:
        arguments = check.arguments.values()
        columns, expected = with_kernel(kernel, *arguments), right_columns(*arguments)
        untouched = np.isnan(columns)
        if untouched.any():
            return Wrong(
                "not-all-written",
                f"For {check.title}, {np.count_nonzero(untouched)} of {columns.size} numbers are not written, or only "
                "added to what was there before.",
            )
        problem = compare(columns, expected, check, lambda function, arguments=arguments: function(*arguments))
        if problem is not None:
            return Wrong(problem.code, f"For {check.title}:\n{problem.message}")
    return None


def is_fast(yours) -> Wrong | str:
    """Faster than NumPy, by a margin that noise does not reach."""
    if numba.config.DISABLE_JIT:
        return Wrong(
            "jit-disabled", "NUMBA_DISABLE_JIT is set, and nothing is compiled. Unset that environment variable."
        )
    if not is_jitted(yours.copy_patches):
        return Wrong("not-compiled", "copy_patches is plain Python. Put @njit back, in the line above its def.")
    arguments = np.random.default_rng(18).normal(size=(32, 28, 28, 1)).astype(np.float32), (3, 3), 1, 1
    for _ in range(ATTEMPTS):
        taken, numpys = medians(lambda: yours.fast_im2col(*arguments), lambda: right_columns(*arguments))
        told = (
            f"fast_im2col takes {1e3 * taken:.2f} ms, NumPy {1e3 * numpys:.2f} ms: {numpys / taken:.1f} times as fast"
        )
        if numpys >= ENOUGH * taken:
            return f"{told}."
    return Wrong("not-faster", f"{told}, and should be {ENOUGH} times. All numbers are right: now for (2) and (3).")


EXERCISE = Exercise(
    title="im2col as a Numba kernel, faster than NumPy",
    checks=[Condition("in plain Python", in_plain_python), *EXAMPLES, Condition("faster than NumPy", is_fast)],
    hints=[
        """\
The idea. (1) is right in any order of the six loops, and the order decides how fast it is. Write them in the order of
the indices first, see it pass all but the last check, then move loops. Each entry into a loop costs something: what is
best for the innermost one, a loop of 1, of 3 or of 28 steps?""",
        """\
The formula. When an index grows by one, the place in memory moves by so many numbers:

    index        in columns             in padded
    n            OH OW KH KW C          (H + 2 padding) (W + 2 padding) C
    i            OW KH KW C             stride (W + 2 padding) C
    j            KH KW C                stride C

With windows of 3 x 3 and one channel, n, i and j are the long loops. Which of them makes the smallest steps?""",
        """\
Almost the code. N, OH, OW, KH, KW, C = columns.shape; then six loops in the order n, i, ki, kj, c, j, and (1) as their
only line.""",
    ],
    derivation="""\
In the order of (1) the innermost loop, over C = 1, is entered for every number, and that takes longer than to copy it.
With j innermost a loop runs over 28 numbers; in padded they lie side by side, and in columns 9 numbers apart, two in a
line of memory. The two orders, measured where this was written: 1.1 and 3.3 times as fast as NumPy.

The best order depends on the shape. With 32 channels, c is a long loop whose numbers lie side by side in both arrays:
it belongs innermost. But then NumPy's inner loop is long, too, and there is nothing left to gain. So minicnn itself has
no kernel here (minicnn/layers/columns.py): where channels are few it lets NumPy write the matrix column by column, with
whole image rows as the inner loop, and everywhere else row by row.""",
    builds_on=("05_im2col",),
    extra=True,
    seconds=60,
)
