"""The layers, one file an idea: the equations, the pure pair of functions, the thin class.

>>> from minicnn.layers import Conv2D, Dense
>>> Conv2D(16, 3, padding="same").build((28, 28, 1))
(28, 28, 16)
>>> Dense(10).build((784,))
(10,)
"""

from .activations import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from .batchnorm import BatchNorm
from .conv2d import Conv2D
from .dense import Dense
from .dropout import Dropout, SpatialDropout2D
from .flatten import Flatten
from .layer import Layer, NotReadyError
from .pooling import AvgPool2D, GlobalAvgPool2D, MaxPool2D

LAYERS = {
    layer.__name__: layer
    for layer in (
        *(Conv2D, MaxPool2D, AvgPool2D, GlobalAvgPool2D, BatchNorm, Dropout, SpatialDropout2D),
        *(Dense, Flatten, ReLU, LeakyReLU, Sigmoid, Tanh, Softmax),
    )
}

__all__ = ["LAYERS", "Layer", "NotReadyError", *LAYERS]
