"""What comes back from a function, beside what should have come back."""

import numpy as np
import pytest

from minicnn.exercises.compare import compare, written_out
from minicnn.exercises.exercise import Values


def problem_of(result, expected):
    check = Values("f", {}, lambda: expected, returns=("y",))
    return compare(result, expected, check, lambda function: function())


@pytest.mark.parametrize("result", [True, np.True_, np.array(True)])
def test_a_truth_value_may_be_of_any_kind(result):
    assert problem_of(result, True) is None
    assert problem_of(result, False).code == "wrong-value"


def test_an_array_is_no_truth_value():
    problem = problem_of(np.array([True, True]), True)
    assert problem.code == "wrong-shape"
    assert "y must be True or False, got an array of shape (2,)." in problem.message


@pytest.mark.parametrize("result", [3, np.int64(3)])
def test_a_whole_number_may_be_of_any_kind(result):
    assert problem_of(result, 3) is None


def test_a_float_is_no_whole_number():
    problem = problem_of(3.0, 3)
    assert problem.code == "wrong-type"
    assert "//" in problem.message


@pytest.mark.parametrize("result", [2.5, np.float64(2.5), np.array(2.5)])
def test_a_loss_may_be_a_number_of_any_kind(result):
    assert problem_of(result, 2.5) is None
    assert problem_of(result, 2.4).code == "wrong-value"


def test_a_batch_of_images_is_written_out_picture_by_picture():
    images = np.arange(8.0).reshape(1, 2, 2, 2)
    lines = ["x[0, :, :, 0]:", "    [[0. 2.]", "     [4. 6.]]", "x[0, :, :, 1]:", "    [[1. 3.]", "     [5. 7.]]"]
    assert written_out("x", images) == lines


def test_filters_are_written_out_filter_by_filter():
    lines = written_out("w", np.arange(4.0).reshape(1, 2, 1, 2), ", expected")
    assert lines == ["w[:, :, 0, 0], expected:", "    [[0. 2.]]", "w[:, :, 0, 1], expected:", "    [[1. 3.]]"]
