"""The command `minicnn gradcheck`: every layer's gradients as a table, or the check of a learner's own file.

    minicnn gradcheck
    minicnn gradcheck mine.py:forward,backward --input "x=normal(8, 5)" --input "w=uniform(-1, 1, 5, 3)"

What stands behind `x=` is read by a small grammar of its own, and never run as Python.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from . import FAILED, UsageError

if TYPE_CHECKING:
    from ..gradcheck import Report

DESCRIPTION = """\
Without FILE.py: check every layer and loss, in several configurations, and a small network against numeric
derivatives in float64. With it: check two functions of your own, forward(*inputs) -> (y, cache) and
backward(dy, cache) -> gradients, and say which mistake is in them. The exit status is 1 if a gradient is wrong."""
GRAMMAR = """\
inputs, by the names that forward gives them:
  x=normal(4, 5)            an array of shape (4, 5) from the normal distribution
  x=1e3 * normal(4, 5) + 2  the same scaled and moved
  x=uniform(-1, 1, 4, 5)    numbers between -1 and 1, shape (4, 5)
  labels=integers(0, 10, 4) whole numbers from 0 to 9, shape (4,)
  b=zeros(5)   b=ones(5)
  rate=0.5   stride=2   mode="same"   bias=None   labels=[0, 2, 1]   w=[[1.5, 2.0], [0.5, -1.0]]
  rng=seed(0)               a numpy.random.Generator, e.g. for dropout
