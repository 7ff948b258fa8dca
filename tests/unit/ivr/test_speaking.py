"""Numbers, dates and complaints as they are said."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grievance_core.lifecycle import State
from ivr import speaking

pytestmark = pytest.mark.unit


def test_hindi_counts_are_a_hundred_different_words() -> None:
    assert len(speaking.HINDI_NUMBERS) == len(set(speaking.HINDI_NUMBERS)) == 100


@pytest.mark.parametrize(
    ("count", "word"),
    # Where learners go wrong: 19, 29 … 79 count down from the next ten, 89 and 99 do not.
    [
        (0, "शून्य"),
        (19, "उन्नीस"),
        (29, "उनतीस"),
        (39, "उनतालीस"),
        (49, "उनचास"),
        (59, "उनसठ"),
        (69, "उनहत्तर"),
        (76, "छिहत्तर"),
        (79, "उनासी"),
        (89, "नवासी"),
        (99, "निन्यानवे"),
    ],
)
def test_hindi_counts_have_their_irregular_forms(count: int, word: str) -> None:
    assert speaking.HINDI_NUMBERS[count] == word


@pytest.mark.parametrize(
    ("count", "word"), [(0, "zero"), (13, "thirteen"), (20, "twenty"), (21, "twenty-one"), (99, "ninety-nine")]
)
def test_english_counts_are_words(count: int, word: str) -> None:
    assert len(speaking.ENGLISH_NUMBERS) == 100
    assert speaking.ENGLISH_NUMBERS[count] == word


@pytest.mark.parametrize("count", [-1, 100])
def test_a_count_outside_the_table_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 99"):
        speaking.number(count)


def test_a_number_is_said_in_groups_of_three() -> None:
    said = speaking.digits("104205")
    assert said == ("number_1", "number_0", "number_4", "pause", "number_2", "number_0", "number_5")


@settings(deadline=None)  # a loaded machine is no fault
@given(st.text(alphabet="0123456789", min_size=1, max_size=15))
def test_every_digit_is_said_in_order_and_no_group_is_longer_than_three(text: str) -> None:
    said = speaking.digits(text)
    assert "".join(id.removeprefix("number_") for id in said if id != "pause") == text
    groups = " ".join(said).split(" pause ")
    assert all(len(group.split()) == 3 for group in groups[:-1])


def test_a_registered_number_is_said_twice() -> None:
    said = speaking.complaint_number_twice("123")
    assert said.count("number_1") == said.count("number_2") == said.count("number_3") == 2


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (1, ("position_next",)),
        (2, ("position_before", "number_2", "position_after")),
        (99, ("position_before", "number_99", "position_after")),
        (100, ("position_many",)),
        (2000, ("position_many",)),
    ],
)
def test_a_place_in_line(place: int, said: tuple[str, ...]) -> None:
    assert speaking.position(place) == said


def test_there_is_no_place_before_the_first() -> None:
    with pytest.raises(ValueError, match="first place"):
        speaking.position(0)


ABOUT, LESS, MORE = ((f"waiting_{what}_before", f"waiting_{what}_after") for what in ("minutes", "less", "more"))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 0, (LESS[0], "number_2", LESS[1])),
        (0, 1, (LESS[0], "number_2", LESS[1])),
        (1, 1, (LESS[0], "number_2", LESS[1])),
        (0, 5, (LESS[0], "number_5", LESS[1])),
        (1, 2, (ABOUT[0], "number_1", "waiting_minutes_to", "number_2", ABOUT[1])),
        (4, 7, (ABOUT[0], "number_4", "waiting_minutes_to", "number_7", ABOUT[1])),
        (7, 4, (ABOUT[0], "number_4", "waiting_minutes_to", "number_7", ABOUT[1])),
        (6, 6, (ABOUT[0], "number_6", ABOUT[1])),
        (58, 59, (ABOUT[0], "number_58", "waiting_minutes_to", "number_59", ABOUT[1])),
        (40, 60, (MORE[0], "number_40", MORE[1])),
        (0, 90, (MORE[0], "number_1", MORE[1])),
        (60, 90, ("waiting_over_an_hour",)),
    ],
)
def test_a_waiting_time_is_a_range_of_minutes(low: int, high: int, said: tuple[str, ...]) -> None:
    assert speaking.waiting_range(low, high) == said


def test_a_day_is_said_day_before_month() -> None:
    assert speaking.day(date(2026, 12, 1)) == ("number_1", "month_12")


def test_a_status_tells_state_department_level_and_date() -> None:
    said = speaking.status(state_of=State.ESCALATED, department_code="ENE", level_of=2, due=date(2026, 12, 4))
    assert said == (
        *("state_escalated", "department_before", "department_ene", "department_after"),
        *("level_2", "due_before", "number_4", "month_12", "due_after"),
    )


def test_a_closed_complaint_has_neither_level_nor_date() -> None:
    said = speaking.status(state_of=State.CLOSED_SATISFIED, department_code="ENE", level_of=None, due=None)
    assert said == ("state_closed_satisfied", "department_before", "department_ene", "department_after")


@pytest.mark.parametrize("level", [0, 5])
def test_there_are_four_levels(level: int) -> None:
    with pytest.raises(ValueError, match="levels go from 1 to 4"):
        speaking.level(level)
