"""A backward pass in stages: every stage against its numeric derivative, and the first wrong one told."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from .. import gradcheck
from .exercise import Stages
from .verdict import Problem


def trace_stages(check: Stages, arguments: Mapping[str, np.ndarray], module: ModuleType) -> gradcheck.Trace | Problem:
    """Trace a learner's backward pass.

    Parameters
    ----------
    check : Stages
    arguments : dict of str to array
        Forward's.
    module : module
        The learner's.

    Returns
    -------
    Trace or Problem
        A problem if what backward returns cannot be traced.
    """
    forward, backward = getattr(module, check.forward), getattr(module, check.backward)

    def all_of_it(dy: np.ndarray, values: Mapping[str, np.ndarray]) -> Any:
        _, cache = forward(*(values[name] for name in arguments))
        return backward(dy, cache)

    def gradients(dy: np.ndarray, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        *of_arguments, stages = all_of_it(dy, values)
        return {name: stages[f"d{name}"] for name in check.stages} | dict(zip(arguments, of_arguments, strict=True))

    y, _ = forward(*arguments.values())
    problem = _wrong_form(all_of_it(np.ones_like(y), arguments), check, list(arguments))
    if problem is not None:
        return problem
    return gradcheck.trace(check.steps, gradients, arguments, title=check.backward)


def _wrong_form(result: Any, check: Stages, arguments: list[str]) -> Problem | None:
    """See that all gradients are there, as arrays."""
    names = [f"d{name}" for name in arguments]
    form = f"({', '.join([*names, 'stages'])})"
    if not isinstance(result, (tuple, list)) or len(result) != len(names) + 1 or not isinstance(result[-1], dict):
        message = f"{check.backward} must return {form}, with a dictionary as the last."
        return Problem("shape", "wrong-returns", message, check.title)
    *of_arguments, stages = result
    wanted = [f"d{name}" for name in check.stages]
    missing = [name for name in wanted if name not in stages]
    if missing:
        got = ", ".join(map(repr, stages)) or "nothing"
        message = f"The dictionary of stages must hold {', '.join(map(repr, wanted))}; it holds {got}."
        return Problem("shape", "stage-missing", message, check.title)
    given = dict(zip(names, of_arguments, strict=True)) | {name: stages[name] for name in wanted}
    for name, gradient in given.items():
        if not isinstance(gradient, np.ndarray):
            message = f"{name} must be an array, got a {type(gradient).__name__}."
            return Problem("shape", "wrong-type", message, check.title)
    return None
