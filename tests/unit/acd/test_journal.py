"""The journal: every event and decision goes to a line and comes back, a broken line and a full disk are told."""

from __future__ import annotations

import errno
import json
import logging
import os
import time as clock
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.engine.decisions import Decision, Offer, Why
from acd.engine.events import Caller, CallerJoined, CallerLeft, ClockTicked, Event, OfferAnswered
from acd.engine.queues import Hours, QueueRules
from acd.errors import JournalUnreadable
from acd.history.journal import VERSION, Begin, Chose, Continues, Entry, Gap, Line, Torn, decode, encode, read
from acd.history.journal_file import JournalFile, read_day, read_since_start

pytestmark = pytest.mark.unit

INDIA = ZoneInfo("Asia/Kolkata")
START = datetime(2026, 11, 25, 4, 30, tzinfo=UTC)
words = st.text(st.characters(codec="utf-8"), max_size=8)
moments = st.datetimes(timezones=st.just(UTC))
st.register_type_strategy(datetime, moments)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(str, words)
things = st.one_of([st.from_type(kind) for kind in get_args(Event)])
decided = st.one_of([st.from_type(kind) for kind in get_args(Decision)])
entries = st.builds(
    Entry,
    at=moments,
    events=st.lists(things, min_size=1, max_size=1).map(tuple),
    decisions=st.lists(decided, max_size=3).map(tuple),
)
sets = st.builds(
    Entry, at=moments, events=st.lists(things, max_size=4).map(tuple), decisions=st.just(()), together=st.just(True)
)
marks = st.one_of(
    st.builds(Begin, at=moments, run=words),
    st.builds(Continues, at=moments, run=words, previous=words),
    st.builds(Gap, at=moments, lost=st.integers(0)),
    st.builds(Chose, at=moments, caller=words, what=words),
)


@settings(max_examples=150)
@given(st.one_of(entries, sets, marks))
def test_every_line_comes_back_as_it_was(line: Line) -> None:
    text = encode(line)
    assert "\n" not in text
    assert decode(text) == line
    assert json.loads(text)["v"] == VERSION


@pytest.mark.parametrize("kind", [*get_args(Event), *get_args(Decision)])
@settings(max_examples=10)
@given(data=st.data())
def test_every_kind_of_event_and_decision_comes_back(kind: type[Any], data: st.DataObject) -> None:
    value = data.draw(st.from_type(kind))
    if kind in get_args(Event):
        line = Entry(at=START, events=(value,))
    else:
        line = Entry(at=START, events=(ClockTicked(),), decisions=(value,))
    assert decode(encode(line)) == line


def test_the_rules_of_a_queue_are_kept_with_their_hours() -> None:
    from datetime import time

    from acd.engine.events import QueueOpened

    opened = QueueOpened(QueueRules(name="complaint", hours=Hours(opens=time(8), closes=time(20, 30))))
    assert decode(encode(Entry(at=START, events=(opened,)))) == Entry(at=START, events=(opened,))


# -- broken lines


def text_of(*lines: Line | str) -> list[str]:
    return [line if isinstance(line, str) else encode(line) + "\n" for line in lines]


BEGIN = Begin(at=START, run="1")
TICK = Entry(at=START, events=(ClockTicked(),))


def test_a_torn_last_line_is_told_and_the_rest_is_read() -> None:
    assert list(read(text_of(BEGIN, TICK, '{"v":1,"at":"2026-'), "day")) == [BEGIN, TICK, Torn(3)]


def test_a_line_that_a_dead_controller_left_is_told_and_the_next_start_is_read() -> None:
    found = list(read(text_of(BEGIN, TICK, '{"v":1,"at"\n', BEGIN, TICK), "day"))
    assert found == [BEGIN, TICK, Torn(3), BEGIN, TICK]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("hello\n", "no JSON"),
        ('{"level":"info"}\n', "no line of a journal"),
        ("[1,2]\n", "no line of a journal"),
        ('{"v":9,"at":"2026-11-25T04:30:00+00:00"}\n', "version 9"),
        ('{"v":1,"at":"2026-11-25T04:30:00+00:00","event":{"is":"CallerSang"}}\n', "CallerSang"),
        ('{"v":1,"at":"2026-11-25T04:30:00+00:00","event":{"is":"CallerLeft"}}\n', "caller"),
        ('{"v":1,"at":"yesterday","event":{"is":"ClockTicked"}}\n', "yesterday"),
        ('{"v":1,"at":7,"event":{"is":"ClockTicked"}}\n', ""),
    ],
    ids=["text", "other-json", "a-list", "a-later-version", "unknown-event", "field-missing", "no-time", "wrong-type"],
)
def test_a_foreign_line_is_an_error_that_names_its_number_and_what_to_do(line: str, why: str) -> None:
    with pytest.raises(JournalUnreadable, match=r"day, line 2: .*sed 2d day") as told:
        list(read(text_of(BEGIN, line, TICK), "day"))
    assert why in str(told.value)


def test_a_foreign_last_line_is_not_taken_for_a_torn_one() -> None:
    with pytest.raises(JournalUnreadable, match="line 2"):
        list(read(text_of(BEGIN, '{"level":"info"}'), "day"))


