"""What is remembered in a learner's folder: hints seen, solutions asked for, and what has passed.

A convenience: where the file is missing, damaged or cannot be written, nothing is remembered, and no error raised.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..atomic_write import atomic_write
from .course import PATH, Entry, find

NAME = ".minicnn-exercises.json"


@dataclass
class Memory:
    """What is remembered.

    Attributes
    ----------
    folder : Path
        The learner's folder.
    hints : dict of str to int
        How many hints of an exercise were shown.
    solutions : list of str
        The exercises whose solution was shown.
    passed : dict of str to str
        Fingerprints of the files that have passed.
    """

    folder: Path
    hints: dict[str, int] = field(default_factory=dict)
    solutions: list[str] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Memory:
        """Read what is remembered in a folder."""
        try:
            values = json.loads((folder / NAME).read_text(encoding="utf-8"))
            return cls(
                folder,
                {str(name): int(count) for name, count in values["hints"].items()},
                [str(name) for name in values["solutions"]],
                {str(name): str(fingerprint) for name, fingerprint in values["passed"].items()},
            )
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return cls(folder)

    def save(self) -> None:
        """Write it down, if the folder can be written to; with what another command has noted in the meantime."""
        now = Memory.of(self.folder)
        self.hints = {n: max(m.hints.get(n, 0) for m in (self, now)) for n in self.hints | now.hints}
        self.solutions = sorted({*self.solutions, *now.solutions})
        values = asdict(self)
        del values["folder"]
        with suppress(OSError), atomic_write(self.folder / NAME) as file:
            file.write(json.dumps(values, indent=1).encode())

    def note(self, entry: Entry, passed: bool) -> None:
        """Remember whether an exercise, with its file as it is now, passes."""
        if passed:
            self.passed[entry.name] = self._fingerprint(entry)
        else:
            self.passed.pop(entry.name, None)

    def has_passed(self, entry: Entry) -> bool:
        """Whether it has, and neither its file nor one that it builds on has changed since."""
        unchanged = self.passed.get(entry.name, "") == self._fingerprint(entry)
        return unchanged and all(self.has_passed(find(name)) for name in entry.exercise.builds_on)

    def _fingerprint(self, entry: Entry) -> str:
        """A hash of the learner's file and of the exercise itself, which may be a newer one."""
        digest = hashlib.sha256()
        for folder in (self.folder, PATH):
            with suppress(OSError):
                digest.update((folder / f"{entry.name}.py").read_bytes())
        return digest.hexdigest()
