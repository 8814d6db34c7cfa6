"""Batch norm speeds up training and lets layers learn independently
=================================================================

Ioffe & Szegedy (ICML 2015) explain the speed by *internal covariate shift*: each layer has to follow the changes of
those before it, and batch norm frees it of that. Santurkar et al. (NeurIPS 2018) found such changes no smaller with
batch norm, and explain the speed by a smoother loss, on which a gradient step keeps its promise for longer. Three
measurements, on a network of four hidden dense layers with and without batch norm:

1. **Speed.** Steps to 80 % of the test digits recognized, for three optimizers with five learning rates each. Either
   network counts at its own best rate: one rate for both would only ask whom it suits. A run that does not get there
   counts with all the steps it was given, which favours the slower network.
2. **Independence.** A layer's gradient is taken twice on one batch: before and after a step of the layers *below* it.
   If layers learn independently, it points the same way (Santurkar's measure; cosine 1).
3. **Smoothness.** A step of learning rate r along the gradient g promises that the loss of this batch falls by
   ``r |g|^2``. Up to which r does it keep at least half of that?

The last two are taken along a training by SGD at 0.03, where both networks learn. The verdict rests on 1 and 2; 3 is
the competing explanation and stands in the remarks. Contradicted would be: as many steps or more, or gradients that
turn further. Steps are not seconds: in so small a network batch norm can double the cost of one.

Run it: minicnn lesson --claim 7_faster_training
"""

import numpy as np

from minicnn import SGD, Adam, BatchNorm, Dense, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, datasets
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_above, lies_below, side_by_side
from minicnn.estimates import Estimate
from minicnn.plots.style import COLOURS, FAINT, INK, MARKERS, SMALL, label_axes, new_figure

WITHOUT, WITH = ARMS = "without batch norm", "with batch norm"
OPTIMIZERS = {
    "SGD": (SGD, (0.03, 0.1, 0.3, 1, 3)),
    "SGD, momentum 0.9": (lambda rate: SGD(rate, momentum=0.9), (0.003, 0.01, 0.03, 0.1, 0.3)),
    "Adam": (Adam, (0.0003, 0.001, 0.003, 0.01, 0.03)),
}
LOSS = SoftmaxCrossEntropy
BATCH, TARGET, LOOK_EVERY = 64, 0.8, 2  # images; test accuracy; steps
PROMISES = 10.0 ** np.arange(-2, 1.1, 0.25)  # learning rates
MOVES, RATE = (0.01, 0.03, 0.1), 0.03  # learning rates of the layers below, and of the training around


def network(arm, seed):
    layers = [Flatten()]
    for _ in range(4):
        layers += [Dense(64), *([BatchNorm()] if arm == WITH else []), ReLU()]
    return Sequential([*layers, Dense(10)], input_shape=(8, 8, 1), seed=seed)


def random_batch(split, rng):
    chosen = rng.choice(len(split.labels), BATCH, replace=False)
    return split.images[chosen], split.labels[chosen]


def gradients(model, x, labels):
    """Loss of a batch, and copies of all gradients."""
    loss = LOSS()
    value = loss.forward(model.forward(x, training=True), labels)
    model.backward(loss.backward(), need_dx=False)
    return value, {name: gradient.copy() for name, gradient in model.grads.items()}


def steps_to_target(arm, optimizer, rate, seed, granted):
    """How many steps it takes; None if those granted are not enough."""
    data, step_by = datasets.load("digits"), OPTIMIZERS[optimizer][0](rate)
    model, rng = network(arm, seed), np.random.default_rng(seed)
    with np.errstate(all="ignore"):  # too large a rate overflows: that is one of the results
        for step in range(1, granted + 1):
            value, slopes = gradients(model, *random_batch(data.train, rng))
            if not np.isfinite(value):
                return None
            step_by.step(model.params, slopes)
            if step % LOOK_EVERY == 0 and model.evaluate(data.test, LOSS())["accuracy"] >= TARGET:
                return step
    return None


def move(model, start, slopes, rate, names):
    """Put the parameters of these names one gradient step away from `start`, and the others there."""
    for name, parameter in model.params.items():
        parameter[...] = start[name] - (rate * slopes[name] if name in names else 0)


def promise_kept(model, batch, start, value, slopes, rate):
    """Fall of the loss as a share of what the gradient promised."""
    move(model, start, slopes, rate, slopes)
    promised = rate * sum(np.sum(slope.astype(float) ** 2) for slope in slopes.values())
    return (value - LOSS().forward(model.forward(batch[0], training=True), batch[1])) / promised


def agreement(model, batch, start, slopes, rate):
    """Cosine between a layer's weight gradient before and after a step of the layers below it: mean of the layers."""
    names, cosines = list(slopes), []
    for weight in [name for name in names if name.startswith("dense") and name.endswith(".w")][1:]:
        move(model, start, slopes, rate, names[: names.index(weight)])
        before, after = slopes[weight], gradients(model, *batch)[1][weight]
        cosines.append(np.sum(before * after) / np.linalg.norm(before) / np.linalg.norm(after))
    return np.mean(cosines)


def probe(arm, seed, probes, every):
    """Train by SGD; now and then see how far the promise holds and how the gradients turn."""
    train, model, rng = datasets.load("digits").train, network(arm, seed), np.random.default_rng(seed)
    kept, cosines = [], []
    for step in range(1, probes * every + 1):
        batch = random_batch(train, rng)
        start = {name: parameter.copy() for name, parameter in model.params.items()}
        value, slopes = gradients(model, *batch)
        if step % every == 0:
            kept.append([promise_kept(model, batch, start, value, slopes, rate) for rate in PROMISES])
            cosines.append([agreement(model, batch, start, slopes, rate) for rate in MOVES])
        move(model, start, slopes, RATE, slopes)
    return {"kept": kept, "cosines": cosines}


