"""Used together, dropout belongs after batch norm
===============================================

Dropout at work makes the numbers that follow it vary more than in evaluation, by up to 1 / (1 - rate). A batch norm
behind it learns the larger variance, and in evaluation divides the smaller one by it: *variance shift* (Li et al.,
2018). So the order should matter. In each of three hidden dense layers::

    weights - BatchNorm - ReLU - Dropout        minicnn's lesson; batch norm where Ioffe & Szegedy (2015) put it
    weights - ReLU - BatchNorm - Dropout        the lesson of claim 9, with pooling before the dropout
    weights - Dropout - BatchNorm - ReLU
    weights - ReLU - Dropout - BatchNorm

and beside them batch norm with dropout in the last of the layers only, as Li et al. advise, and without any. For each
batch norm, the variance of its inputs in evaluation is compared with its running variance: 1 is no shift. Then the
running statistics are measured anew on the training images, with dropout off. What that changes in the accuracy is what
the shift alone has cost, for no weight is touched.

The claim stands on two numbers, dropout after minus before batch norm, mean of both places of the ReLU: the accuracy on
test images, and the shift. Contradicted would be: more accuracy, or less shift, with dropout before. Even after batch
norm, dropout comes before the batch norm of the next layer; the weights between mix many units, which evens out some of
the shift.

Sources: Li et al., "Understanding the disharmony between dropout and batch normalization by variance shift", CVPR 2019
(arXiv 2018); Ioffe & Szegedy, "Batch normalization", ICML 2015.

Run it: minicnn lesson --claim 8_both_together
"""

import numpy as np

from minicnn import SGD, BatchNorm, Dense, Dropout, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, datasets, fit
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_above, side_by_side
from minicnn.estimates import Estimate
from minicnn.plots.style import COLOURS, INK, MARKERS, SMALL, label_axes, new_figure

MINICNN, LESSON = "BatchNorm - ReLU - Dropout", "ReLU - BatchNorm - Dropout"
LATE, EARLY = (MINICNN, LESSON), ("Dropout - BatchNorm - ReLU", "ReLU - Dropout - BatchNorm")
ADVISED, NO_DROPOUT = "BatchNorm - ReLU, Dropout last", "BatchNorm - ReLU"
ORDERS = (*LATE, *EARLY, ADVISED, NO_DROPOUT)
HIDDEN, UNITS = 3, 128


def images():
    """Every second row and column of each image: 14x14 is enough here, and four times as fast."""
    data = datasets.load("fashion-mini").subset(train=1920)
    return [(split.images[:, ::2, ::2], split.labels) for split in (data.train, data.test)]


def network(order, rate, seed):
    kinds = {"BatchNorm": BatchNorm, "ReLU": ReLU, "Dropout": lambda: Dropout(rate)}
    parts, layers = order.removesuffix(", Dropout last").split(" - "), [Flatten()]
    for _ in range(HIDDEN):
        layers += [Dense(UNITS), *(kinds[part]() for part in parts)]
    last = [Dropout(rate)] if order == ADVISED else []
    return Sequential([*layers, *last, Dense(10)], input_shape=(14, 14, 1), seed=seed)


def variance_ratios(model, x):
    """Variance of what comes to each batch norm in evaluation, over its running variance: mean over the channels."""
    ratios = []
    for layer in model.layers:
        if isinstance(layer, BatchNorm):
            ratios.append(float(x.var(axis=0).mean() / layer.state["running_var"].mean()))
        x = layer.forward(x)
    return ratios


def measure_statistics_anew(model, x):
    """Give each batch norm the mean and variance of what comes to it in evaluation, from the first layer on."""
    for layer in model.layers:
        if isinstance(layer, BatchNorm):
            layer.state = {"running_mean": x.mean(axis=0), "running_var": x.var(axis=0)}
        x = layer.forward(x)


def train(order, rate, seed, epochs):
    """Accuracies on test images in per cent, as trained and with new statistics; the variance ratios."""
    (train_images, labels), test = images()
    model, loss = network(order, rate, seed), SoftmaxCrossEntropy()
    fit(
        model,
        (train_images, labels),
        loss=loss,
        optimizer=SGD(0.05, momentum=0.9),
        epochs=epochs,
        batch_size=64,
        progress=False,
        warn=False,
    )
    accuracy = [100 * model.evaluate(test, loss)["accuracy"]]
    ratios = variance_ratios(model, train_images)
    measure_statistics_anew(model, train_images)
    accuracy.append(100 * model.evaluate(test, loss)["accuracy"])
    return {"trained": accuracy[0], "anew": accuracy[1], "ratios": ratios}


