"""A controller whose flow each test gives, on the shared Asterisk, with the network's side of the trunk in its hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from random import Random
from typing import Any, TypeVar

import pytest

from asterisk_conf.instance import Instance
from asterisk_conf.sounds import write_tone
from telephony.ami import AmiLink, AmiSettings
from telephony.call import Call
from telephony.errors import HungUp
from telephony.events import DialEnded
from telephony.server import FastAgiServer
from tests.live.sip_peer import Leg, SipPeer

T = TypeVar("T")
Flow = Callable[[Call], Coroutine[Any, Any, T]]
Doing = Callable[[Leg], Awaitable[object]]

HELLO = "helpline/test/hello"
"""A prompt of two seconds."""


class Engine:
    """See the module. `peer` is the telephone network."""

    def __init__(self, asterisk: Instance) -> None:
        settings = asterisk.settings
        self.asterisk = asterisk
        self.link = AmiLink(
            AmiSettings(host="127.0.0.1", port=settings.ami_port, user=settings.ami_user, secret=asterisk.ami_secret()),
            rng=Random(1),
        )
        self.server = FastAgiServer(*settings.agi, self._handle, self.link)
        self.link.subscribe(DialEnded, self.server.dial_ended)
        self.peer = SipPeer((settings.bind, settings.sip_port))
        self.sessions = 0
        self._flow: Flow[object] | None = None
        self._ended: asyncio.Queue[object] = asyncio.Queue()

    async def start(self) -> None:
        trunk = self.asterisk.settings.trunk
        await self.server.start()
        await self.link.start()
        await self.peer.open(trunk.host, trunk.port)

    async def stop(self) -> None:
        self.peer.close()
        await self.server.stop()
        await self.link.stop()

    async def _handle(self, call: Call) -> None:
        self.sessions += 1
        assert self._flow is not None
        [outcome] = await asyncio.gather(self._flow(call), return_exceptions=True)
        self._ended.put_nowait(outcome)
        if isinstance(outcome, RuntimeError):
            raise outcome
        with contextlib.suppress(HungUp):
            await call.done()

    async def call(self, flow: Flow[T], doing: Doing | None = None) -> T:
        """A citizen calls 1076 and does `doing`; what the flow returned or raised."""
        self._flow = flow
        leg = await self.peer.call("1076")
        try:
            if doing is not None:
                await doing(leg)
            async with asyncio.timeout(15):
                outcome = await self._ended.get()
        finally:
            if not leg.ended.is_set():
                leg.hang_up()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome  # type: ignore[return-value]

    async def gone(self, flow: Flow[object], doing: Doing) -> HungUp:
        """As `call`, for a flow that is to end by a hang-up."""
        with pytest.raises(HungUp) as caught:
            await self.call(flow, doing)
        return caught.value


@contextlib.asynccontextmanager
async def running_engine(asterisk: Instance) -> AsyncIterator[Engine]:
    write_tone(asterisk.settings.prompts_folder / "test" / "hello.wav", hertz=600, seconds=2)
    engine = Engine(asterisk)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def after(seconds: float, do: Callable[[Leg], None]) -> Doing:
    async def doing(leg: Leg) -> None:
        await asyncio.sleep(seconds)
        do(leg)

    return doing


def pressing(keys: str, *, every: float = 0.12) -> Doing:
    async def doing(leg: Leg) -> None:
        await asyncio.sleep(0.3)
        for key in keys:
            leg.press(key)
            await asyncio.sleep(every)

    return doing


hanging_up = after(0.4, Leg.hang_up)
