"""The command `minicnn train`: any network, on any data set, kept while it is trained."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import FAILED, INTERRUPTED, UsageError, count, plain_warnings

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..losses import Loss
    from ..model import Sequential
    from .training_config import TrainingConfig

SECONDS = 10.0  # of work at most are lost when the program is killed
DESCRIPTION = """\
Train a network. The run is kept in the folder --out: the same command again goes on where it was, also after Ctrl-C
or a kill. There are run.npz (model, optimizer, history), history.csv, curves.png and config.json, which makes the
same run again. Options come before what CONFIG.json says."""
EXAMPLES = """\
examples:
  minicnn train --data fashion-mini --out runs/first \\
      --layers "Conv2D(16, 3, padding=same) BatchNorm() ReLU() MaxPool2D(2) Flatten() Dense(10)"
  minicnn train runs/first/config.json --out runs/slower --learning-rate 0.0003 --schedule CosineDecay
"""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "train",
        help="train a network of your own on any data set",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add = parser.add_argument
    add("config", nargs="?", type=Path, metavar="CONFIG.json", help="layers, data and options as a file")
    add("--layers", metavar="TEXT", help='the network, such as "Flatten() Dense(10)"')
    add("--data", metavar="NAME|FILE.npz|FOLDER", help="what to train on")
    add("--out", metavar="FOLDER", help="where the run is kept")
    add("--fresh", action="store_true", help="start anew; the run that is there is kept as run.previous.npz")
    add("--epochs", type=count, metavar="N", help="passes over the training images (10)")
    add("--batch-size", type=count, metavar="N", help="images a step (32)")
    add("--optimizer", metavar="NAME", help='SGD, RMSProp, Adam, AdamW (Adam), or a call: "SGD(nesterov=True)"')
    add("--learning-rate", type=float, metavar="X", help="(the optimizer's own)")
    add("--momentum", type=float, metavar="X", help="of SGD (0)")
    add("--schedule", metavar="NAME", help='CosineDecay, StepDecay, WarmupCosine, OneCycle, or "StepDecay(every=5)"')
    add("--augment", metavar="TEXT", help='"Flip() Shift(2) Cutout(8) Brightness(0.2) Contrast(0.2)", or some of them')
    add("--image-size", type=_size, metavar="N|HxW", help="to which pictures in a folder are squeezed (32)")
    add("--seed", type=int, metavar="N", help="of all that is random (0)")
    add("--threads", type=count, metavar="N", help="(one a core)")
    add("--check-finite", action="store_true", default=None, help="end at the first NaN and say where it came from")


def run(options: argparse.Namespace) -> int:
    """Train, or go on, and say what came of it; returns the exit status."""
    from ..finite import NonFiniteError

    config = configure(options)
    with plain_warnings("train"):
        parts = prepare(config)
        try:
            return _train(config, parts, options.fresh)
        except NonFiniteError as error:
            print(f"minicnn train: {error}", file=sys.stderr)
            return FAILED


def configure(options: argparse.Namespace) -> TrainingConfig:
    """Put the file and the options together.

    Raises
    ------
    UsageError
        If a value is missing or not of its kind.
    """
    from .training_config import KEYS, TrainingConfig, read_json

    values: dict[str, Any] = {} if options.config is None else read_json(options.config)
    values |= {key: given for key in KEYS if (given := getattr(options, key, None)) is not None}
    if options.data is not None and options.config is not None:
        values.pop("classes", None)  # those of the file's data
    for key in ("layers", "data", "out"):
        if key not in values:
            where = "" if options.config is None else f" or {key!r} in {options.config}"
            raise UsageError(f"{key} is missing: give --{key}{where}. See minicnn train --help.")
    return TrainingConfig(**values)


@dataclass
class Parts:
    """What a run is made of: data, network, loss, and the other arguments of `fit`."""

    data: Dataset
    model: Sequential
    loss: Loss
    others: dict[str, Any]


def prepare(config: TrainingConfig) -> Parts:
    """Make everything and see that it fits together, before anything is written.

    Raises
    ------
    UsageError
        If it does not.
    """
    from ..model import Sequential
    from .classifier import loss_for
    from .data import load_data

    layers, optimizer = config.make_layers(), config.make_optimizer()
    schedule, pipeline = config.make_schedule(optimizer.learning_rate), config.make_pipeline()
    try:
        data = load_data(config.data, config.image_size)
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:  # the last: an extra is not installed
        raise UsageError(f"data: {error}") from error
    config.check_classes(data.classes)
    if Path(config.out).is_file():
        raise UsageError(f"out: {config.out} is a file; give a folder, which may be a new one.")
    try:
        model = Sequential(layers, input_shape=data.image_shape, seed=config.seed)
    except (ValueError, TypeError, MemoryError) as error:
        raise UsageError(f"layers: {error}") from error
    others = {"optimizer": optimizer, "callbacks": schedule, "augment": pipeline}
    return Parts(data, model, loss_for(model, len(data.classes)), others)


def _train(config: TrainingConfig, parts: Parts, fresh: bool) -> int:
    """Call `fit` with the run's folder, and print."""
    from ..resume import RunFile
    from ..training import fit
    from .classifier import CHECKPOINT
    from .run_folder import RunFolder

    data, model = parts.data, parts.model
    print(
        f"{data.name}: {len(data.train.labels):,} training and {len(data.test.labels):,} test images, "
        f"{len(data.classes)} classes. {model.trainable_count:,} parameters to train, {parts.loss!r}."
    )
    checkpoint = Path(config.out) / CHECKPOINT
    try:
        if fresh and checkpoint.exists():
            checkpoint.replace(checkpoint.with_name("run.previous.npz"))
        parts.others["callbacks"] += [RunFolder(config)]
        history = fit(
            model,
            data.train,
            validation=data.test,
            loss=parts.loss,
            epochs=config.epochs,
            batch_size=config.batch_size,
            threads=config.threads,
            check_finite=config.check_finite,
            resume=RunFile(checkpoint, every_seconds=SECONDS),
            **parts.others,
        )
    except (TypeError, OSError) as error:
        raise UsageError(error) from error
    except ValueError as error:
        there = f"\n{checkpoint} is there already: --fresh starts anew, another --out leaves it." * checkpoint.exists()
        raise UsageError(f"{error}{there}") from error
    if history.stop_reason == "Ctrl-C":
        print("Interrupted. The same command again goes on from here.", file=sys.stderr)
        return INTERRUPTED
    print(f"Model    {checkpoint}\nCurves   {checkpoint.with_name('curves.png')}")
    print(f"Try      minicnn evaluate {config.out}\n         minicnn predict {config.out} PICTURE.png")
    return 0


def _size(text: str) -> tuple[int, int]:
    """Read N or HxW."""
    found = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?", text)
    if not found or "0" in (found[1], found[2]):
        raise argparse.ArgumentTypeError(f"takes a number of pixels, or height and width as 48x64, got {text!r}")
    return int(found[1]), int(found[2] or found[1])
