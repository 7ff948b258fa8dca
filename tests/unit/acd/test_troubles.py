"""Troubles that other queues have had, each of which must be impossible here (docs/queueing.md has the table)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

import acd.engine.events
from acd.engine.decisions import CallBack, Moved, SendAway, Suggest, Suggestion
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentBusy,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallEnded,
    CallerAttached,
    CallerDetached,
    CallerHolds,
    CallerMoved,
    ClockTicked,
    OfferAnswered,
    QueueClosed,
    QueueOpened,
)
from acd.engine.queues import Overflow, QueueRules, To, When, Widening
from acd.live.repairs import ConversationOver, compare
from acd.records import Served
from agents.presence import State
from telephony.call import Dialled
from tests.unit.acd.queueing import BOTH, HINDI, after, joins, needs, pairs, seat, tell
from tests.unit.acd.test_repairs import conversation
from tests.unit.acd.world import World, channel

pytestmark = pytest.mark.unit

ROOT = Path(acd.__file__).parents[1]


def test_no_line_of_ours_speaks_to_the_queue_of_asterisk_and_its_one_queue_shares_nothing() -> None:
    """It is there for the day without a controller: a device's state is looked up once in each agent, and no lock is
    taken over several queues."""
    sections = re.findall(
        r"^\[(\w+)\]", (ROOT / "asterisk_conf/templates/queues.conf.j2").read_text("utf-8"), re.MULTILINE
    )
    assert sections == ["general", "fallback"]
    assert "shared_lastcall = no" in (ROOT / "asterisk_conf/templates/queues.conf.j2").read_text("utf-8")
    code = [file for room in ("acd", "agents", "telephony", "ivr") for file in (ROOT / room).rglob("*.py")]
    assert len(code) > 50
    said = [word for file in code for word in re.findall(r"\"(Queue[A-Za-z]*|queue [a-z]+)\"", file.read_text("utf-8"))]
    ours = {name for name in vars(acd.engine.events) if name.startswith("Queue")}
    assert set(said) <= ours


@pytest.mark.looptime
async def test_looking_at_the_queue_asks_asterisk_for_nothing(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        world.wait(world.call("c1"))
        await asyncio.sleep(1)
        before = list(world.link.actions)
        for _ in range(100):
            world.acd.snapshot()
            world.acd.why("c1")
            world.acd.why_agent("1001")
        assert world.link.actions == before


@pytest.mark.looptime
async def test_one_agent_who_never_answers_holds_up_nobody(tmp_path: Path) -> None:
    """Everybody is served by the other one, and the one who does not answer is rung once."""
    async with World(tmp_path, wrap_up_seconds=1) as world:
        await world.seat("1001", "1002")
        rung: list[str] = []

        def ringing(name: str) -> Callable[[str], Awaitable[Dialled]]:
            async def ring(target: str) -> Dialled:
                rung.append(target)
                if target == "PJSIP/agent-1001":
                    await asyncio.sleep(15)
                    return Dialled("NOANSWER", 19, 15.0)
                return await world.answering(name, talk=5)(target)

            return ring

        names = ("c1", "c2", "c3")
        ends = await asyncio.gather(*(world.wait(world.call(name, ringing(name), ringing(name))) for name in names))
        assert [end.agent for end in ends if isinstance(end, Served)] == ["1002"] * 3
        assert rung.count("PJSIP/agent-1001") == 1
        assert world.agent("1001").state is State.PAUSED


@pytest.mark.looptime
async def test_each_agent_leaves_wrap_up_at_their_own_time(tmp_path: Path) -> None:
    """Not all together when the last one does, and one clock counts for every queue that they serve."""
    async with World(tmp_path, wrap_up_seconds=30) as world:
        await world.seat("1001", "1002")
        first = world.wait(world.call("c1", world.answering("c1", ring=1, talk=5)))
        await asyncio.sleep(0.5)
        second = world.wait(world.call("c2", world.answering("c2", ring=1, talk=25)))
        await asyncio.gather(first, second)
        assert (world.agent("1001").state, world.agent("1002").state) == (State.WRAP_UP, State.WRAP_UP)
        await asyncio.sleep(12)
        assert (world.agent("1001").state, world.agent("1002").state) == (State.READY, State.WRAP_UP)
        await asyncio.sleep(20)
        assert world.agent("1002").state is State.READY


def test_the_last_call_is_the_agents_and_no_membership_of_a_queue_has_a_clock() -> None:
    """An agent who is ready is so for every queue at once: one word sets them free for whoever is first."""
    assert {field.name for field in fields(AgentReady)} == {"agent", "since", "busy"}
    engine = Engine([QueueRules(name="plain"), QueueRules(name="other")])
    tell(engine, joins("c1"), joins("c2", 1, queue="other"))
    assert pairs(tell(engine, seat("1001"), at=5)) == [("c1", "1001")]


# -- what a round of planted faults found untold


def test_a_citizen_who_was_rung_does_not_count_as_rung_once_they_are_there() -> None:
    engine = Engine([QueueRules(name="plain")])
    tell(engine, joins("c1"), CallerHolds("c1"))
    assert CallBack("c1") in tell(engine, seat("1001"), at=1)
    tell(engine, CallerAttached("c1"), CallerDetached("c1"), at=2)
    assert CallBack("c2") in tell(engine, joins("c2", 3), CallerHolds("c2"), *seat("1001"), at=3)


def test_of_two_who_are_put_to_the_front_the_later_one_stands_first() -> None:
    engine = Engine([QueueRules(name="plain")])
    tell(engine, joins("c1"), joins("c2", 1), joins("c3", 2))
    assert tell(engine, CallerMoved("c2", front=True), at=3) == [Moved("c2", "plain", "to the front")]
    tell(engine, CallerMoved("c3", front=True), at=4)
    assert [caller.id for caller in engine.waiting("plain")] == ["c3", "c2", "c1"]


def test_who_holds_a_place_in_a_queue_that_closes_is_told_when_they_are_there_again() -> None:
    engine = Engine([QueueRules(name="plain")])
    tell(engine, joins("c1"), joins("c2", 1), CallerDetached("c2"), QueueClosed("plain", drain=False), at=2)
    assert [type(decision) for decision in tell(engine, CallerAttached("c2"), at=3)] == [SendAway]


def test_who_has_nobody_left_because_an_agent_unlearned_is_not_left_waiting() -> None:
    rules = QueueRules(name="plain", overflow=(Overflow(when=When.NO_AGENTS, limit=0, to=To.GOODBYE),))
    engine = Engine([rules])
    tell(engine, seat("1001"), AgentBusy("1001"), joins("c1", needs=needs("language:en")))
    assert tell(engine, AgentSignedIn("1001", HINDI), at=5) == [SendAway("c1", "nobody who fits is signed in")]


def test_a_call_that_ended_counts_once_for_the_pace_however_often_its_agent_is_ready() -> None:
    def paces(times: int) -> list[float]:
        engine = Engine([QueueRules(name="plain")])
        tell(engine, seat("1001"), joins("c1"), OfferAnswered("c1", "1001"), CallEnded("c1", "1001"))
        for second in range(1, times + 1):
            tell(engine, AgentReady("1001", after(second), 0.0), AgentBusy("1001"), at=second)
        return [pool.freed for pool in engine._matching.pools]

    assert paces(5) == paces(1)


def test_late_news_of_an_earlier_call_does_not_hide_whom_an_agent_talks_with() -> None:
    engine = Engine([QueueRules(name="plain")])
    tell(engine, seat("1001"), joins("c1"), OfferAnswered("c1", "1001"), AgentReady("1001", after(1), 0.0), at=1)
    tell(engine, joins("c2", 2), OfferAnswered("c2", "1001"), CallEnded("c1", "1001"), at=3)
    assert engine._agents["1001"].caller == "c2"


def test_a_caller_who_is_put_to_the_front_is_still_suggested_a_call_back_in_time() -> None:
    engine = Engine([QueueRules(name="plain", overflow=(Overflow(when=When.WAIT, limit=120, to=To.CALLBACK),))])
    tell(engine, joins("c1"), joins("c2", 1))
    tell(engine, CallerMoved("c2", front=True), at=5)
    assert Suggest("c2", Suggestion.CALLBACK) in tell(engine, ClockTicked(), at=122)


def test_of_many_who_come_together_those_beyond_the_limit_flow_over_too() -> None:
    rules = QueueRules(name="plain", overflow=(Overflow(when=When.LENGTH, limit=2, to=To.GOODBYE),))
    decided = Engine([rules]).handle_all([joins(f"c{number}", number) for number in range(4)], after(5))
    assert decided == [SendAway("c2", "too many wait"), SendAway("c3", "too many wait")]


def test_new_rules_ring_nobody_a_second_time_who_is_being_rung() -> None:
    engine = Engine([QueueRules(name="plain")])
    tell(engine, joins("c1"), CallerHolds("c1"))
    assert CallBack("c1") in tell(engine, seat("1001"), at=1)
    other = QueueRules(name="plain", widening=(Widening(after_seconds=5, drop=("speciality:",)),))
    told = tell(engine, QueueOpened(other), at=2) + tell(engine, seat("1002"), at=3) + tell(engine, ClockTicked(), at=9)
    assert CallBack("c1") not in told


def served(engine: Engine, agent: str, times: int) -> None:
    """So many calls of no time, so that the agent's pace is known."""
    for number in range(times):
        name = f"s{agent}{number}"
        tell(engine, AgentReady(agent, after(0), 0.0), joins(name), OfferAnswered(name, agent), CallEnded(name, agent))
    tell(engine, AgentReady(agent, after(0), 0.0), AgentBusy(agent))


