"""What the real Call sends and how it takes what Asterisk answers. Answers are those Asterisk 22 gave in live tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from telephony import agi_call
from telephony.agi import Limits
from telephony.call import Call, Dialled, Digits, Heard, Recorded
from telephony.errors import CommandRefused, HungUp
from telephony.events import DialEnded
from telephony.server import FastAgiServer
from telephony.testing import AgiPeer, FakeWaker

pytestmark = pytest.mark.unit

T = TypeVar("T")
HUNG_UP = "200 result=-1\nHANGUP"


class Asterisk(AgiPeer):
    """Answers each command by the first script line it begins with; a list is used up in order."""

    def __init__(self, **script: str | list[str | None] | None) -> None:
        super().__init__(self.reply)
        self.script = {name.replace("_", " "): value for name, value in script.items()}
        self.waker = FakeWaker()

    def reply(self, command: str) -> str | None:
        for name, value in self.script.items():
            if command.startswith(name):
                return (value.pop(0) if value else "200 result=0") if isinstance(value, list) else value
        return "200 result=0"

    def sent(self, verb: str) -> list[str]:
        return [command for command in self.commands if command.startswith(verb)]

    async def run(self, flow: Callable[[Call], Coroutine[Any, Any, T]]) -> T:
        """Serve this one call with `flow`; return or raise what the flow did."""
        ended: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def handler(call: Call) -> None:
            outcome = await asyncio.gather(flow(call), return_exceptions=True)
            if isinstance(outcome[0], BaseException):
                ended.set_exception(outcome[0])
            else:
                ended.set_result(outcome[0])

        self.server = FastAgiServer("127.0.0.1", 0, handler, self.waker, limits=Limits(command_seconds=2))
        await self.server.start()
        try:
            await self.connect(self.server.host, self.server.port)
            async with asyncio.timeout(5):
                return await ended
        finally:
            await self.close()
            await self.server.stop()


# -- play


async def test_prompts_are_played_in_order_and_a_key_cuts_in() -> None:
    asterisk = Asterisk(STREAM_FILE=["200 result=0 endpos=800", "200 result=53 endpos=80", "200 result=0"])
    assert await asterisk.run(lambda call: call.play("a", "b", "c", keys="45")) == Heard("5")
    assert asterisk.sent("STREAM") == ['STREAM FILE "a" "45" 0', 'STREAM FILE "b" "45" 0']


async def test_a_missing_prompt_is_passed_over_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    asterisk = Asterisk(STREAM_FILE=["200 result=-1 endpos=0", "200 result=0", "200 result=-1 endpos=0"])

    async def flow(call: Call) -> Heard:
        await call.play("missing", "there")
        return await call.play("missing")

    assert await asterisk.run(flow) == Heard()
    assert len(asterisk.sent("STREAM")) == 3
    assert [record.getMessage()[:27] for record in caplog.records] == ["A prompt cannot be played; "]


async def test_a_hang_up_in_a_prompt_is_not_taken_for_a_missing_file(caplog: pytest.LogCaptureFixture) -> None:
    asterisk = Asterisk(STREAM_FILE=HUNG_UP.replace("-1", "-1 endpos=0"))
    with pytest.raises(HungUp):
        await asterisk.run(lambda call: call.play("a"))
    assert caplog.records == []


async def test_a_hang_up_is_known_by_the_answer_to_one_more_command_at_the_latest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asterisk = Asterisk(STREAM_FILE="200 result=-1 endpos=0", GET_FULL="HANGUP\n200 result=0")
    with pytest.raises(HungUp):
        await asterisk.run(lambda call: call.play("a"))
    assert caplog.records == []


async def test_a_hangup_line_between_command_and_answer_is_not_the_answer() -> None:
    asterisk = Asterisk(WAIT="HANGUP\n200 result=-1", GET_VARIABLE="200 result=1 (kept)")

    async def flow(call: Call) -> str:
        with pytest.raises(HungUp):
            await call.wait(5)
        return await call.get("x")

    assert await asterisk.run(flow) == "kept"


async def test_a_d_that_is_not_ours_does_not_end_a_prompt_it_goes_on_where_it_stopped() -> None:
    asterisk = Asterisk(STREAM_FILE=["200 result=68 endpos=4000", "200 result=0 endpos=9000"])
    assert await asterisk.run(lambda call: call.play("a", keys="1", wakeable=True)) == Heard()
    assert asterisk.sent("STREAM") == ['STREAM FILE "a" "1D" 0', 'STREAM FILE "a" "1D" 4000']


async def test_keys_that_no_telephone_has_are_refused() -> None:
    with pytest.raises(ValueError, match="keys of a telephone"):
        await Asterisk().run(lambda call: call.play("a", keys="1D"))


# -- wait and wake


async def test_a_wake_before_the_wait_makes_it_return_at_once() -> None:
    asterisk = Asterisk()

    async def flow(call: Call) -> Heard:
        call.wake()
        return await call.wait(30)

    assert await asterisk.run(flow) == Heard(woken=True)
    assert asterisk.sent("WAIT") == []


async def test_a_wake_during_the_wait_ends_it_by_a_digit_and_is_used_up() -> None:
    asterisk = Asterisk(WAIT=None)
    asterisk.waker.on_digit = lambda channel, digit: asterisk.say(f"200 result={ord(digit)}")

    async def flow(call: Call) -> tuple[Heard, Heard]:
        asyncio.get_running_loop().call_later(0.01, call.wake)
        first = await call.wait(30)
        asterisk.script["WAIT"] = "200 result=0"
        return first, await call.wait(0)

    assert await asterisk.run(flow) == (Heard(woken=True), Heard())
    assert asterisk.waker.digits == [("PJSIP/trunk-00000001", "D")]


async def test_the_wake_is_repeated_until_the_command_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agi_call, "WAKE_AGAIN_SECONDS", 0.01)
    asterisk = Asterisk(WAIT=None)

    def on_digit(channel: str, digit: str) -> None:
        if len(asterisk.waker.digits) == 3:
            asterisk.say("200 result=68")

    asterisk.waker.on_digit = on_digit

    async def flow(call: Call) -> Heard:
        asyncio.get_running_loop().call_later(0.01, call.wake)
        return await call.wait(30)

    assert await asterisk.run(flow) == Heard(woken=True)
    assert len(asterisk.waker.digits) == 3


async def test_with_the_ami_link_down_a_wake_is_seen_at_the_end_of_the_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agi_call, "SLICE_SECONDS", 0.05)
    asterisk = Asterisk(WAIT=None)
    asterisk.waker.down = True

    def reply(command: str) -> str | None:
        if command.startswith("WAIT"):
            asyncio.get_running_loop().call_later(0.05, asterisk.say, "200 result=0")
            return None
        return "200 result=0"

    asterisk._answer = reply

    async def flow(call: Call) -> Heard:
        asyncio.get_running_loop().call_later(0.01, call.wake)
        return await call.wait(30)

    assert await asterisk.run(flow) == Heard(woken=True)
    assert asterisk.sent("WAIT") == ["WAIT FOR DIGIT 50"]


async def test_a_d_from_the_caller_and_keys_that_were_not_asked_for_do_not_end_a_wait() -> None:
    asterisk = Asterisk(WAIT=["200 result=68", "200 result=52", "200 result=53"])
    assert await asterisk.run(lambda call: call.wait(30, keys="5")) == Heard("5")


async def test_a_wake_is_kept_for_the_next_wait_when_a_key_comes_first() -> None:
    asterisk = Asterisk(STREAM_FILE="200 result=49 endpos=0")

    async def flow(call: Call) -> tuple[Heard, Heard]:
        call.wake()
        return await call.play("a", keys="1"), await call.wait(30)

    assert await asterisk.run(flow) == (Heard("1"), Heard(woken=True))


# -- ask


@pytest.mark.parametrize(
    ("script", "digits", "expected"),
    [
        ({"STREAM_FILE": "200 result=49", "GET_DATA": "200 result=23"}, 3, Digits("123", "full")),
        ({"WAIT": "200 result=49", "GET_DATA": "200 result=2"}, 3, Digits("12", "end")),
        ({"WAIT": "200 result=49", "GET_DATA": "200 result="}, 3, Digits("1", "end")),
        ({"WAIT": "200 result=49", "GET_DATA": "200 result=2 (timeout)"}, 3, Digits("12", "silence")),
        ({"WAIT": "200 result=49", "GET_DATA": ["200 result=D2", "200 result=3"]}, 3, Digits("123", "full")),
        ({"WAIT": "200 result=49"}, 1, Digits("1", "full")),
        ({"WAIT": "200 result=35"}, 3, Digits("", "end")),
    ],
    ids=["barge-in", "ended", "ended after one", "too slow", "a stale D", "one", "nothing but #"],
)
async def test_ask_collects_keys(script: dict[str, str | list[str | None]], digits: int, expected: Digits) -> None:
    asterisk = Asterisk(**script)
    assert await asterisk.run(lambda call: call.ask("a", "b", digits=digits)) == expected


async def test_ask_waits_for_a_first_key_and_then_for_each_further_one() -> None:
    asterisk = Asterisk(WAIT=["200 result=0"])

    async def flow(call: Call) -> Digits:
        return await call.ask("a", digits=2, seconds=0.02)

    assert await asterisk.run(flow) == Digits("", "silence")
    assert asterisk.sent("STREAM") == ['STREAM FILE "a" "0123456789*#" 0']
    assert asterisk.sent("GET DATA") == []


async def test_a_hang_up_while_typing_is_a_hang_up() -> None:
    asterisk = Asterisk(STREAM_FILE="200 result=49", GET_DATA=HUNG_UP)
    with pytest.raises(HungUp):
        await asterisk.run(lambda call: call.ask("a", digits=3))


# -- record


@pytest.mark.parametrize(
    ("answer", "silence", "expected"),
    [
        ("200 result=35 (dtmf) endpos=12000", 3, Recorded(1.5, "key", "#")),
        ("200 result=0 (timeout) endpos=40000", 3, Recorded(5.0, "silence")),
        ("200 result=17 (timeout) endpos=40000", 0, Recorded(5.0, "full")),
    ],
)
async def test_record_tells_its_length_and_what_ended_it(answer: str, silence: float, expected: Recorded) -> None:
    asterisk = Asterisk(RECORD=answer)

    async def flow(call: Call) -> Recorded:
        return await call.record(Path("/r/a b.wav"), max_seconds=60, silence_seconds=silence)

    assert await asterisk.run(flow) == expected
    assert asterisk.sent("STREAM") == ['STREAM FILE "beep" "#" 0']
    assert asterisk.sent("RECORD") == ['RECORD FILE "/r/a b" wav "#" 60000' + (" s=3" if silence else "")]


async def test_a_hang_up_in_a_recording_tells_what_was_recorded() -> None:
    asterisk = Asterisk(RECORD="200 result=-1 (hangup) endpos=16000\nHANGUP")
    with pytest.raises(HungUp) as caught:
        await asterisk.run(lambda call: call.record(Path("/r/a.wav"), max_seconds=60, silence_seconds=3))
    assert caught.value.recorded == Recorded(2.0, "hang_up")


async def test_a_folder_that_cannot_be_written_to_is_told() -> None:
    asterisk = Asterisk(RECORD="200 result=-1 (writefile)")
    with pytest.raises(CommandRefused, match=r"can Asterisk write to /r\?"):
        await asterisk.run(lambda call: call.record(Path("/r/a.wav"), max_seconds=60, silence_seconds=3))


# -- dial


def ringing_phone(asterisk: Asterisk, *, rings: float, talks: float, answer: str) -> None:
    """EXEC Dial takes its time; AMI tells of the answer."""

    def reply(command: str) -> str | None:
        if not command.startswith("EXEC Dial"):
            return Asterisk.reply(asterisk, command)
        loop = asyncio.get_running_loop()
        event = DialEnded(
            call_id=next(iter(asterisk.server.calls)), channel="", dest_id="", dest_channel="", status="ANSWER"
        )
        loop.call_later(rings, asterisk.server.dial_ended, event)
        loop.call_later(rings + talks, asterisk.say, answer)
        return None

    asterisk._answer = reply


async def test_a_dial_tells_how_long_it_rang_and_how_long_they_talked() -> None:
    asterisk = Asterisk(GET_FULL="200 result=1 (ANSWER|16|40|PJSIP/agent-1001-0000000b)")
    ringing_phone(asterisk, rings=0.1, talks=0.2, answer="200 result=0")
    dialled = await asterisk.run(lambda call: call.dial("PJSIP/agent-1001", ring_seconds=15))
    assert (dialled.status, dialled.cause, dialled.by) == ("ANSWER", 16, "PJSIP/agent-1001-0000000b")
    assert dialled.ring_seconds == pytest.approx(0.1, abs=0.05)
    assert dialled.talk_seconds == pytest.approx(0.2, abs=0.05)
    assert asterisk.sent("EXEC") == ['EXEC Dial "PJSIP/agent-1001,15,gm(default)"']
    assert "${SHIFT(DIALSTATUS)}" in asterisk.commands[-1]  # reads it, and nobody reads it again


async def test_a_dial_that_fails_tells_why() -> None:
    asterisk = Asterisk(GET_FULL="200 result=1 (BUSY|17||PJSIP/x-0000000b)")
    dialled = await asterisk.run(lambda call: call.dial("x", ring_seconds=5, music=False, caller_id="1076"))
    assert (dialled.status, dialled.cause, dialled.talk_seconds, dialled.by) == ("BUSY", 17, 0.0, "")
    assert not dialled.answered
    assert asterisk.sent("EXEC") == ['EXEC Dial "x,5,gf(1076)"']


async def test_a_caller_who_hangs_up_while_talking_leaves_the_talk_behind() -> None:
    asterisk = Asterisk(GET_FULL="200 result=1 (ANSWER|16|)", GET_VARIABLE="200 result=0")
    ringing_phone(asterisk, rings=0.05, talks=0.1, answer=HUNG_UP)
    with pytest.raises(HungUp) as caught:
        await asterisk.run(lambda call: call.dial("x", ring_seconds=15))
    assert caught.value.dialled is not None
    assert caught.value.dialled.answered
    assert caught.value.dialled.talk_seconds == pytest.approx(0.1, abs=0.05)
    assert not caught.value.transferred


@pytest.mark.parametrize("answer", [HUNG_UP, "200 result=0\nHANGUP"], ids=["refused", "ended"])
async def test_a_blind_transfer_is_told_from_a_hang_up_by_every_verb_after_it(answer: str) -> None:
    asterisk = Asterisk(EXEC_Dial=answer, GET_VARIABLE="200 result=1 (PJSIP/old)", GET_FULL="200 result=1 (ANSWER|0|)")

    async def flow(call: Call) -> list[bool]:
        ends = []
        for verb in (call.dial("x", ring_seconds=5), call.play("a"), call.execute("NoOp"), call.wait(1)):
            with pytest.raises(HungUp) as caught:
                await verb
            ends.append(caught.value.transferred)
        await call.done()
        return ends

    assert await asterisk.run(flow) == [True] * 4
    assert asterisk.sent("SET")[1] == 'SET VARIABLE "BLINDTRANSFER" ""'
    assert "ENGINE_DONE" not in "".join(asterisk.commands)


async def test_several_targets_are_rung_at_once_and_phones_are_asked_to_pick_up_by_themselves() -> None:
    asterisk = Asterisk(GET_FULL="200 result=1 (NOANSWER|0||)")
    targets = ("PJSIP/agent-1001", "PJSIP/agent-1002")
    await asterisk.run(lambda call: call.dial(targets, ring_seconds=5, auto_answer=True))
    assert asterisk.sent("EXEC") == [
        'EXEC Dial "PJSIP/agent-1001&PJSIP/agent-1002,5,gm(default)b(auto-answer^s^1)"',
    ]


# -- bridge

LINE = "PJSIP/agent-1001-0000000b"


def talking(asterisk: Asterisk, *, seconds: float, answer: str = "200 result=0") -> None:
    """EXEC Bridge lasts that long."""

    def reply(command: str) -> str | None:
        if not command.startswith("EXEC Bridge"):
            return Asterisk.reply(asterisk, command)
        asyncio.get_running_loop().call_later(seconds, asterisk.say, answer)
        return None

    asterisk._answer = reply


async def test_a_bridge_stops_the_music_first_and_tells_how_long_they_talked() -> None:
    asterisk = Asterisk(GET_FULL="200 result=1 (SUCCESS|)")
    talking(asterisk, seconds=0.3)
    dialled = await asterisk.run(lambda call: call.bridge(LINE, tone=True))
    assert dialled == Dialled("ANSWER", 16, 0.0, dialled.talk_seconds, LINE)
    assert dialled.talk_seconds == pytest.approx(0.3, abs=0.08)
    assert [command for command in asterisk.commands if command.startswith(("SET MUSIC", "EXEC"))] == [
        "SET MUSIC OFF default",
        f'EXEC Bridge "{LINE},p"',
    ]
    assert asterisk.commands[-1] == 'GET FULL VARIABLE "${SHIFT(BRIDGERESULT)}|${BLINDTRANSFER}"'


@pytest.mark.parametrize(
    ("told", "status"),
    [("NONEXISTENT", "CHANUNAVAIL"), ("SUCCESS", "CHANUNAVAIL"), ("FAILURE", "FAILED"), ("", "FAILED")],
    ids=["gone", "gone-as-it-was-taken", "failed", "nothing-told"],
)
async def test_a_bridge_to_a_channel_that_is_gone_was_no_talk(told: str, status: str) -> None:
    asterisk = Asterisk(GET_FULL=f"200 result=1 ({told}|)")
    dialled = await asterisk.run(lambda call: call.bridge(LINE))
    assert (dialled.status, dialled.talk_seconds, dialled.by) == (status, 0.0, "")
    assert asterisk.sent("EXEC") == [f'EXEC Bridge "{LINE}"']


@pytest.mark.parametrize(("transferred", "variable"), [(False, "0"), (True, "1 (PJSIP/agent-1001-0000000b)")])
async def test_a_caller_who_leaves_a_bridge_leaves_the_talk_behind(transferred: bool, variable: str) -> None:
    """Bridge answers 0 for this too, and HANGUP follows."""
    asterisk = Asterisk(GET_VARIABLE_BLINDTRANSFER=f"200 result={variable}", GET_FULL="HANGUP\n200 result=1 (SUCCESS|)")
    talking(asterisk, seconds=0.3)
    with pytest.raises(HungUp) as caught:
        await asterisk.run(lambda call: call.bridge(LINE))
    assert caught.value.transferred is transferred
    assert caught.value.dialled is not None
    assert caught.value.dialled.answered
    assert caught.value.dialled.talk_seconds == pytest.approx(0.3, abs=0.08)


async def test_a_channel_that_a_bridge_takes_has_not_hung_up() -> None:
    """What is left in the session answers as Asterisk's stand-in for the channel."""
    asterisk = Asterisk(WAIT=HUNG_UP, GET_FULL=f"200 result=1 (Surrogate/{LINE})")

    async def flow(call: Call) -> list[bool]:
        ends = []
        for verb in (call.wait(3600, wakeable=False), call.play("a")):
            with pytest.raises(HungUp) as caught:
                await verb
            ends.append(caught.value.taken)
        await call.done()
        return ends

    assert await asterisk.run(flow) == [True, True]
    assert "ENGINE_DONE" not in "".join(asterisk.commands)


