"""A learner's file checked in a process of its own, with a limit of time and of memory.

Whatever the code does there (an endless loop, a crash, an exit, a huge array, prints without end), here comes back a
verdict that says so. `worker.py` is the other side.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from ..results import Curves
from .course import Entry, find
from .learner import told_lines
from .submission import copy_files, few_variables
from .verdict import Problem, Status, Verdict

POLL = 0.02  # seconds between two looks at the process
STARTUP = 120.0  # seconds for loading the libraries, with a cold disk and Numba's first compilation
USUAL_SECONDS = 10.0
GRACE = 2.0  # seconds after which the process is ended from here, if it has not ended itself
MOST_PRINTED, MOST_LINES = 1200, 10  # characters and lines of what was printed
PACKAGE = Path(__file__).parents[2]  # the folder that `minicnn` is imported from
FRAME = re.compile(r'  File "(.*)", line (\d+) in (.*)')


@dataclass(frozen=True)
class Limits:
    """How much the checks of one exercise may take.

    Attributes
    ----------
    seconds : float, optional
        Time, of the learner's code and the checks; loading the libraries is not counted. None: the exercise's own
        limit, or the usual one.
    memory : int
        Bytes on top of what the libraries take.
    confined : bool
        Whether the code gets a copy of the folder's Python files, may write in that folder only, and has no network, as
        far as the system can see to it.
    """

    seconds: float | None = None
    memory: int = 1 << 30
    confined: bool = False


class StoppedError(Exception):
    """Somebody asked to stop."""


def check_apart(
    entry: Entry,
    folder: Path,
    limits: Limits = Limits(),
    stop: threading.Event | None = None,
    figure: Path | None = None,
) -> Verdict:
    """Judge an exercise in another process.

    Parameters
    ----------
    entry : Entry
        The exercise.
    folder : Path
        The learner's folder.
    limits : Limits
    stop : threading.Event, optional
        Ends the check when it is set.
    figure : Path, optional
        Where to draw the last gradient report; no file is made if the checks ended before one.

    Returns
    -------
    Verdict

    Raises
    ------
    StoppedError
        If `stop` was set.
    """
    limits = replace(limits, seconds=limits.seconds or entry.exercise.seconds or USUAL_SECONDS)
    with tempfile.TemporaryDirectory(prefix="minicnn-", ignore_cleanup_errors=True) as name:
        if limits.confined:
            folder = copy_files(folder, Path(name).resolve() / "copy")
        verdict = _carried_out(Path(name), entry, folder, limits, stop, {"figure": figure and figure.suffix})
        for drawn in Path(name).glob("figure.*"):
            figure.write_bytes(drawn.read_bytes())
        return verdict


def train_apart(
    folder: Path,
    lesson: Mapping[str, Any],
    limits: Limits,
    stop: threading.Event | None = None,
    after_epoch: Callable[[Curves], None] | None = None,
) -> tuple[Verdict, Curves]:
    """Train one arm of the lesson with the learner's functions in another process.

    Parameters
    ----------
    folder : Path
        The learner's folder, every exercise of the path in it.
    lesson : dict
        "arm", "seed" and "quick", for `minicnn.exercises.own_network`.
    limits : Limits
    stop : threading.Event, optional
        Ends the training when it is set.
    after_epoch : function, optional
        Gets the curves so far.

    Returns
    -------
    verdict : Verdict
        On exercise 15; passed, or what went wrong on the way.
    curves : Curves
        As far as it came.

    Raises
    ------
    StoppedError
        If `stop` was set.
    """
    with tempfile.TemporaryDirectory(prefix="minicnn-", ignore_cleanup_errors=True) as name:
        file, curves = Path(name) / "curves.json", Curves()

        def look() -> None:
            nonlocal curves
            if file.exists():
                now = Curves(**json.loads(file.read_text(encoding="utf-8")))
                if len(now.test_loss) > len(curves.test_loss):
                    curves = now
                    if after_epoch is not None:
                        after_epoch(curves)

        verdict = _carried_out(Path(name), find("15_lesson"), folder, limits, stop, {"lesson": dict(lesson)}, look)
        look()
        return verdict, curves


def _carried_out(
    scratch: Path,
    entry: Entry,
    folder: Path,
    limits: Limits,
    stop: threading.Event | None,
    task: Mapping[str, Any],
    look: Callable[[], None] = lambda: None,
) -> Verdict:
    """Give the order to a process, watch it and take its answer; `look` is called every now and then."""
    order = {"exercise": entry.name, "folder": str(folder.resolve()), **task}
    order |= {"seconds": limits.seconds, "memory": limits.memory, "confined": limits.confined}
    (scratch / "order.json").write_text(json.dumps(order), encoding="utf-8")
    seal = secrets.token_hex()
    (scratch / "seal").write_text(seal, encoding="utf-8")
    process = _started(scratch, few_variables(os.environ) if limits.confined else os.environ)
    printed = Printed(process.stdout)
    try:
        reason = _watch(process, scratch, limits, stop, look)
    finally:
        _end(process)
    verdict = _answer(scratch, seal) or _ended_early(entry, scratch, reason, process.returncode, limits)
    return replace(verdict, printed=printed.text())


def _started(scratch: Path, variables: Mapping[str, str]) -> subprocess.Popen:
    """Start the worker in a session of its own, so that Ctrl-C reaches this process alone."""
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    settings = {"MPLBACKEND": "agg", "PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8:replace"}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", f"{__package__}.worker", str(scratch)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**variables, **one_thread, **settings},
        cwd=PACKAGE,
        start_new_session=True,
    )


def _watch(
    process: subprocess.Popen,
    scratch: Path,
    limits: Limits,
    stop: threading.Event | None,
    look: Callable[[], None],
) -> str:
    """Wait until the process has ended or must be ended; returns why: "ended", "time" or "memory"."""
    deadline, libraries = time.monotonic() + STARTUP, None
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL)
            return "ended"
        if stop is not None and stop.is_set():
            raise StoppedError
        look()
        if libraries is None and (scratch / "trail").exists():
            deadline, libraries = time.monotonic() + limits.seconds + GRACE, _resident(process)
        if time.monotonic() > deadline:
            return "time"
        if libraries is not None and _resident(process) > libraries + limits.memory:
            return "memory"


def _resident(process: subprocess.Popen) -> int:
    """Bytes of memory that a process holds."""
    try:
        return psutil.Process(process.pid).memory_info().rss
    except psutil.Error:  # it has just ended
        return 0


def _end(process: subprocess.Popen) -> None:
    """End the process, and what it may have started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _answer(scratch: Path, seal: str) -> Verdict | None:
    """The worker's verdict, if it came so far; an unsealed one is somebody else's."""
    try:
        answer = json.loads((scratch / "verdict.json").read_text(encoding="utf-8"))
        return Verdict.from_dict(answer["verdict"]) if answer["seal"] == seal else None
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _ended_early(entry: Entry, scratch: Path, reason: str, status: int, limits: Limits) -> Verdict:
    """A verdict on code that did not let the worker give one."""
    code, message = _told_end(scratch, reason, status, limits)
    trail = scratch / "trail"
    begun = trail.read_text(encoding="utf-8").splitlines() if trail.exists() else []
    problem = Problem("run", code, message, begun[-1] if begun else "import")
    return Verdict(entry.name, Status.WRONG, problem, tuple(begun[:-1]), len(entry.exercise.checks))


