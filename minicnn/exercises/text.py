"""Verdicts as text for a terminal: a line an exercise, what is wrong, how far the path is done, and what to do next."""

from __future__ import annotations

import ast
import shutil
import textwrap
from collections.abc import Callable, Sequence

from ..gradcheck.colour import BOLD, FAINT, GREEN, RED, YELLOW, Paint
from .course import Entry, find, path
from .folder import file_name
from .learner import Learner
from .memory import Memory
from .verdict import Status, Verdict

NAME_WIDTH, BAR_WIDTH, MOST_WIDTH = 30, 30, 100
INDENT, CONTINUED = "    ", " " * len("Next: ")
COLOURS = {
    Status.PASSED: GREEN,
    Status.NOT_STARTED: FAINT,
    Status.UNFINISHED: YELLOW,
    Status.WAITING: YELLOW,
    Status.WRONG: RED,
}


class Told:
    """Says things about a learner's folder.

    Parameters
    ----------
    memory : Memory
        Of the folder.
    paint : Paint
    command : callable
        Makes the command line of a subcommand and its arguments, such as "minicnn exercises hint 1".
    """

    def __init__(self, memory: Memory, paint: Paint, command: Callable[..., str]):
        self.memory, self.paint, self.command = memory, paint, command

    def verdict(self, verdict: Verdict) -> str:
        """A line, and below it what is wrong and what was printed."""
        paint = self.paint
        text = f"{verdict.exercise:<{NAME_WIDTH}} {paint(str(verdict.status), COLOURS[verdict.status])}"
        problem = verdict.problem
        if verdict.status is Status.NOT_STARTED and find(verdict.exercise).exercise.extra:
            text += paint(", an extra: may be left out", FAINT)
        if problem is not None:
            found = verdict.status is Status.WRONG and problem.step != "import"
            begun = f" in the check {problem.check!r}" if found else ""
            done = f"; {len(verdict.passed_checks)} of {verdict.checks} checks passed" if verdict.passed_checks else ""
            text += f"{begun}{done}\n{_wrapped(problem.message)}"
        text += "".join(f"\n{_wrapped(note)}" for note in verdict.notes)
        if verdict.printed:
            text += f"\n{INDENT}{paint('Your code printed:', FAINT)}\n{_indented(verdict.printed, INDENT + '  | ')}"
        return text

    def summary(self) -> str:
        """The bar of the whole path, with what passed earlier and has not changed since; extras apart."""
        passed, of = self.count(extras=False)
        done = round(BAR_WIDTH * passed / of) if of else 0
        bar = self.paint("#" * done, GREEN) + "." * (BAR_WIDTH - done)
        extras, of_extras = self.count(extras=True)
        return f"[{bar}] {passed} of {of} passed" + (f", and {extras} of {of_extras} extras" if extras else "")

    def count(self, extras: bool) -> tuple[int, int]:
        """How many exercises of the path, or extras, have passed, and how many there are."""
        entries = [entry for entry in path() if entry.exercise.extra == extras]
        return sum(map(self.memory.has_passed, entries)), len(entries)

    def next_step(self, verdicts: Sequence[Verdict]) -> str:
        """What to do now: mend the first that is wrong, begin the first that is not started, or go on with the path."""
        unfinished = [v for v in verdicts if v.status is not Status.PASSED]
        begun = [v for v in unfinished if v.status in (Status.WRONG, Status.UNFINISHED)]
        if unfinished:
            return self._about((begun or unfinished)[0])
        left = [entry for entry in path() if not self.memory.has_passed(entry)]
        if not all(entry.exercise.extra for entry in left):
            first = next(entry for entry in left if not entry.exercise.extra)
            begun = not Learner(self.memory.folder / file_name(first)).is_untouched(first.functions)
            return f"Next: {self.command('check', _number(first))}" if begun else self._go_on(first)
        extras = f"\nExtras, if you like: {', '.join(entry.name for entry in left)}" if left else ""
        return f"The path is done. See your own layers train: {self.command('lesson')}{extras}"

    def _about(self, verdict: Verdict) -> str:
        """What to do about an exercise that is not passed."""
        entry = find(verdict.exercise)
        if verdict.status is Status.NOT_STARTED:
            if verdict.problem is not None:
                start = self.command("start", str(self.memory.folder))
                return f"Next: {start}   (writes what is missing, changes nothing else)"
            return self._go_on(entry)
        todo = "go on in" if verdict.status is Status.UNFINISHED else "mend"
        text = f"Next: {todo} {self.paint(file_name(entry), BOLD)}, then: {self.command('check', _number(entry))}"
        text += f"\n{CONTINUED}{self.after_hints(entry)}"
        if verdict.status is Status.WRONG and verdict.problem.step == "gradient":
            text += f"\n{CONTINUED}The gradients as a picture: {self.command('plot', _number(entry))}"
        return text

    def _go_on(self, entry: Entry) -> str:
        """How to begin an exercise."""
        file, functions = self.paint(file_name(entry), BOLD), _listed(entry.functions)
        what = _wrapped(f"Next: open {file}, read its beginning, and write {functions}", CONTINUED).strip()
        then = f"in place of `raise NotImplementedError`. Then: {self.command('check', _number(entry))}"
        return f"{what}\n{CONTINUED}{then}"

    def after_hints(self, entry: Entry) -> str:
        """Where more help is: the next hint, or the solution when all were seen."""
        seen, of = self.memory.hints.get(entry.name, 0), len(entry.exercise.hints)
        if seen < of:
            return f"Stuck? Hint {seen + 1} of {of}: {self.command('hint', _number(entry))}"
        return f"All {of} hints seen. The solution: {self.command('solution', _number(entry))}"


def _number(entry: Entry) -> str:
    return str(int(entry.name.split("_")[0]))


def hint(entry: Entry, number: int) -> str:
    """One hint, from 1 on."""
    hints = entry.exercise.hints
    return f"{entry.name}, hint {number} of {len(hints)}\n\n{hints[number - 1].strip()}\n"


def solution(entry: Entry) -> str:
    """The derivation, and the code without its docstrings."""
    return (
        f"{entry.name}: the derivation\n\n{entry.exercise.derivation.strip()}\n\n"
        f"{entry.name}: the solution\n\n{_without_docstrings(entry.solution).strip()}\n"
    )


def _without_docstrings(source: str) -> str:
    """Source without the docstrings of the module and its functions."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            first = node.body[0]
            lines[first.lineno - 1 : first.end_lineno] = [None] * (first.end_lineno - first.lineno + 1)
    return "\n".join(line for line in lines if line is not None)


def _listed(names: Sequence[str]) -> str:
    """Names as in "a, b and c"."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _wrapped(text: str, indent: str = INDENT) -> str:
    """Sentences wrapped to the terminal and indented; lines that are indented already, such as arrays, as they are."""
    width = min(MOST_WIDTH, shutil.get_terminal_size((MOST_WIDTH, 24)).columns)
    lines = []
    for line in text.splitlines():
        prose = not line.startswith(" ")
        lines += textwrap.wrap(line, width - len(indent), break_long_words=False) if prose else [line]
    return _indented("\n".join(lines), indent)


def _indented(text: str, mark: str = INDENT) -> str:
    return textwrap.indent(text, mark, lambda line: True)
