"""The figures of shapes: what a line becomes, and that what multiplies on the learn pages fits together."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "extensions"))

import shapes  # noqa: E402

BLOCK = re.compile(r"^```\{shapes\}\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINES = [
    (path.stem, line)
    for path in sorted((ROOT / "docs" / "learn").glob("*.md"))
    for block in BLOCK.findall(path.read_text(encoding="utf-8"))
    for line in block.splitlines()
]


def test_a_line_is_arrays_and_text():
    y, equals, x, at, w = shapes.parse("y (N,M) = x (N, D) @ w^T (D,M)")
    assert (equals, at) == ("=", "@")
    assert (y.name, x.dimensions, w.name) == ("y", ("N", "D"), "w^T")
    assert (y.heavy, x.heavy, w.heavy) == ("", "top", "left")


def test_a_line_without_an_array_is_refused():
    with pytest.raises(ValueError, match=r"no array in 'y = x w'.*as in x \(N,D\)"):
        shapes.parse("y = x w")


@pytest.mark.parametrize(
    ("dimensions", "face"),
    [
        (("M",), ("", "M", "")),
        (("N", "D"), ("N", "D", "")),
        (("N", "OH", "OW", "F"), ("OH", "OW", "\N{MULTIPLICATION SIGN} N \N{MULTIPLICATION SIGN} F")),
        (("KH", "KW", "C", "F"), ("KH", "KW", "\N{MULTIPLICATION SIGN} C \N{MULTIPLICATION SIGN} F")),
        (("N", "T", "D"), ("N", "T", "\N{MULTIPLICATION SIGN} D")),
    ],
)
def test_the_face_of_a_stack_is_the_image(dimensions, face):
    assert shapes.face(dimensions) == face


def test_equal_dimensions_are_equally_long():
    widths = re.findall(r'width="(\d+)" height="(\d+)" fill=', shapes.figure("y (N,M) = x (N,D) @ w (D,M) + b (M)"))
    (y, x, w, b) = [(int(width), int(height)) for width, height in widths]
    assert y[0] == w[0] == b[0] and y[1] == x[1] and x[0] == w[1]
    assert len({y[0], y[1], x[0]}) == 3, "different dimensions have different lengths"


@pytest.mark.parametrize(("page", "line"), LINES)
def test_what_multiplies_fits_together(page, line):
    parts = shapes.parse(line)
    for left, sign, right in zip(parts, parts[1:], parts[2:], strict=False):
        if sign == "@":
            assert left.dimensions[-1] == right.dimensions[0], line
    if parts[3:4] == ["@"]:
        assert parts[0].dimensions == (*parts[2].dimensions[:-1], *parts[4].dimensions[1:]), line
