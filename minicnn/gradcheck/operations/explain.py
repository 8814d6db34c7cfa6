"""From a recognised operation to candidates: make each mistake, and see what gradient comes of it.

In the order of how much has to be assumed: one mistake; a right gradient times a factor; a wrong factor in front of
some term of a sum; one mistake and a factor; two mistakes.

The factors c in front of the terms t_k of a sum are found by least squares,

    c = argmin |a - sum over k of c_k t_k|^2                                                        (1)

over all entries of the analytic gradient a: many more than there are terms, so that a fit without a residue is no
accident.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from ..candidates import Candidate, is_explained
from ..case import Case
from .factors import name_factor
from .operation import Mistake, Operation, Terms

ONE, FACTOR, TERMS, AND_FACTOR, TWO = 0, -1, 6, 14, 22  # ranks; what can be counted here is known best here
ENTRIES_A_TERM = 3  # at least, or a fit proves nothing
MOST_ENTRIES_FOR_PAIRS = 1_000
NEGLIGIBLE = 1e-7  # a fitted factor as small is 0
NEAR = 1e-6  # relative: a fitted factor so near to a whole number, or to another, is it


def candidates(operation: Operation, case: Case, i: int) -> Iterator[Candidate]:
    """Every way in which the operation's usual mistakes explain the gradient of argument i."""
    found = _Search(operation, case, i)
    if found.right is None or (not found.mistakes and not found.right.any()):
        return
    simple = [*found.one_mistake(), *found.a_factor()]
    yield from simple
    if not simple:
        further = [*found.wrong_terms(()), *found.one_mistake_and_a_factor()]
        yield from further
        if not further and found.right.size <= MOST_ENTRIES_FOR_PAIRS:
            yield from found.two_mistakes()


