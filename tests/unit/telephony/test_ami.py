from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from telephony.ami import AmiLink
from telephony.errors import ActionRefused, ActionTimedOut, LinkDown, LoginRefused
from telephony.events import ContactChanged, DeviceChanged, Hungup, LiveChannel
from telephony.originate import Originate
from tests.unit.telephony.fake_ami import FAST, FakeAmi, Headers, hangup, linked, until

pytestmark = pytest.mark.unit

CALL = Originate(channel="PJSIP/9876543210@trunk", call_id="attempt-1", context="feedback", ring_seconds=0.5)
CHANNEL = {
    "Uniqueid": "1.1",
    "Linkedid": "1.1",
    "Channel": "PJSIP/trunk-1",
    "Duration": "00:01:05",
    "Application": "AGI",
}


# -- the connection


async def test_start_logs_in_and_reads_the_lag() -> None:
    async with linked() as (ami, link):
        assert link.connected
        await until(lambda: link.lag is not None)
        assert ami.asked("Login")[0]["Username"] == "helpline"
        assert "secret" not in repr(FAST)
    assert not link.connected
    assert link.lag is None


async def test_a_wrong_secret_is_told_with_the_next_step() -> None:
    with pytest.raises(LoginRefused, match="restart Asterisk from the same run folder"):
        async with linked(ami=FakeAmi(secret="another")):
            pass


async def test_nobody_at_the_port_is_told_in_time() -> None:
    ami = FakeAmi()
    await ami.start()
    await ami.stop()
    link = AmiLink(replace(FAST, port=ami.port), rng=Random(1))
    with pytest.raises(LinkDown, match="is Asterisk running"):
        await link.start()
    with pytest.raises(LinkDown):
        await link.action("Ping")


async def test_the_link_is_made_anew_and_live_channels_are_told_each_time() -> None:
    seen: list[list[str]] = []

    async def resync(channels: Sequence[LiveChannel]) -> None:
        seen.append([channel.call_id for channel in channels])

    ami = FakeAmi()
    await ami.start()
    link = AmiLink(replace(FAST, port=ami.port), rng=Random(1))
    link.on_resync(resync)
    await link.start()
    ami.channels = [CHANNEL, {"Channel": "without an id"}]
    for times in (2, 3, 4):
        ami.drop()
        await until(lambda times=times: len(seen) == times)
    await link.stop()
    await ami.stop()
    assert seen == [[], ["1.1"], ["1.1"], ["1.1"]]


async def test_a_refused_login_later_on_is_tried_again_for_ever() -> None:
    async with linked() as (ami, link):
        ami.secret = "another"
        ami.drop()
        await until(lambda: len(ami.asked("Login")) > 3)
        ami.secret = "secret"
        await until(lambda: link.connected)


@pytest.mark.parametrize(
    "answer",
    [lambda ami, action: None, lambda ami, action: ami.respond(action, Message="Event Sent")],
    ids=["no-answer", "answers-but-its-events-are-late"],
)
async def test_a_link_that_lags_too_far_behind_is_left_and_made_anew(
    answer: Callable[[FakeAmi, dict[str, str]], None], caplog: pytest.LogCaptureFixture
) -> None:
    async with linked() as (ami, link):
        before = ami.answers["UserEvent"]
        ami.answers["UserEvent"] = lambda action: answer(ami, action)
        await until(lambda: ami.logins == 2)
        ami.answers["UserEvent"] = before
        await until(lambda: link.connected and link.lag is not None)
    reasons = [getattr(record, "reason", "") for record in caplog.records]
    assert any("its events come more than 0.2 s late" in reason for reason in reasons)


async def test_the_lag_is_that_of_events_and_grows_while_one_is_late() -> None:
    async with linked(replace(FAST, longest_lag=2)) as (ami, link):
        await until(lambda: link.lag is not None)
        late: list[dict[str, str]] = []
        ami.answers["UserEvent"] = late.append  # neither answer nor event
        await until(lambda: bool(late))
        ami.event("UserEvent", UserEvent="helpline-mark", Mark="of another controller")
        await asyncio.sleep(0.15)
        assert link.lag == pytest.approx(0.15, abs=0.1)
        ami.respond(late[0])
        ami.event("UserEvent", UserEvent=late[0]["UserEvent"], Mark=late[0]["Mark"])
        await until(lambda: len(late) == 2)
        assert link.lag is not None
        assert link.lag > 0.1


