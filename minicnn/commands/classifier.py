"""A network that tells classes apart: which loss belongs to it, and what its outputs say.

K logits for K classes      softmax cross-entropy, p = softmax(z)
one logit for two classes   binary cross-entropy,  p of the second class = sigmoid(z)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import UsageError
from .training_config import CONFIG, TrainingConfig, read_json

if TYPE_CHECKING:
    from ..losses import Loss
    from ..model import Sequential

CHECKPOINT = "run.npz"  # its name in a run's folder


def loss_for(model: Sequential, classes: int) -> Loss:
    """Choose the loss by the number of outputs.

    Parameters
    ----------
    model : Sequential
    classes : int
        How many there are to tell apart.

    Returns
    -------
    loss : BinaryCrossEntropy or SoftmaxCrossEntropy

    Raises
    ------
    UsageError
        If the outputs do not fit the classes.
    """
    from ..layers import Sigmoid, Softmax
    from ..losses import BinaryCrossEntropy, SoftmaxCrossEntropy

    last, shape = model.layers[-1], model.output_shape
    if isinstance(last, Softmax | Sigmoid):
        raise UsageError(f"layers: leave out {last!r} at the end: the loss takes logits and does this itself.")
    if shape == (1,) and classes == 2:
        return BinaryCrossEntropy()
    if shape == (classes,) and classes > 1:
        return SoftmaxCrossEntropy()
    if classes < 2:
        raise UsageError("data: one class only; there is nothing to tell apart.")
    flat = "Flatten() " if len(shape) > 1 else ""
    one = ", or Dense(1)" if classes == 2 else ""
    raise UsageError(
        f"layers: the network ends with outputs of shape {shape}, but there are {classes} classes. "
        f"End it with {flat}Dense({classes}){one}."
    )


@dataclass
class Classifier:
    """A trained network with the names of its classes.

    Attributes
    ----------
    model : Sequential
    classes : tuple of str
    loss : Loss
    config : TrainingConfig or None
        That of the run, if it lies beside the checkpoint.
    """

    model: Sequential
    classes: tuple[str, ...]
    loss: Loss
    config: TrainingConfig | None

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """The probability of each class, shape (N, K), for outputs of the model, shape (N, K) or (N, 1)."""
        p = self.loss.probabilities(outputs)
        return p if p.shape[1] > 1 else np.concatenate([1 - p, p], axis=1)


def load_classifier(path: Path, names: str | None = None) -> Classifier:
    """Load a checkpoint, and the names of its classes from the configuration beside it.

    Parameters
    ----------
    path : pathlib.Path
        The file, or the folder of a run.
    names : str, optional
        Names of the classes with commas between them, in the order of their labels; come before the configuration.

    Returns
    -------
    classifier : Classifier

    Raises
    ------
    UsageError
        If there is no checkpoint, it cannot be read, or the names are unknown or too many or few.
    """
    from ..checkpoint import load

    path = path / CHECKPOINT if path.is_dir() else path
    try:
        model = load(path)
    except (OSError, ValueError) as error:
        raise UsageError(error) from error
    beside = path.with_name(CONFIG)
    config = TrainingConfig(**_complete(beside)) if beside.is_file() else None
    classes, outputs = _classes(names, config, path), model.output_shape
    if outputs != (len(classes),) and (outputs, len(classes)) != ((1,), 2):
        raise UsageError(
            f"{len(classes)} names of classes ({', '.join(classes)}) do not fit a network "
            f"with outputs of shape {outputs}."
        )
    if len(set(classes)) < len(classes):
        raise UsageError(f"names of classes have to differ, got {', '.join(classes)}.")
    return Classifier(model, classes, loss_for(model, len(classes)), config)


def _complete(path: Path) -> dict:
    """Read the configuration that a run has written."""
    values = read_json(path)
    missing = [key for key in ("data", "layers", "out", "classes") if not values.get(key)]
    if missing:
        raise UsageError(f"{path}: the key {missing[0]!r} is missing, which a run writes.")
    return values


def _classes(names: str | None, config: TrainingConfig | None, path: Path) -> tuple[str, ...]:
    if names is not None:
        return tuple(name.strip() for name in names.split(","))
    if config is None:
        raise UsageError(
            f"the names of the classes are in no {CONFIG} beside {path}. "
            "Give them in the order of their labels: --classes cat,dog"
        )
    return tuple(config.classes)
