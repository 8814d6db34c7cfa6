"""The command `minicnn predict`: which class a trained network sees in each picture."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import FAILED, UsageError, count

if TYPE_CHECKING:
    import numpy as np

    from .classifier import Classifier

BATCH = 256  # pictures in memory at a time
EXAMPLES = """\
examples:
  minicnn predict runs/first shoe.png coat.jpg
  minicnn predict runs/first/run.npz photographs --top 1 --json > answers.json
"""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "predict",
        help="say what a trained network sees in pictures",
        description="Print the likeliest classes of each picture and their probabilities. Pictures are squeezed to\n"
        "the network's input, as those that it was trained on. The exit status is 1 if one cannot be read.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a file of `train`, or its folder")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE|FOLDER", help="pictures, or folders of them")
    parser.add_argument("--classes", metavar="A,B", help="names of the classes (those in config.json beside the file)")
    parser.add_argument("--top", type=count, default=3, metavar="N", help="classes to print (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print a list with all probabilities")


def run(options: argparse.Namespace) -> int:
    """Predict and print; returns the exit status."""
    from .classifier import load_classifier

    files = find_pictures(options.images)
    classifier = load_classifier(options.checkpoint, options.classes)
    answers, unread = [], 0
    for answer in predictions(classifier, files):
        if "error" in answer:
            unread += 1
            print(f"minicnn predict: {answer['file']}: {answer['error']}", file=sys.stderr)
        elif not options.json:
            likeliest = list(answer["probabilities"].items())[: options.top]
            print(f"{answer['file']}: {', '.join(f'{name} {100 * p:.1f} %' for name, p in likeliest)}")
        answers.append(answer)
    if options.json:
        print(json.dumps(answers, indent=2, ensure_ascii=False, allow_nan=False))
    return FAILED if unread else 0


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """List the files named and the pictures in the folders named, below them too, in the order of their names.

    Raises
    ------
    UsageError
        If something is not there, or a folder holds no picture.
    """
    from ..datasets.picture import SUFFIXES

    files = []
    for path in paths:
        found = [path]
        if not path.exists():
            raise UsageError(f"there is no picture or folder {path}.")
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not found:
                raise UsageError(f"the folder {path} holds no picture ({', '.join(sorted(SUFFIXES))}).")
        files += found
    return files


def predictions(classifier: Classifier, files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Say of each picture what it shows.

    Parameters
    ----------
    classifier : Classifier
    files : sequence of pathlib.Path

    Yields
    ------
    answer : dict
        "file", and either "class" and "probabilities" (by name, the largest first), or "error".
    """
    import numpy as np

    for start in range(0, len(files), BATCH):
        part = files[start : start + BATCH]
        pictures = [_pixels(file, classifier.model.input_shape) for file in part]
        read = [picture for picture in pictures if not isinstance(picture, str)]
        outputs = classifier.model.predict(np.stack(read)) if read else ()
        rows = iter(classifier.probabilities(outputs)) if read else iter(())
        for file, picture in zip(part, pictures, strict=True):
            if isinstance(picture, str):
                yield {"file": str(file), "error": picture}
                continue
            row = next(rows)
            if not np.isfinite(row).all():
                yield {"file": str(file), "error": "the network answers with NaN: its training went wrong"}
                continue
            order = np.argsort(-row, kind="stable")
            named = {classifier.classes[k]: float(row[k]) for k in order}
            yield {"file": str(file), "class": next(iter(named)), "probabilities": named}


def _pixels(file: Path, input_shape: tuple[int, ...]) -> np.ndarray | str:
    """Read a picture as the network takes it, float32 from 0 to 1, or say why it cannot be read."""
    import numpy as np
    from PIL import Image

    from ..datasets.picture import read_picture

    if len(input_shape) != 3 or input_shape[2] not in (1, 3):
        raise UsageError(f"the network takes inputs of shape {input_shape}, no grey or coloured pictures.")
    try:
        pixels = read_picture(file, input_shape[:2], "antialiased")
    except Exception as error:  # nearly every type there is: decoders are not choosy when a file is broken
        return str(error) or type(error).__name__
    if input_shape[2] == 1:
        pixels = np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None]
    return pixels.astype(np.float32) / 255
