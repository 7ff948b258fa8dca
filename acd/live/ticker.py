"""One deadline, moved as often as events move it; it costs a comparison when it stays where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime


class Ticker:
    """`tick` is called when the deadline that was set last has come."""

    def __init__(self, clock: Callable[[], datetime], tick: Callable[[], None]) -> None:
        self._clock = clock
        self._tick = tick
        self._due: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due: datetime | None) -> None:
        if due == self._due and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = due
        if due is not None:
            seconds = max(0.0, (due - self._clock()).total_seconds())
            self._timer = asyncio.get_running_loop().call_later(seconds, self._come)

    def _come(self) -> None:
        self._timer = self._due = None
        self._tick()
