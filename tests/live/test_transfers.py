"""Agents' phones transfer callers: nobody is cut off, and who talked and how long is told right. By ear, both kinds."""

from __future__ import annotations

import asyncio

import pytest

from agents.agent import Line
from agents.presence import State
from tests.live.conftest import Phones
from tests.live.floor import Hall, now, until
from tests.live.line_peer import AGENT, AGENT_2, CITIZEN, MUSIC, LinePeer
from tests.live.sip_peer import Leg

pytestmark = pytest.mark.live

SOON = 0.5


class Talk:
    """Agent 1001 talks with a citizen."""

    def __init__(self, hall: Hall, line: Line) -> None:
        self.hall = hall
        self.line = line

    async def begin(self) -> None:
        self.agent: LinePeer = await self.hall.agent("1001", self.line)
        self.citizen = await self.hall.citizen()
        began = now()
        self.caller: Leg = await self.citizen.call("1076")
        await self.citizen.until_heard(AGENT, since=began)
        await self.agent.until_heard(CITIZEN, since=began)
        await self.hall.floor.until("1001", State.TALKING)
        self.began = now()
        self.leg = self.hall.talk_of("1001", self.agent)

    async def citizen_hears(self, pitch: int) -> None:
        began = now()
        await self.citizen.until_heard(pitch, since=began)
        assert not self.caller.ended.is_set()

    async def over(self, agent: str) -> None:
        """The citizen hangs up; the talk is that agent's, from the first answer to now."""
        self.caller.hang_up()
        ended = now()
        await until(lambda: self.hall.floor.served)
        record = self.hall.floor.record()
        assert record.agent == agent
        assert record.answered_at is not None
        assert record.ended_at is not None
        assert (record.ended_at - record.answered_at).total_seconds() == pytest.approx(ended - self.began, abs=SOON)
        await until(lambda: self.hall.floor.agents.get(agent).state is State.READY)
        assert self.hall.floor.acd.snapshot().talking == ()
        assert self.hall.floor.acd.snapshot().repairs == {}


@pytest.fixture
async def talk(hall: Hall, line: Line) -> Talk:
    talk = Talk(hall, line)
    await talk.begin()
    return talk


async def test_on_hold_the_citizen_hears_music_and_then_the_agent_again(talk: Talk) -> None:
    await talk.agent.hold(talk.leg)
    await talk.citizen_hears(MUSIC)
    talk.leg.send("INVITE", talk.agent.sdp(), "application/sdp")
    talk.agent.speak_on(talk.leg)
    await talk.citizen_hears(AGENT)
    await talk.over("1001")


async def test_a_blind_transfer_gives_the_citizen_to_the_other_agent_and_frees_the_first(talk: Talk) -> None:
    other = await talk.hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    talk.leg.refer("1002")
    await talk.citizen_hears(AGENT_2)
    await talk.hall.floor.until("1002", State.TALKING)
    await talk.hall.floor.until("1001", State.READY)
    await asyncio.sleep(0.5)
    assert other.heard_since(now() - 0.3).keys() == {frozenset({CITIZEN})}
    await talk.over("1002")
    # An off-hook phone that keeps its call after the transfer is still connected.
    assert talk.hall.floor.agents.get("1001").available


async def test_a_blind_transfer_to_a_phone_that_is_not_there_brings_the_citizen_to_the_next_agent(talk: Talk) -> None:
    await talk.hall.floor.agents.pause("1001", "training")
    talk.leg.refer("1003")
    await talk.citizen_hears(MUSIC)
    if talk.line is Line.ON_HOOK:
        talk.leg.hang_up()
    await talk.hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    await talk.citizen_hears(AGENT_2)
    await talk.hall.floor.until("1002", State.TALKING)
    talk.began = now()
    await talk.over("1002")


async def test_a_blind_transfer_that_is_declined_brings_the_citizen_to_the_next_agent(talk: Talk) -> None:
    declining = await talk.hall.agent("1003", Line.ON_HOOK)
    declining.declines = 486
    await talk.hall.floor.agents.pause("1003", "training")
    await talk.hall.floor.agents.pause("1001", "training")
    talk.leg.refer("1003")
    await talk.citizen_hears(MUSIC)
    await until(lambda: len(declining.rung) == 1)
    await talk.hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    await talk.citizen_hears(AGENT_2)


async def test_a_blind_transfer_to_the_helpline_s_number_is_one_to_the_queue_at_its_front(talk: Talk) -> None:
    hall = talk.hall
    waiting = await hall.citizen()
    other_caller = await waiting.call("1076")
    await talk.hall.floor.agents.pause("1001", "training")
    talk.leg.refer("1076")
    await talk.citizen_hears(MUSIC)
    began = now()
    second = await hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    await talk.citizen_hears(AGENT_2)
    assert AGENT_2 not in {pitch for heard in waiting.heard_since(began) for pitch in heard}
    talk.caller.hang_up()
    await waiting.until_heard(AGENT_2, since=now())
    assert len(second.rung) == 2
    other_caller.hang_up()


