"""A wrong gradient that no explanation fits: what can be said about it all the same."""

from __future__ import annotations

import numpy as np

from .case import Case
from .misconduct import indices
from .report import ArgumentReport, Finding

CLEAR = 1e-3  # of the largest gradient: entries below say little about a ratio
CONSTANT_RATIO = 1e-6


def unrecognized(case: Case, i: int) -> Finding:
    """Wrong, and no rule knows why: say what can be said."""
    a = case.arguments[i]
    count = int(np.count_nonzero(a.wrong))
    evidence = {"wrong": count, "compared": a.compared, "indices": indices(a.wrong), **_relation(a)}
    message = (
        f"{count:,} of {a.compared:,} entries are wrong, the relative error goes up to {a.max_relative_error:.1e}."
    )
    if "ratio" in evidence and evidence["ratio_spread"] < CONSTANT_RATIO:
        message += f" analytic / numeric is {evidence['ratio']:.6g} everywhere: a factor too much or too few."
    elif "ratio" in evidence:
        message += (
            f" In most, analytic / numeric lies between {evidence['ratio_low']:.3g} and {evidence['ratio_high']:.3g}; "
            f"the cosine of the angle between both gradients is {evidence['cosine']:.3f}."
        )
    return Finding("unrecognized", a.name, message, evidence)


def _relation(a: ArgumentReport) -> dict[str, float]:
    """How analytic and numeric gradient go together, from the entries that are clearly not zero."""
    numeric = np.where(np.isnan(a.relative_error), 0.0, a.numeric)
    clear = np.abs(numeric) > CLEAR * np.abs(numeric).max(initial=0.0)
    if np.count_nonzero(clear) < 2:
        return {}
    analytic, numeric = a.analytic[clear].astype(np.float64), numeric[clear]
    ratio = analytic / numeric
    low, middle, high = (float(q) for q in np.quantile(ratio, (0.1, 0.5, 0.9)))
    spread = float(np.abs(ratio - middle).max() / abs(middle)) if middle else float("inf")
    product = float(np.linalg.norm(analytic) * np.linalg.norm(numeric))
    cosine = float(analytic @ numeric) / product if product else 0.0
    return {"ratio": middle, "ratio_low": low, "ratio_high": high, "ratio_spread": spread, "cosine": cosine}
