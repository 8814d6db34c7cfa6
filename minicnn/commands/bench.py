"""The command `minicnn bench`: its options, and what it prints and writes."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from . import UsageError, count


def add_to(commands: argparse._SubParsersAction) -> None:
    """Describe the command and its options."""
    parser = commands.add_parser(
        "bench",
        help="time training steps beside PyTorch, Keras and plain NumPy",
        description="Time whole training steps and predictions beside other libraries, those that are installed, and "
        "show where the time goes. Leave the machine alone meanwhile.",
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "--parts", metavar="A,B", help="networks, layers, start, memory, growth, techniques, options (all)"
    )
    parser.add_argument("--network", metavar="A,B", help="digit, lesson (both)")
    parser.add_argument("--batches", metavar="N,N", help="batch sizes (20,64,128)")
    parser.add_argument("--threads", metavar="N,N", help="numbers of threads; all: one a core (1,all)")
    parser.add_argument(
        "--peers",
        metavar="A,B",
        help="minicnn, pytorch, pytorch-channels-last, pytorch-tuned, keras, vectorized (those installed)",
    )
    parser.add_argument("--rounds", type=count, metavar="N", help="turns of each contestant (7)")
    parser.add_argument("--quick", action="store_true", help="one small network, under a minute")
    parser.add_argument(
        "--from", dest="earlier", type=Path, metavar="FILE", help="show these results; measure only --parts"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them here")


def run(options: argparse.Namespace) -> int:
    """Measure, print, write; returns the exit status.

    Raises
    ------
    UsageError
        If an option or a file cannot be used.
    """
    start = time.perf_counter()
    try:
        results = _results(options)
        print(f"\nTook     {time.perf_counter() - start:.0f} s")
        _write(results, options)
    except (ValueError, OSError) as error:
        raise UsageError(error) from error
    return 0


def _results(options: argparse.Namespace) -> dict:
    """Measure, or read what an earlier run measured; the tables are printed on the way."""
    from .. import bench
    from ..bench.settings import settings

    chosen = settings(
        options.parts,
        options.peers,
        options.network,
        options.batches,
        options.threads,
        options.rounds,
        options.quick,
    )
    earlier = read(options.earlier) if options.earlier else {}
    if options.earlier and not options.parts:
        show(earlier)
        return earlier
    return bench.run(chosen, lambda text: print(text, flush=True), earlier)


def _write(results: dict, options: argparse.Namespace) -> None:
    """Write the files asked for."""
    if options.json:
        from ..atomic_write import atomic_write

        with atomic_write(options.json) as file:
            file.write(json.dumps(results, indent=1).encode())
        print(f"Numbers  {options.json}")
    if options.plot:
        from ..bench.figure import draw

        draw(results, options.plot)
        print(f"Figure   {options.plot}")


def read(path: Path) -> dict:
    """Read the results of an earlier run.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or holds something else.
    """
    from ..bench import FORMAT

    results = json.loads(path.read_bytes())
    if not isinstance(results, dict) or results.get("format") != FORMAT:
        raise ValueError(f"{path} does not hold results of minicnn bench in format {FORMAT}.")
    return results


def show(results: dict) -> None:
    """Print the tables of an earlier run."""
    from ..bench import HOME, tables

    print(tables.machine(results))
    for part in HOME:
        if part in results:
            print(f"\n{getattr(tables, part)(results[part])}")
    print(f"\n{tables.goals(results)}")
