"""Sends what is due: one sender a system, a few letters at a time, until each has arrived or a person must decide."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from grievance_core.errors import NotDelivered, StoreError
from grievance_core.outbox.box import Kept, Outbox

log = logging.getLogger(__name__)

AT_ONCE = 8  # complaints whose letters are under way to one system
PAGE = 100
LONGEST_REST = timedelta(seconds=5)
"""A letter is written by another process too (a command at the desk): look that often all the same."""


class Carrier(Protocol):
    """Takes a letter to its system."""

    async def send(self, letter: Kept) -> str:
        """What the other side said. Raises NotDelivered; any other failure is taken as "try again"."""
        ...


class Sender:
    """Run `serve` as a task; cancelling it loses nothing: a letter that was under way is sent again, with its key."""

    def __init__(self, box: Outbox, carrier: Carrier, *, to: str, clock: Callable[[], datetime]) -> None:
        self._box = box
        self._carrier = carrier
        self._to = to
        self._clock = clock
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something was written: look now."""
        self._news.set()

    async def serve(self) -> None:
        """Send for ever."""
        while True:
            try:
                sent = await self.send_due()
            except StoreError:
                log.exception("The outbox can't be read or written; tried again", extra={"action": "outbox_store"})
                sent = 0
            if not sent:
                await self._rest()

    async def send_due(self) -> int:
        """Send what is due now; how many letters were tried."""
        letters = await self._box.due(self._to, PAGE)
        of_one: dict[str, list[Kept]] = {}
        for letter in letters:
            of_one.setdefault(letter.about, []).append(letter)
        gate = asyncio.Semaphore(AT_ONCE)

        async def in_order(letters: list[Kept]) -> None:
            # Lanes of one complaint need not wait for each other, but nobody should read of its end before the rest.
            async with gate:
                for letter in letters:
                    await self._send(letter)

        await asyncio.gather(*(in_order(letters) for letters in of_one.values()))
        return len(letters)

    async def _send(self, letter: Kept) -> None:
        try:
            said = await self._carrier.send(letter)
        except NotDelivered as failure:
            if failure.retryable:
                await self._box.failed(letter, str(failure), asked=failure.retry_after)
            else:
                await self._box.refused(letter, str(failure))
                fields = {"action": "letter_dead", "letter": letter.id, "to": letter.to, "complaint": letter.about}
                log.warning("A letter was refused for good: helpline outbox list", extra=fields)
        except Exception as error:  # noqa: BLE001  whatever a carrier runs into, the letter is kept and tried again
            await self._box.failed(letter, f"{type(error).__name__}")
            fields = {"action": "letter_failed", "letter": letter.id, "error": type(error).__name__}
            log.warning("A letter could not be sent and is tried again", extra=fields)
        else:
            await self._box.arrived(letter, said)

    async def _rest(self) -> None:
        rest = LONGEST_REST
        try:
            due = await self._box.next_due(self._to)
        except StoreError:
            due = None
        if due is not None:
            rest = min(max(due - self._clock(), timedelta(seconds=0.05)), LONGEST_REST)
        try:
            async with asyncio.timeout(rest.total_seconds()):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()
