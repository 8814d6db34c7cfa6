"""Exercise 18: wrong kernels by name, right ones in any order of their loops."""

import json

import pytest
from answers import assert_passed, assert_wrong, told, verdict_on

from minicnn.exercises import course
from minicnn.exercises.verdict import Verdict

PLACE = "[n, i * stride + ki, j * stride + kj, c]"

WRONG = [  # in place of, what the learner did, expected code, words of the message
    (PLACE, "[n, i + ki, j + kj, c]", "stride-ignored", "`stride` cells apart"),
    (PLACE, "[n, i + ki * stride, j + kj * stride, c]", "stride-inside", "between the windows"),
    (PLACE, "[n, i * stride + kj, j * stride + ki, c]", "swapped-cells", "other way round"),
    (PLACE, "[n, i * stride + ki + 1, j * stride + kj, c]", "raised", "out of bounds"),
    (PLACE, "[n, i * stride + ki, j * stride + kj, 0]", "wrong-value", "two channels"),
    (" = padded[", " += padded[", "not-all-written", "24 of 24"),
    ("in range(OH)", "in range(1, OH)", "not-all-written", "12 of 24"),
    (
        "    N, OH, OW, KH, KW, C = columns.shape",
        "    eval('1'); N, OH, OW, KH, KW, C = columns.shape",
        "raised",
        "eval",
    ),
    ("@njit\n", "", "not-compiled", "Put @njit back"),
    ("for n in range(N)", "for n in list(range(N)) * 9", "not-faster", "should be 1.5 times"),
]

RIGHT = {
    "kernel rows in one piece": """
def copy_patches(padded, columns, stride):
    N, OH, OW, KH, KW, C = columns.shape
    rows = padded.reshape(N, padded.shape[1], -1)
    cols = columns.reshape(N, OH, OW, KH, KW * C)
    for n in range(N):
        for i in range(OH):
            for ki in range(KH):
                row = rows[n, i * stride + ki]
                for r in range(KW * C):
                    for j in range(OW):
                        cols[n, i, j, ki, r] = row[j * stride * C + r]
""",
    "a view of each row": """
def copy_patches(padded, columns, stride):
    N, OH, OW, KH, KW, C = columns.shape
    for n in range(N):
        for i in range(OH):
            for ki in range(KH):
                row = padded[n, i * stride + ki]
                for kj in range(KW):
                    for c in range(C):
                        for j in range(OW):
                            columns[n, i, j, ki, kj, c] = row[j * stride + kj, c]
""",
    "the window's cells outside": """
def copy_patches(padded, columns, stride):
    N, OH, OW, KH, KW, C = columns.shape
    for n in range(N):
        for ki in range(KH):
            for kj in range(KW):
                for i in range(OH):
                    for c in range(C):
                        for j in range(OW):
                            columns[n, i, j, ki, kj, c] = padded[n, i * stride + ki, j * stride + kj, c]
""",
}


@pytest.mark.parametrize(("old", "new", "code", "words"), WRONG, ids=[f"{row[1]} {row[2]}" for row in WRONG])
def test_a_wrong_answer_is_named(old, new, code, words, tmp_path):
    assert_wrong(verdict_on("18_numba_im2col", (old, new), tmp_path=tmp_path), code, words)


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_passes_however_written(answer, tmp_path):
    """The function is replaced, the line with @njit above it stays."""
    assert_passed(verdict_on("18_numba_im2col", answer, tmp_path=tmp_path))


def test_how_fast_it_was_is_told(tmp_path):
    verdict = verdict_on("18_numba_im2col", tmp_path=tmp_path)
    (note,) = verdict.notes
    assert "times as fast." in note
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict


def test_without_compiler_nothing_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.DISABLE_JIT", 1)
    assert_wrong(verdict_on("18_numba_im2col", tmp_path=tmp_path), "jit-disabled", "NUMBA_DISABLE_JIT")


def test_a_name_without_number_is_the_whole_name():
    assert course.find("im2col").name == "05_im2col"
    assert course.find("numba").name == "18_numba_im2col"


def test_a_kernel_that_writes_the_wrong_way_spoils_no_example(tmp_path):
    wrong = """
def copy_patches(padded, columns, stride):
    padded[...] = columns[0, 0, 0, 0, 0, 0]
"""
    assert_wrong(verdict_on("18_numba_im2col", wrong, tmp_path=tmp_path), "not-all-written")
    right = verdict_on("18_numba_im2col", tmp_path=tmp_path)
    assert "in plain Python" in right.passed_checks, told(right)
