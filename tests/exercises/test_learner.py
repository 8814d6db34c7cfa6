"""A learner's file is run as it is now, and leaves nothing behind."""

import sys

from minicnn.exercises.learner import Learner


def test_a_change_is_seen_at_once_and_no_bytecode_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "01_dense.py"
    for answer in (1, 2, 3):  # the same size within the same second
        file.write_text(f"answer = {answer}\n")
        learner = Learner(file)
        assert learner.load() is None
        assert learner.module.answer == answer
    assert [path.name for path in tmp_path.iterdir()] == ["01_dense.py"]
