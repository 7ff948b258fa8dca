"""Outgoing calls: one answer for each, once, with the cause where Asterisk tells one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from telephony.call import CallId
from telephony.errors import ActionTimedOut, TelephonyError
from telephony.originate import Listening, Originate, Originated, spying
from tests.unit.telephony.fake_ami import FAST, FakeAmi, Headers, hangup, linked, until

pytestmark = pytest.mark.unit

CALL = Originate(channel="PJSIP/9876543210@trunk", call_id="attempt-1", context="feedback", ring_seconds=0.5)


def originating(
    ami: FakeAmi, *, response: str = "", reason: int = 0, cause: int | None = None, hangup_first: bool = False
) -> None:
    """Asterisk queues each Originate and then tells how it ended."""

    def answer(action: Headers) -> None:
        ami.respond(action, Message="Originate successfully queued")
        if hangup_first and cause is not None:
            hangup(ami, action["ChannelId"], cause)
        if response:
            ami.event(
                "OriginateResponse",
                ActionID=action["ActionID"],
                Response=response,
                Reason=reason,
                Uniqueid="<unknown>" if cause is None and response == "Failure" else action["ChannelId"],
                Channel=action["Channel"],
            )
        if not hangup_first and cause is not None:
            hangup(ami, action["ChannelId"], cause)

    ami.answers["Originate"] = answer


@pytest.mark.parametrize("hangup_first", [True, False])
@pytest.mark.parametrize(
    ("reason", "cause"), [(0, 17), (0, 1), (3, 19), (0, 0)], ids=["busy", "no such number", "time-out", "rung off"]
)
async def test_a_failed_outgoing_call_tells_its_cause(reason: int, cause: int, hangup_first: bool) -> None:
    async with linked() as (ami, link):
        originating(ami, response="Failure", reason=reason, cause=cause, hangup_first=hangup_first)
        outcome = await link.originate(CALL)
    assert outcome == Originated(answered=False, reason=reason, cause=cause)
    assert outcome.rang_too_long == (reason == 3)


async def test_an_answered_outgoing_call_is_told_at_once() -> None:
    async with linked() as (ami, link):
        originating(ami, response="Success", reason=4)
        call = replace(CALL, variables={"attempt": "7"}, caller_id="1076", other_call_id="attempt-1b")
        assert await link.originate(call) == Originated(answered=True, reason=4)
        [sent] = ami.asked("Originate")
    assert (sent["ChannelId"], sent["OtherChannelId"], sent["Async"]) == ("attempt-1", "attempt-1b", "true")
    assert (sent["Context"], sent["Exten"], sent["Timeout"]) == ("feedback", "s", "500")
    assert (sent["Variable"], sent["CallerID"]) == ("attempt=7", "1076")


async def test_a_channel_that_could_not_be_made_is_a_failure_without_a_cause() -> None:
    async with linked() as (ami, link):
        originating(ami, response="Failure", reason=0)
        assert await link.originate(CALL) == Originated(answered=False, reason=0, cause=None)


async def test_a_hang_up_alone_is_enough_to_end_an_outgoing_call() -> None:
    async with linked(replace(FAST, action_seconds=2)) as (ami, link):
        originating(ami, cause=34)
        assert await link.originate(CALL) == Originated(answered=False, reason=0, cause=34)


async def test_an_outgoing_call_of_which_nothing_is_heard_ends_in_time() -> None:
    async with linked() as (ami, link):
        originating(ami)
        with pytest.raises(ActionTimedOut):
            await link.originate(replace(CALL, ring_seconds=0.02))
        with pytest.raises(TelephonyError):
            await link.originate(replace(CALL, ring_seconds=0.02))


async def test_the_same_outgoing_call_cannot_be_asked_for_twice_at_once() -> None:
    async with linked() as (ami, link):
        ringing = asyncio.create_task(link.originate(CALL))
        await until(lambda: len(ami.asked("Originate")) == 1)
        with pytest.raises(ValueError, match="rings already"):
            await link.originate(CALL)
        ringing.cancel()
        await asyncio.gather(ringing, return_exceptions=True)
        assert len(ami.asked("Originate")) == 1


@pytest.mark.parametrize(("how", "options"), [("listen", "qS"), ("whisper", "qwS"), ("barge", "qBS")])
async def test_a_supervisor_s_phone_is_rung_for_the_channel_of_the_talk_alone(how: Listening, options: str) -> None:
    phone = "PJSIP/agent-1001-0000000a"
    headers = spying(phone, supervisor="agent-1009", how=how, call_id=CallId("spy-1")).headers()
    assert headers["Channel"] == "PJSIP/agent-1009"
    assert (headers["Application"], headers["Data"]) == ("ChanSpy", f"{phone},{options}")
    assert "Context" not in headers


async def test_a_variable_that_asterisk_would_read_as_two_is_refused() -> None:
    async with linked() as (ami, link):
        with pytest.raises(ValueError, match="of the variables x"):
            await link.originate(replace(CALL, variables={"x": "1,y=2"}))
        assert ami.asked("Originate") == []
