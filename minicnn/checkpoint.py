"""Checkpoints: a model in one file.

The file is a plain NumPy archive (.npz) without pickle, so that opening one never runs code from it:

    "architecture"      text, JSON: format, dtype, input_shape, seed, and per layer its type and its config
    "params/NAME"       one array per parameter, NAME as in model.params
    "state/NAME"        one array per running statistic, NAME as in model.state

`load` builds the architecture anew and then asks the file for exactly the arrays which that model has. The optimizer's
slots are not in it: a loaded model predicts as before, and training goes on with an optimizer that starts afresh.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import initializers
from .atomic_write import atomic_write
from .layers import LAYERS

if TYPE_CHECKING:
    from .model import Sequential

FORMAT = 1


def save(model: Sequential, path: str | Path) -> None:
    """Write a model into one file, whole or not at all.

    Parameters
    ----------
    model : Sequential
    path : str or Path
        Usually ends in ".npz"; an existing file is replaced, missing folders are made.

    Raises
    ------
    ValueError
        If a layer could not be built again from the file; nothing is written then.
    OSError
        If the file cannot be written; an existing file is as it was then.
    """
    architecture = {
        "format": FORMAT,
        "dtype": np.dtype(model.dtype).name,
        "input_shape": model.input_shape,
        "seed": _plain(model.seed),
        "layers": [_layer_entry(layer) for layer in model.layers],
    }
    arrays = {f"params/{name}": array for name, array in model.params.items()}
    arrays |= {f"state/{name}": array for name, array in model.state.items()}
    text = json.dumps(architecture)
    with atomic_write(path) as file:
        np.savez(file, architecture=np.array(text), **arrays)


def load(path: str | Path) -> Sequential:
    """Build the model that `save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    model : Sequential
        With the parameters and state in the file; its random generator is at the start of its seed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a checkpoint of minicnn, has a newer format, or its arrays do not fit its architecture.
    """
    path = Path(path)
    arrays = _read(path)
    model = _build(_parse(arrays.pop("architecture", None), path), path)
    targets = {f"params/{name}": array for name, array in model.params.items()}
    targets |= {f"state/{name}": array for name, array in model.state.items()}
    _validate(arrays, targets, path)
    for name, param in model.params.items():
        param[...] = arrays[f"params/{name}"]
    model.set_state({name: arrays[f"state/{name}"] for name in model.state})
    return model


def _layer_entry(layer) -> dict:
    """Write a layer down as {"type", "config"}."""
    kind = type(layer).__name__
    if LAYERS.get(kind) is not type(layer):
        raise ValueError(
            f"{kind} is not among minicnn's layers, so a checkpoint with it could not be loaded. Add it with"
            f" minicnn.layers.LAYERS[{kind!r}] = {kind}, in the program that saves and in the one that loads."
        )
    config = {name: _plain(value) for name, value in layer.config.items() if not _is_own_function(value)}
    try:
        json.dumps(config)
    except TypeError as error:
        raise ValueError(f"The arguments of {layer!r} cannot be written down: {error}.") from error
    return {"type": kind, "config": config}


def _plain(value):
    """Write an initializer by its name and a NumPy number as a plain one."""
    if callable(value):
        return value.__name__
    return value.item() if isinstance(value, np.generic) else value


def _is_own_function(value) -> bool:
    """Whether this is a user's own initializer; a loaded model needs none, its parameters come from the file."""
    if not callable(value):
        return False
    try:
        initializers.get(getattr(value, "__name__", ""))
    except ValueError:
        return True
    return False


def _read(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of the archive."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {path}.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (ValueError, EOFError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is not a checkpoint of minicnn, or is damaged: {error}.") from error
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise ValueError(f"{path} is not a checkpoint of minicnn: it holds more than arrays.")
    return arrays


def _parse(text: np.ndarray | None, path: Path) -> dict:
    """Read the architecture and see that this version understands it."""
    try:
        architecture = json.loads(str(text))
        version = architecture["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not a checkpoint of minicnn: it has no readable architecture.") from error
    if version != FORMAT:
        raise ValueError(
            f"{path} has checkpoint format {version!r}; this minicnn reads format {FORMAT}. Install a newer minicnn."
        )
    return architecture


def _build(architecture: dict, path: Path) -> Sequential:
    """Make the model anew, with initial parameters."""
    from .model import Sequential  # here, because model.py may offer save and load itself

    try:
        entries = [(entry["type"], entry["config"]) for entry in architecture["layers"]]
        unknown = sorted({kind for kind, _ in entries if kind not in LAYERS})
        if unknown:
            raise ValueError(f"unknown layers {', '.join(unknown)}; add your own to minicnn.layers.LAYERS before load")
        layers = [LAYERS[kind](**{name: _tuples(value) for name, value in config.items()}) for kind, config in entries]
        return Sequential(
            layers,
            input_shape=tuple(architecture["input_shape"]),
            seed=architecture["seed"],
            dtype=np.dtype(architecture["dtype"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"The architecture in {path} cannot be built: {error}.") from error


def _tuples(value):
    """Turn JSON's lists back into the tuples they were."""
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def _validate(arrays: dict[str, np.ndarray], targets: dict[str, np.ndarray], path: Path) -> None:
    """See that the file has just the arrays of the model."""
    missing = [name for name in targets if name not in arrays]
    unknown = [name for name in arrays if name not in targets]
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has an unknown {', '.join(unknown)}"] * bool(
            unknown
        )
        raise ValueError(f"{path} does not fit its own architecture: it {' and '.join(parts)}. Save the model again.")
    for name, target in targets.items():
        array = arrays[name]
        if array.shape != target.shape or array.dtype != target.dtype:
            raise ValueError(
                f"{path} does not fit its own architecture: {name} is {array.dtype} of shape {array.shape},"
                f" expected {target.dtype} of shape {target.shape}. Save the model again."
            )
