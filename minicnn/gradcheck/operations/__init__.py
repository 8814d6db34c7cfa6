"""Recognised operations, and the mistakes that are usual in each.

Each family looks at the arguments and at y, and says whether forward is one of its operations and with which options;
whether it is right about this is seen from the numeric derivative. Then its usual mistakes are made, one by one, and
what comes of them is compared with the learner's gradient. Where to read on:

    operation.py problem.py             a backward pass as steps, a mistake as a wrong step; what recognition sees
    explain.py factors.py               from an operation's mistakes to candidates

    normalization.py given_statistics.py                            the norms
    convolution.py pooling.py windows.py layout.py rearranged.py    convolutions, dense layers, pooling
    activations.py softmax.py dropout.py                            entry by entry, row by row
    losses.py cross_entropy.py heads.py                             losses, alone and behind a network
    network.py attention.py gru.py                                  some operations in a row

A family has its steps and the table of its mistakes in one file, and what recognises it there as well or, where that is
longer, in recognise_NAME.py. To teach the checker a mistake, add a line to the table.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

from ..candidates import Candidate
from ..case import Case
from . import (
    activations,
    attention,
    dropout,
    given_statistics,
    gru,
    losses,
    network,
    recognise_convolution,
    recognise_normalization,
    recognise_pooling,
    softmax,
)
from .explain import candidates
from .operation import Operation
from .problem import Problem

FAMILIES: tuple[Callable[[Problem], Iterator[Operation]], ...] = (
    recognise_normalization.recognise,
    given_statistics.recognise,
    recognise_convolution.recognise,
    recognise_pooling.recognise,
    activations.recognise,
    softmax.recognise,
    dropout.recognise,
    losses.recognise,
    network.recognise,
    attention.recognise,
    gru.recognise,
)
MOST_ENTRIES = 100_000  # of an argument or of y: simulating on larger ones takes long


def explanations(case: Case, i: int) -> Iterator[Candidate]:
    """Every candidate for argument i.

    Parameters
    ----------
    case : Case
    i : int
        Position of an argument with a wrong gradient.
    """
    for operation in case.remember("operations", lambda: recognise(case)):
        if i in operation.gradients and Problem(case).is_gradient(i, operation.gradient(i)):
            found = _without_errors(candidates, operation, case, i)
            yield from found
            if found:
                return


def recognise(case: Case) -> list[Operation]:
    """The operations that forward may be."""
    outputs = case.conduct.call.outputs
    arrays = [*outputs, *(case.pair.arguments[k] for k in case.pair.floats)]
    if len(outputs) != 1 or max(a.size for a in arrays) > MOST_ENTRIES:
        return []
    problem = Problem(case)
    return [operation for family in FAMILIES for operation in _without_errors(family, problem)]


def _without_errors(generator: Callable[..., Iterator], *arguments: object) -> list:
    """All that the generator gives, up to the first error: the verdict does not depend on it, nor other families."""
    found = []
    try:
        found.extend(generator(*arguments))
    except Exception as error:
        warnings.warn(f"gradcheck's {generator.__module__} failed: {error!r}", RuntimeWarning, 2)
    return found
