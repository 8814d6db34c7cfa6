"""Dropped units are removed, and their weights not updated
========================================================

"Dropped units are removed in the forward pass, and their weights are not updated in the backward pass." Srivastava et
al. (2014) say it so: the network of a training step is a thinned one, made of the units that were kept.

The step here is written out with the pure functions of ``minicnn.functional``: pixels, 32 hidden units, dropout, ten
digits. The activation is tanh, which is never exactly zero where ReLU often is: whatever is zero here, dropout made so.

What would contradict the claim, looked for in a step on one image, in float64:

- a number of a dropped unit (its output, the gradients of its incoming and outgoing weights) that is not exactly zero;
- one of these weights that a step of plain SGD changes (this in 200 steps, one image each);
- logits or gradients that differ, by more than rounding, from those of a network with the dropped units cut out.

So much for one image and plain SGD. Two things are looked at besides, because the sentence is easily misread:

- Each image of a mini-batch has its own mask, and a weight's gradient is the sum over the images. It is zero only if
  the unit was dropped in all N of them: with probability rate to the power of N.
- An optimizer may change a weight whose gradient is zero: momentum by what it remembers, weight decay by shrinking.

Run it: minicnn lesson --claim 4_dropped_units

Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014, part 5.
"""

import numpy as np
from matplotlib import colormaps

from minicnn import SGD, Adam, datasets, functional
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_below, side_by_side
from minicnn.plots.style import COLOURS, FAINT, INK, MARKERS, SMALL, label_axes, new_figure

HIDDEN, CLASSES, RATE, GRID = 32, 10, 0.5, (4, 8)  # the grid in which hidden units are drawn
OPTIMIZERS = {
    "plain SGD": lambda: SGD(0.05),
    "weight decay 0.0005": lambda: SGD(0.05, weight_decay=0.0005),
    "momentum 0.9": lambda: SGD(0.005, momentum=0.9),
    "Adam": lambda: Adam(0.001),
}


def weights(rng, pixels):
    """Two dense layers, in float64."""
    w1 = rng.normal(scale=pixels**-0.5, size=(pixels, HIDDEN))
    w2 = rng.normal(scale=HIDDEN**-0.5, size=(HIDDEN, CLASSES))
    return {"w1": w1, "b1": np.zeros(HIDDEN), "w2": w2, "b2": np.zeros(CLASSES)}


def forward_and_backward(params, x, labels, rate, rng):
    """A step without its update: hidden units before and after dropout, mask and logits; and the gradients."""
    h, dense1 = functional.dense_forward(x, params["w1"], params["b1"])
    a, tanh = functional.tanh_forward(h)
    y, mask = functional.dropout_forward(a, rate, rng)
    logits, dense2 = functional.dense_forward(y, params["w2"], params["b2"])
    _, loss = functional.softmax_cross_entropy_forward(logits, labels)

    dlogits = functional.softmax_cross_entropy_backward(1.0, loss)
    dy, dw2, db2 = functional.dense_backward(dlogits, dense2)
    da = functional.dropout_backward(dy, mask)
    dh = functional.tanh_backward(da, tanh)
    _, dw1, db1 = functional.dense_backward(dh, dense1)
    return {"a": a, "y": y, "mask": mask, "logits": logits}, {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}


def of_units(units, arrays):
    """All incoming and outgoing weights (or gradients) of some hidden units, in one row."""
    return np.concatenate([arrays["w1"][:, units].ravel(), arrays["b1"][units], arrays["w2"][units].ravel()])


