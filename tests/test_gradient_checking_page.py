"""docs/gradient-checking.md: its code runs and prints what stands there, its table is what the checkers say today."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from minicnn import cli
from minicnn.gradcheck.advice import ADVICE

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "gradient-checking.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, flags=re.DOTALL)
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ((?:\\\||[^|])+) \|$", PAGE, flags=re.MULTILINE)
COMPARISON = [row for row in ROWS if row[1].startswith(("Jacobian", "passed"))]


def words(text):
    """Without spacing and without the digits that another machine may round differently."""
    text = re.sub(r"-?\d+(\.\d+)?(e[-+]\d+)?", "#", text)
    return " ".join(text.split())


def test_the_code_prints_what_stands_there(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {}
    for code, shown in BLOCKS:
        exec(code, space)
        assert words(capsys.readouterr().out) == words(shown), code
    assert len(BLOCKS) >= 8 and (tmp_path / "report.png").stat().st_size > 10_000


def test_the_command_runs(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    ((command),) = re.findall(r"^\$ minicnn ((?:.*\\\n)*.*)$", PAGE, flags=re.MULTILINE)
    assert cli.main(shlex.split(command.replace("\\\n", " "))) == 1
    assert "statistics-held-constant, x" in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["variance", "momentum", "rate", "sign"])
def test_the_tests_for_what_no_check_sees_do_see_it(broken, capsys, monkeypatch):
    import numpy as np

    from minicnn import SGD, BatchNorm

    class Broken(BatchNorm):
        def forward(self, x, training=False):
            before = dict(self.state)
            y = super().forward(x, training)
            if training and broken == "variance":
                self.state["running_var"] = 0.9 * before["running_var"] + 0.1 * x.std(axis=0)
            if training and broken == "momentum":
                self.state["running_mean"] = 0.1 * before["running_mean"] + 0.9 * x.mean(axis=0)
            return y

    class Wrong(SGD):
        def __init__(self, learning_rate):
            super().__init__({"rate": 2, "sign": 1}.get(broken, 1) * learning_rate)

        def step(self, params, grads):
            super().step(params, {k: -g if broken == "sign" else g for k, g in grads.items()})

    name = "BatchNorm" if broken in ("variance", "momentum") else "SGD"
    monkeypatch.setattr(f"minicnn.{name}", Broken if name == "BatchNorm" else Wrong)
    ((code, shown),) = [block for block in BLOCKS if f"import {name}" in block[0]]
    exec(code, {"np": np, "rng": np.random.default_rng(0)})
    assert capsys.readouterr().out.split() != shown.split()


def test_every_code_is_explained():
    codes = re.findall(r"^\| `([a-z-]+)` \|", DESIGN.partition("## The gradient checker")[2], flags=re.MULTILINE)
    explained = re.findall(r"^\| `([a-z-]+)` \|", PAGE, flags=re.MULTILINE)
    assert codes and not set(codes) - set(explained) and len(explained) == len(set(explained))
    assert set(explained) == set(ADVICE)


@pytest.fixture
def compare(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    import compare_checkers

    yield compare_checkers
    for name in ("compare_checkers", "ten_mistakes"):
        sys.modules.pop(name, None)


def test_the_table_of_ten_mistakes_is_true(compare):
    assert len(COMPARISON) == len(compare.MISTAKES) == 10
    for (planted, by_pytorch, by_cs231n, by_minicnn), (what, *pair) in zip(COMPARISON, compare.MISTAKES, strict=True):
        assert planted == what
        now = [float(e) for e in compare.by_cs231n(*pair).removeprefix("relative error ").split(",")]
        then = [float(e) for e in by_cs231n.split(",")]
        assert [e > 1e-6 for e in now] == [e > 1e-6 for e in then], what  # below it is rounding
        assert all(n == pytest.approx(t, rel=0.06) for n, t in zip(now, then, strict=True) if t > 1e-6), what
        code, argument = re.match(r"`([a-z-]+)`, (\w+): ", by_minicnn).groups()
        assert compare.by_minicnn(*pair).startswith(f"{code}, {argument}: "), what
        assert words(by_minicnn.partition(": ")[2]) in words(compare.by_minicnn(*pair))
        if compare.torch is not None:
            assert words(compare.by_pytorch(*pair)) == words(by_pytorch), what


def test_links_lead_somewhere():
    headings = {
        re.sub(r"[^a-z -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, anchor = target.partition("#")
        assert not file or (ROOT / "docs" / file).exists(), target
        assert not anchor or anchor in headings, target
