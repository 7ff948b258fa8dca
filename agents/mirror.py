"""A hash in Redis that is kept equal to what the controller holds in memory.

The memory is the truth while the controller lives; Redis is what the next one takes up. Redis may go away: the
controller goes on, says so once, and writes everything anew when Redis is back, even if it came back empty or old.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0  # a Redis on the same machine answers in well under a millisecond
CHECK_SECONDS = 1.0


class Mirror:
    """One hash. `put` returns when the change is in Redis, or at once while Redis is known to be away."""

    def __init__(self, redis: Redis, key: str) -> None:
        self.key = key
        self.down = False
        self.rewritten = 0  # how often everything had to be written anew
        self._redis = redis
        self._wanted: dict[str, str] = {}
        self._dirty: set[str] = set()
        self._everything = False
        self._lock = asyncio.Lock()
        self._server = ""
        self._keeper: asyncio.Task[None] | None = None

    async def read(self) -> dict[str, str]:
        """What the last controller left; from here on that is what is kept.

        Raises RedisError, OSError or TimeoutError when Redis does not answer.
        """
        async with asyncio.timeout(ANSWER_SECONDS):
            self._server = await self._run_id()
            kept = await self._redis.hgetall(self.key)
        self._wanted = {str(field): str(value) for field, value in kept.items()}
        return dict(self._wanted)

    async def put(self, field: str, value: str | None) -> None:
        """Write one field; None takes it away. Never raises for Redis' sake.

        Writers who come while a write is under way go together in the next one.
        """
        if value is None:
            self._wanted.pop(field, None)
        else:
            self._wanted[field] = value
        self._dirty.add(field)
        if self.down and self._keeper:
            return
        async with self._lock:
            if field in self._dirty:
                await self._write()

    def start(self) -> None:
        """Begin to watch whether Redis went away, came back or was replaced."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"mirror {self.key}")

    async def stop(self) -> None:
        """End the watching. What is still unwritten is tried once more."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        async with self._lock:
            if self._dirty or self._everything:
                await self._write()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    server = await self._run_id()
            except (RedisError, OSError, TimeoutError) as error:
                self._lost(error)
                continue
            if server != self._server:  # another process than the one we wrote to: it may be empty or old
                self._server = server
                self._everything = True
            if self._dirty or self._everything:
                async with self._lock:
                    await self._write()

    async def _run_id(self) -> str:
        return str((await self._redis.info("server"))["run_id"])

    async def _write(self) -> None:
        """Write what is unwritten in one transaction. Called with the lock held."""
        fields, everything = self._dirty, self._everything
        self._dirty, self._everything = set(), False
        done = False
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._send(fields, everything=everything)
            done = True
        except (RedisError, OSError, TimeoutError) as error:
            self._lost(error)
        finally:
            if not done:
                self._dirty |= fields
                self._everything = self._everything or everything
        if done and (self.down or everything):
            self.down = False
            self.rewritten += everything
            log.warning(
                "Redis is there again, everything was written anew", extra={"action": "redis_back", "key": self.key}
            )

    async def _send(self, fields: set[str], *, everything: bool) -> None:
        wanted = dict(self._wanted) if everything else {f: self._wanted[f] for f in fields if f in self._wanted}
        async with self._redis.pipeline(transaction=True) as pipe:
            if everything:
                pipe.delete(self.key)
            elif gone := [field for field in fields if field not in wanted]:
                pipe.hdel(self.key, *gone)
            if wanted:
                pipe.hset(self.key, mapping=dict[Any, Any](wanted))
            await pipe.execute()

    def _lost(self, error: Exception) -> None:
        self._everything = True
        if not self.down:
            self.down = True
            log.error(
                "Redis does not answer: going on without it",
                extra={"action": "redis_lost", "key": self.key, "error": str(error) or type(error).__name__},
            )
