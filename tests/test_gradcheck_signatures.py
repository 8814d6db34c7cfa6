"""Each signature names its mistake from the numbers alone, in many operations; and each is needed."""

import gradcheck_wrong_pairs as wrong
import numpy as np
import pytest
from gradcheck_pairs import correct_pairs

from minicnn.gradcheck import check, diagnose, signatures
from minicnn.gradcheck.candidates import ranked

CASES = list(wrong.cases())
ALL = (*signatures.EXPLANATIONS, *signatures.LAST_RESORTS)


@pytest.fixture(autouse=True)
def numbers_alone(monkeypatch):
    monkeypatch.setattr(diagnose, "EXPLANATIONS", signatures.EXPLANATIONS)


def finding_of(case):
    report = check(case.forward, case.backward, case.arguments)
    return next((f for f in report.findings if f.argument == case.argument and f.is_error), None), report


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}, {case.argument}")
def test_the_mistake_is_named(case):
    finding, report = finding_of(case)
    assert not report.passed and finding is not None, str(report)
    assert finding.code == case.code, str(report)
    assert finding.evidence.get("residual", 0) < 1e-6


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("name", correct_pairs(np.random.default_rng(0)))
@pytest.mark.parametrize("change", [0.1, 1e-4])
def test_errors_without_a_pattern_get_no_name(name, change):
    forward, backward, arguments = correct_pairs(np.random.default_rng(0))[name]

    def disturbed(dy, cache):
        result = backward(dy, cache)
        first, *others = result if isinstance(result, tuple) else [result]
        factors = 1 + change * np.random.default_rng(1).normal(size=first.shape)
        return (first * factors, *others) if isinstance(result, tuple) else first * factors

    report = check(forward, disturbed, arguments)
    assert [f.code for f in report.findings if f.is_error] == ["unrecognized"], str(report)


def explained_by(case, monkeypatch):
    """Signature -> its candidates that explain the case."""
    found = {}

    def look(measured, i, explain):
        if measured.arguments[i].name == case.argument and not measured.arguments[i].passed:
            for signature in ALL:
                found[signature] = ranked(measured, i, signature(measured, i))

    monkeypatch.setattr(diagnose, "_why_wrong", look)
    check(case.forward, case.backward, case.arguments)
    return found


def test_every_signature_is_needed(monkeypatch):
    needed = set()
    for case in CASES:
        found = explained_by(case, monkeypatch)
        by_code = {s for s, candidates in found.items() if any(c.code == case.code for c in candidates)}
        needed |= by_code if len(by_code) == 1 else set()
    say_more = {signatures.known_direction}  # than others that name the same mistake
    assert not set(ALL) - say_more - needed
