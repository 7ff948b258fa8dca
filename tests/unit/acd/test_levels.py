"""Service levels: one definition, its numerator and denominator shown, equal from records and from the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.engine.decisions import SendAway
from acd.engine.events import (
    Caller,
    CallerHolds,
    CallerJoined,
    CallerLeft,
    CallerMoved,
    ClockTicked,
    Event,
    Kind,
    OfferAnswered,
    OfferFailed,
)
from acd.engine.queues import ServicePromise
from acd.history.journal import Begin, Chose, Entry, Line, decode, encode
from acd.history.levels import (
    End,
    Level,
    Recount,
    Share,
    Tally,
    Wait,
    interval_begin,
    level_of,
    levels,
    together,
    wait_of,
)
from acd.records import CallRecord, Outcome

pytestmark = pytest.mark.unit

INDIA = ZoneInfo("Asia/Kolkata")
START = datetime(2026, 11, 25, 4, 30, tzinfo=UTC)
PROMISE = ServicePromise(seconds=20, share=0.8, short_seconds=5)
QUARTER = timedelta(minutes=15)


def wait(seconds: float | None, end: End = End.ANSWERED, *, joined: float = 0.0, queue: str = "complaint") -> Wait:
    joined_at = START + timedelta(seconds=joined)
    ended_at = None if seconds is None else joined_at + timedelta(seconds=seconds)
    return Wait(queue=queue, joined_at=joined_at, end=End.WAITING if seconds is None else end, ended_at=ended_at)


def level(*waits: Wait, at: float = 0.0) -> Level:
    return level_of(waits, START + timedelta(seconds=at), promise=PROMISE)


def test_the_service_level_counts_who_gave_up_and_who_was_sent_on_but_not_who_left_at_once() -> None:
    found = level(wait(20.0), wait(21.0), wait(3.0, End.ABANDONED), wait(60.0, End.ABANDONED), wait(9.0, End.SENT_ON))
    assert found.service_level == Share(1, 4)
    assert found.other_service_level == Share(1, 2)
    assert found.abandonment == Share(1, 4)
    assert (found.short, found.reached) == (1, 5)


def test_who_still_waits_counts_from_the_moment_the_promise_is_broken() -> None:
    assert level(wait(None), at=20).service_level == Share(0, 0)
    assert level(wait(None), at=21).service_level == Share(0, 1)


def test_the_speed_of_answer_is_that_of_the_answered() -> None:
    found = level(wait(10.0), wait(30.0), wait(500.0, End.ABANDONED))
    assert found.speed_of_answer == 20.0
    assert found.longest_seconds == 30.0


def test_a_promise_is_kept_broken_or_not_yet_to_be_judged() -> None:
    assert level(*[wait(1.0)] * 4, wait(40.0)).kept is True
    assert level(*[wait(1.0)] * 3, wait(40.0)).kept is False
    assert level().kept is None
    assert level().speed_of_answer is None


def test_a_share_shows_what_it_was_made_of() -> None:
    assert str(Share(3, 4)) == "75.0% (3/4)"
    assert str(Share(0, 0)) == "– (0/0)"


def test_intervals_are_those_of_the_wall_clock() -> None:
    # 04:30 UTC is 10:00 in India; half an hour later another interval, in UTC as there.
    moment = START + timedelta(minutes=14, seconds=59)
    assert interval_begin(moment, QUARTER, INDIA) == START
    assert interval_begin(START - timedelta(seconds=1), timedelta(minutes=30), INDIA) == START - timedelta(minutes=30)
    assert interval_begin(START, timedelta(days=1), INDIA).isoformat() == "2026-11-25T00:00:00+05:30"


def test_a_caller_counts_where_and_when_they_took_their_place() -> None:
    found = levels(
        [wait(1000.0, joined=890.0), wait(1.0, joined=10.0, queue="status")],
        START,
        promises={"status": ServicePromise(seconds=0.5)},
        every=QUARTER,
        zone=INDIA,
    )
    assert [(row.queue, row.begins, row.answered, row.in_time) for row in found] == [
        ("complaint", START, 1, 0),
        ("status", START, 1, 0),
    ]


@given(st.lists(st.tuples(st.floats(0, 7200), st.none() | st.floats(0, 4000), st.sampled_from(list(End)))))
def test_intervals_and_queues_together_are_the_whole(drawn: list[tuple[float, float | None, End]]) -> None:
    waits = [
        wait(None if end is End.WAITING else seconds, end, joined=joined, queue=str(int(joined) % 3))
        for joined, seconds, end in drawn
    ]
    at = START + timedelta(hours=3)
    whole = together(levels(waits, at, promises={}, every=QUARTER, zone=INDIA))
    direct = level_of(waits, at, promise=PROMISE)
    assert (whole is None) == (not waits)
    if whole is not None:
        assert whole.service_level == direct.service_level
        assert whole.abandonment == direct.abandonment
        assert whole.waited_seconds == pytest.approx(direct.waited_seconds)
        assert (
            whole.reached
            == direct.reached
            == direct.answered + direct.abandoned + direct.short + (direct.sent_on + direct.waiting)
        )


def test_waits_that_are_told_as_they_end_make_the_same_figures_as_all_at_once() -> None:
    ended: list[Wait] = []
    tally, recount = Tally(PROMISE), Recount(ended.append)
    callers = [Caller(id=f"c{number}", queue="complaint", place=number, joined_at=START) for number in range(4)]
    for caller in callers:
        recount.note(Entry(at=START, events=(CallerJoined(caller),)))
    recount.note(Entry(at=START + timedelta(seconds=9), events=(OfferAnswered("c0", "1001"), CallerLeft("c1"))))
    recount.note(Entry(at=START + timedelta(seconds=9), events=(CallerLeft("c0"), CallerHolds("c2"))))
    for wait_over in ended:
        tally.add(wait_over)
    at = START + timedelta(seconds=30)
    still = [found for found in recount.waits() if found.end is End.WAITING]
    assert len(ended) == 3
    assert tally.level(still, at) == level_of(recount.waits(), at, promise=PROMISE)


# -- records and journal agree


@dataclass
class History:
    """A random day as both see it: the journal's lines, and each call's record as it stands."""

    lines: list[Line]
    records: dict[str, CallRecord]


STEPS = ("joins", "answered", "leaves", "holds", "message", "sent_away", "moves", "fails", "restart", "lost", "owed")


@st.composite
def histories(draw: st.DrawFn) -> History:
    lines: list[Line] = [Begin(at=START, run="1")]
    records: dict[str, CallRecord] = {}
    queues: dict[str, str] = {}
    waiting: list[str] = []
    at = START
    for number, step in enumerate(draw(st.lists(st.sampled_from(STEPS), max_size=60))):
        at += timedelta(seconds=draw(st.floats(0, 60)))
        if step in ("joins", "owed"):
            id, queue = f"c{number}", draw(st.sampled_from(("complaint", "status")))
            queues[id] = queue
            owed = step == "owed"
            caller = Caller(id=id, queue=queue, place=number, joined_at=at, kind=Kind.CALLBACK if owed else Kind.CALL)
            lines.append(Entry(at=at, events=(CallerJoined(caller),)))
            records[id] = CallRecord(
                call_id=id,
                caller="",
                language="hi",
                service=queue,
                joined_at=at,
                outcome=Outcome.CALLBACK if owed else Outcome.WAITING,
                ended_at=at if owed else None,
            )
            if not owed:
                waiting.append(id)
        elif waiting:
            id = draw(st.sampled_from(waiting))
            _step(step, id, at, lines, records, waiting)
    return History(lines, records)


def _step(
    step: str, id: str, at: datetime, lines: list[Line], records: dict[str, CallRecord], waiting: list[str]
) -> None:
    def end(outcome: Outcome, *events: Event, answered: bool = False, sent: bool = False) -> None:
        decided = (SendAway(id, "closed"),) if sent else ()
        lines.append(Entry(at=at, events=events, decisions=decided))
        record = records[id]
        records[id] = CallRecord(
            call_id=id,
            caller="",
            language="hi",
            service=record.service,
            joined_at=record.joined_at,
            outcome=outcome,
            answered_at=at if answered else None,
            ended_at=None if answered else at,
        )
        waiting.remove(id)

    match step:
        case "answered":
            end(Outcome.TALKING, OfferAnswered(id, "1001"), answered=True)
        case "leaves":
            end(Outcome.ABANDONED, CallerLeft(id))
        case "holds":
            end(Outcome.CALLBACK, CallerHolds(id))
            # The place is rung later, and the call that we make has a record of its own.
            lines.append(Entry(at=at, events=(OfferAnswered(id, "1001"),)))
            records["callback-" + id] = CallRecord(
                call_id="callback-" + id,
                caller="",
                language="hi",
                service="complaint",
                joined_at=at,
                outcome=Outcome.SERVED,
                answered_at=at,
                ended_at=at,
            )
        case "message":
            lines.append(Chose(at=at, caller=id, what="message"))
            end(Outcome.MESSAGE, CallerLeft(id))
        case "sent_away":
            end(Outcome.NOT_SERVED, ClockTicked(), sent=True)
            lines.append(Entry(at=at, events=(CallerLeft(id),)))
        case "moves":
            lines.append(Entry(at=at, events=(CallerMoved(id, queue="status"),)))
        case "fails":
            lines.append(Entry(at=at, events=(OfferFailed(id, "1001"),)))
        case "restart" | "lost":
            taken_up = [other for other in waiting if step == "restart" or other != id]
            if step == "lost":
                end(Outcome.LOST)
                lines.pop()
            lines.append(Begin(at=at, run="next"))
            for other in taken_up:
                record = records[other]
                caller = Caller(id=other, queue=record.service, place=1, joined_at=record.joined_at)
                lines.append(Entry(at=at, events=(CallerJoined(caller, attached=False),)))


@settings(max_examples=150)
@given(histories(), st.floats(0, 4000))
def test_a_recount_from_the_journal_gives_the_same_figures_as_the_records(history: History, later: float) -> None:
    recount = Recount()
    for line in history.lines:
        recount.note(decode(encode(line)))
    at = START + timedelta(seconds=later)
    kept = [found for record in history.records.values() if (found := wait_of(record)) is not None]
    promises = {"complaint": PROMISE, "status": ServicePromise(seconds=60)}
    for every in (QUARTER, timedelta(minutes=30), timedelta(days=1)):
        from_records = levels(kept, at, promises=promises, every=every, zone=INDIA)
        from_journal = levels(recount.waits(), at, promises=promises, every=every, zone=INDIA)
        assert from_journal == from_records
