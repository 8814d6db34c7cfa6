"""`minicnn exercises grade`: the same verdicts for everybody, and code that means harm does none."""

import csv
import io
import json
import os
import socket
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from answers import assert_passed, changed, solution, told

from minicnn import cli
from minicnn.exercises import checker, confine, course, grading, memory
from minicnn.exercises.folder import start
from minicnn.exercises.judge import judge
from minicnn.exercises.learner import Learner
from minicnn.exercises.sandbox import Limits, check_apart
from minicnn.exercises.verdict import Problem, Status, Verdict

CONFINED = Limits(seconds=20, confined=True)
POSSIBLE = confine.possible()
RIGHT = "    y = x @ w + b\n"
WRONG = ("dy.sum(axis=0)", "dy.mean(axis=0)")

# Each line must be refused by the guard in Python, whatever the system does.
REFUSED = """
    open("../above", "w")
    open("../above", "a")
    open(VICTIM, "r+")
    os.open(VICTIM, os.O_WRONLY)
    os.open(os.fsencode(VICTIM), os.O_RDWR)
    np.save(os.path.dirname(VICTIM) + "/new", x)
    Path(os.path.dirname(VICTIM), "new").touch()
    os.remove(VICTIM)
    os.remove("victim.txt", dir_fd=os.open(os.path.dirname(VICTIM), 0))
    os.truncate(VICTIM, 0)
    os.rename(VICTIM, "mine")
    os.replace("01_dense.py", VICTIM)
    os.chmod(VICTIM, 0)
    os.utime(VICTIM, (0, 0))
    os.mkdir(os.path.dirname(VICTIM) + "/new")
    os.symlink("01_dense.py", os.path.dirname(VICTIM) + "/new")
    os.link(VICTIM, "linked")
    shutil.rmtree(os.path.dirname(VICTIM))
    shutil.copy("01_dense.py", VICTIM)
    os.symlink(os.path.dirname(VICTIM), "way_out") or open("way_out/new", "w")
    sqlite3.connect(VICTIM)
    open(os.path.join(sys.argv[1], "verdict.json"), "w")
    subprocess.run(["true"])
    socket.create_connection(("127.0.0.1", 9))
"""
TRY_EACH = """
    for attempt in ATTEMPTS:
        try:
            eval(attempt)
        except PermissionError as error:
            if type(error).__name__ != "RefusedError":
                raise AssertionError(f"only the system refused {attempt}")
        else:
            raise AssertionError(f"nobody refused {attempt}")
"""
BY_C = """
    import ctypes
    c = ctypes.CDLL(None)
    victim = VICTIM.encode()
    done = {
        "creat": c.creat(victim, 0o600) >= 0,
        "unlink": c.unlink(victim) == 0,
        "rename": c.rename(victim, b"mine") == 0,
        "truncate": LANDLOCK >= 3 and c.truncate(victim, ctypes.c_long(0)) == 0,
        "mkdir": c.mkdir(victim + b"new", 0o700) == 0,
        "symlink": c.symlink(b"x", victim + b"new") == 0,
        "verdict": c.creat(os.path.join(sys.argv[1], "new").encode(), 0o600) >= 0,
        "a program": c.system(b"true") == 0,
        "signal": LANDLOCK >= 6 and c.kill(os.getppid(), 0) == 0,
    }
    assert not any(done.values()), done
    assert c.creat(b"in my own folder", 0o600) >= 0
"""
CONNECT_BY_C = """
    import ctypes, struct
    c = ctypes.CDLL(None)
    address = struct.pack("=H", 2) + struct.pack("!H4s8x", PORT, bytes([127, 0, 0, 1]))
    assert c.connect(c.socket(2, 1, 0), address, len(address)) != 0, "connected"
"""
AT_HOME = """
    assert not {"PASSWORD", "LANGUAGE_KEY"} & set(os.environ), "the environment is there"
    assert Path.home() == Path.cwd() and tempfile.gettempdir() == os.getcwd(), (Path.home(), tempfile.gettempdir())
    Path("notes.txt").write_text("mine")
    assert open("notes.txt").read() == "mine"
    open(os.devnull, "w").write("nothing")
    Path("notes.txt").rename("old.txt")
    os.remove("old.txt")
    print(np.random.rand())
"""
FORGED = """
    seal = Path(sys.argv[1], "seal")
    seal = seal.read_text() if seal.exists() else ""
    forged = json.dumps({"seal": seal, "verdict": {"exercise": "01_dense", "status": "passed", "problem": None,
        "passed_checks": [], "checks": 0, "printed": "", "notes": []}})
    for number in range(3, 30):
        try:
            os.write(number, forged.encode())
        except OSError:
            pass
"""
MODULES = "import json, os, shutil, socket, sqlite3, subprocess, sys, tempfile; from pathlib import Path"


def submit(folder, code, **names):
    """A right answer to exercise 1 that does something else before, and the other exercises not started."""
    start(folder)
    code = textwrap.indent(textwrap.dedent(code).strip("\n"), "    ") + "\n"
    text = changed(solution("01_dense"), (RIGHT, code + RIGHT))
    values = "\n".join(f"{name} = {value!r}" for name, value in names.items())
    text = text.replace("import numpy as np", f"import numpy as np\n{MODULES}\n{values}", 1)
    (folder / "01_dense.py").write_text(text, encoding="utf-8")
    return folder


