"""The dialer against a real Asterisk: how calls end on the wire, and a controller that dies while it rings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, time
from pathlib import Path
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from asterisk_conf.instance import Instance
from outbound_dialer.attempt import Contact, ContactKey
from outbound_dialer.pacing import Pace
from outbound_dialer.rules import Rules, Window
from outbound_dialer.service import Dialer, DialerSettings, Outcome
from outbound_dialer.store import metadata
from outbound_dialer.testing import FakeSource
from telephony.ami import AmiLink, AmiSettings
from telephony.call import Call
from telephony.errors import HungUp
from telephony.server import FastAgiServer
from tests.live.sip_peer import Leg, SipPeer

pytestmark = pytest.mark.live

ENDS = {
    "404": "invalid_number",
    "480": "unreachable",
    "486": "busy",
    "403": "rejected",
    "503": "congestion",
    "000": "no_answer",  # rings on
    "200": "answered",
}


class Network(SipPeer):
    """The telephone network: the last three digits of a number are how it ends; 000 rings on."""

    def _behave(self, leg: Leg, invite: str) -> None:
        found = re.match(r"INVITE sip:\d+(\d{3})@", invite)
        end = found[1] if found else "404"
        self._reply(leg, invite, 180)
        loop = asyncio.get_running_loop()
        if end == "200":
            self._handles.append(loop.call_later(self.answer_seconds, self._accept, leg, invite))
        elif end != "000":
            self._handles.append(loop.call_later(0.05, self._reply, leg, invite, int(end)))


class Controller:
    """The part of a controller that the dialer needs. Its flow takes every answer for satisfaction."""

    def __init__(self, asterisk: Instance, sessions: async_sessionmaker[AsyncSession], source: FakeSource) -> None:
        settings = asterisk.settings
        self.outcomes: list[Outcome] = []
        self.link = AmiLink(
            AmiSettings(host="127.0.0.1", port=settings.ami_port, user=settings.ami_user, secret=asterisk.ami_secret()),
            rng=Random(1),
        )
        self.server = FastAgiServer(*settings.agi, self._ask, self.link)
        self.dialer = Dialer(
            sessions,
            self.link,
            source,
            clock=lambda: datetime.now(UTC),
            settings=DialerSettings(
                rules=Rules(window=Window(zone=UTC, opens=time(0), closes=time(0))),
                caller_id="1600221076",
                pace=Pace(lines=20, calls_per_second=20),
                ring_seconds=2.0,
                tick_seconds=0.2,
            ),
            on_outcome=self._take,
        )

    async def start(self) -> None:
        await self.server.start()
        await self.link.start()
        await self.dialer.start()

    async def stop(self) -> None:
        await self.dialer.stop()
        await self.link.stop()
        await self.server.stop()

    async def _ask(self, call: Call) -> None:
        attempt = await self.dialer.attempt_for(call.id)
        assert attempt is not None
        await self.dialer.finish(attempt.id, "satisfied")
        try:
            await call.done()
        except HungUp:
            return

    async def _take(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'dialer.sqlite3'}")
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


@pytest.fixture
async def network(asterisk: Instance) -> AsyncIterator[Network]:
    network = Network((asterisk.settings.bind, asterisk.settings.sip_port))
    await network.open(asterisk.settings.trunk.host, asterisk.settings.trunk.port)
    yield network
    network.close()


def contact(end: str) -> Contact:
    return Contact(key=ContactKey(end), number=f"9876500{end}")


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not claim():
            await asyncio.sleep(0.02)


async def test_every_way_a_call_can_end_is_told_as_what_it_was(
    asterisk: Instance, sessions: async_sessionmaker[AsyncSession], network: Network
) -> None:
    controller = Controller(asterisk, sessions, FakeSource(contact(end) for end in ENDS))
    await controller.start()
    try:
        await until(lambda: len(controller.outcomes) == len(ENDS) and not controller.dialer.open_attempts)
    finally:
        await controller.stop()
    assert {outcome.attempt.contact: outcome.disposition.value for outcome in controller.outcomes} == ENDS
    assert len(network.rung) == len(ENDS)
    [answered] = [leg for leg in network.rung if leg.answered.is_set()]
    assert "sip:1600221076@" in answered.invite


async def test_a_controller_that_dies_while_it_rings_takes_the_same_call_up_again(
    asterisk: Instance, sessions: async_sessionmaker[AsyncSession], network: Network
) -> None:
    network.answer_seconds = 1.0
    source = FakeSource([contact("200")])
    first = Controller(asterisk, sessions, source)
    await first.start()
    await until(lambda: network.rung)
    await first.stop()

    second = Controller(asterisk, sessions, source)
    await second.start()
    try:
        await until(lambda: second.outcomes and not second.dialer.open_attempts)
    finally:
        await second.stop()
    assert [outcome.result for outcome in second.outcomes] == ["satisfied"]
    assert len(network.rung) == 1
    assert not first.outcomes
