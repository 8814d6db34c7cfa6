"""A model's architecture as plain values, such as JSON can hold: written down, and built anew.

    {"dtype": "float32", "input_shape": [28, 28, 1], "seed": 0,
     "layers": [{"type": "Conv2D", "config": {"filters": 16, "kernel_size": 3, ...}}, ...]}

The parameters are not in it. A file may ask for a layer of any size, and so `build` first compares the shapes of all
parameters with those that the file really holds: nothing large is allocated for a promise.
"""

from __future__ import annotations

import json

import numpy as np

from .. import initializers
from ..layers import LAYERS, Layer
from ..model import Sequential, checked_shape, names_of

Shape = tuple[int, ...]
DTYPES = ("float32", "float64")


def describe(model: Sequential) -> dict:
    """Write a model's architecture down as plain values.

    Parameters
    ----------
    model : Sequential

    Returns
    -------
    architecture : dict
        As at the top of this file.

    Raises
    ------
    ValueError
        If a layer could not be built again.
    """
    return {
        "dtype": np.dtype(model.dtype).name,
        "input_shape": list(model.input_shape),
        "seed": int(model.seed),
        "layers": [_layer_entry(layer) for layer in model.layers],
    }


def build(architecture: dict, available: dict[str, Shape]) -> Sequential:
    """Make a model anew, with initial parameters.

    Parameters
    ----------
    architecture : dict
        As `describe` writes it; it may come from anywhere.
    available : dict of str to tuple of int
        Shapes of the parameters that are there to be put in, by their names in `model.params`.

    Returns
    -------
    model : Sequential

    Raises
    ------
    ValueError
        If there is no such model, or its parameters would have other shapes than those available.
    """
    try:
        layers = [_layer(entry["type"], entry["config"]) for entry in architecture["layers"]]
        shape = checked_shape(architecture["input_shape"])
        if architecture["dtype"] not in DTYPES:
            raise ValueError(f"dtype is one of {', '.join(DTYPES)}, got {architecture['dtype']!r:.80}")
        _check_parameters(layers, shape, available)
        return Sequential(layers, input_shape=shape, seed=architecture["seed"], dtype=architecture["dtype"])
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, ZeroDivisionError, RecursionError) as error:
        raise ValueError(f"{error}") from error


def _layer_entry(layer: Layer) -> dict:
    """Write a layer down as {"type", "config"}."""
    kind = type(layer).__name__
    if LAYERS.get(kind) is not type(layer):
        raise ValueError(
            f"{kind} is not among minicnn's layers, so a checkpoint with it could not be loaded. Add it with"
            f" minicnn.layers.LAYERS[{kind!r}] = {kind}, in the program that saves and in the one that loads."
        )
    config = {name: _plain(value) for name, value in layer.config.items() if not _is_own_function(value)}
    try:
        return {"type": kind, "config": json.loads(json.dumps(config))}
    except TypeError as error:
        raise ValueError(f"The arguments of {layer!r} cannot be written down: {error}.") from error


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


def _layer(kind: str, config: dict) -> Layer:
    """Make a layer; it has no parameters yet."""
    if kind not in LAYERS:
        raise ValueError(f"unknown layer {kind!r:.80}; add your own to minicnn.layers.LAYERS before load")
    return LAYERS[kind](**{name: _tuples(value) for name, value in config.items()})


def _tuples(value):
    """Turn JSON's lists back into the tuples they were."""
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


def _check_parameters(layers: list[Layer], shape: Shape, available: dict[str, Shape]) -> None:
    """See that every parameter of the model to be is there, with its shape."""
    for name, layer in zip(names_of(layers), layers, strict=True):
        next_shape = layer.output_shape_for(shape)  # sees first that the layer can take such inputs
        for param, wanted in layer.param_shapes(shape).items():
            given = available.get(f"{name}.{param}")
            if given != wanted:
                found = "there is none" if given is None else f"it is {given}"
                raise ValueError(f"{layer!r} needs {name}.{param} of shape {wanted}, but {found}")
        shape = next_shape
