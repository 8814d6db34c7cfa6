"""Kill a training at random moments, start it again each time, and see that nothing is lost.

    python tests/kill_training.py --kills 200

After every kill the run's file has to be whole, and no older than it was. The run that was killed so often has to end
with the same bits as one that never was.

Waiting for the disk (fsync) guards against power cuts, which a kill is not; it is left out unless asked for (--fsync),
so that the kills hit everything else too. On Windows, where processes cannot be forked, starting one takes so long that
20 kills have to do.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

import minicnn
from minicnn import callbacks, datasets, schedules
from minicnn.resume import RunFile

EPOCHS = 12


@cache
def digits() -> datasets.Dataset:
    """A small data set, loaded once for all children."""
    return datasets.load("digits").subset(600, 100)


def train(path: Path | None, seed: int, every_steps: int | None) -> minicnn.Sequential:
    """One run, the same for the same seed; `path` keeps it."""
    layers = [minicnn.Flatten(), minicnn.Dense(24), minicnn.BatchNorm(), minicnn.ReLU(), minicnn.Dropout(0.2)]
    model = minicnn.Sequential([*layers, minicnn.Dense(10)], input_shape=(8, 8, 1), seed=seed)
    data = digits()
    minicnn.fit(
        model,
        data.train,
        validation=data.test,
        loss=minicnn.SoftmaxCrossEntropy(),
        optimizer=minicnn.Adam(0.01),
        epochs=EPOCHS,
        callbacks=[
            callbacks.ScheduleLearningRate(schedules.CosineDecay(0.01, epochs=EPOCHS)),
            callbacks.EarlyStopping(patience=EPOCHS),
        ],
        threads=1,
        progress=False,
        resume=path and RunFile(path, every_steps=every_steps),
    )
    return model


def start(path: Path, seed: int):
    """Start a process that trains; return functions that kill it and that tell whether it has finished."""
    if not hasattr(os, "fork"):
        child = subprocess.Popen([sys.executable, __file__, "--train", str(path), "--seed", str(seed)])
        return lambda: (child.kill(), child.wait()), lambda: child.poll() == 0
    pid = os.fork()
    if pid == 0:
        try:
            train(path, seed, every_steps=1)
            os._exit(0)
        finally:
            os._exit(1)  # an error has been told by then; what follows is the parent's
    finished = []

    def has_finished() -> bool:
        if not finished and (ended := os.waitpid(pid, os.WNOHANG)) != (0, 0):
            assert ended == (pid, 0), "the training failed"
            finished.append(True)
        return bool(finished)

    def kill() -> None:
        if not has_finished():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    return kill, has_finished


def steps_kept(path: Path) -> int:
    """Read the whole file, with all its checksums; -1 if there is none yet."""
    return minicnn.load_run(path).optimizer.iterations if path.exists() else -1


def same(one: minicnn.Sequential, other: minicnn.Sequential) -> bool:
    """Whether two models are the same, bit for bit."""
    pairs = zip(
        [*one.params.values(), *one.state.values()], [*other.params.values(), *other.state.values()], strict=True
    )
    return all(np.array_equal(a, b) for a, b in pairs)


def kill_often(folder: Path, kills: int) -> dict[str, int]:
    """Kill a run `kills` times; where one comes to its end before, go on with another."""
    counts = {"kills": 0, "in the midst of writing": 0, "runs": 0}
    patience, seed, chance = 0.1, 0, random.Random(0)
    path = folder / "run.npz"
    while counts["kills"] < kills:
        before = steps_kept(path)
        kill, has_finished = start(path, seed)
        time.sleep(chance.uniform(0, patience))
        finished = has_finished()
        kill()
        after = steps_kept(path)
        assert after >= before, f"the file went back from step {before} to {after}"
        patience *= 0.9 if after > before else 1.1  # about half the kills come after a step was kept
        if finished:
            check_end(path, seed)
            counts["runs"], seed = counts["runs"] + 1, seed + 1
            path.unlink()
        else:
            counts["kills"] += 1
            counts["in the midst of writing"] += any(folder.glob(".run.npz.*.part"))
    check_end(path, seed)
    counts["runs"] += 1
    return counts


def check_end(path: Path, seed: int) -> None:
    """Let the run come to its end, and compare it with one that was never killed."""
    resumed = train(path, seed, every_steps=None)
    assert same(resumed, train(None, seed, every_steps=None)), "the run that was killed ended differently"
    assert same(resumed, minicnn.load(path)), "the file does not hold the trained model"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "something was left beside the file"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200 if hasattr(os, "fork") else 20)
    parser.add_argument("--fsync", action="store_true", help="wait for the disk as in earnest: takes minutes")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.fsync:
        os.fsync = lambda descriptor: None
    tqdm.set_lock(threading.RLock())  # its usual lock is shared with forks: one that dies with it locks all others out
    if arguments.train:
        train(arguments.train, arguments.seed, every_steps=1)
        return
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder) / "first.npz", 0, None)  # loads and compiles everything once, for all children
        (Path(folder) / "first.npz").unlink()
        counts = kill_often(Path(folder), arguments.kills)
    print(", ".join(f"{count} {what}" for what, count in counts.items()))


if __name__ == "__main__":
    main()
