"""What a waiting caller is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.waiting.announcements import Patience, Position, Rhythm, Told

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
RHYTHM = Rhythm(first_seconds=15, every_seconds=45)


def test_the_first_announcement_comes_soon_the_others_at_a_slower_rhythm() -> None:
    told = Told.nothing(NOON, RHYTHM)
    assert told.seconds_left(NOON) == 15
    later = NOON + timedelta(seconds=20)
    assert told.seconds_left(later) == 0
    assert told.said(later, RHYTHM).seconds_left(later) == 45


def test_an_unchanged_position_is_told_again() -> None:
    told, first = Told.nothing(NOON, RHYTHM).next(3)
    assert first == Position(3)
    assert told.next(3)[1] == Position(3)


@given(st.lists(st.integers(1, 50), min_size=1))
def test_a_position_that_is_told_never_grows_and_is_never_a_lie(positions: list[int]) -> None:
    told, heard = Told.nothing(NOON, RHYTHM), []
    for position in positions:
        told, words = told.next(position)
        if isinstance(words, Position):
            assert words.position == position
            heard.append(position)
        else:
            assert words == Patience()
    assert heard == sorted(heard, reverse=True)
    assert heard
