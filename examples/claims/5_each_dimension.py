"""Batch norm normalizes each dimension by itself
==============================================

"Batch norm normalizes each dimension over the mini-batch, not all together" (Ioffe & Szegedy, 2015, section 3): every
hidden unit, in a convolution every channel, has a mean and a variance of its own.

Here the right and the wrong way stand side by side in a network of two hidden layers: ``BatchNorm``, and ``Together``,
which takes one mean and one variance of all units and images. Both have a scale and a shift for each unit to learn, and
start from the same weights. What would contradict the claim:

- a unit that after batch norm has not mean 0 and standard deviation 1 over the mini-batch;
- a wrong way that trains just as well, each way at the learning rate that suits it best.

A unit by itself needs company: its mean is one over the images of the mini-batch. So the network is trained with
mini-batches of every size, too, at a learning rate in proportion, and tested in two ways: in evaluation mode, with
running averages, as it is meant; and in training mode, with the statistics of as many test images at a time. Of one
image nothing would be left (x - mean = 0), and ``fit`` refuses it. Of two, every unit says +1 and -1, or -1 and +1.

Run it: minicnn lesson --claim 5_each_dimension

Source: Ioffe & Szegedy, "Batch normalization", ICML 2015.
"""

import numpy as np

from minicnn import SGD, BatchNorm, Dense, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, datasets, fit
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_above, lies_below, side_by_side
from minicnn.estimates import Estimate
from minicnn.layers import Layer
from minicnn.plots.style import COLOURS, MARKERS, SMALL, label_axes, new_figure

BATCH_SIZE, LEARNING_RATE = 64, 0.03  # where only the other is varied


class Together(Layer):
    """The wrong way: one mean and one variance for all units, then gamma and beta of each."""

    def build_params(self):
        C = self.input_shape[-1]
        self.params = {"gamma": np.ones(C, self.dtype), "beta": np.zeros(C, self.dtype)}
        self.one = BatchNorm()  # all numbers as one unit's
        self.one.build((1,), self.rng, self.dtype)
        self.state = self.one.state

    def forward(self, x, training=False):
        self.cache = x_hat = self.one.forward(x.reshape(-1, 1), training).reshape(x.shape)
        return self.params["gamma"] * x_hat + self.params["beta"]

    def backward(self, dy):
        self.grads = {"gamma": (dy * self.cache).sum(axis=0), "beta": dy.sum(axis=0)}
        return self.one.backward((dy * self.params["gamma"]).reshape(-1, 1)).reshape(dy.shape)


WAYS = {"without": None, "all together": Together, "each dimension": BatchNorm}
LOOKS = {way: {"color": COLOURS[k], "marker": MARKERS[k]} for k, way in enumerate(WAYS)}


def network(way, input_shape, seed):
    def hidden():
        return [Dense(100)] + ([WAYS[way]()] if WAYS[way] else []) + [ReLU()]

    return Sequential([Flatten(), *hidden(), *hidden(), Dense(10)], input_shape, seed)


