"""Dropout reduces overfitting
===========================

*The claim* (Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014). A
network overfits when it goes on getting better on the images it is trained on and no longer on others. The
generalization gap, training accuracy minus test accuracy, is how much of what it learned does not carry over.

*The experiment.* A small convolutional network is trained with and without dropout (rate 0.5 on the dense layer, half
of that on the maps) on 250 to 3,000 images of clothing, and at 1,000 images with other rates. Every run takes about
as many steps: only the number of different images differs. What decides, before anything is run:

- the gap at the end with dropout minus the gap without, averaged over the sizes, lies below 0;
- so does the difference in test loss, which grows when a network is more and more certain of wrong answers.

Each is measured for five seeds. A gap that is as wide with dropout, or a higher test loss, would contradict the
claim.

*What to look at besides.* A narrow gap alone is cheap: a network that learns nothing has none. So the third panel
asks whether dropout does more than slow down the fitting. It draws test accuracy against training accuracy while
training goes on: where dropout's path lies above the other, more carries over of the same fit.

*What it cannot tell.* How a larger network, more images or training until nothing moves any more would come out;
which rate is best for your network.

Run it: ``minicnn lesson --claim 1_overfitting``, or ``python examples/claims/1_overfitting.py``
"""

import numpy as np

from minicnn import (
    SGD,
    AvgPool2D,
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
)
from minicnn.callbacks import Callback
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_below, side_by_side
from minicnn.estimates import Estimate
from minicnn.plots.style import COLOURS, INK, MARKERS, SMALL, label_axes, new_figure

BATCH = 32
RATE = 0.5
MEASURED = 5  # times during a run


def network(rate, seed):
    """Images are halved to 14x14 first, so that sixty runs take a minute."""
    layers = [AvgPool2D(2)]
    layers += [Conv2D(8, 3, padding="same"), ReLU(), MaxPool2D(2), Dropout(rate / 2)]
    layers += [Flatten(), Dense(128), ReLU(), Dropout(rate), Dense(10)]
    return Sequential(layers, input_shape=(28, 28, 1), seed=seed)


class Measuring(Callback):
    """Training accuracy, test accuracy (per cent) and test loss (nats), in evaluation mode, a row each time."""

    def __init__(self, data, every):
        self.data, self.every, self.rows = data, every, []

    def on_epoch_end(self, run):
        if (run.epoch + 1) % self.every == 0 or run.epoch + 1 == run.epochs:
            train, test = (
                run.model.evaluate(split, SoftmaxCrossEntropy()) for split in (self.data.train, self.data.test)
            )
            self.rows.append((100 * train["accuracy"], 100 * test["accuracy"], test["loss"]))


