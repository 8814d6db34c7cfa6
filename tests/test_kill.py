"""A training process is killed 200 times; atomic_write, whatever happens to the program."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minicnn.atomic_write import atomic_write

KILLS = 200 if hasattr(os, "fork") else 20


@pytest.mark.slow
def test_a_training_that_is_killed_often_loses_nothing():
    """See kill_training.py, which raises where something is lost."""
    script = Path(__file__).with_name("kill_training.py")
    done = subprocess.run(
        [sys.executable, str(script), "--kills", str(KILLS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kills, while_writing, runs = map(int, re.findall(r"\d+", done.stdout))
    assert kills == KILLS and runs >= 1
    assert while_writing >= KILLS // 20  # else the kills have missed what they are for


def test_the_leftovers_of_a_killed_program_are_removed(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    leftover = tmp_path / f".run.npz.{dead.stdout.decode().strip()}.part"
    others = [tmp_path / name for name in (f".run.npz.{os.getppid()}.part", ".run.npz.old.part", ".other.npz.1.part")]
    others.append(tmp_path / f".run.npz.{'9' * 30}.part")
    for path in (leftover, *others):
        path.write_bytes(b"half")
    with atomic_write(tmp_path / "run.npz") as file:
        file.write(b"new")
    assert not leftover.exists() and all(path.exists() for path in others)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no call that flushes a folder")
def test_file_and_folder_are_flushed_in_the_right_order(tmp_path, monkeypatch):
    """Content to the disk, then the new name, then the folder that has it."""
    events, fsync, replace = [], os.fsync, Path.replace

    def watched_fsync(descriptor):
        events.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def watched_replace(path, target):
        events.append("renamed")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    path = tmp_path / "run.npz"
    with atomic_write(path) as file:
        file.write(b"new")
    assert events == [path.stat().st_ino, "renamed", tmp_path.stat().st_ino]
