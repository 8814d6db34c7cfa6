"""Dropout is model averaging
==========================

*The claim* (Srivastava et al., JMLR 15, 2014). Dropout trains a great many networks that share their weights: each
mask leaves another thinned network, and 512 hidden units have 2^512 masks. One pass with all units is to stand for
the average of their predictions.

*The experiment.* A network is trained with dropout. For each test image 100 masks are drawn, and the predicted
probabilities of K of these thinned networks are averaged, for K from 1 to 100. Beside it stands the one pass with all
units. What decides, before anything is run:

- the average of 100 thinned networks has a higher test accuracy than one of them: there is something to be had;
- the accuracy of the one pass is that of the average to within 1 point, either way;
- and so is its log-likelihood (the mean over the test images of log p of the right class): of what the average gains
  over one thinned network, the one pass misses or exceeds less than a quarter.

That the average's log-likelihood is the higher one is no evidence: by Jensen's inequality, log of the mean is never
below the mean of logs. Accuracy has no such law.

*And uncertainty.* If there are many models, they can disagree. Pictures are turned step by step, as no picture in
training was, and the entropy of the averaged prediction is split in two (Gal & Ghahramani, "Dropout as a Bayesian
Approximation", ICML 2016): what each thinned network is unsure of by itself, and their disagreement (mutual
information). It is drawn and told, and has no vote.

*What it cannot tell.* Whether the thinned networks are as good as networks trained one by one: they share all
weights, and never were independent.

Run it: ``minicnn lesson --claim 3_model_averaging``, or ``python examples/claims/3_model_averaging.py``
"""

import numpy as np
from PIL import Image

from minicnn import SGD, AvgPool2D, Dense, Dropout, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, datasets, fit
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_above, lies_below, side_by_side
from minicnn.estimates import Estimate
from minicnn.functional import softmax_forward
from minicnn.plots.style import COLOURS, INK, MARKERS, SMALL, label_axes, new_figure

COUNTS = (1, 2, 5, 10, 20, 50, 100)  # K
MASKS = COUNTS[-1]
ANGLES = tuple(range(0, 181, 20))  # degrees
TINY = 1e-7  # below this, float32 probabilities are noise


def network(seed):
    """Images are halved to 14x14 first, to save time."""
    hidden = [Dense(256), ReLU(), Dropout(0.5), Dense(256), ReLU(), Dropout(0.5)]
    return Sequential([AvgPool2D(2), Flatten(), *hidden, Dense(10)], input_shape=(28, 28, 1), seed=seed)


def probabilities(model, images, thinned=False):
    """Predicted probabilities (N, 10), of a fresh thinned network for each image or of the one with all units."""
    x = images
    for layer in model.layers:
        x = layer.forward(x, training=thinned)  # of these layers, dropout alone is different in training
    return softmax_forward(x)[0]


def scores(p, labels):
    """Accuracy (per cent) and log-likelihood (nats an image) of probabilities (..., N, 10), over all that came."""
    right = np.take_along_axis(p, np.broadcast_to(labels, p.shape[:-1])[..., None], axis=-1)
    return [100 * np.mean(p.argmax(axis=-1) == labels), np.mean(np.log(np.maximum(right, TINY)))]


def entropy(p):
    """In nats, of probabilities (..., 10)."""
    return -np.sum(p * np.log(np.maximum(p, TINY)), axis=-1)


def turned(images, degrees):
    """Images (N, 28, 28, 1), turned; what comes in at the corners is black, as the background is."""
    pictures = [Image.fromarray(image[..., 0]).rotate(degrees, Image.Resampling.BILINEAR) for image in images]
    return np.stack(pictures)[..., None]


def uncertainty(model, images):
    """Mean entropy in nats: of the one pass, of the average of all thinned networks, and the latter's disagreement."""
    p = np.stack([probabilities(model, images, thinned=True) for _ in range(MASKS)])
    total = entropy(p.mean(axis=0))
    return [np.mean(v) for v in (entropy(probabilities(model, images)), total, total - entropy(p).mean(axis=0))]


def one_run(seed, images, epochs, test_images, turned_images):
    """Train once, average, and turn."""
    data = datasets.load("fashion-mini").subset(train=images, test=test_images)
    model = network(seed)
    optimizer = SGD(0.02, momentum=0.9)
    fit(model, data.train, loss=SoftmaxCrossEntropy(), optimizer=optimizer, epochs=epochs, progress=False)
    p = np.stack([probabilities(model, data.test.images, thinned=True) for _ in range(MASKS)])
    groups = [p.reshape(-1, K, *p.shape[1:]).mean(axis=1) for K in COUNTS]  # all masks in groups of K
    some = data.test.images[:turned_images]
    return {
        "averages": [scores(group, data.test.labels) for group in groups],
        "one pass": scores(probabilities(model, data.test.images), data.test.labels),
        "uncertainty": [uncertainty(model, turned(some, angle)) for angle in ANGLES],
    }


