"""The command `minicnn`.

What a subcommand needs is imported when it runs, so that `minicnn --help` is there at once.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__, gradcheck_command

if TYPE_CHECKING:
    from .datasets import Dataset
    from .lesson import Size
    from .results import Curves, Results

BAD_INPUT, INTERRUPTED = 2, 130  # exit statuses, as shells have them
LINE = 100  # characters


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the process.

    Returns
    -------
    status : int
        0 when all went well, 1 for a gradient check that failed, 2 for input that cannot be used, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without "±" shows "?" instead of failing
    options = _parser().parse_args(argv)
    try:
        return options.run(options)
    except (BadInputError, gradcheck_command.UsageError) as error:
        print(f"minicnn {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"minicnn {options.command}: interrupted.", file=sys.stderr)
        return INTERRUPTED


class BadInputError(Exception):
    """Something the user gave cannot be used; the message says what and what to do."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minicnn", description="A small CNN framework for people who study backprop: try, check, read."
    )
    parser.add_argument("--version", action="version", version=f"minicnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    lesson = commands.add_parser(
        "lesson",
        help="see what dropout and batch normalization do to one network",
        description="Train one network in four arms (plain, dropout, batchnorm, both) from the same initial weights, "
        "and show in a table, three sentences and a figure what each technique did.",
    )
    lesson.set_defaults(run=_lesson)
    lesson.add_argument(
        "--data", default="fashion-mini", metavar="NAME|FILE.npz|FOLDER", help="images to train on (%(default)s)"
    )
    lesson.add_argument("--seeds", type=_count, metavar="N", help="repetitions, from seeds 0 to N-1 (3)")
    lesson.add_argument("--epochs", type=_count, metavar="N", help="passes over the training images (9)")
    lesson.add_argument("--arms", metavar="A,B", help="only these arms, e.g. plain,dropout")
    lesson.add_argument("--out", type=Path, default=Path("runs/lesson"), metavar="FOLDER", help="(%(default)s)")
    lesson.add_argument("--quick", action="store_true", help="fewer images, seeds and epochs: seconds, less certain")
    lesson.add_argument("--threads", type=_count, metavar="N", help="runs side by side; by default one a core")
    gradcheck_command.add_to(commands)
    return parser


def _count(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"takes a whole number of at least 1, got {text!r}")
    return int(text)


def _lesson(options: argparse.Namespace) -> int:
    """Run the lesson, write its results and say what was seen."""
    from . import lesson

    start = time.perf_counter()
    size = lesson.QUICK if options.quick else lesson.DEFAULT
    size = replace(size, seeds=options.seeds or size.seeds, epochs=options.epochs or size.epochs)
    arms = _chosen(options.arms, lesson.ARMS)
    data = _prepared(options, size, arms)
    print(
        f"{data.name}: {len(data.train.labels):,} training and {len(data.test.labels):,} test images, "
        f"{len(data.classes)} classes. {len(arms)} arms x {size.seeds} seeds, {size.epochs} epochs each."
    )
    results = _run_with_progress(arms, data, size, options)
    if results.interrupted:
        runs = len(arms) * size.seeds
        print(f"Interrupted: {results.finished} of {runs} runs were finished.", file=sys.stderr)
        if not results.finished:
            return INTERRUPTED
    _report(results, options.out, time.perf_counter() - start)
    return INTERRUPTED if results.interrupted else 0


def _chosen(names: str | None, arms: dict) -> dict:
    """Pick the arms named, in the order they have in the lesson."""
    wanted = list(arms) if names is None else [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in arms]
    if unknown or not wanted:
        raise BadInputError(f"--arms takes some of {', '.join(arms)}, separated by commas, got {names!r}.")
    return {name: make_model for name, make_model in arms.items() if name in wanted}


def _prepared(options: argparse.Namespace, size: Size, arms: dict) -> Dataset:
    """Load the data and try everything that could fail, before the long part."""
    from .kernels import parallel

    try:
        data = size.draw(load_data(options.data))
        for make_model in arms.values():
            make_model(data.image_shape, len(data.classes), 0)
        parallel.default_threads()
        options.out.mkdir(parents=True, exist_ok=True)
    except (ValueError, TypeError, OSError) as error:
        raise BadInputError(error) from error
    return data


def load_data(source: str) -> Dataset:
    """Load a data set by its name, from an .npz file or from a folder of pictures.

    Parameters
    ----------
    source : str
        One of `datasets.names()`, or a path.

    Returns
    -------
    data : Dataset

    Raises
    ------
    BadInputError
        If there is nothing of this name.
    TypeError, ValueError, OSError
        If it holds no data set.
    """
    from . import datasets

    if source in datasets.names():
        return datasets.load(source)
    path = Path(source).expanduser()
    if path.is_dir():
        return datasets.from_folder(path)
    if path.exists():
        return datasets.from_npz(path)
    raise BadInputError(
        f"no data set, file or folder is called {source!r}. Known data sets: {', '.join(datasets.names())}.\n"
        "For images of your own, give an .npz file or a folder that has one folder of pictures for each class."
    )


def _run_with_progress(arms: dict, data: Dataset, size: Size, options: argparse.Namespace) -> Results:
    """Run the experiment with a bar on a terminal, and with a line a run elsewhere."""
    from tqdm import tqdm

    from .experiments import run_experiment

    total = len(arms) * size.seeds * size.epochs
    with tqdm(total=total, unit="epoch", disable=None, smoothing=0.1, leave=False) as bar:

        def after_epoch(arm: str, seed: int, curves: Curves) -> None:
            bar.set_description(f"{arm}, seed {seed}", refresh=False)
            bar.set_postfix_str(f"test accuracy {curves.test_accuracy[-1]:.3f}", refresh=False)
            bar.update()

        def after_run(arm: str, seed: int, results: Results) -> None:
            _save(results, options.out)  # whatever happens later, this much is kept
            if bar.disable:
                curves = results.runs[arm][seed]
                accuracy = f"test accuracy {100 * curves.test_accuracy[-1]:.1f} %"
                number = f"{results.finished}/{len(arms) * size.seeds}"
                print(f"{number}  {arm}, seed {seed}: {accuracy}, {curves.seconds:.0f} s", flush=True)

        return run_experiment(
            arms,
            data,
            seeds=range(size.seeds),
            recipe=size.recipe(),
            threads=options.threads,
            after_epoch=after_epoch,
            after_run=after_run,
        )


def _save(results: Results, folder: Path) -> Path:
    from .lesson import answers
    from .results import save

    path = folder / "results.json"
    save(results, path, sentences=answers(results))
    return path


def _report(results: Results, folder: Path, seconds: float) -> None:
    """Print the table and the sentences, and write the files."""
    from . import lesson, plots
    from .atomic_write import atomic_write

    print(f"\n{lesson.table(results)}\n")
    for sentence in lesson.answers(results):
        print(textwrap.fill(sentence, LINE, initial_indent="- ", subsequent_indent="  "))
    note = lesson.footnote(results)
    print(f"\n{textwrap.fill(note, LINE)}\n" if note else "")
    figure_path = folder / "lesson.png"
    with atomic_write(figure_path) as file:
        plots.lesson_figure(results).savefig(file, format="png")
    print(f"Figure   {figure_path}\nNumbers  {_save(results, folder)}\nTook     {seconds:.0f} s")
