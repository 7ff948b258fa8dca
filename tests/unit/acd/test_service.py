"""The way of a caller through the queue, on virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from acd.records import Outcome, Request
from acd.service import NotServed, Served
from agents.presence import DID_NOT_ANSWER, PHONE_BUSY, PHONE_NOT_REACHABLE, REJECTED, State
from telephony.call import CallId, Dialled
from telephony.errors import CommandRefused, HungUp
from telephony.events import AttendedTransferred, ContactChanged, DeviceChanged
from telephony.testing import ScriptedCall
from tests.unit.acd.world import HINDI, NOON, World, channel, talking_channels

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

PHONE_2 = "PJSIP/agent-1002-0000000a"


async def test_a_caller_is_given_the_idle_agent_and_every_step_is_on_record(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", world.answering("c1", ring=3, talk=60))
        task = world.wait(call)
        await asyncio.sleep(1)
        assert world.agent("1001").state is State.RINGING
        assert world.acd.snapshot().waiting[0].agent == "1001"
        await asyncio.sleep(5)
        assert world.agent("1001").state is State.TALKING
        talking = world.acd.snapshot().talking[0]
        assert (talking.call_id, talking.agent, talking.caller) == ("c1", "1001", call.caller)
        assert world.acd.snapshot().waiting == ()
        served = await task
        assert isinstance(served, Served)
        assert (served.agent, served.talk_seconds, served.ended_by) == ("1001", 60, "agent")
        assert world.agent("1001").state is State.WRAP_UP
        record = world.calls.records["c1"]
        assert (record.outcome, record.agent, record.recording) == (Outcome.SERVED, "1001", served.recording)
        assert record.joined_at == NOON
        assert record.answered_at is not None
        assert (record.answered_at - NOON).total_seconds() == pytest.approx(3)
        assert [r.outcome for r in world.calls.history] == [Outcome.WAITING, Outcome.TALKING, Outcome.SERVED]
        assert world.kept == set()
        await asyncio.sleep(31)
        assert world.agent("1001").state is State.READY
        assert not world.acd.snapshot().repairs


async def test_who_waits_hears_music_and_the_position_at_a_rhythm_in_their_language(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        first, second = world.call("c1"), world.call("c2")
        world.wait(first, Request(language="en", service="complaint"))
        world.wait(second)
        await asyncio.sleep(70)
        assert first.music_on
        assert first.played == ["en/position-1", "en/choices-12", "en/position-1", "en/comfort-0"]
        assert second.played == ["hi/position-2", "hi/choices-12", "hi/position-2", "hi/comfort-0"]
        first.caller_hangs_up()
        await asyncio.sleep(45)
        assert second.played[-2:] == ["hi/position-1", "hi/choices-12"]


async def test_a_waiting_caller_is_rung_for_the_moment_an_agent_is_free(tmp_path: Path, looptime: float) -> None:
    async with World(tmp_path) as world:
        call = world.call("c1", world.answering("c1", ring=0, talk=1))
        world.wait(call)
        await asyncio.sleep(20)
        await world.seat("1001")
        await asyncio.sleep(0.01)
        assert world.agent("1001").call == "c1"


async def test_an_announcement_is_cut_for_an_offer(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = world.call("c1", world.answering("c1"), prompt_seconds=10)
        world.wait(call)
        await asyncio.sleep(16)
        assert call.played == ["hi/position-1"]
        await world.seat("1001")
        await asyncio.sleep(0.01)
        assert world.agent("1001").state is State.RINGING


async def test_callers_are_served_by_arrival(tmp_path: Path) -> None:
    async with World(tmp_path, wrap_up_seconds=1) as world:
        await world.seat("1001")
        tasks = []
        for number in range(5):
            name = f"c{number}"
            tasks.append(world.wait(world.call(name, world.answering(name, ring=1, talk=5))))
            await asyncio.sleep(0.1)
        await asyncio.gather(*tasks)
        answered = sorted(world.calls.records.values(), key=lambda record: record.answered_at or NOON)
        assert [record.call_id for record in answered] == [f"c{number}" for number in range(5)]


async def test_an_agent_who_does_not_answer_is_paused_and_the_caller_keeps_the_place(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", Dialled("NOANSWER", 0, 15.0), world.answering("c1"))
        task = world.wait(call)
        await asyncio.sleep(1)
        world.wait(world.call("c2", world.answering("c2")))
        await asyncio.sleep(15)
        assert (world.agent("1001").state, world.agent("1001").reason) == (State.PAUSED, DID_NOT_ANSWER)
        assert call.music_on
        assert not call.recording_file
        await world.seat("1002")
        await asyncio.sleep(1)
        assert world.agent("1002").call == "c1"
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1002"


@pytest.mark.parametrize(
    ("dialled", "reason"),
    [
        (Dialled("NOANSWER", 0), DID_NOT_ANSWER),
        (Dialled("NOANSWER", 19), DID_NOT_ANSWER),
        (Dialled("BUSY", 17), PHONE_BUSY),
        (Dialled("CHANUNAVAIL", 21), REJECTED),
        (Dialled("CHANUNAVAIL", 20), PHONE_NOT_REACHABLE),
        (Dialled("CHANUNAVAIL", 1), PHONE_NOT_REACHABLE),
        (Dialled("CONGESTION", 34), PHONE_NOT_REACHABLE),
        (Dialled("FAILED"), PHONE_NOT_REACHABLE),
    ],
    ids=lambda value: f"{value.status}-{value.cause}" if isinstance(value, Dialled) else None,
)
async def test_a_phone_that_fails_pauses_its_agent_with_the_reason_and_the_caller_goes_to_the_next(
    tmp_path: Path, dialled: Dialled, reason: str
) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        await asyncio.sleep(1)
        await world.seat("1002")
        served = await world.wait(world.call("c1", dialled, world.answering("c1")))
        assert isinstance(served, Served)
        assert served.agent == "1002"
        assert (world.agent("1001").state, world.agent("1001").reason) == (State.PAUSED, reason)


async def test_a_ring_that_was_cancelled_is_not_the_agents_fault(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        served = await world.wait(world.call("c1", Dialled("CANCEL"), world.answering("c1")))
        assert isinstance(served, Served)
        assert served.agent == "1001"


async def test_a_caller_who_leaves_while_it_rings_is_abandoned_and_the_agent_keeps_the_turn(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        ready_since = world.agent("1001").ready_since
        call = world.call("c1", world.answering("c1", ring=10))
        task = world.wait(call)
        await asyncio.sleep(5)
        call.caller_hangs_up()
        with pytest.raises(HungUp):
            await task
        assert world.agent("1001").available
        assert world.agent("1001").ready_since == ready_since
        assert world.calls.records["c1"].outcome is Outcome.ABANDONED
        assert world.kept == set()
        await world.wait(world.call("c2", world.answering("c2")))


async def test_a_caller_who_ends_the_conversation_was_served(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", world.answering("c1", ring=2, talk=600))
        task = world.wait(call)
        await asyncio.sleep(32)
        call.caller_hangs_up()
        served = await task
        assert isinstance(served, Served)
        assert served.ended_by == "caller"
        assert served.talk_seconds == pytest.approx(30)
        assert world.agent("1001").state is State.WRAP_UP


async def transferred(world: World) -> ScriptedCall:
    await world.seat("1001")
    await asyncio.sleep(1)
    await world.seat("1002")
    call = world.call("c1", world.answering("c1", ring=2, talk=600))
    task = world.wait(call)
    await asyncio.sleep(30)
    call.caller_hangs_up(transferred=True)
    served = await task
    assert isinstance(served, Served)
    assert (served.agent, served.ended_by) == ("1001", "transferred")
    assert world.agent("1001").state is State.WRAP_UP
    return call


async def test_a_blind_transfer_takes_the_conversation_to_the_second_agent(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = await transferred(world)
        await asyncio.sleep(5)
        world.tell_answered("c1", "1002")
        await asyncio.sleep(0.01)
        assert world.agent("1002").state is State.TALKING
        assert [(t.agent, t.caller) for t in world.acd.snapshot().talking] == [("1002", call.caller)]
        world.link.channels = [channel("c1", bridge="b"), channel("l", linked_id="c1", name=PHONE_2, bridge="b")]
        await asyncio.sleep(60)
        world.tell_hung_up("leg.c1.1002", channel=PHONE_2, linked_id="c1")
        await asyncio.sleep(0.01)
        assert world.agent("1002").state is State.WRAP_UP
        back = world.call("c1", variables={"DIALSTATUS": "ANSWER", "ANSWEREDTIME": "60"})
        resumed = await world.acd.resume(back)
        assert resumed is not None
        assert resumed.served is not None
        assert resumed.served.agent == "1002"
        record = world.calls.records["c1"]
        assert (record.outcome, record.agent) == (Outcome.SERVED, "1002")
        assert record.answered_at is not None
        assert (record.answered_at - record.joined_at).total_seconds() == pytest.approx(2)
        assert world.acd.snapshot().repairs == {}


async def test_a_transferred_caller_who_hangs_up_was_served(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await transferred(world)
        world.tell_hung_up("c1")
        await asyncio.sleep(0.1)
        assert world.calls.records["c1"].outcome is Outcome.SERVED
        assert world.kept == set()


async def test_a_transfer_whose_answer_is_told_before_the_first_agents_end_is_understood(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        await asyncio.sleep(1)
        await world.seat("1002")
        call = world.call("c1", world.answering("c1", ring=2, talk=600))
        task = world.wait(call)
        await asyncio.sleep(30)
        world.tell_answered("c1", "1002")
        await asyncio.sleep(0.01)
        call.caller_hangs_up(transferred=True)
        await task
        assert (world.agent("1001").state, world.agent("1002").state) == (State.WRAP_UP, State.TALKING)


async def test_a_colleagues_call_keeps_an_agent_from_being_rung(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1002")
        world.tell_answered("a-colleague", "1002")
        await asyncio.sleep(0.01)
        call = world.call("c1", world.answering("c1"))
        world.wait(call)
        await asyncio.sleep(5)
        assert world.agent("1002").state is State.TALKING
        world.tell_hung_up("leg.a-colleague.1002", channel=PHONE_2, linked_id="a-colleague")
        await asyncio.sleep(31)
        assert world.agent("1002").call == "c1"


async def test_an_attended_transfer_hands_the_conversation_to_the_other_agent(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        await asyncio.sleep(1)
        await world.seat("1002")
        task = world.wait(world.call("c1", world.answering("c1", ring=2, talk=100)))
        await asyncio.sleep(10)
        world.tell_answered("consult", "1002")
        await asyncio.sleep(5)
        assert world.agent("1002").state is State.TALKING
        world.link.tell(
            AttendedTransferred(
                succeeded=True,
                call_id=CallId("c1"),
                channel="PJSIP/trunk-c1",
                transferer_id=CallId("leg.c1.1001"),
                transferer_channel="PJSIP/agent-1001-0000000a",
                second_transferer_id=CallId("consult"),
                target_id=CallId("leg.consult.1002"),
                target_channel="PJSIP/agent-1002-0000000a",
            )
        )
        await asyncio.sleep(0.01)
        assert world.agent("1001").state is State.WRAP_UP
        assert (world.agent("1002").state, world.agent("1002").call) == (State.TALKING, "c1")
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1002"
        assert world.agent("1002").state is State.WRAP_UP


async def test_an_agent_who_pauses_between_the_offer_and_the_ring_is_not_rung(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        call = world.call("c1")
        world.wait(call)
        await asyncio.sleep(1)
        await world.seat("1001")
        await world.agents.pause("1001", "lunch")
        await asyncio.sleep(1)
        assert "dial" not in [act.verb for act in call.acts]
        assert world.acd.snapshot().waiting[0].agent == ""
        await world.agents.ready("1001")
        await asyncio.sleep(1)
        assert world.agent("1001").call == "c1"


async def test_a_phone_that_is_not_registered_is_not_rung_until_it_is(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        world.link.tell(DeviceChanged(device="PJSIP/agent-1001", state="UNAVAILABLE"))
        call = world.call("c1", world.answering("c1"))
        world.wait(call)
        await asyncio.sleep(5)
        assert world.agent("1001").state is State.READY
        world.link.tell(ContactChanged(endpoint="agent-1001", status="Reachable"))
        await asyncio.sleep(0.01)
        assert world.agent("1001").call == "c1"


async def test_an_old_contact_that_goes_does_not_take_the_phone_away(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        world.link.tell(ContactChanged(endpoint="agent-1001", status="Removed"))
        assert world.agent("1001").available


async def test_with_the_link_down_a_caller_still_gets_the_agent(tmp_path: Path) -> None:
    class DeafCall(ScriptedCall):
        def wake(self) -> None:
            """Nobody can be woken without the link."""

    async with World(tmp_path) as world:
        world.link.connected = False
        call = DeafCall(call_id="c1", dials=[world.answering("c1", told=False)])
        task = world.wait(call)
        await asyncio.sleep(2)
        await world.seat("1001")
        await asyncio.sleep(0.6)
        assert world.agent("1001").call == "c1"
        assert isinstance(await task, Served)


async def test_a_conversation_of_which_the_link_did_not_tell_is_not_taken_for_a_missed_call(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        task = world.wait(world.call("c1", world.answering("c1", ring=3, talk=100, told=False)))
        await asyncio.sleep(4)
        world.link.channels = talking_channels("c1", "1001")
        await asyncio.sleep(26)
        assert world.agent("1001").state is State.TALKING
        assert world.acd.snapshot().repairs == {"answer missed": 1}
        served = await task
        assert isinstance(served, Served)
        assert served.talk_seconds == 100


async def test_a_ring_past_its_deadline_is_no_conversation_and_the_caller_keeps_the_place(tmp_path: Path) -> None:
    async def rings_on(target: str) -> Dialled:
        await asyncio.sleep(40)
        return Dialled("NOANSWER", 0, 40.0)

    async with World(tmp_path) as world:
        await world.seat("1001")
        task = world.wait(world.call("c1", rings_on, world.answering("c1", talk=10)))
        await asyncio.sleep(30)
        assert (world.agent("1001").state, world.agent("1001").reason) == (State.PAUSED, DID_NOT_ANSWER)
        assert [waiter.call_id for waiter in world.acd.snapshot().waiting] == ["c1"]
        assert world.acd.snapshot().repairs == {}
        await world.seat("1002")
        served = await task
        assert isinstance(served, Served)
        assert (served.agent, served.talk_seconds) == ("1002", 10)


async def test_a_very_short_conversation_ends_in_wrap_up_though_its_answer_is_told_late(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        await world.wait(world.call("c1", Dialled("ANSWER", 16, 1.0, 0.2)))
        world.tell_answered("c1", "1001")
        await asyncio.sleep(0.01)
        assert world.agent("1001").state is State.WRAP_UP
        record = world.calls.records["c1"]
        assert record.answered_at is not None
        assert record.ended_at is not None
        assert (record.ended_at - record.answered_at).total_seconds() == pytest.approx(0.2)


async def test_whoever_waits_too_long_is_let_go_and_can_be_helped_otherwise(tmp_path: Path) -> None:
    async with World(tmp_path, max_wait_seconds=60) as world:
        call = world.call("c1")
        assert await world.wait(call) == NotServed("nobody was free in time")
        assert not call.gone
        assert world.calls.records["c1"].outcome is Outcome.NOT_SERVED
        assert world.acd.snapshot().waiting == ()


async def test_a_call_that_can_not_be_recorded_is_a_call_all_the_same(tmp_path: Path) -> None:
    class Unrecordable(ScriptedCall):
        async def start_recording(self, file: Path) -> None:
            raise CommandRefused("EXEC MixMonitor", "520 no such application")

    async with World(tmp_path) as world:
        await world.seat("1001")
        served = await world.wait(Unrecordable(call_id="c1", dials=[world.answering("c1")]))
        assert isinstance(served, Served)
        assert served.recording == ""


async def test_a_full_disk_does_not_end_a_call(tmp_path: Path) -> None:
    blocked = tmp_path / "recordings"
    blocked.write_text("a file where the folder should be")
    async with World(blocked) as world:
        await world.seat("1001")
        assert isinstance(await world.wait(world.call("c1", world.answering("c1"))), Served)


async def test_with_a_locked_database_calls_go_on_and_are_written_when_it_is_free(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        world.calls.down = True
        assert isinstance(await world.wait(world.call("c1", world.answering("c1"))), Served)
        assert world.calls.records == {}
        world.calls.down = False
        await asyncio.sleep(2)
        assert world.calls.records["c1"].outcome is Outcome.SERVED


async def test_without_redis_calls_go_on_and_it_is_filled_when_it_is_back(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        world.redis.down = True
        task = world.wait(world.call("c1", world.answering("c1", talk=60)))
        waiting = world.wait(world.call("c2"))
        await asyncio.sleep(10)
        assert world.agent("1001").state is State.TALKING
        world.redis.lose()
        world.redis.down = False
        await asyncio.sleep(2)
        assert set(world.redis.hashes["acd:waiting"]) == {"c2"}
        assert set(world.redis.hashes["acd:conversations"]) == {"c1"}
        assert isinstance(await task, Served)
        assert not waiting.done()


async def test_a_language_that_is_required_is_waited_for(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001", languages=("hi",))
        call = world.call("c1", world.answering("c1"))
        task = world.wait(call, Request(language="en", service="complaint", language_required=True))
        await asyncio.sleep(5)
        assert world.agent("1001").state is State.READY
        await world.seat("1002", languages=("en",))
        served = await task
        assert isinstance(served, Served)
        assert served.agent == "1002"


async def test_what_is_known_of_a_call_can_be_looked_up_while_it_lasts(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        task = world.wait(
            world.call("c1", world.answering("c1")),
            Request(language="hi", service="complaint", context={"complaint": "100000000007"}),
        )
        await asyncio.sleep(1)
        known = world.acd.call(world.agent("1001").call)
        assert known is not None
        assert known.context == {"complaint": "100000000007"}
        await task
        assert world.acd.call("c1") is None


async def test_what_the_link_tells_of_a_call_with_a_session_is_left_to_the_session(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        call = world.call("c1", world.answering("c1", ring=2, talk=600))
        task = world.wait(call)
        await asyncio.sleep(12)
        world.tell_hung_up("leg.c1.1001", channel="PJSIP/agent-1001-0000000a", linked_id="c1")
        world.tell_hung_up("c1")
        await asyncio.sleep(0.5)
        call.caller_hangs_up(transferred=True)
        served = await task
        assert isinstance(served, Served)
        assert (served.agent, served.ended_by) == ("1001", "transferred")


async def test_an_answer_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.seat("1001")
        world.wait(world.call("c1", world.answering("c1", ring=2, talk=600)))
        await asyncio.sleep(3)
        since = world.acd.snapshot().talking[0].since
        world.tell_answered("c1", "1001")
        await asyncio.sleep(1)
        assert world.acd.snapshot().talking[0].since == since


# A caller's way with every kind of step in it: an announcement, an agent who does not answer, one who does.
WALK = [
    *("music", "wait", "wait", "play", "wait", "start_recording", "dial", "stop_recording"),
    *("music", "start_recording", "dial"),
]


@pytest.mark.parametrize("step", range(1, len(WALK) + 2))
async def test_a_hang_up_at_any_step_leaves_nothing_behind(tmp_path: Path, step: int) -> None:
    async with World(tmp_path) as world:
        call = world.call(
            "c1", Dialled("NOANSWER", 0, 15.0), world.answering("c1", talk=20), hang_up_at=step, prompt_seconds=2
        )
        task = world.wait(call)
        await asyncio.sleep(20)
        await world.seat("1001")
        await asyncio.sleep(1)
        await world.seat("1002")
        try:
            served: Served | NotServed | None = await asyncio.wait_for(task, 300)
        except HungUp:
            served = None
        walked = [act.verb for act in call.acts]
        assert walked == WALK[:step]
        assert world.acd.snapshot().waiting == ()
        assert world.acd.snapshot().talking == ()
        assert world.kept == set()
        record = world.calls.records["c1"]
        assert record.outcome is (Outcome.ABANDONED if served is None else Outcome.SERVED)
        assert record.ended_at is not None
        assert [r.ended_at is not None for r in world.calls.history].count(True) == 1
        for id in ("1001", "1002"):
            assert world.agent(id).state in (State.READY, State.PAUSED, State.WRAP_UP)
        await asyncio.sleep(40)
        another = await world.wait(world.call("c2", world.answering("c2")), HINDI)
        assert isinstance(another, Served), "an agent was lost"
