"""Curves over the epochs: one training, or the arms of the lesson."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..arguments import checked_kind
from ..estimates import Estimate
from ..history import History
from ..results import Results, measures
from .style import COLOURS, INK, LARGE, MARKERS, NORMAL, SMALL, epoch_axis, epoch_numbers, label_axes, new_figure


def learning_curves(histories: History | Mapping[str, History]) -> Figure:
    """Loss and accuracy over the epochs.

    The training curves are means over each epoch's steps, while the network still learned and with dropout at work; the
    validation curves are measured after the epoch. Early on, or with dropout, validation may thus look better.

    Parameters
    ----------
    histories : History or dict of str to History
        One training run, or several by name.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If there is no epoch to show.

    Examples
    --------
    >>> from minicnn import History, plots
    >>> history = History(loss=[2.0, 1.1], val_loss=[1.5, 1.2], accuracy=[0.4, 0.7], val_accuracy=[0.5, 0.6])
    >>> figure = plots.learning_curves(history)
    >>> [ax.get_ylabel() for ax in figure.axes]
    ['loss', 'accuracy']
    """
    several = histories if isinstance(histories, Mapping) else {"": histories}
    for history in several.values():
        checked_kind("learning_curves", "histories", history, History, "what fit returned, or a dict of such,")
    if not several or not all(history.epochs for history in several.values()):
        raise ValueError(
            f"learning_curves needs histories with at least one epoch, got {histories!r:.60}. "
            "Train with fit(...) first."
        )
    with_accuracy = any(a is not None for h in several.values() for a in h.accuracy)
    figure = new_figure(3.4)
    quantities = ("loss", "accuracy") if with_accuracy else ("loss",)
    for ax, quantity in zip(np.atleast_1d(figure.subplots(1, len(quantities))), quantities, strict=True):
        for k, (name, history) in enumerate(several.items()):
            look = {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)], "markersize": 3.5}
            for kind, prefix, style in (("training, running mean", "", "--"), ("validation", "val_", "-")):
                values = [np.nan if v is None else v for v in getattr(history, prefix + quantity)]
                if not np.isnan(values).all():
                    ax.plot(epoch_numbers(values), values, style, label=f"{name} {kind}".strip(), **look)
        label_axes(ax, xlabel="epoch", ylabel=quantity)
        epoch_axis(ax)
        if quantity == "accuracy":
            ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    if ax.lines:  # none where every loss was NaN
        ax.legend(fontsize=SMALL, frameon=False)
    return figure


def lesson_figure(results: Results) -> Figure:
    """Loss and accuracy of every arm on training and test images, the gap between them, and the epochs to a target.

    Lines are means over the seeds, shades reach from the lowest to the highest seed.

    Parameters
    ----------
    results : minicnn.results.Results
        With at least one finished run.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If no run is finished.

    Examples
    --------
    >>> from minicnn import plots
    >>> from minicnn.results import Curves, Recipe, Results
    >>> about = {"name": "made up", "train_images": 100, "test_images": 100}
    >>> results = Results(about, Recipe(epochs=1), [0], 0.8, {"plain": {0: Curves([0.4], [0.9], [0.6], [0.8])}})
    >>> len(plots.lesson_figure(results).axes)
    6
    """
    checked_kind("lesson_figure", "results", results, Results, "what run_experiment returned")
    arms = [arm for arm, runs in results.runs.items() if runs]
    if not arms:
        raise ValueError("lesson_figure needs results with at least one finished run, got none.")
    figure = new_figure(5.9)
    axes = figure.subplots(2, 3)
    panels = {
        "train_loss": (axes[0, 0], "training loss (nats)"),
        "test_loss": (axes[0, 1], "test loss (nats)"),
        "gap": (axes[0, 2], "generalization gap (points)"),
        "train_accuracy": (axes[1, 0], "training accuracy"),
        "test_accuracy": (axes[1, 1], "test accuracy"),
    }
    for curve, (ax, label) in panels.items():
        for arm in arms:
            _band(ax, results.array(arm, curve) * (100 if curve == "gap" else 1), *_look(results, arm))
        label_axes(ax, title=label, xlabel="epoch")
        epoch_axis(ax)
    for row in (0, 1):  # training and test images on one scale
        axes[row, 1].sharey(axes[row, 0])
        axes[row, 0].autoscale(axis="y")
    for ax in axes[1, :2]:
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        ax.axhline(results.target, color=INK, linewidth=0.8, linestyle=":")
    axes[0, 2].axhline(0, color=INK, linewidth=0.8, linestyle=":")
    _draw_epochs_to_target(axes[1, 2], results, arms)
    seeds = len(results.common_seeds(*arms))
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names), frameon=False, fontsize=LARGE)
    data, spread = results.data, f"mean of {seeds} seeds, shaded from lowest to highest" if seeds > 1 else "one seed"
    figure.supxlabel(
        f"{data['name']}, {data['train_images']:,} training and {data['test_images']:,} test images; {spread}",
        fontsize=SMALL,
        color=INK,
    )
    return figure


def own_lesson_figure(own: Results, library: Results) -> Figure:
    """The arms of a learner's own network beside those of minicnn's: test loss and test accuracy, a column an arm.

    Parameters
    ----------
    own, library : minicnn.results.Results
        From the same data, recipe and seeds.

    Returns
    -------
    figure : Figure

    Raises
    ------
    ValueError
        If there is no arm of which both have finished a run.

    Examples
    --------
    >>> from minicnn import plots
    >>> from minicnn.results import Curves, Recipe, Results
    >>> results = Results({}, Recipe(epochs=1), [0], 0.8, {"plain": {0: Curves([0.4], [0.9], [0.6], [0.8])}})
    >>> [text.get_text() for text in plots.own_lesson_figure(own=results, library=results).axes[0].get_legend().texts]
    ['your layers', "minicnn's layers"]
    """
    for name, given in (("own", own), ("library", library)):
        checked_kind("own_lesson_figure", name, given, Results, "what run_experiment returned")
    arms = [arm for arm, runs in own.runs.items() if runs and library.runs.get(arm)]
    if not arms:
        raise ValueError("own_lesson_figure needs an arm of which both results have finished a run.")
    figure = new_figure(4.6)
    axes = figure.subplots(2, len(arms), sharex=True, sharey="row", squeeze=False)
    for column, arm in enumerate(arms):
        for ax, curve in zip(axes[:, column], ("test_loss", "test_accuracy"), strict=True):
            _, colour, marker = _look(own, arm)
            _band(ax, own.array(arm, curve), "your layers", colour, marker)
            rows = library.array(arm, curve)
            ax.plot(epoch_numbers(rows[0]), rows.mean(axis=0), "--", color=INK, linewidth=1.2, label="minicnn's layers")
            label_axes(
                ax, title=arm if curve == "test_loss" else "", xlabel="epoch" if curve == "test_accuracy" else ""
            )
            epoch_axis(ax)
    axes[0, 0].set_ylabel("test loss (nats)", fontsize=NORMAL, color=INK)
    axes[1, 0].set_ylabel("test accuracy", fontsize=NORMAL, color=INK)
    axes[1, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes[0, -1].legend(fontsize=SMALL, frameon=False)
    return figure


def _draw_epochs_to_target(ax: Axes, results: Results, arms: Sequence[str]) -> None:
    """One row an arm: a large mark for the mean with its standard error, and below it a small one for each seed."""
    last = results.recipe.epochs
    label_axes(ax, title=f"epochs to {100 * results.target:g} % test accuracy", xlabel="epochs")
    ax.set(xlim=(0, last + 0.5), ylim=(len(arms) - 0.4, -0.6), yticks=range(len(arms)), yticklabels=arms)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    for row, (arm, name) in enumerate(zip(arms, ax.get_yticklabels(), strict=True)):
        _, colour, marker = _look(results, arm)
        name.set_color(colour)
        values = results.values(arm, measures(results.target)["epochs_to_target"])
        reached = [epochs for epochs in values if epochs is not None]
        estimate = Estimate.of(values)
        mean, error = estimate.mean or 0, estimate.standard_error or 0
        if reached:
            below = row + np.linspace(0.2, 0.44, max(len(reached), 2))[: len(reached)]  # one under the other
            ax.plot(reached, below, "o", color=colour, markersize=3.5, markerfacecolor="white")
            ax.errorbar(mean, row, xerr=error or None, color=colour, marker=marker, markersize=7, capsize=3)
        to_the_right = mean < last / 2
        words = ax.annotate(
            estimate.text(1),
            (mean + error if to_the_right else mean - error, row),
            xytext=(8 if to_the_right else -8, 0),
            textcoords="offset points",
            ha="left" if to_the_right else "right",
            va="center",
            fontsize=SMALL,
            color=colour,
        )
        words.set_in_layout(False)  # it stands inside the axes


def _look(results: Results, arm: str) -> tuple[str, str, str]:
    """Name, colour and marker of an arm; the same whichever arms have finished."""
    k = list(results.runs).index(arm)
    return arm, COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]


def _band(ax: Axes, rows: np.ndarray, name: str, colour: str, marker: str) -> None:
    """Mean of the rows as a line, from their lowest to their highest as a shade."""
    epochs = epoch_numbers(rows[0])
    ax.plot(epochs, rows.mean(axis=0), color=colour, marker=marker, markersize=3.5, linewidth=1.6, label=name)
    if len(rows) > 1:
        ax.fill_between(epochs, rows.min(axis=0), rows.max(axis=0), color=colour, alpha=0.18, linewidth=0)
