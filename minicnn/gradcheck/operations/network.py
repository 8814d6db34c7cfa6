"""Small networks: dense layers in a row with activations between, a loss behind, or the cell of a plain RNN.

    z_l = h_(l-1) w_l + b_l,    h_l = f(z_l),    h_0 = x                                            (1)
    dz_l = dh_l f'(z_l),    dw_l = h_(l-1)^T dz_l + 2 c w_l,    db_l = sum(dz_l)
    dh_(l-1) = dz_l w_l^T                                                                           (2)

The last layer may have no activation. Behind it may stand a loss (heads.py), with or without a penalty c |w|^2 on all
weights: c is what is left of L. The cell of an RNN is one layer with two inputs and two weights, z = x wx + h wh + b.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .activation_tables import RECTIFIERS, SIGMOIDS, Activation
from .factors import IMAGES
from .heads import Head, heads
from .operation import Gradient, Mistake, Operation, Step, Term, Terms, Values
from .problem import SAME, Problem, is_same

MOST_LAYERS = 4
ACTIVATIONS = [a for a in (*RECTIFIERS, *SIGMOIDS) if a.parameter is None and len(a.steps) == 1]


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
    bias: int | None = None


def recognise(problem: Problem) -> Iterator[Operation]:
    """The network that gives y, if there is one."""
    if not 2 <= len(problem.arrays) <= 3 * MOST_LAYERS or problem.y.ndim not in (0, 1, 2):
        return
    for labels_at, labels in _labels(problem):
        arrays = {k: a for k, a in problem.arrays.items() if k != labels_at}
        for layers in (*_chains(arrays), *_cells(arrays)):
            for activation in ACTIVATIONS if len(layers) > 1 or labels is None else ACTIVATIONS[:1]:
                for operation in _operations(problem, layers, activation, labels):
                    yield operation
                    return


def _labels(problem: Problem) -> Iterator[tuple[int | None, np.ndarray | None]]:
    """Labels or targets for the loss; none where y is no loss."""
    if problem.y.ndim:
        yield None, None
        return
    yield from problem.integers.items()
    yield from reversed(problem.arrays.items())


def _chains(arrays: dict[int, np.ndarray]) -> Iterator[list[Layer]]:
    """Layers in the order of the arguments, from each possible input."""
    if any(a.ndim not in (1, 2) for a in arrays.values()):
        return
    for x in (k for k, a in arrays.items() if a.ndim == 2):
        width, layers, used = arrays[x].shape[1], [], {x}
        for w in (k for k in arrays if k != x):
            shape = _matrix(arrays[w]).shape
            if w in used or width not in shape or (arrays[w].ndim < 2 and width == 1):
                continue
            turned = shape[0] != width
            width = shape[0] if turned else shape[1]
            bias = next((b for b in arrays if b not in used | {w} and b > w and _is_bias(arrays[b], width)), None)
            used |= {w} | ({bias} if bias is not None else set())
            layers.append(Layer([None if layers else x], [w], [turned], bias))
        if layers and used == set(arrays):
            yield layers
            if len(layers) == 1 and len(set(_matrix(arrays[layers[0].weights[0]]).shape)) == 1:
                yield [Layer([x], layers[0].weights, [True], layers[0].bias)]


def _matrix(a: np.ndarray) -> np.ndarray:
    """A weight as a matrix: that of a single output may be a vector."""
    return a[:, None] if a.ndim == 1 else a


def _is_bias(a: np.ndarray, width: int) -> bool:
    return a.size == width and a.size == max(a.shape, default=1)


def _cells(arrays: dict[int, np.ndarray]) -> Iterator[list[Layer]]:
    """One layer with two inputs."""
    matrices = [k for k, a in arrays.items() if a.ndim == 2 and a.shape[0] > 1]
    biases = [k for k in arrays if k not in matrices]
    if len(matrices) != 4 or len(biases) > 1:
        return
    x, h, *weights = matrices
    for wx, wh in (weights, weights[::-1]):
        pairs = [(arrays[i].shape[1], arrays[w].shape) for i, w in ((x, wx), (h, wh))]
        if all(width in shape for width, shape in pairs):
            turned = [width != shape[0] for width, shape in pairs]
            yield [Layer([x, h], [wx, wh], turned, biases[0] if biases else None)]


def _operations(
    problem: Problem, layers: list[Layer], activation: Activation, labels: np.ndarray | None
) -> Iterator[Operation]:
    """The operation, if it gives y: with the last layer bare or with an activation, and with each loss."""
    given = {f"a{k}": a for k, a in problem.arrays.items()} | {"dy": problem.dy}
    given |= {"a": 0.0, "decay": 0.0, "dloss": problem.dy if labels is not None else 1.0}
    for layer in layers:
        for w, turned in zip(layer.weights, layer.transposed, strict=True):
            matrix = _matrix(problem.arrays[w])
            given[f"w{w}"] = matrix.T if turned else matrix
    for ends_in_activation in (False, True) if labels is None else (False,):
        if len(layers) == 1 and labels is None and not ends_in_activation:
            continue  # a dense layer
        steps: dict[str, Step] = {}
        for number, layer in enumerate(layers, start=1):
            steps |= _steps(number, layer, activation if number < len(layers) or ends_in_activation else None)
        z = f"h{len(layers)}"
        try:
            with np.errstate(all="ignore"):
                out = getattr(Values(given, steps), z)
        except ValueError:
            return
        if labels is None:
            if is_same(out.reshape(problem.y.shape) if out.size == problem.y.size else out, problem.y):
                end = {f"d{z}": lambda v, shape=out.shape: v.dy.reshape(shape)}
                operation = _assemble(problem, layers, activation, given, steps | end, None)
                if operation:
                    yield operation
        else:
            for head in heads(labels, out.shape):
                end = head.steps | {"z": lambda v, z=z: getattr(v, z), f"d{z}": lambda v: v.dz}
                operation = _assemble(problem, layers, activation, given | head.given, steps | end, head)
                if operation:
                    yield operation


def _assemble(
    problem: Problem,
    layers: list[Layer],
    activation: Activation,
    given: dict,
    steps: dict[str, Step],
    head: Head | None,
) -> Operation | None:
    """The operation; with a loss, only if L leaves room for a penalty, and the derivative by a weight confirms it."""
    weights = [w for layer in layers for w in layer.weights]
    decay = 0.0
    if head is not None:
        with np.errstate(all="ignore"):
            left = float(problem.y) - head.value(Values(given, steps))
        if not np.isfinite(left) or left < -SAME * abs(problem.y):
            return None
        if left > SAME * abs(problem.y):
            decay = left / sum(float(np.sum(problem.arrays[w] ** 2)) for w in weights)
    operation = Operation(
        name=_name(layers, activation, steps, head, decay),
        given=given | {"decay": decay},
        steps=steps,
        mistakes=(
            *(m for number, layer in enumerate(layers, start=1) for m in _mistakes(number, layer, steps, activation)),
            *(head.mistakes if head else ()),
        ),
        gradients=dict(_gradients(problem, layers)),
        counts={IMAGES: len(problem.arrays[layers[0].inputs[0]])},
    )
    measured = [w for w in weights if w in problem.case.arguments]
    if not all(problem.is_gradient(w, operation.gradient(w)) for w in measured) or (decay and not measured):
        return None
    return operation


def _name(layers: list[Layer], activation: Activation, steps: dict, head: Head | None, decay: float) -> str:
    name = "one dense layer" if len(layers) == 1 else f"{len(layers)} dense layers"
    name = "the cell of an RNN" if len(layers[0].inputs) == 2 else name
    name += f" with {activation.name}" if any(step.startswith("slope") for step in steps) else ""
    name += f" and {head.name}" if head else ""
    return name + (f", plus {decay:.4g} |w|^2" if decay else "")


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
        data, penalty = f"data{w}", f"penalty{w}"
        steps |= {
            f"back{w}": lambda v, w=w: getattr(v, f"w{w}").T,
            f"dh{number - 1}" if i is None else f"da{i}": lambda v, w=w: getattr(v, dz) @ getattr(v, f"back{w}"),
            data: lambda v, i=i: source(v, i).T @ getattr(v, dz),
            penalty: lambda v, w=w: 2 * v.decay * v.dloss * getattr(v, f"w{w}"),
            f"dw{w}": Terms(
                **{
                    data: Term("the part of the data"),
                    penalty: Term("the penalty's part, 2 * c * w,", "regularizer-wrong", "regularizer-wrong"),
                }
            ),
        }
    return steps | {f"db{number}": lambda v: getattr(v, dz).sum(axis=0)}


def _gradients(problem: Problem, layers: list[Layer]) -> Iterator[tuple[int, Gradient]]:
    for number, layer in enumerate(layers, start=1):
        for i, w, turned in zip(layer.inputs, layer.weights, layer.transposed, strict=True):
            shape = problem.arrays[w].shape
            yield w, Gradient(f"dw{w}", lambda g, t=turned, shape=shape: (g.T if t else g).reshape(shape))
            if i is not None:
                yield i, Gradient(f"da{i}")
        if layer.bias is not None:
            shape = problem.arrays[layer.bias].shape
            yield layer.bias, Gradient(f"db{number}", lambda g, shape=shape: g.reshape(shape))


def _mistakes(number: int, layer: Layer, steps: dict[str, Step], activation: Activation) -> Iterator[Mistake]:
    """Of one layer."""
    where, slope = f"of layer {number}", f"slope{number}"
    if slope in steps:
        yield Mistake(
            "mask-missing" if activation.name == "ReLU" else "term-missing",
            slope,
            lambda v: np.ones_like(getattr(v, f"z{number}")),
            f"the derivative of {activation.name} {where} is missing: dz = dh * f'(z).",
        )
        for m in activation.mistakes:
            yield Mistake(
                m.code,
                slope,
                lambda v, m=m: m.wrong(
                    Values({"x": getattr(v, f"z{number}"), "y": getattr(v, f"h{number}"), "a": 0.0}, {})
                ),
                f"{activation.name} {where}: {m.message.format(a=0.0)}",
                m.rank,
            )
    for w in layer.weights:
        yield Mistake(
            "transposed",
            f"back{w}",
            lambda v, w=w: getattr(v, f"w{w}"),
            f"the weights {where} are not transposed on the way back: dh = dz @ w.T.",
        )
        yield Mistake(
            "regularizer-wrong",
            f"penalty{w}",
            lambda v, w=w: 0 * getattr(v, f"w{w}") if v.decay else None,
            f"the penalty on the weights {where} is forgotten: dw = ... + 2 * c * w, where L has c * |w|^2.",
        )
        yield Mistake(
            "regularizer-wrong",
            f"penalty{w}",
            lambda v, w=w: v.decay * v.dloss * getattr(v, f"w{w}") if v.decay else None,
            f"the penalty on the weights {where} lacks its 2: the derivative of c * |w|^2 is 2 * c * w.",
        )
