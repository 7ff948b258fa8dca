"""The live link against a real Asterisk: the wake, the hang-up, keys, recordings, a lost AMI link."""

from __future__ import annotations

import asyncio
import time
import wave
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from asterisk_conf.instance import Instance
from telephony.call import Call, Digits, Heard
from telephony.errors import CommandRefused
from tests.live.engine import HELLO, Engine, Flow, after, hanging_up, pressing, running_engine
from tests.live.sip_peer import SILENT_A_LAW, Leg

pytestmark = pytest.mark.live

WITHOUT_A_REPEAT = 0.2
"""Seconds in which the first digit must have done it (1 ms on an idle machine); it is repeated after 0.25 s."""


@pytest.fixture
async def engine(asterisk: Instance) -> AsyncIterator[Engine]:
    async with running_engine(asterisk) as engine:
        yield engine


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
        with pytest.raises(CommandRefused, match="can Asterisk write"):
            await call.record(Path("/proc/nowhere/x.wav"), max_seconds=1, silence_seconds=0, beep=False)
        return await call.wait(0.1)

    assert await engine.call(flow) == Heard()


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
