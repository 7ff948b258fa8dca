"""Several writers on one store, a locked store, and the sweep."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from grievance_core import store
from grievance_core.errors import (
    ChangedMeanwhile,
    StoreBusy,
    StoreFailed,
)
from grievance_core.life import register
from grievance_core.lifecycle import EventKind, State
from grievance_core.numbers import SERIALS, ComplaintNumber, number_for
from grievance_core.service import Grievances
from grievance_core.store import due_statement
from grievance_core.tables import complaints
from grievance_core.testing import NOON, FixedClock, a_draft
from tests.postgres import Postgres
from tests.unit.grievance_core.conftest import desk, emptied
from tests.unit.grievance_core.stories import CATALOGUE, RULES, refuse, reported

pytestmark = pytest.mark.service


# Two at once


async def test_two_desks_that_report_at_once_make_one_report(two_desks: tuple[Grievances, Grievances]) -> None:
    for _ in range(10):
        complaint = await two_desks[0].register(a_draft())
        results = await asyncio.gather(
            *(desk.report(complaint.number, by="JE", text="हो गया") for desk in two_desks), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["Complaint", "NotAllowed"]
        assert [event.seq for event in await two_desks[0].history(complaint.number)] == [1, 2, 3]


async def test_one_answer_told_by_two_at_once_counts_once(two_desks: tuple[Grievances, Grievances]) -> None:
    for _ in range(10):
        number = await reported(two_desks[0])
        results = await asyncio.gather(
            *(desk.feedback(number, satisfied=False, attempt="a-1", channel="call") for desk in two_desks)
        )
        assert [result.dissatisfied for result in results] == [1, 1]


async def test_an_answer_told_by_another_while_we_look_is_what_we_return(
    two_desks: tuple[Grievances, Grievances], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = two_desks
    number = await reported(one)
    look = store.attempt_told

    async def told_meanwhile(session: AsyncSession, number: ComplaintNumber, attempt: str) -> bool:
        monkeypatch.setattr(store, "attempt_told", look)
        await refuse(two, number, attempt)
        return await look(session, number, attempt)

    monkeypatch.setattr(store, "attempt_told", told_meanwhile)
    assert (await one.feedback(number, satisfied=False, attempt="a-1", channel="call")).dissatisfied == 1


async def test_a_locked_database_says_so_is_retryable_and_changes_nothing(
    hasty_desk: Grievances, tmp_path: Path
) -> None:
    complaint = await hasty_desk.register(a_draft())
    lock = sqlite3.connect(tmp_path / "complaints.db")
    lock.execute("BEGIN IMMEDIATE")
    try:
        for attempt in (
            hasty_desk.register(a_draft(call_id="c-1")),
            hasty_desk.report(complaint.number, by="JE", text="हो गया"),
            hasty_desk.count_refusal("rti", ""),
            hasty_desk.file_voice_message(Path("a.wav"), caller="", taken_at=NOON),
        ):
            with pytest.raises(StoreBusy, match="Try again in a moment") as caught:
                await attempt
            assert caught.value.retryable
        assert await hasty_desk.get(complaint.number) == complaint  # readers read on
    finally:
        lock.rollback()
        lock.close()
    assert (await hasty_desk.report(complaint.number, by="JE", text="हो गया")).state is State.AWAITING_FEEDBACK


async def test_a_store_that_is_not_set_up_or_not_a_database_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("this is no database, " * 100)
    for url in ("sqlite+aiosqlite://", f"sqlite+aiosqlite:///{tmp_path / 'a.db'}"):
        engine = create_async_engine(url)
        service = Grievances(async_sessionmaker(engine), catalogue=CATALOGUE, clock=FixedClock())
        with pytest.raises(StoreFailed, match="helpline doctor") as caught:
            await service.register(a_draft(call_id="c-1"))
        assert "9876543210" not in str(caught.value)
        assert not caught.value.retryable
        await engine.dispose()


async def test_a_writer_that_loses_every_race_is_told_to_look_again(
    grievances: Grievances, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def always_late(*_: object) -> None:
        raise ChangedMeanwhile

    complaint = await grievances.register(a_draft())
    monkeypatch.setattr(store, "save", always_late)
    with pytest.raises(ChangedMeanwhile, match="Look at it again") as caught:
        await grievances.report(complaint.number, by="JE", text="हो गया")
    assert caught.value.retryable
    assert await grievances.get(complaint.number) == complaint


# The sweep


async def test_time_that_runs_out_brings_the_complaint_up_to_l4_and_flags_it_there(
    grievances: Grievances, clock: FixedClock
) -> None:
    complaint = await grievances.register(a_draft())
    assert await grievances.sweep(clock()) == 0
    levels = []
    for _ in range(4):
        assert await grievances.sweep(clock.move(days=30)) == 1
        levels.append((await grievances.get(complaint.number)).level)
    assert levels == [2, 3, 4, 4]
    assert (await grievances.get(complaint.number)).overdue
    assert await grievances.sweep(clock.move(days=30)) == 0
    async with grievances._engine.connect() as session:  # a flagged one is not even looked at again
        assert await store.due(session, clock(), after=None, limit=10) == []


async def test_the_sweep_leaves_what_awaits_feedback_and_what_is_closed(
    grievances: Grievances, clock: FixedClock
) -> None:
    waiting, closed = await reported(grievances), await reported(grievances)
    await grievances.feedback(closed, satisfied=True, attempt="a-1", channel="call")
    assert await grievances.sweep(clock.move(days=300)) == 0
    await refuse(grievances, waiting, "a-2")
    assert await grievances.sweep(clock.move(days=30)) == 1


async def test_a_sweep_of_600_moves_all_oldest_first_but_the_poisoned_one(
    grievances: Grievances,
    clock: FixedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="grievance_core")
    numbers = [number_for(SERIALS[place * 7]) for place in range(600)]
    poisoned = numbers[350]
    async with grievances._engine.begin() as session:  # 600 transactions would only cost time here
        for place, number in enumerate(numbers):
            if place % 10 == 0:
                clock.move(minutes=1)
            complaint, events = register(a_draft(), number=number, at=clock(), rules=RULES)
            if number == poisoned:
                complaint = replace(complaint, category="XXX-99")
            await store.add(session, complaint, events, once_key=None)
    assert await grievances.sweep(clock.move(days=30)) == 599
    moved = [record.complaint for record in caplog.records if record.action == "complaint_time_ran_out"]  # type: ignore[attr-defined]
    assert moved == [number for number in numbers if number != poisoned]
    failed = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.complaint for record in failed] == [poisoned]  # type: ignore[attr-defined]
    assert {complaint.level for complaint in await grievances.find(state=State.ESCALATED, limit=3000)} == {2}
    assert await grievances.sweep(clock()) == 0


async def test_two_sweeps_at_once_move_each_complaint_once(
    two_desks: tuple[Grievances, Grievances], clock: FixedClock
) -> None:
    numbers = [(await two_desks[0].register(a_draft())).number for _ in range(30)]
    now = clock.move(days=30)
    assert sum(await asyncio.gather(*(desk.sweep(now) for desk in two_desks))) == 30
    for number in numbers:
        assert [event.kind for event in await two_desks[0].history(number)][2:] == [EventKind.TIME_RAN_OUT]


async def test_a_sweep_of_a_locked_store_gives_up_soon_and_the_next_one_goes_on(
    hasty_desk: Grievances, clock: FixedClock, tmp_path: Path
) -> None:
    for _ in range(10):
        await hasty_desk.register(a_draft())
    now = clock.move(days=30)
    lock = sqlite3.connect(tmp_path / "complaints.db")
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await hasty_desk.sweep(now)
    lock.rollback()
    lock.close()
    assert await hasty_desk.sweep(now) == 10


async def test_the_sweep_reads_its_index_only(file_url: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "complaints.db") as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT sweep_at, number FROM complaints WHERE sweep_at <= '2026' "
            "AND (sweep_at, number) > ('2025', '1') ORDER BY sweep_at, number LIMIT 200"
        ).fetchall()
    connection.close()
    assert "USING COVERING INDEX ix_complaints_sweep_at_number" in plan[0][-1]
    assert len(plan) == 1  # no sorting beside


async def test_the_sweep_reads_only_what_is_due_of_many_on_postgresql(postgres: Postgres, clock: FixedClock) -> None:
    """20,000 complaints of which 30 are due: an index scan that gives 30 rows, and nothing is sorted."""
    await emptied(postgres.url())
    async with desk(postgres.url(), clock, seed=1) as grievances:
        number = (await grievances.register(a_draft())).number
    columns = [column.name for column in complaints.columns]
    changed = {
        "number": "lpad(n::text, 12, '0')",
        "once_key": "NULL",
        "sweep_at": "sweep_at + make_interval(hours => n)",
    }
    values = ", ".join(changed.get(name, f'"{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    engine = create_async_engine(postgres.url(), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(
            text(
                f"INSERT INTO complaints ({names}) SELECT {values} FROM complaints, generate_series(1, 20000) AS n "
                f"WHERE number = '{number}'"
            )
        )
        await connection.commit()
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE complaints"))
        first = await connection.scalar(text("SELECT min(sweep_at) FROM complaints"))
        due = due_statement(first + timedelta(hours=29.5), after=None, limit=200)
        compiled = due.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
        plan = [row[0] for row in await connection.execute(text(f"EXPLAIN (ANALYZE, TIMING OFF) {compiled}"))]
    await engine.dispose()
    scan = next(line for line in plan if "Scan" in line)
    assert "Index Only Scan using ix_complaints_sweep_at_number" in scan, plan
    assert "rows=30 " in scan.split("actual")[1], plan
    assert not any("Sort" in line for line in plan)
