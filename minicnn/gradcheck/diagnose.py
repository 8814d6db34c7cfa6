"""From numbers to findings: which mistake it is.

First come the findings that need no diagnosis (misconduct.py). Then every explanation of a wrong gradient is asked for
candidates, from the numbers alone (signatures) and by what the operation seems to be (operations). The best of those
that explain the gradient to within the uncertainty (candidates.py) is the finding; without one it is `unrecognized`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from . import operations, signatures
from .candidates import Candidate, Explanation, ranked
from .case import Case
from .misconduct import ABOUT_AN_ARGUMENT, ABOUT_THE_PAIR, WITHOUT_DIAGNOSIS
from .report import Finding
from .unrecognized import unrecognized

EXPLANATIONS: tuple[Explanation, ...] = (*signatures.EXPLANATIONS, operations.explanations)
LAST_RESORTS = signatures.LAST_RESORTS


def diagnose(case: Case, explain: bool = True) -> list[Finding]:
    """All findings of a case: errors of conduct, then argument by argument; without explanations, if so wished."""
    findings = [finding for rule in ABOUT_THE_PAIR for finding in rule(case)]
    for i in case.arguments:
        findings += [finding for rule in ABOUT_AN_ARGUMENT for finding in rule(case, i)]
        findings += [finding for finding in [_why_wrong(case, i, explain)] if finding]
    return sorted(findings, key=lambda finding: (not finding.is_error, finding.code == "unrecognized"))


def _why_wrong(case: Case, i: int, explain: bool) -> Finding | None:
    """The best explanation of one gradient; None for a right one."""
    for rule in WITHOUT_DIAGNOSIS:
        finding = rule(case, i)
        if finding:
            return finding
    if case.arguments[i].passed:
        return None
    candidates = _explained(case, i) if explain else []
    if not candidates:
        return unrecognized(case, i)
    best = candidates[0]
    others = list(dict.fromkeys(c.code for c in candidates if c.code != best.code))
    evidence = {**best.evidence, "also_possible": others}
    return Finding(best.code, case.arguments[i].name, best.message, evidence)


def _explained(case: Case, i: int) -> list[Candidate]:
    for explanations in (EXPLANATIONS, LAST_RESORTS):
        candidates = ranked(case, i, _candidates(case, i, explanations))
        if candidates:
            return candidates
    return []


def _candidates(case: Case, i: int, explanations: tuple[Explanation, ...]) -> Iterator[Candidate]:
    """Of all explanations; one that fails is left out, since the verdict does not depend on it."""
    for explanation in explanations:
        try:
            yield from explanation(case, i)
        except Exception as error:
            warnings.warn(f"gradcheck's explanation {explanation.__name__} failed: {error!r}", RuntimeWarning, 2)
