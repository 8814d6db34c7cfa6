"""Small networks: dense layers in a row with activations between, a loss behind, or the cell of a plain RNN.

    z_l = h_(l-1) w_l + b_l,    h_l = f(z_l),    h_0 = x                                            (1)
    dz_l = dh_l f'(z_l),    dw_l = h_(l-1)^T dz_l,    db_l = sum(dz_l),    dh_(l-1) = dz_l w_l^T    (2)

The last layer may have no activation, and softmax cross-entropy behind it. The cell of an RNN is one layer with two
inputs and two weights, z = x wx + h wh + b.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from .activations import RECTIFIERS, SIGMOIDS, Activation
from .factors import IMAGES
from .operation import Gradient, Mistake, Operation, Step, Values
from .problem import Problem, is_same
from .softmax import softmax

MOST_LAYERS = 4
ACTIVATIONS = [a for a in (*RECTIFIERS, *SIGMOIDS) if a.parameter is None and len(a.steps) == 1]
NAMES = {a.name: a for a in ACTIVATIONS}


@dataclass(frozen=True)
class Layer:
    """z = sum of inputs times weights, plus b.

    Attributes
    ----------
    inputs : list of int or None
        Positions of the arguments; None is the output of the layer before.
    weights : list of int
    transposed : list of bool
        Whether a weight is (out, in).
    bias : int or None
    """

    inputs: list[int | None]
    weights: list[int]
    transposed: list[bool]
    bias: int | None = field(default=None)


def recognise(problem: Problem) -> Iterator[Operation]:
    """The network that gives y, if there is one."""
    matrices = [k for k, a in problem.arrays.items() if a.ndim == 2]
    vectors = [k for k, a in problem.arrays.items() if a.ndim == 1 or (a.ndim == 2 and a.shape[0] == 1)]
    if not 2 <= len(matrices) <= 2 * MOST_LAYERS or len(matrices) + len(vectors) < len(problem.arrays):
        return
    biases = [k for k in vectors if k not in matrices or problem.arrays[k].shape[0] == 1]
    layouts = [*_chains(problem, [k for k in matrices if k not in biases], biases)]
    layouts += [*_cells(problem, [k for k in matrices if k not in biases], biases)]
    for layers in layouts:
        for activation in ACTIVATIONS:
            for ends_in_activation in (False, True):
                if len(layers) > 1 or ends_in_activation or problem.y.ndim == 0:
                    operation = _operation(problem, layers, activation, ends_in_activation)
                    if operation:
                        yield operation
                        return


def _chains(problem: Problem, matrices: list[int], biases: list[int]) -> Iterator[list[Layer]]:
    """Layers in the order of the arguments, from each possible input."""
    for x in matrices:
        width, layers, left = problem.arrays[x].shape[1], [], list(biases)
        for w in (k for k in matrices if k != x):
            shape = problem.arrays[w].shape
            if width not in shape:
                break
            turned = shape[0] != width
            width = shape[0] if turned else shape[1]
            bias = next((b for b in left if problem.arrays[b].size == width), None)
            left = [b for b in left if b != bias]
            layers.append(Layer([None if layers else x], [w], [turned], bias))
        if len(layers) == len(matrices) - 1 and not left:
            yield layers
            if len(layers) == 1 and len(set(problem.arrays[layers[0].weights[0]].shape)) == 1:
                yield [Layer([x], layers[0].weights, [True], layers[0].bias)]


def _cells(problem: Problem, matrices: list[int], biases: list[int]) -> Iterator[list[Layer]]:
    """One layer with two inputs."""
    if len(matrices) != 4 or len(biases) > 1:
        return
    x, h, *weights = matrices
    a = problem.arrays
    for wx, wh in (weights, weights[::-1]):
        turned = [a[x].shape[1] != a[wx].shape[0], a[h].shape[1] != a[wh].shape[0]]
        fits = [a[k].shape[1] in a[w].shape for k, w in ((x, wx), (h, wh))]
        if all(fits):
            yield [Layer([x, h], [wx, wh], turned, biases[0] if biases else None)]


def _operation(
    problem: Problem, layers: list[Layer], activation: Activation, ends_in_activation: bool
) -> Operation | None:
    """The operation, if it gives y."""
    given = {f"a{k}": a for k, a in problem.arrays.items()} | {"dy": problem.dy, "a": 0.0}
    for layer in layers:
        for w, turned in zip(layer.weights, layer.transposed, strict=True):
            given[f"w{w}"] = problem.arrays[w].T if turned else problem.arrays[w]
    last = len(layers)
    steps: dict[str, Step] = {}
    for number, layer in enumerate(layers, start=1):
        steps |= _steps(number, layer, activation if number < last or ends_in_activation else None)
    steps |= _end(problem, last)
    if "out" not in steps:
        return None
    with np.errstate(all="ignore"):
        try:
            y = Values(given, steps).out
        except ValueError:
            return None
    if not is_same(np.asarray(y), problem.y):
        return None
    name = "one dense layer" if last == 1 else f"{last} dense layers"
    name = "the cell of an RNN" if len(layers[0].inputs) == 2 else name
    behind = " and softmax cross-entropy" if problem.y.ndim == 0 else ""
    hidden = activation.name if last > 1 or ends_in_activation else "no activation"
    return Operation(
        name=f"{name} with {hidden}{behind}",
        given=given,
        steps=steps,
        mistakes=tuple(
            m for number, layer in enumerate(layers, start=1) for m in _mistakes(number, layer, steps, activation)
        ),
        gradients=dict(_gradients(problem, layers)),
        counts={IMAGES: len(problem.arrays[layers[0].inputs[0]])},
    )


def _steps(number: int, layer: Layer, activation: Activation | None) -> dict[str, Step]:
    """Equations (1) and (2) of one layer."""
    before, z, h, dh, dz = f"h{number - 1}", f"z{number}", f"h{number}", f"dh{number}", f"dz{number}"

    def source(v: Values, position: int | None) -> np.ndarray:
        return getattr(v, before if position is None else f"a{position}")

    def forward(v: Values) -> np.ndarray:
        total = sum(source(v, i) @ getattr(v, f"w{w}") for i, w in zip(layer.inputs, layer.weights, strict=True))
        return total if layer.bias is None else total + getattr(v, f"a{layer.bias}")

    steps: dict[str, Step] = {z: forward}
    if activation is None:
        steps |= {h: lambda v: getattr(v, z), dz: lambda v: getattr(v, dh)}
    else:
        slope = activation.steps["slope"]
        steps |= {
            h: lambda v: activation.function(getattr(v, z), 0.0),
            f"slope{number}": lambda v: slope(Values({"x": getattr(v, z), "y": getattr(v, h), "a": 0.0}, {})),
            dz: lambda v: getattr(v, dh) * getattr(v, f"slope{number}"),
        }
    for i, w in zip(layer.inputs, layer.weights, strict=True):
        back = f"dh{number - 1}" if i is None else f"da{i}"
        steps |= {
            f"back{w}": lambda v, w=w: getattr(v, f"w{w}").T,
            back: lambda v, w=w: getattr(v, dz) @ getattr(v, f"back{w}"),
            f"dw{w}": lambda v, i=i: source(v, i).T @ getattr(v, dz),
        }
    return steps | {f"db{number}": lambda v: getattr(v, dz).sum(axis=0)}


def _end(problem: Problem, last: int) -> dict[str, Step]:
    """What comes behind the last layer: nothing, or a loss."""
    h = f"h{last}"
    if problem.y.ndim:
        return {"out": lambda v: getattr(v, h), f"dh{last}": lambda v: v.dy}
    labels = next((a for a in problem.integers.values() if a.ndim == 1), None)
    if labels is None:
        return {}

    def onehot(v: Values) -> np.ndarray:
        return np.eye(getattr(v, h).shape[1])[labels]

    return {
        "p": lambda v: softmax(getattr(v, h), 1),
        "onehot": onehot,
        "out": lambda v: -np.log(np.sum(v.p * v.onehot, axis=1)).mean(),
        f"dh{last}": lambda v: v.dy * (v.p - v.onehot) / len(v.p),
    }


def _gradients(problem: Problem, layers: list[Layer]) -> Iterator[tuple[int, Gradient]]:
    for number, layer in enumerate(layers, start=1):
        for i, w, turned in zip(layer.inputs, layer.weights, layer.transposed, strict=True):
            yield w, Gradient(f"dw{w}", np.transpose if turned else np.asarray)
            if i is not None:
                yield i, Gradient(f"da{i}")
        if layer.bias is not None:
            shape = problem.arrays[layer.bias].shape
            yield layer.bias, Gradient(f"db{number}", lambda g, shape=shape: g.reshape(shape))


def _mistakes(number: int, layer: Layer, steps: dict[str, Step], activation: Activation) -> Iterator[Mistake]:
    """Of one layer."""
    where = f"of layer {number}"
    if f"slope{number}" in steps:
        forgotten = "mask-missing" if activation.name == "ReLU" else "term-missing"
        yield Mistake(
            forgotten,
            f"slope{number}",
            lambda v: np.ones_like(getattr(v, f"z{number}")),
            f"the derivative of {activation.name} {where} is missing: dz = dh * f'(z).",
        )
        for m in activation.mistakes:
            yield Mistake(
                m.code,
                f"slope{number}",
                lambda v, m=m: m.wrong(
                    Values({"x": getattr(v, f"z{number}"), "y": getattr(v, f"h{number}"), "a": 0.0}, {})
                ),
                f"{activation.name} {where}: {m.message.format(a=0.0)}",
                m.rank,
            )
        if activation.name == "ReLU" and number > 1:
            yield Mistake(
                "mask-missing",
                f"slope{number}",
                lambda v: 1.0 * (getattr(v, f"dh{number}") > 0),
                f"the mask of ReLU {where} is made of the gradient: it is z > 0.",
                rank=1,
            )
    for w in layer.weights:
        yield Mistake(
            "transposed",
            f"back{w}",
            lambda v, w=w: getattr(v, f"w{w}"),
            f"the weights {where} are not transposed on the way back: dh = dz @ w.T.",
        )
    if "p" in steps and f"dh{number}" in steps and f"dh{number + 1}" not in steps:
        yield from _mistakes_of_loss(number)


def _mistakes_of_loss(last: int) -> Iterator[Mistake]:
    yield Mistake(
        "label-term-missing",
        f"dh{last}",
        lambda v: v.dy * v.p / len(v.p),
        "minus one at the label is missing: dlogits = (p - onehot) / N.",
    )
    yield Mistake(
        "diagonal-jacobian",
        f"dh{last}",
        lambda v: -v.dy * v.onehot * (1 - v.p) / len(v.p),
        "softmax is treated as if its outputs were independent: dlogits = (p - onehot) / N.",
    )
