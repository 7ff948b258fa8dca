"""The contacts on campaigns' lists, up to millions of them: loaded whole or not at all, and chosen by due time.

A list is loaded in short transactions, so that nobody who writes waits long, and is seen by the dialer only from the
one moment at which it is marked as loaded. What an import leaves that died is taken away by the next one.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, text, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from outbound_dialer.campaign_tables import contacts_table, is_next, is_resting, lists_table, of_contact
from outbound_dialer.contact_lines import Listed
from outbound_dialer.errors import ImportUnderWay

ROWS_AT_ONCE: Final = 50_000
"""In one transaction of an import. Keys come in no order, so each transaction writes most pages of the index anew: few
large ones take a third of the time of many small ones, and still hold up who writes beside it for a second or two only,
less than the 5 s for which they wait (`helpline.storage`)."""
PAGE: Final = 5000  # contacts read at a time
IMPORT_CACHE: Final = 200_000  # KiB of SQLite's pages in memory while a list is loaded
WOKEN_AT_ONCE: Final = 1000
DEAD_AFTER: Final = timedelta(seconds=20)
"""An import that has written nothing for so long has died."""

_of_list = lists_table.c


@dataclass(frozen=True, slots=True, kw_only=True)
class ListContact:
    """One contact of a campaign's list, as it stands."""

    campaign: str
    key: str
    number: str = field(repr=False)
    complaint: str
    language: str
    due_at: datetime
    waits_until: datetime | None
    settled_as: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of an import: `known` were in the campaign already, and stay as they were."""

    new: int
    known: int


def head_of(limit: int) -> Select[Any]:
    """The first `limit` of one list (`:list`) who may be rung, the earliest due first."""
    return (
        select(contacts_table)
        .where(of_contact.list == bindparam("list"), is_next)
        .order_by(of_contact.due_at, of_contact.key)
        .limit(limit)
    )


class Contacts:
    """See the module."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, clock: Callable[[], datetime]) -> None:
        self._sessions = sessions
        self._clock = clock

    async def load(
        self,
        campaign: str,
        lines: Iterable[Listed],
        *,
        source: str,
        by: str,
        told: Callable[[int], None] = lambda _done: None,
    ) -> Loaded:
        """Add a list; the same again adds nothing. `told` hears how many lines are done. Raises ImportUnderWay.

        Until it returns nobody on the list is rung. If it fails or dies, nobody ever is; the next import takes what was
        left away first.
        """
        list_id = await self._begin(campaign, source=source, by=by)
        rows, done = iter(lines), 0
        try:
            while some := list(islice(rows, ROWS_AT_ONCE)):
                await self._add(campaign, list_id, some)
                done += len(some)
                told(done)
        except Exception:
            await self._take_away(list_id)
            raise
        async with self._sessions.begin() as session:
            new = (await session.execute(select(func.count()).where(of_contact.list == list_id))).scalar_one()
            if not new:
                await session.execute(delete(lists_table).where(_of_list.id == list_id))
            await session.execute(
                update(lists_table).where(_of_list.id == list_id).values(loaded_at=self._clock(), contacts=new)
            )
        return Loaded(new, done - new)

    async def next(self, campaign: str, limit: int) -> Sequence[ListContact]:
        """Who is to be rung now, the earliest due first. Those who rest or are settled are left out."""
        async with self._sessions() as session:
            ids = await session.scalars(
                select(_of_list.id).where(_of_list.campaign == campaign, _of_list.loaded_at.is_not(None))
            )
            heads = [
                [_contact(row) for row in await session.execute(head_of(limit), {"list": list_id})] for list_id in ids
            ]
        return list(islice(heapq.merge(*heads, key=lambda one: (one.due_at, one.key)), limit))

    async def wake(self, campaign: str) -> int:
        """Put those back in line whose rest is over; how many. Some at a time: ask again while there are many."""
        now, woken = self._clock(), 0
        async with self._sessions() as session:
            ids = (await session.scalars(select(_of_list.id).where(_of_list.campaign == campaign))).all()
            for list_id in ids:
                over = [of_contact.list == list_id, is_resting, of_contact.waits_until <= now]
                keys = (await session.scalars(select(of_contact.key).where(*over).limit(WOKEN_AT_ONCE))).all()
                for start in range(0, len(keys), 500):
                    await session.execute(
                        update(contacts_table)
                        .where(of_contact.campaign == campaign, of_contact.key.in_(keys[start : start + 500]))
                        .values(waits_until=None)
                    )
                woken += len(keys)
            await session.commit()
        return woken

    async def rest(self, campaign: str, key: str, until: datetime) -> None:
        """Leave it out until then; one that is settled stays so."""
        await self._set(campaign, key, waits_until=until)

    async def settle(self, campaign: str, key: str, settled_as: str) -> None:
        """It is rung no more in this campaign. The first to say so wins."""
        await self._set(campaign, key, settled_as=settled_as)

    async def find(self, asked: str) -> Sequence[ListContact]:
        """Contacts of every campaign with this number or key, on loaded lists. Looks through all: for people."""
        async with self._sessions() as session:
            rows = await session.execute(
                select(contacts_table)
                .join(lists_table, _of_list.id == of_contact.list)
                .where((of_contact.number == asked) | (of_contact.key == asked), _of_list.loaded_at.is_not(None))
                .order_by(of_contact.campaign, of_contact.key)
                .limit(100)
            )
            return [_contact(row) for row in rows]

    async def of_campaign(self, campaign: str) -> AsyncIterator[ListContact]:
        """All its contacts by key, a page at a time: no more of them are in memory."""
        after = ""
        while True:
            async with self._sessions() as session:
                rows = await session.execute(
                    select(contacts_table)
                    .join(lists_table, _of_list.id == of_contact.list)
                    .where(of_contact.campaign == campaign, of_contact.key > after, _of_list.loaded_at.is_not(None))
                    .order_by(of_contact.key)
                    .limit(PAGE)
                )
                page = [_contact(row) for row in rows]
            for one in page:
                yield one
            if len(page) < PAGE:
                return
            after = page[-1].key

    # -- loading

    async def _begin(self, campaign: str, *, source: str, by: str) -> int:
        """A new list, after what a dead import left is gone."""
        now = self._clock()
        async with self._sessions() as session:
            left = (
                await session.execute(
                    select(_of_list.id, _of_list.touched_at).where(
                        _of_list.campaign == campaign, _of_list.loaded_at.is_(None)
                    )
                )
            ).all()
        for list_id, touched_at in left:
            if now - touched_at < DEAD_AFTER:
                raise ImportUnderWay(_under_way(campaign))
            await self._take_away(list_id)
        values = {
            "campaign": campaign,
            "begun_at": now,
            "touched_at": now,
            "by": by[:120],
            "source": source[:200],
            "contacts": 0,
        }
        try:
            async with self._sessions.begin() as session:
                made = await session.execute(insert(lists_table).values(values).returning(_of_list.id))
                return int(made.scalar_one())
        except IntegrityError:  # another began in the same moment
            raise ImportUnderWay(_under_way(campaign)) from None

    async def _add(self, campaign: str, list_id: int, lines: Sequence[Listed]) -> None:
        async with self._sessions.begin() as session:
            connection = await session.connection()
            dialect = connection.dialect
            kind = postgresql if dialect.name == "postgresql" else sqlite
            if kind is sqlite:
                await session.execute(text(f"PRAGMA cache_size=-{IMPORT_CACHE}"))
            columns = ("campaign", "key", "list", "number", "complaint", "language", "due_at")
            statement = kind.insert(contacts_table).values(dict.fromkeys(columns)).on_conflict_do_nothing()
            compiled = statement.compile(dialect=dialect)
            in_database = of_contact.due_at.type.dialect_impl(dialect).bind_processor(dialect) or (lambda at: at)
            rows = [
                (campaign, one.key, list_id, one.number, one.complaint, one.language, in_database(one.due))  # type: ignore[no-untyped-call]
                for one in sorted(lines, key=lambda one: one.key)
            ]
            # Past SQLAlchemy's handling of each single value, which takes longer than the database does.
            await connection.exec_driver_sql(str(compiled), rows)
            await session.execute(update(lists_table).where(_of_list.id == list_id).values(touched_at=self._clock()))

    async def _take_away(self, list_id: int) -> None:
        while True:
            async with self._sessions.begin() as session:
                some = (
                    await session.execute(
                        select(of_contact.campaign, of_contact.key)
                        .where(of_contact.list == list_id, is_next)
                        .order_by(of_contact.due_at, of_contact.key)
                        .limit(500)
                    )
                ).all()
                if not some:
                    await session.execute(delete(lists_table).where(_of_list.id == list_id))
                    return
                await session.execute(
                    delete(contacts_table).where(
                        tuple_(of_contact.campaign, of_contact.key).in_([(*one,) for one in some])
                    )
                )

    async def _set(self, campaign: str, key: str, **values: Any) -> None:
        async with self._sessions.begin() as session:
            await session.execute(
                update(contacts_table)
                .where(of_contact.campaign == campaign, of_contact.key == key, of_contact.settled_as.is_(None))
                .values(values)
            )


def _under_way(campaign: str) -> str:
    return f"Another import into campaign {campaign} is under way, or died just now. Try again in half a minute."


def _contact(row: Row[Any]) -> ListContact:
    return ListContact(
        campaign=row.campaign,
        key=row.key,
        number=row.number,
        complaint=row.complaint,
        language=row.language,
        due_at=row.due_at,
        waits_until=row.waits_until,
        settled_as=row.settled_as,
    )