async def test_asterisk_s_start_is_told_in_local_time() -> None:
    async with linked() as (ami, link):
        told = {"CoreStartupDate": "2026-11-25", "CoreStartupTime": "01:42:11"}
        ami.answers["CoreStatus"] = lambda action: ami.respond(action, **told)
        started = await link.asterisk_started()
        assert f"{started:%Y-%m-%d %H:%M:%S}" == "2026-11-25 01:42:11"
        assert started.tzinfo is not None
        told["CoreStartupTime"] = "soon"
        with pytest.raises(ActionRefused, match="soon"):
            await link.asterisk_started()


async def test_stop_in_the_middle_of_a_connection_leaves_nothing() -> None:
    ami = FakeAmi()
    ami.answers.pop("CoreShowChannels")
    await ami.start()
    before = asyncio.all_tasks()
    link = AmiLink(replace(FAST, port=ami.port), rng=Random(1))
    starting = asyncio.create_task(link.start())
    await until(lambda: bool(ami.asked("CoreShowChannels")))
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await link.stop()
    assert not link.connected
    await until(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()})
    await ami.stop()


# -- actions


async def test_an_action_returns_its_answer() -> None:
    async with linked() as (ami, link):
        ami.answers["Getvar"] = lambda action: ami.respond(action, Variable=action["Variable"], Value="NOT_INUSE")
        assert await link.device_state("PJSIP/agent-1001") == "NOT_INUSE"
        assert ami.asked("Getvar")[0]["Variable"] == "DEVICE_STATE(PJSIP/agent-1001)"


async def test_actions_answered_out_of_order_get_their_own_answers() -> None:
    async with linked() as (ami, link):
        held: list[Headers] = []
        ami.answers["Getvar"] = held.append
        first = asyncio.create_task(link.device_state("a"))
        second = asyncio.create_task(link.device_state("b"))
        await until(lambda: len(held) == 2)
        for action in reversed(held):
            ami.respond(action, Value=action["Variable"])
        assert [await first, await second] == ["DEVICE_STATE(a)", "DEVICE_STATE(b)"]


async def test_an_action_that_is_refused_tells_why() -> None:
    async with linked() as (ami, link):
        ami.answers["PlayDTMF"] = ami.answers["Hangup"] = lambda action: ami.refuse(action, "No such channel")
        with pytest.raises(ActionRefused, match="PlayDTMF: No such channel"):
            await link.play_dtmf("PJSIP/x", "D")
        assert not await link.hang_up("PJSIP/x")


async def test_an_action_without_an_answer_ends_in_time_and_its_late_answer_hurts_nobody() -> None:
    async with linked() as (ami, link):
        late: list[Headers] = []
        ami.answers["PlayDTMF"] = late.append
        with pytest.raises(ActionTimedOut, match="may have been carried out"):
            await link.action("PlayDTMF", seconds=0.02)
        ami.respond(late[0])
        assert await link.live_channels() == []


async def test_a_channel_that_asterisk_lists_twice_is_told_once_as_it_is_now() -> None:
    async with linked() as (ami, link):
        row = {"Channel": "PJSIP/x-1", "Uniqueid": "call-1", "Linkedid": "call-1", "Duration": "00:00:01"}
        ami.channels = [row | {"ChannelStateDesc": "Ring"}, row | {"ChannelStateDesc": "Up"}]
        assert [(channel.call_id, channel.state) for channel in await link.live_channels()] == [("call-1", "Up")]


async def test_a_line_end_in_a_value_cannot_become_a_header() -> None:
    async with linked() as (ami, link):
        with pytest.raises(ValueError, match="line end"):
            await link.action("Hangup", {"Channel": "x\r\nAction: Originate"})
        assert ami.asked("Hangup") == []


async def test_a_break_fails_what_is_unfinished_and_nothing_is_sent_again() -> None:
    async with linked() as (ami, link):
        asked = [
            asyncio.create_task(link.originate(CALL)),
            asyncio.create_task(link.play_dtmf("PJSIP/x", "D")),
            asyncio.create_task(link.listing("PJSIPShowContacts")),
        ]
        await until(lambda: len(ami.asked("PJSIPShowContacts")) == 1)
        ami.drop()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [LinkDown] * 3
        await until(lambda: ami.logins == 2)
        await until(lambda: link.connected and link.lag is not None)
        assert [len(ami.asked(name)) for name in ("Originate", "PlayDTMF", "PJSIPShowContacts")] == [1, 1, 1]


async def test_while_the_link_is_down_an_action_fails_at_once() -> None:
    async with linked() as (ami, link):
        await ami.stop()
        await until(lambda: not link.connected)
        with pytest.raises(LinkDown):
            await link.originate(CALL)


