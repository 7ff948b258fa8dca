"""One FastAGI connection: commands go out one at a time, answers and the hang-up come in, everything has an end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, cast

from telephony.agi import Answer, Environment, HangupLine, Limits, Parser, command
from telephony.errors import CommandRefused, CommandTimedOut, HungUp, PeerFault, TelephonyError

CLOSED: Final = "the AGI connection is closed"


class Session(asyncio.Protocol):
    """The connection of one channel. It never waits without a bound unless it is told to."""

    def __init__(self, limits: Limits, on_connect: Callable[[Session], None]) -> None:
        self._limits = limits
        self._on_connect = on_connect
        self._parser = Parser(limits)
        self._transport: asyncio.Transport | None = None
        self._opened = asyncio.Event()
        self._closed = asyncio.Event()
        self._values: Mapping[str, str] = {}
        self._fault: TelephonyError | None = None
        self._pending: asyncio.Future[Answer] | None = None
        self.hung_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type
        self._on_connect(self)

    def data_received(self, data: bytes) -> None:
        if self._fault is not None:
            return
        try:
            for message in self._parser.feed(data):
                self._take(message)
        except PeerFault as fault:
            self._break(fault)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()
        if self._fault is None:  # else it was us who broke it off: the caller is still there, and comes back
            self.hung_up = True
        if not self._values:
            self._break(PeerFault("it closed too early"))
        elif self._pending is not None and not self._pending.done():
            self._pending.set_exception(self._fault or HungUp(CLOSED))

    async def environment(self) -> Mapping[str, str]:
        """What Asterisk told about the channel. Raises `PeerFault` when it did not, or not in time."""
        try:
            async with asyncio.timeout(self._limits.environment_seconds):
                await self._opened.wait()
        except TimeoutError:
            self._break(PeerFault("its opening did not come in time"))
        if self._fault is not None and not self._values:
            raise self._fault
        return self._values

    async def command(self, *words: str, seconds: float | None = 0.0) -> Answer:
        """Send a command and return its answer, whatever its code.

        `seconds`: what the command itself may take, None without bound. Cancelling it closes the session, because its
        answer would be taken for that of the next command.
        """
        data = command(*words)
        if self._pending is not None:
            raise RuntimeError(f"two verbs at once on one call: {' '.join(words)!r}")
        if self._fault is not None:
            raise self._fault
        if self._transport is None or self._transport.is_closing():
            raise HungUp(CLOSED)
        loop = asyncio.get_running_loop()
        self._pending = loop.create_future()
        late = None
        if seconds is not None:
            limit = seconds + self._limits.command_seconds
            late = loop.call_later(limit, self._late, words, limit)
        self._transport.write(data)
        try:
            return await self._pending
        except asyncio.CancelledError:
            self._break(CommandRefused(" ".join(words), "it was abandoned; the session is closed"))
            raise
        finally:
            self._pending = None
            if late is not None:
                late.cancel()

    def _late(self, words: tuple[str, ...], limit: float) -> None:
        self._break(CommandTimedOut(" ".join(words), limit))

    async def close(self) -> None:
        """Close the connection: Asterisk goes on with the dialplan. Idempotent."""
        if self._transport is None:
            return
        self._transport.close()
        try:
            async with asyncio.timeout(1.0):
                await self._closed.wait()
        except TimeoutError:
            self._transport.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take(self, message: Environment | Answer | HangupLine) -> None:
        if isinstance(message, Environment):
            self._values = message.values
            self._opened.set()
        elif isinstance(message, HangupLine):
            self.hung_up = True
            self._acknowledge()
        elif self._pending is None or self._pending.done():
            raise PeerFault("an answer that nobody asked for")
        else:
            self._pending.set_result(message)

    def _acknowledge(self) -> None:
        """Acknowledge at once what came. Asterisk keeps the next answer back until then (Nagle): 40 ms, otherwise."""
        if self._transport is not None and (connection := self._transport.get_extra_info("socket")) is not None:
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def _break(self, fault: TelephonyError) -> None:
        """End the session with what went wrong; the first one counts."""
        if self._fault is None:
            self._fault = fault
        self._opened.set()
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(self._fault)
        if self._transport is not None:
            self._transport.close()
