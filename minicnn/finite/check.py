"""Look at every array of a training step, in the order in which it is computed.

    examples, labels - each layer's output - loss - its gradient - each layer's gradients and dx - parameters, slots

The first that is not finite is where it arose: all before it was. Only the step itself can spoil a parameter after all
gradients were finite, by an overflow; for that, copies from before the step are kept.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import numpy as np

from ..callbacks import Callback
from ..kernels import parallel
from ..onlooker import Onlooker
from .causes import Story, likely_cause
from .error import NonFiniteError, Place

if TYPE_CHECKING:
    from ..layers.layer import Layer
    from ..training import Run

Arrays = dict[str, np.ndarray]
PART = 256  # validation examples looked at together


class FiniteCheck(Callback, Onlooker):
    """What `fit(..., check_finite=True)` adds to a training.

    It raises `NonFiniteError` before the step that would spoil the parameters; model and optimizer are then as they
    were before this step.
    """

    def on_train_begin(self, run: Run) -> None:
        """See that the model is finite, and note where it starts from."""
        self.begin(run, largest_parameters(run))
        self.look_at_model()

    def begin(self, run: Run, largest_at_start: dict[str, float]) -> None:
        """Start afresh."""
        self.run, self.direction, self.epoch, self.losses = run, "forward", 0, []
        self.batch, self.before = (), None
        self.largest_at_start = largest_at_start

    def look_at_model(self) -> None:
        """Look at parameters and running statistics."""
        for kind, arrays in (("parameter ", self.run.model.params), ("", self.run.model.state)):
            for full_name, array in arrays.items():
                owner, _, name = full_name.partition(".")
                self._look(array, owner, kind + name)

    def on_batch_begin(self, run: Run) -> None:
        """Look at the data, and keep what the step will change."""
        self.before, self.direction, self.epoch = Before(run), "forward", run.epoch + 1
        self.inputs: Arrays = {}
        self._look_at_batch(*run.batch, "data")

    def forward(self, name: str, layer: Layer, x: np.ndarray, y: np.ndarray) -> None:
        """Look at a layer's output, and at what the layer has added up."""
        self._look(y, name, "output", source=x)
        for statistic, array in layer.state.items():
            self._look(array, name, statistic, source=x)
        self.inputs[name], self.prediction = x, y

    def on_loss(self, run: Run) -> None:
        """Look at the loss."""
        self._look(np.float64(run.batch_loss), repr(run.loss), "loss", source=self.prediction)
        self.losses.append(run.batch_loss)
        self.direction = "backward"

    def backward(self, name: str, layer: Layer, dy: np.ndarray, dx: np.ndarray | None) -> None:
        """Look at the gradients that a layer computed, and before the last layer's at the loss's."""
        if name == self.run.model.layer_names[-1]:
            self._look(dy, repr(self.run.loss), "gradient of the prediction", source=self.prediction)
        x = self.inputs.pop(name)  # let go of: nobody else needs it
        for parameter, gradient in layer.grads.items():
            self._look(gradient, name, f"gradient of {parameter}")
        if dx is not None:
            self._look(dx, name, "dx", source=x)

    def on_batch_end(self, run: Run) -> None:
        """Look at what the step made of parameters and slots."""
        self.direction = "step"
        for name, array in _changed_by_a_step(run).items():
            self._look(array, repr(run.optimizer), name)

    def on_epoch_end(self, run: Run) -> None:
        """Where the validation loss is not finite, look for the reason."""
        val_loss = run.history.val_loss[-1]
        if val_loss is None or math.isfinite(val_loss):
            return
        self.before, self.direction = None, "evaluation"
        x, labels = run.validation
        for start in range(0, len(x), PART):
            part = slice(start, start + PART)
            self._look_at_batch(x[part], labels[part], "validation")
            run.model.forward(x[part], onlooker=self)
        self._look(np.float64(val_loss), repr(run.loss), "loss", source=self.prediction)

    def _look_at_batch(self, x: np.ndarray, labels: np.ndarray, owner: str) -> None:
        self.batch = x, labels
        self._look(x, owner, "examples")
        self._look(labels, owner, "labels")

    def _look(self, values: np.ndarray, owner: str, array: str, source: np.ndarray | None = None) -> None:
        """Raise if `values` holds NaN or infinity; `Place` explains the arguments."""
        if _all_finite(np.asarray(values)):
            return
        place = Place(owner, self.direction, array, values, source)
        step = 0 if self.before is None else self.run.step + 1
        error = NonFiniteError(place, self.epoch, step, likely_cause(place, self._story()))
        if self.before is not None:
            self.before.put_back()
        raise error

    def _story(self) -> Story:
        """What the causes need to know of the run."""
        now = largest_parameters(self.run)
        name = max(now, key=lambda name: now[name] / (self.largest_at_start[name] or 1), default="")
        return Story(
            begun=self.epoch > 0,
            steps=self.run.optimizer.iterations,
            learning_rate=self.run.optimizer.learning_rate,
            largest=(name, self.largest_at_start.get(name, 0.0), now.get(name, 0.0)),
            losses=(self.losses[0], self.losses[-1]) if self.losses else None,
            data=max(map(_largest, self.batch), default=0.0),
        )


