"""A learner's file: read without running it, run as a module, and its errors told in terms of its own lines."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import linecache
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from .course import is_untouched
from .verdict import Problem

MOST_LINES = 8  # of a traceback
NOT_AS_ASKED = (
    "This happened in the checker, with what your function returned. Is it of the kind, number and order that stands "
    "under Returns, in this case too?"
)
LONGEST_MESSAGE, LONGEST_LINE = 600, 100  # characters


class Learner:
    """One file of a learner's folder.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    module : module or None
        After `load`.
    """

    def __init__(self, path: Path):
        self.path = Path(path).resolve()
        self.module: ModuleType | None = None

    def is_untouched(self, functions: Sequence[str]) -> bool:
        """Whether the functions all still raise NotImplementedError and do nothing else; the file is not run."""
        try:
            tree = ast.parse(self.path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
            return False  # to be told when it is run
        bodies = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in functions]
        return len(bodies) == len(functions) and all(map(is_untouched, bodies))

    def load(self) -> Problem | None:
        """Run the file as a module; returns what went wrong."""
        spec = importlib.util.spec_from_file_location(f"exercise_{self.path.stem}", self.path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        linecache.checkcache(str(self.path))
        linecache.getlines(str(self.path))  # now: an error may have to be told when no memory is left
        try:
            # Not exec_module: its file of bytecode would litter the folder, and hide a change within the same second.
            exec(spec.loader.source_to_code(self.path.read_bytes(), self.path), vars(module))
        except (Exception, SystemExit) as error:
            return self.problem_of(error, "import", "import")
        self.module = module
        return None

    def problem_of(self, error: BaseException, step: str, check: str) -> Problem:
        """An error told by the lines of the learner's folder that it passed through."""
        # Not traceback.extract_tb: it reads the source of the other frames too, for which memory may be lacking.
        walked = [(f.f_code, number) for f, number in traceback.walk_tb(error.__traceback__) if self.is_own(f)]
        frames = [(code.co_filename, number, code.co_name) for code, number in walked]
        if isinstance(error, NotImplementedError) and frames:
            file, number, function = frames[-1]
            if "NotImplementedError" in linecache.getline(file, number):
                message = f"{function} is still to be written: line {number} raises NotImplementedError."
                return Problem(step, "not-written", message, check)
        if isinstance(error, SyntaxError) and error.lineno is not None:
            line = (error.text or "").strip()
            return Problem(step, "syntax-error", f"Line {error.lineno}, `{line}`: {error.msg}", check)
        lines = told_lines(frames, self.named)
        notes = getattr(error, "__notes__", [])
        code = "out-of-memory" if isinstance(error, MemoryError) else "raised"
        if not frames and isinstance(error, (TypeError, ValueError, LookupError, AttributeError)):
            code, lines = "wrong-returns", [NOT_AS_ASKED]
        return Problem(step, code, "\n".join([_what(error), *lines, *notes]), check)

    def is_own(self, frame: FrameType) -> bool:
        """Whether code that ran is the learner's."""
        return Path(frame.f_code.co_filename).parent == self.path.parent

    @staticmethod
    def named(file: str) -> str:
        """What the learner calls the place of a piece of code."""
        return Path(file).name


def told_lines(frames: Iterable[tuple[str, int, str]], named: Callable[[str], str] = Learner.named) -> list[str]:
    """Lines of a traceback, from (file, line number, function): where, and the source. A recursion is told once."""
    lines = []
    for (file, number, function), same in itertools.groupby(frames):
        linecache.checkcache(file)
        source = _cut(linecache.getline(file, number).strip(), LONGEST_LINE)
        inside = "" if function == "<module>" else f", in {function}"
        lines.append(f"    line {number} of {named(file)}{inside}{f': {source}' if source else ''}")
        if (times := sum(1 for _ in same)) > 1:
            lines.append(f"    ... {times} times in all, each called by the one before")
    half = MOST_LINES // 2
    left_out = len(lines) - MOST_LINES
    return lines if left_out <= 0 else [*lines[:half], f"    ... {left_out} lines more ...", *lines[-half:]]


def _what(error: BaseException) -> str:
    """Kind and message of an error; an error of the learner's own may not be able to say its message."""
    if isinstance(error, SystemExit):
        return "the code called exit(): leave that out"
    try:
        message = str(error)
    except Exception:
        message = ""
    name = "out of memory" if isinstance(error, MemoryError) else type(error).__name__
    return f"{name}: {_cut(message, LONGEST_MESSAGE)}".rstrip(": ")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


def called_as(function: str, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """The call as the learner would write it, arrays by their shapes."""
    given = [_shown(name, value) for name, value in arguments.items()]
    named = [f"{name}={value!r}" for name, value in options.items()]
    return f"{function}({', '.join([*given, *named])})"


def _shown(name: str, value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{name} of shape {value.shape}"
    return f"{name}={value!r}" if isinstance(value, (bool, int, float, str, tuple, type(None))) else name
