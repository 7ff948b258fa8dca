"""Values that remember callers: who left lately, who called within a day, whether there is room for one more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from acd.records import Entry, Request
from acd.waiting.admission import Limits, Load, house_is_full, line_is_full
from acd.waiting.recent import REPEAT, RecentCallers
from acd.waiting.remembered import KEPT, Left, Remembered

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


def entry(caller: str, place: int = 1) -> Entry:
    return Entry(
        call_id=f"c{place}",
        channel="PJSIP/trunk-1",
        caller=caller,
        request=Request(language="hi", service="complaint"),
        joined_at=NOON,
        place=place,
    )


@pytest.mark.parametrize(("after", "kept"), [(KEPT - MOMENT, True), (KEPT, False)])
def test_a_place_is_kept_for_ten_minutes(after: timedelta, kept: bool) -> None:
    remembered = Remembered()
    remembered.left(entry("9811111111"), NOON)
    assert (remembered.take("9811111111", NOON + after) is not None) is kept


def test_a_place_is_given_back_once() -> None:
    remembered = Remembered()
    remembered.left(entry("9811111111"), NOON)
    assert remembered.take("9811111111", NOON) == entry("9811111111")
    assert remembered.take("9811111111", NOON) is None


def test_a_withheld_number_has_no_place() -> None:
    remembered = Remembered()
    assert remembered.left(entry(""), NOON) is None
    assert remembered.take("", NOON) is None


def test_of_two_places_of_one_number_the_later_counts_in_whatever_order_they_are_read() -> None:
    remembered = Remembered()
    remembered.take_up([Left(entry("9", 2), NOON + MOMENT), Left(entry("9", 1), NOON)])
    assert remembered.take("9", NOON + MOMENT) == entry("9", 2)


def test_what_is_too_old_is_named_once_and_who_left_lately_stays() -> None:
    remembered = Remembered()
    remembered.left(entry("1"), NOON)
    remembered.left(entry("2"), NOON + MOMENT)
    assert remembered.too_old(NOON + KEPT) == ["1"]
    assert remembered.too_old(NOON + KEPT) == []
    assert [one.entry.caller for one in remembered.since(NOON)] == ["2"]


@pytest.mark.parametrize(("after", "repeat"), [(REPEAT - MOMENT, True), (REPEAT, False)])
def test_a_caller_is_a_repeat_caller_for_a_day(after: timedelta, repeat: bool) -> None:
    recent = RecentCallers()
    recent.called("9811111111", NOON)
    recent.called("9822222222", NOON)
    assert recent.is_repeat("9811111111", NOON + after) is repeat
    assert not recent.is_repeat("9833333333", NOON + after)


def test_what_is_read_from_the_record_does_not_make_a_later_call_older() -> None:
    recent = RecentCallers()
    recent.called("1", NOON)
    recent.called_before([("2", NOON - timedelta(hours=23)), ("1", NOON - timedelta(hours=20))])
    assert recent.is_repeat("1", NOON + timedelta(hours=10))
    assert recent.is_repeat("2", NOON)


def test_a_withheld_number_never_repeats() -> None:
    recent = RecentCallers()
    recent.called("", NOON)
    assert not recent.is_repeat("", NOON)


@pytest.mark.parametrize(
    ("load", "limits", "house", "line"),
    [
        (Load(79, 100, 79), Limits(share=0.8), False, False),
        (Load(80, 100, 0), Limits(share=0.8, max_waiting=10), True, False),
        (Load(5, 100, 9), Limits(max_waiting=10), False, False),
        (Load(5, 100, 10), Limits(max_waiting=10), False, True),
    ],
)
def test_there_is_one_limit_for_calls_and_one_for_who_waits(
    load: Load, limits: Limits, house: bool, line: bool
) -> None:
    assert (house_is_full(load, limits), line_is_full(load, limits)) == (house, line)
