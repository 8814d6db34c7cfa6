"""Augmentation
============

The same photographs of clothing, mirrored and moved a little, new at every epoch.
Run it: ``python examples/augmentation.py [--quick]``

Few images and many epochs: a network learns them by heart. The second one hardly sees an image twice; that shows in the
gap between the accuracies on training and on test images.
"""

import argparse

from minicnn import (
    SGD,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    augment,
    datasets,
    fit,
    plots,
)


def network():
    layers = [Conv2D(16, 3, padding="same"), ReLU(), MaxPool2D(2), Conv2D(32, 3, padding="same"), ReLU(), MaxPool2D(2)]
    return Sequential([*layers, Flatten(), Dense(64), ReLU(), Dense(10)], input_shape=(28, 28, 1), seed=0)


def main(argv=None):
    parser = argparse.ArgumentParser(description="Train with and without augmentation.")
    parser.add_argument("--quick", action="store_true", help="100 images and two epochs, to see that it runs")
    parser.add_argument("--figure", metavar="FILE", default="augmentation.png", help="(%(default)s)")
    options = parser.parse_args(argv)

    data = datasets.load("fashion-mini").subset(train=1000)
    if options.quick:
        data = data.subset(train=100, test=100)
    pipeline = augment.Pipeline([augment.Flip(), augment.Shift(2)], seed=0)
    plots.augmented(pipeline, data.train.images).savefig(options.figure)
    print(f"What augmentation does to some images: {options.figure}")

    loss, accuracies = SoftmaxCrossEntropy(), {}
    for name, changed in (("as they are", None), ("augmented", pipeline)):
        model = network()
        fit(
            model,
            data.train,
            loss=loss,
            optimizer=SGD(0.02, momentum=0.9),
            epochs=2 if options.quick else 40,
            batch_size=20,
            augment=changed,
        )
        train, test = (model.evaluate(split, loss)["accuracy"] for split in (data.train, data.test))
        accuracies[name] = train, test
        print(f"{name:11}  training images {train:.1%}, test images {test:.1%}, gap {100 * (train - test):.1f} points")
    return accuracies


if __name__ == "__main__":
    main()
