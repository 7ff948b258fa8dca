"""The live link against a real Asterisk: wake, hang-up, keys, recordings, dials, outgoing calls, a lost AMI link."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from asterisk_conf.instance import Instance
from asterisk_conf.sounds import write_tone
from telephony.ami import AmiLink, AmiSettings
from telephony.call import Call, CallId, Digits, Heard
from telephony.errors import ActionRefused, HungUp
from telephony.events import BlindTransferred, DialBegan, DialEnded, Hungup
from telephony.originate import Originate, Originated
from telephony.server import FastAgiServer
from tests.live.sip_peer import SILENT_A_LAW, Leg, SipPeer

pytestmark = pytest.mark.live

T = TypeVar("T")
Flow = Callable[[Call], Coroutine[Any, Any, T]]
Doing = Callable[[Leg], Awaitable[object]]

HELLO = "helpline/test/hello"
"""A prompt of two seconds."""
WITHOUT_A_REPEAT = 0.2
"""Seconds in which the first digit must have done it (1 ms on an idle machine); it is repeated after 0.25 s."""


class Engine:
    """A controller whose flow each test gives, and the telephone network on the other side of the trunk."""

    def __init__(self, asterisk: Instance) -> None:
        settings = asterisk.settings
        self.asterisk = asterisk
        self.link = AmiLink(
            AmiSettings(host="127.0.0.1", port=settings.ami_port, user=settings.ami_user, secret=asterisk.ami_secret()),
            rng=Random(1),
        )
        self.server = FastAgiServer(*settings.agi, self._handle, self.link)
        self.link.subscribe(DialEnded, self.server.dial_ended)
        self.peer = SipPeer((settings.bind, settings.sip_port))
        self.sessions = 0
        self._flow: Flow[object] | None = None
        self._ended: asyncio.Queue[object] = asyncio.Queue()

    async def start(self) -> None:
        trunk = self.asterisk.settings.trunk
        await self.server.start()
        await self.link.start()
        await self.peer.open(trunk.host, trunk.port)

    async def stop(self) -> None:
        self.peer.close()
        await self.server.stop()
        await self.link.stop()

    async def _handle(self, call: Call) -> None:
        self.sessions += 1
        assert self._flow is not None
        [outcome] = await asyncio.gather(self._flow(call), return_exceptions=True)
        self._ended.put_nowait(outcome)
        if isinstance(outcome, RuntimeError):
            raise outcome
        with contextlib.suppress(HungUp):
            await call.done()

    async def call(self, flow: Flow[T], doing: Doing | None = None) -> T:
        """A citizen calls 1076 and does `doing`; what the flow returned or raised."""
        self._flow = flow
        leg = await self.peer.call("1076")
        try:
            if doing is not None:
                await doing(leg)
            async with asyncio.timeout(15):
                outcome = await self._ended.get()
        finally:
            if not leg.ended.is_set():
                leg.hang_up()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome  # type: ignore[return-value]

    async def gone(self, flow: Flow[object], doing: Doing) -> HungUp:
        """As `call`, for a flow that is to end by a hang-up."""
        with pytest.raises(HungUp) as caught:
            await self.call(flow, doing)
        return caught.value


@pytest.fixture
async def engine(asterisk: Instance) -> AsyncIterator[Engine]:
    write_tone(asterisk.settings.prompts_folder / "test" / "hello.wav", hertz=600, seconds=2)
    engine = Engine(asterisk)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def after(seconds: float, do: Callable[[Leg], None]) -> Doing:
    async def doing(leg: Leg) -> None:
        await asyncio.sleep(seconds)
        do(leg)

    return doing


def pressing(keys: str, *, every: float = 0.12) -> Doing:
    async def doing(leg: Leg) -> None:
        await asyncio.sleep(0.3)
        for key in keys:
            leg.press(key)
            await asyncio.sleep(every)

    return doing


hanging_up = after(0.4, Leg.hang_up)

# -- waking


async def woken_times(call: Call, times: int, verb: Callable[[], Coroutine[Any, Any, Heard]]) -> list[float]:
    """How long each wake took; 30 s for one that was lost."""
    taken: list[float] = []
    loop = asyncio.get_running_loop()
    for number in range(times):
        woken_at = 0.0

        def wake() -> None:
            nonlocal woken_at
            woken_at = time.perf_counter()
            call.wake()

        # From before the command reaches Asterisk until well after it: each moment must do.
        loop.call_later(number % 10 * 0.002, wake)
        assert await verb() == Heard(woken=True)
        taken.append(time.perf_counter() - woken_at)
    return sorted(taken)


async def test_fifty_wakes_are_never_lost_and_take_milliseconds(engine: Engine) -> None:
    async def flow(call: Call) -> list[float]:
        await call.music(True)
        return await woken_times(call, 50, lambda: call.wait(30))

    taken = await engine.call(flow)
    assert taken[25] < WITHOUT_A_REPEAT
    # Slices of the wait are 2 s: less than that, and the digit did it.
    assert taken[-1] < 1.5


async def test_a_prompt_is_woken_too(engine: Engine) -> None:
    async def flow(call: Call) -> list[float]:
        return await woken_times(call, 20, lambda: call.play(HELLO, wakeable=True))

    taken = await engine.call(flow)
    assert taken[10] < WITHOUT_A_REPEAT
    assert taken[-1] < 1.0


async def test_with_the_ami_link_gone_a_wait_is_woken_within_its_slice(engine: Engine) -> None:
    async def flow(call: Call) -> float:
        await engine.link.stop()
        asyncio.get_running_loop().call_later(0.2, call.wake)
        began = time.perf_counter()
        assert await call.wait(30) == Heard(woken=True)
        return time.perf_counter() - began

    assert await engine.call(flow) < 2.5


async def test_a_caller_who_sends_a_d_wakes_nobody(engine: Engine) -> None:
    async def flow(call: Call) -> tuple[Heard, float]:
        began = time.perf_counter()
        return await call.play(HELLO, keys="5", wakeable=True), time.perf_counter() - began

    heard, seconds = await engine.call(flow, pressing("DD", every=0.5))
    assert heard == Heard()
    assert seconds == pytest.approx(2.0, abs=0.4)


# -- prompts and keys


async def test_a_missing_prompt_does_not_end_the_call(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    async def flow(call: Call) -> tuple[Heard, Heard]:
        return await call.play("helpline/test/missing", "helpline/test/missing"), await call.play(HELLO, keys="1")

    assert await engine.call(flow, after(0.5, lambda leg: leg.press("1"))) == (Heard(), Heard("1"))
    missing = [record for record in caplog.records if "cannot be played" in record.getMessage()]
    assert len(missing) == 1


async def test_a_key_cuts_into_a_prompt_and_others_do_not(engine: Engine) -> None:
    async def flow(call: Call) -> tuple[Heard, float]:
        began = time.perf_counter()
        return await call.play(HELLO, HELLO, keys="45"), time.perf_counter() - began

    heard, seconds = await engine.call(flow, pressing("95", every=0.3))
    assert heard == Heard("5")
    assert seconds < 1.5


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1234", Digits("1234", "full")),
        ("12#", Digits("12", "end")),
        ("#", Digits("", "end")),
        ("12", Digits("12", "silence")),
        ("*0D9", Digits("*09", "silence")),
    ],
    ids=["all", "ended", "at once ended", "too few", "with a D"],
)
async def test_ask_takes_what_is_typed_over_the_prompt(engine: Engine, typed: str, expected: Digits) -> None:
    async def flow(call: Call) -> Digits:
        return await call.ask(HELLO, HELLO, digits=4, seconds=0.5, gap=0.6)

    assert await engine.call(flow, pressing(typed)) == expected


async def test_twelve_digits_typed_as_fast_as_a_telephone_can_are_all_taken(engine: Engine) -> None:
    async def flow(call: Call) -> Digits:
        return await call.ask(HELLO, digits=12)

    assert await engine.call(flow, pressing("123456789012", every=0.1)) == Digits("123456789012", "full")


# -- hanging up


async def test_a_hang_up_is_seen_in_every_verb_that_waits(engine: Engine, tmp_path: Path) -> None:
    engine.peer.answer_seconds = 10
    verbs: dict[str, Flow[object]] = {
        "wait": lambda call: call.wait(30),
        "play": lambda call: call.play(HELLO),
        "ask": lambda call: call.ask(digits=4, seconds=10),
        "record": lambda call: call.record(tmp_path / "x.wav", max_seconds=20, silence_seconds=0),
        "dial": lambda call: call.dial("PJSIP/ring@trunk", ring_seconds=20),
    }
    for verb in verbs.values():
        began = time.perf_counter()
        end = await engine.gone(verb, hanging_up)
        assert time.perf_counter() - began < 1.0
        assert not end.transferred


async def test_a_hang_up_between_two_verbs_is_seen_by_the_next(engine: Engine) -> None:
    async def flow(call: Call) -> None:
        while not call.gone:
            await asyncio.sleep(0.01)
        await call.set("kept", "yes")
        assert await call.get("kept") == "yes"
        await call.play(HELLO)

    await engine.gone(flow, hanging_up)


async def test_hang_up_ends_the_citizens_call(engine: Engine) -> None:
    async def flow(call: Call) -> None:
        await call.hang_up()

    async def doing(leg: Leg) -> None:
        async with asyncio.timeout(2):
            await leg.ended.wait()

    await engine.call(flow, doing)


# -- recording


async def test_a_message_is_recorded_until_the_key(engine: Engine) -> None:
    file = engine.asterisk.settings.recordings_folder / "message.wav"

    async def doing(leg: Leg) -> None:
        await asyncio.sleep(0.5)
        await leg.speak(2.0)
        leg.press("#")

    recorded = await engine.call(lambda call: call.record(file, max_seconds=20, silence_seconds=0), doing)
    assert (recorded.ended, recorded.key) == ("key", "#")
    with wave.open(str(file)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(recorded.seconds, abs=0.1)
    assert recorded.seconds == pytest.approx(1.8, abs=0.4)


async def test_silence_or_the_limit_ends_a_recording(engine: Engine) -> None:
    folder = engine.asterisk.settings.recordings_folder

    async def doing(leg: Leg) -> None:
        await leg.speak(1.0)
        await leg.speak(3.0, SILENT_A_LAW * 160)

    async def silence(call: Call) -> str:
        return (await call.record(folder / "s.wav", max_seconds=20, silence_seconds=1.5, beep=False)).ended

    async def limit(call: Call) -> str:
        return (await call.record(folder / "l.wav", max_seconds=1, silence_seconds=0, beep=False)).ended

    assert await engine.call(silence, doing) == "silence"
    assert await engine.call(limit, doing) == "full"


async def test_what_was_recorded_before_a_hang_up_is_kept(engine: Engine) -> None:
    file = engine.asterisk.settings.recordings_folder / "broken.wav"

    async def doing(leg: Leg) -> None:
        await asyncio.sleep(0.5)
        await leg.speak(1.5)
        leg.hang_up()

    end = await engine.gone(lambda call: call.record(file, max_seconds=20, silence_seconds=0), doing)
    assert end.recorded is not None
    assert end.recorded.seconds == pytest.approx(1.5, abs=0.5)
    assert file.stat().st_size > 16_000


async def test_a_folder_that_is_not_there_is_not_taken_for_a_hang_up(engine: Engine, tmp_path: Path) -> None:
    async def flow(call: Call) -> Heard:
        with pytest.raises(Exception, match="can Asterisk write"):
            await call.record(Path("/proc/nowhere/x.wav"), max_seconds=1, silence_seconds=0, beep=False)
        return await call.wait(0.1)

    assert await engine.call(flow) == Heard()


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
    for kind in (DialBegan, DialEnded, Hungup):
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
    while len(seen) < 4:
        await asyncio.sleep(0.01)
    began, ended = seen[:2]
    assert isinstance(began, DialBegan)
    assert isinstance(ended, DialEnded)
    assert ended.answered
    assert began.dest_id == ended.dest_id
    assert began.call_id == ended.call_id != ""


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


# -- the AMI link


async def test_a_dropped_ami_link_is_made_anew_and_wakes_work_again(engine: Engine) -> None:
    resyncs: list[list[str]] = []

    async def resync(channels: object) -> None:
        resyncs.append([channel.call_id for channel in channels])  # type: ignore[attr-defined]

    engine.link.on_resync(resync)

    async def flow(call: Call) -> list[float]:
        shown = await engine.asterisk.cli("manager show connected")
        for line in shown.splitlines():
            if (words := line.split()) and words[0] == engine.asterisk.settings.ami_user:
                await engine.asterisk.cli(f"manager kick session {words[4]}")
        async with asyncio.timeout(8):
            while not resyncs:
                await asyncio.sleep(0.01)
        assert resyncs == [[call.id]]
        return await woken_times(call, 5, lambda: call.wait(30))

    assert (await engine.call(flow))[-1] < 1.5


async def test_the_keep_alive_tells_a_lag_of_milliseconds(engine: Engine) -> None:
    async with asyncio.timeout(5):
        while engine.link.lag is None:
            await asyncio.sleep(0.01)
    assert engine.link.lag < 0.5
    assert await engine.link.device_state("PJSIP/agent-1001") in ("UNAVAILABLE", "INVALID")
    assert await engine.link.reachable_endpoints() == frozenset()


# -- the server


async def test_a_caller_whose_flow_dies_is_brought_back_by_the_dialplan(engine: Engine) -> None:
    async def flow(call: Call) -> str:
        if engine.sessions == 1:
            raise RuntimeError("the flow dies")
        return call.id

    async def doing(leg: Leg) -> None:
        async with asyncio.timeout(5):
            assert isinstance(await engine._ended.get(), RuntimeError)

    assert await engine.call(flow, doing)
    assert engine.sessions == 2
