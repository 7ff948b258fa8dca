"""Agents whose phones ring and agents whose phones stay connected: the same claims of both, by ear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agents.agent import Line
from agents.presence import State
from asterisk_conf.instance import Instance
from asterisk_conf.programs import Programs
from asterisk_conf.testing import private_instance, private_settings
from tests.live.accounts import AGENTS, account
from tests.live.floor import Hall, now, until
from tests.live.line_peer import AGENT, AGENT_2, BEEP, CITIZEN, HEARD, MUSIC, LinePeer
from tests.live.sip_peer import Leg
from tests.live.tones import of_file

pytestmark = pytest.mark.live

QUALIFY_SECONDS = 1
GONE_SECONDS = QUALIFY_SECONDS + 3.0 + 0.5
"""The question is asked so often, waits so long for an answer, and then it is listened for voice."""
SOON = 1.0
"""Seconds within which what happens at once is seen, on a busy machine."""
AT_ONCE = 0.15
"""Seconds from the decision to the first voice, the off-hook agent's tone of 0.08 included; the best of some calls."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """One that often asks phones whether they are there."""
    settings = private_settings(tmp_path_factory.mktemp("oh"), qualify_seconds=QUALIFY_SECONDS)
    phones = [account(agent) for agent in AGENTS]
    async with private_instance(settings, phones=phones, programs=programs) as instance:
        yield instance


def hears(phone: LinePeer) -> frozenset[int]:
    """What most of the last moment's packets held."""
    heard = phone.heard_since(now() - 0.4).most_common(1)
    return heard[0][0] if heard else frozenset()


async def talking(hall: Hall, agent: LinePeer, citizen: LinePeer) -> Leg:
    """The citizen calls, and they hear each other."""
    began = now()
    leg = await citizen.call("1076")
    await citizen.until_heard(AGENT, since=began)
    await agent.until_heard(CITIZEN, since=began)
    await hall.floor.until("1001", State.TALKING)
    return leg


async def test_caller_and_agent_hear_each_other_and_nothing_else_right_after_the_decision(
    hall: Hall, line: Line
) -> None:
    agent, citizen = await hall.agent("1001", line), await hall.citizen()
    delays = []
    for _ in range(4):
        leg = await talking(hall, agent, citizen)
        offered = hall.floor.offered_at[-1]
        delays.append(max(citizen.first_heard(AGENT, since=offered), agent.first_heard(CITIZEN, since=offered)))
        leg.hang_up()
        await until(lambda: hall.floor.agents.get("1001").available)
    assert min(delays) < AT_ONCE, delays
    await talking(hall, agent, citizen)
    offered = hall.floor.offered_at[-1]
    began = now()
    await asyncio.sleep(0.5)
    assert set(citizen.heard_since(began)) == {frozenset({AGENT})}
    assert set(agent.heard_since(began)) == {frozenset({CITIZEN})}
    if line is Line.OFF_HOOK:
        assert agent.first_heard(BEEP, since=offered) < agent.first_heard(CITIZEN, since=offered)
        assert not agent.rung


async def test_a_caller_who_waits_hears_music_until_the_agent_is_there(hall: Hall, line: Line) -> None:
    agent, citizen = await hall.agent("1001", line), await hall.citizen()
    await hall.floor.agents.pause("1001", "training")
    began = now()
    await citizen.call("1076")
    await citizen.until_heard(MUSIC, since=began)
    await asyncio.sleep(0.5)
    began = now()
    await hall.floor.agents.ready("1001")
    await citizen.until_heard(AGENT, since=began)
    await agent.until_heard(CITIZEN, since=began)
    assert citizen.first_heard(AGENT, since=began) < SOON
    assert citizen.longest_gap(since=began - 0.5) < SOON
    await asyncio.sleep(0.2)
    assert not any(MUSIC in heard for heard in citizen.heard_since(now() - 0.15))


