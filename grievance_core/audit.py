"""The events' seals, kept and looked through: see chain.py for what they show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from grievance_core.chain import BEGIN, Mark, Seal, faults_of, root_of, seal_of, sealed
from grievance_core.complaint import Event
from grievance_core.errors import UnknownComplaint
from grievance_core.numbers import ComplaintNumber, parse
from grievance_core.store import event_of, plain_errors
from grievance_core.tables import audit_seals, complaint_events, complaints

PAGE = 5000  # events that one seal counts at the most, and that are read at once
MOST_FAULTS = 100

Told = Callable[[int, int], None]  # events looked at, of how many

_events = complaint_events.c


@dataclass(slots=True)
class Verdict:
    """What a look through the events found. `faults` says each in one sentence, with the complaint's number."""

    complaints: int = 0
    events: int = 0
    seals: int = 0
    unsealed: int = 0  # of the last minute
    head: Seal | None = None
    faults: list[str] = field(default_factory=list)
    more: int = 0  # faults beyond MOST_FAULTS

    @property
    def whole(self) -> bool:
        return not self.faults

    def blame(self, *faults: str) -> None:
        room = MOST_FAULTS - len(self.faults)
        self.faults += faults[:room]
        self.more += max(0, len(faults) - room)


class Audit:
    """Seals what is new and looks through what there is. May raise StoreBusy (retryable) or StoreFailed."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock

    async def seal(self) -> Seal | None:
        """Count what no seal counts yet, up to PAGE events; None when there is nothing, or another was faster.

        Each seal is one transaction: it counts what it marks, neither more nor less, whoever writes at the time.
        """
        with plain_errors():
            try:
                async with self._sessions.begin() as session:
                    return await self._seal(session)
            except IntegrityError:
                return None

    async def _seal(self, session: AsyncSession) -> Seal | None:
        last = await _last_seal(session)
        new = select(_events.number, _events.seq).where(_events.sealed_in.is_(None)).limit(PAGE)
        id = last.id + 1 if last else 1
        counted = (
            update(complaint_events)
            .where(tuple_(_events.number, _events.seq).in_(new), _events.sealed_in.is_(None))
            .values(sealed_in=id)
            .returning(_events.number, _events.seq, _events.seal)
        )
        marks = [Mark(*row) for row in await session.execute(counted)]
        if not marks:
            return None
        seal = seal_of(
            id=id, at=self._clock(), events=len(marks), root=root_of(marks), before=last.seal if last else BEGIN
        )
        values = {"id": seal.id, "at": seal.at, "events": seal.events, "root": seal.root, "seal": seal.seal}
        await session.execute(insert(audit_seals), values)
        return seal

    async def head(self) -> Seal | None:
        """The last seal over all: who keeps it can have everything before it checked."""
        with plain_errors():
            async with self._sessions() as session:
                return await _last_seal(session)

    async def verify(self, *, kept: tuple[int, str] | None = None, told: Told | None = None) -> Verdict:
        """Look through all events and seals. `kept` is a seal's id and value that somebody kept elsewhere."""
        verdict = Verdict()
        with plain_errors():
            async with self._sessions() as session:
                total = await session.scalar(select(func.count()).select_from(complaint_events)) or 0
                async for number, version, state, rows in _histories(session):
                    verdict.complaints += 1
                    verdict.events += len(rows)
                    verdict.blame(*history_faults(number, version, state, rows))
                    if told is not None:
                        told(verdict.events, total)
                if verdict.events != total:
                    verdict.blame(f"{total - verdict.events} events belong to no complaint: complaints were taken out.")
                await _look_at_seals(session, verdict, kept)
                unsealed = select(func.count()).select_from(complaint_events).where(_events.sealed_in.is_(None))
                verdict.unsealed = await session.scalar(unsealed) or 0
        return verdict

    async def verify_one(self, number: str) -> Verdict:
        """Look through one complaint's events. Raises NumberUnreadable or UnknownComplaint."""
        wanted = parse(number)
        verdict = Verdict(complaints=1)
        with plain_errors():
            async with self._sessions() as session:
                async for found, version, state, rows in _histories(session, only=wanted):
                    verdict.events = len(rows)
                    verdict.blame(*history_faults(found, version, state, rows))
                    return verdict
        raise UnknownComplaint("No complaint has this number. Check it, or search: helpline complaint list")


