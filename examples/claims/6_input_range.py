"""Batch norm keeps the range of each layer's input
================================================

"Batch norm keeps the range of each layer's input the same, whatever the layers before do." That inputs drift while the
layers before learn is what Ioffe & Szegedy (2015) call internal covariate shift. Their figure 1 shows it as it is shown
here: the 15th, 50th and 85th percentile of what goes into a nonlinearity, for the same images, as training goes on.

The lesson's network is trained without batch norm and with it, from the same weights and on the same mini-batches. In
mid-training every weight of its second convolution is multiplied by 10: the layers before could hardly do worse. What
would contradict the claim:

- inputs that with batch norm move as far as without, before the multiplication. For each layer the farthest is taken
  that any of its three percentiles comes from where it began, in first widths of the band, from the 15th to the 85th;
- a band behind the multiplied weights that the multiplication moves by more than 10 % of its width.

"The same" can be no more than that: gamma and beta are learned, and with them the range goes where the loss wants it.
And it is said of training mode. In evaluation mode the running averages have to catch up first.

Run it: minicnn lesson --claim 6_input_range

Source: Ioffe & Szegedy, "Batch normalization", ICML 2015.
"""

import numpy as np

from minicnn import SGD, ReLU, SoftmaxCrossEntropy, datasets, fit
from minicnn.callbacks import Callback
from minicnn.claim_scripts import main
from minicnn.claims import Claim, Verdict, lies_below, side_by_side
from minicnn.estimates import Estimate
from minicnn.lesson import ARMS
from minicnn.plots.style import COLOURS, INK, MARKERS, SMALL, label_axes, new_figure

ARM = {"without": "plain", "with": "batchnorm"}  # in the lesson
LAYERS = "1st conv.", "2nd conv.", "dense"
PERCENTILES = 15, 50, 85
FACTOR = 10
SECOND = "conv2d_2"
BATCH_SIZE = 64


def bands(model, images, training):
    """Percentiles of the inputs of every ReLU, an array (3 layers, 3 percentiles); the model is left as it was."""
    state, x, found = model.state, images, []
    for layer in model.layers:
        if isinstance(layer, ReLU):
            found.append(np.percentile(x, PERCENTILES))
        x = layer.forward(x, training)
        layer.forget()
    model.set_state(state)
    return np.array(found)


class Watch(Callback):
    """Looks at the bands before every few steps, in both modes, and before one of these multiplies the weights."""

    def __init__(self, images, every, jump):
        self.images, self.every, self.jump = images, every, jump
        self.bands, self.losses = [], []

    def on_batch_begin(self, run):
        step = len(self.losses)
        if step == self.jump:
            self.before = bands(run.model, self.images, training=True)
            for name in ("w", "b"):
                run.model.params[f"{SECOND}.{name}"][:] *= FACTOR
        if step % self.every == 0:
            self.bands.append([bands(run.model, self.images, training) for training in (True, False)])

    def on_batch_end(self, run):
        self.losses.append(run.batch_loss)


def one_training(data, arm, epochs, every, jump, seed):
    """Bands (times, 2 modes, 3 layers, 3 percentiles), those before the multiplication, and the loss of each step."""
    model = ARMS[ARM[arm]](data.image_shape, len(data.classes), seed)
    watch = Watch(data.test.images, every, jump)
    options = {"epochs": epochs, "batch_size": BATCH_SIZE, "callbacks": [watch], "progress": False, "warn": False}
    fit(model, data.train, loss=SoftmaxCrossEntropy(), optimizer=SGD(0.02, momentum=0.9), **options)
    return np.array(watch.bands), watch.before, np.array(watch.losses)


