"""Mistakes recognised by the numbers alone, whatever the operation and its layout."""

from __future__ import annotations

from collections.abc import Iterator

from ..candidates import Candidate
from ..case import Case
from .zero import zero_gradient

EXPLANATIONS = (zero_gradient,)


def explanations(case: Case, i: int) -> Iterator[Candidate]:
    """Every candidate for argument i."""
    for explanation in EXPLANATIONS:
        yield from explanation(case, i)
