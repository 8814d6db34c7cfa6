"""A first network
===============

28x28 photographs of clothing, ten classes, a few seconds.
Run it: ``python examples/first_network.py [--quick]``
"""

import argparse

from minicnn import (
    SGD,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    datasets,
    fit,
    plots,
)


def main(argv=None):
    parser = argparse.ArgumentParser(description="Train a first network on the images that come with minicnn.")
    parser.add_argument("--quick", action="store_true", help="200 images and two epochs, to see that it runs")
    parser.add_argument("--figure", metavar="FILE", default="first_network.png", help="(%(default)s)")
    options = parser.parse_args(argv)

    data = datasets.load("fashion-mini")
    if options.quick:
        data = data.subset(train=200, test=100)

    model = Sequential(
        [Conv2D(16, 3, padding="same"), BatchNorm(), ReLU(), MaxPool2D(2), Dropout(0.25), Flatten(), Dense(10)],
        input_shape=data.image_shape,
        seed=0,
    )
    print(model.summary())

    history = fit(
        model,
        data.train,
        validation=data.test,
        loss=SoftmaxCrossEntropy(),
        optimizer=SGD(0.05, momentum=0.9),
        epochs=2 if options.quick else 5,
        batch_size=64,
    )

    print("\nepoch   loss  accuracy  validation loss  accuracy")
    columns = (history.loss, history.accuracy, history.val_loss, history.val_accuracy)
    for epoch, (loss, accuracy, val_loss, val_accuracy) in enumerate(zip(*columns, strict=True), start=1):
        print(f"{epoch:5}  {loss:5.3f}  {accuracy:8.1%}  {val_loss:15.3f}  {val_accuracy:8.1%}")

    plots.learning_curves(history).savefig(options.figure)
    print(f"\nLearning curves: {options.figure}")
    return history


if __name__ == "__main__":
    main()
