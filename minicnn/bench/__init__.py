"""minicnn bench: how long training takes, where the time goes, and how that compares with others.

    networks      a training step and a prediction of two networks, by minicnn and by every peer       race.py
    layers        forward and backward of each layer, and how near convolutions come to their limit    layers.py
    start         from nothing to the first step                                                       start.py
    memory        peak memory of a training run, and how it grows with the batch                       memory.py
    growth        time per image over batch size, image side and threads                               growth.py
    techniques    what each technique in minicnn's code gains, by switching it off                     techniques.py
    options       what augmentation and other options of `fit` add to a training step                  options.py

Everything is a median with quartiles over several rounds, in which all that is compared takes turns (clock.py), each
contestant in a process of its own (worker.py). The results are rows: dictionaries of numbers and names, as they go into
the JSON file. tables.py prints them, figure.py draws them, goals.py holds them against what was wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .settings import Settings

FORMAT = 1
HOME = {  # part -> the module that measures it
    "networks": "race",
    "layers": "layers",
    "start": "start",
    "memory": "memory",
    "growth": "growth",
    "techniques": "techniques",
    "options": "options",
}


def run(settings: Settings, say: Callable[[str], None] = print, earlier: dict | None = None) -> dict:
    """Measure the parts asked for, and print each part's table when it is done.

    Parameters
    ----------
    settings : Settings
    say : function of a str
        Where tables and messages go.
    earlier : dict, optional
        Results whose other parts are kept.

    Returns
    -------
    results : dict
        "format", "machine", "peers", "settings", and for each part its list of rows; what JSON can hold.
    """
    from . import machine, tables

    results = (earlier or {}) | {
        "format": FORMAT,
        "machine": machine.about(),
        "peers": machine.peers(),
        "settings": settings.to_dict(),
    }
    say(tables.machine(results))
    for part in settings.parts:
        results[part] = list(import_module(f".{HOME[part]}", __name__).measure(settings, say))
        say(f"\n{getattr(tables, part)(results[part])}")
    results["goals"] = import_module(".goals", __name__).compare(results)
    results["machine"]["busy_afterwards"] = machine.busy()
    say(f"\n{tables.goals(results)}")
    return results