@pytest.mark.parametrize("who", ["caller", "agent"])
async def test_each_end_is_told_with_the_length_of_the_talk(hall: Hall, line: Line, who: str) -> None:
    agent, citizen = await hall.agent("1001", line), await hall.citizen()
    leg = await talking(hall, agent, citizen)
    began = citizen.first_heard(AGENT, since=hall.floor.offered_at[-1]) + hall.floor.offered_at[-1]
    await asyncio.sleep(1.0)
    (leg if who == "caller" else hall.talk_of("1001", agent)).hang_up()
    ended = now()
    await until(lambda: hall.floor.served)
    record = hall.floor.record()
    assert record.agent == "1001"
    assert record.answered_at is not None
    assert record.ended_at is not None
    talked = (record.ended_at - record.answered_at).total_seconds()
    assert talked == pytest.approx(ended - began, abs=SOON)
    await until(lambda: leg.ended.is_set())
    if line is Line.OFF_HOOK:
        # Who hung up the phone is not there any more; who was hung up on waits for the next.
        await until(lambda: hall.floor.agents.get("1001").state is State.READY)
        assert hall.floor.agents.get("1001").line_open == (who == "caller")
        assert hall.floor.agents.get("1001").available == (who == "caller")
    assert hall.floor.acd.snapshot().repairs == {}


async def test_the_next_caller_hears_the_same_agent_as_soon_as_the_wrap_up_is_over(hall: Hall, line: Line) -> None:
    agent, citizen, other = await hall.agent("1001", line), await hall.citizen(), await hall.citizen()
    leg = await talking(hall, agent, citizen)
    await other.call("1076")
    await asyncio.sleep(0.3)
    began = now()
    leg.hang_up()
    delay = await other.until_heard(AGENT, since=began)
    assert delay < SOON
    assert len(agent.rung) == (2 if line is Line.ON_HOOK else 0)


async def test_the_caller_of_a_phone_that_vanishes_in_the_talk_goes_on_to_the_next_agent(
    hall: Hall, line: Line
) -> None:
    agent, citizen, waiting = await hall.agent("1001", line), await hall.citizen(), await hall.citizen()
    leg = await talking(hall, agent, citizen)
    await hall.agent("1002", line, pitch=AGENT_2)
    await hall.floor.agents.pause("1002", "training")
    await waiting.call("1076")
    await waiting.until_heard(MUSIC, since=now() - 1.0)
    await hall.floor.agents.ready("1002")
    await waiting.until_heard(AGENT_2, since=now() - 0.5)
    other = await hall.citizen()
    await other.call("1076")
    began = now()
    agent.vanish()
    await citizen.until_heard(MUSIC, since=began, seconds=GONE_SECONDS + SOON)  # first in line again
    noticed = now() - began
    assert not leg.ended.is_set()
    state = hall.floor.agents.get("1001")
    assert not state.available
    if line is Line.OFF_HOOK:
        await until(lambda: not hall.floor.agents.get("1001").line_open)
    freed = now()
    waiting.legs[next(iter(waiting.legs))].hang_up()
    await citizen.until_heard(AGENT_2, since=freed)
    assert now() - freed < SOON
    assert AGENT_2 not in {pitch for heard in other.heard_since(began) for pitch in heard}
    assert hall.floor.acd.snapshot().repairs == {}
    print(f"\nSURVIVAL a phone is gone in a talk, {line.value}: music after {noticed:.1f} s")  # noqa: T201


async def test_a_phone_that_suppresses_silence_keeps_its_talk(hall: Hall, line: Line) -> None:
    agent, citizen = await hall.agent("1001", line), await hall.citizen()
    leg = await talking(hall, agent, citizen)
    agent.silent()
    await asyncio.sleep(GONE_SECONDS + SOON)
    assert not leg.ended.is_set()
    assert hall.floor.agents.get("1001").state is State.TALKING


async def test_an_off_hook_phone_that_vanishes_while_it_waits_is_not_available_any_more(hall: Hall) -> None:
    agent = await hall.agent("1001", Line.OFF_HOOK)
    agent.silent()
    await asyncio.sleep(GONE_SECONDS)
    assert hall.floor.agents.get("1001").available
    agent.vanish()
    await until(lambda: not hall.floor.agents.get("1001").line_open, seconds=GONE_SECONDS + SOON)
    assert not hall.floor.agents.get("1001").available


async def test_an_off_hook_agent_who_hangs_up_is_not_available_at_once(hall: Hall) -> None:
    await hall.agent("1001", Line.OFF_HOOK)
    began = now()
    hall.lines["1001"].hang_up()
    await until(lambda: not hall.floor.agents.get("1001").available)
    assert now() - began < SOON


