"""The path: every exercise file in the folder `path`, in the order of its number.

An exercise file has two parts. What stands above the line CUT is the learner's: an explanation, the equations and the
functions to write, with the solution between the lines BEGIN and END. What stands below is the checker's. The file that
a learner gets, and the solution, are both made from the upper part, so that they cannot drift apart.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import sys
import textwrap
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType

from .exercise import Exercise

CUT = "# ==== The checker's part: not in the learner's file ===="
BEGIN, END = "# your code", "# end"

PATH = Path(__file__).with_name("path")
YOURS = f"{__package__}.yours"


@dataclass(frozen=True)
class Entry:
    """One exercise of the path.

    Attributes
    ----------
    name : str
        Name of its file without ".py", such as "01_dense".
    """

    name: str

    @cached_property
    def learners_part(self) -> str:
        """The upper part of the exercise file, solution and marks included."""
        text = (PATH / f"{self.name}.py").read_text(encoding="utf-8")
        upper, cut, _ = text.partition(CUT)
        if not cut:
            raise ValueError(f"{self.name}.py has no line {CUT!r}.")
        return upper.rstrip() + "\n"

    @cached_property
    def exercise(self) -> Exercise:
        """The lower part. The file is run without its imports from `yours`: only a learner's folder has those."""
        file = PATH / f"{self.name}.py"
        tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
        tree.body = [n for n in tree.body if not (isinstance(n, ast.ImportFrom) and n.module == YOURS)]
        module = sys.modules[f"{__package__}.path.{self.name}"] = ModuleType(f"{__package__}.path.{self.name}")
        exec(compile(tree, file, "exec"), vars(module))
        return module.EXERCISE

    @property
    def stub(self) -> str:
        """The file as a learner gets it: `raise NotImplementedError` where their code goes."""
        lines, inside = [], False
        for line in self.learners_part.splitlines():
            mark = line.strip()
            if mark == END:
                inside = False
            elif not inside:
                lines.append(line)
            if mark == BEGIN:
                inside = True
                lines.append(line.replace(BEGIN, "raise NotImplementedError"))
        return "\n".join(lines) + "\n"

    @property
    def solution(self) -> str:
        """The same file with the solution in it."""
        lines = [line for line in self.learners_part.splitlines() if line.strip() not in (BEGIN, END)]
        text = "\n".join(lines) + "\n"
        for name, function in self.exercise.library.items():
            text = _with_body(text, name, _body(function))
        return text

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions to write."""
        tree = ast.parse(self.stub)
        return tuple(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and is_untouched(node))

    @property
    def explanation(self) -> str:
        """The docstring of the file."""
        return ast.get_docstring(ast.parse(self.learners_part)) or ""


def is_untouched(function: ast.FunctionDef) -> bool:
    """Whether a function holds no more than a docstring and `raise NotImplementedError`."""
    *before, last = function.body
    documented = all(isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) for n in before)
    return documented and isinstance(last, ast.Raise) and ast.unparse(last).startswith("raise NotImplementedError")


@lru_cache(maxsize=1)
def path() -> tuple[Entry, ...]:
    """All exercises, in order."""
    return tuple(Entry(file.stem) for file in sorted(PATH.glob("[0-9]*.py")))


def find(name: str) -> Entry:
    """The exercise with this name, number, part of a name, file or function: "01_dense", "1", "dense", "./01_dense.py".

    Raises
    ------
    LookupError
        If none or several are meant.
    """
    wanted = Path(name).name.removesuffix(".py").lower().replace("-", "_")
    entries = path()
    exact = [
        e for e in entries if e.name == wanted or (wanted.isdecimal() and int(e.name.split("_")[0]) == int(wanted))
    ]
    exact = exact or [e for e in entries if wanted in e.functions]
    found = exact or [e for e in entries if wanted and wanted in e.name]
    if len(found) == 1:
        return found[0]
    if found:
        raise LookupError(f"{name!r} can mean {', '.join(e.name for e in found)}. Give the number.")
    close = difflib.get_close_matches(wanted, [e.name.split("_", 1)[1] for e in entries], n=1, cutoff=0.5)
    question = f" Did you mean {close[0]!r}?" if close else ""
    raise LookupError(f"there is no exercise {name!r}.{question} There are {', '.join(e.name for e in entries)}.")


def _body(function) -> str:
    """The source of a function without its head and docstring, indented by four spaces."""
    source = textwrap.dedent(inspect.getsource(function))
    (node,) = ast.parse(source).body
    first = node.body[1] if ast.get_docstring(node) else node.body[0]
    return textwrap.indent(textwrap.dedent("\n".join(source.splitlines()[first.lineno - 1 :])), "    ")


def _with_body(text: str, name: str, body: str) -> str:
    """Put `body` in the place of the function's `raise NotImplementedError`."""
    (node,) = (n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == name)
    lines = text.splitlines()
    lines[node.body[-1].lineno - 1 : node.end_lineno] = body.rstrip().splitlines()
    return "\n".join(lines) + "\n"
