"""How a report is told: as text with and without colour, as HTML, as a figure; and advice for every code there is."""

import io
import json
import re
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import gradcheck_pairs as pairs
import numpy as np
import pytest

from minicnn.gradcheck import ArgumentReport, Finding, Report, check, colour
from minicnn.gradcheck.advice import ADVICE
from minicnn.gradcheck.figure import MOST_PICTURES, MOST_ROWS, _axes_of_a_picture
from minicnn.gradcheck.text import WIDTH

DESIGN = (Path(__file__).parents[1] / "docs/design.md").read_text(encoding="utf-8")
CODES = set(re.findall(r"^\| `([a-z-]+)` \|", DESIGN.partition("## The gradient checker")[2], re.MULTILINE))


def argument(name="x", shape=(4, 3), wrong=(), tolerance=1e-7):
    """The report of one argument: analytic = numeric but at the entries named, where it is twice as large."""
    numeric = np.random.default_rng(0).normal(size=shape)
    analytic = numeric.copy()
    for index in wrong:
        analytic[index] *= 2
    errors = np.abs(analytic - numeric) / np.maximum(np.abs(analytic), np.abs(numeric))
    uncertainty = np.full(shape, 1e-10)
    return ArgumentReport(name, shape, analytic, numeric, uncertainty, errors, np.zeros(shape, bool), tolerance)


def report(arguments, findings=(), **changes):
    settings = {"title": "a layer", "unchecked": [], "tolerance": 1e-7, "seed": 0, "evaluations": 100, **changes}
    return Report(arguments=arguments, findings=list(findings), **settings)


EXPLAINED = Finding(
    "factor-batch",
    "x",
    "the gradient is 8 times the right one. The batch has 8 images.",
    {
        "ratio": 8.0,
        "count": 240,
        "spread": 1.3e-10,
        "batch_size": 8,
        "indices": [(0, 1)],
        "residual": 3e-11,
        "also_possible": ["shifted"],
    },
)


@pytest.fixture
def wrong():
    return report([argument(wrong=[(1, 2), (0, 0)]), argument("b", (3,))], [EXPLAINED])


# ---- text ----


def test_there_is_advice_for_every_code_and_for_no_other():
    assert {"wrong-shape", "unrecognized"} <= CODES
    assert not CODES - ADVICE.keys()
    assert all(len(step) < 3 * WIDTH and step.endswith((".", "?")) for step in ADVICE.values())


def test_the_blocks_come_in_the_order_of_reading(wrong):
    text = str(wrong)
    parts = (
        "FAILED",
        "argument  shape",
        "Worst entries of x (2 of 12",
        "What was found",
        "factor-batch, x:",
        "What to try",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places) and "Worst entries of b" not in text


def test_the_evidence_of_an_explanation_stands_under_it(wrong):
    (line,) = [line.strip() for line in str(wrong).splitlines() if "explains it to" in line]
    assert line == "count 240; spread 1e-10; explains it to 3e-11; also possible: shifted"
    plain = Finding("wrong-shape", "x", "it has another shape.", {"shape": [3]})
    assert "explains" not in str(report([argument(wrong=[(0, 0)])], [plain]))


@pytest.mark.parametrize("length", [1, 12, 60, 200])
def test_lines_fit_whatever_the_names(length):
    name = "n" * length
    long = Finding("factor-batch", name, "word " * 60, {**EXPLAINED.evidence, "where": "w" * 100})
    text = str(report([argument(name, (2, 3, 4, 5), [(0, 0, 0, 0)])], [long], title="t" * length, unchecked=[name]))
    for line in text.splitlines():
        assert len(line) <= WIDTH or name in line  # a single word longer than a line is not broken
    assert not any(len(line) > WIDTH for line in text.splitlines()) or length > 60


def test_columns_are_aligned(wrong):
    lines = str(wrong).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("Worst entries"))
    header, *rows = lines[start + 1 : start + 7]
    for word in ("analytic", "numeric", "relative error"):
        end = header.index(word) + len(word)
        assert all(row[end - 1] != " " and row[end : end + 1] in ("", " ") for row in rows), word


def test_what_is_said_of_several_arguments_is_said_once():
    same = [
        Finding("mask-missing", name, "the mask is missing.", {"residual": residual, "also_possible": []})
        for name, residual in (("x", 1e-12), ("w", 3e-9))
    ]
    other = Finding("mask-missing", "b", "another mask is missing.", {})
    wrong = [argument(name, wrong=[(0, 0)]) for name in ("x", "w", "b")]
    text = str(report(wrong, [same[0], other, same[1]]))
    assert text.count("the mask is missing") == 1 and "mask-missing, x, w: the mask is missing." in text
    assert "explains it to 3e-09" in text and "mask-missing, b: another" in text
    assert "mask-missing, x, w: " in Structure(report(wrong, same)._repr_html_()).text


def test_many_wrong_arguments_are_named_and_not_all_shown():
    text = str(report([argument(f"w{k}", wrong=[(0, 0)]) for k in range(6)]))
    assert text.count("Worst entries of") == 3 and "Wrong too: w3, w4, w5." in text


def test_typed_at_a_prompt_a_report_is_one_line(wrong):
    assert repr(wrong) == "<Report a layer: FAILED, factor-batch>"
    assert repr(report([argument()])) == "<Report a layer: passed>"
    assert repr(argument(wrong=[(0, 0)])) == "<ArgumentReport x (4, 3): wrong, 12 entries compared>"


# ---- colour ----


