"""What a network has learned: its first kernels, and what a layer makes of an image."""

from __future__ import annotations

import copy

import numpy as np
from matplotlib.figure import Figure

from ..arguments import checked_kind
from ..layers import Conv2D
from ..model import Sequential
from .gallery import gallery
from .style import COLOURS, INK, label_axes, new_figure


def first_layer_filters(model: Sequential) -> Figure:
    """Kernels of the first convolution, one picture a filter.

    Kernels on three channels are shown as colours, each scaled from its lowest to its highest weight. Others are shown
    with a colour scale on which white is zero, one row of pictures a channel.

    Parameters
    ----------
    model : Sequential

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If the model has no convolution.

    Examples
    --------
    >>> from minicnn import Conv2D, Sequential, plots
    >>> figure = plots.first_layer_filters(Sequential([Conv2D(8, 3)], input_shape=(28, 28, 1)))
    >>> figure.get_suptitle()
    '8 filters of the first convolution, 3x3 pixels'
    """
    checked_kind("first_layer_filters", "model", model, Sequential, "a Sequential")
    first = next((layer for layer in model.layers if isinstance(layer, Conv2D)), None)
    if first is None:
        raise ValueError(f"first_layer_filters needs a model with a Conv2D layer, got {model!r}.")
    w = first.params["w"]  # (KH, KW, C, F)
    in_colour = w.shape[2] == 3
    title = f"{w.shape[3]} filters of the first convolution, {w.shape[0]}x{w.shape[1]} pixels"
    if in_colour:
        low, high = w.min(axis=(0, 1, 2)), w.max(axis=(0, 1, 2))
        tiles = np.moveaxis((w - low) / np.where(high > low, high - low, 1), 3, 0)
        return gallery(tiles, title, [f"{f + 1}" for f in range(len(tiles))])
    tiles = np.moveaxis(w, (2, 3), (1, 0)).reshape(-1, *w.shape[:2])
    names = [
        f"{f + 1}" if w.shape[2] == 1 else f"{f + 1}, ch {c + 1}" for f in range(w.shape[3]) for c in range(w.shape[2])
    ]
    return gallery(tiles, title, names, "weight")


def activations(model: Sequential, image: np.ndarray, layer_name: str) -> Figure:
    """What one layer makes of one image, in evaluation mode: a picture a channel, or a bar a unit.

    Parameters
    ----------
    model : Sequential
        Left as it is.
    image : array, shape (H, W, C)
        One image as the model takes it.
    layer_name : str
        One of `model.layer_names`.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If there is no such layer, or the image has another shape than the model takes.

    Examples
    --------
    >>> from minicnn import Conv2D, ReLU, Sequential, datasets, plots
    >>> model = Sequential([Conv2D(8, 3), ReLU()], input_shape=(28, 28, 1))
    >>> image = datasets.load("fashion-mini").test.images[0]
    >>> plots.activations(model, image, "relu_1").savefig("activations.png")
    """
    checked_kind("activations", "model", model, Sequential, "a Sequential")
    if layer_name not in model.layer_names:
        raise ValueError(f"The model has no layer {layer_name!r}; it has {', '.join(model.layer_names)}.")
    x = np.asarray(image)[np.newaxis]
    model.check_batch(x)
    x = x.astype(model.dtype)
    for layer in copy.deepcopy(model.layers)[: model.layer_names.index(layer_name) + 1]:
        x = layer.forward(x)
    title = f"{layer_name}: activations of one image"
    if x.ndim == 4:
        tiles = np.moveaxis(x[0], 2, 0)
        return gallery(tiles, title, [f"{c + 1}" for c in range(len(tiles))], "activation", image)
    figure = new_figure(2.8)
    ax = figure.subplots()
    ax.bar(np.arange(x.size), x[0], width=0.9, color=COLOURS[2])
    label_axes(ax, title=title, xlabel="unit", ylabel="activation")
    ax.axhline(0, color=INK, linewidth=0.8)
    return figure
