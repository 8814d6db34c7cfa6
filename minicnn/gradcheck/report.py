"""What a gradient check found: as objects, as text, as JSON, as a figure."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import colour
from .html import render_html
from .text import render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORST_ENTRIES = 5
NOT_AN_ERROR = {"not-differentiable-here"}


class GradientError(AssertionError):
    """A gradient check failed; the message is the report.

    Examples
    --------
    >>> from minicnn import gradcheck
    >>> try:
    ...     gradcheck.assert_gradients(lambda x: (x**2, x), lambda dy, x: x * dy, (np.array([1.0, -3.0]),))
    ... except gradcheck.GradientError as error:
    ...     print("factor-constant" in str(error))
    True
    """


@dataclass(frozen=True)
class Finding:
    """One thing the check has to say.

    Attributes
    ----------
    code : str
        For programs, such as "wrong-shape".
    argument : str or None
        The argument it is about; None for the pair as a whole.
    message : str
        In plain words.
    evidence : dict
        The numbers that show it; JSON-safe.

    Examples
    --------
    >>> from minicnn import gradcheck
    >>> report = gradcheck.check(lambda x: (x**2, x), lambda dy, x: -2 * x * dy, (np.array([1.0, -3.0]),))
    >>> finding = report.findings[0]
    >>> finding.code, finding.argument, finding.is_error
    ('sign-flipped', 'x', True)
    """

    code: str
    argument: str | None
    message: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        """Whether the check fails by it."""
        return self.code not in NOT_AN_ERROR

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe."""
        evidence = _json_safe(self.evidence)
        return {"code": self.code, "argument": self.argument, "message": self.message, "evidence": evidence}


@dataclass(frozen=True, repr=False)
class ArgumentReport:
    """The comparison for one argument.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Of the argument.
    analytic : array
        backward's gradient, as it was returned.
    numeric, uncertainty, relative_error : array, shape of the argument
        The measured derivative, how far it may be off, and `|analytic - numeric|` relative to the larger of the two
        (see `check`). NaN where no derivative was measured.
    kinks : array of bool, shape of the argument
        Where L has no derivative; left out of the comparison.
    tolerance : float
    directions : int
        How many random directions, each through all entries at once, were looked at beside single entries.

    Examples
    --------
    >>> from minicnn import gradcheck
    >>> report = gradcheck.check(lambda x: (x**2, x), lambda dy, x: 2 * x * dy, (np.array([1.0, -3.0]),))
    >>> report["x"]
    <ArgumentReport x (2,): passed, 2 entries compared>
    >>> report["x"].max_relative_error < 1e-9
    True
    """

    name: str
    shape: tuple[int, ...]
    analytic: np.ndarray
    numeric: np.ndarray
    uncertainty: np.ndarray
    relative_error: np.ndarray
    kinks: np.ndarray
    tolerance: float
    directions: int = 0

    def __repr__(self) -> str:
        """One line, without the arrays."""
        result = "passed" if self.passed else "wrong"
        return f"<{type(self).__name__} {self.name} {self.shape}: {result}, {self.compared} entries compared>"

    @property
    def max_relative_error(self) -> float:
        """Of all entries compared; NaN if there were none."""
        return float(np.nanmax(self.relative_error)) if self.compared else math.nan

    @property
    def worst_index(self) -> tuple[int, ...] | None:
        """Where the relative error is largest; None if nothing was compared."""
        return self.worst(1)[0] if self.compared else None

    @property
    def compared(self) -> int:
        """How many entries were compared."""
        return int(np.count_nonzero(~np.isnan(self.relative_error)))

    @property
    def wrong(self) -> np.ndarray:
        """Which entries are off by more than the tolerance; array of bool, shape of the argument."""
        return self.relative_error > self.tolerance

    @property
    def passed(self) -> bool:
        """Whether the gradient has the right shape and no entry compared is wrong."""
        return self.analytic.shape == self.shape and not self.wrong.any()

    def worst(self, count: int = WORST_ENTRIES) -> list[tuple[int, ...]]:
        """Indices of the entries with the largest relative errors, the largest first."""
        order = np.argsort(-np.nan_to_num(self.relative_error, nan=-1.0), axis=None, kind="stable")
        return [tuple(map(int, np.unravel_index(k, self.shape))) for k in order[: min(count, self.compared)]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe: numbers that are not finite become None."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "passed": self.passed,
            "max_relative_error": _json_number(self.max_relative_error),
            "worst_index": None if self.worst_index is None else list(self.worst_index),
            "entries": int(np.prod(self.shape)),
            "compared": self.compared,
            "directions": self.directions,
            "wrong": int(np.count_nonzero(self.wrong)),
            "kinks": int(np.count_nonzero(self.kinks)),
            "worst": [
                {
                    "index": list(index),
                    "analytic": _json_number(self.analytic[index]),
                    "numeric": _json_number(self.numeric[index]),
                    "uncertainty": _json_number(self.uncertainty[index]),
                    "relative_error": _json_number(self.relative_error[index]),
                }
                for index in self.worst()
            ],
        }