@pytest.mark.parametrize("second", [Line.ON_HOOK, Line.OFF_HOOK])
async def test_an_attended_transfer_connects_the_citizen_with_the_colleague(talk: Talk, second: Line) -> None:
    colleague = await talk.hall.agent("1002", second, pitch=AGENT_2)
    await talk.agent.hold(talk.leg)
    await talk.citizen_hears(MUSIC)
    consulted = await talk.agent.call("1002")
    began = now()
    await talk.agent.until_heard(AGENT_2, since=began)
    await colleague.until_heard(AGENT, since=began)
    talk.agent.hand_over(talk.leg, consulted, "1002")
    await talk.citizen_hears(AGENT_2)
    await colleague.until_heard(CITIZEN, since=now())
    talk.agent.silent()
    await talk.hall.floor.until("1002", State.TALKING)
    await talk.hall.floor.until("1001", State.READY)
    await asyncio.sleep(0.3)
    assert talk.citizen.heard_since(now() - 0.2).keys() == {frozenset({AGENT_2})}
    if not consulted.ended.is_set():
        consulted.hang_up()
    await talk.over("1002")


async def test_an_off_hook_colleague_who_is_dialled_is_heard_at_once_and_no_second_line_rings(talk: Talk) -> None:
    colleague = await talk.hall.agent("1002", Line.OFF_HOOK, pitch=AGENT_2)
    await talk.agent.hold(talk.leg)
    consulted = await talk.agent.call("1002")
    began = now()
    await talk.agent.until_heard(AGENT_2, since=began)
    await colleague.until_heard(AGENT, since=began)
    assert colleague.rung == []
    await talk.hall.floor.until("1002", State.TALKING)
    third = await talk.hall.agent("1003", Line.ON_HOOK)
    await talk.hall.floor.agents.pause("1003", "training")
    with pytest.raises(TimeoutError):
        await third.call("1002")  # busy
    consulted.hang_up()
    await until(lambda: talk.hall.floor.agents.get("1002").available)
    assert colleague.rung == []
    talk.caller.hang_up()


async def test_a_blind_transfer_to_an_off_hook_colleague_waits_for_that_one_and_rings_no_second_line(
    talk: Talk,
) -> None:
    colleague = await talk.hall.agent("1002", Line.OFF_HOOK, pitch=AGENT_2)
    talk.leg.refer("1002")
    await talk.citizen_hears(AGENT_2)
    await talk.hall.floor.until("1002", State.TALKING)
    await talk.hall.floor.until("1001", State.READY)
    assert colleague.rung == []
    talk.began = now()
    await talk.over("1002")


async def test_a_citizen_who_leaves_during_the_consultation_frees_the_agent_once_it_is_over(talk: Talk) -> None:
    await talk.hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    await talk.agent.hold(talk.leg)
    consulted = await talk.agent.call("1002")
    talk.caller.hang_up()
    await until(lambda: talk.hall.floor.served)
    assert talk.hall.floor.record().agent == "1001"
    consulted.hang_up()
    await until(lambda: talk.hall.floor.agents.get("1002").state is State.READY)
    await until(lambda: talk.hall.floor.agents.get("1001").state is State.READY)


@pytest.mark.parametrize("kind", [Line.ON_HOOK, Line.OFF_HOOK])
async def test_a_real_softphone_transfers_blindly(hall: Hall, phones: Phones, kind: Line) -> None:
    """baresip hangs up after a transfer: its off-hook line is closed, and *1 opens it again."""
    softphone = await phones.agent("1001", answering="auto")
    await hall.floor.agents.seat("1001", line=kind)
    if kind is Line.OFF_HOOK:
        await softphone.dial("*1")
        await softphone.expect("established")
    await until(lambda: hall.floor.agents.get("1001").available)
    await hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    await hall.floor.agents.pause("1002", "training")
    citizen = await hall.citizen()
    caller = await citizen.call("1076")
    await hall.floor.until("1001", State.TALKING)
    await asyncio.sleep(0.5)
    began = now()
    await softphone.transfer("1002")
    await citizen.until_heard(AGENT_2, since=began)
    await hall.floor.until("1002", State.TALKING)
    await softphone.expect("closed")
    await hall.floor.until("1001", State.READY)
    await until(lambda: hall.floor.agents.get("1001").available == (kind is Line.ON_HOOK))
    caller.hang_up()
    await until(lambda: hall.floor.served)
    assert hall.floor.record().agent == "1002"
    if kind is Line.OFF_HOOK:
        await softphone.dial("*1")
        await until(lambda: hall.floor.agents.get("1001").available)
