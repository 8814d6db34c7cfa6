"""minicnn's own reference in plain NumPy: the step between the formulas and the kernels."""

from __future__ import annotations

import time

import numpy as np

from ..networks import Network, Part
from .peer import LEARNING_RATE, MOMENTUM, Peer, images_for, timed

FUNCTION = {
    "Conv2D": "conv2d",
    "BatchNorm": "batchnorm",
    "ReLU": "relu",
    "MaxPool2D": "max_pool2d",
    "Dropout": "dropout",
    "Flatten": "flatten",
    "Dense": "dense",
}


class Vectorized(Peer):
    """`minicnn.reference.vectorized`, whole arrays at a time; the threads are those of NumPy's matrix product."""

    name, module, distribution = "vectorized", "minicnn.reference.vectorized", "numpy"

    @classmethod
    def version(cls) -> str:
        """NumPy does the work."""
        return f"numpy {np.__version__}"

    def prepare(self, network: Network, batch: int, threads: int) -> int:
        """Draw the parameters."""
        from threadpoolctl import threadpool_limits

        from minicnn.reference import vectorized

        self.blas_limit = threadpool_limits(threads)
        self.functions, self.network, self.batch = vectorized, network, batch
        self.rng = np.random.Generator(np.random.SFC64(0))
        self.data = network.data(images_for(batch))
        self.params = [_parameters(part, shape, self.rng) for part, shape in network.with_shapes()]
        self.velocity = [[np.zeros_like(array) for array in arrays] for arrays in self.params]
        self.loss = "binary_cross_entropy" if network.outputs == 1 else "softmax_cross_entropy"
        self.done = 0
        return sum(array.size for arrays in self.params for array in arrays)

    def steps(self, count: int) -> list[float]:
        """Forward, loss, backward, SGD with momentum."""
        x, labels = self.data
        seconds = []
        for _ in range(count):
            first = self.done * self.batch % len(x)
            batch = slice(first, first + self.batch)
            start = time.perf_counter()
            self._step(x[batch], labels[batch])
            seconds.append(time.perf_counter() - start)
            self.done += 1
        return seconds

    def predictions(self, count: int) -> list[float]:
        """Forward without dropout, with given statistics in batch norm."""
        return timed(lambda: self._forward(self.data[0][: self.batch], training=False), count)

    def _step(self, x: np.ndarray, labels: np.ndarray) -> None:
        y, caches = self._forward(x, training=True)
        _, cache = getattr(self.functions, f"{self.loss}_forward")(y, labels)
        dy = getattr(self.functions, f"{self.loss}_backward")(1.0, cache)
        for part, arrays, velocity, cache in zip(
            reversed(self.network.parts), reversed(self.params), reversed(self.velocity), reversed(caches), strict=True
        ):
            gradients = getattr(self.functions, f"{FUNCTION[part.kind]}_backward")(dy, cache)
            dy, *gradients = gradients if isinstance(gradients, tuple) else (gradients,)
            for w, v, g in zip(arrays, velocity, gradients, strict=False):
                v *= MOMENTUM
                v += g
                w -= LEARNING_RATE * v

    def _forward(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, list]:
        caches = []
        for part, arrays in zip(self.network.parts, self.params, strict=True):
            x, cache = self._layer(part, x, arrays, training)
            caches.append(cache)
        return x, caches

    def _layer(self, part: Part, x: np.ndarray, arrays: list[np.ndarray], training: bool) -> tuple[np.ndarray, object]:
        match part.kind:
            case "Conv2D":
                return self.functions.conv2d_forward(x, *arrays, padding=part.options["padding"])
            case "BatchNorm" if training:
                return self.functions.batchnorm_forward(x, *arrays, eps=part.options.get("eps", 1e-5))
            case "BatchNorm":
                mean, variance = np.zeros_like(arrays[0]), np.ones_like(arrays[0])  # any will do
                return self.functions.batchnorm_inference_forward(x, *arrays, mean, variance)
            case "Dropout":
                return self.functions.dropout_forward(x, part.options["rate"], self.rng) if training else (x, None)
            case "MaxPool2D":
                return self.functions.max_pool2d_forward(x, pool_size=part.options["pool_size"])
            case _:
                return getattr(self.functions, f"{FUNCTION[part.kind]}_forward")(x, *arrays)


def _parameters(part: Part, shape: tuple[int, ...], rng: np.random.Generator) -> list[np.ndarray]:
    """Weights as large as they should be for ReLU (He et al., 2015), biases of zero."""
    match part.kind:
        case "Conv2D":
            size = part.options["kernel_size"]
            w_shape = (size, size, shape[-1], part.options["filters"])
        case "Dense":
            w_shape = (*shape, part.options["units"])
        case "BatchNorm":
            return [np.ones(shape[-1], np.float32), np.zeros(shape[-1], np.float32)]
        case _:
            return []
    scale = np.sqrt(2 / np.prod(w_shape[:-1]))
    w = rng.standard_normal(w_shape, dtype=np.float32) * np.float32(scale)
    return [w, np.zeros(w_shape[-1], np.float32)]
