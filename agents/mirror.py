"""Hashes in Redis that are kept equal to what the controller holds in memory.

The memory is the truth while the controller lives; Redis is what the next one takes up. Redis may go away: the
controller goes on, says so once, and writes everything anew when Redis is back, even if it came back empty or old.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterator, Sequence
from typing import ClassVar
from weakref import WeakValueDictionary

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0  # a Redis on the same machine answers in well under a millisecond
CHECK_SECONDS = 1.0

Command = tuple[str, ...]
_Batch = dict["Mirror", tuple[set[str], bool]]


class Mirror:
    """One hash. `put` returns when the change is in Redis, or at once while Redis is known to be away."""

    def __init__(self, redis: Redis, key: str) -> None:
        self.key = key
        self.down = False
        self._redis = redis
        self._writer = _Writer.of(redis)
        self._wanted: dict[str, str] = {}
        self._dirty: set[str] = set()
        self._everything = False
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

        Writers who come while a write is under way go together in the next one, whatever hash they write to.
        """
        if value is None:
            self._wanted.pop(field, None)
        else:
            self._wanted[field] = value
        self._dirty.add(field)
        if self.down and self._keeper:
            return
        await self._writer.write(self)

    def start(self) -> None:
        """Begin to watch whether Redis went away, came back or was replaced."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"mirror {self.key}")

    async def stop(self) -> None:
        """End the watching. A write under way is waited for; what is still unwritten is tried once more."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._dirty or self._everything or self._writer.at_work:
            await self._writer.write(self)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    server = await self._run_id()
            except (RedisError, OSError, TimeoutError) as error:
                self.lost(error)
                continue
            if server != self._server:  # another process than the one we wrote to: it may be empty or old
                self._server = server
                self._everything = True
            if self._dirty or self._everything:
                await self._writer.write(self)

    async def _run_id(self) -> str:
        return str((await self._redis.info("server"))["run_id"])

    # -- of the writer

    def take(self) -> tuple[set[str], bool]:
        """What is unwritten: fields, and whether everything is; it counts as written from here on."""
        fields, everything = self._dirty, self._everything
        self._dirty, self._everything = set(), False
        return fields, everything

    def give_back(self, fields: Collection[str], *, everything: bool) -> None:
        """It was not written after all."""
        self._dirty.update(fields)
        self._everything = self._everything or everything

    def commands(self, fields: Collection[str], *, everything: bool) -> Iterator[Command]:
        """The commands that write it."""
        wanted = self._wanted if everything else {f: self._wanted[f] for f in fields if f in self._wanted}
        if everything:
            yield "DEL", self.key
        elif gone := [field for field in fields if field not in wanted]:
            yield "HDEL", self.key, *gone
        if wanted:
            yield "HSET", self.key, *(text for item in wanted.items() for text in item)

    def wrote(self, *, everything: bool) -> None:
        if self.down or everything:
            self.down = False
            log.warning(
                "Redis is there again, everything was written anew", extra={"action": "redis_back", "key": self.key}
            )

    def lost(self, error: Exception) -> None:
        """Redis did not answer."""
        self._everything = True
        if not self.down:
            self.down = True
            log.error(
                "Redis does not answer: going on without it",
                extra={"action": "redis_lost", "key": self.key, "error": str(error) or type(error).__name__},
            )


class _Writer:
    """Writes for all mirrors on one client, one round trip after the other; each takes all that has come by then."""

    _all: ClassVar[WeakValueDictionary[int, _Writer]] = WeakValueDictionary()

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._due: set[Mirror] = set()
        self._next: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, redis: Redis) -> _Writer:
        """The one that all mirrors on this client share, for as long as one of them is there."""
        writer = cls._all.get(id(redis))
        if writer is None:
            writer = cls._all[id(redis)] = cls(redis)
        return writer

    @property
    def at_work(self) -> bool:
        return self._task is not None

    async def write(self, mirror: Mirror) -> None:
        """Return when what is unwritten in `mirror` now was written, or could not be."""
        self._due.add(mirror)
        loop = asyncio.get_running_loop()
        if self._next is None:
            self._next = loop.create_future()
        done = self._next
        if self._task is None:
            self._task = loop.create_task(self._run(), name="mirrors")
        await asyncio.shield(done)

    async def _run(self) -> None:
        try:
            while self._next is not None:
                done, self._next = self._next, None
                batch: _Batch = {mirror: mirror.take() for mirror in self._due}
                self._due = set()
                try:
                    await self._send(batch)
                finally:
                    if not done.done():
                        done.set_result(None)
        finally:
            self._task = None

    async def _send(self, batch: _Batch) -> None:
        """All in one round trip; in a transaction where a hash is made anew, so that nobody sees it empty."""
        anew = any(everything for _, everything in batch.values())
        done = False
        try:
            commands = [
                command
                for mirror, (fields, everything) in batch.items()
                for command in mirror.commands(fields, everything=everything)
            ]
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._execute([("MULTI",), *commands, ("EXEC",)] if anew else commands)
            done = True
        except (RedisError, OSError, TimeoutError) as error:
            for mirror in batch:
                mirror.lost(error)
        finally:
            for mirror, (fields, everything) in batch.items():
                if done:
                    mirror.wrote(everything=everything)
                else:
                    mirror.give_back(fields, everything=everything)

    async def _execute(self, commands: Sequence[Command]) -> None:
        """As redis-py's pipeline does, at half the cost. A connection that broke meanwhile is tried anew once."""
        try:
            await self._try(commands)
        except RedisConnectionError:
            await self._try(commands)

    async def _try(self, commands: Sequence[Command]) -> None:
        if not commands:
            return
        pool = self._redis.connection_pool
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            for _ in commands:
                answer = await connection.read_response()
                if isinstance(answer, list):  # of EXEC
                    for fault in (one for one in answer if isinstance(one, Exception)):
                        raise fault
        except BaseException:
            await connection.disconnect(nowait=True)  # an answer that comes late is not to be taken for the next one's
            raise
        finally:
            await pool.release(connection)
