"""Writing a file whole or not at all.

The new content goes into a second file in the same folder, down to the disk, and then takes the old one's place in one
step. Whoever reads `path`, and whenever the program is killed, there is the old content or the new, never a part.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """Open a binary file that becomes `path` at the end of the `with` block, if no error came.

    Parameters
    ----------
    path : str or Path
        Missing folders are made; a link is followed, so that its target is replaced.

    Yields
    ------
    file : binary file, open for writing

    Raises
    ------
    OSError
        If the file cannot be written; `path` is as it was then.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name with no content
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
