"""The history as a table on the disk."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import checked_path
from ..atomic_write import atomic_write
from .callback import Callback

if TYPE_CHECKING:
    from ..training import Run


class CSVLog(Callback):
    """Write the history as a table, one row an epoch.

    The file is written anew after each epoch and put in place as a whole, so that it is complete whenever the program
    ends. A new training replaces it.

    Parameters
    ----------
    path : str or Path

    Examples
    --------
    >>> from pathlib import Path
    >>> import minicnn as mc
    >>> from minicnn.callbacks import CSVLog
    >>> model = mc.Sequential([mc.Flatten(), mc.Dense(10)], input_shape=(8, 8, 1))
    >>> how = {"loss": mc.SoftmaxCrossEntropy(), "optimizer": mc.SGD(0.1), "callbacks": [CSVLog("log.csv")]}
    >>> history = mc.fit(model, mc.datasets.load("digits").train, epochs=2, **how)
    >>> Path("log.csv").read_text().splitlines()[0]
    'epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds'
    """

    COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")

    def __init__(self, path: str | Path):
        self.path = checked_path("CSVLog", path)

    def on_epoch_end(self, run: Run) -> None:
        """Write the table; what was not measured stays empty."""
        text = io.StringIO(newline="")
        table = csv.writer(text)
        table.writerow(("epoch", *self.COLUMNS))
        columns = [getattr(run.history, name) or [None] * run.history.epochs for name in self.COLUMNS]
        table.writerows((epoch, *row) for epoch, row in enumerate(zip(*columns, strict=True), start=1))
        with atomic_write(self.path) as file:
            file.write(text.getvalue().encode())
