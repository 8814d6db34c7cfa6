"""fit: the training loop.

    for each epoch, for each batch of the shuffled examples:
        forward, loss, backward, step                                                               (1)

The loop itself is `train_epoch`; around it stand the epochs, the validation, the callbacks and the checks.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from . import batches
from .arguments import checked_count, checked_flag, checked_kind
from .augment import check_pipeline
from .batches import Augment, Examples
from .callbacks import Callback
from .finite import FiniteCheck
from .history import History, Tally
from .kernels import memory, parallel
from .losses import Loss
from .model import Sequential
from .onlooker import Onlooker
from .optimizers import Optimizer
from .resume import RunFile, run_file_for
from .teacher import Teacher

Data = tuple[Examples, np.ndarray]


@dataclass
class Run:
    """A training run as its callbacks see it.

    Attributes
    ----------
    model, optimizer, loss, callbacks, validation, history
        As `fit` got or made them.
    epochs : int
        How many were asked for.
    onlooker : Onlooker, optional
        Sees what goes through the model in each step.
    epoch, step : int
        The present ones, from 0; the step is counted within the epoch. At the end of training, `epoch` is the number
        of epochs done.
    tally : Tally
        What the present epoch's steps have given so far.
    order_rng : dict
        State of the model's random generator from which the present epoch's order was drawn.
    epochs_done : float
        Progress with a fraction for the steps done, in epochs.
    batch : (array, array)
        The present examples and labels.
    batch_loss : float
        The present batch's loss.
    stop : bool
        Set by a callback to end training after this step.
    stop_reason : str
        Why.
    ctrl_c : bool
        Whether Ctrl-C was pressed, at whatever moment.
    interrupted : bool
        Whether training has heeded it, which it does between two steps and between two epochs only.
    """

    model: Sequential
    optimizer: Optimizer
    loss: Loss
    callbacks: Sequence[Callback]
    epochs: int
    validation: Data | None = None
    history: History = field(default_factory=History)
    onlooker: Onlooker | None = None
    epoch: int = 0
    step: int = 0
    tally: Tally = field(default_factory=Tally)
    order_rng: dict = field(default_factory=dict)
    epochs_done: float = 0.0
    batch: Data | None = None
    batch_loss: float = float("nan")
    stop: bool = False
    stop_reason: str = ""
    ctrl_c: bool = False
    interrupted: bool = False

    @property
    def ends(self) -> bool:
        """Whether no further step is to be taken."""
        return self.stop or self.interrupted

    def notify(self, event: str) -> None:
        """Call the method named `event` of every callback."""
        for callback in self.callbacks:
            getattr(callback, event)(self)


def fit(
    model: Sequential,
    data: Data,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int = 1,
    batch_size: int = 32,
    validation: Data | None = None,
    shuffle: bool = True,
    augment: Augment | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
    threads: int | None = None,
    resume: str | Path | RunFile | None = None,
    check_finite: bool = False,
    warn: bool = True,
) -> History:
    """Train a model.

    Parameters
    ----------
    model : Sequential
        Changed in place.
    data : (array, array)
        Examples `(N, *input_shape)` and labels (N,). Instead of an array, the examples may be a `numpy.memmap` or any
        object with `len(x)` and `x[a:b]`: a batch at a time is in memory then, see `minicnn.batches`.
    loss : Loss
    optimizer : Optimizer
    epochs : int
        Passes over the data.
    batch_size : int
        Examples a step; the last batch of an epoch holds what is left.
    validation : (array, array), optional
        Evaluated after each epoch; examples as in `data`.
    shuffle : bool
        Whether each epoch takes the examples in a new random order.
    augment : function `(images, *, epoch, batch) -> images`, optional
        Changes the images of every batch, such as an `augment.Pipeline`; validation images stay as they are.
    callbacks : sequence of Callback
    progress : bool, optional
        Whether to draw a progress bar; by default only on a terminal.
    threads : int, optional
        By default the environment variable MINICNN_THREADS, else all cores.
    resume : str, Path or RunFile, optional
        A file in which the run is kept while it goes on, after each epoch and in long ones every minute. If it is there
        already, the run goes on from it and ends as if it had never been cut off, bit for bit; data and settings have
        to be the same as they were, only `epochs` may be more. See `minicnn.resume`.
    check_finite : bool
        Whether to look at every array of every step, and to end at the first that holds NaN or infinity.
    warn : bool
        Whether to give a `TrainingWarning` where data, network or progress look as if something was not meant so.

    Returns
    -------
    history : History
        Ctrl-C ends training after the present step: the epoch is recorded as far as it came, and the history returned.

    Raises
    ------
    TypeError, ValueError
        If data, model and options do not fit together; nothing has changed then.
    NonFiniteError
        With `check_finite`: says where NaN or infinity arose and why, before the step reaches the parameters.

    Examples
    --------
    >>> from minicnn import SGD, Dense, Flatten, Sequential, SoftmaxCrossEntropy, datasets, fit
    >>> data = datasets.load("digits")
    >>> model = Sequential([Flatten(), Dense(10)], input_shape=data.image_shape)
    >>> history = fit(model, data.train, validation=data.test, loss=SoftmaxCrossEntropy(), optimizer=SGD(0.5), epochs=5)
    >>> history.val_accuracy[-1] > 0.85
    True
    """
    _check_flags(shuffle=shuffle, check_finite=check_finite, warn=warn)
    if progress is not None and not isinstance(progress, bool | np.bool_):
        raise TypeError(f"fit takes True, False or None as progress, got {progress!r:.80}.")
    checked_kind("fit", "model", model, Sequential, "a Sequential")
    _check_kinds(loss, optimizer, callbacks, augment)
    x, labels = _checked_data(model, data, loss, "data", augment)
    if validation is not None:
        validation = _checked_data(model, validation, loss, "validation")
    checked_count("fit", "epochs", epochs, at_least=1)
    _check_batch_size(model, batch_size, len(x))
    parallel.check_threads(threads)
    loss = copy(loss)  # what its forward pass keeps is this run's own: runs side by side may be given the same loss
    run = Run(model, optimizer, loss, callbacks, epochs, validation)
    settings = {"batch_size": batch_size, "shuffle": shuffle, "augment": augment}
    _add_companions(run, x, labels, settings, resume, warn, check_finite)
    numpy_warnings = "ignore" if check_finite else None  # the check says it better; None: as they are
    with parallel.threads(threads), _ctrl_c_stops(run), np.errstate(all=numpy_warnings):
        run.notify("on_train_begin")
        while run.epoch < epochs and not run.ends:
            start = time.perf_counter()
            run.notify("on_epoch_begin")
            order = draw_order(run, x, batch_size) if shuffle else np.arange(len(x))
            mean = train_epoch(run, x, labels, order, batch_size, progress, augment)
            val = model.evaluate(validation, loss) if validation is not None else {"loss": None, "accuracy": None}
            run.history.append(
                **mean,
                val_loss=val["loss"],
                val_accuracy=val["accuracy"],
                learning_rate=optimizer.learning_rate,
                seconds=time.perf_counter() - start,
            )
            run.notify("on_epoch_end")
            run.epoch, run.tally = run.epoch + 1, Tally()
            run.interrupted = run.ctrl_c
        run.history.stop_reason = "Ctrl-C" if run.interrupted else run.stop_reason
        run.notify("on_train_end")
    memory.give_back()
    return run.history


def _add_companions(
    run: Run,
    x: Examples,
    labels: np.ndarray,
    settings: dict,
    resume: str | Path | RunFile | None,
    warn: bool,
    check_finite: bool,
) -> None:
    """Put those beside the user's callbacks that `fit` was asked for."""
    if resume is not None:
        run.callbacks = [*run.callbacks, run_file_for(resume, run, x, labels, settings)]  # last: it keeps all the rest
    run.model.mode_watch.begin_training(settings["batch_size"], warn)
    if warn:
        run.callbacks = [Teacher((x, labels), settings["batch_size"], settings["shuffle"]), *run.callbacks]
    if check_finite:
        run.onlooker = FiniteCheck()
        run.callbacks = [run.onlooker, *run.callbacks]  # first: nobody saves what is not finite


