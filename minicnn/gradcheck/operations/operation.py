"""A recognised operation: the steps of its right backward pass, and the mistakes that replace one of them.

A backward pass is a chain of named steps, each a function of the values before it:

    steps = {"dx_hat": lambda v: v.dy * v.gamma, "dx": lambda v: v.dx_hat / v.std, ...}

A mistake is one step written wrongly, `Mistake("factor-per-channel", "dx_hat", lambda v: v.dy, "gamma forgotten ...")`.
Running the chain with that step replaced gives the gradient of a learner who made this mistake: where it equals what
backward returned, the mistake is found. Steps that are sums of terms are declared as `Terms`: the factor in front of
each term can then be fitted (explain.py), which finds terms left out, of the wrong sign, or divided by the wrong count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Values:
    """The values of one run: those given, and the results of steps, each computed when first asked for.

    `v.dx` is the value of the step "dx"; `v.right("dx")` what the right step would make of the other values.
    """

    def __init__(self, given: Mapping[str, Any], steps: Mapping[str, Step], mistakes: Sequence[Mistake] = ()):
        self.__dict__.update(given)
        self._steps, self._wrong = steps, {mistake.step: mistake.wrong for mistake in mistakes}
        self._taken: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._steps:
            raise AttributeError(name)
        self._taken.add(name)
        value = self._wrong.get(name, self._steps[name])(self)
        if value is None:
            raise ValueError(f"no {name} here: this mistake cannot be made")
        self.__dict__[name] = value
        return value

    def __getitem__(self, name: str) -> Any:
        """A value whose name is put together."""
        return getattr(self, name)

    def right(self, name: str) -> Any:
        """What the right step makes of the values, wrong ones among them perhaps."""
        return self._steps[name](self)


Step = Callable[[Values], Any]


@dataclass(frozen=True)
class Term:
    """One term of a sum.

    Attributes
    ----------
    words : str
        What it is, with its formula.
    code : str
        Of the mistake of leaving it out, or of giving it the wrong sign.
    miscounted : str
        Of another factor in front; by default that of the factor, such as "factor-batch".
    """

    words: str
    code: str = "term-missing"
    miscounted: str = ""


class Terms:
    """A step that is the sum of other steps.

    Parameters
    ----------
    **terms : Term
        By the name of the step.
    """

    def __init__(self, **terms: Term):
        self.terms = terms

    def __call__(self, v: Values) -> np.ndarray:
        """Add up the terms."""
        return sum(getattr(v, name) for name in self.terms)


@dataclass(frozen=True)
class Mistake:
    """One step of a backward pass, written wrongly.

    Attributes
    ----------
    code : str
        Of the table of codes.
    step : str
        Which step it replaces.
    wrong : function (Values) -> value of the step
        May give None, raise an error, or lead to a gradient of another shape where nobody could make this mistake.
    message : str
        Plain words: what is wrong, and the line as it should be. The first sentence stands alone.
    rank : int
        Added to the rank of the candidate: more for a rarer mistake.
    """

    code: str
    step: str
    wrong: Step
    message: str
    rank: int = 0


@dataclass(frozen=True)
class Gradient:
    """Where the gradient of an argument comes from: a step, and the way back to the learner's layout."""

    step: str
    restore: Callable[[np.ndarray], np.ndarray] = np.asarray


@dataclass(frozen=True)
class Operation:
    """What forward was recognised as.

    Attributes
    ----------
    name : str
        With its options, such as "batch normalization over axis 0, eps 1e-05".
    given : dict
        The values that the steps begin with, "dy" among them.
    steps : dict of str to function (Values) -> value
        The right backward pass.
    mistakes : sequence of Mistake
    gradients : dict of int to Gradient
        By the argument's position.
    counts : dict of str to int
        Numbers that a gradient may be multiplied or divided by in error, by what they count: "images in the batch".
    """

    name: str
    given: Mapping[str, Any]
    steps: Mapping[str, Step]
    mistakes: Sequence[Mistake]
    gradients: Mapping[int, Gradient]
    counts: Mapping[str, float] = field(default_factory=dict)

    def run(self, mistakes: Sequence[Mistake] = ()) -> Values:
        """The values of a run with these steps written wrongly."""
        return Values(self.given, self.steps, mistakes)

    def gradient(self, i: int, mistakes: Sequence[Mistake] = ()) -> np.ndarray | None:
        """The gradient of argument i with these mistakes; None where they cannot be made."""
        return self.read(i, self.run(mistakes))

    def read(self, i: int, values: Values) -> np.ndarray | None:
        """The gradient of argument i from a run."""
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self.gradients[i].restore(getattr(values, self.gradients[i].step)), np.float64)
        except Exception:  # shapes that do not fit, a step without value: nobody could make this mistake here
            return None

    def steps_of(self, i: int) -> set[str]:
        """The steps that the gradient of argument i goes through."""
        values = self.run()
        self.read(i, values)
        return values._taken
