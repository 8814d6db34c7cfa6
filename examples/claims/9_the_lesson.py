"""The lesson itself
=================

The lesson that minicnn grew out of trains three networks to tell cats from dogs and says: three blocks of convolution
recognize more than one, and with batch norm and dropout in every block they recognize new images better still, for they
no longer learn the training images by heart. Its settings, as published::

    network         blocks of Conv 3x3 - ReLU - (BatchNorm) - MaxPool 2 - (Dropout), then Dense 128 - ReLU -
                    (BatchNorm) - (Dropout 0.5) - one logit
    filters         64, or 64 - 128 - 256 with dropout 0.2 - 0.3 - 0.5
    images          10,000 of CIFAR-10's cats and dogs (32x32x3, pixels / 255), 2,000 others to validate
    training        SGD 0.01 with momentum 0.9, batches of 20, 10 epochs; weights he_uniform, biases 0
    batch norm      after the ReLU, momentum 0.99, eps 1e-3

All of it, an hour or two with three seeds::

    minicnn lesson --claim 9_the_lesson --data cats-vs-dogs --epochs 10 --seeds 3

``--data FILE.npz`` and ``--data FOLDER`` take any images of two classes. Without ``--data``, the same networks with a
quarter of the filters tell T-shirts from shirts on the 600 such photographs that come with minicnn, in 450 steps where
the lesson has 5,000: another question, and no verdict about cats and dogs.

Accuracies are means over the last three epochs, since they move by two points from one to the next. The lesson reads
its training accuracy off the progress bar: a mean over the epoch's steps, with dropout at work. Here the gap is taken
from training images that the network saw once more after each epoch, in evaluation mode. Both are in the table, and so
is the best epoch, which is often quoted: chosen by the validation images, it flatters.
"""

from dataclasses import replace

import numpy as np
from matplotlib.ticker import PercentFormatter

from minicnn import SGD, BinaryCrossEntropy, Sequential, fit
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_above, lies_below, side_by_side
from minicnn.commands import UsageError
from minicnn.commands.data import load_data
from minicnn.datasets import Split
from minicnn.estimates import Estimate
from minicnn.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, MaxPool2D, ReLU
from minicnn.plots.style import COLOURS, INK, MARKERS, SMALL, epoch_axis, epoch_numbers, label_axes, new_figure

EMBEDDED, PAIR = "fashion-mini", ("T-shirt/top", "Shirt")
NETWORKS = {"one block": (1, False), "three blocks": (3, False), "three blocks with both": (3, True)}
LAST = 3  # epochs
COLUMNS = {
    "running": "training,\nmean over the epoch",
    "train": "training,\nevaluated",
    "validation": "validation",
    "best": "validation,\nbest epoch",
}


def network(blocks, both, width, input_shape, seed):
    """One of the three; `width` is the number of filters in its first block."""

    def normalized():
        return [BatchNorm(momentum=0.99, eps=1e-3)] if both else []

    def dropped(rate):
        return [Dropout(rate)] if both else []

    layers = []
    for filters, rate in ((width, 0.2), (2 * width, 0.3), (4 * width, 0.5))[:blocks]:
        layers += [Conv2D(filters, 3, padding="same"), ReLU(), *normalized(), MaxPool2D(2), *dropped(rate)]
    layers += [Flatten(), Dense(2 * width), ReLU(), *normalized(), *dropped(0.5), Dense(1)]
    return Sequential(layers, input_shape=input_shape, seed=seed)


def only_the_pair(data):
    """T-shirts (0) and shirts (1): of all clothes in the set, the two that look most alike."""
    first, second = map(data.classes.index, PAIR)

    def part(split):
        chosen = np.isin(split.labels, (first, second))
        return Split(split.images[chosen], (split.labels[chosen] == second).astype(np.int64))

    return replace(data, train=part(data.train), test=part(data.test), classes=PAIR)


def load(source, images):
    """Read images of two classes."""
    data = load_data(source)
    if source == EMBEDDED:
        data = only_the_pair(data)
    if len(data.classes) != 2:
        raise UsageError(f"the lesson tells two classes apart, {source} has {len(data.classes)}: give --data with two.")
    return data if images is None else data.subset(train=images, test=images)


def train(blocks, both, width, data, seed, epochs):
    """Accuracies after each epoch: the progress bar's, on training images, on validation images."""
    model = network(blocks, both, width, data.image_shape, seed)
    loss, optimizer = BinaryCrossEntropy(), SGD(0.01, momentum=0.9)
    seen = data.subset(train=min(len(data.train.labels), len(data.test.labels))).train
    curves = {"running": [], "train": [], "validation": []}
    for _ in range(epochs):
        history = fit(model, data.train, loss=loss, optimizer=optimizer, batch_size=20, progress=False, warn=False)
        curves["running"].append(history.accuracy[0])
        curves["train"].append(model.evaluate(seen, loss)["accuracy"])
        curves["validation"].append(model.evaluate(data.test, loss)["accuracy"])
    return curves