def test_a_file_that_is_not_there_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable, match="No such file"):
        list(read_day(tmp_path / "none.jsonl"))


# -- on disk


@pytest.fixture
def journal(tmp_path: Path) -> Callable[..., JournalFile]:
    return lambda **extra: JournalFile(tmp_path / "journal", zone=INDIA, run="run-1", **extra)


def day(tmp_path: Path, name: str) -> list[Line | Torn]:
    return list(read_day(tmp_path / "journal" / f"{name}.jsonl"))


@pytest.mark.looptime
async def test_what_is_noted_is_in_the_file_within_a_quarter_of_a_second(
    journal: Callable[..., JournalFile], tmp_path: Path
) -> None:
    import asyncio

    written = journal()
    written.start()
    written.note(ClockTicked(), START, [])
    await asyncio.sleep(0.25)
    found = day(tmp_path, "2026-11-25")
    await written.stop()
    assert found == [Begin(at=START, run="run-1"), TICK]


async def test_a_day_begins_at_midnight_of_the_house_and_says_where_it_came_from(
    journal: Callable[..., JournalFile], tmp_path: Path
) -> None:
    written = journal()
    before = datetime(2026, 11, 25, 18, 29, tzinfo=UTC)  # 23:59 in India
    after = before + timedelta(minutes=2)
    written.start()
    written.note(CallerLeft("a"), before, [])
    written.note(CallerLeft("b"), after, [])
    written.note(CallerLeft("late news"), before, [])
    await written.stop()
    assert day(tmp_path, "2026-11-25") == [
        Begin(at=before, run="run-1"),
        Entry(at=before, events=(CallerLeft("a"),)),
    ]
    second = [
        Continues(at=after, run="run-1", previous="2026-11-25.jsonl"),
        Entry(at=after, events=(CallerLeft("b"),)),
        Entry(at=before, events=(CallerLeft("late news"),)),
    ]
    assert day(tmp_path, "2026-11-26") == second
    whole = list(read_since_start(tmp_path / "journal" / "2026-11-26.jsonl"))
    assert whole == day(tmp_path, "2026-11-25") + second


async def test_the_next_controller_begins_anew_after_a_torn_line(
    journal: Callable[..., JournalFile], tmp_path: Path
) -> None:
    written = journal()
    written.start()
    written.note(ClockTicked(), START, [])
    await written.stop()
    file = tmp_path / "journal" / "2026-11-25.jsonl"
    file.write_bytes(file.read_bytes() + b'{"v":1,"at":"20')
    again = journal()
    again.start()
    again.note(ClockTicked(), START, [])
    await again.stop()
    begin = Begin(at=START, run="run-1")
    assert day(tmp_path, "2026-11-25") == [begin, TICK, Torn(3), begin, TICK]


def test_only_the_owner_may_read_a_journal(tmp_path: Path) -> None:
    from acd.history.journal_file import _Pages

    pages = _Pages(tmp_path, zone=INDIA, run="r")
    pages.append([(START, "{}")], 0)
    pages.close()
    assert (tmp_path / "2026-11-25.jsonl").stat().st_mode & 0o077 == 0


class FullDisk:
    """`os.write` that writes half of what it is given and then finds no room, while `full`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        self._write = os.write
        monkeypatch.setattr("acd.history.journal_file.os.write", self)

    def __call__(self, file: int, data: bytes) -> int:
        if not self.full:
            return self._write(file, data)
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(file, data[: len(data) // 2])


async def test_a_full_disk_is_told_once_and_what_could_not_be_written_is_counted_where_it_is_missing(
    journal: Callable[..., JournalFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = FullDisk(monkeypatch)
    written = journal(most=3)
    with caplog.at_level(logging.INFO):
        for number in range(5):
            written.note(CallerLeft(str(number)), START, [])
        await written._flush()
        await written._flush()
        assert written.not_written == 2
        disk.full = False
        await written.stop()
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "The journal can't be written: calls go on, make room on the disk"
    ]
    assert day(tmp_path, "2026-11-25") == [
        Begin(at=START, run="run-1"),
        Gap(at=START, lost=2),
        *(Entry(at=START, events=(CallerLeft(str(number)),)) for number in range(3)),
    ]


async def test_what_is_left_when_the_disk_stays_full_is_counted(
    journal: Callable[..., JournalFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    FullDisk(monkeypatch)
    written = journal()
    written.start()
    written.note(ClockTicked(), START, [])
    await written.stop()
    assert written.not_written == 1


def test_a_call_costs_little(journal: Callable[..., Any]) -> None:
    """Ten lines of a call within 1 ms of CPU: the promise is 0.3 ms, the rest is room for a busy machine."""
    written = journal()
    caller = Caller(id="1732512345.678", queue="complaint", place=7, joined_at=START)
    offer = [Offer(caller.id, "1001", START, Why.LONGEST_IDLE)]
    best = 1.0
    for _ in range(5):
        began = clock.process_time()
        for _ in range(100):
            written.note(CallerJoined(caller), START, offer)
            for _ in range(9):
                written.note(OfferAnswered(caller.id, "1001"), START, [])
        best = min(best, (clock.process_time() - began) / 100)
    assert best < 0.001
