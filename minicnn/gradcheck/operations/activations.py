"""Recognise an activation, y = f(x) one number at a time; its steps and mistakes stand in activation_tables.py."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .activation_tables import ACTIVATIONS, Activation
from .factors import IMAGES
from .operation import Gradient, Mistake, Operation
from .problem import Problem, is_same


def recognise(problem: Problem) -> Iterator[Operation]:
    """The activation that gives y, if there is one."""
    for x_at, x in problem.arrays.items():
        if x.shape == problem.y.shape and len(problem.arrays) == 1:
            found = find(x, problem.y, problem)
            if found:
                activation, a = found
                yield Operation(
                    name=f"{activation.name}, one number at a time",
                    given={"x": x, "y": problem.y, "dy": problem.dy, "a": a},
                    steps={**activation.steps, "dx": lambda v: v.dy * v.slope},  # (1)
                    mistakes=tuple(spoken(activation, a)),
                    gradients={x_at: Gradient("dx")},
                    counts={IMAGES: len(x) if x.ndim else 1, "numbers": x.size},
                )
                return


def find(x: np.ndarray, y: np.ndarray, problem: Problem | None = None) -> tuple[Activation, float] | None:
    """The activation with y = f(x), and its parameter.

    Parameters
    ----------
    x, y : array
        Of the same shape.
    problem : Problem, optional
        For its hints.
    """
    for activation in ACTIVATIONS:
        names = (activation.name.split()[0].lower(), *activation.hints)
        if problem is None or problem.hints(*names):
            with np.errstate(all="ignore"):
                a = activation.parameter(x, y) if activation.parameter else 0.0
                if np.isfinite(a) and abs(a - 1) > 1e-9 and is_same(activation.function(x, a), y):
                    return activation, a
    return None


def spoken(activation: Activation, a: float) -> Iterator[Mistake]:
    """Its mistakes, the parameter put into their messages."""
    for m in activation.mistakes:
        yield Mistake(m.code, m.step, m.wrong, m.message.format(a=a), m.rank)
