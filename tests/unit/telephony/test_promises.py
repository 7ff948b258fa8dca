"""What every `Call` promises: the same claims on the real one (a played Asterisk behind it) and on the scripted one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from telephony.agi import Limits
from telephony.call import Call, Dialled, Digits, Heard
from telephony.errors import HungUp
from telephony.server import FastAgiServer
from telephony.testing import AgiPeer, FakeWaker, ScriptedCall

pytestmark = pytest.mark.unit


class PlayedAsterisk(AgiPeer):
    """A caller who types `keys`: one item for each command that listens first, as `ScriptedCall` takes them."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__(self.reply)
        self.keys = deque(keys)
        self.rest = ""
        self.left = False
        self.outstanding: asyncio.TimerHandle | None = None

    def reply(self, command: str) -> str | None:
        if self.left:
            if "BRIDGERESULT" in command:
                return "200 result=1 (SUCCESS|)"
            return "200 result=0" if command.startswith(("SET VAR", "GET VAR", "GET FULL")) else "511 dead"
        words = command.split()
        if command.startswith("STREAM FILE"):
            listens = words[3] != '""'
            return f"200 result={self._key() if listens else 0} endpos=0"
        if command.startswith("WAIT FOR DIGIT"):
            key = self._key()
            return f"200 result={key}" if key else self._later(int(words[3]) / 1000)
        if command.startswith("GET DATA"):
            keys, end, _ = self.rest.partition("#")
            keys = keys[: int(words[4])]
            return f"200 result={keys}" + ("" if end or len(keys) == int(words[4]) else " (timeout)")
        if command.startswith(("EXEC Dial", "EXEC Bridge")):
            return self._later(5)
        if command.startswith("RECORD"):
            return self._later(5)
        if "BRIDGERESULT" in command:
            return "200 result=1 (SUCCESS|)"
        return "200 result=1 (CANCEL|0||)" if command.startswith("GET FULL") else "200 result=0"

    def hang_up(self) -> None:
        self.left = True
        if self.outstanding is not None:
            self.finish("200 result=-1")
        self.say("HANGUP")

    def finish(self, answer: str) -> None:
        assert self.outstanding is not None
        self.outstanding.cancel()
        self.outstanding = None
        self.say(answer)

    def _later(self, seconds: float) -> None:
        self.outstanding = asyncio.get_running_loop().call_later(seconds, self.finish, "200 result=0")

    def _key(self) -> int:
        typed = self.keys.popleft() if self.keys else ""
        self.rest = typed[1:]
        return ord(typed[0]) if typed else 0


Hang = Callable[[], None]


@asynccontextmanager
async def real(keys: Iterable[str] = ()) -> AsyncIterator[tuple[Call, Hang]]:
    peer, waker = PlayedAsterisk(keys), FakeWaker()
    waker.on_digit = lambda channel, digit: peer.finish(f"200 result={ord(digit)}") if peer.outstanding else None
    came: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def flow(call: Call) -> None:
        came.set_result(call)
        await over.wait()

    server = FastAgiServer("127.0.0.1", 0, flow, waker, limits=Limits(command_seconds=2))
    await server.start()
    await peer.connect(server.host, server.port)
    try:
        yield await came, peer.hang_up
    finally:
        over.set()
        if peer.outstanding is not None:
            peer.outstanding.cancel()
        await peer.close()
        await server.stop()


@asynccontextmanager
async def scripted(keys: Iterable[str] = ()) -> AsyncIterator[tuple[Call, Hang]]:
    call = ScriptedCall(keys=keys, dials=[Dialled("BUSY", 17, 5.0)])
    yield call, call.caller_hangs_up


both = pytest.mark.parametrize("made", [real, scripted])
Made = Callable[..., "asynccontextmanager[tuple[Call, Hang]]"]


@both
async def test_a_wake_before_the_wait_is_not_lost_and_counts_once(made: Made) -> None:
    async with made() as (call, _):
        call.wake()
        call.wake()
        assert await call.wait(30) == Heard(woken=True)
        assert await call.wait(0.01) == Heard()


