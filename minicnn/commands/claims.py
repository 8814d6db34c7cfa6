"""The options `minicnn lesson --claim` and `--list`: what is said of dropout and batch norm, tested one by one."""

from __future__ import annotations

import argparse

from . import UsageError


def list_claims() -> int:
    """Print each claim's name and sentence."""
    from .. import claim_scripts

    names = list(claim_scripts.scripts())
    for name in names:
        print(f"{name:<{max(map(len, names))}}  {claim_scripts.load(name).sentence}")
    return 0


def run_claims(options: argparse.Namespace) -> int:
    """Run one claim or all, and print a table of the verdicts."""
    from .. import claim_scripts

    folder = options.out or claim_scripts.OUT
    form = "quick" if options.quick else "size"
    wanted = {name: getattr(options, name) for name in ("seeds", "epochs", "data", "arms", "threads")}
    try:
        names = claim_scripts.scripts() if options.claim == "all" else [options.claim]
        claims = [claim_scripts.load(name) for name in names]
        sizes = [claim.sized(form, **wanted) for claim in claims]
        folder.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        raise UsageError(error) from error
    outcomes = []
    for claim, size in zip(claims, sizes, strict=True):
        outcomes.append(claim_scripts.run(claim, size, folder))
        print(flush=True)
    if len(outcomes) > 1:
        print(claim_scripts.table(outcomes))
    return 0
