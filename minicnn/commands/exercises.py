"""The command `minicnn exercises`: write the backward passes yourself, and be told what is wrong with them."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import BAD_INPUT, FAILED, UsageError, count, exercise_grade

if TYPE_CHECKING:
    from ..exercises.course import Entry
    from ..exercises.memory import Memory
    from ..exercises.text import Told
    from ..exercises.verdict import Verdict

DESCRIPTION = """\
A path from a dense layer to a trained CNN in which you write every forward and backward pass that matters. Begin with
`minicnn exercises start DIR`, go into DIR, and let `minicnn exercises check` tell you what to do next."""
FIGURES = ".png", ".svg", ".pdf"
NAME = "an exercise: its number, its name or a part of it, such as 1, 01_dense or dense"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its subcommands."""
    parser = commands.add_parser(
        "exercises", help="write the backward passes yourself, with hints and a verdict", description=DESCRIPTION
    )

    def without_part(options: argparse.Namespace) -> int:
        parser.print_help(sys.stderr)
        return BAD_INPUT

    parser.set_defaults(run=without_part)
    parts = parser.add_subparsers(dest="part", metavar="PART")
    start = parts.add_parser("start", help="write the exercises into a folder; nothing there is overwritten")
    start.add_argument("folder", type=Path, metavar="DIR", help="the folder; it is made if it is missing")
    start.set_defaults(run=run_start)

    check = _part(parts, "check", run_check, "say what is passed and what is wrong")
    check.add_argument("names", nargs="*", metavar="NAME", help=f"{NAME}; by default all")
    check.add_argument("--json", action="store_true", help="print the verdicts as JSON")
    check.add_argument("--watch", action="store_true", help="check again whenever a file is saved, until Ctrl-C")
    check.add_argument("--solutions", action="store_true", help="check the solutions instead of your files")
    hint = _part(parts, "hint", run_hint, "the next hint")
    hint.add_argument("--seen", action="store_true", help="show the hints seen so far again, and no new one")
    solution = _part(parts, "solution", run_solution, "the solution and its derivation, after asking once")
    solution.add_argument("--yes", action="store_true", help="do not ask")
    plot = _part(parts, "plot", run_plot, "draw the gradients of an exercise beside the measured ones")
    for part in (hint, solution, plot):
        part.add_argument("name", metavar="NAME", help=NAME)
    plot.add_argument("file", nargs="?", type=Path, metavar="FILE", help="e.g. gradients.svg (NAME.png in the folder)")
    lesson = _part(parts, "lesson", run_lesson, "train the lesson's network with your own layers, beside minicnn's")
    lesson.add_argument("--quick", action="store_true", help="fewer images, seeds and epochs")
    grade = parts.add_parser(
        "grade", help="for teachers: the verdicts on many folders as a table", description=exercise_grade.DESCRIPTION
    )
    exercise_grade.describe(grade)
    for part in (check, plot, lesson, grade):
        part.add_argument(
            "--seconds",
            type=_seconds,
            metavar="S",
            help="time limit: of an exercise 10, of a run of the lesson 900",
        )
        part.add_argument("--memory", type=count, default=1024, metavar="MB", help="memory limit (%(default)s)")


def _part(parts: argparse._SubParsersAction, name: str, run: Callable, words: str) -> argparse.ArgumentParser:
    parser = parts.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    parser.add_argument("--folder", type=Path, default=Path(), metavar="DIR", help="your folder (the current one)")
    parser.set_defaults(run=run)
    return parser


