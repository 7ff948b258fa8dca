"""Chores that a process does again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


async def every(seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
    """Do a chore at once and then every so many seconds, for ever. A failure is logged and the chore is done again."""
    while True:
        try:
            await chore()
        except Exception:
            log.exception("A chore failed and is done again", extra={"action": "chore_failed", "seconds": seconds})
        await asyncio.sleep(seconds)
