"""Writing a file whole or not at all.

The new content goes into a second file in the same folder, down to the disk, and then takes the old one's place in one
step. Whoever reads `path`, and whenever the program is killed, there is the old content or the new, never a part.

    write ".NAME.PID.part"     what a killed program leaves of it, the next to write NAME removes
    fsync the file             else a power cut could leave the new name without its content
    rename it to NAME          one step for the file system
    fsync the folder           else a power cut could bring the old content back; Windows knows no such call
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .arguments import checked_path


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
    path = Path(checked_path("Writing", path)).resolve()
    if path.is_dir():
        raise IsADirectoryError(f"The path {path} is a folder: give the name of a file in it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    _flush_folder(path.parent)


def _remove_leftovers(path: Path) -> None:
    """Remove what programs that are no longer running left beside `path`."""
    import psutil  # comes when first used

    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        pid = part.name.split(".")[-2]
        if pid.isdecimal() and len(pid) < 10 and not psutil.pid_exists(int(pid)):
            part.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Bring a change of names in the folder down to the disk."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot, and the file itself is safe by now
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
