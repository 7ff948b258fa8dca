"""What is to be done without a caller's coroutine: in order for each call, and calls do not wait for each other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from agents.errors import UnknownAgent
from telephony.errors import TelephonyError

log = logging.getLogger(__name__)

STOP_SECONDS = 1.0

Job = Callable[[], Awaitable[object]]


class Jobs:
    """`start()` to `stop()`. A job that fails costs itself only. What is put before the start waits for it.

    Jobs of one call are done one after the other, as they were told. A job of no call in particular, such as the
    comparison with all live channels, is done alone: after all that came before it, before all that comes later.
    """

    def __init__(self) -> None:
        self._coming: deque[tuple[str, Job]] = deque()
        self._lines: dict[str, deque[Job]] = {}  # by call, while there is something to do for it
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._alone = False
        self._running = False

    @property
    def running(self) -> bool:
        return self._running

    def start(self) -> None:
        self._running = True
        self._advance()

    async def stop(self) -> None:
        """What is on the way is done, if it can be done soon."""
        if not self._running:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self._idle.wait()
        self._running = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def put(self, job: Job, *, of: str = "") -> None:
        """To be done for that call (its id); "" for a job that is to be done alone."""
        self._idle.clear()
        self._coming.append((of, job))
        self._advance()

    def _advance(self) -> None:
        while self._running and self._coming and not self._alone:
            of, job = self._coming[0]
            if not of:
                if self._lines:
                    return
                self._alone = True
            self._coming.popleft()
            if of in self._lines:
                self._lines[of].append(job)
                continue
            self._lines[of] = deque((job,))
            task = asyncio.create_task(self._work(of), name=f"acd jobs {of}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not self._coming and not self._lines:
            self._idle.set()

    async def _work(self, of: str) -> None:
        line = self._lines[of]
        while line:
            await _do(line.popleft())
        del self._lines[of]
        if not of:
            self._alone = False
        self._advance()


async def _do(job: Job) -> None:
    try:
        await job()
    except UnknownAgent as error:
        log.warning("A phone that is no agent's", extra={"action": "unknown_agent", "reason": str(error)})
    except TelephonyError as error:
        log.warning("The link broke", extra={"action": "link_broke", "reason": str(error)})
    except Exception:  # one event's fault must not stop the floor
        log.exception("An event could not be worked off", extra={"action": "event_failed"})
