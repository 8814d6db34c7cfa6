"""What every exercise of the path promises, whichever it is: a new one joins by being there."""

import ast
import copy
import re

import numpy as np
import pytest
from answers import assert_passed, told, verdict_on

from minicnn.exercises import course
from minicnn.exercises.compare import compare
from minicnn.exercises.exercise import Gradients, Stages, Values
from minicnn.exercises.judge import judge
from minicnn.exercises.learner import Learner
from minicnn.exercises.verdict import Status, Verdict

every_exercise = pytest.mark.parametrize("entry", course.path(), ids=lambda e: e.name)


@every_exercise
def test_the_solution_passes(entry, tmp_path):
    verdict = verdict_on(entry.name, tmp_path=tmp_path)
    assert_passed(verdict)
    assert len(verdict.passed_checks) == verdict.checks > 0


@every_exercise
def test_the_untouched_stub_is_not_started(entry, tmp_path):
    file = tmp_path / f"{entry.name}.py"
    file.write_text(entry.stub, encoding="utf-8")
    verdict = judge(entry, Learner(file))
    assert verdict.status is Status.NOT_STARTED, told(verdict)
    assert verdict.problem is None


@every_exercise
def test_the_stub_holds_no_solution(entry):
    stub, solution = ast.parse(entry.stub), ast.parse(entry.solution)
    assert entry.functions, "nothing to write"
    assert course.END not in entry.stub
    assert course.BEGIN not in entry.solution
    bodies = {n.name: n for n in solution.body if isinstance(n, ast.FunctionDef)}
    for node in stub.body:
        if isinstance(node, ast.FunctionDef) and node.name in entry.functions:
            assert course.is_untouched(node)
            assert not course.is_untouched(bodies[node.name]), f"{node.name} has no solution"


@every_exercise
def test_functions_are_documented_and_typed(entry):
    for node in ast.parse(entry.stub).body:
        if isinstance(node, ast.FunctionDef) and node.name in entry.functions:
            docstring = ast.get_docstring(node) or ""
            assert node.returns is not None, node.name
            for argument in node.args.args + node.args.kwonlyargs:
                assert argument.annotation is not None, f"{node.name}: {argument.arg} has no type"
                assert argument.arg in docstring, f"{node.name}: nothing is said of {argument.arg}"


@every_exercise
def test_hints_derivation_and_equations_are_there(entry):
    exercise = entry.exercise
    assert len(exercise.hints) >= 3
    assert len(set(exercise.hints)) == len(exercise.hints)
    assert all(text.strip() for text in (exercise.title, exercise.derivation, *exercise.hints))
    assert "(1)" in entry.explanation
    number = int(entry.name.split("_")[0])
    assert f"minicnn exercises check {number}" in " ".join(entry.explanation.split())


@every_exercise
def test_it_builds_on_earlier_exercises_and_says_so(entry):
    names = [e.name for e in course.path()]
    before = names[: names.index(entry.name)]
    builds_on = entry.exercise.builds_on
    assert set(builds_on) <= set(before)
    if not entry.exercise.extra:
        assert not any(course.find(name).exercise.extra for name in builds_on), "an extra may be left out"
    tree = ast.parse(entry.solution)
    taken = [
        a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module.endswith("yours") for a in n.names
    ]
    owners = {e.name for e in course.path() for name in taken if name in e.functions}
    assert owners <= set(builds_on), f"takes functions of {owners}"


@every_exercise
def test_codes_are_in_kebab_case_and_titles_tell_checks_apart(entry):
    checks = entry.exercise.checks
    mistakes = [m for check in checks if isinstance(check, Values) for m in check.mistakes]
    for m in mistakes:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", m.code), m.code
        assert m.message.strip().endswith((".", "?", ":")), m.message
    assert len({check.title for check in checks}) == len(checks)


@every_exercise
def test_every_known_mistake_is_told_by_its_own_code(entry):
    """One that gives the right numbers on the example, or those of another mistake, would never be told."""
    for check in entry.exercise.checks:
        if not isinstance(check, Values):
            continue

        def call(function, check=check):
            arguments = check.arguments() if callable(check.arguments) else copy.deepcopy(check.arguments)
            with np.errstate(all="ignore"):  # as where mistakes are recognised
                return function(*arguments.values(), **check.options)

        right = call(check.expected)
        assert compare(right, right, check, call) is None
        for mistake in check.mistakes:
            problem = compare(call(mistake.function), right, check, call)
            assert problem is not None, f"{check.title}: {mistake.code} gives the right numbers"
            assert problem.code == mistake.code, f"{check.title}: {problem}"


@every_exercise
def test_gradient_checks_name_functions_that_are_there(entry):
    names = {n.name for n in ast.parse(entry.stub).body if isinstance(n, ast.FunctionDef)}
    imported = {
        a.asname or a.name for n in ast.walk(ast.parse(entry.stub)) if isinstance(n, ast.ImportFrom) for a in n.names
    }
    for check in entry.exercise.checks:
        if isinstance(check, (Gradients, Stages)):
            assert {check.forward, check.backward} <= names | imported
        elif isinstance(check, Values):
            assert check.function in names | imported


@every_exercise
def test_library_functions_are_functions_to_write(entry):
    assert set(entry.exercise.library) <= set(entry.functions)


def test_function_names_are_unique_over_the_path():
    owners = {}
    for entry in course.path():
        for name in entry.functions:
            assert name not in owners, f"{name} is in {owners[name]} and in {entry.name}"
            owners[name] = entry.name


def test_exercises_are_numbered_from_one_without_gaps():
    numbers = [int(e.name.split("_")[0]) for e in course.path()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


def test_a_verdict_survives_json(tmp_path):
    verdict = verdict_on("01_dense", ("+ b", "- b"), tmp_path=tmp_path)
    assert verdict.problem is not None
    assert Verdict.from_dict(verdict.to_dict()) == verdict
