"""Directive `{shapes}`: arrays as boxes with their dimensions on the edges, to see what multiplies what.

Each line is one figure. An array is its name, a space and its dimensions; everything else is text between the boxes:

    y (N,M) = x (N,D) @ w (D,M) + b (M)
    db (M) = sum over n of dy (N,M)
    dx (N,H,W,C) = col2im( dcolumns (P,K) )

Equal dimensions are drawn equally long, and the two edges that meet in a product `@` are drawn heavier. A vector is a
row. Three dimensions and more are a stack of boxes: its face shows the two neighbouring dimensions whose names end in H
and W (or the two before the last), the others stand below. `x^T` is written as a transpose, `x_hat` with a hat.
"""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise
from typing import NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ARRAY = re.compile(r"([A-Za-z]\w*(?:\^T)?) \(([^()]*)\)")
LENGTHS = (64, 54, 84, 46, 74, 94)  # pixels, given to the dimensions in the order in which they come
IMAGES = {"H": 56, "W": 74, "OH": 42, "OW": 56, "KH": 30, "KW": 30}  # pixels: kernels are smaller than images
TIMES = " \N{MULTIPLICATION SIGN} "
CELL = 18  # the height of a vector
MARGIN = 18  # room for the names of the dimensions
STACKED = 5  # how far each box of a stack lies behind the one before it


class Array(NamedTuple):
    """One array of a figure: how it is drawn."""

    name: str
    dimensions: tuple[str, ...]
    heavy: str = ""  # the edge that meets another array in a product: "left" (the rows) or "top" (the columns)


def parse(line: str) -> list[Array | str]:
    """Arrays and the text between them, in their order."""
    parts, end = [], 0
    for found in ARRAY.finditer(line):
        parts += [line[end : found.start()].strip(), Array(found[1], tuple(d.strip() for d in found[2].split(",")))]
        end = found.end()
    parts.append(line[end:].strip())
    if len(parts) == 1:
        raise ValueError(f"no array in {line!r}: write a name, a space and the dimensions, as in x (N,D).")
    for k in range(1, len(parts) - 2):
        if parts[k] == "@":
            parts[k - 1], parts[k + 1] = parts[k - 1]._replace(heavy="top"), parts[k + 1]._replace(heavy="left")
    return [part for part in parts if part]


def face(dimensions: tuple[str, ...]) -> tuple[str, str, str]:
    """Names of the rows and of the columns of a box, and what stands below it."""
    if len(dimensions) < 3:
        rows, columns = ("", *dimensions)[-2:]
        return rows, columns, ""
    pairs = list(pairwise(dimensions))
    first = next((k for k, (a, b) in enumerate(pairs) if a.endswith("H") and b.endswith("W")), len(dimensions) - 3)
    others = TIMES.join((*dimensions[:first], *dimensions[first + 2 :]))
    return *pairs[first], TIMES.lstrip() + others


def length_of(dimension: str, known: dict[str, int]) -> int:
    """Pixels of an edge: a number is as many cells, a name takes the next of `LENGTHS`."""
    if dimension.isdigit():
        return CELL * min(int(dimension), 6)
    return known.setdefault(dimension, LENGTHS[(len(known) - len(IMAGES)) % len(LENGTHS)])


def pretty(name: str) -> str:
    """A name as it is written by hand: x_hat as x̂, x^T as xᵀ."""
    return escape(re.sub(r"(\w)_hat", "\\1\u0302", name).replace("^T", "ᵀ"))


def draw(array: Array, known: dict[str, int]) -> str:
    """One array as inline SVG, in the colour of the text around it."""
    rows, columns, others = face(array.dimensions)
    width, height = length_of(columns, known), length_of(rows, known) if rows else CELL
    behind = STACKED * min(2, len(array.dimensions) - 2) if others else 0
    left = 9 * len(rows) + 8 if rows else 2
    whole = left + max(width, 8 * len(array.name), 8 * len(others)) + behind + 2, MARGIN + height + behind + 4
    whole = whole[0], whole[1] + (MARGIN if others else 0)
    boxes = "".join(
        f'<rect x="{left + shift}" y="{MARGIN + behind - shift}" width="{width}" height="{height}" '
        f'fill="var(--color-background-primary, none)" stroke="currentColor"/>'
        for shift in range(behind, -1, -STACKED)
    )
    top = MARGIN + behind
    edges = {"top": (left, top, left + width, top), "left": (left, top, left, top + height)}
    if array.heavy:
        x1, y1, x2, y2 = edges[array.heavy if rows else "top"]
        boxes += f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="currentColor" stroke-width="4"/>'
    texts = [
        label(left + width / 2 + behind, MARGIN - 6, columns),
        label(left - 5, top + height / 2 + 4, rows, anchor="end"),
        label(left + width / 2, top + height / 2 + 5, pretty(array.name), size=14 if len(array.name) < 7 else 12),
        label(left, top + height + 15, others, anchor="start"),
    ]
    size = f'width="{whole[0]}" height="{whole[1]}" viewBox="0 0 {whole[0]} {whole[1]}"'
    return f"<svg {size}>{boxes}{''.join(texts)}</svg>"


def label(x: float, y: float, text: str, anchor: str = "middle", size: int = 12) -> str:
    """Text in a figure."""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="currentColor">{text}</text>'


def figure(text: str) -> str:
    """All lines of a directive as HTML: one row of boxes a line, which wraps where the screen is narrow."""
    known, lines = dict(IMAGES), []
    for line in text.splitlines():
        parts = [
            draw(part, known) if isinstance(part, Array) else f"<span>{escape(part)}</span>" for part in parse(line)
        ]
        lines.append(
            f'<div role="img" aria-label="{escape(line.strip())}" '
            f'style="display:flex;flex-wrap:wrap;align-items:center;gap:.5em;margin:1em 0">{"".join(parts)}</div>'
        )
    return f'<div class="shapes">{"".join(lines)}</div>'


class Shapes(SphinxDirective):
    """The directive itself; its content is as in this module's docstring."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw the lines."""
        try:
            html = figure("\n".join(line for line in self.content if line.strip()))
        except ValueError as error:
            raise self.error(str(error)) from None
        return [nodes.raw("", html, format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("shapes", Shapes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