@dataclass(frozen=True, repr=False)
class Report:
    """Result of a gradient check.

    Attributes
    ----------
    title : str
        What was checked.
    arguments : list of ArgumentReport
        In the order of forward's arguments.
    findings : list of Finding
        What is wrong, or worth knowing.
    unchecked : list of str
        Arrays of floats for which backward gave no gradient.
    tolerance : float
        The largest relative error that passes, dimensionless.
    seed : int
        Of dy and of the choice of entries.
    evaluations : int
        How often forward was called.

    Examples
    --------
    >>> from minicnn import gradcheck
    >>> report = gradcheck.check(lambda x: (x**2, x), lambda dy, x: -2 * x * dy, (np.ones(3),), title="square")
    >>> report
    <Report square: FAILED, sign-flipped>
    >>> figure = report.plot("square.png")
    """

    title: str
    arguments: list[ArgumentReport]
    findings: list[Finding]
    unchecked: list[str]
    tolerance: float
    seed: int
    evaluations: int

    @property
    def passed(self) -> bool:
        """Whether every gradient is right and the two functions behaved."""
        return all(a.passed for a in self.arguments) and not any(f.is_error for f in self.findings)

    @property
    def max_relative_error(self) -> float:
        """Of all arguments; NaN if nothing was compared."""
        errors = [a.max_relative_error for a in self.arguments if a.compared]
        return max(errors, default=math.nan)

    def __getitem__(self, name: str) -> ArgumentReport:
        """The report of the argument with this name."""
        for argument in self.arguments:
            if argument.name == name:
                return argument
        raise KeyError(f"no argument {name!r} in this report; it has {', '.join(a.name for a in self.arguments)}")

    def __repr__(self) -> str:
        """One line; `print` shows the rest."""
        result = ["passed" if self.passed else "FAILED", *dict.fromkeys(f.code for f in self.findings)]
        return f"<{type(self).__name__} {self.title}: {', '.join(result)}>"

    def __str__(self) -> str:
        """The report for a terminal: in colour if that is where standard output goes."""
        return self.to_text(colour=colour.wanted(sys.stdout))

    def _repr_html_(self) -> str:
        """The report for a notebook."""
        return render_html(self)

    def to_text(self, colour: bool = False) -> str:
        """The report as text of at most 88 columns, e.g. for a file.

        Parameters
        ----------
        colour : bool
            Whether to put in a terminal's codes for colours.
        """
        return render(self, colour)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-safe dicts, lists, strings and numbers; what is not finite becomes None."""
        return {
            "title": self.title,
            "passed": self.passed,
            "max_relative_error": _json_number(self.max_relative_error),
            "tolerance": self.tolerance,
            "seed": self.seed,
            "evaluations": self.evaluations,
            "arguments": [a.to_dict() for a in self.arguments],
            "unchecked": list(self.unchecked),
            "findings": [f.to_dict() for f in self.findings],
        }

    def plot(self, path: str | Path | None = None) -> Figure:
        """Draw analytic against numeric gradient, and where the errors sit.

        Parameters
        ----------
        path : str or Path, optional
            Where to save the figure; the ending says the format (.png, .svg, .pdf).

        Returns
        -------
        matplotlib.figure.Figure
        """
        from .figure import draw  # Matplotlib comes when first used

        figure = draw(self)
        if path is not None:
            figure.savefig(path)
        return figure

    def raise_if_failed(self) -> None:
        """Raise the report as a GradientError unless it passed.

        Raises
        ------
        GradientError
            An AssertionError whose message is the report as text.
        """
        __tracebackhide__ = True  # pytest then points at the line of the test
        if not self.passed:
            raise GradientError(self.to_text())


def _json_number(value: float) -> float | None:
    value = float(value)
    return value if math.isfinite(value) else None


def _json_safe(value: object) -> object:
    if isinstance(value, dict):
        return {str(k): _json_safe(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_safe(v) for v in value]
    if isinstance(value, np.ndarray):
        return _json_safe(value.tolist())
    if isinstance(value, (float, np.floating)):
        return _json_number(value)
    return value.item() if isinstance(value, np.generic) else value
