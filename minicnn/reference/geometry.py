"""Where windows lie on an image: the arithmetic that convolution and pooling share.

Along one axis the image has `size` cells, with `before` and `after` empty cells added at its two ends. A window has k
taps, d cells apart, and the windows start s cells apart:

    cells spanned        span = d (k - 1) + 1                                                        (1)
    windows that fit     output = floor((size + before + after - span) / s) + 1                      (2)
    tap t of window i    lies on cell  i s + t d - before  of the image                              (3)
    "same" padding       before + after = max((ceil(size / s) - 1) s + span - size, 0)               (4)

By (2) and (4), output = ceil(size / s). If the sum in (4) is odd, the extra cell goes after the image, as TensorFlow
has it.

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, 2016.

>>> from minicnn.reference import geometry
>>> windows = geometry.lay_windows(image=(28, 28), kernel=3, stride=2, padding="same")
>>> windows.output, windows.padding
((14, 14), ((0, 1), (0, 1)))
"""

from __future__ import annotations

from numbers import Integral
from typing import NamedTuple

Pair = tuple[int, int]
Padding = int | str | tuple


class Windows(NamedTuple):
    """Windows on an image; each pair is (vertical, horizontal)."""

    image: Pair
    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: tuple[Pair, Pair]
    output: Pair

    def taps(self, i: int, j: int) -> list[tuple[int, int, int, int]]:
        """List the taps of window (i, j) that lie on the image, in row-major order.

        Parameters
        ----------
        i, j : int
            Row and column of the window.

        Returns
        -------
        list of (ki, kj, row, column)
            Position in the window and position in the image, both counted in cells.
        """
        (top, _), (left, _) = self.padding
        inside = []
        for ki in range(self.kernel[0]):
            for kj in range(self.kernel[1]):
                row = i * self.stride[0] + ki * self.dilation[0] - top  # (3)
                column = j * self.stride[1] + kj * self.dilation[1] - left
                if 0 <= row < self.image[0] and 0 <= column < self.image[1]:
                    inside.append((ki, kj, row, column))
        return inside


def pair(value: int | tuple) -> tuple:
    """Write one value for both axes as (vertical, horizontal); a pair stays as it is."""
    both = (value, value) if isinstance(value, Integral) else tuple(value)
    if len(both) != 2:
        raise ValueError(f"Expected one whole number or a pair (vertical, horizontal), got {value!r}.")
    return both


def resolve_padding(padding: Padding, image: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Write any form of padding as ((top, bottom), (left, right)), in cells.

    Parameters
    ----------
    padding : int, (vertical, horizontal), ((top, bottom), (left, right)), "same" or "valid"
    image, kernel, stride, dilation : (vertical, horizontal)

    Returns
    -------
    ((top, bottom), (left, right))

    Raises
    ------
    ValueError
        If `padding` has none of these forms or is negative.
    """
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        return tuple(same_padding(*axis) for axis in zip(image, kernel, stride, dilation, strict=True))
    if isinstance(padding, str):
        raise ValueError(f'Padding is "same", "valid" or numbers, got {padding!r}.')
    sides = tuple(pair(side) for side in pair(padding))
    if min(min(side) for side in sides) < 0:
        raise ValueError(f"Padding cannot be negative, got {padding!r}; crop the image instead.")
    return sides


def same_padding(size: int, k: int, s: int, d: int) -> Pair:
    """Empty cells (before, after) along one axis that give ceil(size / s) windows, equation (4)."""
    span = d * (k - 1) + 1  # (1)
    output = (size + s - 1) // s
    total = max((output - 1) * s + span - size, 0)  # (4)
    return total // 2, total - total // 2


def lay_windows(
    image: Pair, kernel: int | Pair, stride: int | Pair = 1, padding: Padding = 0, dilation: int | Pair = 1
) -> Windows:
    """Lay windows on an image.

    Parameters
    ----------
    image : (H, W)
    kernel, stride, dilation : int or (vertical, horizontal)
        Taps of a window, cells from one window to the next, cells from one tap to the next; each at least 1.
    padding : see `resolve_padding`

    Returns
    -------
    Windows
        All of these in full, with the number of windows along each axis as `output`.

    Raises
    ------
    ValueError
        If a number is below 1 or not even one window fits.
    """
    image, kernel, stride, dilation = tuple(image), pair(kernel), pair(stride), pair(dilation)
    if min(kernel + stride + dilation) < 1:
        raise ValueError(f"Kernel, stride and dilation are at least 1, got {kernel}, {stride} and {dilation}.")
    padding = resolve_padding(padding, image, kernel, stride, dilation)
    output = ()
    for size, k, s, d, (before, after) in zip(image, kernel, stride, dilation, padding, strict=True):
        span = d * (k - 1) + 1  # (1)
        output += ((size + before + after - span) // s + 1,)  # (2)
    if min(output) < 1:
        raise ValueError(
            f"A window of {kernel[0]}x{kernel[1]} taps with dilation {dilation} does not fit an image of "
            f'{image[0]}x{image[1]} with padding {padding}. Use padding="same", a smaller kernel or a larger image.'
        )
    return Windows(image, kernel, stride, dilation, padding, output)


def lay_pooling_windows(
    image: Pair, pool_size: int | Pair, stride: int | Pair | None = None, padding: Padding = 0
) -> Windows:
    """Lay windows for pooling: as `lay_windows`, side by side by default, and each must touch the image.

    A window of padding alone has neither a maximum nor an average.

    Raises
    ------
    ValueError
        As `lay_windows`, and if the first or last window lies on padding alone.
    """
    windows = lay_windows(image, pool_size, pool_size if stride is None else stride, padding)
    axes = zip(windows.image, windows.kernel, windows.stride, windows.padding, windows.output, strict=True)
    if any(before >= k or (output - 1) * s - before >= size for size, k, s, (before, _), output in axes):
        raise ValueError(
            f"A pooling window of {windows.kernel[0]}x{windows.kernel[1]} lies on padding alone: padding is "
            f"{windows.padding}, the image {windows.image[0]}x{windows.image[1]}. Use less padding or a larger window."
        )
    return windows