def _told_end(scratch: Path, reason: str, status: int, limits: Limits) -> tuple[str, str]:
    """Code and message for how the process ended."""
    if not (scratch / "trail").exists():
        return "checker-failed", "The checker itself could not start; what it printed is below."
    stack = (scratch / "stack").read_text(encoding="utf-8", errors="replace")
    if reason == "memory":
        limit = f"{limits.memory >> 20:,} MB"
        return "out-of-memory", f"It took more than {limit} of memory and was ended. (--memory allows more.)"
    if reason == "time" or stack.startswith("Timeout"):
        stood = _learners_lines(stack, scratch)
        what = f"It was not done after {limits.seconds:g} s and was ended"
        what += ": an endless loop? It stood at" if stood else ". It did not stand in your file then."
        return "time-limit", "\n".join([what, *stood, "(--seconds allows more.)"])
    if stack:
        kind = stack.splitlines()[0]
        return "crashed", "\n".join([f"Python itself crashed: {kind}", *_learners_lines(stack, scratch)])
    how = f"status {status}" if status >= 0 else f"signal {-status}"
    return "ended", f"The process of the code ended before the checks were done ({how})."


def _learners_lines(stack: str, scratch: Path) -> list[str]:
    """The lines of the learner's folder that faulthandler wrote, outermost first; the main thread's if it has any."""
    folder = json.loads((scratch / "order.json").read_text(encoding="utf-8"))["folder"]
    written = folder.encode("ascii", "backslashreplace").decode()  # as faulthandler writes it
    found = []
    for thread in stack.split("most recent call first"):
        frames = [match.groups() for match in FRAME.finditer(thread)]
        lines = [
            (str(Path(folder, Path(file).name)), int(n), f)
            for file, n, f in frames
            if str(Path(file).parent) == written
        ]
        found = lines or found  # the main thread comes last
    return told_lines(reversed(found))


class Printed:
    """What a process prints, read to its end but only the beginning kept.

    Parameters
    ----------
    stream : binary file
        The process's output.
    """

    def __init__(self, stream: BinaryIO):
        self.stream, self.kept, self.length = stream, b"", 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        with self.stream:
            while chunk := self.stream.read1(1 << 16):
                self.kept += chunk[: MOST_PRINTED - len(self.kept)]
                self.length += len(chunk)

    def text(self) -> str:
        """The first lines, and how much is left out; the process must have ended."""
        self.reader.join(GRACE)
        lines = self.kept.decode("utf-8", errors="replace").splitlines()
        shown = "\n".join(lines[:MOST_LINES])
        left_out = self.length > len(self.kept) or len(lines) > MOST_LINES
        return f"{shown}\n... ({self.length:,} characters in all)" if left_out else shown
