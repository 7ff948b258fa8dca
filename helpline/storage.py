"""The database: its engine, and bringing its schema up to date (Alembic)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from helpline.errors import HelplineError, ServiceFailed

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_SECONDS = 5.0  # how long a lock is waited for
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's SQLSTATE for it


def open_engine(url: str) -> AsyncEngine:
    """The engine for `url`; its errors never show what was stored.

    SQLite is set up so that readers and a writer do not lock each other out; on both nobody waits for a lock for ever.
    """
    if not url.startswith("sqlite"):
        patience: dict[str, Any] = {}
        if url.startswith("postgresql+asyncpg"):
            patience["server_settings"] = {"lock_timeout": str(int(BUSY_SECONDS * 1000))}
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=patience)
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