def test_agents_who_went_home_bring_no_call_back_forward() -> None:
    engine = Engine([QueueRules(name="plain")])
    tell(engine, AgentSignedIn("1001", HINDI), AgentSignedIn("1002", BOTH), AgentBusy("1002"))
    served(engine, "1001", 40)
    tell(engine, joins("c1", 1), AgentSignedOut("1001"), at=1)
    assert tell(engine, CallerHolds("c1"), ClockTicked(), at=3) == []


def test_those_who_are_being_rung_stand_before_a_later_one_who_wants_a_call_back() -> None:
    engine = Engine([QueueRules(name="plain")])
    tell(engine, AgentSignedIn("1001", HINDI))
    served(engine, "1001", 12)  # 0.8 of an agent in 20 s: less than the one who is rung already
    tell(engine, joins("c1", 1), joins("c2", 2), at=2)
    assert tell(engine, CallerHolds("c1"), at=3) == [CallBack("c1")]
    assert tell(engine, CallerHolds("c2"), ClockTicked(), at=4) == []


def test_a_caller_who_was_transferred_blindly_is_not_taken_for_one_whose_agent_left() -> None:
    passed_on = replace(conversation("c1"), passed_on=True)
    assert compare(waiting=[], conversations=[passed_on], attached=[], agents=[], channels=[channel("c1")]) == []


def test_a_conversation_that_is_over_is_mended_once_though_its_caller_held_a_place() -> None:
    found = compare(waiting=["c1"], conversations=[conversation("c1")], attached=[], agents=[], channels=[])
    assert found == [ConversationOver("c1")]


@pytest.mark.looptime
async def test_a_ring_that_nobody_could_be_given_leaves_no_conversation_behind(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        world.wait(world.call("c1"))
        await asyncio.sleep(1)
        await world.seat("1001")
        await world.agents.pause("1001", "lunch")
        await asyncio.sleep(1)
        assert world.redis.hashes.get("acd:conversations", {}) == {}
        assert [waiting.agent for waiting in world.acd.snapshot().waiting] == [""]
