"""An optimizer as plain values and arrays, and back.

{"type": "SGD", "config": {"learning_rate": 0.01, "momentum": 0.9, ...}, "iterations": 120,
 "state": {"dense_1.w": {"velocity": array}, ...}}
"""

from __future__ import annotations

from ..arguments import checked_count
from ..optimizers import OPTIMIZERS, Optimizer


def describe_optimizer(optimizer: Optimizer) -> dict:
    """Write an optimizer down as at the top of this file; the arrays are its own."""
    return {
        "type": type(optimizer).__name__,
        "config": optimizer.config,
        "iterations": optimizer.iterations,
        "state": optimizer.state,
    }


def build_optimizer(description: dict, source: str) -> Optimizer:
    """Make the optimizer again that was written down.

    Parameters
    ----------
    description : dict
        As `describe_optimizer` writes it; it may come from anywhere.
    source : str
        Name of the file, for the message.

    Returns
    -------
    optimizer : Optimizer

    Raises
    ------
    ValueError
        If there is no such optimizer.
    """
    kind = description.get("type")
    try:
        if kind not in OPTIMIZERS:
            raise ValueError("add your own to minicnn.optimizers.OPTIMIZERS before")
        # A schedule may have set the learning rate to 0, with which no optimizer begins.
        optimizer = OPTIMIZERS[kind](**description["config"] | {"learning_rate": 1.0})
        set_optimizer(optimizer, description)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"The optimizer {kind!r:.80} in {source} cannot be built: {error}.") from error
    return optimizer


def set_optimizer(optimizer: Optimizer, description: dict) -> None:
    """Put an optimizer where the one stood that was written down: learning rate, steps and slots.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the description is not that of such an optimizer.
    """
    for name, slots in description["state"].items():
        if set(slots) != set(optimizer.slot_names):
            raise ValueError(f"for {name} it has the slots {sorted(slots)}, expected {sorted(optimizer.slot_names)}")
    iterations = checked_count(type(optimizer).__name__, "iterations", description["iterations"], at_least=0)
    optimizer.learning_rate = description["config"]["learning_rate"]
    optimizer.iterations, optimizer.state = iterations, description["state"]