def _seconds(text: str) -> float:
    """Read a time limit."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"takes a number of seconds above 0, got {text!r}")
    return seconds


def run_start(options: argparse.Namespace) -> int:
    """Write what is missing in a folder."""
    from ..exercises import folder
    from ..exercises.course import path

    before = folder.has_exercises(options.folder)
    try:
        written = folder.start(options.folder)
    except OSError as error:
        raise UsageError(f"cannot write into {options.folder}: {error}") from error
    where = options.folder.resolve()
    if not before:
        print(f"{len(path())} exercises and a README.md are now in {where}")
    elif written:
        print(f"Added {', '.join(written)}; what was there is as it was: {where}")
    else:
        print(f"All {len(path())} exercises are there already; nothing was changed: {where}")
    if where != Path.cwd():
        print(f"\nGo there:      cd {shlex.quote(str(options.folder))}")
    print("What is next:  minicnn exercises check")
    return 0


def run_check(options: argparse.Namespace) -> int:
    """Check exercises; returns 0 if all asked for have passed, without names all but the extras."""
    from ..exercises.course import path
    from ..exercises.folder import write_solutions

    if options.watch and options.json:
        raise UsageError("--watch and --json do not go together.")
    if options.watch and options.solutions:
        raise UsageError("--watch and --solutions do not go together: nobody saves a solution.")
    asked = [_found(name) for name in options.names] or list(path())
    if options.solutions:
        with tempfile.TemporaryDirectory(prefix="minicnn-") as name:
            write_solutions(Path(name))
            return _check_once(options, Path(name), asked)
    folder = _folder(options)
    return _watch(options, folder, asked) if options.watch else _check_once(options, folder, asked)


def _check_once(options: argparse.Namespace, folder: Path, asked: Sequence[Entry]) -> int:
    """Check, and say or print as JSON what came out; returns the exit status."""
    verdicts = _checked(options, folder, asked, show=not options.json)
    required = [e.name for e in asked if options.names or not e.exercise.extra]
    passed = all(v.passed for v in verdicts if v.exercise in required)
    if options.json:
        print(json.dumps(_as_json(folder, verdicts, passed), indent=2, allow_nan=False))
    return 0 if passed else FAILED


def _checked(options: argparse.Namespace, folder: Path, asked: Sequence[Entry], show: bool) -> list[Verdict]:
    """Check exercises, and say what came out as it comes; what they build on is told only where it is not passed."""
    from ..exercises.checker import Checker
    from ..exercises.memory import Memory
    from ..exercises.sandbox import Limits
    from ..exercises.verdict import Status

    memory, names = Memory.of(folder), [entry.name for entry in asked]
    checker = Checker(folder, Limits(options.seconds, options.memory << 20), memory)
    told, verdicts = _told(memory), []
    for verdict in checker.check(asked):
        if verdict.exercise in names or not verdict.passed:
            verdicts.append(verdict)
            if show:
                print(told.verdict(verdict), flush=True)
    if show:
        todo = [v for v in verdicts if options.names or v.status is not Status.NOT_STARTED or not _is_extra(v)]
        after = "" if options.solutions else f"\n\n{told.next_step(todo)}"
        print(f"\n{told.summary()}{after}", flush=True)
    return verdicts


def _watch(options: argparse.Namespace, folder: Path, asked: Sequence[Entry]) -> int:
    """Check, and again whenever a file is saved: what changed, and what was begun and builds on it."""
    from ..exercises.checker import with_earlier
    from ..exercises.folder import file_name
    from ..exercises.learner import Learner
    from ..exercises.saves import Saves

    files = {folder / file_name(entry): entry for entry in with_earlier(asked)}
    saves, again = Saves(list(files)), asked
    try:
        while True:
            _checked(options, folder, again, show=True)
            print("\nWaiting for you to save a file. Ctrl-C ends this.", flush=True)
            changed = [files[file] for file in saves.wait()]
            print(f"\n{time.strftime('%H:%M:%S')}  {', '.join(file_name(e) for e in changed)} saved\n")
            touched = [e for e in asked if not Learner(folder / file_name(e)).is_untouched(e.functions)]
            again = [e for e in asked if e in changed or (e in touched and set(changed) & set(with_earlier([e])))]
    except KeyboardInterrupt:
        print()
        return 0


def _as_json(folder: Path, verdicts: Sequence[Verdict], passed: bool) -> dict:
    from ..exercises.memory import Memory

    told = _told(Memory.of(folder))
    counts = {
        name: dict(zip(("passed", "of"), told.count(extras), strict=True))
        for name, extras in (("path", False), ("extras", True))
    }
    return {"passed": passed, **counts, "exercises": [verdict.to_dict() for verdict in verdicts]}


def run_hint(options: argparse.Namespace) -> int:
    """Show the next hint, or those seen so far."""
    from ..exercises import text
    from ..exercises.memory import Memory

    folder, entry = _folder(options), _found(options.name)
    memory, of = Memory.of(folder), len(entry.exercise.hints)
    seen = min(memory.hints.get(entry.name, 0), of)
    if options.seen and not seen:
        raise UsageError(f"no hint of {entry.name} was shown yet: leave out --seen.")
    new = [] if options.seen or seen == of else [seen + 1]
    for number in new or range(1, seen + 1):
        print(text.hint(entry, number))
    memory.hints[entry.name] = max([seen, *new])
    memory.save()
    print(_told(memory).after_hints(entry))
    return 0


def run_solution(options: argparse.Namespace) -> int:
    """Show the solution, once the learner has said that they want it."""
    from ..exercises import text
    from ..exercises.memory import Memory

    folder, entry = _folder(options), _found(options.name)
    memory = Memory.of(folder)
    if not (options.yes or entry.name in memory.solutions or _wants_it(entry, memory)):
        return FAILED
    memory.solutions.append(entry.name)
    memory.save()
    print(text.solution(entry))
    return 0


def _wants_it(entry: Entry, memory: Memory) -> bool:
    """Ask; where nobody can answer, say how to."""
    seen, of = memory.hints.get(entry.name, 0), len(entry.exercise.hints)
    print(f"This shows the whole solution of {entry.name}; you have seen {seen} of its {of} hints.")
    if not sys.stdin.isatty():
        print("If you want it: add --yes")
        return False
    try:
        return input("Show it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False


def run_plot(options: argparse.Namespace) -> int:
    """Check an exercise and draw its failing, or else its last, gradient report."""
    from ..exercises.checker import Checker
    from ..exercises.memory import Memory
    from ..exercises.sandbox import Limits

    folder, entry = _folder(options), _found(options.name)
    file = options.file or folder / f"{entry.name}.png"
    if file.suffix not in FIGURES:
        raise UsageError(f"the figure's name must end in one of {', '.join(FIGURES)}, got {file}.")
    memory = Memory.of(folder)
    checker = Checker(folder, Limits(options.seconds, options.memory << 20), memory, {entry.name: file})
    try:
        file.unlink(missing_ok=True)
        *_, verdict = checker.check([entry])
    except OSError as error:
        raise UsageError(f"cannot write the figure: {error}") from error
    print(_told(memory).verdict(verdict))
    if not file.exists():
        why = "the gradients are right, each stage by itself" if verdict.passed else "no gradient was compared"
        print(f"\nThere is nothing to draw: {why}.")
        return FAILED
    print(f"\nFigure  {file}")
    return 0


def run_lesson(options: argparse.Namespace) -> int:
    """The lesson with the learner's layers, see exercise_lesson.py."""
    from . import exercise_lesson

    return exercise_lesson.run_lesson(options, _folder(options))


def _folder(options: argparse.Namespace) -> Path:
    """The learner's folder, which must be one."""
    from ..exercises.folder import has_exercises

    if not has_exercises(options.folder):
        where = "here" if options.folder == Path() else f"in {options.folder}"
        raise UsageError(
            f"there are no exercises {where}. Go into your folder with cd, or give --folder DIR; "
            "`minicnn exercises start DIR` makes a new one."
        )
    return options.folder


def _found(name: str) -> Entry:
    from ..exercises.course import find

    try:
        return find(name)
    except LookupError as error:
        raise UsageError(error.args[0]) from error


def _is_extra(verdict: Verdict) -> bool:
    return _found(verdict.exercise).exercise.extra


def _told(memory: Memory) -> Told:
    """A teller in the colours of this terminal, whose commands work where the user is."""
    from ..exercises.text import Told
    from ..gradcheck.colour import Paint, wanted

    def command(part: str, *arguments: str) -> str:
        elsewhere = part != "start" and memory.folder.resolve() != Path.cwd()
        words = [part, *arguments, *(["--folder", str(memory.folder)] if elsewhere else [])]
        return f"minicnn exercises {shlex.join(words)}"

    return Told(memory, Paint(wanted(sys.stdout)), command)
