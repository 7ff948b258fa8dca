"""Which call a supervisor means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from starlette.exceptions import HTTPException

from acd.snapshot import Snapshot, Talking, WaitingCaller
from helpline.console.callers import call_meant

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_LINE = [f"98765{number:05}" for number in range(43210, 43210 - 2000, -1)]


def line(*numbers: str, talks: str = "") -> Snapshot:
    waiting = tuple(
        WaitingCaller(
            position=position,
            call_id=f"1764.{position}",
            caller=number,
            language="hi",
            service="complaint",
            since=NOON,
            attached=True,
        )
        for position, number in enumerate(numbers, start=1)
    )
    talking = (
        Talking(
            call_id="1764.99", caller=talks, language="hi", service="status", agent="1001", since=NOON, recording=""
        ),
    )
    return Snapshot(at=NOON, waiting=waiting, talking=talking if talks else (), repairs={})


@pytest.mark.parametrize(
    ("named", "call"),
    [
        pytest.param("2", "1764.2", id="a position"),
        pytest.param("#2", "1764.2", id="a position marked as such"),
        pytest.param("complaint#2", "1764.2", id="a position in a queue"),
        pytest.param("1764.3", "1764.3", id="a call id"),
        pytest.param("3210", "1764.1", id="the last digits"),
        pytest.param("9876543210", "1764.1", id="the whole number"),
        pytest.param(" 98765 43210 ", "1764.1", id="the number in groups"),
        pytest.param("7777", "1764.99", id="one who talks"),
        pytest.param("1764.99", "1764.99", id="the call id of one who talks"),
    ],
)
def test_a_caller_is_named_by_position_number_or_call(named: str, call: str) -> None:
    assert call_meant(named, line("9876543210", "", "9876500000", talks="9811117777")) == call


@pytest.mark.parametrize(
    ("named", "status", "said"),
    [
        pytest.param("4", 404, "complaint#1 to #3 are taken", id="beyond the line"),
        pytest.param("0", 404, "no position 0", id="no position"),
        pytest.param("status#1", 404, "no position status#1", id="in a queue where nobody waits"),
        pytest.param("#99999", 404, "no position #99999", id="far beyond the line"),
        pytest.param("210", 404, "at least 4 of its last digits", id="too few digits"),
        pytest.param("1234", 404, "ends in 1234", id="nobody's digits"),
        pytest.param("ram", 404, "`helpline queue list` shows them", id="a name"),
        pytest.param("", 404, "Say a position", id="nothing"),
        pytest.param("#", 404, "Say a position", id="a sign alone"),
        pytest.param("३", 404, "Say a position", id="a digit of another script"),
        pytest.param("0000", 409, "complaint#2 (1764.2), complaint#3 (1764.3)", id="two numbers that end alike"),
    ],
)
def test_what_can_not_be_told_apart_is_said_and_nothing_is_guessed(named: str, status: int, said: str) -> None:
    with pytest.raises(HTTPException) as refused:
        call_meant(named, line("9876543210", "9811110000", "9822220000"))
    assert refused.value.status_code == status
    assert said in refused.value.detail


def test_a_position_that_two_queues_have_is_told_and_the_queue_tells_them_apart() -> None:
    one = line("9876543210")
    queue = replace(one, waiting=(*one.waiting, replace(one.waiting[0], call_id="1764.9", service="status")))
    with pytest.raises(HTTPException, match=r"complaint#1 \(1764.1\), status#1 \(1764.9\)"):
        call_meant("1", queue)
    assert call_meant("status#1", queue) == "1764.9"


def test_in_an_empty_line_there_is_no_position() -> None:
    with pytest.raises(HTTPException, match="nobody waits"):
        call_meant("1", line())


def test_four_digits_can_be_a_position_and_a_number_and_both_are_told() -> None:
    queue = line(*LONG_LINE)
    assert queue.waiting[1234].caller.endswith("1976")
    with pytest.raises(HTTPException, match=r"complaint#1235 .*complaint#1976"):
        call_meant("1976", queue)
    assert call_meant("#1976", queue) == "1764.1976"
    assert call_meant("41976", queue) == "1764.1235"


def test_an_answer_about_many_stays_short_and_shows_no_number() -> None:
    with pytest.raises(HTTPException) as refused:
        call_meant("9999", line(*["9876509999"] * 50))
    assert "and more" in refused.value.detail
    assert len(refused.value.detail) < 400
    assert "98765" not in refused.value.detail
