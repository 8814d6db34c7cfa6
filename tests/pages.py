"""Pages of docs/ as tests read them: their code, what stands below it, the numbers in both."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[-+]?\d+)?")
NOISE = 1e-8  # below it a number is rounding, which differs from machine to machine


def blocks(page: str) -> list[tuple[str, str]]:
    """Each python block with the text block that follows it ("" where none does)."""
    return BLOCK.findall(page)


def without_code(page: str) -> str:
    """The prose and the formulas: no fenced block, nothing between backticks."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE))


def assert_same(printed: str, shown: str) -> None:
    """Same words in the same order, and the same numbers: to 1 part in 1,000, or both no more than rounding."""
    assert NUMBER.sub("#", printed).split() == NUMBER.sub("#", shown).split(), printed
    for now, then in zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True):
        a, b = float(now), float(then)
        assert abs(a - b) <= max(1e-3 * abs(b), NOISE), f"{now} where the page says {then}, in:\n{printed}"