async def test_a_dial_whose_result_cannot_be_read_still_ends() -> None:
    asterisk = Asterisk(GET_FULL="510 Invalid or unknown command")
    dialled = await asterisk.run(lambda call: call.dial("x", ring_seconds=5))
    assert dialled.status == "FAILED"
    assert Dialled("FAILED", 0, dialled.ring_seconds) == dialled


# -- the rest


@pytest.mark.parametrize(
    "answer", ["510 Invalid or unknown command", "520-Usage: x\n more\n520 End of proper usage."], ids=["510", "520"]
)
async def test_a_command_that_asterisk_refuses_is_told_with_its_answer(answer: str) -> None:
    with pytest.raises(CommandRefused, match=answer.partition("\n")[0]):
        await Asterisk(EXEC=answer).run(lambda call: call.answer())


async def test_an_application_that_does_not_exist_is_told() -> None:
    with pytest.raises(CommandRefused, match="no such application"):
        await Asterisk(EXEC="200 result=-2").run(lambda call: call.execute("Nope"))


async def test_a_dead_channel_is_a_hang_up() -> None:
    with pytest.raises(HungUp):
        await Asterisk(STREAM="511 Command Not Permitted on a dead channel").run(lambda call: call.play("a"))


async def test_a_failed_application_is_not_a_hang_up() -> None:
    assert await Asterisk(EXEC="200 result=-1").run(lambda call: call.execute("Fails")) == "-1"


