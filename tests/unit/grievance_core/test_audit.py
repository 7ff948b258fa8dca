"""Whoever changes, takes out or puts in an event is found out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from grievance_core.audit import Audit, history_faults, seal_text
from grievance_core.chain import BEGIN, Mark, root_of, sealed
from grievance_core.complaint import Event
from grievance_core.errors import UnknownComplaint
from grievance_core.lifecycle import EventKind, State
from grievance_core.numbers import number_for
from grievance_core.service import Grievances
from grievance_core.tables import audit_seals, complaint_events
from grievance_core.testing import FixedClock, a_draft
from tests.unit.grievance_core.stories import CATALOGUE, RULES

pytestmark = pytest.mark.service

EVENT = Event(
    number=number_for(12345678901),
    seq=1,
    kind=EventKind.REGISTERED,
    at=datetime(2026, 11, 25, 12, 0, 0, 123456, UTC),
    by="1001",
    channel="call",
    state=State.REGISTERED,
    level=1,
    post=None,
    text="पानी नहीं आता",
)

SEAL_OF_THE_FIRST_RELEASE = "7da26bcced6a1d465272e8647dc63132837a4ab9e11fa16a1fae7177a367f945"

Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def sessions(store_url: str) -> AsyncIterator[Sessions]:
    engine = create_async_engine(store_url)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


@pytest.fixture
async def audit(sessions: Sessions, clock: FixedClock) -> Audit:
    return Audit(sessions, clock=clock)


@pytest.fixture
async def told(sessions: Sessions, clock: FixedClock, audit: Audit) -> list[str]:
    """Three complaints, two of them reported; sealed after each step."""
    grievances = Grievances(sessions, catalogue=CATALOGUE, clock=clock, rules=RULES)
    numbers = []
    for call in ("a", "b", "c"):
        complaint = await grievances.register(a_draft(call_id=call))
        numbers.append(complaint.number)
        clock.now += timedelta(hours=1)
        if call != "c":
            await grievances.report(complaint.number, by="post", text="मरम्मत हो गई")
        await audit.seal()
    return numbers


async def change(sessions: Sessions, statement: str) -> None:
    async with sessions.begin() as session:
        await session.execute(text(statement))


async def test_an_honest_store_has_no_fault_and_all_is_counted(audit: Audit, told: list[str]) -> None:
    looked: list[tuple[int, int]] = []
    verdict = await audit.verify(told=lambda done, total: looked.append((done, total)))
    assert (verdict.faults, verdict.complaints, verdict.events, verdict.seals, verdict.unsealed) == ([], 3, 8, 3, 0)
    assert looked[-1] == (8, 8)
    assert await audit.seal() is None, "there is nothing new"
    assert verdict.head == await audit.head()


@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE complaint_events SET text = 'nothing was done' WHERE kind = 'reported'",
        "UPDATE complaint_events SET \"by\" = 'somebody else' WHERE seq = 2",
        "UPDATE complaint_events SET at = '2026-01-01 00:00:00.000000' WHERE seq = 1",
        "UPDATE complaint_events SET channel = 'web' WHERE seq = 1",
        "DELETE FROM complaint_events WHERE seq = 2",
        "DELETE FROM complaint_events WHERE seq = 3",
        "UPDATE complaint_events SET seal = 'f' || substr(seal, 2) WHERE seq = 3",
        "UPDATE complaints SET state = 'closed_satisfied'",
    ],
)
async def test_a_change_in_what_was_written_is_found(
    audit: Audit, told: list[str], sessions: Sessions, crime: str
) -> None:
    await change(sessions, crime)
    verdict = await audit.verify()
    assert not verdict.whole
    assert any(number in fault for fault in verdict.faults for number in told)


async def test_a_whole_complaint_taken_out_is_found_by_the_seals_over_all(
    audit: Audit, told: list[str], sessions: Sessions
) -> None:
    for table, column in (("complaint_events", "number"), ("complaints", "number")):
        await change(sessions, f"DELETE FROM {table} WHERE {column} = '{told[1]}'")
    verdict = await audit.verify()
    assert verdict.faults == [
        "Seal 2 counts 3 events, there are 0 now.",
        "Seal 2 does not fit its events: one of them was changed, taken out or put in.",
    ]


async def test_one_who_writes_all_seals_anew_is_found_by_a_seal_that_was_kept(
    audit: Audit, told: list[str], sessions: Sessions
) -> None:
    kept = await audit.head()
    assert kept is not None
    async with sessions.begin() as session:
        await session.execute(delete(audit_seals))
        await session.execute(text("UPDATE complaint_events SET sealed_in = NULL"))
    while await audit.seal():
        pass
    assert (await audit.verify()).whole, "without a kept seal nobody could tell"
    verdict = await audit.verify(kept=(kept.id, kept.seal))
    assert not verdict.whole
    assert str(kept.id) in verdict.faults[0]
    assert seal_text(kept) == f"{kept.id}:{kept.seal}"


async def test_a_seal_taken_out_of_the_chain_is_missed(audit: Audit, told: list[str], sessions: Sessions) -> None:
    await change(sessions, "DELETE FROM audit_seals WHERE id = 2")
    assert "Seal 2 is missing: after it comes 3." in (await audit.verify()).faults


async def test_one_complaint_can_be_looked_at_alone(audit: Audit, told: list[str], sessions: Sessions) -> None:
    assert (await audit.verify_one(told[0])).whole
    await change(sessions, f"UPDATE complaint_events SET text = 'x' WHERE number = '{told[0]}' AND seq = 3")
    assert (await audit.verify_one(told[0])).faults == [
        f"Complaint {told[0]}: event 3 (reported) is not what was sealed."
    ]
    assert (await audit.verify_one(told[1])).whole
    with pytest.raises(UnknownComplaint):
        await audit.verify_one(number_for(99999999999))


async def test_what_is_written_while_a_seal_is_made_is_counted_by_the_next(
    audit: Audit, told: list[str], sessions: Sessions, clock: FixedClock
) -> None:
    grievances = Grievances(sessions, catalogue=CATALOGUE, clock=clock, rules=RULES)
    await grievances.register(a_draft(call_id="d"))
    assert (await audit.verify()).unsealed == 2
    seal = await audit.seal()
    assert seal is not None
    assert (seal.id, seal.events) == (4, 2)
    async with sessions() as session:
        assert await session.scalar(complaint_events.select().where(complaint_events.c.sealed_in.is_(None))) is None


CHANGED = st.sampled_from(
    [
        replace(EVENT, by="1002"),
        replace(EVENT, text=""),
        replace(EVENT, at=EVENT.at + timedelta(microseconds=1)),
        replace(EVENT, by_level=2),
        replace(EVENT, amount=1),
        replace(EVENT, due_at=EVENT.at),
        replace(EVENT, attempt="call-1"),
        replace(EVENT, state=State.WITH_OFFICER),
        replace(EVENT, number=number_for(12345678902)),
    ]
)


@given(CHANGED)
def test_each_field_is_in_the_seal(changed: Event) -> None:
    assert sealed(changed, BEGIN) != sealed(EVENT, BEGIN)
    assert sealed(EVENT, "0") != sealed(EVENT, "1")


def test_a_seal_does_not_hang_on_the_time_zone_in_which_a_time_is_given() -> None:
    elsewhere = replace(EVENT, at=EVENT.at.astimezone())
    assert sealed(elsewhere, BEGIN) == sealed(EVENT, BEGIN)
    assert sealed(EVENT, BEGIN) == "7da26bcced6a1d465272e8647dc63132837a4ab9e11fa16a1fae7177a367f945", (
        "a seal is the same for ever: this is what the first release wrote"
    )


def test_fields_do_not_run_into_each_other() -> None:
    assert sealed(replace(EVENT, text="a", report="b"), BEGIN) != sealed(replace(EVENT, text="ab", report=""), BEGIN)


def test_a_root_does_not_hang_on_the_order_of_reading() -> None:
    marks = [Mark("2", 1, "x"), Mark("1", 2, "y"), Mark("1", 1, "z")]
    assert root_of(marks) == root_of(reversed(marks)) != root_of(marks[:2])


def test_a_history_without_events_is_a_fault() -> None:
    assert history_faults("1", 2, "registered", []) == ["Complaint 1: 2 events were written, 0 are there."]