hints, for a better diagnosis: --hints conv2d   --hints "conv2d(stride=2, padding=1)"
"""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "gradcheck",
        help="check gradients against numeric derivatives: every layer's, or your own file's",
        description=DESCRIPTION,
        epilog=GRAMMAR,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "functions", nargs="?", metavar="FILE.py:forward,backward", help="two functions of your own to check"
    )
    parser.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="one of forward's inputs")
    parser.add_argument("--hints", metavar="OPERATION", help="what forward is, e.g. conv2d")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the inputs and of dy (%(default)s)")
    parser.add_argument("--tolerance", type=float, metavar="T", help="largest relative error that passes (1e-7)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the report, e.g. report.png")


def run(options: argparse.Namespace) -> int:
    """Run the command; returns the exit status."""
    if options.functions is None:
        given = [f"--{n}" for n in ("input", "hints", "tolerance", "json", "plot") if getattr(options, n)]
        if given:
            raise UsageError(f"{', '.join(given)} needs functions of your own: give FILE.py:forward,backward first.")
        return every_layer()
    with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():  # prints of your own
        report = check_file(options)
    if options.plot is not None:
        _plot(report, options.plot)
    print(json.dumps(report.to_dict(), indent=2, allow_nan=False) if options.json else report)
    return 0 if report.passed else FAILED


def check_file(options: argparse.Namespace) -> Report:
    """Check the two functions named on the command line.

    Raises
    ------
    UsageError
        If there are no such functions, an input cannot be read or does not fit, or the functions raise an error.
    """
    from .. import gradcheck
    from .inputs import InputError, read_hints, read_input

    path, names = _split(options.functions)
    module = _load(path)
    forward, backward = (_function(module, path, name) for name in names)
    try:
        inputs = dict(read_input(text, options.seed) for text in options.input)
        hints = None if options.hints is None else read_hints(options.hints)
    except InputError as error:
        raise UsageError(error) from error
    if len(inputs) < len(options.input):
        raise UsageError("an input is given twice.")
    positional, rest = _distribute(forward, inputs, f"{path.name}:{names[0]}")
    title = f"{' and '.join(names)} in {path.name}"
    how = {"names": list(positional), "hints": hints, "seed": options.seed, "title": title}
    if options.tolerance is not None:
        how["tolerance"] = options.tolerance
    try:
        return gradcheck.check(functools.partial(forward, **rest), backward, list(positional.values()), **how)
    except Exception as error:
        raise UsageError(_told(error, path)) from error


def _split(text: str) -> tuple[Path, list[str]]:
    """FILE.py:forward,backward as a path and two names."""
    path, colon, names = text.rpartition(":")
    names = [name.strip() for name in names.split(",")]
    if not colon or len(names) != 2 or not all(name.isidentifier() for name in names):
        raise UsageError(f"takes FILE.py:forward,backward, a file and the names of two functions in it, got {text!r}.")
    return Path(path), names


def _load(path: Path) -> ModuleType:
    """Run the learner's file as a module; files beside it can be imported by it."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}.")
    spec = importlib.util.spec_from_file_location(f"gradcheck_of_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file: its name should end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(_told(error, path)) from error
    return module


def _function(module: ModuleType, path: Path, name: str) -> Callable:
    function = getattr(module, name, None)
    if not callable(function):
        there = [n for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__]
        raise UsageError(f"{path} has no function {name}; it has {', '.join(there) or 'none'}.")
    return function


def _distribute(forward: Callable, inputs: dict[str, object], where: str) -> tuple[dict, dict]:
    """The inputs in the order of forward's parameters, and those that it takes by name only."""
    parameters = inspect.signature(forward).parameters
    by_place = [p for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_more = {p.kind for p in parameters.values()} & {
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.VAR_KEYWORD,
    }
    more = [name for name in inputs if name not in parameters]
    unknown = [] if takes_more else more
    missing = [
        p.name
        for p in parameters.values()
        if p.default is p.empty and p.name not in inputs and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if unknown or missing:
        problem = f"has no input {', '.join(unknown)}" if unknown else f"needs an input for {', '.join(missing)}"
        raise UsageError(
            f"{where} {problem}; it takes {', '.join(parameters) or 'none'}. "
            f'Give each as --input "{(missing or list(parameters) or ["x"])[0]}=normal(4, 5)".'
        )
    last = max((k for k, p in enumerate(by_place) if p.name in inputs), default=-1)
    positional = {p.name: inputs.get(p.name, p.default) for p in by_place[: last + 1]}
    if inspect.Parameter.VAR_POSITIONAL in takes_more:
        positional.update({name: inputs[name] for name in more})  # in the order in which they were given
    return positional, {name: value for name, value in inputs.items() if name not in positional}


def _told(error: Exception, path: Path) -> str:
    """An error with the line of the learner's file that it came from."""
    notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", []))
    text = f"{type(error).__name__}: {error}{notes}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == path.name]
    if isinstance(error, SyntaxError):
        return f"{path} cannot be read: {text}"
    return f"line {frames[-1].lineno} of {path}, `{frames[-1].line}`, raised\n{text}" if frames else text


def _plot(report: Report, path: Path) -> None:
    try:
        report.plot(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write the figure: {error}") from error


def every_layer() -> int:
    """Print the relative error of every gradient as it is checked, and a closing line; returns the exit status."""
    from ..catalogue import gradient_reports

    print(f"{'layer and configuration / argument':<36}  relative error  result")
    reports = []
    for _, report in gradient_reports():
        reports.append(report)
        print(report.title)
        for argument in report.arguments:
            error = f"{abs(argument.max_relative_error):.1e}" if argument.compared else "not compared"
            print(f"    {argument.name:<32}{error:>16}  {'pass' if argument.passed else 'FAIL'}", flush=True)
        if not report.passed:
            codes = dict.fromkeys(finding.code for finding in report.findings if finding.is_error)
            print(f"    FAIL: {', '.join(codes) or 'wrong gradient'}")
    failed = [report for report in reports if not report.passed]
    for report in failed:
        print(f"\n{report}")
    print(f"\n{_verdict(reports, len(failed))}")
    return FAILED if failed else 0


def _verdict(reports: Sequence[Report], failed: int) -> str:
    errors = [(a.max_relative_error, f"{a.name} of {r.title}") for r in reports for a in r.arguments if a.compared]
    largest, where = max(errors)
    gradients = sum(len(report.arguments) for report in reports)
    result = f"{failed} of {len(reports)} configurations FAILED" if failed else "all pass"
    return (
        f"{gradients} gradients in {len(reports)} configurations: {result}.\n"
        f"Largest relative error {largest:.1e} (allowed {reports[0].tolerance:.0e}): {where}."
    )
