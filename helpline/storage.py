"""The database: its engine, and bringing its schema up to date (Alembic)."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from helpline.errors import HelplineError, ServiceFailed

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_SECONDS = 5.0  # how long a lock is waited for
REST_SECONDS = 1.0  # a connection that was used within them is taken to be alive
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's SQLSTATE for it


def open_engine(url: str) -> AsyncEngine:
    """The engine for `url`; its errors never show what was stored.

    SQLite is set up so that readers and a writer do not lock each other out; on both nobody waits for a lock for ever.
    """
    if not url.startswith("sqlite"):
        patience: dict[str, Any] = {}
        if url.startswith("postgresql+asyncpg"):
            patience["server_settings"] = {"lock_timeout": str(int(BUSY_SECONDS * 1000))}
        engine = create_async_engine(url, hide_parameters=True, connect_args=patience)
        _ask_the_rested(engine)
        return engine
    engine = create_async_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.close()
        except BaseException:
            connection.close()  # a locked file or no database: the pool forgets the connection without closing it
            raise

    return engine


def _ask_the_rested(engine: AsyncEngine) -> None:
    """Ask a connection that has rested whether its server still answers; the pool replaces one that does not.

    As SQLAlchemy's own `pool_pre_ping`, but that asks each time, which is a seventh of a registration.
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def _rests(_connection: object, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _wakes(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get("rests_since", math.inf) < REST_SECONDS:
            return
        dialect = engine.sync_engine.dialect
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def configuration(url: str) -> Config:
    """Alembic's configuration for a database; nothing of it lies in a file."""
    from alembic.config import Config  # slow to import, and most commands only look

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


async def migrate(url: str) -> None:
    """Bring the schema up to date. Raises ServiceFailed or HelplineError with the next step when it can't be done."""
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        await asyncio.to_thread(command.upgrade, configuration(url), "head")
    except DBAPIError as error:
        if "locked" in str(error.orig) or getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise ServiceFailed(
                "The database is locked by another program. "
                "Close what holds it (a backup, an open shell) and try again."
            ) from error
        raise ServiceFailed(f"The database can't be used: {error.orig}. Check database_url in the settings.") from error
    except OSError as error:  # some drivers let it through as it is
        raise ServiceFailed(
            f"The database does not answer: {error}. Start it, or check database_url in the settings."
        ) from error
    except CommandError as error:
        raise HelplineError(
            f"The database belongs to a newer helpline ({error}). "
            "Run that one, or name another database with database_url in the settings."
        ) from error
    except (SQLAlchemyError, ImportError) as error:
        raise HelplineError(
            f"The database can't be used: {error}. Check database_url in the settings. "
            "Expected such as sqlite+aiosqlite:////var/lib/helpline/helpline.sqlite3"
        ) from error
