"""`minicnn exercises`: what a learner reads, step by step, and the exit statuses."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from answers import changed, solution

from minicnn import cli
from minicnn.exercises import checker, course, memory
from minicnn.exercises.checker import with_earlier
from minicnn.exercises.folder import start
from minicnn.exercises.judge import judge
from minicnn.exercises.learner import Learner
from minicnn.exercises.saves import Saves
from minicnn.exercises.verdict import Problem, Status, Verdict

WRONG = ("dy.sum(axis=0)", "dy.mean(axis=0)")
HALF = ("    x, w = cache\n", "    raise NotImplementedError\n")


def run(capsys, *arguments):
    """Run `minicnn exercises` in this process: exit status, what it printed, what it complained of."""
    try:
        status = cli.main(["exercises", *map(str, arguments)])
    except SystemExit as exit:  # argparse's way
        status = exit.code
    return status, *capsys.readouterr()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A fresh folder, and the learner in it; nothing is remembered."""
    start(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def judged(monkeypatch):
    """Judge in this process: quicker. Returns the names of the exercises judged."""
    names = []

    def judge_here(entry, folder, limits, stop, figure):
        names.append(entry.name)
        reports = []
        verdict = judge(entry, Learner(folder / f"{entry.name}.py"), reports.append)
        if figure is not None and reports:
            reports[-1].plot(figure)
        return verdict

    monkeypatch.setattr(checker, "check_apart", judge_here)
    return names


def write(folder, name, *changes):
    """Put a solution, with changes, into the folder."""
    entry = course.find(name)
    (folder / f"{entry.name}.py").write_text(changed(solution(entry.name), *changes), encoding="utf-8")


# start


def test_start_writes_every_exercise_and_a_readme(capsys, tmp_path):
    status, out, _ = run(capsys, "start", tmp_path / "mine")
    assert status == 0
    assert f"{len(course.path())} exercises" in out and "cd " in out and "minicnn exercises check" in out
    for entry in course.path():
        assert (tmp_path / "mine" / f"{entry.name}.py").read_text(encoding="utf-8") == entry.stub
    readme = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{entry.name}.py`" in readme for entry in course.path()) and "{path}" not in readme


def test_start_never_overwrites_and_adds_what_is_missing(capsys, folder):
    (folder / "01_dense.py").write_text("mine")
    (folder / "README.md").write_text("my notes")
    (folder / "02_relu.py").unlink()
    status, out, _ = run(capsys, "start", ".")
    assert status == 0 and "02_relu.py" in out and "01_dense.py" not in out
    assert (folder / "01_dense.py").read_text() == "mine"
    assert (folder / "README.md").read_text() == "my notes"
    assert (folder / "02_relu.py").read_text(encoding="utf-8") == course.find("2").stub
    assert "nothing was changed" in run(capsys, "start", ".")[1]


def test_start_where_no_folder_can_be(capsys, tmp_path):
    (tmp_path / "file").touch()
    status, _, err = run(capsys, "start", tmp_path / "file")
    assert status == 2 and "cannot write into" in err


# check


def test_a_fresh_folder_is_not_started_and_says_what_to_do(capsys, folder, judged):
    status, out, _ = run(capsys, "check")
    assert status == 1 and not judged, "an untouched stub needs no process"
    assert out.count("not started") == len(course.path())
    assert out.count("an extra") == sum(entry.exercise.extra for entry in course.path())
    assert "Next: open 01_dense.py" in out and "dense_forward and dense_backward" in out
    assert "] 0 of " in out and "minicnn exercises check 1" in out


def test_a_mistake_is_told_with_help(capsys, folder, judged):
    write(folder, "1", WRONG)
    status, out, _ = run(capsys, "check", "1")
    assert status == 1
    assert "wrong in the check 'gradients'; 1 of 5 checks passed" in out
    assert "\n    db: the gradient is right but for the factor 1 / (4" in out
    for words in ("mend 01_dense.py", "minicnn exercises hint 1", "minicnn exercises plot 1"):
        assert words in out


def test_half_an_exercise_is_unfinished(capsys, folder, judged):
    write(folder, "1", HALF)
    status, out, _ = run(capsys, "check", "dense")
    assert status == 1 and "unfinished" in out and "dense_backward is still to be written" in out
    assert "go on in 01_dense.py" in out and "plot" not in out


def test_what_passes_counts_and_the_next_exercise_is_named(capsys, folder, judged):
    write(folder, "1")
    status, out, _ = run(capsys, "check", "1")
    of = sum(not entry.exercise.extra for entry in course.path())
    assert status == 0 and f"] 1 of {of} passed" in out and "Next: open 02_relu.py" in out
    status, out, _ = run(capsys, "check", "2")
    assert status == 1 and f"] 1 of {of} passed" in out, "exercise 1 passed before"
    (folder / "01_dense.py").write_text("changed")
    assert "] 0 of " in run(capsys, "check", "2")[1], "but its file is another one now"
    write(folder, "2")
    assert "Next: minicnn exercises check 1" in run(capsys, "check", "2")[1], (
        "it was begun: there is something to check"
    )


def test_what_was_begun_comes_before_what_was_not(capsys, folder, judged):
    write(folder, "2", ("np.maximum(x, 0)", "np.minimum(x, 0)"))
    _, out, _ = run(capsys, "check")
    assert "Next: mend 02_relu.py" in out


def test_the_whole_path_done(capsys, folder, monkeypatch):
    alter(monkeypatch, "2", extra=True)
    left = {True: Status.NOT_STARTED, False: Status.PASSED}
    everything = [Verdict(entry.name, left[entry.exercise.extra]) for entry in course.path()]
    monkeypatch.setattr("minicnn.exercises.checker.Checker.check", lambda self, asked: iter(everything))
    monkeypatch.setattr("minicnn.exercises.memory.Memory.has_passed", lambda self, entry: not entry.exercise.extra)
    status, out, _ = run(capsys, "check")
    of = sum(not entry.exercise.extra for entry in course.path())
    assert status == 0 and f"] {of} of {of} passed" in out, "extras may be left out"
    assert "The path is done" in out and "Extras, if you like: 02_relu" in out


def test_json(capsys, folder, judged):
    write(folder, "1", WRONG)
    write(folder, "2")
    status, out, _ = run(capsys, "check", "1", "2", "--json")
    answer = json.loads(out)
    assert status == 1 and answer["passed"] is False and answer["path"]["passed"] == 1
    first, second = answer["exercises"]
    assert first["problem"]["code"] == "factor-batch" and first["status"] == "wrong"
    assert second["exercise"] == "02_relu" and second["status"] == "passed" and second["problem"] is None


def test_solutions_are_checked_as_a_learners_files_are(capsys, tmp_path, monkeypatch, judged):
    monkeypatch.chdir(tmp_path)  # no exercises here
    status, out, _ = run(capsys, "check", "--solutions", "1", "2")
    assert status == 0 and sorted(judged) == ["01_dense", "02_relu"]  # two at a time
    assert out.count("passed\n") == 2 + 1 and "Next" not in out
    assert not list(tmp_path.iterdir())


def test_a_wrong_solution_is_found(capsys, monkeypatch, judged):
    wrong = {entry.name: changed(solution(entry.name)) for entry in course.path()}
    wrong["01_dense"] = changed(wrong["01_dense"], WRONG)
    monkeypatch.setattr(course.Entry, "solution", property(lambda entry: wrong[entry.name]))
    status, out, _ = run(capsys, "check", "--solutions", "1", "2")
    assert status == 1 and "01_dense                       wrong" in out


def test_a_deleted_file_can_be_had_again(capsys, folder, judged):
    (folder / "01_dense.py").unlink()
    status, out, _ = run(capsys, "check", "1")
    assert status == 1 and "There is no 01_dense.py" in out and "minicnn exercises start" in out


def test_commands_name_the_folder_when_it_is_elsewhere(capsys, folder, judged, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    _, out, _ = run(capsys, "check", "1", "--folder", folder)
    assert f"minicnn exercises check 1 --folder {folder}" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nothing"], "there is no exercise 'nothing'"),
        (["check", "dence"], "Did you mean 'dense'?"),
        (["check", "--watch", "--json"], "do not go together"),
        (["check", "--watch", "--solutions"], "--watch and --solutions do not go together"),
        (["check", "--seconds", "0"], "seconds above 0"),
        (["check", "--memory", "much"], "whole number"),
        (["hint", "1", "--seen"], "no hint of 01_dense was shown yet"),
        (["plot", "1", "figure.bmp"], ".png, .svg, .pdf"),
        ([], "write the exercises into a folder"),
        (["chek"], "'chek'"),
    ],
)
def test_what_cannot_be_done_is_said(capsys, folder, arguments, words):
    status, out, err = run(capsys, *arguments)
    assert status == 2 and not out and words in err


@pytest.mark.parametrize("part", ["check", "hint 1", "solution 1", "plot 1"])
def test_a_folder_without_exercises(capsys, tmp_path, monkeypatch, part):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, *part.split())
    assert status == 2 and "there are no exercises here" in err and "minicnn exercises start DIR" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["1", "01", "01_dense", "dense", "01_dense.py", "./01_dense.py", "dense_backward"])
def test_names_of_an_exercise(name):
    assert course.find(name).name == "01_dense"


# what builds on what


@pytest.fixture
def chain(monkeypatch):
    """Exercise 2 builds on exercise 1."""
    alter(monkeypatch, "2", builds_on=("01_dense",))


def alter(monkeypatch, name, **fields):
    """Give an exercise other fields."""
    entry = course.find(name)
    monkeypatch.setitem(vars(entry), "exercise", replace(entry.exercise, **fields))


def test_an_exercise_waits_for_what_it_builds_on(capsys, folder, judged, chain):
    write(folder, "2")
    status, out, _ = run(capsys, "check", "2")
    assert status == 1 and not judged
    assert "waiting" in out and "It builds on 01_dense, not passed yet." in out
    assert "Next: open 01_dense.py" in out
    write(folder, "1", WRONG)
    _, out, _ = run(capsys, "check", "2")
    assert judged == ["01_dense"] and "factor 1 / (4" in out and "Next: mend 01_dense.py" in out


def test_what_passed_before_is_not_checked_again_for_another(capsys, folder, judged, chain):
    write(folder, "1")
    write(folder, "2")
    status, out, _ = run(capsys, "check", "2")
    assert status == 0 and sorted(judged) == ["01_dense", "02_relu"] and "01_dense " not in out
    run(capsys, "check", "2")
    assert judged[2:] == ["02_relu"]
    (folder / "01_dense.py").write_text("changed")
    assert "] 0 of " in run(capsys, "check", "3")[1], "what builds on it counts no more"
    write(folder, "1", WRONG)
    status, out, _ = run(capsys, "check", "2")
    assert status == 1 and judged[3:] == ["01_dense"] and "waiting" in out


def test_all_that_an_exercise_builds_on_comes_before_it():
    for entry in course.path():
        names = [earlier.name for earlier in with_earlier([entry])]
        assert names[-1] == entry.name and names == sorted(names)
        assert set(entry.exercise.builds_on) <= set(names)


# hints and solutions


def test_hints_come_one_after_another_and_are_remembered(capsys, folder):
    hints = course.find("1").exercise.hints
    for number, hint in enumerate(hints, 1):
        status, out, _ = run(capsys, "hint", "1")
        assert status == 0 and f"hint {number} of {len(hints)}" in out and hint.strip() in out
        assert not any(other.strip() in out for other in hints if other != hint)
    assert "minicnn exercises solution 1" in out
    status, out, _ = run(capsys, "hint", "1")
    assert status == 0 and all(hint.strip() in out for hint in hints)
    _, out, _ = run(capsys, "hint", "2")
    assert "hint 1 of" in out


def test_seen_hints_are_shown_again(capsys, folder):
    run(capsys, "hint", "1")
    status, out, _ = run(capsys, "hint", "1", "--seen")
    assert status == 0 and "hint 1 of" in out and "hint 2 of 3\n" not in out
    assert "hint 2 of" in run(capsys, "hint", "1")[1]


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"hints": 3}', '{"hints": {"a": "b"}, "solutions": [], "passed": {}}', "\udc80"]
)
def test_a_damaged_memory_is_an_empty_one(capsys, folder, damage):
    (folder / memory.NAME).write_bytes(damage.encode(errors="surrogateescape"))
    status, out, _ = run(capsys, "hint", "1")
    assert status == 0 and "hint 1 of" in out
    assert "hint 2 of" in run(capsys, "hint", "1")[1]


def test_commands_side_by_side_forget_nothing(folder):
    entry = course.find("1")
    one, other = memory.Memory.of(folder), memory.Memory.of(folder)
    one.hints[entry.name] = 2
    one.save()
    other.note(entry, True)
    other.save()
    now = memory.Memory.of(folder)
    assert now.hints == {entry.name: 2} and now.has_passed(entry)


def test_the_solution_is_shown_after_asking_once(capsys, folder, monkeypatch):
    status, out, _ = run(capsys, "solution", "1")
    assert status == 1 and "--yes" in out and "x @ w" not in out, "nobody is there to ask"
    monkeypatch.setattr("sys.stdin", Typist("no\n"))
    status, out, _ = run(capsys, "solution", "1")
    assert status == 1 and "0 of its 3 hints" in out and "x @ w" not in out
    monkeypatch.setattr("sys.stdin", Typist("y\n"))
    status, out, _ = run(capsys, "solution", "1")
    assert status == 0 and "x @ w + b" in out and course.find("1").exercise.derivation.strip() in out
    assert '"""' not in out
    monkeypatch.setattr("sys.stdin", Typist(""))
    status, out, _ = run(capsys, "solution", "1")
    assert status == 0 and "x @ w + b" in out, "asked before"
    for nothing in ("\n", None):
        monkeypatch.setattr("sys.stdin", Typist(nothing))
        assert run(capsys, "solution", "2")[0] == 1
    assert run(capsys, "solution", "2", "--yes")[0] == 0


class Typist:
    """Somebody at a terminal who types one line."""

    def __init__(self, line):
        self.line = line

    def isatty(self):
        return True

    def readline(self):
        assert self.line != "", "asked again"
        return self.line or ""  # None: Ctrl-D


# figures


def test_plot_draws_the_failing_report(capsys, folder, judged):
    write(folder, "1", WRONG)
    status, out, _ = run(capsys, "plot", "1")
    assert status == 0 and "factor 1 / (4" in out and "01_dense.png" in out
    assert (folder / "01_dense.png").read_bytes().startswith(b"\x89PNG")


def test_plot_into_a_folder_that_is_not_there(capsys, folder, judged):
    write(folder, "1", WRONG)
    status, _, err = run(capsys, "plot", "1", "missing/figure.png")
    assert status == 2 and "cannot write the figure" in err


def test_plot_with_nothing_to_draw(capsys, folder):
    status, out, _ = run(capsys, "plot", "1")
    assert status == 1 and "nothing to draw" in out and not (folder / "01_dense.png").exists()


# watching


def test_saves_are_noticed_once_they_are_still(tmp_path, monkeypatch):
    monkeypatch.setattr("minicnn.exercises.saves.PAUSE", 0)
    one, two, three = (tmp_path / name for name in "abc")
    one.write_text("1")
    two.write_text("1")
    saves = Saves([one, two, three])
    looks = iter([lambda: None, two.unlink, lambda: two.write_text("12"), lambda: three.write_text("new")])
    monkeypatch.setattr("time.sleep", lambda seconds: next(looks, lambda: None)())
    assert saves.wait() == [two, three], "not while the file was missing"
    one.write_text("123")
    assert saves.wait() == [one], "saved while nobody waited"
    three.unlink()
    looks = iter([lambda: None, lambda: None, lambda: two.write_text("123")])
    assert saves.wait() == [two], "a deleted file is not a saved one"


def test_watch_checks_again_what_was_saved_and_what_builds_on_it(capsys, folder, judged, chain, monkeypatch):
    write(folder, "1", WRONG)
    write(folder, "2")
    saved = iter([lambda: write(folder, "1"), lambda: write(folder, "2", ("dy * ", "2 * dy * "))])

    def wait(self):
        before = {file: file.read_bytes() for file in self.files}
        next(saved, interrupt)()
        return [file for file in self.files if file.read_bytes() != before[file]]

    monkeypatch.setattr(Saves, "wait", wait)
    status, out, err = run(capsys, "check", "--watch")
    first, second, third = out.split("Waiting for you to save a file.")[:3]
    assert status == 0 and not err, "Ctrl-C is the way to end it"
    assert "waiting" in first and "01_dense" in first
    assert "01_dense.py saved" in second and second.count(" passed\n") == 3 and "not started" not in second
    assert "02_relu.py saved" in third and "wrong" in third and "01_dense" not in third


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.skipif(sys.platform == "win32", reason="sends Ctrl-C to one process")
def test_ctrl_c_ends_a_check_and_its_process(folder):
    write(folder, "1", ("    y = x @ w + b\n", "    open('begun', 'w').close()\n    while True: pass\n"))
    command = [sys.executable, "-m", "minicnn", "exercises", "check", "1", "--seconds", "100"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (folder / "begun").exists():
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
        try:
            assert "interrupted" in process.communicate(timeout=40)[1], "not only when the time limit is over"
        finally:
            process.kill()
    assert process.returncode == 130


def test_from_the_first_to_the_last_as_a_user_types_it(folder):
    """The real thing, with processes: after a crash in one exercise, the next one is checked all the same."""

    def command(*arguments):
        command = [sys.executable, "-m", "minicnn", "exercises", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=100)

    write(folder, "1", ("    y = x @ w + b\n", "    import os; os.abort()\n"))
    write(folder, "2", ("    return np.maximum", "    print('x', x)\n    return np.maximum"))
    result = command("check", "1", "2", "--seconds", "60")
    assert result.returncode == 1 and not result.stderr
    assert "in dense_forward: import os; os.abort()" in result.stdout
    assert "02_relu                        passed\n    Your code printed:\n      | x [[" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="has no such pipes")
def test_a_reader_that_goes_away_is_no_error(folder):
    command = [sys.executable, "-m", "minicnn", "exercises", "check"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_problems_of_another_kind_have_words_too(folder):
    """A verdict made by hand, for what no exercise here does."""
    from minicnn.exercises.text import Told
    from minicnn.gradcheck.colour import Paint

    told = Told(memory.Memory.of(folder), Paint(True), lambda *words: " ".join(words))
    text = told.verdict(Verdict("01_dense", Status.WRONG, Problem("import", "syntax-error", "Line 3, `x`: no.")))
    assert text == "01_dense                       \x1b[31mwrong\x1b[0m\n    Line 3, `x`: no."
