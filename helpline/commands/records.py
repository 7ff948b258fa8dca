"""The database for the commands that need no running helpline."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from grievance_core.catalogue import Catalogue
from grievance_core.lifecycle import State
from grievance_core.posts.service import Posts
from grievance_core.service import Grievances
from helpline.commands.common import asked
from helpline.errors import HelplineError
from helpline.rules import rules_of
from helpline.runfolder import RunFolder
from helpline.settings import Settings

T = TypeVar("T")


def with_grievances(ctx: typer.Context, work: Callable[[Grievances], Awaitable[T]]) -> T:
    """What `work` gives on the grievance core of the settings' database."""
    return asyncio.run(_worked(asked(ctx).settings, work))


async def _worked(settings: Settings, work: Callable[[Grievances], Awaitable[T]]) -> T:
    from helpline import storage

    if is_new(settings):
        RunFolder(settings.run_folder).prepare()
        await storage.migrate(settings.database)
    engine = storage.open_engine(settings.database)
    try:
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        catalogue = Catalogue.shipped()
        posts = Posts(sessions, catalogue=catalogue, clock=utc_now, zone=settings.zone)
        await posts.refresh()
        rules = rules_of(settings, catalogue, posts.owners)
        return await work(Grievances(sessions, catalogue=catalogue, clock=utc_now, rules=rules))
    finally:
        await engine.dispose()


def with_posts(ctx: typer.Context, work: Callable[[Posts], Awaitable[T]]) -> T:
    """What `work` gives on the roster of officers, as it stands."""
    settings = asked(ctx).settings

    async def on_posts(sessions: async_sessionmaker[AsyncSession]) -> T:
        posts = Posts(sessions, catalogue=Catalogue.shipped(), clock=utc_now, zone=settings.zone)
        await posts.refresh()
        return await work(posts)

    return with_database(ctx, on_posts)


def utc_now() -> datetime:
    return datetime.now(UTC)


def with_database(ctx: typer.Context, work: Callable[[async_sessionmaker[AsyncSession]], Awaitable[T]]) -> T:
    """What `work` gives on the settings' database. Raises HelplineError when nobody has made it yet."""
    settings = asked(ctx).settings
    if is_new(settings):
        raise HelplineError("There is no database yet, so there is nothing to look at. Start one: helpline run")
    return asyncio.run(_on_database(settings, work))


async def _on_database(settings: Settings, work: Callable[[async_sessionmaker[AsyncSession]], Awaitable[T]]) -> T:
    from helpline import storage

    engine = storage.open_engine(settings.database)
    try:
        return await work(async_sessionmaker(engine, expire_on_commit=False))
    finally:
        await engine.dispose()


def sqlite_file(settings: Settings) -> Path | None:
    """The file of an SQLite database; None for another database."""
    scheme, _, path = settings.database.partition(":///")
    return Path(path) if scheme.startswith("sqlite") and path else None


def is_new(settings: Settings) -> bool:
    """Whether the database is an SQLite file that nobody made yet."""
    file = sqlite_file(settings)
    return file is not None and not file.exists()


def state_named(name: str) -> State:
    """Raises HelplineError that lists the states."""
    try:
        return State(name.strip().replace(" ", "_"))
    except ValueError:
        raise HelplineError(f"{name!r} is no state. Choose one of: {', '.join(State)}.") from None


def kick_dialer(settings: Settings) -> None:
    """Tell a running dialer that feedback is due. Without one nothing is lost: it looks by itself when it runs."""
    from helpline.client import Client

    with contextlib.suppress(HelplineError), Client(settings) as client:
        client.post("/api/dialer/kick")
