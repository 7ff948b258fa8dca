"""Officers in their posts: kept in the store, held in memory as a roster, changed on record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core.catalogue import Catalogue
from grievance_core.complaint import short
from grievance_core.errors import RosterRefused, SheetRefused
from grievance_core.officers import Post, PostId, post_by_id, posts_of
from grievance_core.posts import tables
from grievance_core.posts.lines import read
from grievance_core.posts.owners import owners_by
from grievance_core.posts.plan import Plan, plan
from grievance_core.posts.roster import Hold, Leave, Officer, OfficerId, Posting, Roster
from grievance_core.posts.sheet import read_sheet, write_sheet
from grievance_core.rules import Owners
from grievance_core.store import plain_errors
from grievance_core.tables import Db

LONGEST_LEAVE_DAYS = 730


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed in the roster, on record."""

    id: int
    at: datetime
    by: str
    why: str
    what: Mapping[str, Any]


class Posts:
    """The roster. `refresh` reads it when it was changed; until then `roster` is as it was read last.

    Every method may raise StoreBusy (retryable) or StoreFailed; then nothing was changed.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        *,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        zone: tzinfo,
    ) -> None:
        self._engine: AsyncEngine = sessions.kw["bind"]
        self._catalogue = catalogue
        self._clock = clock
        self._zone = zone
        self._version = -1
        self.roster = Roster()

    @property
    def owners(self) -> Owners:
        """Who answers, by the roster as it is in memory."""
        return owners_by(lambda: self.roster, self._catalogue, zone=self._zone)

    @property
    def catalogue(self) -> Catalogue:
        return self._catalogue

    def today(self) -> date:
        """The state's day."""
        return self._clock().astimezone(self._zone).date()

    async def refresh(self) -> bool:
        """Read the roster if it was changed since; whether it was."""
        with plain_errors():
            async with self._engine.connect() as session:
                version = await _version(session)
                if version == self._version:
                    return False
                self.roster, self._version = await _read(session), version
        return True

    async def changes(self, limit: int = 50) -> list[Change]:
        """What was changed, newest first."""
        table = tables.roster_changes
        with plain_errors():
            async with self._engine.connect() as session:
                rows = await session.execute(select(table).order_by(table.c.id.desc()).limit(limit))
                return [Change(row.id, row.at, row.by, row.why, json.loads(row.what)) for row in rows]

    # Files

    async def look_into(self, path: Path) -> Plan:
        """What a file would change. Raises SheetUnreadable, or SheetRefused with every wrong line."""
        await self.refresh()
        entries, faults = read(read_sheet(path), self._catalogue)
        planned, clashes = plan(self.roster, entries)
        if faults or clashes:
            raise SheetRefused([str(fault) for fault in sorted([*faults, *clashes], key=lambda fault: fault.line)])
        return planned

    async def take(self, path: Path, *, by: str, why: str) -> Plan:
        """Take a file in: all of it in one transaction, or nothing. Raises as `look_into`."""
        planned = await self.look_into(path)
        if not planned.is_empty:
            what = {
                "file": path.name,
                "officers": len(planned.officers),
                "added": [_told(one) for one in planned.added],
                "changed": [_told(one) for one in planned.changed],
            }
            await self._write(planned, by=by, why=why, what=what)
        return planned

    async def export(self, path: Path) -> int:
        """Write all postings into a file that `take` takes; how many."""
        await self.refresh()
        postings = [one for them in self.roster.postings.values() for one in them]
        postings.sort(key=lambda one: (one.post, one.first, one.hold))
        write_sheet(path, (self._row(one) for one in postings))
        return len(postings)

    def _row(self, posting: Posting) -> Sequence[str]:
        post, officer = post_by_id(self._catalogue, posting.post), self.roster.officers[posting.officer]
        district = self._catalogue.districts.get(post.district)
        return (
            post.department,
            district.name_en if district else post.district,
            post.designation,
            officer.id,
            officer.name,
            officer.mobile,
            posting.hold.value,
            f"{posting.first:%d-%m-%Y}",
            f"{posting.last:%d-%m-%Y}" if posting.last else "",
        )

    # Single changes

    async def give_charge(self, post: str, officer: str, *, first: date, last: date, by: str, why: str) -> Posting:
        """Give an officer additional charge of a post. Raises RosterRefused."""
        await self.refresh()
        if last < first:
            raise RosterRefused(f"The last day {last} is before the first {first}.")
        new = Posting(
            post=self.post(post).id, officer=self.officer(officer).id, hold=Hold.CHARGE, first=first, last=last
        )
        for other in self.roster.postings.get(new.post, ()):
            if other.hold is Hold.CHARGE and other.overlaps(new):
                raise RosterRefused(
                    f"{other.officer} has charge of it from {other.first} to {other.last or 'an open end'}. "
                    "End that first: helpline officers end"
                )
        await self._write(Plan(added=(new,)), by=by, why=why, what={"charge": _told(new)})
        return new

    async def grant_leave(self, officer: str, *, first: date, last: date, by: str, why: str) -> Leave:
        """Note that an officer is away. Raises RosterRefused."""
        await self.refresh()
        leave = Leave(officer=self.officer(officer).id, first=first, last=last)
        if not 1 <= leave.days <= LONGEST_LEAVE_DAYS:
            raise RosterRefused(f"From {first} to {last} is no leave of 1 to {LONGEST_LEAVE_DAYS} days.")
        for other in self.roster.leaves.get(leave.officer, ()):
            if other.first <= last and first <= other.last:
                raise RosterRefused(f"A leave from {other.first} to {other.last} is on record already.")
        what = {"leave": {"officer": leave.officer, "first": first.isoformat(), "last": last.isoformat()}}
        await self._write(Plan(), leaves=(leave,), by=by, why=why, what=what)
        return leave

    async def end(self, post: str, officer: str, *, last: date, by: str, why: str) -> Posting:
        """The officer has the post, or the charge of it, until this day. Raises RosterRefused."""
        await self.refresh()
        id, who = self.post(post).id, self.officer(officer).id
        there = [
            one
            for one in self.roster.postings.get(id, ())
            if one.officer == who and one.first <= last and (one.last is None or one.last >= last)
        ]
        if not there:
            raise RosterRefused(f"{who} does not have {id} on {last}. See: helpline officers show {id}")
        ended = replace(there[-1], last=last)
        await self._write(Plan(changed=(ended,)), by=by, why=why, what={"ended": _told(ended)})
        return ended

    async def declare(self, department: str, *, complete: bool, by: str, why: str) -> None:
        """Say whether the roster of a department is complete, so that a post without a name counts as nobody's."""
        code = self._catalogue.department(department).code
        table = tables.complete_departments
        with plain_errors():
            async with self._engine.begin() as session:
                await session.execute(delete(table).where(table.c.department == code))
                if complete:
                    await session.execute(insert(table).values(department=code))
                await self._note(session, by=by, why=why, what={"department": code, "complete": complete})
        await self.refresh()

    # Looking up

    def post(self, name: str) -> Post:
        """The post with this id, in small or capital letters. Raises RosterRefused."""
        wanted = name.strip().casefold()
        department, _, rest = wanted.partition("/")
        district = self._catalogue.districts.get(rest.partition("/")[0])
        there: tuple[Post, ...] = ()
        if district is not None and department.upper() in self._catalogue.departments:
            there = posts_of(self._catalogue, department.upper(), district)
        for post in there:
            if post.id.casefold() == wanted:
                return post
        raise RosterRefused(
            f"There is no post {name[:60]!r}. Ids are department/district/designation, such as HOM/162/circle-officer; "
            "see: helpline officers list --department HOM --district Lucknow"
        )

    def officer(self, id: str) -> Officer:
        """The officer with this id. Raises RosterRefused."""
        found = self.roster.officers.get(OfficerId(id.strip().upper()))
        if found is None:
            raise RosterRefused(f"No officer has the id {id[:40]!r}. Take them in by a file: helpline officers import")
        return found

    # Writing

    async def _write(
        self, planned: Plan, *, leaves: Sequence[Leave] = (), by: str, why: str, what: Mapping[str, Any]
    ) -> None:
        """All of it, if the roster is still the one that it was planned on. Raises RosterRefused when it is not."""
        with plain_errors():
            async with self._engine.begin() as session:
                await self._note(session, by=by, why=why, what=what)
                if planned.officers:
                    ids = [one.id for one in planned.officers]
                    await _delete_in(session, ids)
                    await session.execute(
                        insert(tables.officers),
                        [{"id": one.id, "name": one.name, "mobile": one.mobile} for one in planned.officers],
                    )
                if planned.added:
                    await session.execute(insert(tables.postings), [_values(one) for one in planned.added])
                for one in planned.changed:
                    await session.execute(update(tables.postings).where(*_same(one)).values(last=one.last))
                if leaves:
                    await session.execute(
                        insert(tables.officer_leaves),
                        [{"officer": one.officer, "first": one.first, "last": one.last} for one in leaves],
                    )
        await self.refresh()

    async def _note(self, session: Db, *, by: str, why: str, what: Mapping[str, Any]) -> None:
        if await _version(session) != self._version:
            raise RosterRefused("Somebody else changed the roster at the same moment. Look at it, and ask again.")
        if not why.strip():
            raise RosterRefused("Say why: it stands on record. --why '…'")
        await session.execute(
            # With its id: of two who wrote at the same moment the second one fails.
            insert(tables.roster_changes).values(
                id=self._version + 1,
                at=self._clock(),
                by=short(by, "name of who changes it"),
                why=why.strip(),
                what=json.dumps(what, ensure_ascii=False),
            )
        )


