"""Brings the calls' lines to the log without holding up any call: latest line per call, in batches, tried again."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy.exc import SQLAlchemyError

from acd.records import CallRecord
from acd.store import CallLog

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
GATHER_SECONDS = 0.1  # from one transaction to the next: each costs the disk, and several turns between threads
END_SECONDS = 1.0  # how long the end of a call waits for its line to be written


class Ledger:
    """`note` returns at once; `written` when that call's line is in the log. Redis holds the call until then."""

    def __init__(self, calls: CallLog) -> None:
        self._calls = calls
        self._unwritten: dict[str, CallRecord] = {}
        self._wanted = asyncio.Event()
        self._done = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="acd ledger")

    async def stop(self) -> None:
        """Write what is left, once, and end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._write()

    def note(self, record: CallRecord) -> None:
        """The call stands like this now."""
        self._unwritten[record.call_id] = record
        self._wanted.set()

    async def written(self, call_id: str) -> bool:
        """Wait until that call's line is in the log; False when it could not be written in time (it will be later)."""
        if self._failing:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS), self._done:
                await self._done.wait_for(lambda: call_id not in self._unwritten)
                return True
        return False

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        next_at = 0.0
        while True:
            await self._wanted.wait()
            await asyncio.sleep(next_at - loop.time())
            next_at = loop.time() + GATHER_SECONDS
            self._wanted.clear()
            if not await self._write():
                await asyncio.sleep(AGAIN_SECONDS)
                self._wanted.set()

    async def _write(self) -> bool:
        batch = dict(self._unwritten)
        if not batch:
            return True
        try:
            await self._calls.save(list(batch.values()))
        except (SQLAlchemyError, OSError) as error:
            if not self._failing:
                log.error(
                    "Calls can't be written to the database: keeping them until they can",
                    extra={"action": "call_log_failed", "calls": len(batch), "error": str(error)},
                )
            self._failing = True
            return False
        self._failing = False
        for call_id, record in batch.items():
            if self._unwritten.get(call_id) is record:
                del self._unwritten[call_id]
        async with self._done:
            self._done.notify_all()
        return True
