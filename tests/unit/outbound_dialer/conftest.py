"""A dialer on virtual time, with a real SQLite file, a link and a source that are stand-ins."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiosqlite.core
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from outbound_dialer.attempt import Attempt, AttemptId, Contact, ContactKey
from outbound_dialer.lines import Lines
from outbound_dialer.pacing import Pace
from outbound_dialer.rules import Rules, Window
from outbound_dialer.service import Dialer, DialerSettings, Outcome
from outbound_dialer.store import metadata
from outbound_dialer.testing import FakeLink, FakeSource

ELEVEN = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)  # 11:00 in India
INDIA = ZoneInfo("Asia/Kolkata")


def contact(key: str = "c1", number: str = "9876500001") -> Contact:
    return Contact(key=ContactKey(key), number=number, language="hi", context={"complaint": key})


def settings(**changes: Any) -> DialerSettings:
    given: dict[str, Any] = {
        "rules": Rules(window=Window(zone=INDIA)),
        "caller_id": "1600221076",
        "pace": Pace(lines=10, calls_per_second=10),
    }
    return DialerSettings(**(given | changes))


@pytest.fixture(autouse=True)
def _database_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """aiosqlite works in threads of its own, of which looptime knows nothing: hold the virtual clock meanwhile."""
    execute = aiosqlite.core.Connection._execute

    async def held(self: aiosqlite.core.Connection, *args: Any, **kwargs: Any) -> Any:
        done = threading.Event()
        asyncio.get_running_loop().run_in_executor(None, done.wait)  # looptime waits for executors in real time
        try:
            return await execute(self, *args, **kwargs)
        finally:
            done.set()

    monkeypatch.setattr(aiosqlite.core.Connection, "_execute", held)


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'dialer.sqlite3'}")

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=OFF")  # no test pulls the plug
        cursor.close()

    async with engine.begin() as connection:
        await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        await connection.run_sync(metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


@dataclass
class Receiver:
    """Takes outcomes; refuses the first `refusals` times."""

    refusals: int = 0
    calls: int = 0
    taken: list[Outcome] = field(default_factory=list)

    async def __call__(self, outcome: Outcome) -> None:
        self.calls += 1
        if self.calls <= self.refusals:
            raise ConnectionError("the receiver is away")
        self.taken.append(outcome)

    @property
    def dispositions(self) -> list[str]:
        return [outcome.disposition.value for outcome in self.taken]


@dataclass
class World:
    """Dialers one after the other (as after crashes) over the same Asterisk, database, source and receiver."""

    sessions: async_sessionmaker[AsyncSession]
    link: FakeLink = field(default_factory=FakeLink)
    source: FakeSource = field(default_factory=FakeSource)
    receiver: Receiver = field(default_factory=Receiver)
    begin: datetime = ELEVEN
    dialers: list[Dialer] = field(default_factory=list)
    ids: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    def clock(self) -> datetime:
        return self.begin + timedelta(seconds=asyncio.get_running_loop().time())

    def dialer(self, **changes: Any) -> Dialer:
        made = Dialer(
            self.sessions,
            self.link,
            self.source,
            clock=self.clock,
            settings=settings(**changes),
            on_outcome=self.receiver,
            new_id=lambda _at: AttemptId(f"dial-{self.ids():06}"),
        )
        self.dialers.append(made)
        return made

    async def started(self, **changes: Any) -> Dialer:
        dialer = self.dialer(**changes)
        await dialer.start()
        return dialer

    async def until(self, claim: Callable[[], object], *, seconds: float = 30.0, step: float = 0.05) -> None:
        """Wait until the claim holds, looking every `step` seconds."""
        async with asyncio.timeout(seconds):
            while not claim():
                await asyncio.sleep(step)

    async def close(self) -> None:
        for dialer in self.dialers:
            await dialer.stop()
        await self.link.close()


@pytest.fixture
async def world(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[World]:
    world = World(sessions)
    yield world
    await world.close()


@pytest.fixture
def dies_before_originate(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make the next dialers die right after an attempt is committed; call the result to let them live again."""
    ring = Lines.ring

    def die(self: Lines, attempt: Attempt) -> None:
        raise SystemError("kill -9")

    monkeypatch.setattr(Lines, "ring", die)
    return lambda: monkeypatch.setattr(Lines, "ring", ring)
