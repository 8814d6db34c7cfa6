"""The subcommands of `minicnn`, one file each: `add_to` describes the options, `run` returns the exit status.

What a subcommand needs is imported when it runs, so that `minicnn --help` is there at once.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit statuses, as shells have them


class UsageError(Exception):
    """Something the user gave cannot be used; the message says what and what to do."""


def count(text: str) -> int:
    """Read an option that takes a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"takes a whole number of at least 1, got {text!r}")
    return int(text)


@contextmanager
def plain_warnings(command: str) -> Iterator[None]:
    """Show warnings as sentences: the line of minicnn that gave one says nothing to whoever runs a command."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print(f"minicnn {command}: warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
