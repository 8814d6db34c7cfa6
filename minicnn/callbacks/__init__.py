"""Callbacks: what happens beside the training loop.

`fit` calls the hooks of every callback, in the order of the list, with the one `run` that describes the training
(`minicnn.training.Run`):

    on_train_begin
        on_epoch_begin
            on_batch_begin      forward pass, loss
            on_loss             backward pass, step
            on_batch_end
            on_interrupt            only where Ctrl-C ends training
        on_epoch_end
    on_train_end

`run.stop = True` ends training: before the step if set in `on_loss`, otherwise after the batch or epoch; the reason
goes to `run.stop_reason`. At `on_epoch_end`, `run.history` has this epoch's entry already.

One's own callback is a subclass with the hooks it needs:

    class PrintLearningRate(Callback):
        def on_epoch_end(self, run):
            print(run.epoch, run.optimizer.learning_rate)

And one that is there already, for a learning rate that falls:

>>> import minicnn as mc
>>> from minicnn.callbacks import ScheduleLearningRate
>>> data = mc.datasets.load("digits")
>>> model = mc.Sequential([mc.Flatten(), mc.Dense(10)], data.image_shape)
>>> rate = ScheduleLearningRate(lambda epoch: 0.5 / (1 + epoch))
>>> history = mc.fit(model, data.train, loss=mc.SoftmaxCrossEntropy(), optimizer=mc.SGD(), epochs=2, callbacks=[rate])
>>> history.learning_rate[-1] < history.learning_rate[0]
True
"""

from .best_so_far import BestSoFar
from .callback import Callback
from .checkpoint import Checkpoint
from .csv_log import CSVLog
from .early_stopping import EarlyStopping
from .learning_rate import ScheduleLearningRate
from .live_curves import LiveCurves
from .stop_on_nan import StopOnNaN

__all__ = [
    "BestSoFar",
    "CSVLog",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "LiveCurves",
    "ScheduleLearningRate",
    "StopOnNaN",
]
