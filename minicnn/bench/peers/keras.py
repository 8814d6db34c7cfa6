"""Keras on TensorFlow, through `fit`, which compiles the training step into a graph."""

from __future__ import annotations

import time

from ..networks import Network
from .peer import LEARNING_RATE, MOMENTUM, Peer, images_for, timed


class Keras(Peer):
    """Training steps as `fit` takes them, with the batch's way into the graph."""

    name, module, distribution = "keras", "tensorflow", "tensorflow-cpu"

    @classmethod
    def version(cls) -> str:
        """Both libraries' versions; TensorFlow has several names to be installed by."""
        from importlib.metadata import PackageNotFoundError, version

        for distribution in (cls.distribution, "tensorflow"):
            try:
                return f"keras {version('keras')}, {distribution} {version(distribution)}"
            except PackageNotFoundError:
                continue
        return "keras, tensorflow"

    @classmethod
    def environment(cls, threads: int) -> dict[str, str]:
        """Keras's choice of library, and fewer log lines."""
        return {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

    def prepare(self, network: Network, batch: int, threads: int) -> int:
        """Build and compile the model."""
        import keras
        import tensorflow

        if not hasattr(self, "model"):  # the number can be set only before the first operation
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
            tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
        keras.backend.clear_session()
        layers = [_layer(part.kind, part.options) for part in network.parts]
        self.model = keras.Sequential([keras.Input(network.input_shape), *layers])
        losses = keras.losses
        self.model.compile(
            optimizer=keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM),
            loss=losses.BinaryCrossentropy(from_logits=True)
            if network.outputs == 1
            else losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self.batch, self.data = batch, network.data(images_for(batch))
        return sum(int(weight.shape.num_elements()) for weight in self.model.trainable_weights)

    def steps(self, count: int) -> list[float]:
        """A training run of `count` steps, timed by a callback."""
        import keras

        class Stopwatch(keras.callbacks.Callback):
            def __init__(self):
                super().__init__()
                self.seconds = []

            def on_train_batch_begin(self, step, logs=None):
                self.start = time.perf_counter()

            def on_train_batch_end(self, step, logs=None):
                self.seconds.append(time.perf_counter() - self.start)

        x, labels = self.data
        steps = min(count, len(x) // self.batch)
        examples = slice(0, steps * self.batch)
        watch = Stopwatch()
        options = {"batch_size": self.batch, "epochs": -(-count // steps), "verbose": 0, "callbacks": [watch]}
        self.model.fit(x[examples], labels[examples], **options)
        return watch.seconds[:count]

    def predictions(self, count: int) -> list[float]:
        """`predict_on_batch`, Keras's quickest way for one batch."""
        x = self.data[0][: self.batch]
        return timed(lambda: self.model.predict_on_batch(x), count)


def _layer(kind: str, options: dict) -> object:
    """Keras's layer for one part of the network."""
    from keras import layers

    match kind:
        case "Conv2D":
            return layers.Conv2D(options["filters"], options["kernel_size"], padding=options["padding"])
        case "BatchNorm":
            return layers.BatchNormalization(momentum=options.get("momentum", 0.9), epsilon=options.get("eps", 1e-5))
        case "MaxPool2D":
            return layers.MaxPooling2D(options["pool_size"])
        case "Dropout" | "Dense" | "ReLU" | "Flatten":
            return getattr(layers, kind)(**options)
    raise ValueError(f"Keras's side of the benchmark knows no layer {kind}.")
