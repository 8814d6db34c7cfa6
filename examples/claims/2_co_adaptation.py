"""Dropout prevents complex co-adaptations
=======================================

*The claim* (Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors", 2012;
Srivastava et al., JMLR 15, 2014). Without dropout a hidden unit may become useful only together with certain others,
whose errors it mends. With it, the others may be missing at any step, and so each unit learns something that is
useful on its own.

*The experiment.* If units rely on each other, then taking some away should spoil what the others do. A network with
two hidden layers is trained with and without dropout; then more and more of its hidden units are taken away for good,
chosen at random, and the test accuracy is measured again. There are two ways to take a unit away:

- *deleted*: it gives 0, and the others are scaled up, as in training with dropout;
- *frozen*: it gives its mean over the training images, whatever the image. No network was trained with that.

The first is close to an examination in which one candidate knew the questions. So the second has to agree. What
decides: the share of its accuracy that a network loses, averaged over the shares of units taken away, with dropout
minus without, lies below 0 for both ways. A loss as large, or larger, would contradict the claim.

*Why correlation does not decide.* It is often measured instead: the mean absolute correlation between two units'
outputs over the test images. But two copies of one unit are correlated perfectly, and either may go without any loss:
that is redundancy, almost the opposite of relying on each other. So it is drawn and told, and has no vote.

*What it cannot tell.* Whether less co-adaptation is why dropout helps on new images; only that it is there.

Run it: ``minicnn lesson --claim 2_co_adaptation``, or ``python examples/claims/2_co_adaptation.py``
"""

import numpy as np

from minicnn import SGD, AvgPool2D, Dense, Dropout, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, datasets, fit
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_below, side_by_side
from minicnn.estimates import Estimate
from minicnn.plots.style import COLOURS, INK, MARKERS, SMALL, label_axes, new_figure

ARMS = {"without dropout": 0.0, "with dropout": 0.5}  # and their rates
WAYS = ("deleted", "frozen")
TAKEN = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9)  # shares of the hidden units


def network(rate, seed):
    """Images are halved to 14x14 first, to save time."""
    hidden = [Dense(256), ReLU(), Dropout(rate), Dense(256), ReLU(), Dropout(rate)]
    return Sequential([AvgPool2D(2), Flatten(), *hidden, Dense(10)], input_shape=(28, 28, 1), seed=seed)


def outputs(model, images, change):
    """The logits, where `change(number, h)` is put in place of the hidden layer's outputs h, for number 0 and 1."""
    x, number = images, 0
    for layer in model.layers:
        x = layer.forward(x)
        if isinstance(layer, ReLU):
            x = change(number, x)
            number += 1
    return x


def hidden_outputs(model, images):
    """The outputs of the hidden layers, arrays (N, 256)."""
    x, seen = images, []
    for layer in model.layers:
        x = layer.forward(x)
        if isinstance(layer, ReLU):
            seen.append(x)
    return seen


def accuracy_without(model, split, share, way, means, rng):
    """Test accuracy, in per cent, when a random share of both hidden layers is taken away."""
    kept = [rng.random(len(mean)) >= share for mean in means]

    def change(number, h):
        if way == "frozen":
            return np.where(kept[number], h, means[number])
        return h * kept[number] / np.float32(max(kept[number].mean(), 1e-3))

    return 100 * np.mean(outputs(model, split.images, change).argmax(axis=1) == split.labels)


def correlations(h):
    """Absolute correlation of every pair of units over the images; units that never speak are left out."""
    speaking = h[:, h.std(axis=0) > 0]
    table = np.corrcoef(speaking, rowvar=False)
    return np.abs(table[np.triu_indices_from(table, k=1)])


def one_run(rate, seed, images, epochs, draws, test_images):
    """Train once, and take units away."""
    data = datasets.load("fashion-mini").subset(train=images, test=test_images)
    model = network(rate, seed)
    optimizer = SGD(0.02, momentum=0.9)
    fit(model, data.train, loss=SoftmaxCrossEntropy(), optimizer=optimizer, epochs=epochs, progress=False)
    means = [h.mean(axis=0) for h in hidden_outputs(model, data.train.images)]
    accuracy = {}
    for way in WAYS:
        rng = np.random.default_rng(seed)  # the same units in both arms
        takes = [[accuracy_without(model, data.test, share, way, means, rng) for _ in range(draws)] for share in TAKEN]
        accuracy[way] = np.mean(takes, axis=1)
    pairs = np.concatenate([correlations(h) for h in hidden_outputs(model, data.test.images)])
    return {"accuracy": accuracy, "correlation": pairs.mean(), "histogram": np.histogram(pairs, 40, (0, 1), True)[0]}