def one_image(images, labels, seed):
    """A step on one image: counts of what contradicts the claim, and the arrays to draw."""
    rng = np.random.default_rng(seed)
    params, k = weights(rng, images.shape[1]), rng.integers(len(images), size=1)
    units, grads = forward_and_backward(params, images[k], labels[k], RATE, rng)
    _, grads_without_dropout = forward_and_backward(params, images[k], labels[k], 0, rng)
    kept = units["mask"][0] != 0

    keep = 1 - RATE  # dropout divides outputs by it; where units are cut out, their outgoing weights are divided
    cut = params | {"w1": params["w1"][:, kept], "b1": params["b1"][kept], "w2": params["w2"][kept] / keep}
    cut_units, cut_grads = forward_and_backward(cut, images[k], labels[k], 0, rng)
    masked = units["logits"], grads["w1"][:, kept], keep * grads["w2"][kept]
    smaller = cut_units["logits"], cut_grads["w1"], cut_grads["w2"]
    errors = [np.abs(a - b).max() / np.abs(a).max() for a, b in zip(masked, smaller, strict=True)]
    counts = {
        "not_zero": np.count_nonzero(units["y"][0, ~kept]) + np.count_nonzero(of_units(~kept, grads)),
        "roundings": max(errors) / np.finfo(float).eps,
        "not_zero_without_dropout": np.count_nonzero(of_units(~kept, grads_without_dropout)),
    }
    return counts, {"before": units["a"][0], "after": units["y"][0], "dw1": grads["w1"].T, "dw2": grads["w2"]}


def share_without_gradient(images, labels, rate, batch_size, batches, seed):
    """The share of hidden units whose incoming weights all have a gradient of exactly zero in a mini-batch's step."""
    rng = np.random.default_rng(seed)
    params, shares = weights(rng, images.shape[1]), []
    for _ in range(batches):
        k = rng.integers(len(images), size=batch_size)
        _, grads = forward_and_backward(params, images[k], labels[k], rate, rng)
        shares.append(np.mean(~grads["w1"].any(axis=0)))
    return np.mean(shares)


def movement(images, labels, name, steps, seed):
    """In steps on one image: how far weights into dropped units move, compared with those into kept ones."""
    rng = np.random.default_rng(seed)
    params, optimizer = weights(rng, images.shape[1]), OPTIMIZERS[name]()
    moved = {True: [], False: []}
    for step in range(steps):
        k = rng.integers(len(images), size=1)
        units, grads = forward_and_backward(params, images[k], labels[k], RATE, rng)
        before = params["w1"].copy()
        optimizer.step(params, grads)
        distance = np.abs(params["w1"] - before).mean(axis=0)
        for kept in moved if step >= steps // 2 else ():  # momentum has gathered by then
            moved[kept].extend(distance[(units["mask"][0] != 0) == kept])
    return np.mean(moved[False]) / np.mean(moved[True])


def measure(seeds, rates, batch_sizes, batches, steps):
    data = datasets.load("digits").train
    images, labels = data.images.reshape(len(data.images), -1).astype(np.float64), data.labels
    counts, pictures = zip(*side_by_side(one_image, [(images, labels, seed) for seed in seeds]), strict=True)
    jobs = [(images, labels, rate, size, batches, seed) for rate in rates for size in batch_sizes for seed in seeds]
    shares = np.reshape(side_by_side(share_without_gradient, jobs), (len(rates), len(batch_sizes), len(seeds)))
    jobs = [(images, labels, name, steps, seed) for name in OPTIMIZERS for seed in seeds]
    moved = np.reshape(side_by_side(movement, jobs), (len(OPTIMIZERS), len(seeds)))
    return {
        "counts": {name: [of_seed[name] for of_seed in counts] for name in counts[0]},
        "picture": pictures[0],
        "batch_sizes": batch_sizes,
        "without_gradient": {str(rate): by_size for rate, by_size in zip(rates, shares, strict=True)},
        "movement": dict(zip(OPTIMIZERS, moved, strict=True)),
    }


