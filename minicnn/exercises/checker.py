"""Checking several exercises of a folder: what they build on first, two processes side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from .course import Entry, find, path
from .folder import file_name
from .learner import Learner
from .memory import Memory
from .sandbox import Limits, check_apart
from .verdict import Problem, Status, Verdict

SIDE_BY_SIDE = 2


class Checker:
    """Checks exercises of one folder.

    Parameters
    ----------
    folder : Path
        The learner's.
    limits : Limits
        Of each exercise.
    memory : Memory
        Is told what passed; what passed before is not checked again only because another exercise builds on it.
    figures : dict of str to Path, optional
        For which exercises to draw the last gradient report, and where.
    """

    def __init__(self, folder: Path, limits: Limits, memory: Memory, figures: Mapping[str, Path] | None = None):
        self.folder, self.limits, self.memory, self.figures = folder, limits, memory, figures or {}

    def check(self, asked: Sequence[Entry]) -> Iterator[Verdict]:
        """Verdicts on the exercises asked for and on those they build on, in the order of the path, as they come.

        Yields
        ------
        Verdict
        """
        stop, verdicts = threading.Event(), {}
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            try:
                for entry in with_earlier(asked):
                    verdicts[entry.name] = pool.submit(self._verdict, entry, entry in asked, verdicts, stop)
                for name, coming in verdicts.items():
                    verdict = coming.result()
                    self.memory.note(find(name), verdict.passed)
                    yield verdict
            finally:  # also after Ctrl-C
                stop.set()
                pool.shutdown(cancel_futures=True)
                self.memory.save()

    def _verdict(
        self, entry: Entry, asked: bool, verdicts: Mapping[str, Future[Verdict]], stop: threading.Event
    ) -> Verdict:
        """Judge one exercise, once there are verdicts on those that it builds on."""
        file = self.folder / file_name(entry)
        if not file.is_file():
            return Verdict(
                entry.name, Status.NOT_STARTED, Problem("import", "file-missing", f"There is no {file.name}.")
            )
        if Learner(file).is_untouched(entry.functions):
            return Verdict(entry.name, Status.NOT_STARTED)
        lacking = [name for name in entry.exercise.builds_on if not verdicts[name].result().passed]
        if lacking:
            message = f"It builds on {' and '.join(lacking)}, not passed yet."
            return Verdict(entry.name, Status.WAITING, Problem("before", "waiting", message))
        if not asked and self.memory.has_passed(entry):
            return Verdict(entry.name, Status.PASSED)
        return check_apart(entry, self.folder, self.limits, stop, self.figures.get(entry.name))


def with_earlier(entries: Sequence[Entry]) -> list[Entry]:
    """These exercises and all that they build on, in the order of the path."""
    names, todo = set(), [entry.name for entry in entries]
    while todo:
        name = todo.pop()
        if name not in names:
            names.add(name)
            todo += find(name).exercise.builds_on
    return [entry for entry in path() if entry.name in names]