class _Search:
    """The gradient of one argument, beside those that mistakes make."""

    def __init__(self, operation: Operation, case: Case, i: int):
        self.operation, self.case, self.i = operation, case, i
        report = case.arguments[i]
        self.name, self.analytic = report.name, report.analytic.astype(np.float64)
        self.usable = np.isfinite(self.analytic) & ~report.kinks
        self.right = operation.gradient(i)
        if self.right is None or self.right.shape != self.analytic.shape:
            self.right, self.mistakes, self.wrong = None, [], []
            return
        steps = operation.steps_of(i)
        self.mistakes = [mistake for mistake in operation.mistakes if mistake.step in steps]
        wrong = [(mistake, self.simulate((mistake,))) for mistake in self.mistakes]
        self.wrong = [(mistake, p) for mistake, p in wrong if p is not None]

    def simulate(self, mistakes: Sequence[Mistake]) -> np.ndarray | None:
        """What comes of these mistakes; None if nothing, or what cannot be made here."""
        p = self.operation.gradient(self.i, mistakes)
        if p is None or p.shape != self.analytic.shape or not np.isfinite(p[self.usable]).all():
            return None
        return None if self.is_near(p, self.right) else p

    def is_near(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Whether two gradients are the same to a few digits: a quick test before the exact one."""
        a, b = a[self.usable], b[self.usable]
        return bool(np.abs(a - b).max(initial=0.0) <= 1e-10 * np.abs(b).max(initial=0.0))

    def explains(self, p: np.ndarray) -> bool:
        """Whether the prediction is what backward returned."""
        difference = np.abs(p - self.analytic)[self.usable].max(initial=0.0)
        return bool(difference <= NEAR * np.abs(p).max(initial=0.0)) and is_explained(self.case, self.i, p)

    def candidate(self, code: str, message: str, p: np.ndarray, rank: int, **evidence: object) -> Candidate:
        """The candidate, with the operation recognised."""
        message = f"{message} (forward was recognised as {self.operation.name}.)"
        return Candidate(code, message, p, {"operation": self.operation.name, **evidence}, rank)

    # ---- in the order of how much has to be assumed ----

    def one_mistake(self) -> Iterator[Candidate]:
        """A single wrong step."""
        for mistake, p in self.wrong:
            if self.explains(p):
                yield self.candidate(mistake.code, mistake.message, p, ONE + mistake.rank)

    def a_factor(self) -> Iterator[Candidate]:
        """The right gradient, times a number that has a name."""
        factor = self.factor_to(self.right)
        named = name_factor(factor, self.operation.counts)
        if named and self.explains(factor * self.right):
            message = f"the gradient is right but for {named.words}."
            yield self.candidate(named.code, message, factor * self.right, FACTOR, factor=factor)

    def wrong_terms(self, mistakes: Sequence[Mistake]) -> Iterator[Candidate]:
        """Wrong factors in front of the terms of a sum."""
        steps = self.operation.steps_of(self.i)
        for step, terms in self.operation.steps.items():
            if isinstance(terms, Terms) and step in steps and not any(m.step == step for m in mistakes):
                yield from self.fit(step, terms, mistakes)

    def one_mistake_and_a_factor(self) -> Iterator[Candidate]:
        """A wrong step, and a factor besides, or wrong factors in front of terms."""
        for mistake, p in self.wrong:
            factor = self.factor_to(p)
            named = name_factor(factor, self.operation.counts)
            if named and self.explains(factor * p):
                message = f"{mistake.message} Besides, it is multiplied by {named.words}."
                rank = AND_FACTOR + mistake.rank + named.rank
                yield self.candidate(mistake.code, message, factor * p, rank, factor=factor)
            elif not named:
                for candidate in self.wrong_terms((mistake,)):
                    message = f"{mistake.message} Besides, {candidate.message}"
                    yield Candidate(mistake.code, message, candidate.predicted, candidate.evidence, TWO)

    def two_mistakes(self) -> Iterator[Candidate]:
        """Two wrong steps."""
        common = [mistake for mistake, _ in self.wrong if not mistake.rank]
        for first, second in combinations(common, 2):
            if first.step != second.step:
                p = self.simulate((first, second))
                if p is not None and self.explains(p):
                    message = f"{first.message} Besides: {second.message}"
                    yield self.candidate(first.code, message, p, TWO, second=second.code)

    # ---- factors ----

    def factor_to(self, p: np.ndarray) -> float:
        """The factor that brings a prediction nearest to the gradient."""
        a, p = self.analytic[self.usable], p[self.usable]
        size = float(p @ p)
        return float(p @ a) / size if size else 0.0

    def fit(self, step: str, terms: Terms, mistakes: Sequence[Mistake]) -> Iterator[Candidate]:
        """Equation (1)."""
        alone = [Mistake("", step, lambda v, name=name: getattr(v, name), "") for name in terms.terms]
        parts = [self.operation.gradient(self.i, [*mistakes, only]) for only in alone]
        if any(part is None or part.shape != self.analytic.shape for part in parts):
            return
        columns = np.stack([part[self.usable] for part in parts], axis=1)
        sizes = np.linalg.norm(columns, axis=0)
        if len(columns) < ENTRIES_A_TERM * len(parts) or not np.isfinite(columns).all() or not sizes.all():
            return
        found, _, independent, _ = np.linalg.lstsq(columns / sizes, self.analytic[self.usable], rcond=1e-9)
        if independent < len(parts):
            return
        factors = [_snapped(f) for f in found / sizes]
        p = sum(f * part for f, part in zip(factors, parts, strict=True))
        if not all(abs(f - 1) < NEAR for f in factors) and p.any() and self.explains(p):
            code, message = _say(terms, factors, self.operation.counts)
            named = {name: float(f) for name, f in zip(terms.terms, factors, strict=True)}
            yield self.candidate(code, message, p, TERMS, factors=named)


def _snapped(factor: float) -> float:
    """The factor, or the number with a name that it is to within its own error."""
    if abs(factor) < NEGLIGIBLE:
        return 0.0
    for number in (round(factor), 1 / round(1 / factor) if abs(factor) < 1 else 0.0):
        if number and abs(factor - number) < NEAR * abs(number):
            return float(number)
    return float(factor)


def _say(terms: Terms, factors: list[float], counts: dict[str, float]) -> tuple[str, str]:
    """Code and message for the factors in front of the terms."""
    common = 1.0 if any(abs(f - 1) < NEAR for f in factors) else next((f for f in factors if f), 1.0)
    parts, codes = [], []
    for term, f in zip(terms.terms.values(), (f / common for f in factors), strict=True):
        named = name_factor(f, counts)
        if abs(f - 1) < NEAR:
            continue
        if f == 0:
            parts.append(f"{term.words} is missing")
        elif abs(f + 1) < NEAR:
            parts.append(f"{term.words} has the wrong sign")
        else:
            parts.append(f"{term.words} is multiplied by {named.words if named else format(f, '.6g')}")
        codes.append((term.miscounted or named.code) if named and named.counted else term.code)
    message = "; ".join(parts) + "."
    if abs(common - 1) > NEAR:
        named = name_factor(common, counts)
        message += f" Besides, all of it is multiplied by {named.words if named else format(common, '.6g')}."
    return codes[0] if codes else "factor-constant", message
