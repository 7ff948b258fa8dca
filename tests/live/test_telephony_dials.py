"""Dials and outgoing calls on a real Asterisk: how each ends, and how long the talk was."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator

import pytest

from asterisk_conf.instance import Instance
from telephony.call import Call, CallId, Heard
from telephony.errors import ActionRefused, HungUp
from telephony.events import BlindTransferred, DialEnded, Hungup
from telephony.originate import Originate, Originated
from tests.live.engine import Engine, running_engine
from tests.live.sip_peer import Leg

pytestmark = pytest.mark.live


@pytest.fixture
async def engine(asterisk: Instance) -> AsyncIterator[Engine]:
    async with running_engine(asterisk) as engine:
        yield engine


# -- dialling


@pytest.mark.parametrize(
    ("number", "status", "cause"),
    [("486", "BUSY", 17), ("603", "CHANUNAVAIL", 21), ("404", "CHANUNAVAIL", 1), ("ring", "NOANSWER", 0)],
)
async def test_a_dial_that_finds_nobody_tells_why_and_leaves_no_trace(
    engine: Engine, number: str, status: str, cause: int
) -> None:
    async def flow(call: Call) -> tuple[str, int, str, Heard]:
        dialled = await call.dial(f"PJSIP/{number}@trunk", ring_seconds=1)
        assert dialled.talk_seconds == 0
        return dialled.status, dialled.cause, await call.get("DIALSTATUS"), await call.wait(0.1)

    assert await engine.call(flow) == (status, cause, "", Heard())


async def agent_of(engine: Engine) -> Leg:
    """The one who is rung, once answered."""
    async with asyncio.timeout(5):
        await engine.peer.ringing.wait()
        await engine.peer.rung[-1].answered.wait()
    return engine.peer.rung[-1]


async def test_a_talk_is_measured_from_the_answer_of_the_agent_not_of_the_caller(engine: Engine) -> None:
    """ANSWEREDTIME of Asterisk would say 2.6 s here: it counts from the answer of the caller's channel."""
    engine.peer.answer_seconds = 0.6

    async def flow(call: Call) -> tuple[float, float, str]:
        await call.wait(1)
        dialled = await call.dial("PJSIP/98111@trunk", ring_seconds=5, caller_id="1076")
        assert dialled.answered
        assert dialled.cause == 16
        return dialled.ring_seconds, dialled.talk_seconds, await call.get("ANSWEREDTIME_MS")

    async def doing(leg: Leg) -> None:
        agent = await agent_of(engine)
        assert re.search(r"(?m)^From:.*sip:1076@", agent.invite)
        await asyncio.sleep(1)
        agent.hang_up()

    ring, talk, of_asterisk = await engine.call(flow, doing)
    assert ring == pytest.approx(0.6, abs=0.3)
    assert talk == pytest.approx(1.0, abs=0.3)
    assert int(of_asterisk) > 2000


async def test_a_caller_who_hangs_up_in_the_talk_leaves_its_length(engine: Engine) -> None:
    seen: list[object] = []
    for kind in (DialEnded, Hungup):
        engine.link.subscribe(kind, seen.append)

    async def doing(leg: Leg) -> None:
        agent = await agent_of(engine)
        await asyncio.sleep(1)
        leg.hang_up()
        async with asyncio.timeout(2):
            await agent.ended.wait()

    end = await engine.gone(lambda call: call.dial("PJSIP/98111@trunk", ring_seconds=5), doing)
    assert end.dialled is not None
    assert end.dialled.answered
    assert end.dialled.talk_seconds == pytest.approx(1.0, abs=0.3)
    while len(seen) < 3:
        await asyncio.sleep(0.01)
    ended, *gone = seen
    assert isinstance(ended, DialEnded)
    assert ended.answered
    assert ended.dest_id != ended.call_id
    assert {hungup.call_id for hungup in gone if isinstance(hungup, Hungup)} == {ended.call_id, ended.dest_id}


async def test_of_several_phones_that_ring_the_first_to_answer_has_the_caller_and_the_others_stop(
    engine: Engine,
) -> None:
    engine.peer.answer_seconds = 0.3

    async def doing(leg: Leg) -> None:
        async with asyncio.timeout(5):
            while not (answered := [rung for rung in engine.peer.rung if rung.answered.is_set()]):
                await asyncio.sleep(0.01)
        [agent] = answered
        await asyncio.sleep(0.5)
        assert {rung.ended.is_set() for rung in engine.peer.rung if rung is not agent} == {True}
        agent.hang_up()

    async def flow(call: Call) -> tuple[str, str]:
        dialled = await call.dial(("PJSIP/ring@trunk", "PJSIP/98111@trunk"), ring_seconds=5)
        assert dialled.talk_seconds == pytest.approx(0.5, abs=0.3)
        return dialled.status, dialled.by.rpartition("-")[0]

    assert await engine.call(flow, doing) == ("ANSWER", "PJSIP/trunk")