def one_run(rate, images, seed, steps, test_images):
    """Train once; returns a row each time it was measured."""
    data = datasets.load("fashion-mini").subset(train=images, test=test_images)
    epochs = max(1, round(steps * BATCH / images))
    measuring = Measuring(data, every=max(1, epochs // MEASURED))
    fit(
        network(rate, seed),
        data.train,
        loss=SoftmaxCrossEntropy(),
        optimizer=SGD(0.02, momentum=0.9),
        epochs=epochs,
        batch_size=BATCH,
        callbacks=[measuring],
        progress=False,
    )
    return measuring.rows


def measure(seeds, sizes, rates, middle, steps, test_images):
    """Every size with and without dropout, and the middle size with every rate; a list of seeds each."""
    conditions = sorted({(rate, images) for rate in (0, RATE) for images in sizes} | {(rate, middle) for rate in rates})
    jobs = [(rate, images, seed, steps, test_images) for rate, images in conditions for seed in seeds]
    runs = dict(zip(jobs, side_by_side(one_run, jobs), strict=True))
    rows = {
        f"{rate:g} {images}": [runs[rate, images, seed, steps, test_images] for seed in seeds]
        for rate, images in conditions
    }
    return {"sizes": sizes, "rates": rates, "middle": middle, "rows": rows}


def at_end(numbers, rate, images):
    """Gap (points) and test loss (nats) at the end, and the test accuracy (per cent); an array of seeds each."""
    last = np.array([rows[-1] for rows in numbers["rows"][f"{rate:g} {images}"]])
    return {"gap": last[:, 0] - last[:, 1], "test loss": last[:, 2], "test accuracy": last[:, 1]}


def difference(numbers, quantity, images):
    """With dropout minus without, a seed each."""
    return at_end(numbers, RATE, images)[quantity] - at_end(numbers, 0, images)[quantity]


def beyond_less_fitting(numbers, images):
    """Test accuracy at the end with dropout, minus what the plain run had when it had fitted as much; points."""
    differences = []
    for with_dropout, without in zip(*(numbers["rows"][f"{rate:g} {images}"] for rate in (RATE, 0)), strict=True):
        train, test, _ = np.transpose(without)
        order = np.argsort(train)
        differences.append(with_dropout[-1][1] - np.interp(with_dropout[-1][0], train[order], test[order]))
    return differences


def points(ax, x, values, name, look):
    """Mean and standard error of the seeds at each x."""
    estimates = [Estimate.of(by_seed) for by_seed in values]
    means, errors = [e.mean for e in estimates], [e.standard_error or 0 for e in estimates]
    ax.errorbar(x, means, errors, color=COLOURS[look], marker=MARKERS[look], markersize=4, label=name)


def draw(numbers):
    figure = new_figure(3.9)
    by_size, by_rate, paths = figure.subplots(1, 3)
    sizes, rates, middle = (numbers[key] for key in ("sizes", "rates", "middle"))
    for look, (rate, name) in enumerate(((0, "without dropout"), (RATE, f"with, rate {RATE}"))):
        points(by_size, sizes, [at_end(numbers, rate, images)["gap"] for images in sizes], name, look)
        path = np.mean(numbers["rows"][f"{rate:g} {middle}"], axis=0)
        paths.plot(path[:, 0], path[:, 1], color=COLOURS[look], marker=MARKERS[look], markersize=4, label=name)
    for look, (quantity, unit) in enumerate((("gap", "points"), ("test accuracy", "%")), start=2):
        values = [at_end(numbers, rate, middle)[quantity] for rate in rates]
        points(by_rate, rates, values, f"{quantity} ({unit})", look)
    label_axes(by_size, "gap by training images", "training images", "training minus test accuracy (points)")
    by_size.set(xscale="log", xticks=sizes, xticklabels=[f"{n:,}" for n in sizes], ylim=(0, None))
    by_size.minorticks_off()
    label_axes(by_rate, f"by rate, {middle:,} images", "dropout rate")
    by_rate.set(ylim=(0, 115), xticks=rates)
    label_axes(paths, f"paths of training, {middle:,} images", "training accuracy (%)", "test accuracy (%)")
    for ax in (by_size, by_rate, paths):
        ax.legend(frameon=False, fontsize=SMALL)
    seeds = len(next(iter(numbers["rows"].values())))
    figure.supxlabel(f"fashion-mini; means of {seeds} seeds ± standard error", fontsize=SMALL, color=INK)
    return figure


def judge(numbers):
    sizes = numbers["sizes"]
    gap, loss = (np.mean([difference(numbers, q, n) for n in sizes], axis=0) for q in ("gap", "test loss"))
    each = ", ".join(f"{Estimate.of(difference(numbers, 'gap', n)).text(1)} at {n:,}" for n in sizes)
    accuracy = Estimate.of(np.mean([difference(numbers, "test accuracy", n) for n in sizes], axis=0))
    same_fit = Estimate.of(np.mean([beyond_less_fitting(numbers, n) for n in sizes], axis=0))
    low, high = same_fit.interval or (np.nan, np.nan)
    return Verdict(
        (
            lies_below("gap with dropout minus without, mean over the sizes", gap, unit="points"),
            lies_below("test loss with dropout minus without, mean over the sizes", loss, unit="nats", decimals=3),
        ),
        (
            f"Differences of the gap by size: {each} images (points).",
            f"Test accuracy itself: {accuracy.text(1, sign=True)} points with dropout.",
            "Beside what the plain run had when it had fitted as much (the same training accuracy): "
            f"{same_fit.text(1, sign=True)} points of test accuracy (95 %: {low:.1f} to {high:.1f}).",
        ),
    )


CLAIM = Claim(
    name="1_overfitting",
    sentence="Dropout reduces overfitting",
    measure=measure,
    draw=draw,
    judge=judge,
    size={
        "seeds": 5,
        "sizes": [250, 500, 1000, 3000],
        "rates": [0, 0.25, 0.5, 0.75],
        "middle": 1000,
        "steps": 500,
        "test_images": 2000,
    },
    quick={"seeds": 3, "sizes": [250, 1000], "rates": [0, 0.5], "steps": 250},
    tiny={"seeds": 2, "sizes": [64, 128], "rates": [0, 0.5], "middle": 128, "steps": 20, "test_images": 100},
)

if __name__ == "__main__":
    main(CLAIM)
