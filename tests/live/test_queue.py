"""The live queue on a real Asterisk, by ear: supervisors' verbs, a race of phones, a citizen who is rung back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from acd.engine.events import QueueOpened
from acd.engine.queues import DEFAULT_QUEUES
from acd.records import Outcome, Request
from agents.agent import Line
from agents.presence import PHONE_BUSY, State
from asterisk_conf.instance import Instance
from telephony.testing import ScriptedCall
from tests.live.floor import Hall, now, until
from tests.live.line_peer import AGENT, AGENT_2, CITIZEN, LinePeer

pytestmark = pytest.mark.live


async def test_a_supervisor_gives_a_talk_to_another_agent_and_the_first_is_ready_for_the_next(
    hall: Hall, line: Line
) -> None:
    acd = hall.floor.acd
    await hall.agent("1001", line)
    citizen = await hall.citizen()
    began = now()
    caller = await citizen.call("1076")
    await citizen.until_heard(AGENT, since=began)
    await hall.floor.until("1001", State.TALKING)
    await hall.agent("1002", line, pitch=AGENT_2)
    (talk,) = acd.snapshot().talking
    began = now()
    await acd.supervision.transfer(talk.call_id, to_agent="1002", by="test")
    await citizen.until_heard(AGENT_2, since=began)
    assert citizen.longest_gap(since=began) < 0.2
    await hall.floor.until("1002", State.TALKING)
    await hall.floor.until("1001", State.READY)
    assert hall.floor.agents.get("1001").available
    caller.hang_up()
    await until(lambda: hall.floor.served)
    assert hall.floor.record().agent == "1002"
    assert acd.snapshot().repairs == {}


@pytest.mark.parametrize(
    ("how", "agent_hears", "citizen_hears"),
    [("listen", False, False), ("whisper", True, False), ("barge", True, True)],
)
async def test_a_supervisor_hears_a_talk_and_is_heard_as_they_chose(
    hall: Hall, how: str, agent_hears: bool, citizen_hears: bool
) -> None:
    agent = await hall.agent("1001", Line.ON_HOOK)
    citizen = await hall.citizen()
    caller = await citizen.call("1076")
    await hall.floor.until("1001", State.TALKING)
    supervisor = await hall.agent("1003", Line.ON_HOOK, pitch=AGENT_2)
    began = now()
    await hall.floor.acd.supervision.spy("1001", "1003", how)
    await hall.floor.until("1003", State.TALKING)
    await supervisor.until_heard(CITIZEN, since=began)
    await supervisor.until_heard(AGENT, since=began)
    await asyncio.sleep(0.5)
    assert any(AGENT_2 in pitches for pitches in agent.heard_since(began)) is agent_hears
    assert any(AGENT_2 in pitches for pitches in citizen.heard_since(began)) is citizen_hears
    caller.hang_up()
    await hall.floor.until("1003", State.READY)
    assert hall.floor.acd.snapshot().repairs == {}


async def test_in_a_race_the_first_to_answer_has_the_caller_and_the_other_is_free_at_once(hall: Hall) -> None:
    hall.floor.acd._hall.tell(QueueOpened(replace(DEFAULT_QUEUES[0], race=2)))
    slow = await hall.agent("1001", Line.ON_HOOK)
    quick = await hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    slow.answer_seconds, quick.answer_seconds = 1.5, 0.3
    citizen = await hall.citizen()
    began = now()
    caller = await citizen.call("1076")
    await citizen.until_heard(AGENT_2, since=began)
    await hall.floor.until("1002", State.TALKING)
    await hall.floor.until("1001", State.READY)
    assert now() - began < 1.5
    assert len(slow.rung) == len(quick.rung) == 1
    caller.hang_up()
    await until(lambda: hall.floor.served)
    assert hall.floor.record().agent == "1002"
    assert hall.floor.acd.snapshot().repairs == {}


async def test_a_phone_that_declines_leaves_the_race_while_the_other_rings_on(hall: Hall) -> None:
    hall.floor.acd._hall.tell(QueueOpened(replace(DEFAULT_QUEUES[0], race=2)))
    declining = await hall.agent("1001", Line.ON_HOOK)
    declining.declines = 486
    willing = await hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    willing.answer_seconds = 1.0
    citizen = await hall.citizen()
    caller = await citizen.call("1076")
    await hall.floor.until("1001", State.PAUSED, PHONE_BUSY)
    assert hall.floor.agents.get("1002").state is State.RINGING
    await hall.floor.until("1002", State.TALKING)
    caller.hang_up()
    await until(lambda: hall.floor.served)


async def test_a_citizen_who_is_owed_a_call_is_rung_and_talks_with_the_agent(hall: Hall, asterisk: Instance) -> None:
    settings = asterisk.settings
    network = LinePeer((settings.bind, settings.sip_port), pitch=CITIZEN)
    await network.open(settings.trunk.host, settings.trunk.port)
    hall._peers.append(network)
    acd = hall.floor.acd
    before = ScriptedCall(call_id="c1", caller="9811111111")
    assert await acd.owe_callback(before, Request(language="hi", service="complaint"))
    agent = await hall.agent("1001", Line.ON_HOOK)
    began = now()
    await agent.until_heard(CITIZEN, since=began, seconds=10)
    await network.until_heard(AGENT, since=began)
    (talk,) = acd.snapshot().talking
    assert talk.caller == "9811111111"
    assert acd.snapshot().callbacks == ()
    network.rung[0].hang_up()
    await hall.floor.until("1001", State.READY)
    lines = hall.floor.left.calls.records  # written in batches: the call's first may come after its end
    await until(lambda: talk.call_id in lines and lines[talk.call_id].outcome is Outcome.SERVED)
    assert acd.snapshot().repairs == {}
