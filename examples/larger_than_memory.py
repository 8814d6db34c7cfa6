"""Train on more data than memory holds
====================================

One batch of it is in memory at a time::

    python examples/larger_than_memory.py                       4 GB of images, made when they are asked for
    python examples/larger_than_memory.py --folder FOLDER       the same, written into FOLDER first and read from there

`fit` takes anything that knows its length and its slices. At the end stands how much memory the process came to hold.
"""

import argparse
from pathlib import Path

import numpy as np
import psutil

from minicnn import SGD, BinaryCrossEntropy, Conv2D, Dense, Flatten, ReLU, Sequential, datasets, fit
from minicnn.callbacks import Callback

SHAPE = (64, 64, 3)


class Noise:
    """Images of noise, made when they are asked for; every second one is brighter in the middle."""

    def __init__(self, gigabytes):
        self.length = int(gigabytes * 1e9 / np.prod(SHAPE) / np.dtype(np.float32).itemsize)
        self.labels = np.arange(self.length) % 2

    def __len__(self):
        return self.length

    def __getitem__(self, part):
        numbers = range(self.length)[part]
        images = np.stack([np.random.default_rng(n).random(SHAPE, np.float32) for n in numbers])
        images[self.labels[part] == 1, 24:40, 24:40] **= 0.5
        return images


def write(folder, images, batch=256):
    """Write the images as bytes, a few at a time, into the files that `datasets.from_npy` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, length in (("train", len(images)), ("test", len(images) // 10)):
        np.save(folder / f"y_{name}.npy", images.labels[:length])
        stored = np.lib.format.open_memmap(folder / f"x_{name}.npy", "w+", np.uint8, (length, *SHAPE))
        for start in range(0, length, batch):
            stop = min(start + batch, length)
            stored[start:stop] = 255 * images[start:stop]


class Memory(Callback):
    """Writes down the most memory that the process held, in megabytes."""

    def on_train_begin(self, run):
        self.before = self.most = self.now()

    def on_batch_end(self, run):
        self.most = max(self.most, self.now())

    def now(self):
        return psutil.Process().memory_info().rss / 1e6


def main(argv=None):
    parser = argparse.ArgumentParser(description="Train on more images than memory holds.")
    parser.add_argument("--gigabytes", type=float, default=4, help="as float32 (%(default)s)")
    parser.add_argument("--folder", type=Path, help="write the images here first: a quarter of the size, as bytes")
    parser.add_argument("--quick", action="store_true", help="50 megabytes, to see that it runs")
    options = parser.parse_args(argv)

    images = Noise(0.05 if options.quick else options.gigabytes)
    data = images, images.labels
    if options.folder:
        write(options.folder, images)
        data = datasets.from_npy(options.folder, in_memory=False).train

    layers = [Conv2D(8, 8, stride=8), ReLU(), Flatten(), Dense(1)]
    model, memory = Sequential(layers, input_shape=SHAPE), Memory()
    history = fit(model, data, loss=BinaryCrossEntropy(), optimizer=SGD(0.01), batch_size=64, callbacks=[memory])
    gigabytes = len(images) * np.prod(SHAPE) * 4 / 1e9
    print(f"{len(images):,} images, {gigabytes:.2f} GB as float32, in {history.seconds[0]:.0f} s")
    print(f"training accuracy {history.accuracy[0]:.1%}")
    print(f"memory of the process: {memory.before:.0f} MB before training, at most {memory.most:.0f} MB in it")
    return memory


if __name__ == "__main__":
    main()
