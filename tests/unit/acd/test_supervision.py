"""What supervisors do with the live queue, on virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from acd.errors import AcdError, NoSuchCall, NoSuchQueue, NotSupervisable
from acd.records import NotServed, Outcome, Request
from acd.service import Served
from agents.presence import State
from telephony.call import CallId, Dialled
from telephony.errors import HungUp
from telephony.events import DialEnded, Hungup
from telephony.session import CLOSED
from telephony.testing import ScriptedCall
from tests.unit.acd.world import NOON, World, channel

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


async def waiting(world: World, *names: str) -> list[ScriptedCall]:
    calls = [world.call(name, world.answering(name, talk=10)) for name in names]
    for call in calls:
        world.wait(call)
        await asyncio.sleep(1)
    return calls


async def test_a_caller_who_is_put_to_the_front_is_next_after_a_restart_too(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await waiting(first, "c1", "c2", "c3")
    await first.acd.supervision.to_front("c3", by="sup")
    assert [w.call_id for w in first.acd.snapshot().waiting] == ["c3", "c1", "c2"]
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        assert [w.call_id for w in world.acd.snapshot().waiting] == ["c3", "c1", "c2"]


def leg(world: World, call: ScriptedCall, agent: str) -> None:
    """When the agent's phone is hung up from outside, the Dial ends as when the agent had hung up."""

    async def hang_up(phone: str) -> bool:
        assert phone == f"PJSIP/agent-{agent}-0000000a"
        ended.set()
        return True

    ended = asyncio.Event()
    world.link.hang_up = hang_up  # type: ignore[method-assign]

    async def talk(target: str) -> Dialled:
        began = asyncio.get_running_loop().time()
        world.tell_answered(call.id, agent)
        await ended.wait()
        return Dialled("ANSWER", 16, 0, asyncio.get_running_loop().time() - began)

    call._dials.appendleft(talk)


