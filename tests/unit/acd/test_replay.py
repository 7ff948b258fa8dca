"""A replay gives the same decisions from any start, and tells the first difference in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.engine.decisions import Decision, Offer, SendAway, Suggest, Suggestion, Why, Withdraw
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentReady,
    AgentSignedIn,
    Caller,
    CallerJoined,
    CallerLeft,
    ClockTicked,
    Event,
    OfferAnswered,
    QueueOpened,
)
from acd.engine.queues import DEFAULT_QUEUES, QueueRules
from acd.history.days import Crew, Plan, draw_day
from acd.history.journal import Begin, Chose, Continues, Entry, Gap, Line, Torn, decode, encode
from acd.history.journal_file import JournalFile, read_since_start
from acd.history.levels import Recount, levels
from acd.history.replay import in_words, replay
from acd.history.simulation import Played, simulate

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)  # midnight in India
INDIA = ZoneInfo("Asia/Kolkata")


def journal_of(seed: int, calls: int = 400) -> tuple[list[Line], Played]:
    plan = Plan(
        calls=calls, crews=(Crew(agents=6, begins_hour=0, ends_hour=30),), missed_share=0.1, patience_seconds=90.0
    )
    lines: list[Line] = [Begin(at=START, run="1")]

    def watch(event: Event, at: datetime, decisions: Sequence[Decision]) -> None:
        lines.append(Entry(at=at, events=(event,), decisions=tuple(decisions)))

    played = simulate(draw_day(plan, START, seed), watch=watch)
    return lines, played


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000))
def test_a_days_journal_gives_the_same_decisions(seed: int) -> None:
    lines, played = journal_of(seed)
    found = replay(decode(encode(line)) for line in lines)
    assert found.difference is None
    assert (found.events, found.starts) == (played.events, 1)
    assert found.decisions >= played.offers


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000))
def test_levels_recounted_from_a_days_journal_are_those_of_the_calls(seed: int) -> None:
    lines, played = journal_of(seed)
    recount = Recount()
    for line in lines:
        recount.note(decode(encode(line)))
    at = START + timedelta(days=2)
    half = timedelta(minutes=30)
    assert levels(recount.waits(), at, promises={}, every=half, zone=INDIA) == levels(
        played.waits(), at, promises={}, every=half, zone=INDIA
    )


class Taken:
    """A controller for the test: an engine whose journal is kept. A new one takes up what the last one left."""

    def __init__(self, lines: list[Line], at: datetime) -> None:
        self.engine = Engine()
        self.lines = lines
        lines.append(Begin(at=at, run=str(len(lines))))

    def tell(self, event: Event, at: datetime) -> None:
        self.lines.append(Entry(at=at, events=(event,), decisions=tuple(self.engine.handle(event, at))))

    def tell_all(self, events: list[Event], at: datetime) -> None:
        decided = tuple(self.engine.handle_all(events, at))
        self.lines.append(Entry(at=at, events=tuple(events), decisions=decided, together=True))


def opened() -> list[Event]:
    return [QueueOpened(rules) for rules in DEFAULT_QUEUES]


def joined(id: str, place: int, at: datetime, *, attached: bool = True) -> CallerJoined:
    return CallerJoined(Caller(id=id, queue="complaint", place=place, joined_at=at), attached)


def test_a_replay_works_from_any_start_because_what_was_taken_up_is_in_the_journal() -> None:
    lines: list[Line] = []
    first = Taken(lines, START)
    for event in opened():
        first.tell(event, START)
    skills = {"service:complaint": 5, "language:hi": 5}
    for number in range(3):
        first.tell(joined(f"c{number}", number, START + timedelta(seconds=number)), START + timedelta(seconds=number))
    later = START + timedelta(seconds=90)
    begun = len(lines)
    second = Taken(lines, later)
    taken_up: list[Event] = [*opened(), AgentSignedIn("1001", skills), AgentReady("1001", START)]
    taken_up += [joined(f"c{number}", number, START + timedelta(seconds=number)) for number in range(3)]
    second.tell_all(taken_up, later)
    second.tell(OfferAnswered("c0", "1001"), later + timedelta(seconds=3))
    second.tell(AgentReady("1001", later), later + timedelta(seconds=20))
    whole, from_second = replay(lines), replay(lines[begun:])
    assert whole.difference is None
    assert from_second.difference is None
    assert (whole.starts, from_second.starts) == (2, 1)
    assert from_second.decisions == 2


def test_without_the_state_that_was_taken_up_a_difference_is_found() -> None:
    """Breaks the case above: a journal that lacks the snapshot can't be replayed, and the replay says so."""
    lines: list[Line] = []
    engine = Taken(lines, START)
    engine.tell_all([*opened(), joined("c0", 1, START)], START)
    engine.tell(AgentSignedIn("1001", {"service:complaint": 5}), START)
    engine.tell(AgentReady("1001", START), START)
    del lines[1]
    found = replay(lines)
    assert found.difference is not None
    assert found.difference.line == 3
    assert str(found.difference) == (
        "Line 3, 2026-11-24 18:30:00.000+00:00: told that agent ready 1001 2026-11-24 18:30:00+00:00, "
        f"the engine then offered c0 to agent 1001 ({Why.FIRST_IN_LINE}); now it did nothing."
    )


