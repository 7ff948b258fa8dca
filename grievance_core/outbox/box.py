"""The outbox: letters written with the change they tell of, what is due, and what a person decides about the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core.complaint import short
from grievance_core.errors import LetterRefused
from grievance_core.outbox.letters import TRIED_FOR, Letter, State, next_try
from grievance_core.outbox.tables import outbox_letters
from grievance_core.store import plain_errors
from grievance_core.tables import Db

SAID_LIMIT = 300

_letters = outbox_letters.c
_ADD = insert(outbox_letters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A letter as it lies in the outbox."""

    id: int
    to: str
    key: str
    lane: str
    about: str
    body: dict[str, Any] = field(repr=False)
    written_at: datetime
    state: State
    due_at: datetime | None
    tries: int
    said: str
    by: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """How a system's letters stand."""

    to: str
    waiting: int
    dead: int
    oldest: datetime | None  # of those that wait: when it was written


async def enqueue(session: Db, letters: Sequence[Letter], *, at: datetime) -> None:
    """Write letters in the transaction of the change that they tell of."""
    if not letters:
        return
    rows = [
        {
            "to": letter.to,
            "key": letter.key,
            "lane": letter.lane,
            "about": letter.about,
            "body": json.dumps(letter.body, ensure_ascii=False),
            "written_at": at,
            "state": State.WAITING,
            "due_at": at,
            "tries": 0,
            "said": "",
            "by": "",
        }
        for letter in letters
    ]
    await session.execute(_ADD, rows)