def measure(seeds, data, epochs, images):
    width = 16 if data == EMBEDDED else 64
    data = load(data, images)
    slow_ones_first = list(reversed(NETWORKS))
    jobs = [(*NETWORKS[name], width, data, seed, epochs) for name in slow_ones_first for seed in seeds]
    runs = np.reshape(side_by_side(train, jobs), (len(NETWORKS), len(seeds)))
    return {
        "data": f"{data.name}, {' or '.join(data.classes)}",
        "images": [len(data.train.labels), len(data.test.labels)],
        "parameters": {
            name: parameter_count(network(*NETWORKS[name], width, data.image_shape, 0)) for name in NETWORKS
        },
        "runs": {name: list(runs[slow_ones_first.index(name)]) for name in NETWORKS},
    }


def parameter_count(model):
    """With the running statistics of batch norm, as the lesson counts."""
    return sum(array.size for layer in model.layers for array in (*layer.params.values(), *layer.state.values()))


def accuracies(numbers, name, curve):
    """In per cent, one a seed: the best epoch's, or the mean of the last three."""
    if curve == "best":
        return [100 * max(run["validation"]) for run in numbers["runs"][name]]
    return [100 * np.mean(run[curve][-LAST:]) for run in numbers["runs"][name]]


def judge(numbers):
    one, three, both = ({c: np.array(accuracies(numbers, name, c)) for c in COLUMNS} for name in NETWORKS)
    gaps = [arm["train"] - arm["validation"] for arm in (three, both)]
    share, images = both["validation"].mean() / 100, numbers["images"][1]
    by_chance = 100 * np.sqrt(share * (1 - share) / images)
    better, deeper = both["validation"] - three["validation"], three["validation"] - one["validation"]
    return Verdict(
        (
            lies_above("validation accuracy, three blocks with both minus without", better, unit="points"),
            lies_below("gap to training accuracy, with both minus without", gaps[1] - gaps[0], unit="points"),
            lies_above("validation accuracy, three blocks minus one", deeper, unit="points"),
        ),
        (
            f"On {numbers['data']}: {numbers['images'][0]:,} training images, {images:,} to validate.",
            "Seeds vary weights and order, not the images: those chosen to validate leave every accuracy uncertain by "
            f"another {by_chance:.1f} points (one standard error), in part the same for all three networks.",
        ),
    )


def draw(numbers):
    figure = new_figure(5.4)
    grid = figure.add_gridspec(2, 2, height_ratios=(2.1, 1))
    left = figure.add_subplot(grid[0, 0])
    right = figure.add_subplot(grid[0, 1], sharey=left)
    titles = {"train": "training images, evaluated after the epoch", "validation": "validation images"}
    for ax, (curve, title) in zip((left, right), titles.items(), strict=True):
        for name, colour, marker in zip(NETWORKS, COLOURS, MARKERS, strict=False):
            rows = np.array([run[curve] for run in numbers["runs"][name]])
            ax.plot(epoch_numbers(rows[0]), rows.mean(axis=0), color=colour, marker=marker, markersize=3.5, label=name)
            ax.fill_between(epoch_numbers(rows[0]), rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.18, lw=0)
        label_axes(ax, title=title, xlabel="epoch")
        epoch_axis(ax)
    left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    left.set_ylabel("accuracy", fontsize=SMALL, color=INK)
    left.legend(frameon=False, fontsize=SMALL)
    draw_table(figure.add_subplot(grid[1, :]), numbers)
    figure.supxlabel(
        f"{numbers['data']}: {numbers['images'][0]:,} training, {numbers['images'][1]:,} validation images; lines are "
        f"means of {len(rows)} seeds, shades from lowest to highest",
        fontsize=SMALL,
        color=INK,
    )
    return figure


def draw_table(ax, numbers):
    """Accuracies in per cent, mean ± standard error over the seeds."""
    cells = [["network", "parameters", *COLUMNS.values()]]
    for name, parameters in numbers["parameters"].items():
        estimates = (Estimate.of(accuracies(numbers, name, curve)).text(1) + " %" for curve in COLUMNS)
        cells.append([name, f"{parameters:,}", *estimates])
    ax.axis("off")
    table = ax.table(cells, loc="center", cellLoc="left", edges="horizontal", colWidths=(0.22, 0.12, *[0.165] * 4))
    table.auto_set_font_size(False)
    table.set_fontsize(SMALL)
    table.scale(1, 1.5)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#d9d9d9")
        cell.set_text_props(color=COLOURS[row - 1] if row and column == 0 else INK)
        cell.set_height(cell.get_height() * (1.4 if row == 0 else 1))


CLAIM = Claim(
    name="9_the_lesson",
    sentence="Three blocks see more than one, and with batch norm and dropout they generalize",
    measure=measure,
    draw=draw,
    judge=judge,
    size={"seeds": 5, "data": EMBEDDED, "epochs": 15, "images": None},
    quick={"seeds": 3, "epochs": 6},
    tiny={"seeds": 2, "epochs": 1, "images": 40},
)

if __name__ == "__main__":
    main(CLAIM)