def everything_in(folder):
    """All files and folders with content, size and time."""
    return {
        str(f.relative_to(folder)): (f.read_bytes() if f.is_file() else b"", f.stat().st_mtime_ns)
        for f in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Verdicts on hostile submissions, after a look whether anything was changed."""
    root = tmp_path_factory.mktemp("class")
    victim = root / "bob" / "victim.txt"
    victim.parent.mkdir()
    victim.write_text("bob's")
    attempts = [line.strip() for line in REFUSED.strip().splitlines()]
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PASSWORD", "secret")
        patch.setenv("LANGUAGE_KEY", "secret")
        names = {"VICTIM": str(victim), "PORT": server.getsockname()[1], "ATTEMPTS": attempts}
        names["LANDLOCK"] = confine.landlock()
        codes = {"refused": TRY_EACH, "at home": AT_HOME, "forged": FORGED + "    os.abort()", "overwritten": FORGED}
        codes |= {"by c": BY_C} if POSSIBLE["writing"] else {}
        codes |= {"connects by c": CONNECT_BY_C} if POSSIBLE["network"] else {}
        folders = {name: submit(root / name, code, **names) for name, code in codes.items()}
        before = everything_in(root)
        with ThreadPoolExecutor(2) as pool:
            runs = {name: pool.submit(check_apart, course.find("1"), f, CONFINED) for name, f in folders.items()}
        yield {name: run.result() for name, run in runs.items()}
    assert everything_in(root) == before


def test_python_refuses_to_change_what_is_elsewhere(verdicts):
    assert_passed(verdicts["refused"])


@pytest.mark.skipif(not POSSIBLE["writing"], reason="needs Landlock")
def test_the_system_refuses_what_is_done_in_c(verdicts):
    assert_passed(verdicts["by c"])


@pytest.mark.skipif(not POSSIBLE["network"], reason="needs a network namespace")
def test_nobody_is_there_to_connect_to(verdicts):
    assert_passed(verdicts["connects by c"])


def test_the_code_is_at_home_in_its_folder(verdicts):
    assert_passed(verdicts["at home"])
    assert verdicts["at home"].printed.startswith("0.5488135")  # the generator starts at the seed 0


def test_a_forged_verdict_is_not_believed(verdicts):
    assert not verdicts["forged"].passed, told(verdicts["forged"])
    assert_passed(verdicts["overwritten"])
    assert len(verdicts["overwritten"].passed_checks) == len(course.find("1").exercise.checks)  # the worker's own


def test_the_checker_without_confinement_is_as_it_was(tmp_path):
    verdict = check_apart(
        course.find("1"), submit(tmp_path, "Path('notes.txt').write_text('mine')"), Limits(seconds=20)
    )
    assert_passed(verdict)
    assert (tmp_path / "notes.txt").read_text() == "mine"


# the table


@pytest.fixture
def judged(monkeypatch):
    """Judge in this process, and take the solutions for right: quicker."""

    def judge_here(entry, folder, limits, stop, figure):
        assert limits.confined
        return judge(entry, Learner(folder / f"{entry.name}.py"))

    monkeypatch.setattr(checker, "check_apart", judge_here)
    monkeypatch.setattr(grading, "failing_solutions", lambda limits: [])


@pytest.fixture
def school(tmp_path):
    """A folder of submissions: right, wrong, nothing in it; and what is none."""
    root = tmp_path / "school"
    for name, changes in {"bob": (), "Alice": (WRONG,), "=1+1": (WRONG,)}.items():
        start(root / name)
        (root / name / "01_dense.py").write_text(changed(solution("01_dense"), *changes))
    (root / "nothing").mkdir()
    (root / ".git").mkdir()
    (root / "list.txt").write_text("Alice, bob")
    return root


def run(capsys, *arguments):
    """Run `minicnn exercises grade` in this process."""
    try:
        status = cli.main(["exercises", "grade", *map(str, arguments)])
    except SystemExit as exit:  # argparse's way
        status = exit.code
    return status, *capsys.readouterr()


def test_a_row_a_submission_and_a_column_an_exercise(capsys, school, judged):
    status, out, err = run(capsys, school, "--csv")
    head, *rows = csv.reader(io.StringIO(out))
    assert status == 0
    assert head == ["submission", "passed of 15", "extras", *(entry.name for entry in course.path()), "look at"]
    assert [row[:5] for row in rows] == [
        ["'=1+1", "0", "0", "wrong: factor-batch", "not started"],
        ["Alice", "0", "0", "wrong: factor-batch", "not started"],
        ["bob", "1", "0", "passed", "not started"],
        ["nothing", "0", "0", "not started", "not started"],
    ]
    assert "bob: 1 passed" in err


def test_json_into_a_file_beside_the_table(capsys, school, judged, tmp_path):
    file = tmp_path / "grades.json"
    status, out, _ = run(capsys, school / "bob", school / "Alice", "--csv", "-", "--json", file)
    bob, alice = json.loads(file.read_text())
    assert status == 0 and [line.split(",")[0] for line in out.splitlines()[1:]] == ["bob", "Alice"]
    assert bob["submission"] == "bob" and bob["passed"] == 1 and len(bob["exercises"]) == len(course.path())
    assert alice["exercises"][0]["problem"]["code"] == "factor-batch" and "printed" not in alice["exercises"][0]


def test_what_the_folder_says_about_itself_is_not_believed(capsys, school, judged):
    own = memory.Memory(school / "Alice")
    for entry in course.path():
        own.note(entry, passed=True)
    own.save()
    before = everything_in(school)
    _, out, _ = run(capsys, school / "Alice")
    assert out.splitlines()[1].startswith("Alice,0,0,wrong: factor-batch,not started")
    assert everything_in(school) == before


def test_links_are_not_followed(school, judged):
    file = school / "Alice" / "01_dense.py"
    file.unlink()
    try:
        file.symlink_to(school / "bob" / "01_dense.py")
    except OSError:
        pytest.skip("no links here")
    verdict = grading.grade("Alice", school / "Alice", CONFINED).verdicts[0]
    assert verdict.status is Status.NOT_STARTED and verdict.problem.code == "file-missing"


def test_what_no_exercise_needs_is_to_be_looked_at(tmp_path):
    file = tmp_path / "01_dense.py"
    file.write_text(
        "import os.path, math\nfrom minicnn.functional import dense\nfrom minicnn.exercises.yours import im2col\n"
        "import numpy as np\neval('1')\nnp.__dict__\nif __name__ == '__main__': eval('2')\n"
    )
    assert grading.unexpected(file) == ["__dict__", "eval", "import minicnn.functional", "import os.path"]
    for entry in course.path():
        file.write_text(entry.solution, encoding="utf-8")
        assert grading.unexpected(file) == []
    file.write_text("def broken(:")
    assert grading.unexpected(file) == []


def test_a_verdict_of_nonsense_is_a_row_like_others():
    problem = Problem("run", "=cmd|' /C calc'!A0", 7)
    verdicts = tuple(Verdict(entry.name, Status.WRONG, problem) for entry in course.path())
    table = io.StringIO()
    graded = grading.Grade("eve", verdicts, ())
    grading.write_csv([graded], table)
    assert "wrong: ?cmd???" in table.getvalue()
    assert graded.to_dict()["exercises"][0]["problem"]["message"] == "7"


def test_what_was_measured_is_not_in_the_json():
    slow = Problem("condition", "not-faster", "fast_im2col takes 1.2 ms")
    verdicts = tuple(Verdict(entry.name, Status.WRONG, slow) for entry in course.path())
    assert "1.2 ms" not in json.dumps(grading.Grade("eve", verdicts, ()).to_dict())


def test_nothing_is_graded_where_the_solutions_fail(capsys, school, judged, monkeypatch):
    monkeypatch.setattr(grading, "failing_solutions", lambda limits: ["01_dense (wrong: time-limit)"])
    status, out, err = run(capsys, school)
    assert status == 1 and not out
    assert "01_dense (wrong: time-limit)" in err and "--seconds" in err


def test_failing_solutions_are_named(judged, monkeypatch):
    monkeypatch.undo()
    wrong = {entry.name: entry.stub for entry in course.path()} | {"01_dense": changed(solution("01_dense"), WRONG)}
    monkeypatch.setattr(course.Entry, "solution", property(lambda entry: wrong[entry.name]))
    failing = grading.failing_solutions(Limits())
    assert failing[:2] == ["01_dense (wrong: factor-batch)", "02_relu (not started)"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing"], "there is no folder missing"),
        (["empty"], "no exercises in empty"),
        (["school", "other/bob"], "have the same name"),
        (["school", "--csv", "--json"], "cannot both be printed"),
        (["school", "--csv", "empty"], "cannot write the file empty"),
        (["school", "--json", "missing/grades.json"], "cannot write the file missing"),
    ],
)
def test_what_cannot_be_graded_is_said(capsys, school, judged, monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    start(Path("other/bob"))
    status, out, err = run(capsys, *arguments)
    assert status == 2 and words in err and not out


def test_an_endless_loop_holds_nobody_up_and_every_run_says_the_same(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "failing_solutions", lambda limits: [])
    root = tmp_path / "school"
    submit(root / "alice", "pass")
    submit(root / "eve", "while True: pass")
    submit(root / "mallory", "raise ValueError(f'{os.getcwd()} {object()}')")
    texts = []
    for _ in range(2):
        status, out, _ = run(capsys, root, "--seconds", "2", "--csv", "--json", tmp_path / "grades.json")
        texts.append(out + (tmp_path / "grades.json").read_text())
        assert status == 0
    assert [line.split(",")[3] for line in out.splitlines()[1:]] == ["passed", "wrong: time-limit", "wrong: raised"]
    assert texts[0] == texts[1]
    assert os.fspath(tmp_path) not in texts[0]
