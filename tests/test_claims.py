"""The claims: evidence votes by its interval, verdicts follow from votes, and every script keeps its promise."""

import ast
import json
import math

import numpy as np
import pytest

from minicnn import claim_scripts
from minicnn.claims import Claim, Verdict, lies_above, lies_below, side_by_side
from minicnn.cli import main
from minicnn.estimates import STUDENT, Estimate
from minicnn.plots.style import new_figure

SCRIPTS = claim_scripts.scripts()

# Evidence and verdict.


def test_the_interval_covers_95_percent_of_student_s_distribution():
    """For every number of seeds in the table, the density of t integrates to 0.95 between the ends."""
    for freedom, t in enumerate(STUDENT, start=1):
        x = np.linspace(-t, t, 200_001)
        scale = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2) / math.sqrt(math.pi * freedom)
        assert np.trapezoid(scale * (1 + x**2 / freedom) ** (-(freedom + 1) / 2), x) == pytest.approx(0.95, abs=5e-5)
    low, high = Estimate.of([1.0, 2.0, 4.0]).interval
    error = math.sqrt((16 + 1 + 25) / 9 / 2 / 3)
    assert (low, high) == pytest.approx((7 / 3 - STUDENT[1] * error, 7 / 3 + STUDENT[1] * error))
    assert Estimate.of(range(30)).interval[0] == pytest.approx(14.5 - STUDENT[-1] * math.sqrt(77.5 / 30))


def test_there_is_no_interval_where_nothing_can_be_told():
    for values in ([], [1.0], [1.0, 2.0, None], [1.0, math.nan]):
        assert Estimate.of(values).interval is None
        assert lies_above("x", values).vote == lies_below("x", values).vote == 0


VOTES = [
    ([3.0, 3.1, 2.9], 0, +1),
    ([-3.0, -3.1, -2.9], 0, -1),
    ([3.0, -3.1, 2.9], 0, 0),
    ([3.0, 3.1, 2.9], 3.0, 0),
    ([3.0, 3.1, 2.9], 3.5, -1),
    ([2.0, 2.0, 2.0], 2.0, 0),  # exactly on the bound: neither above nor below
    ([2.0, 2.0, 2.0], 1.9, +1),
]


@pytest.mark.parametrize("values, bound, vote", VOTES)
def test_evidence_votes_by_its_whole_interval(values, bound, vote):
    assert lies_above("x", values, bound).vote == vote
    assert lies_below("x", values, bound).vote == -vote


def test_evidence_says_its_number():
    evidence = lies_below("gap with minus without", [-3.0, -4.0, -5.0], unit="points")
    assert str(evidence) == "gap with minus without: -4.0 ± 0.6 points (95 %: -6.5 to -1.5; claimed below 0.0)"
    assert str(lies_above("x", [1.0], 0.5, decimals=2)) == "x: 1.00 (no interval; claimed above 0.50)"


def test_the_verdict_follows_from_the_votes():
    yes, no, open_ = (lies_above("x", values) for values in ([1, 1.1], [-1, -1.1], [1, -1]))
    words = {
        (yes,): "supported",
        (yes, yes): "supported",
        (yes, open_): "not seen here",
        (open_,): "not seen here",
        (no,): "contradicted",
        (yes, no): "contradicted",
        (open_, no): "contradicted",
    }
    for evidence, word in words.items():
        assert Verdict(evidence).word == word
    text = str(Verdict((yes, no, open_), ("nothing else",))).splitlines()
    starts = ["as claimed", "the opposite", "not seen", "remark        nothing else", "Verdict: contradicted."]
    assert all(line.strip().startswith(start) for line, start in zip(text, starts, strict=True))


# Running a claim.


def planted(**changes):
    parts = {
        "name": "0_planted",
        "sentence": "Numbers are numbers",
        "measure": lambda seeds, factor: {"x": np.array([factor * (seed + 10.0) for seed in seeds])},
        "draw": lambda numbers: new_figure(2),
        "judge": lambda numbers: Verdict((lies_above("x", numbers["x"]),)),
        "size": {"seeds": 3, "factor": 2},
        "quick": {"seeds": 2},
    }
    return Claim(**parts | changes)


def test_a_claim_takes_its_size_from_the_form_and_the_wishes():
    claim = planted()
    assert claim.sized() == {"seeds": 3, "factor": 2}
    assert claim.sized("quick") == {"seeds": 2, "factor": 2}
    assert claim.sized("quick", seeds=5, factor=None) == {"seeds": 5, "factor": 2}
    with pytest.raises(ValueError, match="takes no epochs; it takes seeds, factor"):
        claim.sized(epochs=3)


