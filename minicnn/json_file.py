"""Numbers as a JSON file, whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from .atomic_write import atomic_write


def write_json(path: str | Path, content: object) -> None:
    """Write content as JSON; numbers that are not finite become null, for JSON knows none.

    Parameters
    ----------
    path : str or Path
        Missing folders are made.
    content : dict, list, tuple, number, str or None
        And such in one another.

    Raises
    ------
    TypeError
        If something else is among them.
    OSError
        If the file cannot be written; `path` is as it was then.
    """
    text = json.dumps(_finite(content), indent=1, allow_nan=False)
    with atomic_write(path) as file:
        file.write(text.encode())


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
