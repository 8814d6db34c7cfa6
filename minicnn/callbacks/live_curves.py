"""Learning curves that are drawn anew while training goes on."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import checked_count, checked_path
from ..atomic_write import atomic_write
from .callback import Callback

if TYPE_CHECKING:
    from ..training import Run

DPI = 100  # enough for a screen, and a quarter of a printed figure's pixels to draw


class LiveCurves(Callback):
    """Draw the learning curves after each epoch, into a picture file or under a notebook's cell.

    The file is put in place as a whole: a viewer that shows it anew when it changes, as most do, never finds half a
    picture. A drawing takes a few tenths of a second; where epochs are shorter than that, `every` saves time.

    Parameters
    ----------
    path : str or Path, optional
        A file that ends in .png; None draws in the notebook that runs the training.
    every : int
        Draw after each so many epochs, at least 1, and at the end.

    Examples
    --------
    >>> from pathlib import Path
    >>> import minicnn as mc
    >>> from minicnn.callbacks import LiveCurves
    >>> model = mc.Sequential([mc.Flatten(), mc.Dense(10)], input_shape=(8, 8, 1))
    >>> how = {"loss": mc.SoftmaxCrossEntropy(), "optimizer": mc.SGD(0.1), "callbacks": [LiveCurves("curves.png")]}
    >>> history = mc.fit(model, mc.datasets.load("digits").train, epochs=2, **how)
    >>> Path("curves.png").is_file()
    True
    """

    def __init__(self, path: str | Path | None = None, every: int = 1):
        path = None if path is None else checked_path("LiveCurves", path)
        if path is not None and Path(path).suffix.lower() != ".png":
            raise ValueError(f'LiveCurves draws a file that ends in .png, such as "curves.png", got {path!r}.')
        self.path = path
        self.every = checked_count("LiveCurves", "every", every, at_least=1)

    def on_train_begin(self, run: Run) -> None:
        """See that there is a place to draw."""
        self.drawn = 0
        if self.path is None:
            self.notebook = _NotebookFigure()
        elif Path(self.path).is_dir():
            raise IsADirectoryError(f"LiveCurves cannot draw into {self.path!r}: it is a folder.")

    def on_epoch_end(self, run: Run) -> None:
        """Draw the history, if it is time."""
        if run.history.epochs - self.drawn >= self.every:
            self._draw(run)

    def on_train_end(self, run: Run) -> None:
        """Draw what was not drawn yet."""
        if run.history.epochs > self.drawn:
            self._draw(run)

    def _draw(self, run: Run) -> None:
        from .. import plots  # here, because it loads Matplotlib

        picture = io.BytesIO()
        plots.learning_curves(run.history).savefig(picture, format="png", dpi=DPI)
        self.drawn = run.history.epochs
        if self.path is None:
            self.notebook.show(picture.getvalue())
            return
        with atomic_write(self.path) as file:
            file.write(picture.getvalue())


class _NotebookFigure:
    """A picture under the running cell, which the next one replaces."""

    def __init__(self):
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if not hasattr(shell, "kernel"):
            raise RuntimeError(
                "LiveCurves() draws in a notebook, and this program runs in none. "
                'Give it a file: LiveCurves("curves.png").'
            )
        self.shown = None

    def show(self, png: bytes) -> None:
        from IPython.display import Image, display

        if self.shown is None:
            self.shown = display(Image(png), display_id=True)
        else:
            self.shown.update(Image(png))
