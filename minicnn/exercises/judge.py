"""The judge: whether a learner's module does what an exercise asks for.

The checks of the exercise are done in their order and end at the first problem. This file knows nothing of processes
and folders: it runs where it is called (`sandbox.py` runs it elsewhere).
"""

from __future__ import annotations

import copy
import functools
import inspect
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from .. import gradcheck
from .compare import SHOWN, compare, written_out
from .course import Entry
from .exercise import Check, Condition, Gradients, Stages, Values, Wrong
from .learner import Learner, called_as
from .stages import trace_stages
from .verdict import Problem, Status, Verdict

OnReport = Callable[[gradcheck.Report], None]
OnCheck = Callable[[str], None]


def judge(
    entry: Entry, learner: Learner, on_report: OnReport | None = None, on_check: OnCheck | None = None
) -> Verdict:
    """Check a learner's file.

    Parameters
    ----------
    entry : Entry
        The exercise.
    learner : Learner
        The file.
    on_report : callable, optional
        Gets every gradient report, for example to draw it.
    on_check : callable, optional
        Gets the title of every check before it is done, for whoever must say how far it came.

    Returns
    -------
    Verdict
    """
    exercise, passed, notes = entry.exercise, [], []
    verdict = functools.partial(Verdict, entry.name, checks=len(exercise.checks))
    if learner.is_untouched(entry.functions):
        return verdict(Status.NOT_STARTED)
    problem = learner.load() or _missing(entry, learner.module)
    for check in exercise.checks if problem is None else ():
        if on_check is not None:
            on_check(check.title)
        found = _ask(check, learner, on_report)
        if isinstance(found, Problem):
            problem = found
            break
        passed.append(check.title)
        notes += [found] if found else []
    if problem is None:
        return verdict(Status.PASSED, passed_checks=tuple(passed), notes=tuple(notes))
    status = Status.UNFINISHED if problem.code == "not-written" else Status.WRONG
    return verdict(status, problem, tuple(passed))


def _missing(entry: Entry, module: ModuleType) -> Problem | None:
    """See that the functions are there and take what they are called with."""
    stub = SimpleNamespace()
    exec(compile(entry.stub, entry.name, "exec"), vars(stub))
    for name in entry.functions:
        wanted = inspect.signature(getattr(stub, name))
        function = getattr(module, name, None)
        if not callable(function):
            return Problem("import", "function-missing", f"There is no function {name}{_names(wanted)} in the file.")
        got = inspect.signature(function)
        if list(got.parameters) != list(wanted.parameters):
            message = f"{name} takes {_names(got)}, but is called with {_names(wanted)}: put its first line back."
            return Problem("import", "signature-changed", message)
    return None


def _names(signature: inspect.Signature) -> str:
    return f"({', '.join(signature.parameters)})"


def _ask(check: Check, learner: Learner, on_report: OnReport | None) -> Problem | str | None:
    """Do one check; what the learner's code raises is a problem too. A text is a note."""
    try:
        with np.errstate(all="ignore"):  # what is not finite is told by its numbers
            if isinstance(check, Values):
                return _values(check, learner.module)
            if isinstance(check, Gradients):
                return _gradients(check, learner.module, on_report)
            if isinstance(check, Stages):
                return _stages(check, learner.module, on_report)
            return _condition(check, learner.module)
    except (Exception, SystemExit) as error:
        step = {Values: "value", Gradients: "gradient", Stages: "gradient"}.get(type(check), "condition")
        problem = learner.problem_of(error, step, check.title)
        if problem.code not in ("raised", "wrong-returns") or isinstance(check, Condition):
            return problem
        function = check.function if isinstance(check, Values) else check.forward
        call = called_as(function, _arguments(check), getattr(check, "options", {}))
        return replace(problem, message=f"{problem.message}\nThe call was {call}.")


def _values(check: Values, module: ModuleType) -> Problem | None:
    """Call a function on an example and compare what it returns."""
    arguments = _arguments(check)
    given = copy.deepcopy(arguments)
    call = called_as(check.function, arguments, check.options)
    result = getattr(module, check.function)(*given.values(), **check.options)
    changed = [name for name, value in arguments.items() if not _equal(value, given[name])]
    if changed:
        message = (
            f"{check.function} changed its argument {changed[0]}: whoever called it still needs the old numbers. "
            "Work on a copy, and mind that += and x[...] = write into the array itself."
        )
        return Problem("condition", "argument-modified", message, check.title)
    expected = check.expected(*copy.deepcopy(arguments).values(), **check.options)
    problem = compare(result, expected, check, lambda wrong: wrong(*copy.deepcopy(arguments).values(), **check.options))
    if problem is None:
        return None
    shown = _shown(arguments) if problem.step == "value" else []
    message = "\n".join([problem.message, f"The call was {call}.", *shown])
    return Problem(problem.step, problem.code, message, check.title)


def _shown(arguments: dict[str, Any]) -> list[str]:
    """The arrays of an example, if all are small enough to follow by hand."""
    arrays = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    if any(a.size > SHOWN for a in arrays.values()):
        return []
    return [line for name, a in arrays.items() for line in written_out(name, a)]


