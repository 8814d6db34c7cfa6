"""The command `minicnn exercises lesson`: the lesson with your own layers in place of minicnn's."""

from __future__ import annotations

import argparse
import tempfile
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import FAILED, INTERRUPTED, UsageError

if TYPE_CHECKING:
    from ..exercises.verdict import Verdict
    from ..lesson import Size
    from ..results import Results

LINE = 100  # characters
SECONDS = 900.0  # for one run: layers written as loops are slow, but they may be right


def run_lesson(options: argparse.Namespace, folder: Path) -> int:
    """Train the four arms twice, with the learner's functions and with minicnn's, and show both.

    Parameters
    ----------
    options : argparse.Namespace
        With quick, seconds and memory (in MB).
    folder : Path
        The learner's.

    Returns
    -------
    status : int
    """
    from ..exercises import lesson

    start, size = time.perf_counter(), lesson.QUICK if options.quick else lesson.DEFAULT
    own = lesson.usable(_verdicts(options, folder))
    print(textwrap.fill(lesson.stand_ins(own), LINE))
    print(
        f"fashion-mini: {size.train_images} training and {size.test_images} test images. "
        f"{len(lesson.ARMS)} arms x {size.seeds} seeds, {size.epochs} epochs each, twice: your layers, then minicnn's.",
        flush=True,
    )
    try:
        yours, library = _trained(options, folder, own, size)
    except lesson.OwnLayersError as error:
        print(f"\nYour network could not be trained.\n{error}")
        return FAILED
    if yours.interrupted or library.interrupted:
        return INTERRUPTED
    _report(folder, yours, library)
    print(f"Took    {time.perf_counter() - start:.0f} s")
    return 0


def _verdicts(options: argparse.Namespace, folder: Path) -> Sequence[Verdict]:
    """Check the whole path, extras left out."""
    from ..exercises.checker import Checker
    from ..exercises.course import path
    from ..exercises.memory import Memory
    from ..exercises.sandbox import Limits

    print("Checking your exercises ...", flush=True)
    checker = Checker(folder, Limits(None, options.memory << 20), Memory.of(folder))
    return list(checker.check([entry for entry in path() if not entry.exercise.extra]))


def _trained(options: argparse.Namespace, folder: Path, own: set[str], size: Size) -> tuple[Results, Results]:
    """Train with a bar on a terminal."""
    from tqdm import tqdm

    from ..exercises import lesson
    from ..exercises.sandbox import Limits

    limits = Limits(options.seconds or SECONDS, options.memory << 20)
    total = 2 * len(lesson.ARMS) * size.seeds * size.epochs
    with (
        tempfile.TemporaryDirectory(prefix="minicnn-", ignore_cleanup_errors=True) as name,
        tqdm(total=total, unit="epoch", disable=None, leave=False) as bar,
    ):
        lesson.prepare(folder, own, Path(name))
        return lesson.train_both(Path(name), size, limits, lambda arm, seed, curves: bar.update())


def _report(folder: Path, yours: Results, library: Results) -> None:
    """Print what came out, and draw it."""
    from .. import plots
    from ..atomic_write import atomic_write
    from ..exercises import lesson
    from ..lesson import table

    both = lesson.together(yours, library)
    print(f"\n{table(both)}\n")
    for sentence in lesson.answers(both):
        print(textwrap.fill(sentence, LINE, initial_indent="- ", subsequent_indent="  "))
    figure = folder / "lesson.png"
    try:
        with atomic_write(figure) as file:
            plots.own_lesson_figure(yours, library).savefig(file, format="png")
    except OSError as error:
        raise UsageError(f"cannot write the figure {figure}: {error}") from error
    print(f"\nFigure  {figure}")
