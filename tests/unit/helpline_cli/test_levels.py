"""Service levels by command: recounted from a journal, with what each figure was made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acd.engine.events import Caller, CallerJoined, CallerLeft, Event, OfferAnswered, QueueOpened
from acd.engine.queues import QueueRules, ServicePromise
from acd.history.journal import encode_entry
from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.unit

TEN = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)  # ten o'clock in Lucknow


@pytest.fixture
def journal(shell: Shell) -> Path:
    """A morning: of complaint three in time, one late, one who gave up, one who left at once; one of status later."""
    lines: list[str] = []

    def note(seconds: float, *events: Event) -> None:
        lines.append(encode_entry(TEN + timedelta(seconds=seconds), events, [], together=False))

    def wait(id: str, at: float, seconds: float, *, answered: bool, queue: str = "complaint") -> None:
        joined = TEN + timedelta(seconds=at)
        note(at, CallerJoined(Caller(id=id, queue=queue, place=1, joined_at=joined)))
        note(at + seconds, OfferAnswered(id, "1001") if answered else CallerLeft(id))

    note(0, QueueOpened(QueueRules(name="complaint", promise=ServicePromise(seconds=30))))
    note(0, QueueOpened(QueueRules(name="status")))
    for number, (seconds, answered) in enumerate(
        [(5, True), (10, True), (25, True), (60, True), (90, False), (2, False)]
    ):
        wait(f"c-{number}", number, seconds, answered=answered)
    wait("s-1", 2400, 25, answered=True, queue="status")
    file = shell.settings.run_folder / "journal" / "2026-11-24.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("".join(line if line.endswith("\n") else f"{line}\n" for line in lines), encoding="utf-8")
    return file


def test_each_queue_is_held_to_its_own_promise_and_all_stand_below(shell: Shell, journal: Path) -> None:
    complaint, status, both = shell.json("queue", "levels", "--day", "2026-11-24")
    assert complaint["queue"] == "complaint"
    assert complaint["service_level"] == {"of": 3, "among": 5}
    assert complaint["service_level_of_answered"] == {"of": 3, "among": 4}
    assert complaint["abandonment"] == {"of": 1, "among": 5}
    assert (complaint["left_at_once"], complaint["speed_of_answer_seconds"]) == (1, 25)
    assert status["service_level"] == {"of": 0, "among": 1}, "25 s is late by the default promise of 20 s"
    assert (both["queue"], both["reached"], both["service_level"]) == ("", 7, {"of": 3, "among": 6})


def test_only_who_came_that_day_counts_and_one_who_waited_at_its_end_is_judged_as_of_then(
    shell: Shell, journal: Path
) -> None:
    """The day before reaches into the file when a controller lived through midnight."""
    lines = journal.read_text()
    yesterday, last = TEN - timedelta(hours=12), TEN + timedelta(seconds=3600)
    for at in (yesterday, last):
        joined = CallerJoined(Caller(id=f"at {at}", queue="complaint", place=9, joined_at=at))
        lines += encode_entry(at, [joined], [], together=False).strip() + "\n"
    journal.write_text(lines)
    complaint = shell.json("queue", "levels", "--day", "2026-11-24")[0]
    assert (complaint["reached"], complaint["waiting"]) == (7, 1)
    assert complaint["service_level"] == {"of": 3, "among": 5}


def test_by_the_half_hour_each_line_says_from_when_in_the_houses_time(shell: Shell, journal: Path) -> None:
    lines = shell.json("queue", "levels", "--day", "2026-11-24", "--by", "30m")
    assert [line["begins"] for line in lines[:2]] == ["2026-11-24T10:00:00+05:30", "2026-11-24T10:30:00+05:30"]
    said = shell.fine("queue", "levels", "--day", "2026-11-24", "--by", "30m")
    assert "10:30" in said
    assert "60.0% (3/5)" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("--by", "2h"), "give one of 15m, 30m", id="another stretch"),
        pytest.param(("--day", "yesterday"), "give a day such as", id="no day"),
        pytest.param(("--day", "2026-11-23"), "ls run/journal", id="a day without a journal"),
    ],
)
def test_what_can_not_be_counted_is_told(shell: Shell, journal: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in shell.refused("queue", "levels", *arguments)


def test_a_day_without_callers_says_so(shell: Shell, journal: Path) -> None:
    journal.write_text("")
    assert "Nobody called on 2026-11-24" in shell.fine("queue", "levels", "--day", "2026-11-24")
