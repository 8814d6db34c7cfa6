"""The command: what it prints, writes and returns."""

import json
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from minicnn import __version__, catalogue, cli, datasets, experiments, gradcheck, lesson, results
from minicnn.commands import lesson as lesson_command

SMALL = ["--data", "digits", "--epochs", "2", "--seeds", "2", "--threads", "1"]


def run(capsys, *arguments):
    """Run the command in this process: exit status, what it printed, what it complained of."""
    try:
        status = cli.main([str(argument) for argument in arguments])
    except SystemExit as exit:  # argparse's way
        status = exit.code
    return status, *capsys.readouterr()


@pytest.fixture
def forty_images(monkeypatch):
    """Make digits smaller still."""
    small = datasets.load("digits").subset(train=40, test=30)
    monkeypatch.setattr(datasets, "load", lambda name: small)


# minicnn


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from minicnn.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as exit: assert not exit.code\n"
        "assert not {'numpy', 'numba', 'matplotlib', 'tqdm'} & set(sys.modules), 'heavy'"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "lesson" in result.stdout and "gradcheck" in result.stdout


def test_python_m_minicnn_is_the_command():
    result = subprocess.run([sys.executable, "-m", "minicnn", "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == f"minicnn {__version__}\n"


def test_without_a_command_the_usage_is_shown(capsys):
    status, out, err = run(capsys)
    assert status == 2 and not out and err.startswith("usage: minicnn")


# minicnn lesson


def test_lesson_prints_and_writes_what_was_seen(capsys, tmp_path, forty_images):
    status, out, err = run(capsys, "lesson", *SMALL, "--out", tmp_path / "new" / "lesson")
    assert status == 0 and err == ""  # no bar where there is no terminal
    lines = out.splitlines()
    assert lines[0] == "digits: 40 training and 30 test images, 10 classes. 4 arms x 2 seeds, 2 epochs each."
    assert [line.split(":")[0] for line in lines[1:9]] == [
        f"{k}/8  {arm}, seed {seed}"
        for k, (seed, arm) in enumerate([(s, a) for s in (0, 1) for a in ("plain", "dropout", "batchnorm", "both")], 1)
    ]
    header = next(i for i, line in enumerate(lines) if line.startswith("arm "))
    assert [line.split()[0] for line in lines[header + 2 : header + 6]] == ["plain", "dropout", "batchnorm", "both"]
    assert sum(line.startswith("- ") for line in lines) == 3
    assert f"Figure   {tmp_path}/new/lesson/lesson.png" in lines
    assert (tmp_path / "new" / "lesson" / "lesson.png").stat().st_size > 10_000

    path = tmp_path / "new" / "lesson" / "results.json"
    found = results.load(path)
    assert found.finished == 8 and found.recipe.epochs == 2 and found.data["name"] == "digits"
    sentences = json.loads(path.read_text())["sentences"]
    assert len(sentences) == 3
    assert all(" ".join(s.split()) in " ".join(out.split()) for s in sentences)  # but for the line breaks


def test_on_a_terminal_a_bar_takes_the_place_of_the_lines(capsys, tmp_path, monkeypatch, forty_images):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    status, out, err = run(capsys, "lesson", *SMALL, "--arms", "plain", "--out", tmp_path)
    assert status == 0
    assert "0/4" in err and "epoch/s" in err
    assert "plain, seed" not in out


def test_lesson_runs_the_arms_asked_for_in_its_own_order(capsys, tmp_path, forty_images):
    status, out, _ = run(capsys, "lesson", *SMALL, "--arms", "dropout, plain", "--seeds", 1, "--out", tmp_path)
    assert status == 0
    assert list(results.load(tmp_path / "results.json").runs) == ["plain", "dropout"]
    words = " ".join(out.split())  # without the line breaks
    assert "one seed cannot tell" in words and "it needs the arms plain and both" in words


def test_quick_is_smaller_and_may_be_changed(capsys, tmp_path, monkeypatch):
    asked = {}

    def stop(arms, data, *, seeds, recipe, **options):
        asked.update(seeds=len(seeds), epochs=recipe.epochs, images=len(data.train.labels))
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments, "run_experiment", stop)
    work = []
    for options in ([], ["--quick"], ["--quick", "--epochs", "7"]):
        assert run(capsys, "lesson", "--out", tmp_path, *options)[0] == 130
        work.append(asked["epochs"] * asked["seeds"] * asked["images"])
    assert work[1] < work[0] / 5
    assert asked["epochs"] == 7


def test_help_names_the_true_defaults(capsys):
    status, out, _ = run(capsys, "lesson", "--help")
    words = " ".join(out.split())
    assert status == 0
    assert f"from seeds 0 to N-1 ({lesson.DEFAULT.seeds})" in words
    assert f"passes over the training images ({lesson.DEFAULT.epochs})" in words


def test_lesson_takes_a_file_or_a_folder(capsys, tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8), np.arange(12) % 2
    np.savez(tmp_path / "own.npz", x_train=images, y_train=labels, x_test=255 - images, y_test=labels)
    status, out, _ = run(capsys, "lesson", *SMALL, "--arms", "plain", "--data", tmp_path / "own.npz", "--out", tmp_path)
    assert status == 0 and out.startswith("own: 12 training and 12 test images, 2 classes.")

    from PIL import Image

    for k, image in enumerate(images):
        folder = tmp_path / "pets" / ("cat", "dog")[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{k}.png")
    assert lesson_command.load_data(str(tmp_path / "pets")).classes == ("cat", "dog")


def test_ctrl_c_keeps_what_is_finished(capsys, tmp_path, monkeypatch, forty_images):
    train, calls = experiments.train, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return train(*arguments)

    monkeypatch.setattr(experiments, "train", interrupted)
    status, out, err = run(capsys, "lesson", *SMALL, "--out", tmp_path)
    assert status == 130
    assert err == "Interrupted: 2 of 8 runs were finished.\n"
    found = results.load(tmp_path / "results.json")
    assert found.interrupted and {a: len(r) for a, r in found.runs.items()}["dropout"] == 1
    assert (tmp_path / "lesson.png").exists()
    assert "Whether dropout narrows the generalization gap, one seed cannot tell" in " ".join(out.split())


def test_ctrl_c_before_the_first_run_is_finished(capsys, tmp_path, monkeypatch, forty_images):
    monkeypatch.setattr(experiments, "train", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    status, _, err = run(capsys, "lesson", *SMALL, "--out", tmp_path)
    assert status == 130 and "0 of 8 runs" in err
    assert list(tmp_path.iterdir()) == []


def test_results_are_kept_after_every_run(capsys, tmp_path, monkeypatch, forty_images):
    """Also when the machine goes down: what is finished is on the disk."""
    train, calls = experiments.train, []

    def crash(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise MemoryError
        return train(*arguments)

    monkeypatch.setattr(experiments, "train", crash)
    with pytest.raises(MemoryError):
        cli.main(["lesson", *SMALL, "--out", str(tmp_path)])
    assert results.load(tmp_path / "results.json").finished == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--data", "fashion"],
            "no data set, file or folder is called 'fashion'. Known data sets: fashion-mini, digits",
        ),
        (["--data", "setup.txt"], "give an .npz file or a folder"),
        (["--arms", "plain,dropuot"], "--arms takes some of plain, dropout, batchnorm, both"),
        (["--arms", ","], "--arms takes some of"),
        (["--seeds", "0"], "--seeds: takes a whole number of at least 1, got '0'"),
        (["--epochs", "two"], "--epochs: takes a whole number"),
        (["--threads", "-1"], "--threads: "),
        (["--seed", "3", "--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_options_that_cannot_be_used(capsys, tmp_path, options, message):
    status, out, err = run(capsys, "lesson", "--out", tmp_path, *options)
    assert status == 2 and out == ""
    assert message in err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_data_that_cannot_be_used(capsys, tmp_path):
    (tmp_path / "broken.npz").write_text("no zip archive")
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    tiny, labels = np.zeros((4, 3, 3), np.uint8), np.array([0, 1, 0, 1])
    np.savez(tmp_path / "tiny.npz", x_train=tiny, y_train=labels, x_test=tiny, y_test=labels)
    for options, message in (
        (["--data", tmp_path / "broken.npz"], "broken.npz: is no .npz file"),
        (["--data", tmp_path / "empty"], "needs at least two class folders"),
        (["--data", tmp_path / "tiny.npz"], "maxpool2d_2 cannot take inputs"),
        (["--data", "digits", "--out", tmp_path / "file"], "file"),
    ):
        status, out, err = run(capsys, "lesson", "--out", tmp_path / "out", *options)
        assert status == 2 and out == "" and err.startswith("minicnn lesson: ")
        assert message in err and len(err.splitlines()) <= 3


# minicnn gradcheck


def test_gradient_reports_cover_every_case(monkeypatch):
    checked = []
    for name in ("check_layer", "check_loss", "check_model"):
        monkeypatch.setattr(gradcheck, name, lambda subject, *_, title, **__: checked.append(title))
    cases = [case for case, _ in catalogue.gradient_reports()]
    assert cases[:-1] == [*catalogue.LAYER_CASES, *catalogue.LOSS_CASES]
    assert checked[:-1] == [str(case) for case in cases[:-1]]
    assert checked[-1].startswith("small network of 14 layers")


def test_gradcheck_prints_every_gradient(capsys, monkeypatch):
    first_two = list(islice(catalogue.gradient_reports(), 2))
    monkeypatch.setattr(catalogue, "gradient_reports", lambda: iter(first_two))
    status, out, _ = run(capsys, "gradcheck")
    lines = out.splitlines()
    assert status == 0
    assert lines[1] == "Conv2D(4, 3) on 3x6x5x3"
    assert [line.split()[0] for line in lines[2:5]] == ["x", "w", "b"]
    assert all(line.endswith("pass") and float(line.split()[1]) < 1e-7 for line in lines[2:5])
    assert "6 gradients in 2 configurations: all pass." in lines
    assert lines[-1].startswith("Largest relative error ") and "(allowed 1e-07): " in lines[-1]


def test_gradcheck_fails_with_status_1_and_the_report(capsys, monkeypatch):
    right = next(catalogue.gradient_reports())[1]
    wrong = gradcheck.check(lambda x: (x**2, x), lambda dy, x: 2.01 * dy * x, (np.array([1.0, 2.0]),), title="square")
    monkeypatch.setattr(catalogue, "gradient_reports", lambda: iter([(None, right), (None, wrong)]))
    status, out, _ = run(capsys, "gradcheck")
    assert status == 1
    assert "4 gradients in 2 configurations: 1 of 2 configurations FAILED." in out
    assert out.count("FAIL\n") == 1 and str(wrong) in out and str(right) not in out
    assert "x of square" in out.splitlines()[-1]
