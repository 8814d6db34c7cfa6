"""docs/cheatsheet.md: each formula, as a line of NumPy, computes what minicnn computes, and the gradients are right."""

import re
from pathlib import Path

import numpy as np
import pytest
from cheatsheet_rows import ROWS, STEPS

from minicnn import functional, gradcheck

PAGE = (Path(__file__).parents[1] / "docs" / "cheatsheet.md").read_text(encoding="utf-8")
PDF = Path(__file__).parents[1] / "docs" / "cheatsheet.pdf"


def run(lines, space):
    """The lines of NumPy, one after the other."""
    for line in lines.values():
        exec(line, {"np": np}, space)
    return space


def as_pair(row):
    """The formulas of the sheet as forward and backward."""

    def forward(*arguments):
        space = run(row.lines, row.known | dict(zip(row.arguments, arguments, strict=True)))
        return space["L"] if "L" in space else space["y"], space

    def backward(dy, space):
        dy = np.reshape(dy, np.shape(space.get("y", dy)))  # where y is written as rows
        run(row.backward, space := space | {"dy": dy, "dL": dy})
        return [space[f"d{name}"].reshape(array.shape) for name, array in row.arguments.items()]

    return forward, backward


def call(row, *arguments):
    """minicnn's own function; a generator gives the same numbers at every call."""
    constants = [np.random.default_rng(1) if isinstance(c, np.random.Generator) else c for c in row.constants]
    return getattr(functional, f"{row.function}_forward")(*arguments, *constants, **row.options)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_forward_and_backward(row):
    forward, backward = as_pair(row)
    written, _ = forward(*row.arguments.values())
    computed, _ = call(row, *row.arguments.values())
    np.testing.assert_allclose(np.reshape(written, np.shape(computed)), computed, rtol=1e-12, atol=1e-12)
    report = gradcheck.check(
        lambda *arguments: (call(row, *arguments)[0], forward(*arguments)[1]), backward, tuple(row.arguments.values())
    )
    assert report.passed and [a.name for a in report.arguments] and not report.unchecked, str(report)


@pytest.mark.parametrize(("optimizer", "lines"), STEPS, ids=[repr(optimizer) for optimizer, _ in STEPS])
def test_three_steps(optimizer, lines):
    names = {"learning_rate": "lr", "momentum": "mu", "weight_decay": "lambda_"}
    space = {names.get(name, name): value for name, value in optimizer.config.items()}
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 4))
    space |= {"w": w, "v": 0, "s": 0, "m": 0}
    params = {"w": w.copy()}
    for step in (1, 2, 3):
        gradient = rng.normal(size=w.shape)
        optimizer.step(params, {"w": gradient})
        space = run(lines, space | {"g": gradient, "t": step})
    np.testing.assert_allclose(space["w"], params["w"], rtol=1e-12, atol=1e-12)


def test_every_formula_of_the_tables_is_tried_here():
    tables = PAGE[PAGE.index("| layer |") : PAGE.index("| also |")].splitlines()
    with_gradients = [line.split(" | ")[1:3] for line in tables if line.count(" | ") == 3]
    formulas = set(re.findall(r"\$(.+?)\$", " ".join(cell for cells in with_gradients for cell in cells)))
    formulas |= set(re.findall(r"\$(.+?)\$", " ".join(line for line in tables if line.count(" | ") == 1)))
    tried = [row.lines | row.backward for row in ROWS.values()] + [lines for _, lines in STEPS]
    tried = {formula for lines in tried for formula in lines}
    assert {formula for formula in formulas if "=" in formula or "\\leftarrow" in formula} - tried == set()
    assert {formula for formula in tried if f"${formula}$" not in PAGE} == set()


def test_the_printed_sheet_is_one_a4_page():
    text = PDF.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", text)) == 1
    ((width, height),) = re.findall(rb"/MediaBox \[0 0 (\S+) (\S+)\]", text)
    assert sorted(round(float(side)) for side in (width, height)) == [595, 842]
