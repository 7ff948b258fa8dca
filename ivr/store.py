"""What is remembered of callers between calls: the language they chose."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Column, DateTime, MetaData, String, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ivr.errors import MemoryUnavailable
from ivr.speaking import LANGUAGES, Language

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

caller_languages = Table(
    "caller_languages",
    metadata,
    Column("caller", String(20), primary_key=True),
    Column("language", String(8), nullable=False),
    Column("chosen_at", DateTime(timezone=True), nullable=False),  # UTC, so that old ones can be erased
)


class Languages:
    """The languages that callers chose, by number. A withheld number is remembered by nobody."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def recall(self, caller: str) -> Language | None:
        """The language of the caller's last choice; None if there was none. Raises MemoryUnavailable."""
        if not caller:
            return None
        try:
            async with self._sessions() as session:
                found = await session.scalar(
                    select(caller_languages.c.language).where(caller_languages.c.caller == caller)
                )
        except SQLAlchemyError as error:
            raise MemoryUnavailable(type(error).__name__) from error
        return next((language for language in LANGUAGES if language == found), None)

    async def remember(self, caller: str, language: Language) -> None:
        """Keep a caller's choice. Raises MemoryUnavailable."""
        if not caller:
            return
        values: Mapping[str, object] = {"language": language, "chosen_at": self._clock().astimezone(UTC)}
        try:
            if not await self._changed(caller, values):
                await self._added(caller, values)
        except IntegrityError:  # the same number called twice at the same moment
            log.debug("A language was chosen twice at once", extra={"action": "language_twice"})
        except SQLAlchemyError as error:
            raise MemoryUnavailable(type(error).__name__) from error

    async def forget(self, caller: str) -> None:
        """Erase what is remembered of a number. Raises MemoryUnavailable."""
        try:
            async with self._sessions.begin() as session:
                await session.execute(delete(caller_languages).where(caller_languages.c.caller == caller))
        except SQLAlchemyError as error:
            raise MemoryUnavailable(type(error).__name__) from error

    async def _changed(self, caller: str, values: Mapping[str, object]) -> bool:
        async with self._sessions.begin() as session:
            result = await session.execute(
                update(caller_languages)
                .where(caller_languages.c.caller == caller)
                .values(**values)
                .returning(caller_languages.c.caller)
            )
            return result.first() is not None

    async def _added(self, caller: str, values: Mapping[str, object]) -> None:
        async with self._sessions.begin() as session:
            await session.execute(insert(caller_languages).values(caller=caller, **values))
