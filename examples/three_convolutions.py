"""Three ways to write one convolution
===================================

A convolution is one line of mathematics: each output is a sum over the patch below it, once for every filter::

    y[n, i, j, f]  =  sum over ki, kj, c of  x[n, i + ki, j + kj, c]  w[ki, kj, c, f]

Below it is written as loops, as a matrix product of NumPy, and as loops again that Numba compiles; then timed, on the
machine where this page was built. All of them add the same numbers. Run it: ``python examples/three_convolutions.py``
"""

import argparse
import timeit

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import sliding_window_view

from minicnn.functional import conv2d_forward
from minicnn.kernels import parallel

# %%
# **Loops**: the equation, letter by letter. Nobody can doubt it. Python needs a tenth of a microsecond for each step of
# the innermost loop, a hundred times as long as the multiplication in it.


def by_loops(x, w):
    N, H, W, C = x.shape
    KH, KW, _, F = w.shape
    y = np.zeros((N, H - KH + 1, W - KW + 1, F), x.dtype)
    for n in range(N):
        for i in range(H - KH + 1):
            for j in range(W - KW + 1):
                for f in range(F):
                    for ki in range(KH):
                        for kj in range(KW):
                            for c in range(C):
                                y[n, i, j, f] += x[n, i + ki, j + kj, c] * w[ki, kj, c, f]
    return y


# %%
# **NumPy**: write each patch as a row of a matrix, and all sums are one matrix product, which runs in a library that
# people have polished for forty years. The price is the copy: with 3 x 3 windows every pixel is written nine times.


def by_numpy(x, w):
    KH, KW, C, F = w.shape
    patches = sliding_window_view(x, (KH, KW), axis=(1, 2))  # (N, OH, OW, C, KH, KW): a view, nothing is copied
    columns = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, KH * KW * C)  # here it is
    return (columns @ w.reshape(-1, F)).reshape(*patches.shape[:3], F)


# %%
# **Numba**: the loops once more, compiled. Not a letter has to change, but the order matters. In the second function f
# runs innermost: neighbouring filters lie side by side in w and in y, and the processor adds eight of them at once.

compiled = njit(by_loops)


@njit(fastmath=True)
def filters_innermost(x, w):
    N, H, W, C = x.shape
    KH, KW, _, F = w.shape
    y = np.zeros((N, H - KH + 1, W - KW + 1, F), x.dtype)
    for n in range(N):
        for i in range(H - KH + 1):
            for j in range(W - KW + 1):
                for ki in range(KH):
                    for kj in range(KW):
                        for c in range(C):
                            for f in range(F):
                                y[n, i, j, f] += x[n, i + ki, j + kj, c] * w[ki, kj, c, f]
    return y


# %%
# **minicnn** goes on from there: a megabyte of the matrix at a time, fewer products for 3 x 3 windows, a slice of the
# batch for each thread (one here). Which layers these ideas are good for is told in *How the fast kernels work*.


def minicnn(x, w):
    with parallel.threads(1):
        return conv2d_forward(x, w)[0]


WAYS = {
    "loops": by_loops,
    "the same loops, compiled": compiled,
    "compiled, filters innermost": filters_innermost,
    "im2col and a matrix product": by_numpy,
    "minicnn": minicnn,
}


def milliseconds(way, images, w):
    """An image's time, the best of three; the first call, which compiles, does not count."""
    way(images[:1], w)
    return 1000 * min(timeit.repeat(lambda: way(images, w), number=1, repeat=3)) / len(images)


def draw(times, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained", dpi=120)
    ax = figure.subplots()
    bars = ax.barh(list(times), list(times.values()), color="#0072b2")
    ax.bar_label(bars, [f" {time:.3g} ms" for time in times.values()])
    ax.set(xscale="log", xlabel="milliseconds an image, logarithmic", xlim=(None, 5 * max(times.values())))
    ax.invert_yaxis()
    figure.savefig(path)
    print(f"Figure {path}")


def main(argv=None):
    parser = argparse.ArgumentParser(description="One convolution in loops, NumPy and Numba, timed.")
    parser.add_argument("--quick", action="store_true", help="small images")
    parser.add_argument("--figure", metavar="FILE", default="three_convolutions.png", help="(%(default)s)")
    options = parser.parse_args(argv)
    side, batch = (10, 4) if options.quick else (28, 64)
    rng = np.random.default_rng(0)
    x, w = rng.random((batch, side, side, 8), np.float32), rng.random((3, 3, 8, 16), np.float32)

    y = by_numpy(x[:1], w)
    print(f"{side}x{side} images, 8 channels, 16 filters of 3x3, float32, one thread\n\n{'':28} ms an image   off by")
    times = {}
    for name, way in WAYS.items():
        difference = np.abs(way(x[:1], w) - y).max() / y.max()
        times[name] = milliseconds(way, x[:1] if way is by_loops else x, w)
        print(f"{name:28} {times[name]:11.3f}   {difference:6.0e}")
    draw(times, options.figure)
    return times


if __name__ == "__main__":
    main()