def history_faults(number: str, version: int, state: str, rows: list[tuple[Event, str]]) -> list[str]:
    """What is wrong with one complaint's events and their seals. Pure."""
    faults: list[str] = []
    before = BEGIN
    for place, (event, seal) in enumerate(rows, start=1):
        if event.seq != place:
            faults.append(f"Complaint {number}: event {place} is missing.")
            return faults
        if sealed(event, before) != seal:
            faults.append(f"Complaint {number}: event {place} ({event.kind}) is not what was sealed.")
            return faults
        before = seal
    if len(rows) != version:
        faults.append(f"Complaint {number}: {version} events were written, {len(rows)} are there.")
    elif rows and rows[-1][0].state != state:
        faults.append(f"Complaint {number}: it stands as {state}, its last event led to {rows[-1][0].state}.")
    return faults


async def _last_seal(session: AsyncSession) -> Seal | None:
    row = (await session.execute(select(audit_seals).order_by(audit_seals.c.id.desc()).limit(1))).one_or_none()
    return None if row is None else Seal(**row._asdict())


async def _histories(
    session: AsyncSession, *, only: ComplaintNumber | None = None
) -> AsyncIterator[tuple[str, int, str, list[tuple[Event, str]]]]:
    """Each complaint's number, version and state with its events and their seals, page by page."""
    after = ""
    while True:
        wanted = select(complaints.c.number, complaints.c.version, complaints.c.state).order_by(complaints.c.number)
        wanted = wanted.where(complaints.c.number == only) if only else wanted.where(complaints.c.number > after)
        page = (await session.execute(wanted.limit(PAGE // 5))).all()
        if not page:
            return
        after = page[-1].number
        rows = select(complaint_events).where(_events.number >= page[0].number, _events.number <= after)
        events: dict[str, list[tuple[Event, str]]] = {row.number: [] for row in page}
        for row in await session.execute(rows.order_by(_events.number, _events.seq)):
            if row.number in events:
                events[row.number].append((event_of(row), row.seal))
        for row in page:
            yield row.number, row.version, row.state, events[row.number]
        if only:
            return


async def _look_at_seals(session: AsyncSession, verdict: Verdict, kept: tuple[int, str] | None) -> None:
    before, id = BEGIN, 0
    after = 0
    while page := (
        await session.execute(select(audit_seals).where(audit_seals.c.id > after).order_by(audit_seals.c.id).limit(500))
    ).all():
        for row in page:
            seal, id = Seal(**row._asdict()), id + 1
            statement = select(_events.number, _events.seq, _events.seal).where(_events.sealed_in == seal.id)
            marks = [Mark(*mark) for mark in await session.execute(statement)]
            verdict.blame(*faults_of(seal, before=before, id=id, events=len(marks), root=root_of(marks)))
            if kept is not None and kept[0] == seal.id and kept[1] != seal.seal:
                verdict.blame(f"Seal {seal.id} is not the one that was kept: all before it may have been written anew.")
            before, id, after = seal.seal, seal.id, seal.id
            verdict.seals, verdict.head = verdict.seals + 1, seal
    if kept is not None and (verdict.head is None or kept[0] > verdict.head.id):
        verdict.blame(f"Seal {kept[0]}, which was kept, is not there: the end of the chain was taken away.")


def seal_text(seal: Any) -> str:
    """A seal as it is written down and given back: 12:5f3a…"""
    return f"{seal.id}:{seal.seal}"
