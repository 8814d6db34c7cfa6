"""Conditions that many exercises ask for, on the dense layer, and mistakes that are known by a wrong shape."""

import numpy as np
import pytest
from answers import assert_passed, assert_wrong, verdict_on

from minicnn.exercises.compare import compare
from minicnn.exercises.exercise import Mistake, Values


def test_a_cache_kept_in_a_global_variable(tmp_path):
    remembers = ("return y, (x, w)", "dense_forward.x = x\n    return y, w")
    verdict = verdict_on("dense", remembers, ("x, w = cache", "x, w = dense_forward.x, cache"), tmp_path=tmp_path)
    assert_wrong(verdict, "kept-outside-the-cache", "dense_backward with the first cache")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (
            ("return y, (x, w)", "return y + np.zeros(y.shape), (x, w)"),
            "dense_forward was given float32 and returned y",
        ),
        (("return dx, dw, db", "return dx, dw, db + np.zeros(db.shape)"), "returned db as float64"),
        (("return dx, dw, db", "return dx, dw, db.astype(dw.dtype)"), None),
    ],
)
def test_float32_stays_float32(change, name, tmp_path):
    verdict = verdict_on("dense", change, tmp_path=tmp_path)
    if name is None:
        assert_passed(verdict)
    else:
        assert_wrong(verdict, "wrong-dtype", name)


def test_a_known_mistake_is_named_by_its_wrong_shape():
    known = Mistake("last-missing", "The last number is missing.", lambda x: x[:-1])
    check = Values("f", {"x": np.arange(3.0)}, lambda x: x, returns=("y",), mistakes=[known])

    def problem_of(result):
        return compare(result, np.arange(3.0), check, lambda wrong: wrong(np.arange(3.0)))

    assert problem_of(np.arange(2.0)).code == "last-missing"
    assert problem_of(np.arange(2.0)).message.endswith("y has shape (2,), expected (3,).")
    assert problem_of(np.arange(4.0)).code == "wrong-shape"
    assert problem_of([0.0, 1.0]).code == "wrong-type"
