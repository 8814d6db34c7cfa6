"""Reading a checkpoint that may be damaged, or made to do harm.

Each step believes only what the steps before have seen to:

    safe_npz.py: the arrays are plain ones, and there; none is compressed, so that they need no more memory than
    the file has bytes                                                                              (1)
    the architecture is a short text, and its format is known                                       (2)
    the file holds every parameter that the architecture asks for; now the model is built           (3)
    the file holds just the arrays that this model has, and slots like its parameters               (4)
    every array has the checksum that is written down for it                                        (5)

All errors are ValueError and name the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

from ..arguments import checked_path
from ..history import History
from ..model import Arrays, Sequential
from ..safe_npz import ArrayHeader, SafeNpz
from .architecture import build
from .contents import READABLE_FORMATS, Contents
from .rng import rng_array, rng_state
from .writer import checksum

MOST_ARCHITECTURE = 1 << 20  # bytes of text, 4 a letter: thousands of layers
MOST_TEXT = 1 << 24  # bytes: a history of many thousand epochs
TEXTS = ("optimizer", "history", "run", "checksums")


def read_file(path: str | Path) -> Contents:
    """Read a checkpoint from a file; errors as `read`, and FileNotFoundError if there is none."""
    path = Path(checked_path("load", path))
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint {path}.")
    with path.open("rb") as file:
        return read(file, str(path))


def read(file: BinaryIO, source: str) -> Contents:
    """Read a checkpoint.

    Parameters
    ----------
    file : binary file, open for reading
    source : str
        Its name, for the messages.

    Returns
    -------
    contents : Contents

    Raises
    ------
    ValueError
        If one of the rules (1) to (5) is broken.
    """
    damaged = f"{source} is not a checkpoint of minicnn, or is damaged"
    with _told_as(damaged):
        archive = SafeNpz(file)
        headers = {name: archive.header(name) for name in archive.names}
        if any(header.offset is None for header in headers.values()):
            raise ValueError("it is compressed, which checkpoints never are")  # (1)
        architecture = _read_text(archive, "architecture", MOST_ARCHITECTURE)
        if "format" not in architecture:
            raise ValueError("its architecture names no format")
    version = architecture["format"]
    if version not in READABLE_FORMATS:
        raise ValueError(
            f"{source} has checkpoint format {version!r:.20}; this minicnn reads the formats"
            f" {' and '.join(map(str, READABLE_FORMATS))}. Install a newer minicnn."
        )  # (2)
    with _told_as(f"The architecture in {source} cannot be built"):
        shapes = {name.removeprefix("params/"): headers[name].shape for name in headers if name.startswith("params/")}
        model = build(architecture, shapes)  # (3)
    with _told_as(f"{source} does not fit its own architecture"):
        _check_arrays(headers, model, version)  # (4)
    with _told_as(damaged):
        texts = {name: _read_text(archive, name, MOST_TEXT) for name in TEXTS if name in headers}
        arrays = {name: archive.read(name, max_bytes=headers[name].nbytes) for name in headers}
        if version > 1:
            _check_checksums(arrays, texts["checksums"])  # (5)
        return _contents(model, arrays, texts)


@contextmanager
def _told_as(what: str) -> Iterator[None]:
    """Put `what` before the message of a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{what}: {error}.") from error


def _read_text(archive: SafeNpz, name: str, max_bytes: int) -> dict:
    """Read JSON that is one object."""
    if name not in archive.names:
        raise ValueError(f"it has no {name}")
    array = archive.read(name, max_bytes=max_bytes)
    if array.dtype.kind != "U" or array.ndim:
        raise ValueError(f"its {name} is no text")
    try:
        values = json.loads(str(array))
    except RecursionError:
        raise ValueError(f"its {name} is nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError(f"its {name} is no JSON object")
    return values


def _check_arrays(headers: dict[str, ArrayHeader], model: Sequential, version: int) -> None:
    """See that the file has just the arrays of this model, and slots like its parameters, rule (4).

    What stands under "run/" is looked at in resume.py.
    """
    texts, free = {"architecture"}, ()
    like = {f"params/{name}": array for name, array in model.params.items()}
    like |= {f"state/{name}": array for name, array in model.state.items()}
    missing = [name for name in like if name not in headers]
    if version > 1:
        texts, free = texts | set(TEXTS), "run/"
        missing += [name for name in ("rng", "checksums") if name not in headers]
        like["rng"] = rng_array(model.rng.bit_generator.state)
        slots = {name: name.split("/", 1)[1].rpartition("/")[0] for name in headers if name.startswith("optimizer/")}
        like |= {name: model.params[param] for name, param in slots.items() if param in model.params}
    unknown = [name for name in headers if name not in like and name not in texts and not name.startswith(free)]
    parts = [f"it lacks {', '.join(missing)}"] * bool(missing)
    parts += [f"it has an unknown {', '.join(unknown)}"] * bool(unknown)
    if parts:
        raise ValueError(f"{' and '.join(parts):.1000}")
    for name, array in like.items():
        shape, dtype = headers[name].shape, headers[name].dtype.newbyteorder("=")
        if shape != array.shape or dtype != array.dtype:
            raise ValueError(f"{name} is {dtype} of shape {shape}, expected {array.dtype} of shape {array.shape}")


def _check_checksums(arrays: Arrays, checksums: dict) -> None:
    """See that every array is what was written, rule (5)."""
    for name, array in arrays.items():
        if name != "checksums" and checksums.get(name) != checksum(array):
            raise ValueError(f"{name} does not have the checksum that was written down for it")
    if len(checksums) != len(arrays) - 1:
        raise ValueError("arrays are missing that it has checksums for")


def _contents(model: Sequential, arrays: Arrays, texts: dict[str, dict]) -> Contents:
    """Put what was read into its places."""
    for name, param in model.params.items():
        param[...] = arrays[f"params/{name}"]
    model.set_state({name: arrays[f"state/{name}"] for name in model.state})
    if "rng" in arrays:
        model.rng.bit_generator.state = rng_state(arrays["rng"])
    contents = Contents(model, run=texts.get("run", {}), run_arrays=_under("run/", arrays))
    if "optimizer" in texts:
        state = {name: {} for name in model.params}
        for name, array in _under("optimizer/", arrays).items():
            param, _, slot = name.rpartition("/")
            state[param][slot] = array
        contents.optimizer = texts["optimizer"] | {"state": {name: slots for name, slots in state.items() if slots}}
    if "history" in texts:
        contents.history = _history(texts["history"])
    return contents


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _history(values: dict) -> History:
    """Make a history of its columns."""
    columns = {field.name for field in fields(History)} - {"stop_reason"}
    lists = [values.get(name) for name in columns]
    if set(values) != columns | {"stop_reason"} or not all(isinstance(column, list) for column in lists):
        raise ValueError(f"its history has the columns {sorted(values)}, expected {sorted(columns)}")
    if len({len(column) for column in lists}) > 1:
        raise ValueError("the columns of its history differ in length")
    if not all(isinstance(number, (int, float, type(None))) for column in lists for number in column):
        raise ValueError("its history has entries that are no numbers")
    return History(**values | {"stop_reason": str(values["stop_reason"])})