def measure(seeds, granted, probes, every):
    grid = {name: rates for name, (_, rates) in OPTIMIZERS.items()}
    jobs = [(arm, name, rate, seed, granted) for arm in ARMS for name in grid for rate in grid[name] for seed in seeds]
    steps = iter(side_by_side(steps_to_target, jobs))
    probed = iter(side_by_side(probe, [(arm, seed, probes, every) for arm in ARMS for seed in seeds]))
    return {
        "granted": granted,
        "steps": {arm: {name: [[next(steps) for _ in seeds] for _ in grid[name]] for name in grid} for arm in ARMS},
        "probes": {arm: [next(probed) for _ in seeds] for arm in ARMS},
    }


def counted(numbers, arm, optimizer):
    """Steps as an array (rates, seeds), the steps granted for a run that did not get there."""
    return np.array([[n or numbers["granted"] for n in row] for row in numbers["steps"][arm][optimizer]])


def probed(numbers, arm, what):
    return np.array([one[what] for one in numbers["probes"][arm]])  # (seeds, probes, rates)


def reach(numbers, arm):
    """Up to which learning rate a step keeps half of its promise: geometric mean over the probes, one a seed."""
    holds = np.cumprod(probed(numbers, arm, "kept") >= 0.5, axis=2).sum(axis=2)
    return np.exp(np.log(PROMISES)[np.maximum(holds - 1, 0)].mean(axis=1))


def judge(numbers):
    change, said = [], []
    for name, (_, rates) in OPTIMIZERS.items():
        slow, fast = (counted(numbers, arm, name) for arm in ARMS)
        a, b = (int(steps.mean(axis=1).argmin()) for steps in (slow, fast))  # their best rates
        change.append(100 * (fast[b] / slow[a] - 1))
        said.append(f"{name} {slow[a].mean():.0f} at {rates[a]:g} without, {fast[b].mean():.0f} at {rates[b]:g} with")
    arrived = [sum(None not in row for rows in numbers["steps"][arm].values() for row in rows) for arm in ARMS]
    without, with_it = (probed(numbers, arm, "cosines")[:, :, MOVES.index(RATE)].mean(axis=1) for arm in ARMS)
    far = [Estimate.of(list(reach(numbers, arm))).text(2) for arm in ARMS]
    turned = "cosine between a layer's gradient before and after the layers below moved, with minus without"
    return Verdict(
        (
            lies_below("steps to 80 %, with batch norm against without", np.mean(change, axis=0), unit="%", decimals=0),
            lies_above(turned, with_it - without, decimals=2),
        ),
        (
            f"Steps at the best rate: {'; '.join(said)}.",
            f"Of 15 learning rates, {arrived[0]} led to 80 % from every seed without batch norm, {arrived[1]} with it.",
            f"The competing explanation: a step keeps half its promise up to a learning rate of {far[0]} without batch "
            f"norm, {far[1]} with it. Both may be one thing seen from two sides; this experiment cannot part them.",
        ),
    )


def draw(numbers):
    figure = new_figure(6.2)
    grid = figure.add_gridspec(2, 6)
    top = figure.add_subplot(grid[0, :2])
    speeds = [top, *(figure.add_subplot(grid[0, k : k + 2], sharey=top) for k in (2, 4))]
    promise, turned = figure.add_subplot(grid[1, :3]), figure.add_subplot(grid[1, 3:])
    for arm, colour, marker in zip(ARMS, COLOURS, MARKERS, strict=False):
        look = {"color": colour, "marker": marker, "markersize": 5, "label": arm}
        for ax, (name, (_, rates)) in zip(speeds, OPTIMIZERS.items(), strict=True):
            ax.plot(rates, counted(numbers, arm, name).mean(axis=1), **look)
            ax.plot(rates, counted(numbers, arm, name), ".", color=colour, alpha=0.4, markersize=4)
            label_axes(ax, title=name, xlabel="learning rate")
        promise.plot(PROMISES, 100 * np.median(probed(numbers, arm, "kept"), axis=(0, 1)), **look)
        turned.plot(MOVES, probed(numbers, arm, "cosines").mean(axis=(0, 1)), **look)
        turned.plot(MOVES, probed(numbers, arm, "cosines").mean(axis=1).T, ".", color=colour, alpha=0.4, markersize=4)
    top.set_ylabel(f"steps to 80 % ({numbers['granted']}: not reached)", fontsize=SMALL, color=INK)
    top.set_yscale("log", subs=(3,))
    top.yaxis.set(major_formatter="{x:.0f}", minor_formatter="{x:.0f}")
    label_axes(promise, "what a gradient step keeps of its promise (%, median)", "learning rate")
    label_axes(turned, "a layer's gradient once those below moved (cosine)", "learning rate of the layers below")
    promise.set_ylim(-105, 105)
    for ax in figure.axes:
        ax.set_xscale("log")
        ax.tick_params(which="minor", labelsize=SMALL, color=FAINT, labelcolor=INK)
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


CLAIM = Claim(
    name="7_faster_training",
    sentence="Batch norm speeds up training and lets layers learn independently",
    measure=measure,
    draw=draw,
    judge=judge,
    size={"seeds": 8, "granted": 300, "probes": 8, "every": 20},
    quick={"seeds": 3, "granted": 60, "probes": 3},
    tiny={"seeds": 2, "granted": 1, "probes": 1, "every": 2},
)

if __name__ == "__main__":
    main(CLAIM)
