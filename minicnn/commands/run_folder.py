"""What `minicnn train` writes beside the run's file, and prints after each epoch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..callbacks import Callback, CSVLog, LiveCurves

if TYPE_CHECKING:
    from ..training import Run
    from .training_config import TrainingConfig


class RunFolder(Callback):
    """Write config.json, history.csv and curves.png, and a line an epoch.

    Parameters
    ----------
    settings : TrainingConfig
        What is trained, and where the folder is.
    """

    def __init__(self, settings: TrainingConfig):
        self.settings = settings
        folder = Path(settings.out)
        self.files = CSVLog(folder / "history.csv"), LiveCurves(folder / "curves.png")

    @property
    def config(self) -> dict:
        """Nothing that a run depends on: its folder may be moved."""
        return {}

    def on_train_begin(self, run: Run) -> None:
        """Write the configuration: by now everything is known to fit."""
        self.settings.write()
        for file in self.files:
            file.on_train_begin(run)
        self.started = False

    def on_epoch_begin(self, run: Run) -> None:
        """Say where an earlier run is gone on with."""
        if not self.started and (run.epoch or run.tally.steps):
            steps = f", step {run.tally.steps + 1}" if run.tally.steps else ""
            print(f"Goes on with epoch {run.epoch + 1}{steps}.", flush=True)
        self.started = True

    def on_epoch_end(self, run: Run) -> None:
        """Write the table and the figure, and print the epoch's line."""
        for file in self.files:
            file.on_epoch_end(run)
        history = run.history
        print(
            f"epoch {run.epoch + 1}/{run.epochs}  loss {history.loss[-1]:.4f}  "
            f"accuracy {100 * history.accuracy[-1]:.1f} %  test loss {history.val_loss[-1]:.4f}  "
            f"test accuracy {100 * history.val_accuracy[-1]:.1f} %  {history.seconds[-1]:.1f} s",
            flush=True,
        )

    def on_train_end(self, run: Run) -> None:
        """Draw what was not drawn yet; say so if nothing was left to do."""
        for file in self.files:
            file.on_train_end(run)
        if not self.started:
            print(f"All {run.history.epochs} epochs are done already; --epochs for more, --fresh to start anew.")
