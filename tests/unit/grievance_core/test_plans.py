"""What is asked of a hundred million complaints all day long reads an index and never all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from grievance_core import store
from grievance_core.integrity.service import in_span
from grievance_core.lifecycle import EventKind
from grievance_core.tables import complaint_events, metadata
from grievance_core.testing import NOON
from tests.unit.grievance_core.stories import NUMBER

pytestmark = pytest.mark.service

CALLER = "9876543210"
Ask = Callable[[AsyncSession], Awaitable[object]]
ASKED: dict[str, tuple[Ask, str]] = {
    "the sweep": (lambda s: store.due(s, NOON, after=(NOON, NUMBER), limit=10), "ix_complaints_sweep_at_number"),
    "the oldest overdue": (lambda s: store.oldest_overdue(s, NOON), "ix_complaints_sweep_at_number"),
    "the dialer": (lambda s: store.awaiting_feedback(s, NOON, 10), "ix_complaints_ask_at_number"),
    "officers' questions": (lambda s: store.open_questions(s, 10), "ix_complaints_question_at_number"),
    "a parent's supporters": (lambda s: store.parts_of(s, NUMBER), "ix_complaints_parent_number"),
    "the cap": (lambda s: store.count_of_caller(s, CALLER, since=NOON), "ix_complaints_caller_registered_at"),
    "a caller's repeats": (lambda s: store.open_of_caller(s, CALLER, "ENE-02"), "ix_complaints_caller_registered_at"),
    "who dials in": (lambda s: store.feedback_of(s, CALLER), "ix_complaints_caller_registered_at"),
    "the same trouble": (
        lambda s: store.open_alike(s, "ENE-02", "162", since=NOON - timedelta(days=30)),
        "ix_complaints_district_category_registered_at",
    ),
    "special closures": (lambda s: store.special_closures(s, NOON), "ix_complaint_events_special"),
    "what integrity looks at": (
        lambda s: s.execute(select(complaint_events.c.number).where(*in_span(EventKind.REPORTED, NOON, NOON))),
        "ix_complaint_events_watched",
    ),
    "wrong PINs": (lambda s: store.wrong_pins_of(s, NUMBER, since=NOON), "ix_wrong_pins_number_at"),
}


@pytest.mark.parametrize("name", ASKED)
async def test_it_reads_its_index(name: str) -> None:
    ask, index = ASKED[name]
    engine = create_async_engine("sqlite+aiosqlite://")
    said: list[tuple[str, Any]] = []
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        said.append((statement, parameters))

    async with async_sessionmaker(engine)() as session:
        await ask(session)
    statement, parameters = said[-1]
    async with engine.connect() as connection:
        raw = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters))
        plan = [row[-1] for row in raw]
    await engine.dispose()
    assert any(index in step for step in plan), plan
    assert not any(step.startswith("SCAN") and index not in step for step in plan), plan
