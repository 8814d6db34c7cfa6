"""Code that loops, crashes, exits, hoards or meddles: the checker lives on and says what happened, and where."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from answers import changed, solution, told

from minicnn.exercises import course
from minicnn.exercises.sandbox import Limits, StoppedError, check_apart
from minicnn.exercises.verdict import Status

LIMITS = Limits(seconds=20, memory=300 << 20)
ONE_SECOND = Limits(seconds=1, memory=300 << 20)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")

# name: (what the first line of dense_forward does instead, limits, code, words of the message)
HOSTILE = {
    "endless loop": ("while True: pass", ONE_SECOND, "time-limit", ["dense_forward: while True: pass", "--seconds"]),
    "sleep": ("import time; time.sleep(1e6)", ONE_SECOND, "time-limit", ["time.sleep(1e6)"]),
    "endless prints": ("while True: print('x' * 1000)", ONE_SECOND, "time-limit", ["while True: print"]),
    "exit": ("import sys; sys.exit(0)", LIMITS, "raised", ["exit", "sys.exit(0)"]),
    "hard exit": ("import os; os._exit(0)", LIMITS, "raised", ["exit", "os._exit(0)"]),
    "crash": ("import ctypes; ctypes.string_at(0)", LIMITS, "crashed", ["ctypes.string_at(0)"]),
    "abort": ("import os; os.abort()", LIMITS, "crashed", ["os.abort()"]),
    "killed": ("import signal; signal.raise_signal(signal.SIGTERM)", LIMITS, "ended", ["ended before the checks"]),
    "huge array": ("np.zeros((10**6, 10**6))", LIMITS, "out-of-memory", ["7.28 TiB", "np.zeros((10**6, 10**6))"]),
    "endless recursion": ("return dense_forward(x, w, b)", LIMITS, "raised", ["RecursionError", "times in all"]),
    "own exception": ("raise KeyboardInterrupt", LIMITS, "raised", ["KeyboardInterrupt", "line "]),
    "fork": ("import os; os.fork()", LIMITS, "raised", ["may not start other processes"]),
    "another program": ("import subprocess; subprocess.run(['true'])", LIMITS, "raised", ["start other programs"]),
    "signal to others": ("import os; os.kill(os.getppid(), 9)", LIMITS, "raised", ["may not send signals"]),
    "network": ("import socket; socket.create_connection(('127.0.0.1', 9))", LIMITS, "raised", ["use the network"]),
    "keyboard": ("answer = input('Your name? ')", LIMITS, "raised", ["nobody can type", "input('Your name? ')"]),
    "standard input": ("import sys; sys.stdin.read()", LIMITS, "raised", ["nobody can type"]),
}
if sys.platform == "win32":
    del HOSTILE["fork"]
HARMLESS = {
    "print": "print('shape', x.shape)",
    "thread": "import threading as t; t.active_count() > 1 or t.Thread(target=t.Event().wait).start()",
    "closed output": "import sys; sys.stdout.flush(); sys.stdout = open(__import__('os').devnull, 'w')",
    "numpy's errors": "np.seterr(all='raise')",
}


def write(folder, first_line, at_import=""):
    """A right answer to exercise 1 with a line more in dense_forward, or before everything."""
    folder.mkdir(parents=True, exist_ok=True)
    text = changed(solution("01_dense"), ("    y = x @ w + b\n", f"    {first_line}\n    y = x @ w + b\n"))
    (folder / "01_dense.py").write_text(text.replace("import numpy as np", f"import numpy as np\n{at_import}", 1))
    return folder


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Every behaviour's verdict; two processes side by side."""
    root = tmp_path_factory.mktemp("Übungen")  # not ASCII
    entry = course.find("01_dense")
    orders = {name: (line, limits) for name, (line, limits, _, _) in HOSTILE.items()}
    orders |= {name: (line, LIMITS) for name, line in HARMLESS.items()}
    with ThreadPoolExecutor(2) as pool:
        runs = {
            name: pool.submit(check_apart, entry, write(root / name, line), limits)
            for name, (line, limits) in orders.items()
        }
        return {name: run.result() for name, run in runs.items()}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_is_told_by_its_line(verdicts, name):
    _, _, code, words = HOSTILE[name]
    verdict = verdicts[name]
    assert verdict.status is Status.WRONG
    assert verdict.problem.code == code, told(verdict)
    for word in words:
        assert word in verdict.problem.message, told(verdict)


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_code_passes(verdicts, name):
    assert verdicts[name].passed, told(verdicts[name])


