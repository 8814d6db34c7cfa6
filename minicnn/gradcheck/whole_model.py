"""A model with its loss, and which of its layers is wrong.

The gradients of a model's loss are checked as one function of the input and of all parameters. If one is wrong, so are
mostly those of all layers before it, for each hands its gradient on:

    dx_{k-1} = (dx_k through f_k)                                                                   (1)

Then each layer is checked by itself, at the output of the one before it, and the loss at the last output. A layer that
is wrong by itself is to blame; what it spoils in the layers before needs no explanation.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .check import check
from .objects import Subject, check_layer, check_loss, check_object, floats, title_of
from .report import Finding, Report

NOT_EXPLAINED = "unrecognized"


def check_model(
    model: object, x: np.ndarray, labels: np.ndarray, loss: object, *, training: bool = True, seed: int = 0, **options
) -> Report:
    """Check the gradient of a model's loss by its input and by every parameter.

    If one is wrong, and the model has a list of `layers`, the findings say which layer is wrong by itself.

    Parameters
    ----------
    model : object with forward(x, training=...), backward(dy), params and grads
        It is not changed.
    x : array of floats, shape (N, ...)
    labels : array
        What the loss compares with; a constant.
    loss : object with forward(prediction, labels) -> float and backward() -> gradient of the prediction
    training : bool
        The mode of the forward pass.
    seed : int
        As in `check`.
    **options
        `tolerance`, `max_evaluations`, `hints`, `explain`, `title`: as in `check`.

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
    >>> from minicnn import BatchNorm, Dense, ReLU, Sequential, SoftmaxCrossEntropy, gradcheck
    >>> model = Sequential([Dense(4), BatchNorm(), ReLU(), Dense(3)], input_shape=(5,))
    >>> x, labels = np.random.default_rng(0).normal(size=(6, 5)), np.array([0, 1, 2, 0, 1, 2])
    >>> gradcheck.check_model(model, x, labels, SoftmaxCrossEntropy()).passed
    True
    """
    check_object(model, "model"), check_object(loss, "loss")
    x = floats(x)
    subject, loss, labels = Subject(model, x, seed), copy.deepcopy(loss), np.array(labels)

    def forward(x: np.ndarray, *parameters: np.ndarray) -> tuple[float, None]:
        subject.reset(parameters)
        value = loss.forward(subject.object.forward(x, training=training), labels)
        subject.give_back(parameters)
        return value, None

    def backward(dy: float, cache: None) -> tuple[np.ndarray, ...]:
        return subject.object.backward(dy * loss.backward()), *subject.gradients()

    def checked(explain: bool) -> Report:
        how = {"title": f"{type(model).__name__} with {title_of(loss)}", "seed": seed, **options, "explain": explain}
        return check(forward, backward, (x, *subject.values), names=["x", *subject.names], **how)

    report = checked(explain=False)
    if report.passed or not options.get("explain", True):
        return report
    limits = {name: options[name] for name in ("tolerance", "max_evaluations") if name in options}
    located = list(_located(subject, x.astype(np.float64), labels, loss, training, {"seed": seed, **limits}))
    if not located:
        return checked(explain=True)
    about_all = [f for f in report.findings if f.argument is None]
    explained = {f.argument for f in located}
    others = [
        f for f in report.findings if f.argument is not None and f.argument not in explained and f.code != NOT_EXPLAINED
    ]
    return replace(report, findings=[*about_all, *located, *others])


def _located(
    subject: Subject, x: np.ndarray, labels: np.ndarray, loss: object, training: bool, how: dict
) -> Iterator[Finding]:
    """What is wrong in each layer by itself, and in the loss; the last first, as the backward pass meets them."""
    inputs = _inputs(subject, x, training)
    if inputs is None:
        return
    *inputs, output = inputs
    yield from _said_of(check_loss(loss, output, labels, **how), title_of(loss), {})
    model = subject.object
    names = getattr(model, "layer_names", None) or [f"layer {k}, {title_of(f)}" for k, f in enumerate(model.layers)]
    for k, layer in reversed(list(enumerate(model.layers))):
        owners = {id(array): name for name, array in subject.live.items()}
        arguments = {name: owners.get(id(array)) for name, array in getattr(layer, "params", {}).items()}
        if k == 0:
            arguments["x"] = "x"
        report = check_layer(layer, inputs[k], training=training, **how)
        yield from _said_of(report, names[k], arguments)


def _inputs(subject: Subject, x: np.ndarray, training: bool) -> list[np.ndarray] | None:
    """What each layer takes, and the output of the last; None if they cannot be run one after another."""
    layers = getattr(subject.object, "layers", None)
    if not isinstance(layers, (list, tuple)) or not layers:
        return None
    subject.reset(subject.values)
    values = [x]
    try:
        for layer in layers:
            values.append(layer.forward(values[-1], training=training))
    except Exception:  # one that takes something else than the output of the one before it
        return None
    return values


def _said_of(report: Report, name: str, arguments: dict[str, str | None]) -> Iterator[Finding]:
    """The errors in the report of one layer, as findings about the model."""
    for finding in report.findings:
        if finding.is_error:
            which = f", the gradient of its {finding.argument}" if finding.argument else ""
            yield replace(
                finding,
                argument=arguments.get(finding.argument),
                message=f"the mistake is in {name}{which}: {finding.message}",
                evidence={"layer": name, **finding.evidence},
            )