def draw_order(run: Run, x: Examples, batch_size: int) -> np.ndarray:
    """Draw the order of the present epoch's examples; for an epoch that was cut off, once more the same."""
    generator = run.model.rng.bit_generator
    now = generator.state
    if run.tally.steps == 0:
        run.order_rng = now
        return batches.draw_order(x, batch_size, run.model.rng)
    generator.state = run.order_rng
    order = batches.draw_order(x, batch_size, run.model.rng)
    generator.state = now
    return order


def train_epoch(
    run: Run,
    x: Examples,
    labels: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    progress: bool | None,
    augment: Augment | None = None,
) -> dict[str, float | None]:
    """One pass over the data, or what is left of it after `run.tally.steps` steps: the loop (1).

    Parameters
    ----------
    run : Run
    x, labels : array
        Examples and labels.
    order : integer array
        Which example comes when.
    batch_size : int
    progress, augment : optional
        As in `fit`.

    Returns
    -------
    dict
        "loss" and "accuracy": means over the steps.
    """
    model, loss, optimizer = run.model, run.loss, run.optimizer
    meter = Meter(run, len(order), progress)
    first = run.tally.steps
    reading = batches.epoch_batches(x, labels, order, batch_size, augment=augment, epoch=run.epoch, first=first)
    with meter.bar, reading as of_epoch:
        for run.step, run.batch in enumerate(of_epoch, start=first):
            run.epochs_done = run.epoch + run.step * batch_size / len(order)
            run.notify("on_batch_begin")
            logits = model.forward(run.batch[0], training=True, onlooker=run.onlooker)
            run.batch_loss = loss.forward(logits, run.batch[1])
            run.notify("on_loss")
            if run.stop:
                break  # before the step: a loss that is not finite must not reach the parameters
            model.backward(loss.backward(), need_dx=False, keep_caches=False, onlooker=run.onlooker)
            optimizer.step(model.params, model.grads)
            meter.add(logits)
            run.notify("on_batch_end")
            if run.ctrl_c:
                run.interrupted = True
                run.notify("on_interrupt")
            if run.ends:
                break
    return meter.means()


