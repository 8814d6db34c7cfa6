"""Colour for a terminal, and only there.

A report reads well without colour, so that nothing is lost in a file, in a pipe or in a test's output.
"""

from __future__ import annotations

import os
import re
from typing import TextIO

BOLD, RED, GREEN, YELLOW, FAINT = 1, 31, 32, 33, 2  # ANSI codes
SEQUENCE = re.compile(r"\x1b\[\d+m")


def wanted(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal that can show colour, and its owner has not set NO_COLOR (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(stream is not None and hasattr(stream, "isatty") and stream.isatty())


class Paint:
    """Puts colour around words, or leaves them as they are.

    Parameters
    ----------
    on : bool
    """

    def __init__(self, on: bool):
        self.on = on

    def __call__(self, text: str, *styles: int) -> str:
        """The text in these styles; each line by itself, so that a pager may begin anywhere."""
        if not self.on:
            return text
        start = "".join(f"\x1b[{style}m" for style in styles)
        return "\n".join(f"{start}{line}\x1b[0m" if line else line for line in text.split("\n"))


def without(text: str) -> str:
    """The text without its colours."""
    return SEQUENCE.sub("", text)
