"""Alembic's entry: the schemas of all rooms, each room owning its own tables."""

from __future__ import annotations

import asyncio
from typing import Literal

from alembic import context
from sqlalchemy import Connection, DateTime, Interval, MetaData, TypeDecorator
from sqlalchemy.exc import OperationalError, SQLAlchemyError

import acd.store
import agents.store
import grievance_core.figures.tables
import grievance_core.outbox.tables
import grievance_core.posts.tables
import grievance_core.tables
import ivr.store
import outbound_dialer.campaign_tables
import outbound_dialer.store
from helpline.storage import open_engine

LAST_WORDS_SECONDS = 0.05

SCHEMAS: list[MetaData] = [
    grievance_core.tables.metadata,
    agents.store.metadata,
    acd.store.metadata,
    outbound_dialer.store.metadata,
    ivr.store.metadata,
]


def _plain_type(kind: str, item: object, _context: object) -> str | Literal[False]:
    """A step of the schema imports no room: what a room calls UtcDateTime is a plain timestamp in the database.

    A span is a timestamp on SQLite only.
    """
    if isinstance(item, Interval):
        return False
    if kind == "type" and isinstance(item, TypeDecorator) and isinstance(item.impl_instance, DateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _run(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # A changed table is written anew and the old one dropped, which a key that points at it would forbid.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.commit()
    context.configure(
        connection=connection, target_metadata=SCHEMAS, render_as_batch=True, render_item=_plain_type, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise SQLAlchemyError("rows point at rows that are not there; nothing was changed")


async def _online() -> None:
    engine = open_engine(context.config.attributes["url"])
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
            await connection.commit()
    except OperationalError:
        # The thread of a connection that could not be opened (aiosqlite) still reports to this loop, about to close.
        await asyncio.sleep(LAST_WORDS_SECONDS)
        raise
    finally:
        await engine.dispose()


asyncio.run(_online())
