"""Recognised operations, and the mistakes that are usual in each."""

from __future__ import annotations

from collections.abc import Iterator

from ..candidates import Candidate
from ..case import Case


def explanations(case: Case, i: int) -> Iterator[Candidate]:
    """Every candidate for argument i."""
    return iter(())
