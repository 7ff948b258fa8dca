"""How every use case writes: load, ask the domain, commit; in one transaction, anew when another writer was faster."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from grievance_core import numbers, store
from grievance_core.catalogue import Catalogue
from grievance_core.complaint import CHANNEL_LIMIT, Complaint, Deed, Event, short
from grievance_core.errors import ChangedMeanwhile, DraftRefused, UnknownComplaint
from grievance_core.grouping import step
from grievance_core.lifecycle import EventKind
from grievance_core.numbers import ComplaintNumber
from grievance_core.rules import Rules
from grievance_core.tables import Db

log = logging.getLogger(__name__)

T = TypeVar("T")

Clock = Callable[[], datetime]

TRIES = 5  # how often a write that met another one is tried anew


class Writing:
    """What the use cases share. Numbers may be given as people write them (see `numbers.parse`)."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        *,
        catalogue: Catalogue,
        clock: Clock,
        rng: random.Random | None = None,
        rules: Rules | None = None,
    ) -> None:
        """`rng` draws numbers and PINs: the system's secure source unless a test gives a seeded one.

        `rules` are those that ship unless others are given.
        """
        # A connection leaves out what a session does for objects mapped to rows: an eighth of a registration.
        self._engine: AsyncEngine = sessions.kw["bind"]
        self._rules = rules or Rules.shipped(catalogue)
        self._clock = clock
        self._rng = rng or random.SystemRandom()

    @property
    def catalogue(self) -> Catalogue:
        return self._rules.catalogue

    @property
    def rules(self) -> Rules:
        return self._rules

    def now(self) -> datetime:
        """The time by which everything is done here."""
        return self._clock()

    def _deed(
        self,
        *,
        by: str,
        channel: str,
        text: str = "",
        report: str = "",
        reason: str = "",
        attempt: str | None = None,
        by_level: int = 0,
        about: str = "",
        amount: int = 0,
    ) -> Deed:
        if attempt is not None and not attempt.strip():
            raise DraftRefused("The attempt's id is empty. Give the id of the feedback call.")
        return Deed(
            at=self._clock(),
            by=short(by, "name of who did it"),
            channel=short(channel, "channel", limit=CHANNEL_LIMIT),
            text=text,
            report=report,
            reason=reason,
            attempt=None if attempt is None else short(attempt, "attempt's id"),
            by_level=by_level,
            about=about,
            amount=amount,
        )

    async def _change(self, number: str, deed: Deed, kind_of: Callable[[Complaint], EventKind]) -> Complaint:
        complaint, _ = await self._happen(numbers.parse(number), deed, kind_of)
        return complaint

    async def _whole(self, number: str) -> str:
        """The number of the complaint that this one is part of, or its own."""
        parsed = numbers.parse(number)
        with store.plain_errors():
            async with self._engine.connect() as session:
                return (await loaded(session, parsed)).parent or parsed

    async def _in_one(self, work: Callable[[Db], Awaitable[T]]) -> T:
        """Do several steps in one transaction, anew when another writer was faster."""
        for _ in range(TRIES):
            with suppress(ChangedMeanwhile, IntegrityError), store.plain_errors():
                async with self._engine.begin() as session:
                    return await work(session)
        raise ChangedMeanwhile

    async def _happen(
        self, number: ComplaintNumber, deed: Deed, kind_of: Callable[[Complaint], EventKind | None]
    ) -> tuple[Complaint, Event | None]:
        """The event is None when nothing was to be done. Raises ChangedMeanwhile after TRIES lost races."""
        for _ in range(TRIES):
            with suppress(ChangedMeanwhile, IntegrityError):
                complaint, event = await self._happen_once(number, deed, kind_of)
                if event is not None:
                    moved = {"action": f"complaint_{event.kind}", "complaint": number, "state": event.state}
                    log.info("Complaint moved on", extra=moved)
                return complaint, event
        raise ChangedMeanwhile

    async def _happen_once(
        self, number: ComplaintNumber, deed: Deed, kind_of: Callable[[Complaint], EventKind | None]
    ) -> tuple[Complaint, Event | None]:
        with store.plain_errors():
            async with self._engine.begin() as session:
                complaint = await loaded(session, number)
                if deed.attempt is not None and await store.attempt_told(session, number, deed.attempt):
                    # Another writer may have told it after we loaded: what stands now is the answer.
                    return await loaded(session, number), None
                kind = kind_of(complaint)
                if kind is None:
                    return complaint, None
                return await step(session, complaint, kind, deed, rules=self._rules)


async def loaded(session: Db, number: ComplaintNumber) -> Complaint:
    """The complaint with this number. Raises UnknownComplaint."""
    complaint = await store.load(session, number)
    if complaint is None:
        raise UnknownComplaint(
            "No complaint has this number. Check it with the caller, or search by their phone number."
        )
    return complaint
