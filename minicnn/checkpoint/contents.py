"""What one checkpoint file holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..history import History
from ..model import Arrays, Sequential

FORMAT = 2  # the one that is written
READABLE_FORMATS = (1, 2)


@dataclass
class Contents:
    """All that is in a file.

    Attributes
    ----------
    model : Sequential
        As it was, with its random generator.
    optimizer : dict or None
        As `describe_optimizer` writes it.
    history : History or None
    run : dict
        Plain values of a run that `fit(resume=...)` goes on with; empty if there is none.
    run_arrays : dict of str to array
        Arrays of this run.
    """

    model: Sequential
    optimizer: dict | None = None
    history: History | None = None
    run: dict = field(default_factory=dict)
    run_arrays: Arrays = field(default_factory=dict)
