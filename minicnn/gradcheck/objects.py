"""Layers and losses as pairs of functions, so that `check` can check them; models are in whole_model.py.

    forward(x, *parameters):  put the parameters into the object, run its forward pass
    backward(dy):             run its backward pass, pick up dx and the gradients of the parameters

The name of the object's class, where it is one of the field's, tells the diagnosis which operation it is.
The object is a deep copy in float64; yours keeps its parameters, state, cache and generator. Only names are asked for,
not classes: `forward(x, training=...)`, `backward(dy)`, `params`, `grads`; and where they exist `state`, `rng`,
`dtype`, `build(input_shape, rng, dtype)` and, on a model, `layers`.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator

import numpy as np

from .check import check
from .report import Report

OPERATIONS = {  # by the class's name in lower case: the hint, and the attributes that are its options
    "conv2d": ("conv2d", ("stride", "padding", "dilation", "groups")),
    "maxpool2d": ("max_pool2d", ("pool_size", "stride", "padding")),
    "avgpool2d": ("avg_pool2d", ("pool_size", "stride", "padding")),
    "globalavgpool2d": ("global_avg_pool2d", ()),
    "batchnorm": ("batchnorm", ("eps",)),
    "layernorm": ("layernorm", ("eps",)),
    "groupnorm": ("groupnorm", ("eps", "groups")),
    "dropout": ("dropout", ("rate",)),
    "spatialdropout2d": ("spatial_dropout2d", ("rate",)),
    "dense": ("dense", ()),
    "linear": ("dense", ()),
    "relu": ("relu", ()),
    "leakyrelu": ("leaky_relu", ("negative_slope",)),
    "sigmoid": ("sigmoid", ()),
    "tanh": ("tanh", ()),
    "softmax": ("softmax", ()),
    "softmaxcrossentropy": ("softmax_cross_entropy", ("label_smoothing", "class_weights")),
    "binarycrossentropy": ("binary_cross_entropy", ()),
    "meansquarederror": ("mean_squared_error", ()),
}
ONLY_IN_TRAINING = {"batchnorm", "dropout", "spatial_dropout2d"}


def hints_about(thing: object, training: bool = True) -> dict[str, object] | None:
    """Which operation a layer or loss is, by the name of its class, and with which options.

    Parameters
    ----------
    thing : object
    training : bool
        In evaluation some layers are another operation; nothing is said of these.

    Returns
    -------
    dict or None
        As `check` takes it; None for a name that says nothing.
    """
    operation, options = OPERATIONS.get(type(thing).__name__.lower(), (None, ()))
    if operation is None or (operation in ONLY_IN_TRAINING and not training):
        return None
    given = {name: getattr(thing, name, None) for name in options}
    return {"operation": operation, **{name: value for name, value in given.items() if value is not None}}


def check_object(thing: object, name: str) -> None:
    """See that `thing` has a forward and a backward pass; else raise TypeError."""
    if isinstance(thing, type):
        raise TypeError(f"An object is checked as {name}, got the class {thing.__name__}: write {thing.__name__}(...).")
    if not callable(getattr(thing, "forward", None)) or not callable(getattr(thing, "backward", None)):
        raise TypeError(f"An object with forward and backward is checked as {name}, got {thing!r:.80}.")


def floats(x: np.ndarray) -> np.ndarray:
    """Return x as an array of floats; else raise TypeError."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        raise TypeError(f"x must be an array of floats, got one of {x.dtype}. Convert it, e.g. x.astype(float).")
    return x


def check_layer(layer: object, x: np.ndarray, *, training: bool = True, seed: int = 0, **options) -> Report:
    """Check dx and the gradient of every parameter of a layer.

    Parameters
    ----------
    layer : object with forward(x, training=...), backward(dy), params and grads
        Built or not; one that is not is built for x.shape[1:]. It is not changed.
    x : array of floats, shape (N, ...)
    training : bool
        The mode of the forward pass.
    seed : int
        As in `check`; an unbuilt layer takes its initial parameters from it, too.
    **options
        `tolerance`, `max_evaluations`, `hints`, `title`: as in `check`.

    Returns
    -------
    Report
        Its arguments are "x" and the names of the parameters.

    Raises
    ------
    ValueError
        If backward leaves a parameter without gradient; and as in `check`.

    Examples
    --------
    >>> from minicnn import Conv2D, gradcheck
    >>> report = gradcheck.check_layer(Conv2D(4, 3), np.random.default_rng(0).normal(size=(2, 6, 5, 3)))
    >>> report.passed, [argument.name for argument in report.arguments]
    (True, ['x', 'w', 'b'])
    """
    check_object(layer, "layer")
    x = floats(x)
    subject = Subject(layer, x, seed)

    def forward(x: np.ndarray, *parameters: np.ndarray) -> tuple[np.ndarray, None]:
        subject.reset(parameters)
        y = subject.object.forward(x, training=training)
        subject.give_back(parameters)
        return y, None

    def backward(dy: np.ndarray, cache: None) -> tuple[np.ndarray, ...]:
        return subject.object.backward(dy), *subject.gradients()

    options = {"title": title_of(layer), "hints": hints_about(layer, training), **options}
    return check(forward, backward, (x, *subject.values), names=["x", *subject.names], seed=seed, **options)


