"""Figures: what training did, what the network has learned, what it sees and what it mixes up.

Every function returns a `matplotlib.figure.Figure` of its own, made without pyplot: nothing opens a window and nothing
is kept behind the scenes. `figure.savefig("name.png")` writes it.

>>> from minicnn import datasets, plots
>>> figure = plots.contact_sheet(datasets.load("digits"))
>>> figure.savefig("digits.png")
"""

from .confusion import confusion_matrix
from .curves import learning_curves, lesson_figure, own_lesson_figure
from .images import augmented, batch, contact_sheet
from .network import activations, first_layer_filters

__all__ = [
    "activations",
    "augmented",
    "batch",
    "confusion_matrix",
    "contact_sheet",
    "first_layer_filters",
    "learning_curves",
    "lesson_figure",
    "own_lesson_figure",
]