async def test_a_cancelled_action_is_forgotten() -> None:
    async with linked() as (ami, link):
        asking = asyncio.create_task(link.play_dtmf("PJSIP/x", "D"))
        await until(lambda: bool(ami.asked("PlayDTMF")))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        ami.respond(ami.asked("PlayDTMF")[0])
        assert await link.live_channels() == []


# -- events


async def test_events_come_in_order_to_every_subscriber_of_their_kind() -> None:
    async with linked() as (ami, link):
        first: list[object] = []
        second: list[object] = []
        link.subscribe(Hungup, first.append)
        link.subscribe(Hungup, second.append)
        link.subscribe(DeviceChanged, second.append)
        for number in range(500):
            hangup(ami, f"{number}.1", number % 100)
            ami.event("DeviceStateChange", Device=f"PJSIP/{number}", State="NOT_INUSE")
        await until(lambda: len(second) == 1000)
    assert [event.call_id for event in first] == [f"{number}.1" for number in range(500)]
    assert [type(event) for event in second] == [Hungup, DeviceChanged] * 500


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_how_the_bytes_are_cut_makes_no_difference_to_events(size: int) -> None:
    async with linked(replace(FAST, measure_every=60)) as (ami, link):
        await until(lambda: link.lag is not None)
        seen: list[ContactChanged] = []
        link.subscribe(ContactChanged, seen.append)
        data = "Event: ContactStatus\r\nEndpointName: एजेंट\r\nContactStatus: Reachable\r\n\r\n".encode() * 3
        for place in range(0, len(data), size):
            ami.say_bytes(data[place : place + size])
            await asyncio.sleep(0)
        await until(lambda: len(seen) == 3)
    assert {event.endpoint for event in seen} == {"एजेंट"}
    assert all(event.reachable for event in seen)


@pytest.mark.parametrize(
    "lines",
    [
        ["Event: Hangup", "Channel: x"],
        ["Event: Hangup", "Channel: x", "Uniqueid: 1", "Cause: many"],
        ["Event: OriginateResponse"],
    ],
    ids=["no id", "no number", "nothing"],
)
async def test_an_event_that_makes_no_sense_costs_one_log_line(
    lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with linked() as (ami, link):
        seen: list[Hungup] = []
        link.subscribe(Hungup, seen.append)
        ami.say(*lines)
        hangup(ami)
        await until(lambda: len(seen) == 1)
        assert [record.getMessage() for record in caplog.records] == ["An AMI event could not be read"]


@pytest.mark.parametrize(
    "junk", [b"\r\n\r\n", b"\xff\xfe: x\r\n\r\n", b"a: b\r\n\r\n", b"Event:\r\n\r\n", b"\r\n\r\n\r\n"]
)
async def test_garbage_between_events_is_passed_over(junk: bytes) -> None:
    async with linked() as (ami, link):
        seen: list[Hungup] = []
        link.subscribe(Hungup, seen.append)
        ami.say_bytes(junk)
        hangup(ami)
        await until(lambda: len(seen) == 1)


async def test_a_handler_that_fails_does_not_keep_events_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def fail(event: Hungup) -> None:
        raise KeyError("a fault in a handler")

    async with linked() as (ami, link):
        seen: list[Hungup] = []
        link.subscribe(Hungup, fail)
        link.subscribe(Hungup, seen.append)
        hangup(ami)
        hangup(ami)
        await until(lambda: len(seen) == 2)
        assert [record.getMessage() for record in caplog.records] == ["An event's handler failed"] * 2


async def test_events_wait_until_the_live_channels_are_taken_up() -> None:
    order: list[str] = []
    ami = FakeAmi()
    ami.channels = [CHANNEL]
    await ami.start()
    link = AmiLink(replace(FAST, port=ami.port), rng=Random(1))

    async def resync(channels: Sequence[LiveChannel]) -> None:
        hangup(ami)
        await asyncio.sleep(0.02)
        order.append(f"live {channels[0].seconds}")

    link.on_resync(resync)
    link.subscribe(Hungup, lambda event: order.append("hung up"))
    await link.start()
    await until(lambda: len(order) == 2)
    await link.stop()
    await ami.stop()
    assert order == ["live 65", "hung up"]


async def test_a_resync_handler_that_fails_or_hangs_does_not_stop_the_link(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(channels: Sequence[LiveChannel]) -> None:
        raise KeyError("a fault")

    async def hang(channels: Sequence[LiveChannel]) -> None:
        await asyncio.Event().wait()

    ami = FakeAmi()
    await ami.start()
    link = AmiLink(replace(FAST, port=ami.port, resync_seconds=0.02), rng=Random(1))
    link.on_resync(fail)
    link.on_resync(hang)
    await link.start()
    assert link.connected
    await link.stop()
    await ami.stop()
    assert len(caplog.records) == 2