class Before:
    """Model and optimizer as they are before a step."""

    def __init__(self, run: Run):
        self.run = run
        self.params = {name: array.copy() for name, array in run.model.params.items()}
        self.slots = {name: array.copy() for name, array in _slots(run).items()}
        self.state = run.model.state  # a forward pass puts new arrays in place of these
        self.iterations = run.optimizer.iterations

    def put_back(self) -> None:
        """Undo the step as far as it came."""
        for name, array in self.run.model.params.items():
            array[...] = self.params[name]
        for name, array in _slots(self.run).items():
            array[...] = self.slots.get(name, 0)  # slots that the step made start from zero
        self.run.model.set_state(self.state)
        self.run.optimizer.iterations = self.iterations


def largest_parameters(run: Run) -> dict[str, float]:
    """The largest magnitude in each parameter, by its name."""
    return {name: _largest(array) for name, array in run.model.params.items()}


def find_nonfinite(run: Run, largest_at_start: dict[str, float]) -> NonFiniteError:
    """Find out where a loss that is not finite came from, by its batch's forward pass again, in a copy of the model.

    Parameters
    ----------
    run : Run
        At `on_loss`.
    largest_at_start : dict of str to float
        `largest_parameters` from before the first step.

    Returns
    -------
    error : NonFiniteError
        Not raised.
    """
    trial = copy.copy(run)
    trial.model = copy.deepcopy(run.model)
    check = FiniteCheck()
    try:
        check.begin(trial, largest_at_start)
        check.on_batch_begin(trial)
        check.look_at_model()
        trial.model.forward(run.batch[0], training=True, onlooker=check)
        check.on_loss(trial)
    except NonFiniteError as error:
        return error
    raise ValueError(f"find_nonfinite needs a loss that is not finite, got {run.batch_loss}.")


def _slots(run: Run) -> Arrays:
    """The optimizer's arrays, by names such as "velocity of dense_1.w"."""
    return {f"{slot} of {name}": array for name, slots in run.optimizer.state.items() for slot, array in slots.items()}


def _changed_by_a_step(run: Run) -> Arrays:
    return {f"parameter {name}": array for name, array in run.model.params.items()} | _slots(run)


def _all_finite(array: np.ndarray) -> bool:
    """Whether there is neither NaN nor infinity, seen by all threads."""
    flat = array.reshape(-1)
    return all(parallel.over_batch(lambda part: np.isfinite(flat[part]).all(), flat.size, flat.size))


def _largest(array: np.ndarray) -> float:
    """The largest magnitude of a finite array; 0 for an empty one."""
    array = np.asarray(array)
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))