def measure(seeds, images, epochs, draws, test_images):
    """Both arms from every seed."""
    jobs = [(rate, seed, images, epochs, draws, test_images) for rate in ARMS.values() for seed in seeds]
    runs = side_by_side(one_run, jobs)
    return {"without dropout": runs[: len(seeds)], "with dropout": runs[len(seeds) :]}


def accuracies(numbers, arm, way):
    """Test accuracy by seed and share taken away, per cent."""
    return np.array([run["accuracy"][way] for run in numbers[arm]])


def lost(numbers, arm, way):
    """What share of its accuracy each seed's network loses, mean over the shares taken away; per cent."""
    accuracy = accuracies(numbers, arm, way)
    return 100 * (1 - accuracy[:, 1:] / accuracy[:, :1]).mean(axis=1)


def correlation(numbers, arm):
    """Mean absolute correlation between units, a seed each."""
    return np.array([run["correlation"] for run in numbers[arm]])


def draw(numbers):
    figure = new_figure(3.9)
    axes = figure.subplots(1, 3)
    for arm, colour, marker in zip(ARMS, COLOURS, MARKERS, strict=False):
        for ax, way in zip(axes, WAYS, strict=False):
            rows = accuracies(numbers, arm, way)
            ax.plot(100 * np.array(TAKEN), rows.mean(axis=0), color=colour, marker=marker, markersize=4, label=arm)
            ax.fill_between(100 * np.array(TAKEN), rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.18, lw=0)
        density = np.mean([run["histogram"] for run in numbers[arm]], axis=0)
        axes[2].stairs(density, np.linspace(0, 1, len(density) + 1), color=colour, label=arm, linewidth=1.6)
        axes[2].axvline(correlation(numbers, arm).mean(), color=colour, linestyle=":", linewidth=1.2)
    label_axes(axes[0], "units deleted, the others scaled up", "hidden units taken away (%)", "test accuracy (%)")
    label_axes(axes[1], "units frozen at their mean", "hidden units taken away (%)")
    label_axes(axes[2], "correlation of two units (dotted: mean)", "absolute correlation of a pair", "density")
    for ax in axes[:2]:
        ax.set(ylim=(0, 100))
    axes[0].legend(frameon=False, fontsize=SMALL, loc="lower left")
    seeds = len(numbers["with dropout"])
    note = f"fashion-mini; means of {seeds} seeds, shaded from lowest to highest"
    figure.supxlabel(note, fontsize=SMALL, color=INK)
    return figure


def judge(numbers):
    without, with_ = ARMS
    evidence = tuple(
        lies_below(
            f"accuracy lost as units are {way}, with dropout minus without",
            lost(numbers, with_, way) - lost(numbers, without, way),
            unit="points",
        )
        for way in WAYS
    )
    told = []
    for way in WAYS:
        first, last = (", ".join(f"{accuracies(numbers, arm, way)[:, k].mean():.1f}" for arm in ARMS) for k in (0, -2))
        told.append(f"{way}: {first} % with all units, {last} % with {100 * TAKEN[-2]:.0f} % of them taken away")
    pairs = [correlation(numbers, arm) for arm in ARMS]
    difference = Estimate.of(pairs[1] - pairs[0])
    return Verdict(
        evidence,
        (
            f"Test accuracy without and with dropout, {'; '.join(told)}.",
            f"Correlation (no vote): {Estimate.of(pairs[0]).text(3)} without, {Estimate.of(pairs[1]).text(3)} with, "
            f"difference {difference.text(3, sign=True)}.",
        ),
    )


CLAIM = Claim(
    name="2_co_adaptation",
    sentence="Dropout prevents complex co-adaptations",
    measure=measure,
    draw=draw,
    judge=judge,
    size={"seeds": 5, "images": 2000, "epochs": 20, "draws": 10, "test_images": 2000},
    quick={"seeds": 3, "images": 500, "draws": 5},
    tiny={"seeds": 2, "images": 64, "epochs": 2, "draws": 1, "test_images": 100},
)

if __name__ == "__main__":
    main(CLAIM)
