"""The running controller: its rooms come up in the order of need and go down in the reverse."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from acd.service import Acd
from agents.service import Agents
from grievance_core.audit import Audit
from grievance_core.figures.rollups import Rollups
from grievance_core.posts.service import Posts
from grievance_core.service import Grievances
from helpline.errors import ServiceFailed
from helpline.every import every
from helpline.lifeline import file_voice_messages
from helpline.outside import Outside
from helpline.questions import Questions
from outbound_dialer.service import Dialer
from telephony.ami import AmiLink
from telephony.server import FastAgiServer

log = logging.getLogger(__name__)

SWEEP_SECONDS = 30.0
LIFELINE_SECONDS = 5.0
SEAL_SECONDS = 60.0
ROSTER_SECONDS = 5.0
GONE_SECONDS = 300.0
CALLS_GRACE_SECONDS = 0.5


class ConsoleServer(uvicorn.Server):
    """uvicorn in our own loop; signals are the controller's affair."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What runs in one controller. Made by `wiring.controller`."""

    agents: Agents
    acd: Acd
    dialer: Dialer
    grievances: Grievances
    audit: Audit
    posts: Posts
    leave_days: int
    rollups: Rollups
    questions: Questions
    link: AmiLink
    calls: FastAgiServer
    console: Starlette
    console_address: tuple[str, int]
    lifeline_folder: Path
    clock: Callable[[], datetime]
    outside: Outside = field(default_factory=Outside)

    def warm_up(self) -> None:
        """Load what would be loaded at the first need: for one that stands by, so that it is at work sooner."""
        self._console_config().load()

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until `stop`. Raises ServiceFailed for a port that is taken, and what the rooms raise."""
        async with AsyncExitStack() as up:
            # What was going on is read first, then compared with Asterisk by the link's first resync, and only then
            # do calls come in.
            await self.posts.refresh()
            await self.agents.start()
            up.push_async_callback(self.agents.stop)
            await self.acd.start()
            up.push_async_callback(self.acd.stop)
            await self.dialer.start()
            up.push_async_callback(self.dialer.stop)
            await self.link.start()
            up.push_async_callback(self.link.stop)
            await self._take_calls()
            up.push_async_callback(self.calls.stop, grace_seconds=CALLS_GRACE_SECONDS)
            listening = self._console_socket()
            async with asyncio.TaskGroup() as tasks:
                console = ConsoleServer(self._console_config())
                tasks.create_task(console.serve(sockets=[listening]), name="console")
                chores = [
                    tasks.create_task(every(SWEEP_SECONDS, self._sweep), name="time limits"),
                    tasks.create_task(every(SWEEP_SECONDS, self._hand_out_questions), name="officers' questions"),
                    tasks.create_task(every(SEAL_SECONDS, self._seal), name="seals"),
                    tasks.create_task(every(ROSTER_SECONDS, self._read_roster), name="roster of officers"),
                    tasks.create_task(every(GONE_SECONDS, self._move_on), name="officers who are gone"),
                    tasks.create_task(every(LIFELINE_SECONDS, self._file_voice_messages), name="lifeline messages"),
                ]
                chores += [tasks.create_task(chore(), name=name) for name, chore in self.outside.chores]
                log.info("The controller serves calls", extra={"action": "serving"})
                await stop.wait()
                log.info("The controller stops", extra={"action": "stopping"})
                for chore in chores:
                    chore.cancel()
                self.console.state.feed.close()
                console.should_exit = True

    def _console_config(self) -> uvicorn.Config:
        return uvicorn.Config(self.console, log_config=None, access_log=False, lifespan="off", ws="none")

    async def _take_calls(self) -> None:
        try:
            await self.calls.start()
        except OSError as error:
            raise ServiceFailed(
                f"Port {self.calls.port} for Asterisk's calls (agi_port) can't be opened: {_reason(error)}. "
                "Set another under [telephony] in the settings file."
            ) from error

    def _console_socket(self) -> socket.socket:
        host, port = self.console_address
        try:
            return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        except OSError as error:
            raise ServiceFailed(
                f"The desk's address {host}:{port} can't be opened: {_reason(error)}. "
                "Set another host or port under [console] in the settings file."
            ) from error

    async def _sweep(self) -> None:
        moved = await self.grievances.sweep(self.clock())
        if moved:
            log.info("Complaints ran out of time", extra={"action": "swept", "complaints": moved})

    async def _seal(self) -> None:
        while await self.audit.seal():
            pass  # a seal counts some thousands: after a long stand-still there are several
        await self.rollups.catch_up()

    async def _read_roster(self) -> None:
        await self.posts.refresh()

    async def _move_on(self) -> None:
        await self.posts.refresh()
        gone = self.posts.roster.gone(self.posts.today(), leave_days=self.leave_days)
        moved = await self.grievances.move_on(gone, self.clock())
        if moved:
            log.warning(
                "Complaints moved on from posts in which nobody is: helpline officers coverage",
                extra={"action": "officers_gone", "complaints": moved, "posts": len(gone)},
            )

    async def _hand_out_questions(self) -> None:
        given = await self.questions.hand_out(self.clock(), queue=self.acd.queue_of("status"))
        if given:
            log.info("Officers' questions are to be put", extra={"action": "questions_given", "questions": given})

    async def _file_voice_messages(self) -> None:
        filed = await file_voice_messages(
            self.lifeline_folder,
            self.grievances,
            now=self.clock(),
            add_work=self.acd.add_work,
            queue=self.acd.queue_of("complaint"),
        )
        if filed:
            log.info("The lifeline's messages were filed", extra={"action": "voice_filed", "messages": filed})


def _reason(error: OSError) -> str:
    """The system's words, without what asyncio adds to them; the negative numbers are of names that can't be found."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)
