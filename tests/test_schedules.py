"""Each schedule at its corners and against its formula; its arguments."""

import math
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.schedules import CosineDecay, OneCycle, StepDecay, WarmupCosine

ALL = [
    StepDecay(0.1, factor=0.5, every=3),
    CosineDecay(0.1, epochs=10, final=0.01),
    WarmupCosine(0.1, epochs=10, warmup_epochs=2, start=0.02, final=0.01),
    OneCycle(0.1, epochs=10),
]


def approx(value):
    return pytest.approx(value, rel=1e-12)


def test_step_decay_steps_at_whole_multiples():
    schedule = StepDecay(0.1, factor=0.5, every=3)
    assert [schedule(e) for e in (0, 2.99, 3, 5.5, 6, 9)] == approx([0.1, 0.1, 0.05, 0.05, 0.025, 0.0125])


def test_cosine_decay():
    schedule = CosineDecay(0.1, epochs=10, final=0.02)
    assert schedule(0) == 0.1 and schedule(10) == 0.02 and schedule(15) == 0.02
    assert schedule(5) == approx(0.06)
    assert schedule(2.5) == approx(0.02 + 0.08 * (1 + math.cos(math.pi / 4)) / 2)


def test_warmup_rises_in_a_line_then_glides():
    schedule = WarmupCosine(0.1, epochs=10, warmup_epochs=2, start=0.02, final=0.01)
    assert [schedule(e) for e in (0, 0.5, 1, 2)] == approx([0.02, 0.04, 0.06, 0.1])
    assert schedule(6) == approx(0.055)
    assert schedule(4) == approx(0.01 + 0.09 * (1 + math.cos(math.pi / 4)) / 2)
    assert schedule(10) == 0.01 and schedule(11) == 0.01
    assert WarmupCosine(0.1, epochs=3)(0) == 0


def test_one_cycle_has_its_peak_where_asked():
    schedule = OneCycle(0.1, epochs=20, peak_at=0.25, rise=10, fall=1000)
    assert schedule(0) == approx(0.01)
    assert schedule(2.5) == approx((0.01 + 0.1) / 2)
    assert schedule(5) == approx(0.1)
    assert schedule(12.5) == approx((0.1 + 0.0001) / 2)
    assert schedule(20) == approx(0.0001) and schedule(30) == approx(0.0001)


def test_one_cycle_defaults_are_pytorchs():
    schedule = OneCycle(1.0, epochs=10)
    assert schedule(0) == approx(1 / 25) and schedule(3) == approx(1.0) and schedule(10) == approx(1 / 25 / 1e4)


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@given(epoch=st.floats(0, 30))
def test_rates_are_plain_floats_between_the_lowest_and_the_highest(schedule, epoch):
    rate = schedule(epoch)
    assert type(rate) is float
    assert 0 <= rate <= 0.1 * (1 + 1e-12)


@pytest.mark.parametrize("schedule", ALL[1:], ids=repr)
@given(epoch=st.floats(0, 12))
def test_smooth_schedules_have_no_jumps(schedule, epoch):
    assert abs(schedule(epoch + 1e-6) - schedule(epoch)) < 1e-6


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_schedules_are_values(schedule):
    assert schedule == eval(repr(schedule))
    with pytest.raises(FrozenInstanceError):
        schedule.epochs = 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepDecay(0), "StepDecay needs.*0 < initial"),
        (lambda: StepDecay(0.1, factor=0), "0 < factor <= 1"),
        (lambda: StepDecay(0.1, factor=1.5), "0 < factor <= 1"),
        (lambda: StepDecay(0.1, every=0), "0 < every"),
        (lambda: CosineDecay(-1, 5), "0 < initial"),
        (lambda: CosineDecay(0.1, 0), "0 < epochs"),
        (lambda: CosineDecay(0.1, 5, final=0.2), "0 <= final <= 0.1"),
        (lambda: WarmupCosine(0, 5), "0 < peak"),
        (lambda: WarmupCosine(0.1, 5, warmup_epochs=5), "5 < epochs"),
        (lambda: WarmupCosine(0.1, 5, warmup_epochs=0), "0 < warmup_epochs"),
        (lambda: WarmupCosine(0.1, 5, start=0.2), "0 <= start <= 0.1"),
        (lambda: WarmupCosine(0.1, 5, final=-0.1), "0 <= final <= 0.1"),
        (lambda: OneCycle(float("nan"), 5), "0 < peak"),
        (lambda: OneCycle(0.1, 0), "0 < epochs"),
        (lambda: OneCycle(0.1, 5, peak_at=1), "0 < peak_at < 1"),
        (lambda: OneCycle(0.1, 5, rise=0.5), "1 <= rise"),
        (lambda: OneCycle(0.1, 5, fall=0.5), "1 <= fall"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_argument_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="epochs"):
        CosineDecay(0.1, "10")


def test_bounds_that_belong_to_the_range_are_taken():
    assert StepDecay(0.1, factor=1)(50) == 0.1
    assert CosineDecay(0.1, 5, final=0.1)(2) == approx(0.1)
    assert OneCycle(0.1, 5, rise=1, fall=1)(0) == approx(0.1)