class Meter:
    """Running means of loss and accuracy over an epoch, shown in a progress bar."""

    def __init__(self, run: Run, examples: int, progress: bool | None):
        self.run = run
        self.bar = tqdm(
            total=examples,
            initial=run.tally.seen,
            desc=f"epoch {run.epoch + 1}/{run.epochs}",
            unit="img",
            disable=None if progress is None else not progress,  # None: tqdm looks whether a terminal is there
        )

    def add(self, logits: np.ndarray) -> None:
        """Count the present batch."""
        labels = self.run.batch[1]
        self.run.tally.add(len(labels), self.run.batch_loss, self.run.loss.correct(logits, labels))
        if not self.bar.disable:
            self.bar.set_postfix({k: f"{v:.3f}" for k, v in self.means().items() if v is not None}, refresh=False)
            self.bar.update(len(labels))

    def means(self) -> dict[str, float | None]:
        """Loss and accuracy so far; the first batch's loss where no step was taken."""
        return self.run.tally.means() if self.run.tally.seen else {"loss": self.run.batch_loss, "accuracy": None}


@contextmanager
def _ctrl_c_stops(run: Run) -> Iterator[None]:
    """Let the first Ctrl-C end the run after the present step; a second one interrupts at once, as usual."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return
    usual = signal.getsignal(signal.SIGINT)

    def stop(*_) -> None:
        run.ctrl_c = True
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _check_flags(**flags: bool) -> None:
    """See that each is True or False."""
    for name, value in flags.items():
        checked_flag("fit", name, value)


def _check_kinds(loss: Loss, optimizer: Optimizer, callbacks: Sequence[Callback], augment: Augment | None) -> None:
    """See that each is an object of its kind."""
    if not isinstance(loss, Loss):
        raise TypeError(f"loss takes a loss such as SoftmaxCrossEntropy(), got {loss!r}.")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer takes an optimizer such as SGD(0.01), got {optimizer!r}.")
    if not isinstance(callbacks, Sequence) or not all(isinstance(callback, Callback) for callback in callbacks):
        raise TypeError(f"callbacks takes a list such as callbacks=[EarlyStopping()], got {callbacks!r}.")
    check_pipeline("fit", augment)


def _checked_data(model: Sequential, data: Data, loss: Loss, name: str, augment: Augment | None = None) -> Data:
    """See that examples and labels fit together, the model and the loss, by trying the first few."""
    x, labels = batches.checked_pair(data, "fit", name)
    first, labels = batches.peek(x, name), batches.all_labels(labels, name)
    if len(x) == 0 or len(x) != len(labels):
        raise ValueError(f"{name} needs as many labels as examples, at least one, got {len(x)} and {len(labels)}.")
    kinds = np.unique(labels) if labels.dtype.kind in "iu" and labels.ndim == 1 else labels  # enough to try, and fewer
    with np.errstate(all="ignore"):  # a loss of one's own may take the logarithm of these zeros
        loss.value(np.zeros((len(kinds), *model.output_shape), model.dtype), kinds)
    if augment is None:
        model.check_batch(first)
    else:
        try:
            model.check_batch(augment(first[:1], epoch=0, batch=0))
        except (TypeError, ValueError) as error:
            raise type(error)(f"The first batch does not fit the model after augment: {error}") from error
    return x, labels


def _check_batch_size(model: Sequential, batch_size: int, n: int) -> None:
    """See that also the last batch of an epoch is large enough for the model."""
    checked_count("fit", "batch_size", batch_size, at_least=1)
    last = n % batch_size or batch_size
    if last < model.smallest_training_batch:
        raise ValueError(
            f"With {n} examples and batch_size={batch_size} the last batch holds {last}, but batch norm on vectors "
            f"needs at least {model.smallest_training_batch}: one alone is its own mean. Use another batch_size."
        )
