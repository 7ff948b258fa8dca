"""What the next controller makes of what the one before left, on virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from acd.errors import QueueUnreadable
from acd.records import Outcome, Request
from acd.service import Served
from agents.presence import State
from telephony.call import Dialled
from telephony.errors import CommandTimedOut, HungUp
from telephony.testing import ScriptedCall
from tests.unit.acd.world import NOON, World, channel, talking_channels

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

FOR_COMPLAINT = Request(language="en", service="complaint", context={"complaint": "7"})


async def killed(world: World) -> None:
    """kill -9: nothing is said goodbye to; only tasks of the test's process are cleared away."""
    await world.__aexit__()


async def test_waiting_callers_keep_their_order_and_their_time_of_joining(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    for number in range(3):
        first.wait(first.call(f"c{number}"), FOR_COMPLAINT)
        await asyncio.sleep(1)
    await killed(first)
    assert first.kept == {"c0", "c1", "c2"}
    await asyncio.sleep(5)

    async with World(tmp_path, after=first, wrap_up_seconds=1) as world:
        world.link.channels = [channel(f"c{number}") for number in range(3)]
        await world.link.come_up()
        waiting = world.acd.snapshot().waiting
        assert [(w.call_id, w.position, w.attached) for w in waiting] == [
            ("c0", 1, False),
            ("c1", 2, False),
            ("c2", 3, False),
        ]
        assert waiting[0].since == NOON
        newcomer = world.wait(world.call("new", world.answering("new", talk=1)))
        tasks = [newcomer]
        for number in (2, 0, 1):  # they come back in any order
            call = world.call(f"c{number}", world.answering(f"c{number}", talk=1))
            resumed = await world.acd.resume(call)
            assert resumed is not None
            assert resumed.request == FOR_COMPLAINT
            assert resumed.served is None
            tasks.append(world.wait(call, resumed.request))
        await asyncio.sleep(1)
        await world.seat("1001")
        await asyncio.gather(*tasks)
        answered = sorted(world.calls.records.values(), key=lambda record: record.answered_at or NOON)
        assert [record.call_id for record in answered] == ["c0", "c1", "c2", "new"]
        assert world.calls.records["c0"].joined_at == NOON


async def test_a_caller_who_is_not_back_yet_holds_the_place_without_holding_up_others(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    first.wait(first.call("c0"))
    await asyncio.sleep(1)
    await killed(first)
    async with World(tmp_path, after=first) as world:
        world.link.channels = [channel("c0")]
        await world.link.come_up()
        new = world.call("new", world.answering("new"))
        world.wait(new)
        await asyncio.sleep(20)
        assert new.played == ["hi/position-2", "hi/choices-12"]
        await world.seat("1001")
        await asyncio.sleep(1)
        assert world.agent("1001").call == "new"


async def test_a_caller_who_hung_up_meanwhile_is_taken_out_of_the_line(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    first.wait(first.call("c0"))
    await asyncio.sleep(1)
    await killed(first)
    async with World(tmp_path, after=first) as world:
        await world.link.come_up()
        await asyncio.sleep(0.1)
        assert world.acd.snapshot().waiting == ()
        assert world.acd.snapshot().repairs == {"CallerGone": 1}
        assert world.calls.records["c0"].outcome is Outcome.ABANDONED
        assert world.kept == set()


async def test_a_caller_whose_place_is_held_and_who_hangs_up_leaves_it(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    first.wait(first.call("c0"))
    await asyncio.sleep(1)
    await killed(first)
    async with World(tmp_path, after=first) as world:
        world.link.channels = [channel("c0")]
        await world.link.come_up()
        world.tell_hung_up("c0")
        await asyncio.sleep(0.1)
        assert world.acd.snapshot().waiting == ()
        assert world.calls.records["c0"].outcome is Outcome.ABANDONED


async def talking_when_killed(tmp_path: Path, *, seconds: float = 30) -> World:
    first = await World(tmp_path).__aenter__()
    await first.seat("1001")
    first.wait(first.call("c1", first.answering("c1", ring=2, talk=6000)), FOR_COMPLAINT)
    await asyncio.sleep(seconds)
    await killed(first)
    return first


def both_live() -> list[object]:
    return [
        channel("c1", bridge="b1"),
        channel("leg.c1.1001", linked_id="c1", name="PJSIP/agent-1001-0000000a", bridge="b1"),
    ]


async def test_a_conversation_goes_on_through_a_restart_and_its_end_is_seen(tmp_path: Path) -> None:
    first = await talking_when_killed(tmp_path)
    async with World(tmp_path, after=first) as world:
        world.link.channels = both_live()  # type: ignore[assignment]
        world.link.reachable = {"agent-1001"}
        await world.link.come_up()
        assert world.agent("1001").state is State.TALKING
        assert [t.call_id for t in world.acd.snapshot().talking] == ["c1"]
        assert world.acd.snapshot().repairs == {}
        await asyncio.sleep(28)
        world.tell_hung_up("c1")
        await asyncio.sleep(0.1)
        assert world.agent("1001").state is State.WRAP_UP
        record = world.calls.records["c1"]
        assert (record.outcome, record.agent) == (Outcome.SERVED, "1001")
        assert world.kept == set()


async def test_after_the_agent_hung_up_the_caller_comes_back_to_a_finished_conversation(tmp_path: Path) -> None:
    first = await talking_when_killed(tmp_path)
    async with World(tmp_path, after=first) as world:
        world.link.channels = both_live()  # type: ignore[assignment]
        await world.link.come_up()
        world.tell_hung_up("leg.c1.1001", channel="PJSIP/agent-1001-0000000a", linked_id="c1")
        await asyncio.sleep(0.1)
        assert world.agent("1001").state is State.WRAP_UP
        call = world.call("c1", variables={"DIALSTATUS": "ANSWER", "ANSWEREDTIME": "95"})
        resumed = await world.acd.resume(call)
        assert resumed is not None
        assert resumed.request == FOR_COMPLAINT
        assert resumed.served is not None
        assert (resumed.served.agent, resumed.served.talk_seconds) == ("1001", 95)
        assert resumed.served.recording
        assert call.variables["DIALSTATUS"] == ""
        assert world.calls.records["c1"].outcome is Outcome.SERVED
        assert await world.acd.resume(call) is None


async def test_a_conversation_that_ended_while_nobody_listened_is_closed_at_the_callers_return(
    tmp_path: Path,
) -> None:
    first = await talking_when_killed(tmp_path)
    async with World(tmp_path, after=first) as world:
        world.link.channels = [channel("c1")]
        await world.link.come_up()
        assert world.agent("1001").state is State.WRAP_UP
        resumed = await world.acd.resume(world.call("c1", variables={"DIALSTATUS": "ANSWER", "ANSWEREDTIME": "40"}))
        assert resumed is not None
        assert resumed.served is not None


async def test_a_conversation_whose_both_ends_are_gone_is_closed_at_once(tmp_path: Path) -> None:
    first = await talking_when_killed(tmp_path)
    async with World(tmp_path, after=first) as world:
        await world.link.come_up()
        await asyncio.sleep(0.1)
        assert world.agent("1001").state is State.WRAP_UP
        assert world.calls.records["c1"].outcome is Outcome.SERVED
        assert world.acd.snapshot().repairs == {"ConversationOver": 1}


async def test_a_ring_that_became_a_conversation_while_nobody_listened_is_found(tmp_path: Path) -> None:
    first = await talking_when_killed(tmp_path, seconds=1)
    async with World(tmp_path, after=first) as world:
        assert world.agent("1001").state is State.RINGING
        world.link.channels = both_live()  # type: ignore[assignment]
        await world.link.come_up()
        assert world.agent("1001").state is State.TALKING
        assert world.acd.snapshot().waiting == ()


async def test_a_ring_that_nobody_knows_the_end_of_is_counted_as_lost_and_frees_the_agent(tmp_path: Path) -> None:
    first = await talking_when_killed(tmp_path, seconds=1)
    async with World(tmp_path, after=first) as world:
        await world.link.come_up()
        await asyncio.sleep(0.1)
        assert world.agent("1001").state is State.READY
        assert world.calls.records["c1"].outcome is Outcome.LOST
        assert world.kept == set()


@pytest.mark.parametrize(
    ("status", "state"),
    [("NOANSWER", State.PAUSED), ("BUSY", State.PAUSED), ("", State.READY), ("CANCEL", State.READY)],
)
async def test_a_caller_back_from_a_ring_without_an_answer_waits_on_at_the_old_place(
    tmp_path: Path, status: str, state: State
) -> None:
    first = await talking_when_killed(tmp_path, seconds=1)
    async with World(tmp_path, after=first) as world:
        world.link.channels = [channel("c1")]
        await world.link.come_up()
        call = world.call("c1", world.answering("c1"), variables={"DIALSTATUS": status})
        resumed = await world.acd.resume(call)
        assert resumed is not None
        assert resumed.served is None
        assert world.agent("1001").state is state
        task = world.wait(call, resumed.request)
        await world.seat("1002")
        served = await task
        assert isinstance(served, Served)
        assert world.calls.records["c1"].joined_at == NOON


async def test_a_call_that_nobody_knew_is_a_new_one(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        assert await world.acd.resume(world.call("c1")) is None


async def test_an_agent_thought_to_talk_on_a_call_that_nobody_knows_is_set_free(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        await world.agents.talking("1001", "forgotten")
        await world.link.come_up()
        await asyncio.sleep(0.1)
        assert world.agent("1001").state is State.READY
        assert world.acd.snapshot().repairs == {"AgentFree": 1}


async def test_a_session_that_breaks_loses_neither_the_place_nor_the_agent(tmp_path: Path) -> None:
    class Breaking(ScriptedCall):
        async def wait(self, seconds: float, *, keys: str = "", wakeable: bool = True):  # type: ignore[no-untyped-def]
            await super().wait(3, wakeable=wakeable)
            raise CommandTimedOut("WAIT FOR DIGIT", 3)

    async with World(tmp_path) as world:
        broken = world.wait(Breaking(call_id="c1"))
        with pytest.raises(CommandTimedOut):
            await broken
        assert [(w.call_id, w.attached) for w in world.acd.snapshot().waiting] == [("c1", False)]
        await world.seat("1001")
        back = world.call("c1", world.answering("c1"))
        resumed = await world.acd.resume(back)
        assert resumed is not None
        assert isinstance(await world.wait(back, resumed.request), Served)


async def test_a_session_that_breaks_with_an_offer_leaves_the_agent_to_the_next(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        first = world.wait(world.call("c1"))
        await asyncio.sleep(1)
        second = world.wait(world.call("c2", world.answering("c2")))
        await asyncio.sleep(1)
        await world.seat("1001")
        first.cancel()  # the offer is decided, the session has not looked yet
        assert isinstance(await second, Served)


async def test_what_no_event_told_is_found_by_looking_twice(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        task = world.wait(world.call("c1"))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(40)
        assert world.acd.snapshot().waiting == ()
        assert world.acd.snapshot().repairs == {"CallerGone": 1}


async def test_a_caller_whose_channel_lives_is_not_mended_away(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        world.link.channels = [channel("c1")]
        task = world.wait(world.call("c1"))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(100)
        assert len(world.acd.snapshot().waiting) == 1


async def test_calls_that_neither_wait_nor_talk_after_a_restart_are_closed_as_lost(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    first.wait(first.call("c1"))
    await asyncio.sleep(1)
    await killed(first)
    first.redis.lose()
    async with World(tmp_path, after=first) as world:
        assert world.calls.records["c1"].outcome is Outcome.LOST
        back = world.call("c1", world.answering("c1"))
        await world.seat("1001")
        assert isinstance(await world.wait(back), Served)
        assert world.calls.records["c1"].outcome is Outcome.SERVED


async def test_what_redis_holds_that_can_not_be_read_is_passed_over(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    first.wait(first.call("c1"))
    await asyncio.sleep(1)
    await killed(first)
    first.redis.hashes["acd:waiting"]["c2"] = "{}"
    first.redis.hashes["acd:conversations"] = {"c3": "no json", "c4": "[1]"}
    async with World(tmp_path, after=first) as world:
        assert [w.call_id for w in world.acd.snapshot().waiting] == ["c1"]


async def test_without_redis_at_start_up_the_queue_says_what_to_do(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.redis.down = True
    with pytest.raises(QueueUnreadable, match="redis_url"):
        await world.acd.start()
    await world.acd.stop()


async def test_a_caller_who_leaves_in_the_moment_of_the_restart_is_abandoned_once(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = world.call("c1", Dialled("NOANSWER"))
        task = world.wait(call)
        await asyncio.sleep(1)
        call.caller_hangs_up()
        world.tell_hung_up("c1")
        with pytest.raises(HungUp):
            await task
        world.tell_hung_up("c1")
        await asyncio.sleep(0.1)
        assert [r.outcome for r in world.calls.history].count(Outcome.ABANDONED) == 1


async def test_a_session_that_breaks_while_joining_can_come_back(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        joining = world.wait(world.call("c1"))
        hold = asyncio.Event()

        async def slow(_: object) -> None:
            await hold.wait()

        world.acd._store.put_waiting = slow  # type: ignore[method-assign, assignment]
        await asyncio.sleep(0.1)
        joining.cancel()
        await asyncio.sleep(0.1)
        back = world.call("c1", world.answering("c1"))
        resumed = await world.acd.resume(back)
        assert resumed is not None
        await world.seat("1001")
        assert isinstance(await world.wait(back, resumed.request), Served)


@pytest.mark.parametrize("back_after", [2.0, 40.0], ids=["before the ring's deadline", "after it"])
async def test_an_answer_that_the_cut_link_did_not_tell_is_learnt_and_is_no_fault(
    tmp_path: Path, back_after: float
) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        world.link.connected = False
        task = world.wait(world.call("c1", world.answering("c1", ring=1, talk=100, told=False)))
        await asyncio.sleep(back_after)
        world.link.channels = talking_channels("c1", "1001")
        await world.link.come_up()
        await asyncio.sleep(0.1)
        (talk,) = world.acd.snapshot().talking
        assert (talk.call_id, talk.agent) == ("c1", "1001")
        assert (world.agent("1001").state, world.acd.snapshot().waiting) == (State.TALKING, ())
        await world.acd.supervision.spy("1001", "1001", "listen")  # the phone is known too
        assert isinstance(await task, Served)
        assert world.acd.snapshot().repairs == {}
