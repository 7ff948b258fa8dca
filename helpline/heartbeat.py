"""The controller's heartbeat: its event loop writes into a pipe, the supervisor listens at the other end.

A process that lives is not enough: one that is stopped or caught in an endless loop holds every caller's session and
serves none. Silence tells it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass, field

BEAT_SECONDS = 0.25
FIRST_BEAT_SECONDS = 20.0
"""From a process's start to its first beat: until then it imports, and is not yet judged by `limit`."""
BLINK_SECONDS = 0.75
"""A supervisor that did not look for so long was stopped itself, as by Ctrl-Z, and judges nobody for that time."""


async def beat(pipe: int) -> None:
    """Write a beat every so often, for as long as somebody listens; returns when nobody does any more.

    Only this event loop's turning makes it beat. A full pipe (a listener that is stopped) is no reason to wait.
    """
    os.set_blocking(pipe, False)
    while True:
        try:
            os.write(pipe, b".")
        except BlockingIOError:
            pass
        except OSError:
            return
        await asyncio.sleep(BEAT_SECONDS)


@dataclass(slots=True)
class Pulse:
    """One process's heart as the supervisor hears it. Times are the supervisor's own monotonic seconds."""

    pipe: int
    limit: float
    began: float
    last: float | None = None
    looked: float = field(init=False)

    def __post_init__(self) -> None:
        os.set_blocking(self.pipe, False)
        self.looked = self.began

    def silent(self, now: float) -> bool:
        """Whether no beat came for longer than it may take. To be asked several times a second."""
        slept = now - self.looked > BLINK_SECONDS
        self.looked = now
        if self._heard():
            self.last = now
        elif slept:  # what it wrote meanwhile is read by now; its silence in that time says nothing
            self.began, self.last = now, None if self.last is None else now
        if self.last is None:
            return now - self.began > FIRST_BEAT_SECONDS
        return now - self.last > self.limit

    def close(self) -> None:
        """Listen no more. Safe to call twice."""
        pipe, self.pipe = self.pipe, -1
        if pipe >= 0:
            os.close(pipe)

    def _heard(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self.pipe, 4096))
        return False
