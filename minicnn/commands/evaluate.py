"""The command `minicnn evaluate`: how well a trained network does, in all and on each class."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import UsageError, plain_warnings

if TYPE_CHECKING:
    import numpy as np

    from ..datasets import Dataset
    from .classifier import Classifier

EXAMPLES = """\
examples:
  minicnn evaluate runs/first
  minicnn evaluate runs/first/run.npz --data pets --plot confusion.png
"""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a trained network on a data set",
        description="Print loss and accuracy, and the accuracy on each class. By default on the test images of\n"
        "the data that the network was trained on.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a file of `train`, or its folder")
    parser.add_argument("--data", metavar="NAME|FILE.npz|FOLDER", help="(that in config.json beside the file)")
    parser.add_argument("--split", choices=("test", "train"), default="test", help="which images (%(default)s)")
    parser.add_argument("--classes", metavar="A,B", help="names of the classes (those in config.json beside the file)")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw here what is taken for what")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")


def run(options: argparse.Namespace) -> int:
    """Evaluate and print; returns the exit status."""
    from .classifier import load_classifier

    classifier = load_classifier(options.checkpoint, options.classes)
    with plain_warnings("evaluate"):
        data = fitting_data(classifier, options.data)
    images, labels = getattr(data, options.split)
    outputs = classifier.model.predict(images)
    predicted = classifier.loss.classes(outputs)
    result = measure(labels, predicted, classifier.classes)
    loss = classifier.loss.value(outputs, labels)
    result = {"data": data.name, "split": options.split, "loss": loss} | result
    if options.json:
        loss_in_json = loss if math.isfinite(loss) else None  # JSON knows no NaN
        print(json.dumps(result | {"loss": loss_in_json}, indent=2, ensure_ascii=False))
    else:
        print(table(result))
    if options.plot is not None:
        _plot(labels, predicted, classifier.classes, options.plot)
    return 0


def fitting_data(classifier: Classifier, source: str | None) -> Dataset:
    """Load the data, and see that they are of the kind that the network was trained on.

    Parameters
    ----------
    classifier : Classifier
    source : str, optional
        As in `load_data`; None takes that of the run's configuration.

    Returns
    -------
    data : Dataset

    Raises
    ------
    UsageError
        If there are none, or image shape or classes differ.
    """
    from .data import load_data

    if source is None and classifier.config is None:
        raise UsageError("there is no config.json beside the checkpoint that names the data: give --data.")
    shape = classifier.model.input_shape
    try:
        data = load_data(source or classifier.config.data, tuple(shape[:2]))
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:  # the last: an extra is not installed
        raise UsageError(f"--data: {error}") from error
    if data.image_shape != shape:
        raise UsageError(f"the network takes images of shape {shape}, but those of {data.name} are {data.image_shape}.")
    if tuple(data.classes) != tuple(classifier.classes):
        raise UsageError(
            f"the network tells {', '.join(classifier.classes)} apart, in this order; "
            f"the classes of {data.name} are {', '.join(data.classes)}."
        )
    return data


def measure(labels: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    """Count what is right.

    Parameters
    ----------
    labels, predicted : integer array, shape (N,)
        True and predicted class of each image.
    classes : tuple of str

    Returns
    -------
    result : dict
        "images", "accuracy" from 0 to 1, and under "classes" the same by name; None for a class without images.
    """
    right = labels == predicted
    of_class = {name: right[labels == k] for k, name in enumerate(classes)}
    each = {n: {"images": len(r), "accuracy": float(r.mean()) if len(r) else None} for n, r in of_class.items()}
    return {"images": len(labels), "accuracy": float(right.mean()), "classes": each}


def table(result: dict[str, Any]) -> str:
    """Show the numbers in lines."""
    width = max(len(name) for name in ("class", *result["classes"]))
    lines = [
        f"{result['data']}: {result['images']:,} {result['split']} images",
        f"loss      {result['loss']:.4f}",
        f"accuracy  {100 * result['accuracy']:.1f} %",
        "",
        f"{'class':<{width}}   images  accuracy",
    ]
    for name, of_class in result["classes"].items():
        accuracy = "-" if of_class["accuracy"] is None else f"{100 * of_class['accuracy']:.1f} %"
        lines.append(f"{name:<{width}}  {of_class['images']:>7,}  {accuracy:>8}")
    return "\n".join(lines)


def _plot(labels: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...], path: Path) -> None:
    """Draw the confusion matrix."""
    from .. import plots
    from ..atomic_write import atomic_write

    try:
        with atomic_write(path) as file:
            plots.confusion_matrix(labels, predicted, classes).savefig(file, format=path.suffix[1:] or "png")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write the figure {path}: {error}") from error
