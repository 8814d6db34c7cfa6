"""What the checker says about one exercise: as an object and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """How far an exercise is."""

    PASSED = "passed"
    NOT_STARTED = "not started"
    UNFINISHED = "unfinished"  # right so far, with a function still to write
    WAITING = "waiting"  # builds on an exercise that is not passed
    WRONG = "wrong"


@dataclass(frozen=True)
class Problem:
    """The first thing that is wrong in an exercise.

    Attributes
    ----------
    step : str
        Where it was found: "import", "shape", "value", "gradient", "condition"; "run" for what ended the whole process,
        "before" for an exercise that this one builds on.
    code : str
        For programs: a finding of `minicnn.gradcheck`, a mistake that the exercise knows, or one of the judge's own
        ("wrong-value", "raised", ...).
    message : str
        In plain words; the first line says it all.
    check : str
        Title of the check that found it.
    """

    step: str
    code: str
    message: str
    check: str = ""


@dataclass(frozen=True)
class Verdict:
    """What came out for one exercise.

    Attributes
    ----------
    exercise : str
        Its name, such as "01_dense".
    status : Status
    problem : Problem or None
        What is wrong; None if `status` is PASSED, or NOT_STARTED with the file in its place.
    passed_checks : list of str
        Titles of the checks that went well before it.
    checks : int
        How many there are in all.
    printed : str
        What the learner's code printed, shortened.
    notes : tuple of str
        What the checker has to say though all is right, such as how fast it was.
    """

    exercise: str
    status: Status
    problem: Problem | None = None
    passed_checks: tuple[str, ...] = ()
    checks: int = 0
    printed: str = ""
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all is right."""
        return self.status is Status.PASSED

    def to_dict(self) -> dict:
        """The same as JSON-safe values."""
        return asdict(self) | {"status": str(self.status)}

    @classmethod
    def from_dict(cls, values: dict) -> Verdict:
        """Undo `to_dict`."""
        problem = values["problem"] and Problem(**values["problem"])
        return cls(
            **values
            | {
                "status": Status(values["status"]),
                "problem": problem,
                "passed_checks": tuple(values["passed_checks"]),
                "notes": tuple(values["notes"]),
            }
        )
