"""Claims: what is said of dropout and batch norm, measured, drawn and judged by the numbers.

A claim is one script of `examples/claims`: `measure` makes the experiment and returns its numbers, `draw` makes one
figure of them, and `judge` names the evidence, with what the claim says of it. The verdict is computed, never written:

    evidence    values v_i, one a seed, and a bound b that by the claim their mean lies above (or below)
    vote        +1 if the whole 95 % interval of the mean (estimates.py, equation 5) lies on the claimed side of b,
                -1 if it lies on the other, 0 if b is inside it or nothing can be told                          (1)
    verdict     "contradicted" if any vote is -1, "supported" if all are +1, else "not seen here"               (2)

`minicnn lesson --claim NAME` runs a script; claim_scripts.py finds it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from . import __version__
from .atomic_write import atomic_write
from .estimates import Estimate
from .json_file import write_json
from .kernels import parallel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Claim", "Evidence", "Outcome", "Verdict", "lies_above", "lies_below", "side_by_side"]

FORMAT = 1  # of NAME.json
VOTES = {+1: "as claimed", 0: "not seen", -1: "the opposite"}
Result = TypeVar("Result")


class Evidence(NamedTuple):
    """A number that decides: what was measured, once a seed, and where it lies if the claim holds.

    Made by `lies_above` and `lies_below`.

    Attributes
    ----------
    text : str
        What the values are, such as "gap with dropout minus gap without".
    estimate : Estimate
        Of the values, in `unit`.
    side : int
        +1 if the claim says above the bound, -1 if below.
    bound : float
    unit : str
    decimals : int
        After the point, when written.

    Examples
    --------
    >>> from minicnn.claims import lies_below
    >>> evidence = lies_below("gap with dropout minus gap without", [-4.1, -3.8, -4.5], unit="points")
    >>> evidence.vote, evidence.number()
    (1, '-4.1 ± 0.2 points')
    """

    text: str
    estimate: Estimate
    side: int
    bound: float
    unit: str
    decimals: int

    @property
    def vote(self) -> int:
        """+1 as claimed, -1 the opposite, 0 not seen: equation (1)."""
        if self.estimate.interval is None:
            return 0
        low, high = self.estimate.interval
        above, below = low > self.bound, high < self.bound
        return self.side * (int(above) - int(below))

    def number(self) -> str:
        """The mean with its standard error and unit, such as "-4.1 ± 0.3 points"."""
        return f"{self.estimate.text(self.decimals)} {self.unit}".rstrip()

    def __str__(self) -> str:
        claimed = f"claimed {'above' if self.side > 0 else 'below'} {self.bound:.{self.decimals}f}"
        if self.estimate.interval is None:
            return f"{self.text}: {self.number()} (no interval; {claimed})"
        low, high = (f"{end:.{self.decimals}f}" for end in self.estimate.interval)
        return f"{self.text}: {self.number()} (95 %: {low} to {high}; {claimed})"


def lies_above(
    text: str, values: Sequence[float | None], bound: float = 0, *, unit: str = "", decimals: int = 1
) -> Evidence:
    """Evidence of which the claim says that its mean lies above `bound`.

    Parameters
    ----------
    text : str
        What the values are.
    values : sequence of float or None
        One a seed, in `unit`; None for one that is missing.
    bound : float
    unit : str
    decimals : int
        After the point, when written.

    Returns
    -------
    evidence : Evidence

    Examples
    --------
    >>> from minicnn.claims import lies_above
    >>> print(lies_above("accuracy with minus without", [2.1, 2.5, 2.3], unit="points"))
    accuracy with minus without: 2.3 ± 0.1 points (95 %: 1.8 to 2.8; claimed above 0.0)
    """
    return Evidence(text, Estimate.of(values), +1, bound, unit, decimals)


def lies_below(
    text: str, values: Sequence[float | None], bound: float = 0, *, unit: str = "", decimals: int = 1
) -> Evidence:
    """Evidence of which the claim says that its mean lies below `bound`. Parameters as of `lies_above`.

    Examples
    --------
    >>> from minicnn.claims import lies_below
    >>> lies_below("test loss with minus without", [-0.1, 0.2, 0.0]).vote  # 0 is inside the interval: nothing was seen
    0
    """
    return Evidence(text, Estimate.of(values), -1, bound, unit, decimals)


class Verdict(NamedTuple):
    """What the evidence says together.

    Attributes
    ----------
    evidence : tuple of Evidence
        The first is the one that a table shows.
    remarks : tuple of str
        What else was seen, and what the experiment cannot tell. Decides nothing.

    Examples
    --------
    >>> from minicnn.claims import Verdict, lies_above, lies_below
    >>> gap = lies_below("gap with minus without", [-4.1, -3.8, -4.5])
    >>> accuracy = lies_above("accuracy with minus without", [-0.6, 0.9, 0.1])
    >>> Verdict((gap,)).word, Verdict((gap, accuracy)).word
    ('supported', 'not seen here')
    """

    evidence: tuple[Evidence, ...]
    remarks: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """Equation (2)."""
        votes = {evidence.vote for evidence in self.evidence}
        if -1 in votes:
            return "contradicted"
        return "supported" if votes == {+1} else "not seen here"

    def __str__(self) -> str:
        lines = [f"  {VOTES[evidence.vote]:<13} {evidence}" for evidence in self.evidence]
        return "\n".join([*lines, *(f"  {'remark':<13} {remark}" for remark in self.remarks), f"Verdict: {self.word}."])


@dataclass(frozen=True)
class Claim:
    """A sentence and the experiment that tests it.

    Attributes
    ----------
    name : str
        Of the script, without ".py".
    sentence : str
        The claim.
    measure : function -> dict
        Takes the entries of `size` by name and makes the experiment. Its numbers are lists, dicts, floats or arrays,
        such that JSON can hold them.
    draw : function (numbers) -> Figure
    judge : function (numbers) -> Verdict
    size : dict
        Arguments of `measure`; `seeds` is how many, and arrives as range(seeds).
    quick, tiny : dict
        What is different in a run of seconds, and in a test.

    Examples
    --------
    >>> from minicnn.claims import Claim, Verdict, lies_above
    >>> claim = Claim(
    ...     name="coin",
    ...     sentence="Heads comes more often than tails",
    ...     measure=lambda seeds, throws: {"heads": [np.random.default_rng(s).binomial(throws, 0.5) for s in seeds]},
    ...     draw=lambda numbers: None,
    ...     judge=lambda numbers: Verdict((lies_above("heads", numbers["heads"], bound=50),)),
    ...     size={"seeds": 5, "throws": 100},
    ... )
    >>> claim.run(claim.sized()).verdict.word
    'not seen here'
    """

    name: str
    sentence: str
    measure: Callable[..., dict]
    draw: Callable[[dict], Figure]
    judge: Callable[[dict], Verdict]
    size: Mapping[str, object]
    quick: Mapping[str, object] = field(default_factory=dict)
    tiny: Mapping[str, object] = field(default_factory=dict)

    def sized(self, form: str = "size", **wanted: object) -> dict:
        """The arguments of `measure`.

        Parameters
        ----------
        form : {"size", "quick", "tiny"}
        **wanted
            Takes the place of what the form says, where it is not None.

        Raises
        ------
        ValueError
            If the experiment has no such argument.
        """
        wanted = {name: value for name, value in wanted.items() if value is not None}
        size = dict(self.size) | dict(getattr(self, form))
        for name in wanted:
            if name not in size:
                raise ValueError(f"The claim {self.name} takes no {name}; it takes {', '.join(size)}.")
        return size | wanted

    def run(self, size: Mapping[str, object]) -> Outcome:
        """Make the experiment in this size."""
        start = time.perf_counter()
        numbers = self.measure(**{**size, "seeds": range(size["seeds"])})
        numbers = json.loads(json.dumps(numbers, default=_as_json))  # drawn and judged is what the file will hold
        return Outcome(self, dict(size), numbers, self.judge(numbers), time.perf_counter() - start)


@dataclass(frozen=True)
class Outcome:
    """What came of one run of a claim.

    Attributes
    ----------
    claim : Claim
    size, numbers : dict
        What `measure` took and returned.
    verdict : Verdict
    seconds : float

    Examples
    --------
    >>> from minicnn.claim_scripts import load
    >>> claim = load("4")  # of examples/claims
    >>> outcome = claim.run(claim.sized("tiny"))
    >>> figure, numbers = outcome.write("runs")
    >>> numbers.name
    '4_dropped_units.json'
    """

    claim: Claim
    size: dict
    numbers: dict
    verdict: Verdict
    seconds: float

    def write(self, folder: str | Path) -> tuple[Path, Path]:
        """Write NAME.png and NAME.json, each whole or not at all.

        Parameters
        ----------
        folder : str or Path

        Returns
        -------
        figure, numbers : Path
            The figure, under the claim and its verdict; all numbers, with size, machine and date.

        Raises
        ------
        OSError
            If a file cannot be written.
        """
        from .plots.style import INK, LARGE

        paths = Path(folder) / f"{self.claim.name}.png", Path(folder) / f"{self.claim.name}.json"
        figure = self.claim.draw(self.numbers)
        figure.suptitle(f"“{self.claim.sentence}”: {self.verdict.word}", fontsize=LARGE, color=INK)
        with atomic_write(paths[0]) as file:
            figure.savefig(file, format="png")
        write_json(paths[1], self._content())
        return paths

    def _content(self) -> dict:
        from .bench.machine import about

        evidence = [
            {"text": e.text, **e.estimate._asdict(), "interval": e.estimate.interval}
            | {"side": e.side, "bound": e.bound, "unit": e.unit, "vote": e.vote}
            for e in self.verdict.evidence
        ]
        return {
            "format": FORMAT,
            "minicnn": __version__,
            "claim": self.claim.name,
            "sentence": self.claim.sentence,
            "verdict": self.verdict.word,
            "evidence": evidence,
            "remarks": self.verdict.remarks,
            "size": self.size,
            "seeds": list(range(self.size["seeds"])),
            "numbers": self.numbers,
            "date": date.today().isoformat(),
            "seconds": self.seconds,
            "machine": about(),
        }


def side_by_side(work: Callable[..., Result], jobs: Iterable[tuple]) -> list[Result]:
    """Do `work(*job)` for each job, as many at a time as there are cores, each in one thread.

    Parameters
    ----------
    work : function
        Trains a network, say. What it returns must depend on its arguments alone.
    jobs : iterable of tuple
        Arguments of `work`.

    Returns
    -------
    results : list
        In the order of the jobs.

    Examples
    --------
    >>> from minicnn.claims import side_by_side
    >>> side_by_side(pow, [(2, 3), (3, 2)])
    [8, 9]
    """
    from tqdm import tqdm

    def alone(job: tuple) -> Result:
        with parallel.threads(1):
            return work(*job)

    jobs = list(jobs)
    pool = ThreadPoolExecutor(parallel.default_threads())
    try:
        return list(tqdm(pool.map(alone, jobs), total=len(jobs), unit="run", disable=None, leave=False))
    finally:
        pool.shutdown(cancel_futures=True)  # after an error or Ctrl-C those that wait are not begun


def _as_json(value: object) -> object:
    """What JSON does not know: arrays, and NumPy's numbers."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"measure returns numbers, texts, lists, dicts and arrays, got {value!r:.80}.")
