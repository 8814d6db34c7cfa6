"""What the tests of `minicnn train`, `predict` and `evaluate` share: small data, and the command."""

import numpy as np

from minicnn import cli

NET = "Conv2D(4, 3) BatchNorm() ReLU() Dropout(0.2) Flatten() Dense(3)"
COLOURS = ("red", "green", "blue")


def command(capsys, *arguments):
    """Run the command in this process: exit status, what it printed, what it complained of."""
    try:
        status = cli.main([str(argument) for argument in arguments])
    except SystemExit as exit:  # argparse's way
        status = exit.code
    return status, *capsys.readouterr()


def coloured(rng, labels, channels=3):
    """Noise of 8x8 pixels, lighter in the label's channel (or row, where there is one channel)."""
    x = rng.integers(0, 120, (len(labels), 8, 8, channels), dtype=np.uint8)
    for image, label in zip(x, labels, strict=True):
        part = image[:, :, label] if channels > 1 else image[label]
        part += 120
    return x


def write_data(path, channels=3, classes=COLOURS):
    """Write a data set of 66 training and 31 test images; batches of 20 leave a last one of 6."""
    rng = np.random.default_rng(0)
    labels = np.arange(97) % len(classes)
    x = coloured(rng, labels, channels)
    np.savez(path, x_train=x[:66], y_train=labels[:66], x_test=x[66:], y_test=labels[66:], classes=np.array(classes))
    return path
