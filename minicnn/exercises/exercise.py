"""What the checker's part of an exercise file is made of.

    EXERCISE = Exercise(
        title="Dense layer",
        checks=[Values(...), Gradients(...), Condition(...)],
        hints=["the idea", "the formula", "almost the code"],
        derivation="how one gets there",
    )

The checks are done in their order, and the first that fails is what the learner hears about: first values on an example
small enough to do by hand, then gradients, then what else a good answer must be able to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give.

    Attributes
    ----------
    code : str
        For programs, such as "divides-by-n".
    message : str
        What was done, and what is right instead, in words that lead on.
    function : callable
        Makes the wrong results from the same arguments; what the learner returns is compared with them.
    """

    code: str
    message: str
    function: Callable


@dataclass(frozen=True)
class Values:
    """An example: what a function must return.

    Attributes
    ----------
    function : str
        Name of the learner's function.
    arguments : dict of str to object, or a function that makes one
        What it is called with, by position and in the order of the dict: arrays small enough to follow by hand. The
        learner's function gets copies, and must not change them.
    expected : callable
        The right function; takes the same arguments. Usually the library's own, so that the two cannot drift apart.
    returns : tuple of str or None
        Names of what is returned, in order; None for what is the learner's own affair, such as a cache.
    mistakes : sequence of Mistake
        Wrong answers to recognise.
    title : str
        What is asked for, such as "stride 2".
    options : dict of str to object
        Arguments given by name.
    tolerance : float
        Largest difference, relative to the largest expected number; dimensionless.
    uncompared : str
        What a None in `returns` is called in messages.
    """

    function: str
    arguments: Arguments | Callable[[], Arguments]
    expected: Callable
    returns: tuple[str | None, ...] = ("y", None)
    mistakes: Sequence[Mistake] = ()
    title: str = "an example"
    options: Arguments = field(default_factory=dict)
    tolerance: float = 1e-7
    uncompared: str = "cache"


@dataclass(frozen=True)
class Gradients:
    """A gradient check of a pair of functions, by `minicnn.gradcheck`.

    Attributes
    ----------
    forward, backward : str
        Names of functions: the learner's, or those of an earlier exercise that this file imports.
    arguments : dict of str to object, or a function that makes one
        Forward's arguments, arrays in float64.
    title : str
        What is special in this case, such as "stride 2, overlapping windows".
    options : dict of str to object
        Arguments given to forward by name; not differentiated.
    hints : str or None
        The operation, for `gradcheck.check`.
    pair : function of the learner's module, optional
        Makes a forward and a backward function of what is there, where the two named are no such pair.
    """

    forward: str
    backward: str
    arguments: Arguments | Callable[[], Arguments]
    title: str = "gradients"
    options: Arguments = field(default_factory=dict)
    hints: str | None = None
    pair: Callable[[ModuleType], tuple[Callable, Callable]] | None = None


@dataclass(frozen=True)
class Stages:
    """A gradient check of a backward pass written in stages, by `minicnn.gradcheck.trace`: the first wrong one is told.

    Attributes
    ----------
    forward, backward : str
        Names of functions. Backward returns the gradients of the arguments and, last, a dict of the stages.
    arguments : dict of str to array, or a function that makes one
        Forward's arguments, in float64.
    steps : dict of str to callable
        The right forward pass, each step named after the value that it makes, as `trace` takes it.
    stages : tuple of str
        The values whose gradients the dict holds, in the order of the backward pass: "var" for its entry "dvar".
    title : str
        What is special in this case.
    """

    forward: str
    backward: str
    arguments: Arguments | Callable[[], Arguments]
    steps: Mapping[str, Callable]
    stages: tuple[str, ...]
    title: str = "gradients, stage by stage"


@dataclass(frozen=True)
class Wrong:
    """What a `Condition` returns if it does not hold."""

    code: str
    message: str


@dataclass(frozen=True)
class Condition:
    """Anything else that a good answer must do.

    Attributes
    ----------
    title : str
        What, such as "one image alone".
    test : callable
        Takes the learner's module; returns None or a note to the learner if all is well, or a `Wrong`.
    """

    title: str
    test: Callable[[ModuleType], Wrong | str | None]


Check = Values | Gradients | Stages | Condition


@dataclass(frozen=True)
class Exercise:
    """The checker's part of an exercise file.

    Attributes
    ----------
    title : str
        A few words.
    checks : sequence of Values, Gradients, Stages or Condition
    hints : sequence of str
        At least three: the idea, the formula, almost the code.
    derivation : str
        Shown with the solution: why it is so.
    builds_on : tuple of str
        Names of the exercises whose functions this one uses, or whose idea it needs.
    library : dict of str to callable
        Functions whose solution is the body of the library's own function, which takes arguments of the same names.
    extra : bool
        Whether it may be left out: not counted in the path.
    seconds : float
        The time limit of the whole check, where the usual one is too short; None: the usual one.
    """

    title: str
    checks: Sequence[Check]
    hints: Sequence[str]
    derivation: str
    builds_on: tuple[str, ...] = ()
    library: Mapping[str, Callable] = field(default_factory=dict)
    extra: bool = False
    seconds: float | None = None
