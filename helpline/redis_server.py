"""A private redis-server on loopback, for the run folder that has no redis_url in its settings.

It outlives the controller (who waits since when, who sits where are kept in it) and is stopped by the supervisor.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from helpline.errors import ServiceFailed

START_SECONDS = 10.0

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
pidfile {folder}/redis.pid
logfile {folder}/redis.log
daemonize yes
# What is written is kept across a crash of Redis itself: at most the last second is lost.
appendonly yes
appendfsync everysec
save ""
"""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """`start()` brings it up or takes up the one that runs there; `stop()` ends it by its own pid."""

    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    async def answers(self) -> bool:
        """Whether the server of this run folder (it knows our password) answers on its port."""
        client = redis.asyncio.Redis.from_url(self.url, socket_timeout=1.0)
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False
        finally:
            await client.aclose()

    async def start(self) -> None:
        """Raises ServiceFailed when the port is another's or the server does not come up."""
        if await self.answers():
            return
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                raise ServiceFailed(
                    f"Port {self.port} for Redis is taken. Set redis_port in the settings file to a free one."
                ) from error
        configuration = self.folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(port=self.port, password=self.password, folder=self.folder), encoding="utf-8"
        )
        process = await asyncio.create_subprocess_exec(
            *self.argv,
            str(configuration),
            env={**os.environ, **self.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await process.wait() == 0:  # it has gone into the background, in a session of its own
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_SECONDS):
                    while not await self.answers():
                        await asyncio.sleep(0.02)
                    return
        log = self.folder / "redis.log"
        tail = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
        raise ServiceFailed("Redis did not come up. Its last words: " + " | ".join(tail or ["none"]))

    async def stop(self) -> None:
        """End it politely: what was written is on disk before it goes."""
        try:
            pid = int((self.folder / "redis.pid").read_text())
        except (OSError, ValueError):
            return
        if not await self.answers():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while await self.answers():
                    await asyncio.sleep(0.05)
