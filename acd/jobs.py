"""What is to be done without a caller's coroutine, strictly one thing after the other, in the order it was told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from agents.errors import UnknownAgent
from telephony.errors import TelephonyError

log = logging.getLogger(__name__)

STOP_SECONDS = 1.0

Job = Callable[[], Awaitable[object]]


class Jobs:
    """`start()` to `stop()`. A job that fails costs itself only. What is put before the start waits for it."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Job] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="acd events")

    async def stop(self) -> None:
        """What is on the way is done, if it can be done soon."""
        task, self._task = self._task, None
        if task is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._waiting.join()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def put(self, job: Job) -> None:
        self._waiting.put_nowait(job)

    async def _work(self) -> None:
        while True:
            job = await self._waiting.get()
            try:
                await job()
            except UnknownAgent as error:
                log.warning("A phone that is no agent's", extra={"action": "unknown_agent", "reason": str(error)})
            except TelephonyError as error:
                log.warning("The link broke", extra={"action": "link_broke", "reason": str(error)})
            except Exception:  # one event's fault must not stop the floor
                log.exception("An event could not be worked off", extra={"action": "event_failed"})
            finally:
                self._waiting.task_done()
