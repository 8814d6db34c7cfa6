"""Gradients written as closures: `f(x) -> y` and, separately, `grad(x, dy) -> dx`, without a cache between them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import numpy as np

from .check import check
from .report import Report


def check_closure(f: Callable, grad: Callable, x: np.ndarray | Sequence, **options) -> Report:
    """Compare `grad` with numeric derivatives of `f`.

    Parameters
    ----------
    f : function (x) -> y
    grad : function (x, dy) -> dx
        dy is like y.
    x : array, or tuple
        Where to compare. A tuple holds several arguments: f(x, w) and grad(x, w, dy) -> (dx, dw). A function that takes
        them as one is handed the tuple: f(xs) and grad(xs, dy). Constants have None in the place of their gradient.
    **options
        As in `check`.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        As in `check`.

    Examples
    --------
    >>> from minicnn import gradcheck
    >>> report = gradcheck.check_closure(lambda x: x**3, lambda x, dy: 3 * x * dy, np.array([0.5, 2.0]))
    >>> report.passed, (report["x"].numeric / report["x"].analytic).round(4)  # off by the factor x: it should be x**2
    (False, array([0.5, 2. ]))
    """
    for argument, function in (("f", f), ("grad", grad)):
        if not callable(function):
            raise TypeError(f"check_closure takes a function as {argument}, got {function!r:.80}.")
    if not isinstance(x, (np.ndarray, float, tuple, list)):
        raise TypeError(f"check_closure takes an array, or a tuple of arguments, as x, got {x!r:.80}.")
    is_one = isinstance(x, (np.ndarray, float))
    arguments = (x,) if is_one else tuple(x)
    f_takes_a_tuple = not is_one and _takes(f, 1) and not _takes(f, len(arguments))
    grad_takes_a_tuple = not is_one and _takes(grad, 2) and not _takes(grad, len(arguments) + 1)

    def forward(*arguments: object) -> tuple[object, tuple]:
        return f(arguments) if f_takes_a_tuple else f(*arguments), arguments

    def backward(dy: object, arguments: tuple) -> object:
        return grad(arguments, dy) if grad_takes_a_tuple else grad(*arguments, dy)

    options = {"title": " and ".join(_name(function) for function in (f, grad)), **options}
    if options.get("names") is None:
        options["names"] = ["x"] if is_one else _names(f, len(arguments))
    return check(forward, backward, arguments, **options)


def _takes(function: Callable, count: int) -> bool:
    """Whether it can be called with so many arguments; of what has no signature, nobody knows."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _names(f: Callable, count: int) -> list[str] | None:
    """Those of the parameters where there is one for each argument, otherwise numbers."""
    try:
        parameters = list(inspect.signature(f).parameters.values())[:count]
    except (TypeError, ValueError):
        parameters = []
    if len(parameters) == count and all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
        return [p.name for p in parameters]
    return [f"argument {k}" for k in range(count)]


def _name(function: Callable) -> str:
    return getattr(function, "__name__", type(function).__name__)
