"""A private redis-server on loopback, for the run folder that has no redis_url in its settings.

It outlives the controller (who waits since when, who sits where are kept in it) and is stopped by the supervisor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from helpline.errors import ServiceFailed

log = logging.getLogger(__name__)

START_SECONDS = 10.0
STOP_SECONDS = 10.0
ANSWER_SECONDS = 1.0
LOOK_SECONDS = 0.02

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
pidfile "{folder}/redis.pid"
logfile "{folder}/redis.log"
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
        client = redis.asyncio.Redis.from_url(
            self.url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )
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
        if self._pid() is not None:
            if await self._comes_up():  # it was loading what it keeps
                return
            log.error("Redis has hung and is ended", extra={"action": "redis_hung", "port": self.port})
            await self.stop()
        if not self._port_is_free():
            raise ServiceFailed(
                f"Port {self.port} for Redis is taken. Set redis_port in the settings file to a free one."
            )
        self._pid_file.unlink(missing_ok=True)
        if await self._launch() == 0 and await self._comes_up():
            return
        raise ServiceFailed("Redis did not come up. Its last words: " + " | ".join(self._last_words() or ["none"]))

    async def stop(self) -> None:
        """End it politely: what was written is on disk before it goes. One that hangs is killed."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            pid = self._pid()
            if pid is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    # Of a process that ends, the port is let go last.
                    while self._pid() is not None or not self._port_is_free():
                        await asyncio.sleep(LOOK_SECONDS)

    @property
    def _pid_file(self) -> Path:
        return self.folder / "redis.pid"

    def _noted_pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None  # none yet, or just being written

    def _is_ours(self, pid: int) -> bool:
        """Whether our server lives as this process. A number in a file proves nothing: it may be another program's."""
        process = Path("/proc") / str(pid)
        try:
            stands_here = (process / "cwd").readlink() == self.folder.resolve()
            title = (process / "cmdline").read_bytes()
        except OSError:
            return False
        return stands_here and (b"redis-server" in title or not title)  # it has none while it ends

    def _pid(self) -> int | None:
        """Our server's process, if it lives."""
        pid = self._noted_pid()
        return pid if pid is not None and self._is_ours(pid) else None

    async def _comes_up(self) -> bool:
        # Looked at by the clock: redis-py can swallow a cancellation that meets a time-out of its own.
        deadline = time.monotonic() + START_SECONDS
        while not await self.answers():
            pid = self._noted_pid()
            came_and_went = pid is not None and not self._is_ours(pid)
            if came_and_went or time.monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    def _port_is_free(self) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                return False
        return True

    async def _launch(self) -> int:
        """Its exit code: 0 when it has gone into the background, in a session of its own."""
        configuration = self.folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(port=self.port, password=self.password, folder=self.folder), encoding="utf-8"
        )
        with (self.folder / "redis.log").open("ab") as words:
            process = await asyncio.create_subprocess_exec(
                *self.argv,
                str(configuration),
                # A locale that this machine lacks, as ssh brings one along, would be refused.
                env={**os.environ, **self.env, "LC_ALL": "C"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=words,
                stderr=words,
            )
        return await process.wait()

    def _last_words(self) -> list[str]:
        lines = (self.folder / "redis.log").read_text(errors="replace").splitlines()
        return [line for line in lines if line.strip()][-3:]
