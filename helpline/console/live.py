"""The stream of server-sent events that the live view follows.

While anybody watches, one task looks at the floor twice a second and tells everyone what changed; when nothing did, it
says so every second, so that a watcher who hears nothing knows the connection is gone. When nobody watches, nothing
is looked at.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from helpline.console.wall import Wall

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # a change is told within this; more changes in it are told at once
STILL_SECONDS = 1.0
RETRY_MILLISECONDS = 1000


@dataclass(eq=False, slots=True)
class _Watcher:
    callers: int
    agents: int
    told: str = ""
    told_at: float = float("-inf")
    waiting: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(maxsize=1))


class Live:
    """`follow` is one watcher's stream. `close` ends all of them, so that the server can stop."""

    def __init__(self, wall: Wall) -> None:
        self._wall = wall
        self._watchers: set[_Watcher] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    async def follow(self, *, callers: int, agents: int) -> AsyncIterator[str]:
        """Events `wall` (JSON) and `still` (nothing changed), the first at once."""
        if self._closed:
            return
        watcher = _Watcher(callers, agents)
        self._watchers.add(watcher)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on(), name="live view")
        else:
            self._look()
        try:
            yield f"retry: {RETRY_MILLISECONDS}\n\n"
            while (event := await watcher.waiting.get()) is not None:
                yield event
        finally:
            self._watchers.discard(watcher)
            if not self._watchers and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    def close(self) -> None:
        """End every stream; the watchers come back by themselves."""
        self._closed = True
        for watcher in self._watchers:
            _put(watcher, None)

    async def _look_on(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        try:
            self._tell()
        except Exception:  # a fault of one look must not end every supervisor's view for good
            log.exception("The live view failed", extra={"action": "live_failed"})

    def _tell(self) -> None:
        now = asyncio.get_running_loop().time()
        walls: dict[tuple[int, int], tuple[str, str]] = {}  # watchers with screens alike share one look
        for watcher in self._watchers:
            size = watcher.callers, watcher.agents
            if size not in walls:
                wall = self._wall(*size)
                at = wall.pop("at")
                walls[size] = at, json.dumps(wall, ensure_ascii=False)
            at, shown = walls[size]
            if shown != watcher.told:
                if _put(watcher, f'event: wall\ndata: {{"at": "{at}", {shown[1:]}\n\n'):
                    watcher.told, watcher.told_at = shown, now
            elif now - watcher.told_at >= STILL_SECONDS and _put(watcher, f'event: still\ndata: {{"at": "{at}"}}\n\n'):
                watcher.told_at = now


def _put(watcher: _Watcher, event: str | None) -> bool:
    """Whether there was room. One who reads slower than we look misses looks, not the newest state: the next look
    tells the whole of it."""
    if event is None:
        while not watcher.waiting.empty():
            watcher.waiting.get_nowait()
    if watcher.waiting.full():
        return False
    watcher.waiting.put_nowait(event)
    return True