def test_only_lines_of_the_learner_are_told(verdicts):
    for name in HOSTILE:
        lines = [line for line in verdicts[name].problem.message.splitlines() if line.startswith("    line ")]
        assert all(" of 01_dense.py" in line for line in lines), lines


def test_prints_are_kept_short_and_apart_from_the_verdict(verdicts):
    printed = verdicts["print"].printed.splitlines()
    assert printed[0] == "shape (2, 3)"
    assert len(printed) < 15 and "characters in all" in printed[-1]
    assert len(verdicts["endless prints"].printed) < 2000


def test_the_check_that_was_begun_is_named(verdicts):
    assert verdicts["endless loop"].problem.check == course.find("1").exercise.checks[0].title
    assert verdicts["endless loop"].checks == len(course.find("1").exercise.checks)


def test_checks_passed_before_the_end_are_told(tmp_path):
    late = "if len(x) == 1: import os; os.abort()"
    verdict = check_apart(course.find("1"), write(tmp_path, late), LIMITS)
    titles = [check.title for check in course.find("1").exercise.checks]
    assert verdict.problem.check == "one example alone"
    assert list(verdict.passed_checks) == titles[: titles.index("one example alone")]


def test_an_endless_loop_at_import(tmp_path):
    verdict = check_apart(course.find("1"), write(tmp_path, "pass", "while True: pass"), ONE_SECOND)
    assert verdict.problem.code == "time-limit" and "of 01_dense.py: while True: pass" in verdict.problem.message
    assert verdict.problem.check == "import"


@LINUX
def test_a_list_without_end_is_told_by_its_line(tmp_path):
    verdict = check_apart(
        course.find("1"), write(tmp_path, "kept = []\n    while True: kept.append([1] * 1000)"), LIMITS
    )
    assert verdict.problem.code == "out-of-memory"
    assert "while True: kept.append" in verdict.problem.message, told(verdict)


@LINUX
def test_the_parent_ends_what_the_process_does_not_end_itself(tmp_path, monkeypatch):
    """As where there is no RLIMIT_AS, and where the code has switched the process's own alarm off."""
    monkeypatch.setattr("minicnn.exercises.sandbox.GRACE", 0.2)
    unlimited = "import resource as r; r.setrlimit(r.RLIMIT_AS, 2 * r.getrlimit(r.RLIMIT_AS)[1:])"
    hoard = f"{unlimited}\n    kept = []\n    while True: kept.append(np.ones(10**6))"
    verdict = check_apart(course.find("1"), write(tmp_path / "hoard", hoard), LIMITS)
    assert verdict.problem.code == "out-of-memory" and "300 MB" in verdict.problem.message
    alarm_off = "import faulthandler; faulthandler.cancel_dump_traceback_later()\n    while True: pass"
    verdict = check_apart(course.find("1"), write(tmp_path / "alarm", alarm_off), ONE_SECOND)
    assert verdict.problem.code == "time-limit"
    assert not psutil.Process().children()


def test_a_stop_ends_the_process_at_once(tmp_path):
    stop = threading.Event()
    folder = write(tmp_path, "while True: pass")
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(check_apart, course.find("1"), folder, Limits(seconds=15), stop)
        time.sleep(0.5)
        stop.set()
        with pytest.raises(StoppedError):
            run.result(timeout=60)
    assert not psutil.Process().children()


def test_files_beside_can_be_imported_and_hide_nothing_of_pythons(tmp_path):
    (tmp_path / "colorsys.py").write_text("raise RuntimeError('hides the module of Python')")
    (tmp_path / "helper.py").write_text("def add(a, b):\n    return a + b\n")
    write(tmp_path, "import colorsys; from helper import add; return add(x @ w, b), (x, w)")
    verdict = check_apart(course.find("1"), tmp_path, LIMITS)
    assert verdict.passed, told(verdict)


def test_the_last_gradient_report_is_drawn(tmp_path):
    wrong = solution("01_dense").replace("dy.sum(axis=0)", "dy.mean(axis=0)")
    (tmp_path / "01_dense.py").write_text(wrong)
    figure = tmp_path / "figure.svg"
    verdict = check_apart(course.find("1"), tmp_path, LIMITS, figure=figure)
    assert verdict.problem.step == "gradient"
    assert "<svg" in figure.read_text()


def test_no_figure_where_no_gradient_was_checked(tmp_path):
    verdict = check_apart(course.find("1"), write(tmp_path, "1 / 0"), LIMITS, figure=tmp_path / "figure.png")
    assert "ZeroDivisionError" in verdict.problem.message
    assert [file.name for file in tmp_path.iterdir()] == ["01_dense.py"]
