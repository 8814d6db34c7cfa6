"""The command `minicnn lesson`: four arms of one network, a table, three sentences and a figure."""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import INTERRUPTED, UsageError, count
from .claims import list_claims, run_claims
from .data import load_data

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..lesson import Size
    from ..results import Curves, Results

LINE = 100  # characters


def add_to(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "lesson",
        help="see what dropout and batch normalization do to one network",
        description="Train one network in four arms (plain, dropout, batchnorm, both) from the same initial weights, "
        "and show in a table, three sentences and a figure what each technique did.",
    )
    parser.set_defaults(run=run)
    parser.add_argument("--data", metavar="NAME|FILE.npz|FOLDER", help="images to train on (fashion-mini)")
    parser.add_argument("--seeds", type=count, metavar="N", help="repetitions, from seeds 0 to N-1 (3)")
    parser.add_argument("--epochs", type=count, metavar="N", help="passes over the training images (9)")
    parser.add_argument("--arms", metavar="A,B", help="only these arms, e.g. plain,dropout")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="(runs/lesson; with --claim runs/claims)")
    parser.add_argument("--quick", action="store_true", help="fewer images, seeds and epochs: seconds, less certain")
    parser.add_argument("--threads", type=count, metavar="N", help="runs side by side; by default one a core")
    parser.add_argument("--list", action="store_true", help="the claims that can be put to the test")
    parser.add_argument("--claim", metavar="NAME|NUMBER|all", help="put a claim of --list to the test instead")


def run(options: argparse.Namespace) -> int:
    """Run the lesson, write its results and say what was seen."""
    if options.list:
        return list_claims()
    if options.claim:
        return run_claims(options)
    from .. import lesson

    options.data, options.out = options.data or "fashion-mini", options.out or Path("runs/lesson")
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
        raise UsageError(f"--arms takes some of {', '.join(arms)}, separated by commas, got {names!r}.")
    return {name: make_model for name, make_model in arms.items() if name in wanted}


def _prepared(options: argparse.Namespace, size: Size, arms: dict) -> Dataset:
    """Load the data and try everything that could fail, before the long part."""
    from ..kernels import parallel

    try:
        data = size.draw(load_data(options.data))
        for make_model in arms.values():
            make_model(data.image_shape, len(data.classes), 0)
        parallel.default_threads()
        options.out.mkdir(parents=True, exist_ok=True)
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:  # the last: an extra is not installed
        raise UsageError(error) from error
    return data


def _run_with_progress(arms: dict, data: Dataset, size: Size, options: argparse.Namespace) -> Results:
    """Run the experiment with a bar on a terminal, and with a line a run elsewhere."""
    from tqdm import tqdm

    from ..experiments import run_experiment

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
    from ..lesson import answers
    from ..results import save

    path = folder / "results.json"
    save(results, path, sentences=answers(results))
    return path


def _report(results: Results, folder: Path, seconds: float) -> None:
    """Print the table and the sentences, and write the files."""
    from .. import lesson, plots
    from ..atomic_write import atomic_write

    print(f"\n{lesson.table(results)}\n")
    for sentence in lesson.answers(results):
        print(textwrap.fill(sentence, LINE, initial_indent="- ", subsequent_indent="  "))
    note = lesson.footnote(results)
    print(f"\n{textwrap.fill(note, LINE)}\n" if note else "")
    figure_path = folder / "lesson.png"
    with atomic_write(figure_path) as file:
        plots.lesson_figure(results).savefig(file, format="png")
    print(f"Figure   {figure_path}\nNumbers  {_save(results, folder)}\nTook     {seconds:.0f} s")