async def _version(session: Db) -> int:
    return int(await session.scalar(select(func.max(tables.roster_changes.c.id))) or 0)


async def _read(session: Db) -> Roster:
    officers = await session.execute(select(tables.officers))
    postings = await session.execute(select(tables.postings))
    leaves = await session.execute(select(tables.officer_leaves))
    complete = await session.execute(select(tables.complete_departments))
    return Roster.of(
        (Officer(id=OfficerId(row.id), name=row.name, mobile=row.mobile) for row in officers),
        (
            Posting(
                post=PostId(row.post),
                officer=OfficerId(row.officer),
                hold=Hold(row.hold),
                first=row.first,
                last=row.last,
            )
            for row in postings
        ),
        (Leave(officer=OfficerId(row.officer), first=row.first, last=row.last) for row in leaves),
        complete=(row.department for row in complete),
    )


async def _delete_in(session: Db, ids: Sequence[str], page: int = 500) -> None:
    """In pages, as a database takes only so many values in one statement."""
    for start in range(0, len(ids), page):
        await session.execute(delete(tables.officers).where(tables.officers.c.id.in_(ids[start : start + page])))


def _values(posting: Posting) -> dict[str, Any]:
    return {
        "post": posting.post,
        "officer": posting.officer,
        "hold": posting.hold.value,
        "first": posting.first,
        "last": posting.last,
    }


def _same(posting: Posting) -> tuple[Any, ...]:
    table = tables.postings.c
    return (
        table.post == posting.post,
        table.officer == posting.officer,
        table.hold == posting.hold.value,
        table.first == posting.first,
    )


def _told(posting: Posting) -> dict[str, str]:
    return {
        "post": posting.post,
        "officer": posting.officer,
        "as": posting.hold.value,
        "first": posting.first.isoformat(),
        "last": posting.last.isoformat() if posting.last else "",
    }
