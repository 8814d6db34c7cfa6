"""Noticing that a file was saved, by looking now and then: the same on every system and every kind of disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

PAUSE = 0.3  # seconds between two looks


class Saves:
    """Watches files.

    Parameters
    ----------
    files : sequence of Path
        A file may be missing, now or for a moment: some editors write a new file and put it in the old one's place.
    """

    def __init__(self, files: Sequence[Path]):
        self.files = files
        self.seen = self._look()

    def wait(self) -> list[Path]:
        """Wait for a save, and until all are still; returns the files that were saved since the last time."""
        changed = []
        while not changed:  # a deleted file is no saved one
            before, now = self.seen, self._look()
            while now == self.seen or now != before:
                time.sleep(PAUSE)
                before, now = now, self._look()
            changed = [file for file in self.files if now[file] not in (None, self.seen[file])]
            self.seen = now
        return changed

    def _look(self) -> dict[Path, tuple[int, int] | None]:
        return {file: _stamp(file) for file in self.files}


def _stamp(file: Path) -> tuple[int, int] | None:
    """Time of the last change and size; None if there is no such file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
