"""An onlooker sees what goes through a model, layer by layer, and changes nothing.

class PrintMeans(Onlooker):
    def forward(self, name, layer, x, y):
        print(name, y.mean())

model.forward(x, training=True, onlooker=PrintMeans())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .layers.layer import Layer


class Onlooker:
    """The base: methods that do nothing. A subclass writes those that it needs."""

    def forward(self, name: str, layer: Layer, x: np.ndarray, y: np.ndarray) -> None:
        """After a layer's forward pass.

        Parameters
        ----------
        name : str
            The layer's name in the model.
        layer : Layer
        x, y : array
            What went in and what came out: not to be changed.
        """

    def backward(self, name: str, layer: Layer, dy: np.ndarray, dx: np.ndarray | None) -> None:
        """After a layer's backward pass; the gradients of its parameters are in `layer.grads`.

        Parameters
        ----------
        name, layer
            As in `forward`.
        dy, dx : array
            What came in, dL/dy, and what goes on to the layer before, dL/dx; None where nobody asked for it.
        """
