"""The scripts of the claims: where they are, and how one runs.

In a checkout they are in `examples/claims`; an installed package has them as data files under `share/minicnn/claims`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from .claims import Claim, Outcome
from .commands import count

CHECKOUT = Path(__file__).parents[1] / "examples" / "claims"
OUT = Path("runs") / "claims"
LINE = 110  # characters


@cache
def scripts() -> dict[str, Path]:
    """Where each claim's script is, by its name, in the order of their numbers.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    paths = list(CHECKOUT.glob("[0-9]*_*.py")) or _installed()
    if not paths:
        raise FileNotFoundError(f"The claims' scripts are neither in {CHECKOUT} nor installed. Install minicnn again.")
    return {path.stem: path for path in sorted(paths, key=lambda path: (int(path.stem.split("_")[0]), path.stem))}


def _installed() -> list[Path]:
    """Ask the installation which files it put where."""
    try:
        files = importlib.metadata.files("minicnn") or ()
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(file.locate()).resolve() for file in files if file.match("share/minicnn/claims/*.py")]


def load(name: str) -> Claim:
    """Load a claim from its script.

    Parameters
    ----------
    name : str
        Such as "1_overfitting", or the number alone.

    Raises
    ------
    ValueError
        If there is no such claim.
    """
    found = {full: path for full, path in scripts().items() if name in (full, full.split("_")[0])}
    if not found:
        raise ValueError(f"There is no claim {name!r}; there are {', '.join(scripts())}.")
    [(full, path)] = found.items()
    spec = importlib.util.spec_from_file_location(f"minicnn_claim_{full}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CLAIM


def run(claim: Claim, size: Mapping[str, object], folder: str | Path = OUT) -> Outcome:
    """Run a claim, say what was seen, and write its files.

    Parameters
    ----------
    claim : Claim
    size : dict
        From `claim.sized()`.
    folder : str or Path
        For the figure and the numbers.

    Returns
    -------
    outcome : Outcome
    """
    said = ", ".join(f"{name} {value}" for name, value in size.items())
    print(f'Claim {claim.name}: "{claim.sentence}"')
    print(textwrap.fill(said, LINE, initial_indent="  ", subsequent_indent="  "), flush=True)
    outcome = claim.run(size)
    for line in str(outcome.verdict).splitlines():
        print(textwrap.fill(line, LINE, subsequent_indent=" " * 16))
    figure, numbers = outcome.write(folder)
    print(f"Figure   {figure}\nNumbers  {numbers}\nTook     {outcome.seconds:.0f} s", flush=True)
    return outcome


def table(outcomes: Sequence[Outcome]) -> str:
    """The verdicts, a row a claim, with the number that decides."""
    rows = [("claim", "verdict", "deciding number")]
    for outcome in outcomes:
        first = outcome.verdict.evidence[0]
        rows.append((outcome.claim.name, outcome.verdict.word, f"{first.number()}  {first.text}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the options that a script has."""
    parser.add_argument("--quick", action="store_true", help="a small form: seconds, less certain")
    parser.add_argument("--seeds", type=count, metavar="N", help="repetitions, from seeds 0 to N-1")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="(%(default)s)")


def main(claim: Claim, argv: Sequence[str] | None = None) -> None:
    """Run a claim as a script.

    Parameters
    ----------
    claim : Claim
    argv : sequence of str, optional
        Arguments; by default those of the process.
    """
    parser = argparse.ArgumentParser(description=claim.sentence)
    add_options(parser)
    options = parser.parse_args(argv)
    run(claim, claim.sized("quick" if options.quick else "size", seeds=options.seeds), options.out)