@both
async def test_a_wake_ends_a_wait_that_runs(made: Made) -> None:
    async with made() as (call, _):
        asyncio.get_running_loop().call_later(0.02, call.wake)
        async with asyncio.timeout(1):
            assert await call.wait(30) == Heard(woken=True)


@both
async def test_what_is_not_wakeable_keeps_the_wake_for_what_is(made: Made) -> None:
    async with made(["1"]) as (call, _):
        call.wake()
        assert await call.wait(5, keys="1", wakeable=False) == Heard("1")
        assert await call.play("a", wakeable=True) == Heard(woken=True)


@both
async def test_a_prompt_returns_the_key_that_cut_in(made: Made) -> None:
    async with made(["", "5"]) as (call, _):
        assert await call.play("a", keys="5") == Heard()
        assert await call.play("a", keys="5") == Heard("5")
        assert await call.play("a") == Heard()


@both
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("123", Digits("123", "full")),
        ("12#", Digits("12", "end")),
        ("#", Digits("", "end")),
        ("12", Digits("12", "silence")),
        ("", Digits("", "silence")),
    ],
)
async def test_ask_tells_how_the_typing_ended(made: Made, typed: str, expected: Digits) -> None:
    async with made([typed]) as (call, _):
        assert await call.ask(digits=3, seconds=0.02, gap=0.02) == expected


@both
@pytest.mark.parametrize(
    "verb",
    [
        lambda call: call.wait(30),
        lambda call: call.ask(digits=3, seconds=30),
        lambda call: call.record(Path("/r/a.wav"), max_seconds=30, silence_seconds=3, beep=False),
        lambda call: call.dial("x", ring_seconds=30),
        lambda call: call.bridge("PJSIP/agent-1001-0000000b"),
    ],
    ids=["wait", "ask", "record", "dial", "bridge"],
)
async def test_a_hang_up_ends_the_verb_that_runs_and_every_one_after_it(
    made: Made, verb: Callable[[Call], asyncio.Future[object]]
) -> None:
    async with made() as (call, hang_up):
        asyncio.get_running_loop().call_later(0.02, hang_up)
        with pytest.raises(HungUp) as caught:
            await verb(call)
        assert not caught.value.transferred
        assert call.gone
        for after in (call.answer(), call.play("a"), call.wait(1), call.music(True), call.dial("x", ring_seconds=1)):
            with pytest.raises(HungUp):
                await after
        await call.set("kept", "yes")
        await call.hang_up()


@both
async def test_a_hang_up_while_it_rings_is_a_cancelled_dial(made: Made) -> None:
    async with made() as (call, hang_up):
        asyncio.get_running_loop().call_later(0.05, hang_up)
        with pytest.raises(HungUp) as caught:
            await call.dial("x", ring_seconds=30)
        dialled = caught.value.dialled
        assert dialled is not None
        assert not dialled.answered
        assert dialled.ring_seconds == pytest.approx(0.05, abs=0.04)


@both
async def test_a_hang_up_in_a_bridge_tells_how_long_they_talked(made: Made) -> None:
    async with made() as (call, hang_up):
        asyncio.get_running_loop().call_later(0.3, hang_up)
        with pytest.raises(HungUp) as caught:
            await call.bridge("PJSIP/agent-1001-0000000b")
        dialled = caught.value.dialled
        assert dialled is not None
        assert dialled.answered
        assert dialled.talk_seconds == pytest.approx(0.3, abs=0.08)


@both
async def test_a_recording_that_a_hang_up_ends_is_told(made: Made) -> None:
    async with made() as (call, hang_up):
        asyncio.get_running_loop().call_later(0.02, hang_up)
        with pytest.raises(HungUp) as caught:
            await call.record(Path("/r/a.wav"), max_seconds=30, silence_seconds=3, beep=False)
        assert caught.value.recorded is not None
        assert caught.value.recorded.ended == "hang_up"


@both
async def test_hanging_up_raises_nothing(made: Made) -> None:
    async with made() as (call, _):
        await call.hang_up()
        await call.hang_up()
        assert call.gone
        with pytest.raises(HungUp):
            await call.play("a")
