"""Teacher: asks each question where its evidence is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import batches
from ..callbacks import Callback
from ..training_warning import tell
from . import data, network, progress
from .dead_units import DeadUnits
from .overlap import validation_in_training

if TYPE_CHECKING:
    from ..training import Data, Run

ENOUGH_STEPS = 100  # before the loss is compared with guessing
VALIDATION_EXAMPLES = 256  # looked at for shifted labels


class Teacher(Callback):
    """What `fit(..., warn=True)` adds to a training: a `TrainingWarning`, once each, with evidence and advice.

    Parameters
    ----------
    data : (Examples, array)
        The training data.
    batch_size : int
    shuffle : bool
        As `fit` got them.
    """

    def __init__(self, data: Data, batch_size: int, shuffle: bool):
        self.data, self.batch_size, self.shuffle = data, batch_size, shuffle
        self.told: set[str] = set()

    def tell(self, code: str, text: str) -> None:
        """Warn, once; an empty text says nothing."""
        if text and code not in self.told:
            self.told.add(code)
            tell(code, text)

    def on_train_begin(self, run: Run) -> None:
        """Look at network, labels and validation data."""
        model, loss, (x, labels) = run.model, run.loss, self.data
        self.tell("probabilities-as-logits", network.probabilities_as_logits(model, loss))
        self.tell("tiny-batches", network.tiny_batches(model, self.batch_size, len(x)))
        self.tell("one-class-only", data.one_class_only(labels, loss, "data"))
        if not self.shuffle:
            self.tell("one-class-only", data.one_class_a_batch(labels, loss, self.batch_size))
        self.tell("labels-shifted", data.labels_from_one(labels, loss, model.output_shape[-1]))
        if run.validation is not None:
            self.tell("one-class-only", data.one_class_only(run.validation[1], loss, "validation"))
            if batches.in_memory(x) and batches.in_memory(run.validation[0]):
                self.tell("validation-in-training", validation_in_training(x, run.validation[0]))
        self.dead_units = DeadUnits(model)
        self.guess = progress.guessing_loss(loss, labels, model.output_shape[-1])
        self.guess_accuracy = progress.guessing_accuracy(labels) if data.has_classes(loss) else None
        self.steps, self.losses = 0, []

    def on_epoch_begin(self, run: Run) -> None:
        """Count the epoch's losses from its start."""
        self.losses = []

    def on_batch_begin(self, run: Run) -> None:
        """Look at the first examples."""
        if self.steps == 0:
            self.tell("inputs-not-scaled", data.inputs_not_scaled(run.batch[0], run.model.layers))

    def on_loss(self, run: Run) -> None:
        """Look at the ReLU layers' outputs."""
        if "dead-relu" not in self.told:
            self.tell("dead-relu", self.dead_units.look(run.optimizer.learning_rate))

    def on_batch_end(self, run: Run) -> None:
        """Count the step, and look at its loss."""
        if self.steps == 0:
            self.loss = self.first_loss = run.batch_loss
        self.steps += 1
        self.losses.append(run.batch_loss)
        self.tell("loss-not-finite", progress.not_finite(run.batch_loss, run.epoch, run.step))

    def on_epoch_end(self, run: Run) -> None:
        """Look at what the epoch has come to."""
        if run.ends or not self.losses:
            return
        self._compare_with_guessing(run)
        self._compare_with_validation(run)

    def _compare_with_guessing(self, run: Run) -> None:
        """Of an epoch, the second half counts: the first step may begin anywhere. A loss that falls is waited for."""
        before, self.loss = self.loss, float(np.mean(self.losses[len(self.losses) // 2 :]))
        if self.guess is None or self.steps < ENOUGH_STEPS or self.loss < progress.FALLING * before:
            return
        if not self.loss > progress.HARDLY * self.guess:
            return
        history = run.history
        examples = [len(labels) for _, labels in (self.data, run.validation or self.data)]
        accuracies = zip((history.accuracy[-1], history.val_accuracy[-1]), examples, strict=True)
        better = any(progress.beats_guessing(accuracy, self.guess_accuracy, n) for accuracy, n in accuracies)
        better |= run.validation is not None and history.val_loss[-1] < progress.HARDLY * self.guess
        if better and self.loss < progress.FAR_ABOVE * self.guess:
            return
        learning_rate = run.optimizer.learning_rate
        text = progress.not_below_chance(self.loss, self.first_loss, self.guess, self.steps, learning_rate)
        self.tell("loss-not-below-chance", text)

    def _compare_with_validation(self, run: Run) -> None:
        """Where the validation accuracy is far below the training accuracy, see whether labels are shifted."""
        accuracy, val_accuracy = run.history.accuracy[-1], run.history.val_accuracy[-1]
        if "labels-shifted" in self.told or self.guess_accuracy is None or val_accuracy is None:
            return
        if not progress.far_apart(accuracy, val_accuracy, self.guess_accuracy):
            return
        x, labels = (part[:VALIDATION_EXAMPLES] for part in run.validation)
        predicted = run.loss.classes(run.model.predict(x))
        classes = max(run.model.output_shape[-1], 2)  # one logit is for two
        self.tell("labels-shifted", progress.shifted_labels(predicted, labels.reshape(-1), classes, accuracy))
