"""All that is known about the pair under test, when it comes to saying which mistake it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .conduct import Conduct
from .directions import Direction
from .numeric import NumericGradient
from .pair import Pair
from .report import ArgumentReport


@dataclass
class Case:
    """All that is known about the pair under test.

    Attributes
    ----------
    pair : Pair
        To call the two functions again, at other points too.
    conduct : Conduct
        Outputs, dy, gradients, and what was seen on the way.
    tolerance : float
    hints : dict
        What the caller says about the operation: "operation" and its options, such as "stride"; empty if nothing.
    make_arguments : function (seed) -> arguments, or None
        Other points to look at, of other shapes perhaps.
    budget : int
        About how often forward may be called; an explanation takes a share of it.
    arguments : dict of int to ArgumentReport
        The comparison, by the argument's position.
    numeric : dict of int to NumericGradient
        The measurement behind it.
    directions : dict of int to list of Direction
        Of an argument too large to be looked at entry by entry.
    memory : dict
        What an explanation has found out at some cost and another may want, such as a Jacobian.
    """

    pair: Pair
    conduct: Conduct
    tolerance: float
    hints: dict[str, Any] = field(default_factory=dict)
    make_arguments: Callable[[int], tuple] | None = None
    budget: int = 20_000
    arguments: dict[int, ArgumentReport] = field(default_factory=dict)
    numeric: dict[int, NumericGradient] = field(default_factory=dict)
    directions: dict[int, list[Direction]] = field(default_factory=dict)
    memory: dict[Any, Any] = field(default_factory=dict)

    def remember(self, key: object, compute: Callable[[], Any]) -> Any:
        """The value of `compute()`, computed once."""
        if key not in self.memory:
            self.memory[key] = compute()
        return self.memory[key]
