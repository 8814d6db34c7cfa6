"""The command `minicnn`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import __version__
from .commands import (
    BAD_INPUT,
    FAILED,
    INTERRUPTED,
    UsageError,
    bench,
    evaluate,
    exercises,
    gradcheck,
    lesson,
    predict,
    train,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the process.

    Returns
    -------
    status : int
        0 when all went well, 1 for a gradient check that failed, 2 for input that cannot be used, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without "±" shows "?" instead of failing
    options = _parser().parse_args(argv)
    try:
        return options.run(options)
    except UsageError as error:
        print(f"minicnn {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:  # whoever read the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it closes the pipe
        return FAILED
    except KeyboardInterrupt:
        print(f"minicnn {options.command}: interrupted.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minicnn", description="A small CNN framework for people who study backprop: try, check, read."
    )
    parser.add_argument("--version", action="version", version=f"minicnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for subcommand in (lesson, train, predict, evaluate, gradcheck, exercises, bench):
        subcommand.add_to(commands)
    return parser