def measure(seeds, rate, epochs):
    runs = iter(side_by_side(train, [(order, rate, seed, epochs) for order in ORDERS for seed in seeds]))
    return {order: [next(runs) for _ in seeds] for order in ORDERS}


def values(numbers, order, what):
    return np.array([run[what] for run in numbers[order]])


def shift(numbers, order):
    """Mean distance of the variance ratios from 1 as a factor, in per cent, one a seed."""
    return 100 * (np.exp(abs(np.log(values(numbers, order, "ratios"))).mean(axis=1)) - 1)


def judge(numbers):
    trained = {order: values(numbers, order, "trained") for order in ORDERS}
    change = {order: values(numbers, order, "anew") - trained[order] for order in ORDERS}
    shifts = {order: shift(numbers, order) for order in ORDERS}
    best = max(ORDERS, key=lambda order: trained[order].mean())

    def mean_of(orders, by_order):
        return sum(by_order[order] for order in orders) / len(orders)

    def points(differences):
        low, high = Estimate.of(list(differences)).interval or (np.nan, np.nan)
        return f"{np.mean(differences):+.1f} points (95 %: {low:.1f} to {high:.1f})"

    better = mean_of(LATE, trained) - mean_of(EARLY, trained)
    more_shift = mean_of(EARLY, shifts) - mean_of(LATE, shifts)
    return Verdict(
        (
            lies_above("test accuracy, dropout after batch norm minus before it", better, unit="points"),
            lies_above("variance shift, dropout before batch norm minus after it", more_shift, unit="%", decimals=0),
        ),
        (
            f"Statistics measured anew change the accuracy by {points(mean_of(EARLY, change))} with dropout "
            f"before batch norm, {points(mean_of(LATE, change))} after it, "
            f"{points(change[NO_DROPOUT])} without dropout, where they only take out the noise of running averages. "
            "What is more than that, the shift alone has cost.",
            "Batch norm after the ReLU minus before it, dropout last in both: "
            f"{points(trained[LESSON] - trained[MINICNN])}.",
            f"Best on average: {best}. Beside it minicnn's order: {points(trained[MINICNN] - trained[best])}; "
            f"the lesson's: {points(trained[LESSON] - trained[best])}. The best of six is flattered by chance.",
            "One rate, dense layers, one recipe for all orders; in convolutions the shift may be another.",
        ),
    )


def draw(numbers):
    figure = new_figure(4.2)
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1), sharex=False)
    for row, (order, colour, marker) in enumerate(zip(ORDERS, COLOURS, MARKERS, strict=False)):
        for what, place, face in (("trained", row - 0.14, colour), ("anew", row + 0.2, "white")):
            estimate = Estimate.of(list(values(numbers, order, what)))
            look = {"color": colour, "marker": marker, "markersize": 6, "markerfacecolor": face, "capsize": 3}
            left.errorbar(estimate.mean, place, xerr=estimate.standard_error, **look)
        left.plot(values(numbers, order, "trained"), [row - 0.14] * len(numbers[order]), ".", color=colour, alpha=0.4)
        ratios = values(numbers, order, "ratios")
        right.plot(range(1, HIDDEN + 1), ratios.mean(axis=0), color=colour, marker=marker, markersize=5, label=order)
    label_axes(left, title="filled: as trained, open: statistics measured anew", xlabel="test accuracy (%)")
    left.set(yticks=range(len(ORDERS)), yticklabels=ORDERS)
    left.invert_yaxis()
    label_axes(right, title="variance in evaluation over running variance", xlabel="batch norm of hidden layer")
    right.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    right.set(xticks=range(1, HIDDEN + 1), ylim=(0, None))
    for name, colour in zip(left.get_yticklabels(), COLOURS, strict=False):
        name.set(color=colour, fontsize=SMALL)
    return figure


CLAIM = Claim(
    name="8_both_together",
    sentence="Used together, dropout belongs after batch norm",
    measure=measure,
    draw=draw,
    judge=judge,
    size={"seeds": 10, "rate": 0.5, "epochs": 12},
    quick={"seeds": 3, "epochs": 4},
    tiny={"seeds": 2, "epochs": 1},
)

if __name__ == "__main__":
    main(CLAIM)
