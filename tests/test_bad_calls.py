"""Calls with bad input, in bad_calls/: each answers with the documented error and leaves the training as it was."""

import re
from collections import Counter
from pathlib import Path

import pytest
from bad_calls import ROWS, TABLES
from bad_calls.row import Training


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    return Training(tmp_path_factory.mktemp("bad_calls"))


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{area}-{row.name}") for area, rows in TABLES.items() for row in rows]
)
def test_a_bad_call_is_refused_and_changes_nothing(row, training):
    before = training.everything()
    with pytest.raises(Exception) as caught:  # which one is looked at below: exactly this type, no subclass
        row.call(training)
    assert type(caught.value) is row.error, f"{type(caught.value).__name__}: {caught.value}"
    for words in (row.argument, row.came, row.advice):
        assert words in str(caught.value)
    assert training.everything() == before
    training.step()


def test_there_are_enough_of_them_and_none_twice():
    assert len(ROWS) >= 300
    for rows in TABLES.values():
        assert [name for name, count in Counter(row.name for row in rows).items() if count > 1] == []


def test_the_page_says_how_many():
    page = (Path(__file__).parents[1] / "docs" / "reliability.md").read_text()
    assert re.search(rf"\b{len(ROWS)} bad calls\b", page)
