"""Asterisk's manager interface as a real server on loopback, played by a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

from telephony.ami import AmiLink, AmiSettings

Headers = dict[str, str]


class FakeAmi:
    """Answers Login, Ping, UserEvent and CoreShowChannels; records each action; everything else as `answers` says."""

    def __init__(self, *, secret: str = "secret") -> None:
        self.secret = secret
        self.port = 0
        self.actions: list[Headers] = []
        self.logins = 0
        self.channels: list[Headers] = []
        self.answers: dict[str, Callable[[Headers], None]] = {
            "Login": self._login,
            "Ping": lambda action: self.respond(action, Ping="Pong"),
            "CoreShowChannels": self._channels,
            "UserEvent": self._user_event,
        }
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop(self) -> None:
        """Break every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def asked(self, name: str) -> list[Headers]:
        return [action for action in self.actions if action["Action"] == name]

    def say(self, *lines: str) -> None:
        self.say_bytes("\r\n".join(lines).encode() + b"\r\n\r\n")

    def say_bytes(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    def event(self, name: str, **headers: object) -> None:
        self.say(f"Event: {name}", *(f"{key}: {value}" for key, value in headers.items()))

    def respond(self, action: Headers, response: str = "Success", **headers: object) -> None:
        lines = [f"{key}: {value}" for key, value in headers.items()]
        self.say(f"Response: {response}", f"ActionID: {action['ActionID']}", *lines)

    def refuse(self, action: Headers, message: str) -> None:
        self.respond(action, "Error", Message=message)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._read(reader, writer), name="fake ami")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in text.strip().split("\r\n"))
                self.actions.append(action)
                self.answers.get(action["Action"], lambda _: None)(action)
        except (OSError, asyncio.IncompleteReadError):
            self._writers.discard(writer)
        finally:
            writer.close()

    def _login(self, action: Headers) -> None:
        if action["Secret"] == self.secret:
            self.logins += 1
            self.respond(action, Message="Authentication accepted")
            self.event("FullyBooted", Status="Fully Booted")
        else:
            self.refuse(action, "Authentication failed")

    def _user_event(self, action: Headers) -> None:
        self.respond(action, Message="Event Sent")
        self.event("UserEvent", **{name: value for name, value in action.items() if name != "Action"})

    def _channels(self, action: Headers) -> None:
        self.respond(action, EventList="start", Message="Channels will follow")
        for channel in self.channels:
            self.event("CoreShowChannel", ActionID=action["ActionID"], **channel)
        self.event("CoreShowChannelsComplete", ActionID=action["ActionID"], EventList="Complete", ListItems="1")


FAST = AmiSettings(
    host="127.0.0.1",
    port=0,
    user="helpline",
    secret="secret",
    action_seconds=0.5,
    measure_every=0.05,
    longest_lag=0.2,
    first_delay=0.01,
    longest_delay=0.05,
    start_seconds=0.5,
    resync_seconds=0.5,
    settle_seconds=0.05,
)


@asynccontextmanager
async def linked(settings: AmiSettings = FAST, ami: FakeAmi | None = None) -> AsyncIterator[tuple[FakeAmi, AmiLink]]:
    before = asyncio.all_tasks()
    ami = ami or FakeAmi()
    await ami.start()
    link = AmiLink(replace(settings, port=ami.port), rng=Random(1))
    try:
        await link.start()
        yield ami, link
    finally:
        await link.stop()
        await ami.stop()
        assert asyncio.all_tasks() == before


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


def hangup(ami: FakeAmi, call_id: str = "1.1", cause: object = 16) -> None:
    ami.event("Hangup", Channel="PJSIP/x", Uniqueid=call_id, Linkedid=call_id, Cause=cause)