def test_the_first_difference_ends_the_replay() -> None:
    lines, _ = journal_of(1, calls=50)
    index = next(i for i, line in enumerate(lines) if isinstance(line, Entry) and line.decisions)
    entry = lines[index]
    assert isinstance(entry, Entry)
    offer = entry.decisions[0]
    assert isinstance(offer, Offer)
    lines[index] = replace(entry, decisions=(replace(offer, agent="somebody else"),))
    found = replay(lines)
    assert found.difference is not None
    assert found.difference.line == index + 1
    assert f"offered {offer.caller} to agent somebody else" in str(found.difference)


def test_after_a_gap_nothing_is_compared_until_the_next_begin() -> None:
    lines, _ = journal_of(1, calls=50)
    half = len(lines) // 2
    cut = [*lines[: half - 5], Gap(at=START, lost=5), *lines[half:], *lines]
    found = replay(cut)
    assert found.difference is None
    assert (found.lost, found.starts) == (5, 2)
    assert found.passed_over == len(lines) - half


def test_marks_and_torn_lines_are_passed_over() -> None:
    lines, _ = journal_of(1, calls=20)
    found = replay(
        [*lines, Continues(at=START, run="1", previous="x"), Chose(at=START, caller="c", what="message"), Torn(9)]
    )
    assert found.difference is None
    assert found.torn == [9]


async def test_a_journal_on_disk_over_midnight_is_replayed_from_the_second_day(tmp_path: Path) -> None:
    engine = Engine()
    file = JournalFile(tmp_path, zone=INDIA, run="1")
    at = START - timedelta(minutes=1)

    def tell(event: Event) -> None:
        file.note(event, at, engine.handle(event, at))

    for event in opened():
        tell(event)
    tell(joined("c0", 1, at))
    at = START + timedelta(seconds=30)
    tell(AgentSignedIn("1001", {"service:complaint": 5}))
    tell(AgentReady("1001", at))
    await file.stop()
    found = replay(read_since_start(tmp_path / "2026-11-25.jsonl"))
    assert found.difference is None
    assert found.decisions == 1


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (Withdraw("c", "1001"), "took c back from agent 1001"),
        (Suggest("c", Suggestion.CALLBACK), "suggested callback to c"),
        (SendAway("c", "closed"), "sent c away (closed)"),
        (CallerLeft("c"), "caller left c"),
        (ClockTicked(), "clock ticked"),
        (QueueOpened(QueueRules(name="status")), "queue status opened"),
        (joined("c", 4, START), "c joined complaint, ordinary, place 4"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_events_and_decisions_have_words(thing: Event | Decision, words: str) -> None:
    assert in_words(thing) == words