def measure(seeds, images, epochs, test_images, turned_images):
    """One network a seed."""
    return {"runs": side_by_side(one_run, [(seed, images, epochs, test_images, turned_images) for seed in seeds])}


def gathered(numbers, key):
    """What all runs have: "averages" (seeds, K, 2), "one pass" (seeds, 2), "uncertainty" (seeds, angles, 3)."""
    return np.array([run[key] for run in numbers["runs"]])


def draw(numbers):
    figure = new_figure(3.9)
    axes = figure.subplots(1, 3)
    averages, one_pass = gathered(numbers, "averages"), gathered(numbers, "one pass")
    for k, (ax, title) in enumerate(zip(axes, ("test accuracy (%)", "log-likelihood (nats an image)"), strict=False)):
        rows, level = averages[..., k], one_pass[:, k].mean()
        ax.plot(
            COUNTS, rows.mean(axis=0), color=COLOURS[1], marker=MARKERS[1], markersize=4, label="K thinned networks"
        )
        ax.fill_between(COUNTS, rows.min(axis=0), rows.max(axis=0), color=COLOURS[1], alpha=0.18, lw=0)
        ax.axhline(level, color=COLOURS[2], linestyle="--", label="one pass, all units")
        ax.axhspan(one_pass[:, k].min(), one_pass[:, k].max(), color=COLOURS[2], alpha=0.12, lw=0)
        label_axes(ax, title, "K, thinned networks averaged")
        ax.set(xscale="log", xticks=COUNTS, xticklabels=COUNTS)
        ax.minorticks_off()
    axes[0].legend(frameon=False, fontsize=SMALL, loc="lower right")
    names = ("entropy of the one pass", "entropy of the average", "disagreement")
    curves = gathered(numbers, "uncertainty").mean(axis=0).T
    for name, curve, look in zip(names, curves, (2, 1, 3), strict=True):
        style = "--" if look == 2 else "-"
        axes[2].plot(ANGLES, curve, style, color=COLOURS[look], marker=MARKERS[look], markersize=4, label=name)
    label_axes(axes[2], "uncertainty (nats)", "picture turned by (degrees)")
    axes[2].set(ylim=(0, 1.5 * curves.max()), xticks=range(0, 181, 45))
    axes[2].legend(frameon=False, fontsize=SMALL, loc="upper left")
    note = f"fashion-mini; means of {len(one_pass)} seeds, shaded from lowest to highest"
    figure.supxlabel(note, fontsize=SMALL, color=INK)
    return figure


def judge(numbers):
    averages, one_pass, doubt = (gathered(numbers, key) for key in ("averages", "one pass", "uncertainty"))
    single, average = averages[:, 0], averages[:, -1]
    gain = average - single
    apart = one_pass - average
    accuracy, log_likelihood = (Estimate.of(apart[:, k]) for k in (0, 1))
    upright, quarter = (doubt[:, ANGLES.index(angle), 2] for angle in (0, 100))
    return Verdict(
        (
            lies_above(
                "accuracy of one pass minus that of the average of 100", apart[:, 0], -1, unit="points", decimals=2
            ),
            lies_below("the same, from the other side", apart[:, 0], +1, unit="points", decimals=2),
            lies_above("accuracy of the average minus that of one thinned network", gain[:, 0], unit="points"),
            lies_below(
                "log-likelihood that one pass misses or exceeds, as a share of the average's gain",
                100 * abs(apart[:, 1] / gain[:, 1]),
                25,
                unit="%",
            ),
        ),
        (
            f"One pass minus average: {accuracy.text(2, sign=True)} points of accuracy, "
            f"{log_likelihood.text(4, sign=True)} nats.",
            f"Disagreement grows from {Estimate.of(upright).text(3)} nats upright to {Estimate.of(quarter).text(3)} at "
            "100 degrees: the thinned networks agree less on what they have not seen.",
        ),
    )


CLAIM = Claim(
    name="3_model_averaging",
    sentence="Dropout is model averaging",
    measure=measure,
    draw=draw,
    judge=judge,
    size={"seeds": 6, "images": 3000, "epochs": 15, "test_images": 2000, "turned_images": 200},
    quick={"seeds": 3, "images": 1000, "test_images": 500, "turned_images": 50},
    tiny={"seeds": 2, "images": 64, "epochs": 2, "test_images": 50, "turned_images": 4},
)

if __name__ == "__main__":
    main(CLAIM)
