"""Dropout reduces overfitting
===========================

Srivastava et al. (2014) ...

Run it: python examples/claims/1_overfitting.py, or minicnn lesson --claim 1_overfitting
"""

import numpy as np

from minicnn import SGD, Dense, Dropout, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, datasets, fit
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_below, side_by_side
from minicnn.plots.style import COLOURS, MARKERS, label_axes, new_figure


def network(rate, input_shape, seed):
    layers = [Flatten(), Dense(256), ReLU(), Dropout(rate), Dense(10)]
    return Sequential(layers, input_shape=input_shape, seed=seed)


def gap(rate, images, seed, epochs):
    """Training minus test accuracy after training, in points."""
    data = datasets.load("fashion-mini").subset(train=images)
    model = network(rate, data.image_shape, seed)
    fit(model, data.train, loss=SoftmaxCrossEntropy(), optimizer=SGD(0.02, momentum=0.9), epochs=epochs, progress=False)
    train, test = (model.evaluate(split, SoftmaxCrossEntropy())["accuracy"] for split in (data.train, data.test))
    return 100 * (train - test)


def measure(seeds, sizes, epochs):
    jobs = [(rate, images, seed, epochs) for rate in (0, 0.5) for images in sizes for seed in seeds]
    gaps = np.reshape(side_by_side(gap, jobs), (2, len(sizes), len(seeds)))
    return {"sizes": sizes, "without": gaps[0], "with": gaps[1]}


def draw(numbers):
    figure = new_figure(3.5)
    ax = figure.subplots()
    for arm, colour, marker in zip(("without", "with"), COLOURS, MARKERS, strict=False):
        ax.plot(numbers["sizes"], np.mean(numbers[arm], axis=1), color=colour, marker=marker, label=f"{arm} dropout")
    label_axes(ax, xlabel="training images", ylabel="gap (points)")
    ax.legend(frameon=False)
    return figure


def judge(numbers):
    differences = np.subtract(numbers["with"], numbers["without"])
    return Verdict(
        tuple(
            lies_below(f"gap with dropout minus without, {size} images", by_seed, unit="points")
            for size, by_seed in zip(numbers["sizes"], differences, strict=True)
        )
    )


CLAIM = Claim(
    name="1_overfitting",
    sentence="Dropout reduces overfitting",
    measure=measure,
    draw=draw,
    judge=judge,
    size={"seeds": 5, "sizes": [250, 500, 1000, 2000], "epochs": 20},
    quick={"seeds": 3, "sizes": [250, 1000], "epochs": 10},
    tiny={"seeds": 2, "sizes": [100], "epochs": 2},
)

if __name__ == "__main__":
    main(CLAIM)
