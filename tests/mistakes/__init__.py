"""Planted mistakes: wrong backward passes as learners write them, each beside its right one, with the code it deserves.

    mistake.py           what an operation and a mistake are
    dense.py arrays.py activations.py losses.py regularization.py
    convolution.py pooling.py normalization.py batchnorm.py dropout.py
    recurrent.py attention.py combinations.py models.py conduct.py

`OPERATIONS` are the right ones, `MISTAKES` the wrong ones. CONTRIBUTING.md says how to add a mistake.
"""

from . import (
    activations,
    arrays,
    attention,
    batchnorm,
    combinations,
    conduct,
    convolution,
    dense,
    dropout,
    losses,
    models,
    normalization,
    pooling,
    recurrent,
    regularization,
)
from .mistake import MISTAKES, Mistake, Operation

FAMILIES = (
    dense,
    arrays,
    activations,
    losses,
    regularization,
    convolution,
    pooling,
    normalization,
    batchnorm,
    dropout,
    recurrent,
    attention,
    combinations,
    models,
    conduct,
)
OPERATIONS = list(
    {
        thing.name: thing for family in FAMILIES for thing in vars(family).values() if isinstance(thing, Operation)
    }.values()
)

__all__ = ["FAMILIES", "MISTAKES", "OPERATIONS", "Mistake", "Operation"]
