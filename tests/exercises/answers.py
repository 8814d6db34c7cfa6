"""Answers to exercises, judged in this process: solutions, and solutions with changes, as a learner could have them.

    verdict = verdict_on("01_dense", ("+ b", "- b"), tmp_path=tmp_path)
    verdict = verdict_on("01_dense", '''
    def dense_backward(dy, cache):
        ...
    ''', tmp_path=tmp_path)

`assert_wrong(verdict, code)` and `assert_passed(verdict)` show the whole verdict when it is another one.
"""

import ast
import textwrap
import warnings
from functools import cache
from unittest.mock import patch

from minicnn.exercises import course, yours
from minicnn.exercises.judge import judge
from minicnn.exercises.learner import Learner
from minicnn.exercises.verdict import Status, Verdict


def verdict_on(name, *changes, tmp_path, others=(), on_report=None) -> Verdict:
    """Judge the solution of an exercise after some changes.

    Parameters
    ----------
    name : str
        Of the exercise, such as "01_dense" or "dense".
    changes : (old, new) or str
        A text of the solution and what stands in its place, or the source of a whole function, which takes the place
        of the function of its name; other source, such as an import or a helper, goes before the first function.
    tmp_path : Path
        An empty folder, or one used before.
    others : dict of str to str, optional
        Texts of other exercises' files, in place of their solutions.
    on_report : callable, optional
        Gets every gradient report.
    """
    entry, others = course.find(name), dict(others)
    for earlier in _builds_on(entry.name):
        (tmp_path / f"{earlier}.py").write_text(others.get(earlier, solution(earlier)), encoding="utf-8")
    file = tmp_path / f"{entry.name}.py"
    file.write_text(changed(solution(entry.name), *changes), encoding="utf-8")
    with patch.multiple(yours, folder=tmp_path, _files={}), warnings.catch_warnings():
        if changes or others:
            warnings.simplefilter("ignore")  # wrong answers may overflow; a solution must not
        return judge(entry, Learner(file), on_report)


def assert_passed(verdict) -> None:
    """The answer is right."""
    assert verdict.status is Status.PASSED, told(verdict)


def assert_wrong(verdict, code, *words) -> None:
    """The answer is wrong, for this reason, and the message has these words in it."""
    assert verdict.problem is not None, f"passed, expected {code}"
    assert verdict.problem.code == code, told(verdict)
    for word in words:
        assert word in verdict.problem.message, told(verdict)


def told(verdict) -> str:
    """The whole verdict, for the message of an assertion."""
    problem = verdict.problem
    what = f"\n{problem.check}: {problem.code}\n{problem.message}" if problem else ""
    return f"{verdict.exercise} is {verdict.status}{what}"


@cache
def solution(name) -> str:
    """The text of a solution."""
    return course.find(name).solution


def changed(text, *changes) -> str:
    """The text after some changes, which must be possible: see `verdict_on`."""
    for change in changes:
        if isinstance(change, str):
            text = _with_source(text, textwrap.dedent(change).strip("\n") + "\n")
            continue
        old, new = change
        assert old in text, f"the solution has no {old!r}:\n{text}"
        text = text.replace(old, new)
    return text


def _with_source(text, source) -> str:
    """Put a function in the place of the one of its name, and other source before the first function."""
    for node in ast.parse(source).body:
        piece = ast.get_source_segment(source, node)
        there = [n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)]
        same = [n for n in there if n.name == getattr(node, "name", None)]
        start = (same or there)[0].lineno - 1
        stop = same[0].end_lineno if same else start
        lines = text.splitlines()
        lines[start:stop] = piece.splitlines() + ([] if same else ["", ""])
        text = "\n".join(lines) + "\n"
    return text


@cache
def _builds_on(name) -> tuple[str, ...]:
    """The exercises whose files must be there, and those that they build on."""
    direct = course.find(name).exercise.builds_on
    return tuple(dict.fromkeys(e for earlier in direct for e in (*_builds_on(earlier), earlier)))