def measure(seeds, images, epochs, every):
    data = datasets.load("fashion-mini").subset(train=images, test=100)
    steps = epochs * -(-images // BATCH_SIZE)
    jump = steps // 2 // every * every
    results = side_by_side(one_training, [(data, arm, epochs, every, jump, seed) for arm in ARM for seed in seeds])
    numbers = {"every": every, "jump": jump}
    for k, arm in enumerate(ARM):
        of_arm = zip(*results[k * len(seeds) : (k + 1) * len(seeds)], strict=True)
        numbers[arm] = dict(zip(("bands", "before", "losses"), map(np.array, of_arm), strict=True))
    return numbers


def width(bands):
    """From the lowest to the highest percentile."""
    return bands[..., 2] - bands[..., 0]


def movement(numbers, arm):
    """How far the band of each layer moves before the multiplication, in its first widths: (seeds, 3 layers)."""
    before_jump = numbers["jump"] // numbers["every"]
    seen = np.array(numbers[arm]["bands"])[:, :before_jump, 0]
    return np.abs(seen - seen[:, :1]).max(axis=(1, 3)) / width(seen[:, 0])


def effect(numbers, arm):
    """What the multiplication changes at once behind the second convolution, in widths: (seeds, 2 layers)."""
    after = np.array(numbers[arm]["bands"])[:, numbers["jump"] // numbers["every"], 0]
    before = np.array(numbers[arm]["before"])
    return (np.abs(after - before).max(axis=2) / width(before))[:, 1:]


def too_wide(numbers):
    """Widths in evaluation mode over those in training mode, with batch norm: (seeds, times, 3 layers)."""
    widths = width(np.array(numbers["with"]["bands"]))
    return widths[:, :, 1] / widths[:, :, 0]


def draw(numbers):
    figure = new_figure(7)
    axes = figure.subplots(3, 3)
    jump, every = numbers["jump"], numbers["every"]
    steps = np.arange(len(numbers["with"]["bands"][0])) * every
    for k, arm in enumerate(ARM):
        look, moved = {"color": COLOURS[1 + k]}, movement(numbers, arm)
        mean = np.mean(np.array(numbers[arm]["bands"])[:, :, 0], axis=0)
        mean = np.insert(
            mean, jump // every, np.mean(numbers[arm]["before"], axis=0), axis=0
        )  # the multiplication's edge
        for ax, of_layer in zip(axes[:, k], mean.swapaxes(0, 1), strict=True):
            low, median, high = of_layer.T
            ax.fill_between(np.insert(steps, jump // every, jump), low, high, alpha=0.25, linewidth=0, **look)
            ax.plot(np.insert(steps, jump // every, jump), median, **look)
        by_layer = [Estimate.of(list(by_seed)) for by_seed in moved.T]
        errors = [estimate.standard_error or 0 for estimate in by_layer]
        look["label"] = f"{arm} batch norm"
        axes[0, 2].errorbar(LAYERS, [e.mean for e in by_layer], errors, fmt=MARKERS[1 + k], capsize=3, **look)
        axes[1, 2].plot(np.mean(numbers[arm]["losses"], axis=0), linewidth=1, **look)
    axes[2, 2].plot(steps, np.mean(too_wide(numbers)[..., 2], axis=0), color=COLOURS[2])
    decorate(axes, jump)
    figure.supxlabel("dotted: the weights of the 2nd convolution are multiplied by 10", fontsize=SMALL, color=INK)
    return figure


def decorate(axes, jump):
    for (left, right, _), name in zip(axes, LAYERS, strict=True):
        right.sharey(left)
        left.set_yscale("symlog", linthresh=3)
        label_axes(left, ylabel=f"input of ReLU,\n{name}")
        label_axes(right)
        left.set_yticks((-30, -10, -3, 0, 3, 10, 30), (-30, -10, -3, 0, 3, 10, 30))
    label_axes(axes[0, 0], "without batch norm: 15, 50, 85 %", ylabel=axes[0, 0].get_ylabel())
    label_axes(axes[0, 1], "with batch norm")
    label_axes(axes[0, 2], "moved before the dotted line (widths)")
    axes[0, 2].margins(x=0.15)
    label_axes(axes[1, 2], "loss of the mini-batch (nats)")
    label_axes(axes[2, 2], "dense: too wide in evaluation, times")
    axes[0, 2].legend(frameon=False, fontsize=SMALL, loc="upper left")
    for ax in axes[1:, 2]:
        ax.set_yscale("log")
        ax.set_yticks((0.3, 1, 3, 10))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    for ax in axes[-1]:
        ax.set_xlabel("step")
    for ax in (*axes[:, :2].flat, *axes[1:, 2]):
        ax.axvline(jump, color=INK, linewidth=0.8, linestyle=":")


def judge(numbers):
    with_, without = (movement(numbers, arm).mean(axis=1) for arm in ("with", "without"))
    jump, jump_without = (100 * effect(numbers, arm).max(axis=1) for arm in ("with", "without"))
    evidence = (
        lies_below("movement of the inputs with batch norm minus without", with_ - without, unit="widths", decimals=2),
        lies_below("the multiplication moves the inputs behind it by", jump, 10, unit="% of their width", decimals=2),
    )
    after = np.mean(too_wide(numbers)[:, numbers["jump"] // numbers["every"] :, 2], axis=0)
    late = np.sum(after > 1.1) * numbers["every"]
    remarks = (
        f"not the same to the letter: with batch norm the inputs move by {Estimate.of(list(with_)).text(2)} widths, "
        f"without by {Estimate.of(list(without)).text(2)}",
        f"without batch norm the multiplication moves them by {np.mean(jump_without):.0f} %",
        f"in evaluation mode the running averages lag behind: right after the multiplication the dense layer's inputs "
        f"are {after[0]:.1f} times too wide, and more than 1.1 times for {late} steps",
        "whether this is why batch norm helps, the experiment does not tell: see 7_faster_training",
    )
    return Verdict(evidence, remarks)


CLAIM = Claim(
    name="6_input_range",
    sentence="Batch norm keeps the range of each layer's input the same, whatever the layers before do",
    measure=measure,
    draw=draw,
    judge=judge,
    size={"seeds": 5, "images": 2000, "epochs": 3, "every": 4},
    quick={"seeds": 3, "images": 1000, "epochs": 2},
    tiny={"seeds": 2, "images": 128, "epochs": 2, "every": 1},
)

if __name__ == "__main__":
    main(CLAIM)
