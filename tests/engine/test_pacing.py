import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect1_rsync.engine.pacing import pause_after, pause_after_trouble

SECONDS = st.floats(0, 10**6)


@given(age=SECONDS, every=st.none() | st.floats(-100, 10**5))
def test_no_pause_is_shorter_than_five_seconds(age, every):
    assert pause_after(age, every) >= 5


@given(age=SECONDS)
def test_without_an_interval_an_end_is_seen_within_a_tenth_of_the_age(age):
    assert pause_after(age) <= max(5, min(60, age / 10))


@pytest.mark.parametrize(("every", "pause"), [(5, 5), (7.5, 7.5), (600, 600), (1, 5), (0, 5)])
def test_an_interval_is_kept_at_every_age(every, pause):
    assert {pause_after(age, every) for age in (0, 10, 3600, 86400)} == {pause}


def test_an_hour_costs_fewer_than_ninety_looks():
    age = looks = 0
    while age < 3600:
        age += pause_after(age)
        looks += 1
    assert looks < 90


@pytest.mark.parametrize(
    ("failures", "pause", "retry_after", "expected"),
    [
        (1, 5, None, 5),
        (2, 5, None, 10),
        (3, 5, None, 20),
        (5, 5, None, 60),
        (10**6, 5, None, 60),
        (1, 300, None, 300),
        (1, 5, 120, 120),
        (9, 5, 1, 60),
    ],
)
def test_trouble_backs_off_and_heeds_the_vendor(failures, pause, retry_after, expected):
    assert pause_after_trouble(failures, pause, retry_after) == expected
