"""The process in which a learner's code runs: it judges one exercise, or trains one arm of the lesson, and ends.

    python -m minicnn.exercises.worker SCRATCH

`sandbox.py` is the other side. SCRATCH is a folder with the order in it, and gets the answer: files, which no print of
the learner's can disturb.

    order.json      what to do: exercise, folder, seconds, memory, confined, figure, lesson
    seal            what the answer must have in it to be believed; read and removed before the learner's code runs
    trail           the titles of the checks begun, a line each; exists as soon as the learner's code may run
    stack           where the code stood when time was up, or when Python crashed
    verdict.json    the answer; empty if the process did not come so far
    figure.*        the last gradient report, if ordered
    curves.json     the lesson's curves so far, if that was ordered
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil

from . import confine, course, guard, yours
from .judge import judge
from .learner import Learner
from .verdict import Status, Verdict

try:
    import resource
except ImportError:  # Windows has no such limits: there the parent's eye on the memory is all
    resource = None

LARGEST_FILE = 100 << 20  # bytes that a file may have that the code writes while it is graded


def main() -> None:
    """Do what the order says."""
    scratch = Path(sys.argv[1])
    order = json.loads((scratch / "order.json").read_text(encoding="utf-8"))
    seal = (scratch / "seal").read_text(encoding="utf-8")
    (scratch / "seal").unlink()
    entry, folder = course.find(order["exercise"]), Path(order["folder"])
    checks = len(entry.exercise.checks)  # loads the libraries: their time and memory are not the learner's
    train = _training(scratch, order["lesson"]) if "lesson" in order else None
    sys.path.append(str(folder))  # at the end: a file called random.py there must not hide Python's
    os.chdir(folder)
    yours.folder = folder
    reports = []
    end, answer = guard.put_up(), (scratch / "verdict.json").open("w", encoding="utf-8")
    with (scratch / "trail").open("w", encoding="utf-8", buffering=1) as trail, (scratch / "stack").open("w") as stack:
        if order["confined"]:
            _confine(folder)
        _limit_memory(order["memory"])
        faulthandler.enable(stack)
        faulthandler.dump_traceback_later(order["seconds"], exit=True, file=stack)
        learner = Learner(folder / f"{entry.name}.py")
        try:
            if train is not None:
                print("the lesson", file=trail)
                train()
                verdict = Verdict(entry.name, Status.PASSED)
            else:
                verdict = judge(entry, learner, reports.append, lambda title: print(title, file=trail))
        except BaseException as error:  # a KeyboardInterrupt of the learner's own, or no memory left to tell of it
            _limit_memory(None)
            verdict = Verdict(entry.name, Status.WRONG, learner.problem_of(error, "run", ""), checks=checks)
        faulthandler.cancel_dump_traceback_later()
    _limit_memory(None)
    with answer:
        answer.seek(0)
        answer.truncate()
        json.dump({"seal": seal, "verdict": verdict.to_dict()}, answer)
    if order.get("figure") and reports:
        reports[-1].plot(scratch / f"figure{order['figure']}")
    sys.stdout.flush()
    end(0)  # at once, whatever threads are left


def _training(scratch: Path, lesson: dict) -> Callable[[], object]:
    """Prepare the training of one arm: its curves are written after each epoch."""
    from ..lesson import Size  # loads the layers, which judging does not need
    from .own_network import OwnTraining

    prepared = OwnTraining(lesson["arm"], lesson["seed"], Size(**lesson["size"]))
    return lambda: prepared(yours, lambda curves: _write(scratch / "curves.json", asdict(curves)))


def _confine(folder: Path) -> None:
    """Hold this process to a folder: it writes there only, is at home there, and has no network."""
    from numba.core.caching import Cache

    Cache.save_overload = lambda cache, signature, data: None  # what is compiled from now on would be written elsewhere
    os.environ |= dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(folder))
    tempfile.tempdir = None
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    random.seed(0)
    np.random.seed(0)
    confine.network()
    confine.writing(folder)
    guard.write_only_in(folder)


def _write(path: Path, values: dict) -> None:
    """Write a JSON file whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(values), encoding="utf-8")
    part.replace(path)


def _limit_memory(more: int | None) -> None:
    """Let allocations fail beyond so many bytes more than now, with an error at the learner's line; None: no limit."""
    if resource is None:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    soft = hard if more is None else psutil.Process().memory_info().vms + more
    with suppress(ValueError, OSError):  # macOS has the name of this limit only
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    main()
