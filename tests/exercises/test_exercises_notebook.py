"""`minicnn.exercises.check`: functions from a notebook are judged as a learner's file is."""

import linecache
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from answers import assert_passed, assert_wrong, solution

from minicnn.exercises import check, course, yours
from minicnn.exercises.checker import with_earlier
from minicnn.exercises.verdict import Status


def my_forward(x, w, b):
    return x @ w + b, (x, w)


def my_backward(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def dense_forward(x, w, b):
    return my_forward(x, w, b)


def swapped(dy, cache):
    x, w = cache
    return x.T @ dy, dy @ w.T, dy.sum(axis=0)


def in_cells(source, **names):
    """Run cells as a notebook does: one namespace, each cell a file of its own that is nowhere."""
    names["__name__"] = "__main__"
    for number, cell in enumerate(source.split("# cell\n")):
        file = f"<cell {number}>"
        linecache.cache[file] = len(cell), None, cell.splitlines(keepends=True), file
        exec(compile(cell, file, "exec"), names)
    return SimpleNamespace(**names)


def solved(name):
    """The functions of a solution; what it builds on is taken from the solutions too."""
    names = {}
    for entry in with_earlier([course.find(name)]):
        module = ModuleType(entry.name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(yours, "given", dict(names))
            exec(compile(solution(entry.name), f"{entry.name}.py", "exec"), vars(module))
        names |= {function: getattr(module, function) for function in entry.functions}
    return names


@pytest.mark.parametrize("entry", course.path(), ids=lambda entry: entry.name)
def test_the_solutions_pass(entry):
    names = solved(entry.name)
    own = [names.pop(function) for function in entry.functions]
    assert_passed(check(*own, exercise=entry.name).verdict)
    assert not yours.given


def test_functions_are_taken_in_order_by_name_or_by_keyword():
    right = {"exercise": "dense"}
    assert check(my_forward, my_backward, **right).passed
    assert check(my_backward, dense_forward=my_forward, **right).passed
    assert check(dense_backward=my_backward, dense_forward=my_forward, **right).passed
    names = solved("1")
    assert check(names["dense_backward"], my_forward, **right).passed  # it has the exercise's own name
    assert not check(my_backward, my_forward, **right).passed


def test_a_mistake_is_told_as_in_a_file():
    verdict = check(my_forward, swapped, exercise=1).verdict
    assert_wrong(verdict, "wrong-shape")
    assert verdict.problem.check == "gradients"


def test_half_an_exercise_is_unfinished_and_says_what_is_to_be_given():
    verdict = check(my_forward, exercise="dense").verdict
    assert verdict.status is Status.UNFINISHED and len(verdict.passed_checks) == 1
    assert "dense_backward=your_function" in verdict.problem.message


def test_functions_of_earlier_exercises_are_the_solutions_or_those_given():
    names, calls = solved("6"), []
    forward = names["conv2d_forward"]
    assert check(forward, exercise=6).passed

    def counted(*arguments):
        calls.append(arguments)
        return names["im2col"](*arguments)

    backward = solved("7")
    assert check(backward["col2im"], backward["conv2d_backward"], exercise=7, im2col=counted).passed
    assert calls  # by the solution of exercise 6


def test_an_error_is_told_by_the_lines_of_the_cells():
    cells = in_cells(
        "def helper(x):\n    return np.linalg.inv(x)\n# cell\n\ndef forward(x, w, b):\n    return helper(x)\n", np=np
    )
    verdict = check(cells.forward, exercise=1).verdict
    assert_wrong(verdict, "raised", "LinAlgError")
    lines = [line.strip() for line in verdict.problem.message.splitlines() if line.startswith("    ")]
    assert lines == [
        "line 3 of <cell 1>, in forward: return helper(x)",
        "line 2 of <cell 0>, in helper: return np.linalg.inv(x)",
    ]


def test_cells_have_the_numbers_that_ipython_shows(monkeypatch):
    compiler = SimpleNamespace(format_code_name=lambda file: ("Cell", "In[7]") if file == "<cell 0>" else None)
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(compile=compiler))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    cells = in_cells("def forward(x, w, b):\n    return 1 / 0\n")
    verdict = check(cells.forward, exercise=1).verdict
    assert_wrong(verdict, "raised", "line 2 of Cell In[7], in forward: return 1 / 0")


def test_code_without_source_is_told_by_its_place():
    names = {}
    exec("def forward(x, w, b):\n    return 1 / 0\n", names)
    verdict = check(names["forward"], exercise=1).verdict
    assert verdict.problem.message.splitlines()[1] == "    line 2 of <string>, in forward"


def test_it_is_shown_as_text_and_as_html():
    answer = check(lambda x, w, b: (x @ w - b, None), exercise=1)
    markup = check(lambda x, w, b: int("<b>"), exercise=1)
    assert "<b>" in repr(markup) and "&lt;b&gt;" in markup._repr_html_() and "<b>" not in markup._repr_html_()
    assert repr(answer).startswith("01_dense") and "The bias b is subtracted." in repr(answer)
    assert answer._repr_html_().startswith("<pre>01_dense")
    assert repr(check(my_forward, my_backward, exercise=1)).split() == ["01_dense", "passed"]


@pytest.mark.parametrize(
    ("functions", "options", "error", "words"),
    [
        ([my_forward], {"exercise": "dence"}, LookupError, "Did you mean 'dense'"),
        ([], {"exercise": 1}, TypeError, "no function to check: 01_dense has dense_forward, dense_backward"),
        ([my_forward] * 3, {"exercise": 1}, TypeError, "too many"),
        ([my_forward, my_backward], {"exercise": 1, "dense_forward": my_forward}, TypeError, "too many"),
        ([dense_forward, my_backward], {"exercise": 1, "dense_forward": my_forward}, TypeError, "too many"),
        ([np.ones(3)], {"exercise": 1}, TypeError, "takes functions, got ndarray"),
        ([my_forward], {"exercise": 1, "im2col": my_forward}, TypeError, "knows no function im2col"),
        ([my_forward], {"exercise": 6, "foo": my_forward}, TypeError, "builds on dense_forward"),
    ],
)
def test_what_cannot_be_checked_is_said(functions, options, error, words):
    with pytest.raises(error, match=words):
        check(*functions, **options)
    assert not yours.given


def test_importing_the_package_stays_light():
    code = "import sys, minicnn.exercises; print({'numpy', 'numba', 'psutil'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