def test_colour_is_for_terminals_only(wrong, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", Terminal())
    coloured = str(wrong)
    assert "\x1b[31mFAILED" in coloured and colour.without(coloured) == wrong.to_text()
    assert "\x1b" not in wrong.to_text()
    with pytest.raises(AssertionError) as error:
        wrong.raise_if_failed()
    assert "\x1b" not in str(error.value)
    for variable, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            assert str(wrong) == wrong.to_text()
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert str(wrong) == wrong.to_text()
    monkeypatch.setattr(sys, "stdout", None)  # as under pythonw
    assert str(wrong) == wrong.to_text()


# ---- HTML ----


class Structure(HTMLParser):
    """Notes the text, and that every element is closed in its turn."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.tags = [], "", set()
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attributes)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_whole_and_needs_nothing_from_elsewhere(wrong):
    page = wrong._repr_html_()
    found = Structure(page)
    assert "script" not in found.tags and "http" not in page and "@import" not in page
    words = " ".join(found.text.split())
    for part in ("FAILED", "Worst entries of x", "factor-batch, x: the gradient is 8 times", "explains it to 3e-11"):
        assert part in words
    assert ADVICE["factor-batch"] in words
    passed = Structure(report([argument()])._repr_html_())
    assert "passed" in passed.text and "What was found" not in passed.text


def test_html_escapes_what_comes_from_outside():
    evil = "<script>alert(1)</script>&"
    finding = Finding("factor-batch", evil, evil, {"note": evil, "residual": 0.0})
    page = report([argument(evil, wrong=[(0, 0)])], [finding], title=evil, unchecked=[evil])._repr_html_()
    found = Structure(page)
    assert "script" not in found.tags and found.text.count(evil) >= 6


def test_html_has_no_colour_of_its_own_for_text_or_background(wrong):
    style = re.search(r"<style>(.*?)</style>", wrong._repr_html_(), re.DOTALL).group(1)
    assert all(value in ("none",) for value in re.findall(r"background(?:-color)?: ([^;}]+?)\s*[;}]", style))
    assert "color: inherit" in style and "black" not in style and "white" not in style


# ---- figure ----


def axes_titles(figure):
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


def test_the_finding_is_in_the_title(wrong):
    figure = wrong.plot()
    assert "FAILED" in figure.get_suptitle()
    titles = [sub.get_suptitle() for sub in figure.subfigs]
    assert titles[0] == "x (4, 3): factor-batch, the gradient is 8 times the right one"
    assert titles[1] == "b (3,): right"


def test_the_title_of_a_layer_of_a_model_says_what_is_wrong_in_it():
    where = Finding("factor-batch", "x", "the mistake is in dense_1: it is 8 times. N is 8.", {"layer": "dense_1"})
    (row,) = report([argument(wrong=[(0, 0)])], [where]).plot().subfigs
    assert row.get_suptitle() == "x (4, 3): factor-batch, the mistake is in dense_1: it is 8 times"


def test_images_and_kernels_are_small_pictures_the_worst_first(tmp_path):
    shape = (3, 6, 5, 8)  # images with eight channels: 24 pictures
    wrong = [(2, 0, w, c) for w in range(5) for c in range(8)]
    figure = report([argument("x", shape, wrong)]).plot(tmp_path / "images.png")
    titles = axes_titles(figure)
    assert len(titles) == MOST_PICTURES and {f"[2, :, :, {c}]" for c in range(8)} <= set(titles)
    labels = " ".join(ax.get_ylabel() for ax in figure.axes)
    assert f"the worst {MOST_PICTURES} of 24 slices" in labels


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((), (0, 1)),
        ((5,), (0, 1)),
        ((8, 5), (0, 1)),
        ((4, 7, 6, 3), (1, 2)),  # N, H, W, C
        ((4, 3, 7, 6), (2, 3)),  # N, C, H, W
        ((3, 3, 2, 4), (0, 1)),  # a kernel KH, KW, C_in, C_out
        ((4, 2, 3, 3), (2, 3)),  # a kernel C_out, C_in, KH, KW
        ((2, 9, 4), (1, 2)),  # N, T, D
    ],
)
def test_a_picture_spans_height_and_width(shape, axes):
    assert _axes_of_a_picture(shape) == axes


def test_any_report_can_be_drawn(tmp_path):
    odd = [
        argument("number", ()),
        argument("empty", (0, 3)),
        argument("big", (40, 50), [(3, 4)]),
        argument("deep", (2, 2, 3, 2, 2), [(0, 0, 0, 0, 0)]),
    ]
    for k, each in enumerate(odd):
        report([each]).plot(tmp_path / f"{k}.png")
    report([]).plot(tmp_path / "nothing.svg")
    figure = report([argument(f"w{k}", wrong=[(0, 0)] if k > 6 else []) for k in range(9)]).plot()
    assert len(figure.subfigs) == MOST_ROWS and "3 more not shown" in figure.get_suptitle()
    assert {"w7", "w8"} <= {sub.get_suptitle().split()[0] for sub in figure.subfigs}
    x = np.array([1.0, -1.0])
    for k, factor in enumerate((np.nan, np.inf, np.array([np.nan, 1.0]), 1e300, 0.0)):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the checker's, of numbers as odd as these
            odd = check(pairs.tanh_forward, lambda dy, y, factor=factor: dy * (1 - y**2) * factor, x)
        odd.plot(tmp_path / f"odd {k}.png")
        assert "FAILED" in str(odd) and "FAILED" in odd._repr_html_() and json.dumps(odd.to_dict(), allow_nan=False)


def test_what_nobody_recognizes_is_for_the_trace():
    unknown = Finding("unrecognized", "x", "wrong somehow.")
    assert "gradcheck.trace" in str(report([argument(wrong=[(0, 0)])], [unknown]))
    assert "gradcheck.trace" not in str(report([argument(wrong=[(0, 0)])], [EXPLAINED]))
