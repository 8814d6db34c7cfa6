"""The examples around the gradient checker say what they are there to say."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_staged_batchnorm_finds_its_planted_mistake(capsys):
    example("staged_batchnorm").main()
    wrong, right, _ = capsys.readouterr().out.split("-" * 88)
    assert "The first wrong gradient is that of var." in " ".join(wrong.split())
    assert "one line wrong, step by step: FAILED" in wrong and "batch norm, step by step: passed" in right
    assert "while their own lines are right: centred via var, centred and x." in " ".join(wrong.split())


def test_step_size_shows_the_valley(capsys, tmp_path):
    steps = example("step_size")
    steps.main(["--figure", str(tmp_path / "steps.png")])
    assert capsys.readouterr().out.count("float32") == 3 and (tmp_path / "steps.png").stat().st_size > 10_000
    for dtype in (np.float32, np.float64):
        one, central, extrapolated = (np.nanmin(steps.errors(rule, dtype)) for rule in steps.RULES.values())
        assert extrapolated < central < one
    large = np.arange(2, 6)  # steps of 1/4 to 1/32, where the formula is all that counts
    for rule, order in zip(steps.RULES.values(), (1, 2, 4), strict=True):
        slope = np.polyfit(np.log(steps.H[large]), np.log(steps.errors(rule, np.float64)[large]), 1)[0]
        assert slope == pytest.approx(order, abs=0.2)


def test_compare_checkers_prints_ten_mistakes(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    example("compare_checkers").main()
    out = capsys.readouterr().out
    assert out.count("   CS231n ") == out.count("   minicnn ") == 10 and "passed" not in out
    sys.modules.pop("ten_mistakes", None)


def test_gradient_check_tells_wrong_from_right(capsys, tmp_path):
    example("gradient_check").main(tmp_path / "wrong.png")
    wrong, right = capsys.readouterr().out.split("-" * 88)
    assert "FAILED" in wrong and "passed" in right and "FAILED" not in right
    assert (tmp_path / "wrong.png").stat().st_size > 10_000