def accuracies(data, way, learning_rate, batch_size, epochs, seed):
    """Test accuracy in evaluation mode, and in training mode with `batch_size` images at a time, in per cent."""
    model = network(way, data.image_shape, seed)
    optimizer = SGD(learning_rate, momentum=0.9)
    options = {"epochs": epochs, "batch_size": batch_size, "progress": False, "warn": False}
    fit(model, data.train, loss=SoftmaxCrossEntropy(), optimizer=optimizer, **options)
    evaluated = model.evaluate(data.test, SoftmaxCrossEntropy())["accuracy"]
    order = model.rng.permutation(len(data.test.labels) // batch_size * batch_size)
    right = 0
    for k in np.split(order, len(order) // batch_size):
        logits = model.forward(data.test.images[k], training=True)
        right += np.sum(logits.argmax(axis=1) == data.test.labels[k])
    return 100 * evaluated, 100 * right / len(order)


def distributions(data, seed):
    """Inputs of the first ReLU before training: percentiles of each unit, and how far from mean 0 and deviation 1."""
    x, bands, distances = data.train.images[:256], {}, {}
    for way in WAYS:
        flatten, dense, norm = network(way, data.image_shape, seed).layers[:3]
        units = dense.forward(flatten.forward(x))
        units = norm.forward(units, training=True) if way != "without" else units
        bands[way] = np.percentile(units, (5, 50, 95), axis=0)
        distances[way] = max(np.abs(units.mean(axis=0)).max(), np.abs(units.std(axis=0) - 1).max())
    return bands, distances


def measure(seeds, images, epochs, learning_rates, batch_sizes):
    data = datasets.load("fashion-mini").subset(train=images, test=1024)
    bands, distances = zip(*side_by_side(distributions, [(data, seed) for seed in seeds]), strict=True)
    sizes = {"without": batch_sizes, "each dimension": [size for size in batch_sizes if size > 1]}
    by_size = [
        (data, way, LEARNING_RATE * size / BATCH_SIZE, size, epochs, seed)
        for way in sizes
        for size in sizes[way]
        for seed in seeds
    ]
    by_rate = [(data, way, rate, BATCH_SIZE, epochs, seed) for way in WAYS for rate in learning_rates for seed in seeds]
    results = np.array(side_by_side(accuracies, by_size + by_rate))
    rows = iter(results[: len(by_size)].reshape(-1, len(seeds), 2))
    return {
        "bands": bands[0],
        "distances": {way: [of_seed[way] for of_seed in distances] for way in WAYS},
        "learning_rates": learning_rates,
        "by_rate": dict(zip(WAYS, results[len(by_size) :, 0].reshape(len(WAYS), len(learning_rates), -1), strict=True)),
        "sizes": sizes,
        "by_size": {way: [next(rows) for _ in sizes[way]] for way in sizes},
    }


def best(numbers, way):
    """Accuracies, one a seed, at the learning rate with the highest mean."""
    return max(numbers["by_rate"][way], key=np.mean)


def draw(numbers):
    figure = new_figure(6.4)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.25))
    titles = ("100 units before", "batch norm: each by itself", "the wrong way: all together")
    axes = top.subplots(1, 3, sharey=True)
    order = np.argsort(numbers["bands"]["without"][1])
    for ax, way, title in zip(axes, ("without", "each dimension", "all together"), titles, strict=True):
        low, median, high = np.array(numbers["bands"][way])[:, order]
        ax.vlines(range(len(order)), low, high, color=LOOKS[way]["color"], alpha=0.5, linewidth=1.5)
        ax.plot(median, ".", color=LOOKS[way]["color"], markersize=3)
        label_axes(ax, title, "hidden unit, by its median before")
    axes[0].set_ylabel("input of its ReLU:\nmedian, 5 % to 95 %")
    left, right = bottom.subplots(1, 2)
    for way, rows in numbers["by_rate"].items():
        curve(left, numbers["learning_rates"], rows, way, **LOOKS[way])
    for way, rows in numbers["by_size"].items():
        curve(right, numbers["sizes"][way], np.array(rows)[..., 0], way, **LOOKS[way])
    rows = np.array(numbers["by_size"]["each dimension"])[..., 1]
    curve(
        right, numbers["sizes"]["each dimension"], rows, "each dimension, training mode", color=COLOURS[4], marker="v"
    )
    label_axes(left, f"mini-batches of {BATCH_SIZE}", "learning rate", "test accuracy (%)")
    label_axes(right, "every size of mini-batch; of 1 batch norm leaves nothing", "images in the mini-batch")
    left.set_xscale("log")
    left.set_xticks(numbers["learning_rates"], numbers["learning_rates"])
    left.minorticks_off()
    right.set_xscale("log", base=2)
    right.set_xticks(numbers["sizes"]["without"], numbers["sizes"]["without"])
    for ax in (left, right):
        ax.legend(fontsize=SMALL, frameon=False, loc="lower right")
    return figure


def curve(ax, x, rows, label, **look):
    """Means of the rows with standard errors."""
    estimates = [Estimate.of(list(by_seed)) for by_seed in rows]
    errors = [estimate.standard_error or 0 for estimate in estimates]
    ax.errorbar(x, [estimate.mean for estimate in estimates], errors, label=label, markersize=4, capsize=2, **look)


def judge(numbers):
    right, wrong, without = (best(numbers, way) for way in ("each dimension", "all together", "without"))
    distances = numbers["distances"]
    evidence = (
        lies_above("test accuracy, each dimension minus all together", np.subtract(right, wrong), unit="points"),
        lies_below(
            "farthest that a unit is from mean 0 and deviation 1", distances["each dimension"], 0.01, decimals=4
        ),
    )
    size = numbers["sizes"]["each dimension"][0]
    k = numbers["sizes"]["without"].index(size)
    evaluation, training = np.mean(numbers["by_size"]["each dimension"][0], axis=0)
    remarks = (
        f"all together, a unit is left up to {np.mean(distances['all together']):.1f} from mean 0 and deviation 1",
        f"all together is better than nothing by {Estimate.of(np.subtract(wrong, without)).text(1)} points",
        f"trained with mini-batches of {size}, accuracy is {evaluation:.0f} % with batch norm, {training:.0f} % if "
        f"it is tested in training mode, and {np.mean(numbers['by_size']['without'][k]):.0f} % without",
        "in convolutions a mini-batch of few images still has many pixels; that is not measured here",
    )
    return Verdict(evidence, remarks)


CLAIM = Claim(
    name="5_each_dimension",
    sentence="Batch norm normalizes each dimension over the mini-batch, not all together",
    measure=measure,
    draw=draw,
    judge=judge,
    size={
        "seeds": 5,
        "images": 1000,
        "epochs": 3,
        "learning_rates": [0.003, 0.01, 0.03, 0.1],
        "batch_sizes": [1, 2, 4, 8, 16, 32, 64, 128],
    },
    quick={"seeds": 3, "batch_sizes": [2, 8, 32, 128]},
    tiny={"seeds": 2, "images": 128, "epochs": 1, "learning_rates": [0.01], "batch_sizes": [16, 64]},
)

if __name__ == "__main__":
    main(CLAIM)
