"""Checkpoints: a model, and if wanted its whole training, in one file.

The file is a plain NumPy archive (.npz), not compressed and without pickle, so that opening one never runs code from
it. `numpy.load` opens it too. Its arrays:

    "architecture"          text, JSON: the format's number, 2, and what architecture.py says about the model
    "params/NAME"           a parameter, NAME as in model.params
    "state/NAME"            a running statistic, NAME as in model.state
    "rng"                   where the model's random generator stands, see rng.py
    "optimizer"             text, JSON: type, config and iterations; only if an optimizer was saved
    "optimizer/NAME/SLOT"   an array of optimizer.state
    "history"               text, JSON: the columns of the history; only if one was saved
    "run", "run/..."        how far a run has come that `fit(resume=...)` goes on with, see resume.py
    "checksums"             text, JSON: for each of the others the SHA-256 of its dtype, shape and bytes

Format 1 had the first three only, and no checksums; it is read as well.

A file is written beside the old one and takes its place when it is whole (atomic_write.py). A file that is read may
come from anywhere: what is believed of it, and when, stands in reader.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..arguments import checked_path
from ..history import History
from ..model import Sequential
from ..optimizers import Optimizer
from .contents import FORMAT, Contents
from .optimizer import build_optimizer, describe_optimizer
from .reader import read_file
from .writer import write_file

__all__ = ["FORMAT", "SavedRun", "load", "load_run", "save"]


class SavedRun(NamedTuple):
    """What `load_run` gives; the optimizer and the history are None if they were not saved."""

    model: Sequential
    optimizer: Optimizer | None
    history: History | None


def save(
    model: Sequential, path: str | Path, *, optimizer: Optimizer | None = None, history: History | None = None
) -> None:
    """Write a model, and if wanted its optimizer and its history, into one file, whole or not at all.

    Parameters
    ----------
    model : Sequential
    path : str or Path
        Usually ends in ".npz"; an existing file is replaced, missing folders are made.
    optimizer : Optimizer, optional
        With its slots and its number of steps, so that training can go on where it stands.
    history : History, optional
        What `fit` returned.

    Raises
    ------
    TypeError
        If an argument is of another kind.
    ValueError
        If something could not be built again from the file; nothing is written then.
    OSError
        If the file cannot be written; an existing file is as it was then.

    Examples
    --------
    >>> import minicnn as mc
    >>> model = mc.Sequential([mc.Dense(2)], input_shape=(3,))
    >>> mc.save(model, "model.npz")
    >>> sorted(np.load("model.npz"))
    ['architecture', 'checksums', 'params/dense_1.b', 'params/dense_1.w', 'rng']
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"save takes a model first, save(model, path), got {model!r:.80}.")
    checked_path("save", path)
    if not (optimizer is None or isinstance(optimizer, Optimizer)):
        raise TypeError(f"save takes as optimizer the one that trained the model, got {optimizer!r:.80}.")
    if not (history is None or isinstance(history, History)):
        raise TypeError(f"save takes as history what fit returned, got {history!r:.80}.")
    write_file(path, Contents(model, optimizer and describe_optimizer(optimizer), history))


def load(path: str | Path) -> Sequential:
    """Build the model that `save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    model : Sequential
        With the parameters, the state and the random generator in the file; of a file of format 1, the generator is at
        the start of its seed.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a checkpoint of minicnn, is damaged, or has a newer format.

    Examples
    --------
    >>> import minicnn as mc
    >>> mc.save(mc.Sequential([mc.Dense(2)], input_shape=(3,)), "model.npz")
    >>> mc.load("model.npz")
    Sequential([Dense(2)], input_shape=(3,), seed=0, dtype='float32')
    """
    return read_file(path).model


def load_run(path: str | Path) -> SavedRun:
    """Build the model, the optimizer and the history that `save` or `fit(resume=...)` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    run : SavedRun
        Can be unpacked: `model, optimizer, history = load_run(path)`.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load`; also if the optimizer is not among `minicnn.optimizers.OPTIMIZERS`.

    Examples
    --------
    >>> import minicnn as mc
    >>> mc.save(mc.Sequential([mc.Dense(2)], input_shape=(3,)), "run.npz", optimizer=mc.Adam(0.01))
    >>> model, optimizer, history = mc.load_run("run.npz")
    >>> optimizer, history is None
    (Adam(learning_rate=0.01), True)
    """
    contents = read_file(path)
    optimizer = contents.optimizer and build_optimizer(contents.optimizer, str(path))
    return SavedRun(contents.model, optimizer, contents.history)