async def test_a_talk_is_transferred_to_another_agent_with_music_in_between(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", world.answering("c1", talk=20))
        leg(world, call, "1001")
        task = world.wait(call)
        await asyncio.sleep(10)
        other = world.wait(world.call("c2"))
        await world.seat("1002")
        await world.agents.pause("1002", "lunch")
        with pytest.raises(NotSupervisable, match="1002"):
            await world.acd.supervision.transfer("c1", to_agent="1002", by="sup")
        other.cancel()
        await world.agents.ready("1002")
        await world.acd.supervision.transfer("c1", to_agent="1002", by="sup")
        await asyncio.sleep(1)
        assert (world.agent("1001").state, world.agent("1002").state) == (State.WRAP_UP, State.RINGING)
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1002"
        record = world.calls.records["c1"]
        assert (record.outcome, record.agent, record.joined_at) == (Outcome.SERVED, "1002", NOON)
        verbs = [act.verb for act in call.acts]
        assert verbs == ["start_recording", "dial", "music", "start_recording", "dial"]
        assert world.kept == set()


async def test_a_caller_who_hangs_up_at_the_moment_of_the_transfer_is_not_put_in_line_again(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001", "1002")
        call = world.call("c1")
        leg(world, call, "1001")
        task = world.wait(call)
        await asyncio.sleep(10)

        async def gone(_phone: str) -> bool:
            call.caller_hangs_up()
            return False

        world.link.hang_up = gone  # type: ignore[method-assign]
        await world.acd.supervision.transfer("c1", to_agent="1002", by="sup")
        served = await task
        assert isinstance(served, Served)
        assert (served.agent, served.ended_by) == ("1001", "caller")
        assert world.acd.snapshot().waiting == ()
        assert (world.kept, world.agent("1002").state) == (set(), State.READY)
        assert world.calls.records["c1"].outcome is Outcome.SERVED


async def test_a_talk_whose_session_broke_goes_on_until_the_link_tells_its_end(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", world.answering("c1", talk=600))
        task = world.wait(call)
        await asyncio.sleep(10)
        call._hung_up = lambda: HungUp(CLOSED)  # type: ignore[method-assign]
        call.caller_hangs_up()
        with pytest.raises(HungUp):
            await task
        assert [talk.call_id for talk in world.acd.snapshot().talking] == ["c1"]
        assert world.agent("1001").state is State.TALKING
        world.tell_hung_up("c1")
        await asyncio.sleep(0.1)
        assert world.acd.snapshot().talking == ()
        assert world.agent("1001").state is State.WRAP_UP


async def test_when_nobody_there_takes_a_transferred_caller_they_are_first_in_line(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", Dialled("NOANSWER", 0, 15.0), world.answering("c1", talk=5))
        leg(world, call, "1001")
        task = world.wait(call)
        await asyncio.sleep(5)
        await world.seat("1002")
        await waiting(world, "c2")  # 1002 talks with them for a while
        await waiting(world, "c3")
        await asyncio.sleep(3)
        await world.acd.supervision.take_over("c1", "1002")
        await asyncio.sleep(1)
        assert [w.call_id for w in world.acd.snapshot().waiting] == ["c1", "c3"]
        await asyncio.sleep(9)
        await world.agents.finish_wrap_up("1002")
        await asyncio.sleep(1)
        assert world.agent("1002").call == "c1"
        await asyncio.sleep(15)
        assert world.agent("1002").state is State.PAUSED
        await world.agents.finish_wrap_up("1001")
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1001"


async def test_a_talk_is_transferred_to_a_queue(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", world.answering("c1", talk=5))
        leg(world, call, "1001")
        world.wait(call)
        await asyncio.sleep(5)
        await world.acd.supervision.transfer("c1", to_queue="scheme", by="sup")
        await asyncio.sleep(1)
        assert [(w.call_id, w.service) for w in world.acd.snapshot().waiting] == [("c1", "scheme")]


async def test_a_waiting_caller_is_moved_to_another_queue(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await waiting(world, "c1")
        await world.acd.supervision.transfer("c1", to_queue="scheme")
        await asyncio.sleep(1)
        assert [(w.call_id, w.service) for w in world.acd.snapshot().waiting] == [("c1", "scheme")]
        assert '"queue": "scheme"' in world.redis.hashes["acd:waiting"]["c1"]


async def test_a_talk_that_outlived_a_restart_can_be_transferred(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await first.seat("1001")
    first.wait(first.call("c1", first.answering("c1", ring=2, talk=6000)))
    await asyncio.sleep(30)
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        world.link.channels = [
            channel("c1", bridge="b1"),
            channel("leg.c1.1001", linked_id="c1", name="PJSIP/agent-1001-0000000a", bridge="b1"),
        ]
        world.link.reachable = {"agent-1001"}
        await world.link.come_up()
        await world.seat("1002")
        await world.acd.supervision.transfer("c1", to_agent="1002")
        assert world.link.hung_up == ["PJSIP/agent-1001-0000000a"]
        back = world.call("c1", world.answering("c1", talk=5), variables={"DIALSTATUS": "ANSWER"})
        resumed = await world.acd.resume(back)
        assert resumed is not None
        assert resumed.served is None
        served = await world.wait(back, resumed.request)
        assert isinstance(served, Served)
        assert served.agent == "1002"


async def test_listening_rings_the_supervisor_who_is_offered_nobody_meanwhile(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        world.wait(world.call("c1", world.answering("c1", talk=600)))
        await asyncio.sleep(5)
        await world.seat("1009")
        with pytest.raises(NoSuchCall, match="1009"):
            await world.acd.supervision.spy("1009", "1001", "listen")
        with pytest.raises(NotSupervisable, match="listen, whisper, barge"):
            await world.acd.supervision.spy("1001", "1009", "shout")
        await world.acd.supervision.spy("1001", "1009", "whisper")
        await asyncio.sleep(0.1)
        (made,) = world.link.originated
        assert (made.channel, made.application) == ("PJSIP/agent-1009", "ChanSpy")
        assert made.data == "PJSIP/agent-1001-0000000a,qwS"  # of the talk, whatever else is on that phone
        world.link.tell(
            DialEnded(
                call_id=CallId(""),
                channel="",
                dest_id=made.call_id,
                dest_channel="PJSIP/agent-1009-0000000b",
                status="ANSWER",
            )
        )
        await asyncio.sleep(1)
        assert world.agent("1009").state is State.TALKING
        ended = Hungup(call_id=made.call_id, linked_id=made.call_id, channel="PJSIP/agent-1009-0000000b", cause=16)
        world.link.tell(ended)
        await asyncio.sleep(1)
        assert world.agent("1009").state is State.READY


async def test_a_closed_queue_tells_its_announcement_and_is_closed_after_a_restart_too(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await waiting(first, "c1")
    await first.acd.supervision.close_queue("complaint", announcement={"hi": "holiday"}, by="sup")
    call = first.call("c2")
    assert await first.wait(call) == NotServed("the queue is closed")
    assert call.played == ["notices/holiday"]
    assert [w.call_id for w in first.acd.snapshot().waiting] == ["c1"]  # who waited already is still served
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        assert world.acd.snapshot().closed == ("complaint",)
        assert isinstance(await world.wait(world.call("c3")), NotServed)
        await world.acd.supervision.open_queue("complaint", by="sup")
        await world.seat("1001")
        assert isinstance(await world.wait(world.call("c4", world.answering("c4"))), Served)


async def test_a_closed_queue_can_send_away_those_who_wait_too(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = world.call("c1")
        task = world.wait(call, Request(language="en", service="complaint"))
        await asyncio.sleep(1)
        await world.acd.supervision.close_queue("complaint", announcement={}, drain=False)
        assert isinstance(await task, NotServed)
        assert call.played == ["en/closed-complaint"]


async def test_all_who_wait_hear_a_notice_at_once_and_who_comes_later_hears_it_first_each_once(
    tmp_path: Path,
) -> None:
    async with World(tmp_path) as world:
        (first,) = await waiting(world, "c1")
        await world.acd.supervision.set_notice({"hi": "flood", "en": "flood-en"}, by="sup")
        await asyncio.sleep(0.01)
        assert first.played == ["notices/flood"]
        later = world.call("c2")
        world.wait(later, Request(language="en", service="complaint"))
        await asyncio.sleep(20)
        assert later.played == ["notices/flood-en", "en/position-2", "en/choices-12"]
        assert first.played.count("notices/flood") == 1
        await world.acd.supervision.set_notice({"hi": "flood is over"})
        await asyncio.sleep(0.01)
        assert first.played[-1] == "notices/flood is over"
        await world.acd.supervision.clear_notice()
        (last,) = await waiting(world, "c3")
        assert last.played == []


async def test_a_notice_outlives_a_restart(tmp_path: Path) -> None:
    first = await World(tmp_path).__aenter__()
    await first.acd.supervision.set_notice({"hi": "flood"})
    await first.__aexit__()
    async with World(tmp_path, after=first) as world:
        (call,) = await waiting(world, "c1")
        assert call.played == ["notices/flood"]
        assert world.acd.snapshot().notice == {"hi": "flood"}


async def test_what_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        supervision = world.acd.supervision
        with pytest.raises(NoSuchCall, match="helpline queue"):
            await supervision.to_front("nobody")
        with pytest.raises(NoSuchCall, match="helpline queue"):
            await supervision.transfer("nobody", to_queue="scheme")
        with pytest.raises(NoSuchQueue, match="complaint"):
            await supervision.close_queue("nothing", announcement={})
        with pytest.raises(NoSuchQueue, match="complaint"):
            await supervision.open_queue("nothing")
        for targets in ({}, {"to_agent": "1001", "to_queue": "scheme"}):
            with pytest.raises(AcdError, match="one of them"):
                await supervision.transfer("c1", **targets)


async def test_who_waits_and_who_was_chosen_is_told_in_words(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await waiting(world, "c1")
        assert any("1" in line for line in world.acd.why("c1"))
        await world.seat("1001")
        await asyncio.sleep(5)
        assert world.acd.why("c1") == ["1001 has c1: came free, and the caller was first in line of those who fit."]
        assert any("c1" in line for line in world.acd.why_agent("1001"))
        assert "not in line" in world.acd.why("c9")[0]


async def test_every_verb_is_logged_with_who_did_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with World(tmp_path) as world:
        await waiting(world, "c1")
        supervision = world.acd.supervision
        await supervision.to_front("c1", by="sup")
        await supervision.transfer("c1", to_queue="scheme", by="sup")
        await supervision.close_queue("scheme", announcement={}, by="sup")
        await supervision.open_queue("scheme", by="sup")
        await supervision.set_notice({"hi": "x"}, by="sup")
        await supervision.clear_notice(by="sup")
    done = [record.action for record in caplog.records if getattr(record, "by", "") == "sup"]  # type: ignore[attr-defined]
    assert done == ["to_front", "transfer", "close_queue", "open_queue", "set_notice", "clear_notice"]