@pytest.mark.parametrize("asked", [True, False])
async def test_a_phone_is_asked_to_pick_up_by_itself_in_its_invite(engine: Engine, asked: bool) -> None:
    async def doing(leg: Leg) -> None:
        agent = await agent_of(engine)
        await asyncio.sleep(0.3)  # a phone that goes in the instant of the bridge is noticed by its silence only
        agent.hang_up()

    await engine.call(lambda call: call.dial("PJSIP/98111@trunk", ring_seconds=5, auto_answer=asked), doing)
    invite = engine.peer.rung[-1].invite
    assert bool(re.search(r"(?m)^Call-Info: <sip:[\d.]+>;answer-after=0\r$", invite)) is asked
    assert bool(re.search(r"(?m)^Alert-Info: <http://[\d.]+>;info=alert-autoanswer;delay=0\r$", invite)) is asked


async def test_the_first_word_after_a_hang_up_does_not_wait_for_an_acknowledgement(engine: Engine) -> None:
    """42 ms when HANGUP is not acknowledged at once. The quickest of several, as the machine may be busy."""

    async def flow(call: Call) -> float:
        with pytest.raises(HungUp):
            await call.dial("PJSIP/ring@trunk", ring_seconds=5)
        began = time.monotonic()
        await call.get("DIALSTATUS")
        return time.monotonic() - began

    async def doing(leg: Leg) -> None:
        async with asyncio.timeout(3):
            await engine.peer.ringing.wait()
        engine.peer.ringing.clear()
        leg.hang_up()

    assert min([await engine.call(flow, doing) for _ in range(5)]) < 0.02


async def test_a_blind_transfer_is_not_a_hang_up_and_the_caller_comes_back_by_the_dialplan(engine: Engine) -> None:
    transfers: list[BlindTransferred] = []
    engine.link.subscribe(BlindTransferred, transfers.append)
    came_back = asyncio.Event()

    async def flow(call: Call) -> str:
        if engine.sessions == 2:
            came_back.set()
            return call.id
        await call.dial("PJSIP/98111@trunk", ring_seconds=5)
        return ""

    async def doing(leg: Leg) -> None:
        agent = await agent_of(engine)
        await asyncio.sleep(0.3)
        agent.refer("1076")
        async with asyncio.timeout(3):
            await came_back.wait()
        agent.hang_up()

    end = await engine.gone(flow, doing)
    assert end.transferred
    assert end.dialled is not None
    assert end.dialled.answered
    assert [transfer.succeeded for transfer in transfers] == [True]


# -- outgoing calls


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("486", Originated(False, 0, 17)),
        ("404", Originated(False, 0, 1)),
        ("480", Originated(False, 0, 19)),
        ("503", Originated(False, 0, 34)),
        ("403", Originated(False, 0, 21)),
        ("ring", Originated(False, 3, 19)),
    ],
)
async def test_an_outgoing_call_that_fails_tells_why(engine: Engine, number: str, expected: Originated) -> None:
    assert await engine.link.originate(attempt(number)) == expected


def attempt(number: str, trunk: str = "@trunk") -> Originate:
    call_id = CallId(f"attempt-{number}-{time.time_ns()}")
    return Originate(channel=f"PJSIP/{number}{trunk}", call_id=call_id, context="feedback", ring_seconds=1.0)


async def test_an_outgoing_call_that_is_answered_comes_to_the_flow_with_the_id_it_was_given(engine: Engine) -> None:
    seen: list[Call] = []

    async def flow(call: Call) -> None:
        seen.append(call)

    engine._flow = flow
    asked = attempt("98111")
    assert await engine.link.originate(asked) == Originated(answered=True, reason=4)
    async with asyncio.timeout(3):
        await engine._ended.get()
        await engine.peer.rung[-1].ended.wait()
    assert [(call.id, call.path) for call in seen] == [(asked.call_id, "feedback")]


async def test_an_outgoing_call_can_be_rung_off_by_its_id_and_found_among_the_live_channels(engine: Engine) -> None:
    asked = attempt("ring")
    ringing = asyncio.create_task(engine.link.originate(asked))
    async with asyncio.timeout(3):
        await engine.peer.ringing.wait()
    assert [channel.call_id for channel in await engine.link.live_channels()] == [asked.call_id]
    assert await engine.link.hang_up(asked.call_id)
    assert not (await ringing).answered
    assert not await engine.link.hang_up(asked.call_id)


async def test_an_endpoint_that_does_not_exist_is_a_failure_in_time(engine: Engine) -> None:
    assert await engine.link.originate(attempt("98111", "@nowhere")) == Originated(False, 0, None)
    with pytest.raises(ActionRefused):
        await engine.link.play_dtmf("PJSIP/nobody", "D")
