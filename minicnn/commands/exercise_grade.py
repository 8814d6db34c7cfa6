"""The command `minicnn exercises grade`: many submissions, the same verdicts, one table."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import FAILED, UsageError

if TYPE_CHECKING:
    from ..exercises.grading import Grade

DESCRIPTION = """\
For teachers: the verdicts on many learners' folders, a row each, as CSV or JSON. Nothing in the folders is changed, and
what they say about themselves is not believed. docs/exercises.md says how far you are safe from the code in them."""
STDOUT = "-"


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the options of its own."""
    parser.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="DIR",
        help="a learner's folder, or a folder in which each folder is a learner's",
    )
    for kind in ("csv", "json"):
        parser.add_argument(
            f"--{kind}",
            nargs="?",
            const=STDOUT,
            metavar="FILE",
            help=f"write {kind.upper()} into a file; - or nothing: print it",
        )
    parser.set_defaults(run=run_grade)


def run_grade(options: argparse.Namespace) -> int:
    """Grade, and write the table; returns 0 whatever the learners' code is worth."""
    from ..exercises import confine, grading
    from ..exercises.sandbox import Limits

    if options.csv is None and options.json is None:
        options.csv = STDOUT
    if options.csv == options.json == STDOUT:
        raise UsageError("--csv and --json cannot both be printed: name a file for one of them.")
    for file in (options.csv, options.json):
        if file not in (None, STDOUT) and (Path(file).is_dir() or not Path(file).absolute().parent.is_dir()):
            raise UsageError(f"cannot write the file {file}: it is a folder, or there is no such folder to put it in.")
    try:
        found = grading.submissions(options.folders)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    _say(_how_safe(confine.possible()))
    _say("Checking the solutions first: what fails there fails for everybody.")
    failing = grading.failing_solutions(Limits(options.seconds, options.memory << 20))
    if failing:
        _say(
            f"The solutions themselves fail here: {', '.join(failing)}. If the machine is busy, --seconds allows more."
        )
        return FAILED
    grades = []
    for name, folder in found.items():
        grades.append(grading.grade(name, folder, Limits(options.seconds, options.memory << 20, confined=True)))
        _say(f"{name}: {grades[-1].count(extras=False)} passed")
    _write(options, grades)
    return 0


def _how_safe(possible: dict[str, bool]) -> str:
    """What keeps the submissions' code from doing harm here."""
    by_system = {
        "writing": "It cannot write outside a scratch folder, nor start programs",
        "network": "It has no network",
    }
    sure = [f"{words}: this system sees to it." for what, words in by_system.items() if possible[what]]
    by_python = {"writing": "writing outside a scratch folder", "network": "using the network"}
    weak = [words for what, words in by_python.items() if not possible[what]]
    if weak:
        sure.append(f"Only Python keeps it from {' and '.join(weak)}: code that means harm finds a way around.")
    return " ".join(["The code runs as you, and can read what you can.", *sure])


def _say(text: str) -> None:
    """Tell how it goes; what is printed on standard output is for programs."""
    print(text, file=sys.stderr, flush=True)


def _write(options: argparse.Namespace, grades: Sequence[Grade]) -> None:
    from ..atomic_write import atomic_write
    from ..exercises.grading import write_csv

    table = io.StringIO(newline="")
    write_csv(grades, table)
    texts = {"csv": table.getvalue(), "json": json.dumps([g.to_dict() for g in grades], indent=2) + "\n"}
    for kind, text in texts.items():
        file = getattr(options, kind)
        if file == STDOUT:
            sys.stdout.write(text)
        elif file is not None:
            try:
                with atomic_write(file) as opened:
                    opened.write(text.encode())
            except OSError as error:
                raise UsageError(f"cannot write {file}: {error}") from error
