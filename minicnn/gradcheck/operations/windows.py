"""Windows that slide over images: which entries each one covers.

Images are (B, S, C): B images, all S places of an image in one row, C channels; the padding counts among the places.
`index` says for each window and each offset in it which place it sees, so that

    patches = padded[:, index]                          (B, windows, offsets, C)
    np.add.at(dpadded, (:, index), dpatches)            the reverse: places seen twice get both gradients
    dpadded[:, index] = dpatches                        the usual mistake: the last one overwrites the others
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .operation import Mistake


@dataclass(frozen=True)
class Windows:
    """How windows lie along each axis of the images; a tuple has one item an axis.

    Attributes
    ----------
    image, kernel, output : tuple of int
        Lengths: of the image, of a window, and how many windows there are.
    stride, dilation, before : tuple of int
        `before` is the padding at the beginning; that at the end is as much as the last window needs.
    """

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    output: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]

    @property
    def padded(self) -> tuple[int, ...]:
        """Lengths of the padded image."""
        axes = zip(self.image, self.kernel, self.output, self.stride, self.dilation, self.before, strict=True)
        return tuple(max(b + n, s * (o - 1) + d * (k - 1) + 1) for n, k, o, s, d, b in axes)

    @property
    def index(self) -> np.ndarray:
        """Place in the padded image; shape (windows, offsets), both in row-major order."""
        return self.index_of(self.stride, self.dilation)

    def index_of(self, stride: tuple[int, ...], dilation: tuple[int, ...]) -> np.ndarray:
        """The same with another stride or dilation. Places outside the image wrap to its end."""
        count = len(self.image)
        total = np.zeros((1,) * (2 * count), int)
        axes = zip(self.kernel, self.output, self.padded, stride, dilation, strict=True)
        for axis, (k, o, length, s, d) in enumerate(axes):
            places = np.minimum(s * np.arange(o)[:, None] + d * np.arange(k), length - 1)
            shape = [o if j == axis else k if j == count + axis else 1 for j in range(2 * count)]
            total = total * length + places.reshape(shape)
        return total.reshape(int(np.prod(self.output)), int(np.prod(self.kernel)))

    def pad(self, x: np.ndarray, value: float = 0.0) -> np.ndarray:
        """(B, S, C) with padding."""
        b, _, c = x.shape
        axes = zip(self.image, self.padded, self.before, strict=True)
        widths = [(before, length - before - n) for n, length, before in axes]
        padded = np.pad(x.reshape(b, *self.image, c), [(0, 0), *widths, (0, 0)], constant_values=value)
        return padded.reshape(b, -1, c)

    def crop(self, padded: np.ndarray, start: tuple[int, ...] | None = None) -> np.ndarray:
        """The image in its padding, or what lies at another place."""
        b, _, c = padded.shape
        begin = self.before if start is None else start
        cut = tuple(slice(s, s + n) for s, n in zip(begin, self.image, strict=True))
        return padded.reshape(b, *self.padded, c)[:, *cut].reshape(b, -1, c)

    def scatter(self, dpatches: np.ndarray, index: np.ndarray | None = None) -> np.ndarray:
        """Add up the gradients of patches, (B, windows, offsets, C), at their places in the padded image."""
        dpadded = np.zeros((len(dpatches), int(np.prod(self.padded)), dpatches.shape[-1]))
        np.add.at(dpadded, (slice(None), self.index if index is None else index), dpatches)
        return dpadded

    def overwrite(self, dpatches: np.ndarray, offsets_outside: bool) -> np.ndarray:
        """Put them there, the last one overwriting the others; the loop over offsets outside or inside the windows'."""
        dpadded = np.zeros((len(dpatches), int(np.prod(self.padded)), dpatches.shape[-1]))
        index = self.index  # in loops: within one assignment, NumPy chooses the order
        if offsets_outside:
            for k in range(index.shape[1]):
                dpadded[:, index[:, k]] = dpatches[:, :, k]
        else:
            for window, places in enumerate(index):
                dpadded[:, places] = dpatches[:, window]
        return dpadded

    def with_padding(self, before: tuple[int, ...]) -> Windows:
        """The same windows with another padding at the beginning."""
        return replace(self, before=before)

    @property
    def ends(self) -> tuple[int, ...]:
        """The padding at the end."""
        return tuple(p - n - b for p, n, b in zip(self.padded, self.image, self.before, strict=True))

    def __str__(self) -> str:
        """Kernel and options, those that are not the usual ones."""
        parts = ["x".join(map(str, self.kernel))]
        for name, values, usual in (
            ("stride", self.stride, 1),
            ("dilation", self.dilation, 1),
            ("padding", self.before, 0),
        ):
            if any(value != usual for value in values):
                parts.append(f"{name} {values[0] if len(set(values)) == 1 else values}")
        return ", ".join(parts)


OVERWRITTEN = (
    Mistake(
        "overwritten",
        "dpadded",
        lambda v: v.windows.overwrite(v.dpatches, offsets_outside=False),
        "overlapping windows overwrite each other: dx[window] = ... in the loop over windows should be "
        "dx[window] += ..., for a pixel gets gradient from every window that covers it.",
    ),
    Mistake(
        "overwritten",
        "dpadded",
        lambda v: v.windows.overwrite(v.dpatches, offsets_outside=True),
        "overlapping windows overwrite each other: dx[:, i::stride, j::stride] = ... in the loop over offsets should "
        "be += ... (with index arrays: np.add.at(dx, index, ...), for dx[index] += ... adds only once).",
    ),
)