def _gradients(check: Gradients, module: ModuleType, on_report: OnReport | None) -> Problem | None:
    """Hand a pair of functions to the gradient checker and pass on what it finds."""
    arguments = _arguments(check)
    named = getattr(module, check.forward), getattr(module, check.backward)
    forward, backward = check.pair(module) if check.pair else named
    call = called_as(check.forward, arguments, check.options)
    try:
        report = gradcheck.check(
            functools.partial(forward, **check.options) if check.options else forward,
            backward,
            list(arguments.values()),
            names=list(arguments),
            hints=check.hints,
            title=f"{check.backward}: {check.title}",
        )
    except (TypeError, ValueError) as error:
        if not _is_from_gradcheck(error):
            raise
        return Problem("gradient", "wrong-returns", f"{error}\nChecked with {call}.", check.title)
    if on_report is not None:
        on_report(report)
    if report.passed:
        return _is_tuple_of_one(check, module, arguments) if check.pair is None else None
    message = "\n".join([*_told(report.findings), *_worst(report), f"Checked with {call}."])
    return Problem("gradient", _code(report.findings), message, check.title)


def _is_tuple_of_one(check: Gradients, module: ModuleType, arguments: dict[str, Any]) -> Problem | None:
    """Where one gradient is asked for, the checker takes a tuple with it too; the next exercise would not."""
    if sum(isinstance(value, np.ndarray) and value.dtype.kind == "f" for value in arguments.values()) != 1:
        return None
    y, cache = getattr(module, check.forward)(*copy.deepcopy(list(arguments.values())), **check.options)
    result = getattr(module, check.backward)(np.ones_like(y) if isinstance(y, np.ndarray) else 1.0, cache)
    if not isinstance(result, (tuple, list)):
        return None
    message = (
        f"{check.backward} must return one array, got a {type(result).__name__} of {len(result)}. "
        "Is there a comma too many after return?"
    )
    return Problem("gradient", "wrong-returns", message, check.title)


def _is_from_gradcheck(error: BaseException) -> bool:
    """Whether the checker could do nothing with what the learner's functions returned."""
    raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
    return Path(raised_in).is_relative_to(Path(gradcheck.__file__).parent)


def _stages(check: Stages, module: ModuleType, on_report: OnReport | None) -> Problem | None:
    """Trace a backward pass and pass on which stage is the first wrong one, and what is wrong there."""
    arguments = copy.deepcopy(_arguments(check))
    trace = trace_stages(check, arguments, module)
    if isinstance(trace, Problem):
        return trace
    if trace.passed:
        return None
    worst = []
    for report in trace.reports.values():
        worst += _worst(report)
        if on_report is not None:
            on_report(report)
    call = called_as(check.forward, arguments, {})
    message = "\n".join([*trace.sentences(), *_told(trace.findings), *worst, f"Checked with {call}."])
    return Problem("gradient", _code(trace.findings), message, check.title)


def _told(findings: list[gradcheck.Finding]) -> list[str]:
    """What was found, each with the gradient that it is about."""
    errors = [f for f in findings if f.is_error]
    of_gradient = [f"d{f.argument}: " if f.argument and f.code != "argument-modified" else "" for f in errors]
    return [f"{name}{_without_recognition(f)}" for name, f in zip(of_gradient, errors, strict=True)]


def _without_recognition(finding: gradcheck.Finding) -> str:
    """The message without the operation that forward was recognised as: the exercise is about it."""
    return finding.message.replace(f" (forward was recognised as {finding.evidence.get('operation')}.)", "")


def _code(findings: list[gradcheck.Finding]) -> str:
    return next((f.code for f in findings if f.is_error), "unrecognized")


def _worst(report: gradcheck.Report) -> list[str]:
    """One line for each wrong gradient: its worst entry."""
    lines = []
    for a in report.arguments:
        if not a.passed and a.analytic.shape == a.shape and a.worst_index is not None:
            index = ", ".join(map(str, a.worst_index))
            lines.append(
                f"d{a.name}[{index}] is {a.analytic[a.worst_index]:.6g}, measured {a.numeric[a.worst_index]:.6g}; "
                f"{np.count_nonzero(a.wrong)} of {a.compared} entries are wrong."
            )
    return lines


def _condition(check: Condition, module: ModuleType) -> Problem | str | None:
    """See whether a condition holds; a text is a note."""
    found = check.test(module)
    return Problem("condition", found.code, found.message, check.title) if isinstance(found, Wrong) else found


def _arguments(check: Values | Gradients) -> dict[str, Any]:
    """The arguments of a check, made anew: what a learner's function writes into them must not reach the next check."""
    return dict(check.arguments() if callable(check.arguments) else copy.deepcopy(dict(check.arguments)))


def _equal(a: object, b: object) -> bool:
    """Whether two arguments are the same to the bit; a generator may have been used."""
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b, equal_nan=True)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_equal, a, b))
    return True
