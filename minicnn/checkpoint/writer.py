"""Writing a checkpoint: everything as arrays under the names of the format, their checksums, one file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from ..atomic_write import atomic_write
from ..model import Arrays
from .architecture import describe
from .contents import FORMAT, Contents
from .rng import rng_array


def write_file(path: str | Path, contents: Contents) -> None:
    """Write a file, whole or not at all.

    Parameters
    ----------
    path : str or Path
    contents : Contents

    Raises
    ------
    ValueError
        If something could not be built again; nothing is written then.
    OSError
        If the file cannot be written; an existing file is as it was then.
    """
    arrays = _arrays(contents)
    checksums = {name: checksum(array) for name, array in arrays.items()}
    with atomic_write(path) as file:
        np.savez(file, **arrays, checksums=_text(checksums))


def checksum(array: np.ndarray) -> str:
    """SHA-256 of an array's dtype, shape and bytes, the same on machines of either byte order."""
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(array.reshape(-1).view(np.uint8))
    return digest.hexdigest()


def _arrays(contents: Contents) -> Arrays:
    """Everything but the checksums, under the names that it has in the file."""
    model = contents.model
    arrays = {"architecture": _text({"format": FORMAT} | describe(model))}
    arrays |= {f"params/{name}": array for name, array in model.params.items()}
    arrays |= {f"state/{name}": array for name, array in model.state.items()}
    arrays["rng"] = rng_array(model.rng.bit_generator.state)
    if contents.optimizer is not None:
        arrays["optimizer"] = _text({k: v for k, v in contents.optimizer.items() if k != "state"})
        state = contents.optimizer["state"]
        arrays |= {f"optimizer/{name}/{slot}": a for name, slots in state.items() for slot, a in slots.items()}
    if contents.history is not None:
        arrays["history"] = _text(contents.history.to_dict())
    if contents.run:
        arrays["run"] = _text(contents.run)
        arrays |= {f"run/{name}": array for name, array in contents.run_arrays.items()}
    return arrays


def _plain_number(value: object) -> object:
    """Turn a NumPy number into Python's; JSON knows no other value that it does not write by itself."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r:.80} is none")


def _text(values: dict) -> np.ndarray:
    try:
        return np.array(json.dumps(values, default=_plain_number))
    except TypeError as error:
        raise ValueError(f"A checkpoint holds plain values and arrays only: {error}.") from error
