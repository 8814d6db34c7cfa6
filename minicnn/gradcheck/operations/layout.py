"""What each axis of images, weights and outputs is, and the ways between a learner's layout and that of windows.py."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layout:
    """What each axis is.

    Attributes
    ----------
    x_shape, y_shape : tuple of int
        With as many axes as each other: an axis of length 1 was put in where a channel axis was left out.
    batch, space : list of int
        Axes of x and y.
    channel : int or None
    w_shape : tuple of int
    kernel : list of int or None
        The axis of w for each axis of the image; None where w has none.
    inputs, filters : list of int
        Axes of w.
    groups : int
    """

    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    batch: list[int]
    space: list[int]
    channel: int | None
    w_shape: tuple[int, ...]
    kernel: list[int | None]
    inputs: list[int]
    filters: list[int]
    groups: int

    def _image_order(self) -> list[int]:
        return [*self.batch, *self.space, *([] if self.channel is None else [self.channel])]

    def _weight_order(self) -> list[int]:
        return [*(k for k in self.kernel if k is not None), *self.inputs, *self.filters]

    def _flat(self, a: np.ndarray) -> np.ndarray:
        batch, space = (int(np.prod([a.shape[k] for k in axes])) for axes in (self.batch, self.space))
        return a.transpose(self._image_order()).reshape(batch, space, -1)

    def images(self, x: np.ndarray) -> np.ndarray:
        """(B, S, C) of x."""
        return self._flat(x.reshape(self.x_shape))

    def outputs(self, y: np.ndarray) -> np.ndarray:
        """(B, windows, F) of y or dy."""
        return self._flat(y.reshape(self.y_shape))

    def restore_images(self, dx: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The way back."""
        order = self._image_order()
        return dx.reshape([self.x_shape[k] for k in order]).transpose(np.argsort(order)).reshape(shape)

    def restore_outputs(self, a: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The way back of `outputs`."""
        order = self._image_order()
        return a.reshape([self.y_shape[k] for k in order]).transpose(np.argsort(order)).reshape(shape)

    def weights(self, w: np.ndarray) -> np.ndarray:
        """(offsets, channels of a group, groups, filters of a group)."""
        offsets, inputs = (
            int(np.prod([w.shape[k] for k in axes if k is not None])) for axes in (self.kernel, self.inputs)
        )
        return w.transpose(self._weight_order()).reshape(offsets, inputs, self.groups, -1)

    def restore_weights(self, dw: np.ndarray) -> np.ndarray:
        """The way back."""
        order = self._weight_order()
        return dw.reshape([self.w_shape[k] for k in order]).transpose(np.argsort(order))
