"""What the benchmark should show, beside what it shows."""

from __future__ import annotations


def compare(results: dict) -> list[dict]:
    """tmp."""
    return []
