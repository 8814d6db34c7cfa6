"""What `minicnn train` trains, as a JSON file and as options have it.

    {"data": "fashion-mini", "layers": ["Flatten()", "Dense(10)"], "out": "runs/first", "epochs": 5}

`KEYS` lists every key with the check of its value; the option of the same name comes before the file. A finished
configuration is written beside the run, with the names of the classes, and makes the same run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import UsageError
from .calls import CallError, did_you_mean, make, make_all
from .data import SIZE

if TYPE_CHECKING:
    from ..augment import Pipeline
    from ..callbacks import ScheduleLearningRate
    from ..layers import Layer
    from ..optimizers import Optimizer

CONFIG = "config.json"  # its name beside a run
TRANSFORMS = ("Flip", "Shift", "Cutout", "Brightness", "Contrast")  # Crop makes images smaller than those to predict
SCHEDULES = ("CosineDecay", "StepDecay", "WarmupCosine", "OneCycle")


def read_json(path: Path) -> dict[str, Any]:
    """Read a configuration's keys and values.

    Raises
    ------
    UsageError
        If the file cannot be read, or holds something else or an unknown key.
    """
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read as a configuration in JSON: {error}") from error
    if not isinstance(values, dict):
        raise UsageError(f'{path} holds no configuration: it should be an object {{"data": ..., "layers": ...}}.')
    for key in values:
        if key not in KEYS:
            raise UsageError(f"{path}: there is no key {key!r}{did_you_mean(key, KEYS)} Keys: {', '.join(KEYS)}.")
    return values


@dataclass
class TrainingConfig:
    """One training, in plain values.

    Attributes
    ----------
    data : str
        Name of a data set, an .npz file or a folder.
    layers : list of str
        One call each, see calls.py.
    out : str
        The run's folder.
    epochs, batch_size, seed : int
        The seed is that of the network, of shuffling and of augmentation.
    optimizer : str
        A name or a call, such as "SGD(nesterov=True)".
    learning_rate, momentum : float, optional
        The optimizer's, dimensionless; by default its own.
    schedule : str, optional
        A name or a call, such as "CosineDecay"; what it does not say comes from `learning_rate` and `epochs`.
    augment : list of str
        One call each, such as "Flip()".
    image_size : (height, width), in pixels
        Of pictures read from a folder.
    threads : int, optional
        By default all cores.
    check_finite : bool
        As in `fit`.
    classes : list of str, optional
        The names that the data's classes must have; written by a run.

    Raises
    ------
    UsageError
        If a value is not of its kind; the message names the key.
    """

    data: str
    layers: list[str]
    out: str
    epochs: int = 10
    batch_size: int = 32
    optimizer: str = "Adam"
    learning_rate: float | None = None
    momentum: float | None = None
    schedule: str | None = None
    augment: list[str] = field(default_factory=list)
    seed: int = 0
    image_size: tuple[int, int] = SIZE
    threads: int | None = None
    check_finite: bool = False
    classes: list[str] | None = None

    def __post_init__(self):
        """Check every value, and bring lists of calls into their one form."""
        for key, check in KEYS.items():
            try:
                setattr(self, key, check(key, getattr(self, key)))
            except (TypeError, ValueError) as error:
                raise UsageError(f"{key}: {error}") from error

    def make_layers(self) -> list[Layer]:
        """Make the layers, which have no parameters yet; each call is written down as the layer shows itself."""
        from ..layers import LAYERS

        layers = self._made("layers", lambda: make_all(" ".join(self.layers), LAYERS, "layer"))
        if not layers:
            raise UsageError('layers: a network needs at least one, such as "Flatten() Dense(10)".')
        self.layers = [repr(layer) for layer in layers]
        return layers

    def make_optimizer(self) -> Optimizer:
        """Make the optimizer."""
        from ..optimizers import OPTIMIZERS

        rates = {k: v for k in ("learning_rate", "momentum") if (v := getattr(self, k)) is not None}
        optimizer = self._made("optimizer", lambda: make(self.optimizer, OPTIMIZERS, "optimizer", rates))
        for key, value in rates.items():
            if getattr(optimizer, key, None) != value:
                used = f"has {key}={getattr(optimizer, key)}" if hasattr(optimizer, key) else f"knows no {key}"
                raise UsageError(f"{key}: {value} cannot be used, for the optimizer {optimizer!r} {used}.")
        return optimizer

    def make_schedule(self, learning_rate: float) -> list[ScheduleLearningRate]:
        """Make the callback that sets the learning rate, if there is one to be."""
        from .. import schedules
        from ..callbacks import ScheduleLearningRate

        if self.schedule is None:
            return []
        known = {name: getattr(schedules, name) for name in SCHEDULES}
        rest = {"initial": learning_rate, "peak": learning_rate, "epochs": self.epochs}
        return [ScheduleLearningRate(self._made("schedule", lambda: make(self.schedule, known, "schedule", rest)))]

    def make_pipeline(self) -> Pipeline | None:
        """Make what changes the training images, if there is anything."""
        from .. import augment

        known = {name: getattr(augment, name) for name in TRANSFORMS}
        steps = self._made("augment", lambda: make_all(" ".join(self.augment), known, "step"))
        return augment.Pipeline(steps, seed=self.seed) if steps else None

    def check_classes(self, classes: tuple[str, ...]) -> None:
        """See that data has the classes of the configuration, and note them."""
        if self.classes is not None and list(classes) != self.classes:
            raise UsageError(
                f"classes: the configuration is for {', '.join(self.classes)}, "
                f"but {self.data} has {', '.join(classes)}. Remove the key to train on these."
            )
        self.classes = list(classes)

    def write(self) -> None:
        """Write the configuration into the run's folder."""
        from ..atomic_write import atomic_write

        with atomic_write(Path(self.out) / CONFIG) as file:
            file.write(f"{json.dumps(asdict(self), indent=2, ensure_ascii=False)}\n".encode())

    def _made(self, key: str, make_it: Callable[[], Any]) -> Any:
        """What a text stands for, with the key's name before an error."""
        try:
            return make_it()
        except CallError as error:
            raise UsageError(f"{key}: {error}") from error


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"takes a text, got {value!r}.")
    return value


def _texts(key: str, value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"takes a list of texts, or one text, got {value!r}.")
    return texts


def _count(at_least: int) -> Callable[[str, Any], int]:
    def check(key: str, value: Any) -> int:
        from ..arguments import checked_count

        return checked_count("train", key, value, at_least=at_least)

    return check


def _number(key: str, value: Any) -> float:
    from ..arguments import checked_number

    return checked_number("train", key, value)  # the optimizer knows the bounds


def _size(key: str, value: Any) -> tuple[int, int]:
    sides = value if isinstance(value, list | tuple) else (value, value)
    if len(sides) != 2:
        raise ValueError(f"takes a number of pixels or a pair [height, width], got {value!r}.")
    return tuple(_count(1)(key, side) for side in sides)


def _switch(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"takes true or false, got {value!r}.")
    return value


def _or_none(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda key, value: None if value is None else check(key, value)


KEYS: dict[str, Callable[[str, Any], Any]] = {
    "data": _text,
    "layers": _texts,
    "out": _text,
    "epochs": _count(1),
    "batch_size": _count(1),
    "optimizer": _text,
    "learning_rate": _or_none(_number),
    "momentum": _or_none(_number),
    "schedule": _or_none(_text),
    "augment": _texts,
    "seed": _count(0),
    "image_size": _size,
    "threads": _or_none(_count(1)),
    "check_finite": _switch,
    "classes": _or_none(_texts),
}
