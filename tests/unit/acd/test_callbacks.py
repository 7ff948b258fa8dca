"""Callers who keep their place and are rung back, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from acd.records import CallbackOwed, CallRecord, Outcome, Request
from acd.service import Served
from acd.waiting.callback import CallbackRules
from acd.waiting.callbacks import CITIZEN_VARIABLE
from agents.presence import State
from telephony.call import CallId, Heard
from telephony.errors import ActionRefused, ActionTimedOut, HungUp, LinkDown
from telephony.events import Hungup
from telephony.originate import Originated
from telephony.testing import ScriptedCall
from tests.unit.acd.world import HINDI, NOON, World, channel

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

ANSWERED = Originated(answered=True, reason=4)
BUSY = Originated(answered=False, reason=0, cause=17)
PROMPT = CallbackRules(pause_seconds=60, ring_seconds=20, caller_id="1600221076")


async def test_a_caller_who_presses_1_hears_that_the_place_is_kept_and_it_is_in_redis_before(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = await world.owed("c1")
        assert call.played == ["hi/callback-taken"]
        assert set(world.redis.hashes["acd:callbacks"]) == {"c1"}
        assert world.kept == set()
        await asyncio.sleep(1)
        assert world.calls.records["c1"].outcome is Outcome.CALLBACK


async def test_that_the_place_is_kept_is_written_before_it_is_told(tmp_path: Path) -> None:
    written: list[set[str]] = []

    class Told(ScriptedCall):
        async def play(self, *prompts: str, keys: str = "", wakeable: bool = False) -> Heard:
            if prompts == ("hi/callback-taken",):
                written.append(set(world.redis.hashes["acd:callbacks"]))
                raise HungUp
            return await super().play(*prompts, keys=keys, wakeable=wakeable)

    async with World(tmp_path) as world:
        with pytest.raises(HungUp):
            await world.wait(Told(call_id="c1", keys=["", "1"]))
        assert written == [{"c1"}]
        assert set(world.redis.hashes["acd:callbacks"]) == {"c1"}  # who hangs up on hearing it is owed it too


async def test_a_callback_that_is_given_up_stays_until_its_line_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with World(tmp_path, callback=CallbackRules(attempts=1, ring_seconds=20)) as world:
        kept: list[set[str]] = []
        save = world.calls.save

        async def saved(records: Sequence[CallRecord]) -> None:
            if any(record.outcome is Outcome.NOT_REACHED for record in records):
                await asyncio.sleep(0.2)  # as long as a database may take
                kept.append(set(world.redis.hashes["acd:callbacks"]))
            await save(records)

        monkeypatch.setattr(world.calls, "save", saved)
        await world.owed("c1")
        world.link.outcomes = [BUSY]
        await world.seat("1001")
        await asyncio.sleep(60)
        assert kept == [{"c1"}]  # had we died before, the next controller would have closed it
        assert world.redis.hashes["acd:callbacks"] == {}


async def test_the_citizen_is_rung_when_the_place_is_due_and_gets_the_next_agent_at_the_old_place(
    tmp_path: Path,
) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        owed = await world.owed("c1")
        later = world.call("c2", world.answering("c2", talk=5))
        waiting = world.wait(later)
        await asyncio.sleep(30)
        assert world.link.originated == []
        world.link.outcomes = [ANSWERED]
        await world.seat("1001")  # c2 waits and gets this one; nobody is kept idle for a phone that only rings
        await waiting
        await world.agents.finish_wrap_up("1001")
        await asyncio.sleep(2)
        (made,) = world.link.originated
        assert made.channel == f"PJSIP/{owed.caller}@trunk"
        assert (made.context, made.caller_id, made.ring_seconds) == ("callback", "1600221076", 20)
        assert made.variables == {CITIZEN_VARIABLE: owed.caller}
        citizen = world.called_back(world.answering(made.call_id, talk=5))
        resumed = await world.acd.resume(citizen)
        assert resumed is not None
        assert resumed.called_back
        assert resumed.served is None
        newcomer = world.wait(world.call("c3"))
        served = await world.wait(citizen, resumed.request)
        assert isinstance(served, Served)
        assert not newcomer.done()
        assert world.calls.records[made.call_id].joined_at == NOON
        assert world.redis.hashes["acd:callbacks"] == {}


async def test_three_attempts_with_a_pause_between_then_it_is_given_up_and_counted(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        await world.owed("c1")
        world.link.outcomes = [BUSY, ActionRefused("Originate", "congestion"), BUSY]
        await world.seat("1001")
        began = []
        for number in range(1, 4):
            while len(world.link.originated) < number:
                await asyncio.sleep(1)
            began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1000)
        assert len(world.link.originated) == 3
        assert len({made.call_id for made in world.link.originated}) == 3
        assert began[1] - began[0] >= 60
        assert began[2] - began[1] >= 60
        assert world.calls.records["c1"].outcome is Outcome.NOT_REACHED
        assert world.redis.hashes["acd:callbacks"] == {}
        assert world.acd.snapshot().callbacks_given_up == 1
        assert world.agent("1001").available


@pytest.mark.parametrize("unknown", [LinkDown(), ActionTimedOut("Originate", 30.0)], ids=["link down", "timed out"])
async def test_a_citizen_who_may_be_ringing_is_not_rung_again_until_the_channels_tell(
    tmp_path: Path, unknown: LinkDown | ActionTimedOut
) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        await world.owed("c1")
        world.link.outcomes = [unknown, ANSWERED]
        await world.seat("1001")
        await asyncio.sleep(2)
        (made,) = world.link.originated
        world.link.channels = [channel(made.call_id)]
        await asyncio.sleep(300)
        assert len(world.link.originated) == 1
        world.link.channels = []
        await asyncio.sleep(75)
        assert len(world.link.originated) == 2


async def test_a_callback_whose_outcome_was_not_known_is_answered_all_the_same(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        await world.owed("c1")
        world.link.outcomes = [LinkDown()]
        await world.seat("1001")
        await asyncio.sleep(2)
        citizen = world.called_back(world.answering(world.link.originated[0].call_id, talk=5))
        resumed = await world.acd.resume(citizen)
        assert resumed is not None
        assert isinstance(await world.wait(citizen, resumed.request), Served)


async def test_a_citizen_who_answers_and_is_gone_before_the_call_is_with_us_is_tried_again(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        await world.owed("c1")
        world.link.outcomes = [ANSWERED, ANSWERED]
        await world.seat("1001")
        await asyncio.sleep(2)
        made = world.link.originated[0]
        world.link.tell(Hungup(call_id=made.call_id, linked_id=made.call_id, channel="PJSIP/trunk-1", cause=16))
        await asyncio.sleep(70)
        assert len(world.link.originated) == 2


async def test_callbacks_survive_a_restart_of_the_controller_in_order(tmp_path: Path) -> None:
    first = await World(tmp_path, callback=PROMPT).__aenter__()
    for name in ("c1", "c2"):
        await first.owed(name)
        await asyncio.sleep(1)
    await first.__aexit__()
    async with World(tmp_path, after=first, callback=PROMPT) as world:
        await world.link.come_up()
        world.link.outcomes = [ANSWERED, ANSWERED]
        await world.seat("1001")
        await asyncio.sleep(3)
        (made,) = world.link.originated
        assert made.channel == f"PJSIP/{first.call('c1').caller}@trunk"


async def test_a_call_back_that_rang_when_the_controller_died_is_not_made_twice(tmp_path: Path) -> None:
    first = await World(tmp_path, callback=PROMPT).__aenter__()
    await first.owed("c1")
    await first.seat("1001")
    await asyncio.sleep(3)
    (made,) = first.link.originated
    await first.__aexit__()
    async with World(tmp_path, after=first, callback=PROMPT) as world:
        world.link.channels = [channel(made.call_id)]
        world.link.reachable = {"agent-1001"}
        await world.link.come_up()
        await asyncio.sleep(120)
        assert world.link.originated == []
        citizen = world.call(made.call_id, world.answering(made.call_id, talk=5), caller=first.call("c1").caller)
        resumed = await world.acd.resume(citizen)
        assert resumed is not None
        assert resumed.called_back
        assert isinstance(await world.wait(citizen, resumed.request), Served)


async def test_whoever_calls_before_we_call_them_gets_the_place_and_is_not_rung(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        owed = await world.owed("c1")
        await asyncio.sleep(5)
        other = world.wait(world.call("c2"))
        await asyncio.sleep(60)
        again = world.call("c3", world.answering("c3", talk=5), caller=owed.caller)
        task = world.wait(again)
        await asyncio.sleep(1)
        assert [w.call_id for w in world.acd.snapshot().waiting] == ["c3", "c2"]
        await world.seat("1001")
        assert isinstance(await task, Served)
        assert not other.done()
        await asyncio.sleep(5)
        assert world.link.originated == []


async def test_a_citizen_whom_we_ring_while_they_call_us_is_rung_no_more(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        owed = await world.owed("c1")
        await world.seat("1001")
        await asyncio.sleep(3)
        (made,) = world.link.originated
        served = await world.wait(world.call("c3", world.answering("c3", talk=5), caller=owed.caller))
        assert isinstance(served, Served)
        assert world.link.hung_up == [made.call_id]
        await asyncio.sleep(300)
        assert len(world.link.originated) == 1
        assert world.redis.hashes["acd:callbacks"] == {}


async def test_who_can_not_be_let_in_is_owed_a_call_once(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        assert await world.acd.owe_callback(world.call("c1", caller="9811111111"), HINDI)
        assert await world.acd.owe_callback(world.call("c2", caller="9811111111"), HINDI)
        assert not await world.acd.owe_callback(world.call("c3", caller=""), HINDI)
        assert set(world.redis.hashes["acd:callbacks"]) == {"c1"}
        await world.seat("1001")
        await asyncio.sleep(3)
        assert [made.channel for made in world.link.originated] == ["PJSIP/9811111111@trunk"]


async def test_a_caller_without_a_number_is_not_offered_a_call_back(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = world.call("c1", caller="", keys=["", "1"])
        task = world.wait(call)
        await asyncio.sleep(20)
        assert not task.done()
        assert call.played == ["hi/position-1", "hi/choices-2"]


async def test_a_citizen_reached_who_leaves_before_an_agent_answers_is_abandoned(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        await world.owed("c1")
        world.link.outcomes = [ANSWERED]
        await world.seat("1001")
        await asyncio.sleep(2)
        await world.agents.pause("1001", "lunch")
        citizen = world.called_back()
        resumed = await world.acd.resume(citizen)
        assert resumed is not None
        task = world.wait(citizen, resumed.request)
        await asyncio.sleep(5)
        citizen.caller_hangs_up()
        with pytest.raises(HungUp):
            await task
        assert world.calls.records[CallId(citizen.id)].outcome is Outcome.ABANDONED
        assert world.redis.hashes["acd:callbacks"] == {}


async def test_an_order_of_many_callbacks_rings_no_more_citizens_than_there_are_agents(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        for number in range(5):
            await world.owed(f"c{number}")
        world.link.outcomes = [ANSWERED] * 5
        await world.seat("1001", "1002")
        await asyncio.sleep(3)
        assert len(world.link.originated) == 2
        assert all(world.agent(id).state is State.READY for id in ("1001", "1002"))


async def test_the_place_of_a_called_back_caller_keeps_its_request(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        request = Request(language="en", service="scheme", context={"complaint": "7"}, prefers=("speciality:land",))
        call = world.call("c1", keys=["", "1"])
        assert await world.wait(call, request) == CallbackOwed(request)
        world.link.outcomes = [ANSWERED]
        await world.seat("1001")
        await asyncio.sleep(2)
        resumed = await world.acd.resume(world.called_back())
        assert resumed is not None
        assert resumed.request == request


async def test_nobody_is_rung_back_while_the_agents_are_away_however_fast_they_were(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT, wrap_up_seconds=0.5) as world:
        await world.seat("1001")
        for number in range(20):
            name = f"b{number}"
            await world.wait(world.call(name, world.answering(name, ring=0.1, talk=0.5)))
        await world.agents.pause("1001", "lunch")
        for number in range(3):
            await world.owed(f"c{number}")
        await asyncio.sleep(30)
        assert world.link.originated == []
        await world.agents.ready("1001")
        await asyncio.sleep(1)
        assert world.link.originated[0].channel == f"PJSIP/{world.call('c0').caller}@trunk"


async def test_while_those_who_were_reached_are_greeted_no_more_are_rung_than_there_are_agents(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        for number in range(4):
            await world.owed(f"c{number}")
        world.link.outcomes = [ANSWERED] * 4
        await world.seat("1001", "1002")
        await asyncio.sleep(1)
        citizens = [world.called_back(world.answering(made.call_id), made=made) for made in world.link.originated]
        resumed = [await world.acd.resume(citizen) for citizen in citizens]
        world.link.channels = [channel(citizen.id) for citizen in citizens]
        await asyncio.sleep(20)  # who calls, and that it is recorded
        assert len(world.link.originated) == 2
        waiting = world.acd.snapshot().waiting
        assert [(w.call_id, w.attached) for w in waiting] == [(citizen.id, False) for citizen in citizens]
        for citizen, known in zip(citizens, resumed, strict=True):
            assert known is not None
            world.wait(citizen, known.request)
        await asyncio.sleep(1)
        assert {world.agent(id).call for id in ("1001", "1002")} == {citizen.id for citizen in citizens}


async def test_a_citizen_who_hangs_up_on_the_greeting_leaves_nothing_behind(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT) as world:
        await world.owed("c1")
        await world.owed("c2")
        world.link.outcomes = [ANSWERED, ANSWERED]
        await world.seat("1001")
        await asyncio.sleep(1)
        (made,) = world.link.originated
        assert await world.acd.resume(world.called_back()) is not None
        world.tell_hung_up(made.call_id)
        await asyncio.sleep(2)
        assert world.calls.records[made.call_id].outcome is Outcome.ABANDONED
        assert world.kept == set()
        assert len(world.link.originated) == 2, "the next one is rung"
        assert world.acd.snapshot().repairs == {}


async def test_no_more_are_rung_ahead_than_agents_are_there_however_many_there_were(tmp_path: Path) -> None:
    async with World(tmp_path, callback=PROMPT, wrap_up_seconds=0.5) as world:
        many = [str(number) for number in range(1001, 1021)]
        await world.seat(*many)
        for _ in range(3):
            names = [f"b{number}-{asyncio.get_running_loop().time()}" for number in range(20)]
            calls = [world.wait(world.call(name, world.answering(name, ring=0.1, talk=0.5))) for name in names]
            await asyncio.gather(*calls)
            await asyncio.sleep(1)
        for id in many[2:]:
            await world.agents.sign_out(id)
        talks = [world.wait(world.call(f"t{number}", world.answering(f"t{number}", talk=60))) for number in range(2)]
        await asyncio.sleep(1)
        for number in range(10):
            assert await world.acd.owe_callback(world.call(f"c{number}"), HINDI)
        await asyncio.sleep(10)
        assert len(world.link.originated) <= 2
        assert not any(talk.done() for talk in talks)


async def test_the_next_citizen_is_rung_while_the_agent_still_writes(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=60) as world:
        await world.seat("1001")
        await world.wait(world.call("c0", world.answering("c0", talk=5)))
        await world.owed("c1")
        await world.owed("c2")
        world.link.outcomes = [ANSWERED] * 2
        await asyncio.sleep(5)
        assert world.link.originated == []  # more than 20 s of the wrap-up are left
        await asyncio.sleep(20)
        assert world.agent("1001").state is State.WRAP_UP
        assert len(world.link.originated) == 1
        await world.agents.pause("1001", "tea")
        await asyncio.sleep(15)
        assert len(world.link.originated) == 1


async def test_nobody_is_rung_for_an_agent_who_will_pause_after_writing(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=30) as world:
        await world.seat("1001")
        talk = world.wait(world.call("c0", world.answering("c0", talk=5)))
        await asyncio.sleep(5)
        await world.agents.pause("1001", "tea")
        await talk
        await world.owed("c1")
        await asyncio.sleep(60)
        assert world.link.originated == []
