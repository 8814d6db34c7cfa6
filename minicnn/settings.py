"""The settings of a training as plain values: what must be the same where a run goes on.

Of data there is a fingerprint: how many examples, their shape and dtype, a checksum of all labels, and one of 64
examples spread over the whole. It takes milliseconds, also for data larger than the memory.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .batches import Examples
from .callbacks import ScheduleLearningRate
from .checkpoint.architecture import describe
from .configured import Configured

if TYPE_CHECKING:
    from .training import Run

SAMPLES = 64
DIGITS = 16  # of a checksum, hexadecimal
SHOWN = 60  # letters of a value in a message


def settings_of(run: Run, x: Examples, labels: np.ndarray, others: dict) -> dict:
    """Gather all that a run depends on but for its own progress.

    Parameters
    ----------
    run : Run
    x, labels : array
        The training data.
    others : dict
        Arguments of `fit` that `run` does not know.

    Returns
    -------
    settings : dict
        Such as JSON can hold.

    Raises
    ------
    ValueError
        If the model has a layer that could not be built again.
    """
    settings = {
        "model": describe(run.model),
        "optimizer": plain(run.optimizer),
        "loss": plain(run.loss),
        "data": fingerprint(x, labels),
        "validation": run.validation and fingerprint(*run.validation),
        "callbacks": plain(list(run.callbacks)),
    }
    settings |= {name: plain(value) for name, value in others.items()}
    if any(isinstance(callback, ScheduleLearningRate) for callback in run.callbacks):
        del settings["optimizer"]["learning_rate"]  # the schedule sets it, whatever it was
    return json.loads(json.dumps(settings))  # as a file would give it back


def fingerprint(x: Examples, labels: np.ndarray) -> dict:
    """Tell data from other data.

    Parameters
    ----------
    x : array, shape (N, ...), or an object with a length and slices
    labels : array, shape (N, ...)

    Returns
    -------
    fingerprint : dict
    """
    digest = hashlib.sha256()
    positions = sorted({k * (len(x) - 1) // (SAMPLES - 1) for k in range(SAMPLES)})
    for position in positions:
        example = np.ascontiguousarray(x[position : position + 1])
        digest.update(example.tobytes())
    return {
        "examples": len(x),
        "shape": list(example.shape[1:]),
        "dtype": str(example.dtype),
        "checksum of examples": digest.hexdigest()[:DIGITS],
        "checksum of labels": hashlib.sha256(np.ascontiguousarray(labels).tobytes()).hexdigest()[:DIGITS],
    }


def plain(value: Any) -> Any:
    """Write a setting as JSON can hold it; of what is neither number, text nor configured, the name says all."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    kind = type(value).__name__
    try:
        if isinstance(value, Configured):
            return {"type": kind} | {name: plain(entry) for name, entry in value.config.items()}
    except AttributeError:  # a class of the user's own may not keep its arguments
        return {"type": kind}
    if is_dataclass(value):
        return {"type": kind} | {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return getattr(value, "__qualname__", kind)


def differences(then: Any, now: Any, name: str = "") -> list[str]:
    """Say in what two settings differ, each with its name, what it was, and what it is now."""
    if isinstance(then, dict) and isinstance(now, dict):
        keys = list(dict.fromkeys([*then, *now]))
        return [
            line for key in keys for line in differences(then.get(key), now.get(key), f"{name}.{key}" if name else key)
        ]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [
            line for k, (a, b) in enumerate(zip(then, now, strict=True)) for line in differences(a, b, f"{name}[{k}]")
        ]
    return [] if then == now else [f"{name} was {_short(then)} and is {_short(now)}"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
