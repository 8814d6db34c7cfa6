"""minicnn itself, through `fit` and `predict`, as a user calls them."""

from __future__ import annotations

import time

from ..networks import Network
from .peer import LEARNING_RATE, MOMENTUM, Peer, images_for, timed


class MiniCNN(Peer):
    """Training steps as `fit` takes them, from a batch's beginning to its end, its running means included."""

    name, module, distribution = "minicnn", "minicnn", "minicnn"

    @classmethod
    def version(cls) -> str:
        """The version, also of a source tree that is not installed."""
        from minicnn import __version__

        return f"minicnn {__version__}"

    @classmethod
    def environment(cls, threads: int) -> dict[str, str]:
        """The number of threads, for `fit` and `predict` alike."""
        return {"MINICNN_THREADS": str(threads)}

    def prepare(self, network: Network, batch: int, threads: int) -> int:
        """Build model, loss and optimizer."""
        import minicnn

        layers = [getattr(minicnn, part.kind)(**part.options) for part in network.parts]
        self.model = minicnn.Sequential(layers, network.input_shape)
        self.loss = minicnn.BinaryCrossEntropy() if network.outputs == 1 else minicnn.SoftmaxCrossEntropy()
        self.optimizer = minicnn.SGD(LEARNING_RATE, momentum=MOMENTUM)
        self.batch, self.data = batch, network.data(images_for(batch))
        return self.model.trainable_count

    def steps(self, count: int) -> list[float]:
        """A training run of `count` steps."""
        from minicnn import fit
        from minicnn.callbacks import Callback

        class Stopwatch(Callback):
            def __init__(self):
                self.seconds = []

            def on_batch_begin(self, run):
                self.start = time.perf_counter()

            def on_batch_end(self, run):
                self.seconds.append(time.perf_counter() - self.start)
                run.stop = len(self.seconds) == count

        watch = Stopwatch()
        options = {"loss": self.loss, "optimizer": self.optimizer, "callbacks": [watch], "progress": False}
        options["warn"] = False  # random labels cannot be learned, and need not be
        fit(self.model, self.data, batch_size=self.batch, epochs=count, **options)  # ends after `count` steps
        return watch.seconds

    def predictions(self, count: int) -> list[float]:
        """`predict` on one batch."""
        x = self.data[0][: self.batch]
        return timed(lambda: self.model.predict(x, batch_size=self.batch), count)
