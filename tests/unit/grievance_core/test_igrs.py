"""IGRS hears of every change once and in order, and takes each officer's report once, whatever happens between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from grievance_core.errors import NotAllowed, NotDelivered
from grievance_core.igrs import wire
from grievance_core.igrs.client import Igrs
from grievance_core.lifecycle import EventKind, State
from grievance_core.outbox.box import Outbox
from grievance_core.outbox.http import opened
from grievance_core.outbox.letters import State as Fate
from grievance_core.outbox.sender import Sender
from grievance_core.service import Grievances
from grievance_core.tables import complaint_events
from grievance_core.testing import FixedClock, a_draft
from tests.igrs_server import SLOW_SECONDS, ReferenceIgrs
from tests.postgres import Postgres
from tests.unit.grievance_core.stories import CATALOGUE, RULES

pytestmark = pytest.mark.service

ROUNDS = 360  # of ten seconds each: an hour


@pytest.fixture
async def igrs() -> AsyncIterator[ReferenceIgrs]:
    server = ReferenceIgrs()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def line(igrs: ReferenceIgrs) -> AsyncIterator[Igrs]:
    async with opened(igrs.url, igrs.token) as http:
        http.timeout = httpx.Timeout(SLOW_SECONDS / 2)
        yield Igrs(http)


@pytest.fixture
def house(engine: AsyncEngine, clock: FixedClock) -> Grievances:
    """A grievance core that tells IGRS."""
    rules = replace(RULES, letters=wire.letters)
    return Grievances(async_sessionmaker(engine), catalogue=CATALOGUE, clock=clock, rng=random.Random(7), rules=rules)


@pytest.fixture
def box(engine: AsyncEngine, clock: FixedClock) -> Outbox:
    return Outbox(async_sessionmaker(engine), clock=clock)


@pytest.fixture
def sender(box: Outbox, line: Igrs, clock: FixedClock) -> Sender:
    return Sender(box, line, to=wire.SYSTEM, clock=clock)


async def test_a_complaint_and_each_change_arrive_in_order_with_what_the_officer_may_see(
    house: Grievances, sender: Sender, igrs: ReferenceIgrs
) -> None:
    complaint = await house.register(a_draft())
    await house.report(complaint.number, by="JE", text="मरम्मत हो गई")
    await house.feedback_missed(complaint.number, attempt="a-1")
    await house.feedback(complaint.number, satisfied=False, attempt="a-2", channel="call")
    while await sender.send_due():
        pass
    told = igrs.changes[complaint.number]
    assert [one["kind"] for one in told] == ["registered", "assigned", "reported", "dissatisfied_first"]
    assert told[0]["registered"]["mobile"] == "9876543210"
    assert told[2]["text"] == "मरम्मत हो गई"
    assert igrs.doubled == igrs.disordered == []


async def test_of_a_confidential_complaint_the_citizen_is_not_told(
    house: Grievances, sender: Sender, igrs: ReferenceIgrs
) -> None:
    complaint = await house.register(replace(a_draft(), confidential=True))
    await sender.send_due()
    registered = igrs.changes[complaint.number][0]["registered"]
    assert registered["mobile"] == ""
    assert "राम" not in registered["name"]


async def test_a_letter_is_there_exactly_when_its_event_is(house: Grievances, box: Outbox, engine: AsyncEngine) -> None:
    complaint = await house.register(a_draft(call_id="c-1"))
    await house.register(a_draft(call_id="c-1"))
    await house.report(complaint.number, by="JE", text="हो गया")
    with pytest.raises(NotAllowed, match="reported already"):
        await house.report(complaint.number, by="JE", text="हो गया")
    async with engine.connect() as session:
        events = {(row.number, row.seq) for row in await session.execute(select(complaint_events))}
    assert {(letter.about, letter.body["seq"]) for letter in await box.letters()} == events


async def test_an_officers_report_comes_back_once_and_stands_in_the_complaint(
    house: Grievances, sender: Sender, line: Igrs, igrs: ReferenceIgrs
) -> None:
    complaint = await house.register(a_draft())
    await sender.send_due()
    row = {"id": "r1", "complaint": complaint.number, "by": "JE Lucknow", "text": "हो गया", "visited": True}
    igrs.reports["r1"] = row
    assert await line.fetch(house) == 1
    assert (await house.get(complaint.number)).state is State.AWAITING_FEEDBACK
    igrs.reports["r1"] = row  # its "taken" was lost on the way
    await line.fetch(house)
    assert igrs.reports == igrs.refused == {}
    reports = [event for event in await house.history(complaint.number) if event.kind is EventKind.REPORTED]
    assert [(event.by, event.channel, event.reason) for event in reports] == [("JE Lucknow", "igrs", "visited")]


async def test_a_report_that_can_not_be_is_told_to_igrs_with_the_reason(
    house: Grievances, line: Igrs, igrs: ReferenceIgrs
) -> None:
    complaint = await house.register(a_draft())
    await house.withdraw(complaint.number, by="citizen", text="हो गया", channel="call")
    igrs.reports = {
        "r1": {"id": "r1", "complaint": "123", "by": "JE", "text": "x"},
        "r2": {"id": "r2", "complaint": complaint.number, "by": "JE", "text": "x"},
        "r3": {"id": "r3", "complaint": complaint.number, "by": "JE", "text": " "},
    }
    assert await line.fetch(house) == 3
    assert igrs.reports == {}
    assert "digits" in igrs.refused["r1"]
    assert "closed" in igrs.refused["r2"]
    assert igrs.refused["r3"] == "a report without text"


async def test_a_wrong_token_is_tried_again_and_nothing_dies(
    house: Grievances, box: Outbox, igrs: ReferenceIgrs, sender: Sender, clock: FixedClock
) -> None:
    await house.register(a_draft())
    igrs.token = "another"
    await sender.send_due()
    first = (await box.letters())[0]
    assert (first.state, first.tries) == (Fate.WAITING, 1)
    assert "401" in first.said
    igrs.token = "secret"
    clock.move(minutes=1)
    while await sender.send_due():
        pass
    assert {letter.state for letter in await box.letters()} == {Fate.SENT}


async def test_who_answers_nonsense_is_tried_again() -> None:
    async with opened(
        "http://127.0.0.1:1", transport=httpx.MockTransport(lambda _: httpx.Response(200, text="<html>"))
    ) as http:
        with pytest.raises(NotDelivered, match="no JSON") as caught:
            await Igrs(http)._asked("GET", wire.REPORTS_PATH)
    assert caught.value.retryable


async def test_after_an_hour_of_trouble_nothing_is_lost_and_nothing_doubled(
    server: Postgres | None, house: Grievances, box: Outbox, line: Igrs, igrs: ReferenceIgrs, clock: FixedClock
) -> None:
    """An hour in steps of ten seconds over real HTTP: answers lost, 500 and 503, slow, repeated, away for 10 minutes;
    two senders at work at a time in the middle, as when a controller is replaced."""
    chance = random.Random(1 if server is None else 2)
    igrs.trouble = 0.4
    senders = [Sender(box, line, to=wire.SYSTEM, clock=clock) for _ in range(2)]
    reported: set[str] = set()
    numbers: list[str] = []
    for turn in range(ROUNDS):
        if turn % 15 == 0 and turn < ROUNDS - 60:
            numbers.append((await house.register(a_draft(call_id=f"c-{turn}"))).number)
        if turn == 120:
            await igrs.stop()
        if turn == 180:
            await igrs.start()
        number = chance.choice(numbers)
        if number not in reported and number in igrs.changes and chance.random() < 0.2:
            reported.add(number)
            igrs.reports[f"r-{number}"] = {"id": f"r-{number}", "complaint": number, "by": "JE", "text": "हो गया"}
        working = senders if 200 < turn < 220 else senders[:1]
        await asyncio.gather(*(sender.send_due() for sender in working))
        if turn % 6 == 0:
            with suppress(NotDelivered):
                await line.fetch(house)
        clock.now += timedelta(seconds=10)
    igrs.trouble = 0.0
    for _ in range(60):
        await line.fetch(house)
        await senders[0].send_due()
        clock.move(minutes=1)
    assert {letter.state for letter in await box.letters(limit=10_000)} == {Fate.SENT}
    assert igrs.doubled == igrs.disordered == []
    assert len(igrs.tricks) == 6, "each of its tricks was played"
    assert igrs.reports == igrs.refused == {}
    assert len(reported) > 5
    for number in numbers:
        history = await house.history(number)
        assert [one["seq"] for one in igrs.changes[number]] == [event.seq for event in history]
        assert len([event for event in history if event.kind is EventKind.REPORTED]) == (number in reported)
