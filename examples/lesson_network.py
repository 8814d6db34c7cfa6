"""The lesson's network
====================

Cats or dogs, 897,665 parameters, batch normalization and dropout in every block::

    python examples/lesson_network.py                   CIFAR-10's cats and dogs: a download of 170 MB, once
    python examples/lesson_network.py FILE.npz          x_train, y_train, x_test, y_test: images 32x32x3, labels 0 and 1
    python examples/lesson_network.py FOLDER            FOLDER/cat/*.jpg, FOLDER/dog/*.jpg, in any size

Batch norm stands after the ReLU here, with momentum and eps as Keras has them. Of two classes, one logit is enough:
positive means class 1.
"""

import argparse
from pathlib import Path

from minicnn import (
    SGD,
    BatchNorm,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    Sequential,
    datasets,
    fit,
)


def lesson_network(seed=0):
    def batchnorm():
        return BatchNorm(momentum=0.99, eps=1e-3)

    layers = []
    for filters, rate in ((64, 0.2), (128, 0.3), (256, 0.5)):
        layers += [Conv2D(filters, 3, padding="same"), ReLU(), batchnorm(), MaxPool2D(2), Dropout(rate)]
    layers += [Flatten(), Dense(128), ReLU(), batchnorm(), Dropout(0.5), Dense(1)]
    return Sequential(layers, input_shape=(32, 32, 3), seed=seed)  # weights: he_uniform, the layers' default


def load(path=None):
    """Read two classes of 32x32 colour images; pixels become numbers from 0 to 1."""
    if path is None:
        data = datasets.load("cats-vs-dogs")
    else:
        data = datasets.from_folder(path, size=32) if path.is_dir() else datasets.from_npz(path)
    if data.image_shape != (32, 32, 3) or len(data.classes) != 2:
        raise ValueError(f"{path}: needs 32x32x3 images of two classes, got {data}.")
    return data


def main(argv=None):
    parser = argparse.ArgumentParser(description="Train the lesson's network on images of two classes.")
    parser.add_argument(
        "data", type=Path, nargs="?", help="an .npz file, or a folder with one folder of pictures a class; or nothing"
    )
    parser.add_argument("--epochs", type=int, default=10, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--quick", action="store_true", help="60 images and one epoch, to see that it runs")
    options = parser.parse_args(argv)
    try:
        data = load(options.data)
    except (OSError, TypeError, ValueError, ModuleNotFoundError) as error:
        parser.error(str(error))
    if options.quick:
        data = data.subset(*(min(n, len(split.labels)) for n, split in ((60, data.train), (20, data.test))))

    model = lesson_network(options.seed)
    print(model.summary())
    history = fit(
        model,
        data.train,
        validation=data.test,
        loss=BinaryCrossEntropy(),
        optimizer=SGD(0.01, momentum=0.9),
        epochs=1 if options.quick else options.epochs,
        batch_size=20,
    )
    for epoch, (train, test) in enumerate(zip(history.accuracy, history.val_accuracy, strict=True), start=1):
        print(f"epoch {epoch:2}: training accuracy {train:.3f} (mean over the epoch), validation accuracy {test:.3f}")
    return history


if __name__ == "__main__":
    main()