async def test_hang_up_raises_nothing_and_is_the_end() -> None:
    async def flow(call: Call) -> bool:
        await call.hang_up()
        await call.hang_up()
        with pytest.raises(HungUp):
            await call.play("a")
        return call.gone

    asterisk = Asterisk(HANGUP="200 result=1\nHANGUP")
    assert await asterisk.run(flow)
    assert len(asterisk.sent("HANGUP")) == 1


async def test_a_variable_with_percent_and_parentheses_is_read_whole() -> None:
    asterisk = Asterisk(GET_VARIABLE=["200 result=1 (100%s (a) %41)", "200 result=0"])

    async def flow(call: Call) -> list[str]:
        return [await call.get("x"), await call.get("unset")]

    assert await asterisk.run(flow) == ["100%s (a) %41", ""]


async def test_two_verbs_at_once_are_a_fault_of_the_flow() -> None:
    async def flow(call: Call) -> None:
        waiting = asyncio.create_task(call.wait(30))
        await asyncio.sleep(0.01)
        try:
            await call.play("a")
        finally:
            waiting.cancel()

    with pytest.raises(RuntimeError, match="two verbs at once"):
        await Asterisk(WAIT=None).run(flow)


async def test_a_verb_that_was_cancelled_ends_the_session() -> None:
    async def flow(call: Call) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await call.wait(30)
        await call.play("a")

    asterisk = Asterisk(WAIT=None)
    with pytest.raises(CommandRefused, match="abandoned"):
        await asterisk.run(flow)
    assert asterisk.sent("STREAM") == []


@pytest.mark.parametrize(
    "verb",
    [
        lambda call: call.set("x", "a\nHANGUP"),
        lambda call: call.play("a\nb"),
        lambda call: call.execute("Dial\nHANGUP"),
        lambda call: call.dial("PJSIP/a,1,g", ring_seconds=1),
    ],
    ids=["set", "play", "execute", "dial"],
)
async def test_nothing_a_caller_typed_can_become_a_command(verb: Callable[[Call], Awaitable[object]]) -> None:
    asterisk = Asterisk()
    with pytest.raises(ValueError, match=r"of more than one line|a comma"):
        await asterisk.run(verb)
    assert not any(command.startswith(("HANGUP", "EXEC")) for command in asterisk.commands)
