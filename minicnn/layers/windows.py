"""Where the windows of a convolution or a pooling lie on an image.

Along each axis, with image size H, kernel K, stride s, dilation d and padding (before, after):

    reach            R = (K - 1) d + 1                                                              (1)
    output size      floor((H + before + after - R) / s) + 1                                        (2)
    window i, cell k lies on padded row i s + k d                                                   (3)
    "same"           output = ceil(H / s), the odd cell of padding after                            (4)

Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016; "same" as TensorFlow has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

Pair = tuple[int, int]
Padding = int | str | Pair | tuple[Pair, Pair]


@dataclass(frozen=True)
class Windows:
    """The windows on one image size; every field is (vertical, horizontal).

    Attributes
    ----------
    image, kernel, stride, dilation, output : (int, int)
        `output` is the number of windows along each axis.
    padding : ((int, int), (int, int))
        ((top, bottom), (left, right)) cells.
    """

    image: Pair
    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: tuple[Pair, Pair]
    output: Pair

    @classmethod
    def on(
        cls,
        image: Pair,
        kernel: int | Pair,
        stride: int | Pair = 1,
        padding: Padding = 0,
        dilation: int | Pair = 1,
        caller: str = "This layer",
    ) -> Windows:
        """Work the windows out, equations (1) to (4).

        Parameters
        ----------
        image, kernel, stride, padding, dilation
            As in `minicnn.functional.conv2d_forward`.
        caller : str
            Who asks, for error messages.

        Raises
        ------
        ValueError
            If an argument is not of its form or the image is smaller than one window.
        """
        kernel, stride, dilation = pair(kernel, "kernel_size"), pair(stride, "stride"), pair(dilation, "dilation")
        return _windows(tuple(image), kernel, stride, read_padding(padding), dilation, caller)

    @property
    def padded_image(self) -> Pair:
        """Image size with the padding."""
        return tuple(size + sum(cells) for size, cells in zip(self.image, self.padding, strict=True))

    def rows_under(self, rows: slice) -> slice:
        """Padded image rows that the windows of output rows `rows` cover, equation (3)."""
        reach = (self.kernel[0] - 1) * self.dilation[0] + 1
        return slice(rows.start * self.stride[0], (rows.stop - 1) * self.stride[0] + reach)

    def padded(self, x: np.ndarray, rows: slice | None = None, value: float = 0) -> np.ndarray:
        """Images with their padding around them, or just padded rows `rows` of them: (N, rows, W + left + right, C).

        C-contiguous; a view where there is nothing to add.
        """
        (top, bottom), (left, right) = self.padding
        H, W = self.image
        rows = rows or slice(0, H + top + bottom)
        inside = slice(max(rows.start - top, 0), min(rows.stop - top, H))  # rows of x
        view = x[:, inside]
        if left == right == 0 and rows.start >= top and rows.stop <= top + H and view.flags.c_contiguous:
            return view
        result = np.full((len(x), rows.stop - rows.start, W + left + right, x.shape[3]), value, x.dtype)
        first = inside.start + top - rows.start
        result[:, first : first + inside.stop - inside.start, left : left + W] = view
        return result

    def inside(self, padded: np.ndarray) -> np.ndarray:
        """The images without their padding: a view."""
        (top, _), (left, _) = self.padding
        return padded[:, top : top + self.image[0], left : left + self.image[1]]


@lru_cache
def _windows(
    image: Pair, kernel: Pair, stride: Pair, padding: str | tuple[Pair, Pair], dilation: Pair, caller: str
) -> Windows:
    """Equations (1) to (4); a layer asks for the same windows at every step."""
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))  # (1)
    if padding == "same":
        totals = [max((-(-h // s) - 1) * s + r - h, 0) for h, s, r in zip(image, stride, reach, strict=True)]  # (4)
        padding = tuple((total // 2, total - total // 2) for total in totals)
    padded = [size + sum(cells) for size, cells in zip(image, padding, strict=True)]
    if padded[0] < reach[0] or padded[1] < reach[1]:
        needed = [max(1, r - sum(cells)) for r, cells in zip(reach, padding, strict=True)]
        raise ValueError(
            f"{caller} needs images of at least {needed[0]}x{needed[1]}, got {image[0]}x{image[1]}.\n"
            'Use padding="same", a smaller kernel, or one pooling layer less before it.'
        )
    output = tuple((p - r) // s + 1 for p, r, s in zip(padded, reach, stride, strict=True))  # (2)
    return Windows(image, kernel, stride, dilation, padding, output)


def pair(value: int | Pair, name: str, least: int = 1) -> Pair:
    """Read an int or a pair of ints, (vertical, horizontal), each at least `least`.

    Raises
    ------
    ValueError
        If `value` is neither.
    """
    values = value if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2 or not (_is_count(values[0], least) and _is_count(values[1], least)):
        raise ValueError(f"{name} takes an int of at least {least} or a pair (vertical, horizontal), got {value!r}.")
    return int(values[0]), int(values[1])


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least


def read_padding(padding: Padding) -> str | tuple[Pair, Pair]:
    """Turn padding's forms into ((top, bottom), (left, right)), but for "same", which depends on the image.

    Raises
    ------
    ValueError
        If `padding` is none of the forms.
    """
    if isinstance(padding, str) and padding == "same":
        return padding
    if isinstance(padding, str) and padding == "valid":
        return (0, 0), (0, 0)
    try:
        if isinstance(padding, (tuple, list)) and len(padding) == 2 and isinstance(padding[0], (tuple, list)):
            return pair(padding[0], "padding", 0), pair(padding[1], "padding", 0)
        vertical, horizontal = pair(padding, "padding", 0)
    except ValueError:
        raise ValueError(
            'padding takes "same", "valid", an int, a pair (vertical, horizontal) or ((top, bottom), (left, right)), '
            f"each at least 0, got {padding!r}."
        ) from None
    return (vertical, vertical), (horizontal, horizontal)


def check_options(
    kernel: int | Pair, stride: int | Pair, padding: Padding, dilation: int | Pair = 1, name: str = "kernel_size"
) -> None:
    """See that each option is of its form, before any image is known; `name` is what the caller calls the kernel.

    Raises
    ------
    ValueError
        If one is not.
    """
    pair(kernel, name), pair(stride, "stride"), pair(dilation, "dilation")
    read_padding(padding)