def check_loss(loss: object, prediction: np.ndarray, labels: np.ndarray, **options) -> Report:
    """Check the gradient of a loss by the prediction.

    Parameters
    ----------
    loss : object with forward(prediction, labels) -> float and backward() -> gradient of the prediction
        It is not changed.
    prediction : array of floats
    labels : array
        A constant.
    **options
        `seed`, `tolerance`, `max_evaluations`, `hints`, `title`: as in `check`.

    Returns
    -------
    Report
        Its only argument is "prediction".

    Examples
    --------
    >>> from minicnn import SoftmaxCrossEntropy, gradcheck
    >>> logits = np.random.default_rng(0).normal(size=(4, 3))
    >>> gradcheck.check_loss(SoftmaxCrossEntropy(), logits, labels=np.array([0, 2, 1, 1])).passed
    True
    """
    check_object(loss, "loss")
    loss = copy.deepcopy(loss)

    def forward(prediction: np.ndarray, labels: np.ndarray) -> tuple[float, None]:
        return loss.forward(prediction, labels), None

    def backward(dy: float, cache: None) -> tuple[np.ndarray, None]:
        return dy * loss.backward(), None

    arguments = (np.asarray(prediction), np.array(labels))
    report = check(forward, backward, arguments, **{"title": title_of(loss), "hints": hints_about(loss), **options})
    return dataclasses.replace(report, unchecked=[])  # labels are constants, nobody expects a gradient


class Subject:
    """A private copy of a layer or model in float64, set back to one and the same state before each forward pass.

    The values of parameters go in and out by copying, since an optimizer too changes them in place.
    """

    def __init__(self, original: object, x: np.ndarray, seed: int):
        self.object = copy.deepcopy(original)
        if hasattr(self.object, "build") and not hasattr(self.object, "params"):
            self.object.build(x.shape[1:], np.random.default_rng(seed), np.float64)
        parts = [vars(part) for part in _parts(self.object)]
        for attributes in parts:
            _convert(attributes)
        self.live = getattr(self.object, "params", {})
        self.names = list(self.live)
        self.values = [array.copy() for array in self.live.values()]
        generators = {id(g): g for a in parts for g in a.values() if isinstance(g, np.random.Generator)}
        self.generators = [(g.bit_generator, g.bit_generator.state) for g in generators.values()]
        states = [attributes["state"] for attributes in parts if isinstance(attributes.get("state"), dict)]
        self.states = [(state, copy.deepcopy(state)) for state in states]

    def reset(self, parameters: tuple[np.ndarray, ...]) -> None:
        """Put in the parameters; state and generators as they were at first."""
        for name, value in zip(self.names, parameters, strict=True):
            self.live[name][...] = value
        for state, first in self.states:
            state.clear()
            state.update({name: np.copy(value) for name, value in first.items()})
        for bit_generator, first in self.generators:
            bit_generator.state = first

    def give_back(self, parameters: tuple[np.ndarray, ...]) -> None:
        """Copy the parameters out again: should the forward pass have changed them, the checker will see it."""
        for name, value in zip(self.names, parameters, strict=True):
            value[...] = self.live[name]

    def gradients(self) -> list[np.ndarray]:
        """The parameters' gradients of the last backward pass."""
        found = getattr(self.object, "grads", {})
        missing = [name for name in self.names if found.get(name) is None]
        if missing:
            raise ValueError(
                f"{type(self.object).__name__}.backward left no gradient for {', '.join(missing)}: "
                f"put one into grads under each name of params ({', '.join(self.names)})."
            )
        return [found[name] for name in self.names]


def _parts(thing: object) -> Iterator[object]:
    """The object itself and, of a model, its layers and theirs."""
    if hasattr(thing, "__dict__"):
        yield thing
        for layer in vars(thing).get("layers") or ():
            yield from _parts(layer)


def _convert(attributes: dict) -> None:
    """Parameters and state to float64; gradients of an earlier backward pass to zeros."""
    for kind in ("params", "state", "grads"):
        arrays = attributes.get(kind)
        if isinstance(arrays, dict):
            for name, array in arrays.items():
                if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                    arrays[name] = np.zeros(array.shape) if kind == "grads" else array.astype(np.float64)
    if "dtype" in attributes:
        attributes["dtype"] = np.dtype(np.float64)


def title_of(thing: object) -> str:
    """The object's own repr, unless it is the one with an address."""
    text = repr(thing)
    return type(thing).__name__ if " object at 0x" in text or len(text) > 70 else text