def test_a_claim_writes_its_figure_and_its_numbers(tmp_path, capsys):
    outcome = claim_scripts.run(planted(), planted().sized(), tmp_path / "new")
    assert outcome.numbers == {"x": [20.0, 22.0, 24.0]}  # as the file has them, not as an array
    content = json.loads((tmp_path / "new" / "0_planted.json").read_text())
    assert content["numbers"] == outcome.numbers and content["seeds"] == [0, 1, 2] and content["size"]["factor"] == 2
    assert content["verdict"] == "supported" and content["evidence"][0]["vote"] == 1
    assert content["machine"]["cores"] >= 1 and content["date"] > "2020"
    assert (tmp_path / "new" / "0_planted.png").stat().st_size > 1000
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["0_planted.json", "0_planted.png"]
    out = capsys.readouterr().out
    assert 'Claim 0_planted: "Numbers are numbers"' in out and "Verdict: supported." in out
    assert claim_scripts.table([outcome]).splitlines()[1] == "0_planted  supported  22.0 ± 1.2  x"


def test_a_script_takes_its_options(capsys, tmp_path):
    claim_scripts.main(planted(), ["--quick", "--out", str(tmp_path)])
    assert "seeds 2, factor 2" in capsys.readouterr().out and (tmp_path / "0_planted.json").exists()
    with pytest.raises(SystemExit):
        claim_scripts.main(planted(), ["--seeds", "0"])
    assert "takes a whole number of at least 1, got '0'" in capsys.readouterr().err


def test_numbers_that_json_cannot_hold_are_refused():
    claim = planted(measure=lambda seeds, factor: {"x": object()})
    with pytest.raises(TypeError, match="measure returns numbers, texts, lists, dicts and arrays, got <object"):
        claim.run(claim.sized())


def test_side_by_side_keeps_the_order_and_passes_errors_on():
    assert side_by_side(lambda a, b: a - b, [(k, 1) for k in range(20)]) == list(range(-1, 19))
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda a: 1 / a, [(1,), (0,), (2,)])


# The scripts.


def test_names_are_numbered_and_found_by_the_number():
    numbers = [int(name.split("_")[0]) for name in SCRIPTS]
    assert numbers == list(range(1, 10))
    for name in SCRIPTS:
        assert claim_scripts.load(name).name == claim_scripts.load(name.split("_")[0]).name == name
    with pytest.raises(ValueError, match="There is no claim '99'; there are 1_"):
        claim_scripts.load("99")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_reads_as_a_page(name):
    text = SCRIPTS[name].read_text()
    title, rule = ast.get_docstring(ast.parse(text)).splitlines()[:2]
    assert set(rule) == {"="} and len(rule) == len(title)
    assert f"minicnn lesson --claim {name}" in text
    assert len(text.splitlines()) < 210


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_and_its_seed_decides_its_numbers(name, tmp_path, monkeypatch, capsys):
    """In its tiny form, in one thread and in two."""
    claim = claim_scripts.load(name)
    monkeypatch.setenv("MINICNN_THREADS", "1")
    alone = claim.run(claim.sized("tiny"))
    monkeypatch.setenv("MINICNN_THREADS", "2")
    outcome = claim_scripts.run(claim, claim.sized("tiny"), tmp_path)
    assert outcome.numbers == alone.numbers
    assert outcome.verdict.evidence and f"Verdict: {outcome.verdict.word}." in capsys.readouterr().out
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000


# The command.


def test_the_command_lists_and_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(claim_scripts, "load", lambda name: planted())
    assert main(["lesson", "--list"]) == 0
    assert capsys.readouterr().out.count("Numbers are numbers") == len(SCRIPTS)
    assert main(["lesson", "--claim", "all", "--quick", "--seeds", "4", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("seeds 4, factor 2") == len(SCRIPTS)
    assert ("claim      verdict    deciding number" in out) == (len(SCRIPTS) > 1)


def test_the_command_says_what_it_cannot_use(capsys, tmp_path, monkeypatch):
    assert main(["lesson", "--claim", "heat"]) == 2
    assert "There is no claim 'heat'; there are 1_" in capsys.readouterr().err
    monkeypatch.setattr(claim_scripts, "load", lambda name: planted())
    for option in ("--arms", "--threads", "--data", "--epochs"):
        assert main(["lesson", "--claim", "1", option, "1", "--out", str(tmp_path)]) == 2
        assert f"takes no {option[2:]}" in capsys.readouterr().err
