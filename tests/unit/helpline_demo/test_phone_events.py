"""What a phone tells can be waited for, in order, and a wait that is in vain ends at once."""

from __future__ import annotations

import asyncio

import pytest

from helpline.demo.errors import CallEnded, ExpectationFailed, NotRegistered, PhoneFailed
from helpline.demo.phone_events import Happened, PhoneEvents

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


@pytest.fixture
def events() -> PhoneEvents:
    return PhoneEvents("asha", last_words=lambda: "the last words")


def tell(events: PhoneEvents, type_: str, *, call: str = "c1", direction: str = "outgoing", param: str = "") -> None:
    message = {"type": type_, "id": call, "direction": direction, "param": param, "accountaor": "sip:1@h"}
    events.take(message, at=1.0)


async def test_what_came_before_the_wait_is_found(events: PhoneEvents) -> None:
    tell(events, "CALL_RINGING")
    tell(events, "CALL_ESTABLISHED")
    assert (await events.expect("established", timeout=1)).call == "c1"


async def test_what_comes_during_the_wait_ends_it(events: PhoneEvents) -> None:
    asyncio.get_running_loop().call_later(3, tell, events, "CALL_DTMF_START")
    assert (await events.expect("key", timeout=5)).what == "key"


async def test_each_event_is_given_once(events: PhoneEvents) -> None:
    tell(events, "CALL_DTMF_START", param="1")
    tell(events, "CALL_DTMF_START", param="2")
    assert [(await events.expect("key", timeout=1)).detail for _ in range(2)] == ["1", "2"]
    with pytest.raises(ExpectationFailed, match=r'no "key" within 1 s. It told: key 1, key 2.\nthe last words'):
        await events.expect("key", timeout=1)


async def test_a_wait_that_failed_uses_nothing_up(events: PhoneEvents) -> None:
    tell(events, "CALL_RINGING")
    with pytest.raises(ExpectationFailed):
        await events.expect("established", timeout=1)
    assert (await events.expect("ringing", timeout=1)).what == "ringing"


async def test_two_who_wait_at_once_do_not_take_from_each_other(events: PhoneEvents) -> None:
    waits = [asyncio.create_task(events.expect(what, timeout=60)) for what in ("established", "ringing")]
    await asyncio.sleep(1)
    tell(events, "CALL_RINGING")
    tell(events, "CALL_ESTABLISHED")
    assert [(await wait).what for wait in waits] == ["established", "ringing"]


async def test_only_the_call_that_was_asked_for_counts(events: PhoneEvents) -> None:
    tell(events, "CALL_CLOSED", call="other")
    tell(events, "CALL_ESTABLISHED", call="mine")
    assert (await events.expect("established", timeout=1, call="mine")).call == "mine"


async def test_a_call_that_ended_ends_the_wait_for_its_answer_with_the_reason(events: PhoneEvents) -> None:
    tell(events, "CALL_CLOSED", param="486 Busy Here")
    with pytest.raises(CallEnded, match="486 Busy Here") as raised:
        await events.expect("established", timeout=60)
    assert raised.value.reason == "486 Busy Here"


async def test_a_call_that_ended_does_not_end_the_wait_for_the_next(events: PhoneEvents) -> None:
    tell(events, "CALL_CLOSED")
    tell(events, "CALL_INCOMING", call="c2", direction="incoming")
    assert (await events.expect("incoming", timeout=1)).call == "c2"


async def test_what_an_earlier_call_told_is_passed_over_after_a_new_beginning(events: PhoneEvents) -> None:
    tell(events, "CALL_CLOSED", param="486")
    events.look_from_here()
    tell(events, "CALL_ESTABLISHED", call="c2")
    assert (await events.expect("established", timeout=1)).call == "c2"


async def test_a_refused_registration_ends_the_wait_for_it(events: PhoneEvents) -> None:
    tell(events, "REGISTER_FAIL", param="403 Forbidden")
    with pytest.raises(NotRegistered, match=r"refused sip:1@h \(403 Forbidden\)"):
        await events.expect("registered", timeout=60)


async def test_a_lost_phone_ends_every_wait_now_and_later(events: PhoneEvents) -> None:
    waits = [asyncio.create_task(events.expect(what, timeout=60)) for what in ("incoming", "key")]
    await asyncio.sleep(1)
    events.add(Happened(what="lost", at=2.0))
    for wait in (*waits, events.expect("closed", timeout=60)):
        with pytest.raises(PhoneFailed, match="ended by itself"):
            await wait


async def test_a_phone_that_answers_by_itself_is_told_to_have_been_called(events: PhoneEvents) -> None:
    tell(events, "CALL_ESTABLISHED", direction="incoming")
    assert [happened.what for happened in events.happened] == ["incoming", "established"]
    tell(events, "CALL_ANSWERED", direction="incoming")
    assert [happened.what for happened in events.happened].count("incoming") == 1


async def test_live_calls_are_those_begun_and_not_closed(events: PhoneEvents) -> None:
    tell(events, "CALL_RINGING", call="a")
    tell(events, "CALL_INCOMING", call="b", direction="incoming")
    tell(events, "CALL_CLOSED", call="a")
    assert events.live_calls == ["b"]


async def test_unknown_events_are_left_out(events: PhoneEvents) -> None:
    tell(events, "CALL_RTCP")
    events.take({}, at=1.0)
    assert events.happened == []
