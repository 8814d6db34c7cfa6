"""Batch norm's three terms, and a network trained without them
============================================================

The gradient of batch norm has three terms: straight through, through the mean, through the variance. Leave one out, and
the loss still falls. Here the same network learns, on the same batches, with all three and with some left out:

- The loss.
- The length of the bias in front of batch norm. The mean takes any bias away again, so its true gradient is zero.
  Without the term through the mean it has one all the same, and wanders off for nothing.
- The length of the weights in front of batch norm. Doubled, they give the same output, since the variance takes their
  length away again: a true gradient is at right angles to them. Without a term, steps lead along them and gain nothing.

The second is the example with which Ioffe & Szegedy begin, "Batch normalization", ICML 2015, section 2.
Run it: ``python examples/batchnorm_terms.py [--quick] [--figure batchnorm_terms.png]``
"""

import argparse

import numpy as np

from minicnn import datasets, functional
from minicnn.plots.style import COLOURS, SMALL, label_axes, new_figure

UNITS, BATCH_SIZE, LEARNING_RATE, MEAN_OF = 64, 64, 0.1, 20
MEASURES = f"loss, mean of {MEAN_OF} steps", "length of the bias", "length of the weights"
FACTORS = {  # of the terms through mean and variance
    "all three terms": (1, 1),
    "not through the variance": (1, 0),
    "not through the mean": (0, 1),
    "straight through only": (0, 0),
}


def batchnorm_dx(dy, cache, mean, variance):
    """Equation (7) of minicnn/layers/batchnorm.py, its second and third term multiplied by `mean` and `variance`."""
    x_hat = (cache.x - cache.mean) * cache.inv_std
    return cache.inv_std * (dy - mean * dy.mean(axis=0) - variance * x_hat * (dy * x_hat).mean(axis=0))  # gamma is 1


def train(images, labels, factors, steps, seed):
    """Dense, batch norm, ReLU, dense by plain gradient descent; returns MEASURES, a row for each step."""
    rng, inputs = np.random.default_rng(seed), images.shape[1]
    w, b = rng.normal(size=(inputs, UNITS)) * np.sqrt(2 / inputs), np.zeros(UNITS)
    w_out, measured = rng.normal(size=(UNITS, 10)) / np.sqrt(UNITS), []
    for _ in range(steps):
        batch = rng.integers(len(images), size=BATCH_SIZE)
        a, dense_cache = functional.dense_forward(images[batch], w, b)
        a, norm_cache = functional.batchnorm_forward(a, np.ones(UNITS), np.zeros(UNITS))
        a, relu_cache = functional.relu_forward(a)
        logits, out_cache = functional.dense_forward(a, w_out)
        loss, loss_cache = functional.softmax_cross_entropy_forward(logits, labels[batch])

        dlogits = functional.softmax_cross_entropy_backward(1.0, loss_cache)
        da, dw_out, _ = functional.dense_backward(dlogits, out_cache)
        da = functional.relu_backward(da, relu_cache)
        _, dw, db = functional.dense_backward(batchnorm_dx(da, norm_cache, *factors), dense_cache)
        for parameter, gradient in ((w, dw), (b, db), (w_out, dw_out)):
            parameter -= LEARNING_RATE * gradient
        measured.append((loss, np.linalg.norm(b), np.linalg.norm(w)))
    return np.array(measured)


def main(argv=None):
    parser = argparse.ArgumentParser(description="Batch norm's three terms, and a network trained without them.")
    parser.add_argument("--quick", action="store_true", help="one seed and few steps")
    parser.add_argument("--figure", default="batchnorm_terms.png", help="where to save the picture (%(default)s)")
    options = parser.parse_args(argv)
    seeds, steps = (1, 100) if options.quick else (3, 400)
    images, labels = datasets.load("fashion-mini").train
    images, figure = images.reshape(len(images), -1).astype(np.float64), new_figure(3.4)
    panels = figure.subplots(1, 3)
    print(f"{'after ' + str(steps) + ' steps':<26}{'loss':>6} {'bias':>9} {'weights':>8}")
    for (name, factors), colour in zip(FACTORS.items(), COLOURS, strict=False):
        runs = np.array([train(images, labels, factors, steps, seed) for seed in range(seeds)])
        runs = runs.reshape(seeds, -1, MEAN_OF, 3).mean(axis=2)  # the loss of a single step is noise
        print("{:<26}{:6.2f} {:9.1e} {:8.2f}".format(name, *runs[:, -1].mean(axis=0)))
        for ax, of_seeds in zip(panels, np.moveaxis(runs, 2, 0), strict=True):
            step, dashes = MEAN_OF * np.arange(1, of_seeds.shape[1] + 1), "--" if factors == (1, 0) else "-"
            ax.plot(step, of_seeds.mean(axis=0), dashes, color=colour, label=name)
            ax.fill_between(step, of_seeds.min(axis=0), of_seeds.max(axis=0), color=colour, alpha=0.15, linewidth=0)
    for ax, title in zip(panels, MEASURES, strict=True):
        label_axes(ax, title, xlabel="step")
    panels[0].legend(frameon=False, fontsize=SMALL)
    figure.savefig(options.figure)
    print(f"Figure {options.figure}")


if __name__ == "__main__":
    main()
