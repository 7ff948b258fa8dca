"""The lines to other systems while the controller runs: letters go out, and what they tell comes in."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from grievance_core.errors import NotDelivered
from grievance_core.igrs import wire
from grievance_core.igrs.client import Igrs, Reporting
from grievance_core.messages.gateway import Gateway
from grievance_core.messages.letters import SYSTEM as SMS
from grievance_core.messages.texts import shipped as shipped_messages
from grievance_core.outbox.box import Outbox
from grievance_core.outbox.http import opened
from grievance_core.outbox.sender import Sender
from helpline.every import every
from helpline.settings import Settings

log = logging.getLogger(__name__)

Chore = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Outside:
    """What the house does with other systems: chores by name, each to run for ever."""

    chores: tuple[tuple[str, Chore], ...] = ()


@asynccontextmanager
async def outside(
    settings: Settings,
    sessions: async_sessionmaker[AsyncSession],
    reporting: Reporting,
    *,
    clock: Callable[[], datetime],
) -> AsyncIterator[Outside]:
    """The lines that the settings name; none, when they name none."""
    async with AsyncExitStack() as up:
        chores: list[tuple[str, Chore]] = []
        box = Outbox(sessions, clock=clock)
        if settings.igrs.url:
            igrs = Igrs(await up.enter_async_context(opened(settings.igrs.url, settings.igrs.token)))
            sender = Sender(box, igrs, to=wire.SYSTEM, clock=clock)
            chores += [
                ("letters to IGRS", sender.serve),
                ("reports of IGRS", lambda: every(settings.igrs.fetch_seconds, lambda: _fetch(igrs, reporting))),
            ]
        if (sms := settings.sms).url:
            http = await up.enter_async_context(opened(sms.url, sms.token))
            gateway = Gateway(http, shipped_messages(), header=sms.header, entity_id=sms.entity_id)
            chores.append(("short messages", Sender(box, gateway, to=SMS, clock=clock).serve))
        yield Outside(tuple(chores))


async def _fetch(igrs: Igrs, reporting: Reporting) -> None:
    try:
        taken = await igrs.fetch(reporting)
    except NotDelivered as failure:
        log.warning("Reports could not be fetched", extra={"action": "igrs_away", "reason": str(failure)[:120]})
        return
    if taken:
        log.info("Officers' reports came in", extra={"action": "igrs_reports", "reports": taken})