def draw(numbers):
    figure = new_figure(7.6)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.6, 1))
    axes, picture = top.subplots(2, 2).flat, numbers["picture"]
    draw_units(next(axes), picture, "before", (1, 1), "32 units before dropout, crosses on those dropped")
    draw_units(next(axes), picture, "after", (1, 1), "the units after it (grey: exactly 0)")
    draw_units(next(axes), picture, "dw1", (8, 8), "gradients of each unit's 8x8 incoming weights")
    draw_units(next(axes), picture, "dw2", (2, 5), "gradients of its 2x5 outgoing weights")
    left, right = bottom.subplots(1, 2)
    sizes, curve = numbers["batch_sizes"], np.geomspace(1, 64, 500)
    for k, (rate, shares) in enumerate(numbers["without_gradient"].items()):
        left.plot(curve, 100 * float(rate) ** curve, color=COLOURS[k], linewidth=1)
        left.plot(sizes, 100 * np.mean(shares, axis=1), MARKERS[k], color=COLOURS[k], label=f"rate {rate}")
    label_axes(left, "units without a gradient in a step (lines: rate$^N$), %", "images in the mini-batch, N")
    left.set_xscale("log", base=2)
    left.set_xticks(sizes, sizes)
    left.legend(frameon=False, fontsize=SMALL)
    means = [100 * np.mean(by_seed) for by_seed in numbers["movement"].values()]
    bars = right.barh(list(numbers["movement"]), means, color=COLOURS[2], height=0.6)
    right.bar_label(bars, [f"{mean:.2g} %" if mean else "exactly 0" for mean in means], padding=3, fontsize=SMALL)
    label_axes(right, "how far weights into dropped units move", "% of what weights into kept units move")
    right.set_xlim(0, 110)
    right.invert_yaxis()
    return figure


def draw_units(ax, picture, name, shape, title):
    """A tile for each hidden unit: red above zero, blue below, grey where exactly zero, a cross where dropped."""
    rows, columns = GRID
    tiles = np.reshape(picture[name], (rows, columns, *shape)).swapaxes(1, 2)
    tiles = np.ma.masked_equal(tiles.reshape(rows * shape[0], columns * shape[1]), 0)
    most, cmap = np.abs(tiles).max(), colormaps["RdBu_r"].with_extremes(bad=FAINT)
    ax.imshow(tiles, cmap=cmap, vmin=-most, vmax=most, aspect="auto", extent=(0, columns, rows, 0))
    y, x = np.nonzero(np.reshape(picture["after"], GRID) == 0)
    ax.plot(x + 0.5, y + 0.5, "x", color=INK, markersize=8)
    label_axes(ax, f"{title}; up to ±{most:.2g}")
    ax.set(xticks=range(columns + 1), yticks=range(rows + 1), axisbelow=False)
    ax.tick_params(length=0, labelcolor="none")
    ax.grid(color="white", linewidth=2)


def judge(numbers):
    counts, moved = numbers["counts"], {name: 100 * np.array(shares) for name, shares in numbers["movement"].items()}
    evidence = (
        lies_below("outputs and gradients of dropped units that are not exactly 0", counts["not_zero"], 1, decimals=0),
        lies_below("plain SGD moves their weights, in % of others", moved["plain SGD"], 0.05, decimals=2),
        lies_below("distance from the network with these units cut out", counts["roundings"], 100, unit="roundings"),
    )
    size, shares = numbers["batch_sizes"][-1], numbers["without_gradient"].items()
    units = ", ".join(f"{100 * np.mean(by_size[-1]):.1f} % (rate {rate})" for rate, by_size in shares)
    remarks = (
        f"without dropout {np.mean(counts['not_zero_without_dropout']):.0f} of the same units' gradients are not 0",
        f"all this is a step on one image; of {size}, each with its own mask, so many units get no gradient: {units}",
        f"a gradient of 0 is no weight that stays: those into dropped units move, by momentum, "
        f"{np.mean(moved['momentum 0.9']):.0f} % as far as others, by Adam {np.mean(moved['Adam']):.0f} %",
    )
    return Verdict(evidence, remarks)


CLAIM = Claim(
    name="4_dropped_units",
    sentence="Dropped units are removed in the forward pass, their weights not updated in the backward pass",
    measure=measure,
    draw=draw,
    judge=judge,
    size={"seeds": 10, "rates": [0.2, 0.5, 0.8], "batch_sizes": [1, 2, 4, 8, 16, 32, 64], "batches": 20, "steps": 400},
    quick={"batches": 5, "steps": 100},
    tiny={"seeds": 3, "batches": 2, "steps": 20},
)

if __name__ == "__main__":
    main(CLAIM)