async def test_the_recording_holds_both_voices_and_no_music(hall: Hall, line: Line) -> None:
    agent, citizen = await hall.agent("1001", line), await hall.citizen()
    leg = await talking(hall, agent, citizen)
    await asyncio.sleep(1.0)
    leg.hang_up()
    await until(lambda: hall.floor.served)
    await asyncio.sleep(0.3)
    heard = of_file(Path(hall.floor.record().recording), HEARD)
    assert heard[frozenset({CITIZEN, AGENT})] > 0.7 * heard.total()
    assert not any(MUSIC in pitches for pitches in heard)


async def test_a_supervisor_listens_whispers_and_barges_in(hall: Hall, line: Line) -> None:
    agent, citizen = await hall.agent("1001", line), await hall.citizen()
    supervisor = await hall.agent("1002", Line.ON_HOOK, pitch=AGENT_2)
    await hall.floor.agents.pause("1002", "training")
    leg = await talking(hall, agent, citizen)
    for how, of_agent, of_citizen in (
        ("listen", {CITIZEN}, {AGENT}),
        ("whisper", {CITIZEN, AGENT_2}, {AGENT}),
        ("barge", {CITIZEN, AGENT_2}, {AGENT, AGENT_2}),
    ):
        await hall.floor.acd.supervision.spy("1001", "1002", how)
        await until(lambda: bool(supervisor.rung) and supervisor.rung[-1].answered.is_set())
        await until(lambda: hears(supervisor) == {CITIZEN, AGENT})
        await until(lambda: hears(agent) == of_agent)  # noqa: B023  # done before the next turn
        await until(lambda: hears(citizen) == of_citizen)  # noqa: B023
        supervisor.rung.pop().hang_up()
        supervisor.silent()
    leg.hang_up()


async def test_a_supervisor_gives_a_talk_to_another_agent_and_the_first_is_free(hall: Hall, line: Line) -> None:
    agent, citizen = await hall.agent("1001", line), await hall.citizen()
    leg = await talking(hall, agent, citizen)
    await asyncio.sleep(0.3)
    await hall.agent("1002", Line.OFF_HOOK, pitch=AGENT_2)
    began = now()
    [talk] = hall.floor.acd.snapshot().talking
    await hall.floor.acd.supervision.transfer(talk.call_id, to_agent="1002")
    await citizen.until_heard(AGENT_2, since=began)
    await hall.floor.until("1002", State.TALKING)
    await until(lambda: hall.floor.agents.get("1001").available)
    assert hall.floor.agents.get("1001").line_open == (line is Line.OFF_HOOK)
    assert not leg.ended.is_set()
    leg.hang_up()
    await until(lambda: hall.floor.served)
    assert hall.floor.record().agent == "1002"


@pytest.mark.parametrize("while_away", ["nobody", "caller", "agent"])
async def test_a_talk_goes_on_over_a_kill_of_the_controller_and_its_end_is_told(
    hall: Hall, line: Line, while_away: str
) -> None:
    agent, citizen = await hall.agent("1001", line), await hall.citizen()
    leg = await talking(hall, agent, citizen)
    began = now()
    if while_away == "nobody":
        await hall.restart(away=1.0)
        assert set(citizen.heard_since(began)) == {frozenset({AGENT})}
        assert set(agent.heard_since(began)) == {frozenset({CITIZEN})}
        assert hall.floor.agents.get("1001").state is State.TALKING
        assert hall.floor.agents.get("1001").line_open == (line is Line.OFF_HOOK)
        leg.hang_up()
    else:
        killed = asyncio.create_task(hall.restart(away=1.0))
        await asyncio.sleep(0.3)
        (leg if while_away == "caller" else hall.talk_of("1001", agent)).hang_up()
        await killed
    await until(lambda: hall.floor.served)
    assert hall.floor.record().agent == "1001"
    if while_away != "agent" or line is Line.ON_HOOK:
        await until(lambda: hall.floor.agents.get("1001").available)
        began = now()
        again = await hall.citizen()
        await again.call("1076")
        await again.until_heard(AGENT, since=began)
    else:
        assert not hall.floor.agents.get("1001").line_open
