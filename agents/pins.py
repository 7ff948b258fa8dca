"""Signing in with a PIN: checked off the event loop, wrong ones counted and locked for a while."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from agents import credentials
from agents.agent import AgentId
from agents.errors import PinLocked, WrongPin
from agents.store import AgentTable, Record

log = logging.getLogger(__name__)

MAX_WRONG_PINS = 5
LOCKED_FOR = timedelta(minutes=5)


class Pins:
    """The secrets of those in `records`, a table shared with its owner, which this brings up to date."""

    def __init__(
        self,
        records: dict[AgentId, Record],
        store: AgentTable,
        *,
        clock: Callable[[], datetime],
        choose: credentials.Choose,
    ) -> None:
        self._records = records
        self._store = store
        self._clock = clock
        self._choose = choose
        self._checking: dict[AgentId, asyncio.Lock] = defaultdict(asyncio.Lock)  # one by one: every wrong one counts

    async def new_secrets(self, endpoint: str) -> credentials.Secrets:
        """A password and a PIN. Hashing a PIN is slow on purpose: not on the loop that answers calls."""
        return await asyncio.to_thread(credentials.new_secrets, endpoint, self._choose)

    async def replace(self, id: AgentId, endpoint: str) -> credentials.Secrets:
        """Other secrets than before, which are void from here on."""
        secrets = await self.new_secrets(endpoint)
        async with self._checking[id]:
            await self._store.new_secrets(id, md5_cred=secrets.md5_cred, pin_hash=secrets.pin_hash)
            self._records[id] = replace(
                self._records[id],
                md5_cred=secrets.md5_cred,
                pin_hash=secrets.pin_hash,
                wrong_pins=0,
                locked_until=None,
            )
        return secrets

    async def check(self, id: AgentId, pin: str) -> None:
        """Raises WrongPin (with the tries left) and PinLocked."""
        async with self._checking[id]:
            await self._check(id, pin)

    async def _check(self, id: AgentId, pin: str) -> None:
        record = self._records[id]
        now = self._clock()
        if record.locked_until is not None and now < record.locked_until:
            raise _locked(id, record.locked_until - now)
        if await asyncio.to_thread(credentials.pin_fits, pin, record.pin_hash):
            if record.wrong_pins or record.locked_until:
                await self._count(id, wrong_pins=0, locked_until=None)
            return
        log.warning("Wrong PIN", extra={"action": "wrong_pin", "agent": id})
        left = MAX_WRONG_PINS - record.wrong_pins - 1
        if left <= 0:
            await self._count(id, wrong_pins=0, locked_until=now + LOCKED_FOR)
            raise _locked(id, LOCKED_FOR)
        await self._count(id, wrong_pins=record.wrong_pins + 1, locked_until=None)
        raise WrongPin(f"That is not agent {id}'s PIN; {left} more tries.", tries_left=left)

    async def _count(self, id: AgentId, *, wrong_pins: int, locked_until: datetime | None) -> None:
        # The record as it is now: skills may have been changed while the PIN was being hashed.
        self._records[id] = replace(self._records[id], wrong_pins=wrong_pins, locked_until=locked_until)
        await self._store.pin_tried(id, wrong_pins=wrong_pins, locked_until=locked_until)


def _locked(id: AgentId, left: timedelta) -> PinLocked:
    minutes = -(-left // timedelta(minutes=1))
    return PinLocked(f"Too many wrong PINs for agent {id}. Wait {minutes} minutes, or ask a supervisor to sign you in.")
