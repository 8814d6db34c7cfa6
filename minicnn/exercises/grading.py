"""Grading: the verdicts on many learners' folders, none of which is changed or believed.

Each exercise of each submission is checked in a process that has a copy of the submission's Python files and is
confined to it (`sandbox.py`). What the learner's own checks have noted in the folder is not read.
"""

from __future__ import annotations

import ast
import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .checker import Checker
from .course import path
from .folder import has_exercises, write_solutions
from .memory import Memory
from .sandbox import Limits
from .submission import copy_files
from .verdict import Status, Verdict

EXPECTED = {"__future__", "collections", "functools", "itertools", "math", "numba", "numpy", "operator", "typing"}
YOURS = "minicnn.exercises.yours"
REACHING = {"__import__", "breakpoint", "compile", "eval", "exec", "globals", "open", "setattr", "vars", "_getframe"}


@dataclass(frozen=True)
class Grade:
    """What became of one submission.

    Attributes
    ----------
    name : str
        Of its folder.
    verdicts : tuple of Verdict
        On each exercise, in the order of the path.
    look_at : tuple of str
        What no exercise needs and somebody should look at, such as "01_dense: import os".
    """

    name: str
    verdicts: tuple[Verdict, ...]
    look_at: tuple[str, ...]

    def count(self, extras: bool) -> int:
        """How many exercises of the path, or extras, have passed."""
        return sum(v.passed for v, e in zip(self.verdicts, path(), strict=True) if e.exercise.extra == extras)

    def to_dict(self) -> dict:
        """The same as JSON-safe values; what was printed or measured is left out, since it may differ each time."""
        return {
            "submission": self.name,
            "passed": self.count(extras=False),
            "extras": self.count(extras=True),
            "look_at": list(self.look_at),
            "exercises": [_lasting(verdict) for verdict in self.verdicts],
        }


def _lasting(verdict: Verdict) -> dict:
    """A verdict as JSON-safe values, without what differs from run to run."""
    values = {k: v for k, v in verdict.to_dict().items() if k not in ("printed", "notes")}
    if verdict.problem is not None:
        message = "" if _is_timed(verdict) else str(verdict.problem.message)  # forged ones may be anything
        message = re.sub(r"[^\s'\"]*minicnn-\w+[/\\]copy", ".", message)  # where the code ran
        values["problem"]["message"] = re.sub("0x[0-9a-fA-F]{6,}", "0x...", message)  # addresses in memory
    return values


def submissions(folders: Sequence[Path]) -> dict[str, Path]:
    """The submissions in some folders, by name.

    Parameters
    ----------
    folders : sequence of Path
        Each a learner's folder, or a folder of such folders: then each folder in it counts, one without any exercise
        too, but no hidden one.

    Returns
    -------
    dict of str to Path
        In the order given, and by name within a folder of folders.

    Raises
    ------
    ValueError
        If a folder is missing or has nothing to grade in it, or if two submissions have the same name.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"there is no folder {folder}.")
        inside = sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith((".", "__")))
        several = [folder] if has_exercises(folder) else inside
        if not several:
            raise ValueError(f"there are no exercises in {folder}, and no folders either.")
        for submission in several:
            other = found.setdefault(submission.resolve().name, submission)
            if other.resolve() != submission.resolve():
                raise ValueError(
                    f"{other} and {submission} have the same name: rename one, so that rows can be told apart."
                )
    return found


def failing_solutions(limits: Limits) -> list[str]:
    """Check the solutions: exercises that fail on this machine, whoever wrote them.

    Numba keeps what it compiles for this, and no submission's time is taken by it.
    """
    with tempfile.TemporaryDirectory(prefix="minicnn-") as name:
        folder = Path(name)
        write_solutions(folder)
        verdicts = Checker(folder, limits, Memory(folder)).check(path())
        return [f"{v.exercise} ({_cell(v)})" for v in verdicts if not v.passed and not _is_timed(v)]


def _is_timed(verdict: Verdict) -> bool:
    return verdict.problem is not None and verdict.problem.code == "not-faster"


def grade(name: str, submission: Path, limits: Limits) -> Grade:
    """Check every exercise of a submission.

    Parameters
    ----------
    name : str
        What to call it.
    submission : Path
        Its folder; nothing in it is changed.
    limits : Limits
        Of each exercise.

    Returns
    -------
    Grade
    """
    with tempfile.TemporaryDirectory(prefix="minicnn-") as name_of_scratch:
        folder = copy_files(submission, Path(name_of_scratch, "submission"))
        verdicts = tuple(Checker(folder, limits, Memory(folder)).check(path()))
        look_at = [f"{file.stem}: {what}" for file in sorted(folder.glob("*.py")) for what in unexpected(file)]
    return Grade(name, verdicts, tuple(look_at))


def unexpected(file: Path) -> list[str]:
    """What a file does that no exercise needs: modules imported, ways around Python's rules. The file is not run."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return sorted({what for node in ast.walk(tree) for what in _unexpected(node)})


def _unexpected(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."]
        yield from (f"import {n}" for n in names if n.split(".")[0] not in EXPECTED and n != YOURS)
    name = getattr(node, "id", None) or getattr(node, "attr", None)
    if isinstance(name, str) and (name in REACHING or (re.fullmatch("__.*__", name) and name != "__name__")):
        yield name


def write_csv(grades: Sequence[Grade], file: TextIO) -> None:
    """Write a table: a row a submission, a column an exercise.

    Parameters
    ----------
    grades : sequence of Grade
    file : text file
        Opened with newline="".
    """
    table = csv.writer(file, lineterminator="\n")
    required = sum(not entry.exercise.extra for entry in path())
    table.writerow(["submission", f"passed of {required}", "extras", *(entry.name for entry in path()), "look at"])
    for g in grades:
        cells = [_cell(verdict) for verdict in g.verdicts]
        table.writerow([_as_text(g.name), g.count(False), g.count(True), *cells, _as_text("; ".join(g.look_at))])


def _cell(verdict: Verdict) -> str:
    """The status, and what is wrong; code that forged its verdict may have put anything there."""
    code = verdict.problem.code if verdict.problem and verdict.status is Status.WRONG else ""
    return f"{verdict.status}: {re.sub('[^a-z0-9-]', '?', str(code))}" if code else str(verdict.status)


def _as_text(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
