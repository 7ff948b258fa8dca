"""Off-hook agents: whose line is open, while it waits, talks, drops, is opened twice, and after a restart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from acd.live.off_hook import OffHook
from acd.live.repairs import LINE_EXTENSION
from acd.testing import FakeLink
from agents.agent import Line, PresenceChanged
from agents.testing import MemoryAgents
from telephony.call import CallId
from telephony.errors import HungUp, LinkDown
from telephony.events import Hungup, LiveChannel
from telephony.testing import ScriptedCall
from tests.unit.acd.world import channel

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

LINE, LATER = "PJSIP/agent-1001-0000000a", "PJSIP/agent-1001-0000000b"


class Link(FakeLink):
    """Hangs up the calls it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, ScriptedCall] = {}
        self.hung_up: list[str] = []
        self.down = False

    async def hang_up(self, channel: str) -> bool:
        if self.down:
            raise LinkDown
        self.hung_up.append(channel)
        self.calls[channel].caller_hangs_up()
        return True


class Desks:
    """Agent 1001 and their lines."""

    def __init__(self, agents: MemoryAgents) -> None:
        self.link = Link()
        self.agents = agents
        self.told: list[bool] = []
        self.off_hook = OffHook(agents=agents, link=self.link)
        self.ends: dict[ScriptedCall, asyncio.Task[None]] = {}
        agents.watch(self._watch)

    def _watch(self, change: PresenceChanged) -> None:
        if change.before.line_open != change.after.line_open:
            self.told.append(change.after.line_open)

    async def enter(self, channel: str = LINE) -> ScriptedCall:
        call = ScriptedCall(path="agent", channel=channel, call_id=channel)
        self.link.calls[channel] = call
        self.ends[call] = asyncio.create_task(self.off_hook.attend(call))
        await asyncio.sleep(0.01)
        return call

    async def end_of(self, call: ScriptedCall) -> HungUp | None:
        try:
            await self.ends.pop(call)
        except HungUp as end:
            return end
        return None


@pytest.fixture
async def desks() -> AsyncIterator[Desks]:
    agents = MemoryAgents(clock=lambda: datetime(2026, 11, 25, 12, tzinfo=UTC))
    await agents.seat("1001", line=Line.OFF_HOOK)
    await agents.seat("1003")
    made = Desks(agents)
    yield made
    for task in made.ends.values():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, HungUp):
            await task


async def test_a_line_is_open_from_the_dialling_to_the_dropping_of_the_phone(desks: Desks) -> None:
    assert desks.off_hook.channel_of("1001") is None
    call = await desks.enter()
    assert desks.off_hook.channel_of("1001") == LINE
    assert desks.agents.get("1001").line_open
    call.caller_hangs_up()
    assert await desks.end_of(call) is not None
    assert desks.off_hook.channel_of("1001") is None
    assert desks.told == [True, False]
    assert desks.link.hung_up == [LINE]  # had a bridge just taken the channel, it would outlive its phone


async def test_a_line_stays_open_through_an_hour_of_silence_and_asterisk_is_asked_once_an_hour(desks: Desks) -> None:
    call = await desks.enter()
    await asyncio.sleep(2.5 * 3600)
    assert desks.off_hook.channel_of("1001") == LINE
    assert [act.verb for act in call.acts] == ["wait"] * 3


async def test_a_line_that_a_bridge_takes_is_open_all_the_while_and_again_after_the_talk(desks: Desks) -> None:
    call = await desks.enter()
    call.is_taken()
    end = await desks.end_of(call)
    assert end is not None
    assert end.taken
    assert not call.finished
    assert desks.off_hook.channel_of("1001") == LINE
    await desks.enter()
    assert desks.off_hook.channel_of("1001") == LINE
    assert desks.told == [True]


async def test_a_phone_that_drops_in_a_talk_closes_the_line_at_once(desks: Desks) -> None:
    call = await desks.enter()
    call.is_taken()
    await desks.end_of(call)
    desks.link.tell(Hungup(call_id=CallId("1"), linked_id="1", channel=LINE, cause=16))
    assert desks.off_hook.channel_of("1001") is None
    assert desks.told == [True, False]


@pytest.mark.parametrize(
    "channel",
    ["PJSIP/agent-9999-0000000a", "PJSIP/trunk-00000001", "PJSIP/agent-1003-0000000a"],
    ids=["unknown", "trunk", "on-hook"],
)
async def test_who_is_no_off_hook_agent_hears_a_tone_and_is_hung_up_on(desks: Desks, channel: str) -> None:
    call = await desks.enter(channel)
    assert await desks.end_of(call) is None
    assert [act.said for act in call.acts] == [("Congestion", "2")]
    assert call.finished
    assert desks.told == []


async def test_a_second_line_takes_the_place_of_one_that_waits_and_the_first_is_ended(desks: Desks) -> None:
    first = await desks.enter()
    await desks.enter(LATER)
    assert await desks.end_of(first) is not None
    assert desks.off_hook.channel_of("1001") == LATER
    assert set(desks.link.hung_up) == {LINE}
    assert desks.told == [True]


async def test_a_second_line_does_not_cut_the_talk_on_the_first_which_ends_after_it(desks: Desks) -> None:
    first = await desks.enter()
    first.is_taken()
    await desks.end_of(first)
    await desks.enter(LATER)
    assert desks.link.hung_up == []
    back = await desks.enter()
    assert await desks.end_of(back) is None
    assert back.finished
    assert desks.off_hook.channel_of("1001") == LATER


async def test_with_the_link_down_the_second_line_is_open_all_the_same(desks: Desks) -> None:
    await desks.enter()
    desks.link.down = True
    await desks.enter(LATER)
    assert desks.off_hook.channel_of("1001") == LATER


def line(*, bridge: str = "") -> LiveChannel:
    return replace(channel("1", name=LINE, bridge=bridge), extension=LINE_EXTENSION)


async def test_a_line_that_talks_since_before_a_restart_is_known_when_the_link_is_up(desks: Desks) -> None:
    desks.link.channels = [
        line(bridge="b1"),
        channel("c1", bridge="b1"),
        channel("2", name="PJSIP/agent-1002-0000000c", bridge="b2"),  # rung, not off-hook
        replace(channel("3", name="PJSIP/agent-9999-0000000d"), extension=LINE_EXTENSION),
    ]
    await desks.agents.seat("1002", line=Line.OFF_HOOK)
    await desks.link.come_up()
    assert desks.off_hook.channel_of("1001") == LINE
    assert desks.off_hook.channel_of("1002") is None
    assert desks.told == [True]


async def test_a_line_that_closed_while_the_link_was_down_is_closed_when_it_is_back(desks: Desks) -> None:
    call = await desks.enter()
    call.is_taken()
    await desks.end_of(call)
    desks.link.channels = []
    await desks.link.come_up()
    assert desks.off_hook.channel_of("1001") is None
    assert desks.told == [True, False]
