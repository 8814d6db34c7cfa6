"""Checking functions that are defined in a notebook or at Python's prompt, by the checks of an exercise.

from minicnn.exercises import check
check(my_forward, my_backward, exercise="dense")
"""

from __future__ import annotations

import functools
import html
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, ModuleType

from ..gradcheck.colour import Paint
from . import yours
from .checker import with_earlier
from .course import Entry, find
from .judge import judge
from .learner import Learner
from .memory import Memory
from .text import Told
from .verdict import Problem, Verdict


@dataclass(frozen=True, repr=False)
class Answer:
    """A verdict that a notebook or Python's prompt shows as text.

    Attributes
    ----------
    verdict : Verdict
    """

    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether all is right."""
        return self.verdict.passed

    def __repr__(self) -> str:
        return Told(Memory(Path()), Paint(False), lambda *words: "").verdict(self.verdict)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def check(*functions: Callable, exercise: str | int, **named: Callable) -> Answer:
    """Check functions of your own, in this process: nothing ends an endless loop but you.

    Parameters
    ----------
    *functions : functions
        The functions of the exercise: each that has the name of one of them is taken for it, the others in their order.
    exercise : str or int
        Such as "01_dense", "dense" or 1.
    **named : functions
        The same by name, `dense_backward=my_backward`; and functions of the exercises that this one builds on, such as
        `im2col=my_im2col`, which are otherwise those of the solutions.

    Returns
    -------
    Answer
        Shown when it is the last line of a cell; `print` it elsewhere. Its `passed` and `verdict` are for programs.

    Raises
    ------
    LookupError
        If there is no such exercise.
    TypeError
        If there are too many functions, none, or one that the exercise does not know.

    Examples
    --------
    >>> from minicnn.exercises import check
    >>> def my_forward(x, w, b):
    ...     return x @ w - b, (x, w)
    >>> check(my_forward, exercise="dense").verdict.problem.code
    'bias-subtracted'
    """
    entry = find(str(exercise))
    earlier = with_earlier([entry])[:-1]
    own, others = _matched(entry, functions, named, [name for e in earlier for name in e.functions])
    with _as_yours(earlier, others):
        return Answer(judge(entry, Cells(entry, own)))


class Cells(Learner):
    """Functions from a notebook in the place of a learner's file.

    Parameters
    ----------
    entry : Entry
        The exercise.
    functions : dict of str to function
        By the names that the exercise gives them; not necessarily all.
    """

    def __init__(self, entry: Entry, functions: Mapping[str, Callable]):
        super().__init__(Path(f"{entry.name}.py"))
        self.entry, self.functions = entry, functions

    def is_untouched(self, functions: Sequence[str]) -> bool:
        """Never: something was given."""
        return False

    def load(self) -> Problem | None:
        """Make a module of the exercise's own file and the functions in the place of its stubs."""
        self.module = ModuleType(f"exercise_{self.entry.name}")
        exec(compile(self.entry.stub, self.path.name, "exec"), vars(self.module))
        for name in self.entry.functions:
            stand_in = _not_given(getattr(self.module, name), self.entry)
            setattr(self.module, name, self.functions.get(name, stand_in))
        return None

    def problem_of(self, error: BaseException, step: str, check: str) -> Problem:
        """An error told by the lines of the notebook that it passed through."""
        if isinstance(error, NotGivenError):
            return Problem(step, "not-written", str(error), check)
        return super().problem_of(error, step, check)

    def is_own(self, frame: FrameType) -> bool:
        """Whether code belongs to the notebook, or the file, that one of the functions is from."""
        own = [getattr(inspect.unwrap(f), "__globals__", None) for f in self.functions.values()]
        return any(frame.f_globals is names for names in own)

    @staticmethod
    def named(file: str) -> str:
        """The number of a notebook's cell, or the name of a file."""
        ipython = sys.modules.get("IPython")
        shell = ipython and ipython.get_ipython()
        cell = shell and shell.compile.format_code_name(file)  # ("Cell", "In[3]"), or None
        return " ".join(cell) if cell else Path(file).name


class NotGivenError(NotImplementedError):
    """A function of the exercise is missing in the call of `check`."""


def _not_given(stub: Callable, entry: Entry) -> Callable:
    """Stand in for a function that was not given."""

    @functools.wraps(stub)
    def stand_in(*arguments: object, **options: object) -> None:
        name = stub.__name__
        raise NotGivenError(f"{name} is still to be given: check(..., {name}=your_function, exercise={entry.name!r}).")

    return stand_in


def _matched(
    entry: Entry, functions: Sequence[Callable], named: Mapping[str, Callable], of_earlier: Sequence[str]
) -> tuple[dict[str, Callable], dict[str, Callable]]:
    """Find out which function is which; returns those of the exercise and those of earlier ones."""
    theirs = f"{entry.name} has {', '.join(entry.functions)}"
    for function in (*functions, *named.values()):
        if not callable(function):
            raise TypeError(f"check takes functions, got {type(function).__name__}. {theirs}.")
    unknown = [name for name in named if name not in (*entry.functions, *of_earlier)]
    if unknown:
        builds_on = f", and builds on {', '.join(of_earlier)}" if of_earlier else ""
        raise TypeError(f"the exercise knows no function {unknown[0]}: {theirs}{builds_on}.")
    own = {name: named[name] for name in entry.functions if name in named}
    left = []
    for function in functions:
        name = getattr(function, "__name__", "")
        if name in entry.functions and name not in own:
            own[name] = function
        else:
            left.append(function)
    free = [name for name in entry.functions if name not in own]
    if len(left) > len(free):
        raise TypeError(f"there are too many functions: {theirs}, each once.")
    if not own and not left:
        raise TypeError(f"there is no function to check: {theirs}.")
    own |= dict(zip(free, left, strict=False))
    return own, {name: f for name, f in named.items() if name in of_earlier}


@contextmanager
def _as_yours(earlier: Sequence[Entry], functions: Mapping[str, Callable]):
    """Let `yours` have functions, and for all others of the earlier exercises the solutions."""
    before = dict(yours.given)
    try:
        yours.given.update(functions)
        for entry in earlier:
            solution = ModuleType(f"solution_{entry.name}")
            exec(compile(entry.solution, f"{solution.__name__}.py", "exec"), vars(solution))
            for name in entry.functions:
                yours.given.setdefault(name, getattr(solution, name))
        yield
    finally:
        yours.given.clear()
        yours.given.update(before)