class Outbox:
    """Every method may raise StoreBusy (retryable) or StoreFailed; then nothing was changed."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, clock: Callable[[], datetime]) -> None:
        self._engine: AsyncEngine = sessions.kw["bind"]
        self._clock = clock

    async def due(self, to: str, limit: int) -> list[Kept]:
        """What is to be sent now, oldest due first: of each lane the first letter that has not arrived.

        A dead letter holds up its lane: what came after it would not be understood without it.
        """
        earlier = outbox_letters.alias()
        held = exists().where(
            and_(earlier.c.lane == _letters.lane, earlier.c.ended_at.is_(None), earlier.c.id < _letters.id)
        )
        statement = select(outbox_letters).where(_letters.due_at <= self._clock(), _letters.to == to, ~held)
        with plain_errors():
            async with self._engine.connect() as session:
                rows = await session.execute(statement.order_by(_letters.due_at, _letters.id).limit(limit))
                return [_kept(row) for row in rows]

    async def next_due(self, to: str) -> datetime | None:
        """When the next letter to a system is to be tried; None when none waits."""
        with plain_errors():
            async with self._engine.connect() as session:
                statement = select(func.min(_letters.due_at)).where(_letters.due_at.is_not(None), _letters.to == to)
                found: datetime | None = await session.scalar(statement)
                return found

    async def arrived(self, letter: Kept, said: str = "") -> None:
        """The other side has it."""
        await self._write(letter.id, state=State.SENT, due_at=None, said=said, tries=letter.tries + 1, ended=True)

    async def failed(self, letter: Kept, said: str, *, asked: timedelta | None = None) -> State:
        """It may not have arrived: tried again later, or put before a person when it was tried for too long."""
        now, tries = self._clock(), letter.tries + 1
        if now - letter.written_at >= TRIED_FOR and not letter.by:
            return await self.refused(letter, f"not arrived for {TRIED_FOR.days} days; last: {said}")
        again = next_try(key=letter.key, tries=tries, now=now, asked=asked)
        await self._write(letter.id, state=State.WAITING, due_at=again, said=said, tries=tries)
        return State.WAITING

    async def refused(self, letter: Kept, said: str) -> State:
        """The other side will never take it as it is: a person decides."""
        await self._write(letter.id, state=State.DEAD, due_at=None, said=said, tries=letter.tries + 1)
        return State.DEAD

    # What a person does

    async def letters(self, *, state: State | None = None, about: str = "", limit: int = 100) -> list[Kept]:
        """Letters, oldest first."""
        statement = select(outbox_letters).order_by(_letters.id).limit(limit)
        if state is not None:
            statement = statement.where(_letters.state == state)
        if about:
            statement = statement.where(_letters.about == about)
        with plain_errors():
            async with self._engine.connect() as session:
                return [_kept(row) for row in await session.execute(statement)]

    async def get(self, id: int) -> Kept:
        """Raises LetterRefused when there is none."""
        with plain_errors():
            async with self._engine.connect() as session:
                row = (await session.execute(select(outbox_letters).where(_letters.id == id))).one_or_none()
        if row is None:
            raise LetterRefused(f"There is no letter {id}. See what there is: helpline outbox list")
        return _kept(row)

    async def resend(self, id: int, *, by: str) -> Kept:
        """Try a letter again now, though it was given up or is to wait. Raises LetterRefused when it has ended."""
        letter = await self._open(id)
        values = {"state": State.WAITING, "due_at": self._clock(), "by": short(by, "name of who sends it again")}
        return await self._decide(letter, values, ended=False)

    async def drop(self, id: int, *, by: str, reason: str) -> Kept:
        """It need not arrive: the letters behind it go on. Raises LetterRefused when it has ended, or has no reason."""
        letter = await self._open(id)
        if not reason.strip():
            raise LetterRefused("Say why it need not arrive: it stands on record. --reason '…'")
        said = f"dropped: {short(reason, 'reason', limit=SAID_LIMIT - 20)}"
        values = {"state": State.DROPPED, "due_at": None, "by": short(by, "name of who drops it"), "said": said}
        return await self._decide(letter, values, ended=True)

    async def piles(self) -> list[Pile]:
        """How each system's letters stand, for the status."""
        statement = (
            select(
                _letters.to,
                _letters.state,
                func.count().label("letters"),
                func.min(_letters.written_at).label("oldest"),
            )
            .where(_letters.ended_at.is_(None))
            .group_by(_letters.to, _letters.state)
        )
        with plain_errors():
            async with self._engine.connect() as session:
                found = {(row.to, row.state): row for row in await session.execute(statement)}
        piles = []
        for to in sorted({to for to, _ in found}):
            waits, dead = found.get((to, State.WAITING)), found.get((to, State.DEAD))
            piles.append(
                Pile(
                    to=to,
                    waiting=waits.letters if waits else 0,
                    dead=dead.letters if dead else 0,
                    oldest=waits.oldest if waits else None,
                )
            )
        return piles

    async def _open(self, id: int) -> Kept:
        letter = await self.get(id)
        if letter.ended_at is not None:
            raise LetterRefused(f"Letter {id} is {letter.state} already: nothing is left to do about it.")
        return letter

    async def _decide(self, letter: Kept, values: dict[str, Any], *, ended: bool) -> Kept:
        values |= {"ended_at": self._clock()} if ended else {}
        with plain_errors():
            async with self._engine.begin() as session:
                open_still = and_(_letters.id == letter.id, _letters.ended_at.is_(None))
                await session.execute(update(outbox_letters).where(open_still).values(values))
        return await self.get(letter.id)

    async def _write(
        self, id: int, *, state: State, due_at: datetime | None, said: str, tries: int, ended: bool = False
    ) -> None:
        values: dict[str, Any] = {"state": state, "due_at": due_at, "said": said[:SAID_LIMIT], "tries": tries}
        values |= {"ended_at": self._clock()} if ended else {}
        with plain_errors():
            async with self._engine.begin() as session:
                # One that a person dropped while it was under way stays dropped.
                open_still = and_(_letters.id == id, _letters.ended_at.is_(None))
                await session.execute(update(outbox_letters).where(open_still).values(values))


def _kept(row: Any) -> Kept:
    values = row._asdict()
    return Kept(**values | {"body": json.loads(values["body"]), "state": State(values["state"])})
