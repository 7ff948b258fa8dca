from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from telephony.agi import Limits
from telephony.call import Call
from telephony.errors import CommandTimedOut, HungUp
from telephony.server import FastAgiServer
from telephony.testing import AgiPeer, FakeWaker

pytestmark = pytest.mark.unit

LIMITS = Limits(environment_seconds=0.2, command_seconds=0.2)
Flow = Callable[[Call], Awaitable[None]]


@asynccontextmanager
async def serving(flow: Flow, limits: Limits = LIMITS) -> AsyncIterator[FastAgiServer]:
    before = asyncio.all_tasks()
    server = FastAgiServer("127.0.0.1", 0, flow, FakeWaker(), limits=limits)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        assert not server.calls
        assert [task for task in asyncio.all_tasks() - before if task.get_name() != "agi peer"] == []


async def never(call: Call) -> None:
    raise AssertionError("no call was to be taken")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


async def still_serves(server: FastAgiServer) -> bool:
    """Whether a proper call gets through now."""
    peer = AgiPeer()
    await peer.connect(server.host, server.port)
    await until(lambda: "SET VARIABLE" in "".join(peer.commands) or peer.closed.is_set())
    await peer.close()
    return bool(peer.commands)


@pytest.mark.parametrize(
    "opening",
    [
        b"",
        b"agi_chan",
        b"agi_channel: x\nagi_",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\xff" * 100 + b"\n",
        b"agi_x: y\n" * 10_000,
        b"agi_x: " + b"y" * 100_000,
    ],
    ids=["nothing", "half a line", "half an opening", "http", "garbage", "10,000 lines", "an endless line"],
)
async def test_a_peer_that_is_no_asterisk_costs_one_log_line(opening: bytes, caplog: pytest.LogCaptureFixture) -> None:
    taken: list[Call] = []

    async def flow(call: Call) -> None:
        taken.append(call)

    async with serving(flow) as server:
        peer = AgiPeer()
        await peer.connect(server.host, server.port, opening)
        async with asyncio.timeout(5):
            await peer.closed.wait()
        await peer.close()
        assert taken == []
        await until(lambda: len(caplog.records) == 1)
        assert await still_serves(server)
    assert [record.getMessage() for record in caplog.records] == ["An AGI connection was no call"]


async def test_a_peer_may_close_at_any_byte_of_its_opening(caplog: pytest.LogCaptureFixture) -> None:
    opening = AgiPeer.opening()
    async with serving(never) as server:
        for cut in range(len(opening)):
            _, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(opening[:cut])
            writer.close()
        await until(lambda: len(caplog.records) == len(opening))
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


async def test_a_call_knows_who_calls_whom() -> None:
    seen: list[Call] = []

    async def flow(call: Call) -> None:
        seen.append(call)
        assert server.calls == {call.id: call}

    async with serving(flow) as server:
        peer = AgiPeer()
        await peer.connect(server.host, server.port, AgiPeer.opening(network_script="feedback?x=1", extension="s"))
        await peer.closed.wait()
        await peer.close()
    [call] = seen
    assert (call.id, call.channel) == ("1700000000.1", "PJSIP/trunk-00000001")
    assert (call.caller, call.dialled, call.path) == ("9876543210", "01076", "feedback")


async def test_the_connection_is_closed_as_soon_as_the_flow_ends() -> None:
    async def flow(call: Call) -> None:
        await call.done()

    async with serving(flow) as server:
        peer = AgiPeer()
        await peer.connect(server.host, server.port)
        async with asyncio.timeout(0.2):
            await peer.closed.wait()
        assert peer.commands == ['SET VARIABLE "tries" "0"', 'SET VARIABLE "ENGINE_DONE" "1"']
        await peer.close()


async def test_what_the_dialplan_tells_with_the_call_is_neither_asked_for_nor_set() -> None:
    async def flow(call: Call) -> None:
        await call.answer()
        await call.execute("NoOp")
        await call.done()

    fresh = await commands(flow, arg_1="0", arg_2="Up", arg_3="")
    assert fresh == ['EXEC NoOp ""', 'SET VARIABLE "ENGINE_DONE" "1"']
    returned = await commands(flow, arg_1="3", arg_2="Ring", arg_3="PJSIP/agent-1001-1")
    assert returned == [
        'SET VARIABLE "tries" "0"',
        'EXEC Answer ",i"',
        'SET VARIABLE "BLINDTRANSFER" ""',
        *fresh,
    ]


async def commands(flow: Callable[[Call], Awaitable[None]], **told: str) -> list[str]:
    async with serving(flow) as server:
        peer = AgiPeer()
        await peer.connect(server.host, server.port, AgiPeer.opening(**told))
        async with asyncio.timeout(1):
            await peer.closed.wait()
        await peer.close()
    return peer.commands


async def test_a_flow_that_fails_is_logged_once_and_its_connection_closed(caplog: pytest.LogCaptureFixture) -> None:
    async def flow(call: Call) -> None:
        raise KeyError("a fault in a flow")

    async with serving(flow) as server:
        peer = AgiPeer()
        await peer.connect(server.host, server.port)
        await peer.closed.wait()
        await peer.close()
        assert await still_serves(server)
    failed = [record for record in caplog.records if record.exc_info]
    assert len(failed) == len(caplog.records) == 2  # this call's and the one of still_serves
    assert "ENGINE_DONE" not in "".join(peer.commands)


async def test_a_hang_up_is_an_expected_end(caplog: pytest.LogCaptureFixture) -> None:
    after: list[str] = []

    async def flow(call: Call) -> None:
        try:
            await call.wait(30)
        finally:
            after.append("the after-part")

    def answer(command: str) -> str:
        return "200 result=-1\nHANGUP" if command.startswith("WAIT") else "200 result=0"

    async with serving(flow) as server:
        peer = AgiPeer(answer)
        await peer.connect(server.host, server.port)
        await peer.closed.wait()
        await peer.close()
    assert after == ["the after-part"]
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_command_without_an_answer_ends_the_session_in_time(caplog: pytest.LogCaptureFixture) -> None:
    raised: list[BaseException] = []

    async def flow(call: Call) -> None:
        for _ in range(2):
            try:
                await call.answer()
            except CommandTimedOut as late:
                raised.append(late)
        await call.answer()

    async with serving(flow) as server:
        peer = AgiPeer(lambda command: None if command.startswith("EXEC") else "200 result=1")
        await peer.connect(server.host, server.port)
        async with asyncio.timeout(1):
            await peer.closed.wait()
        await peer.close()
    assert len(raised) == 2
    assert peer.commands[1:] == ['EXEC Answer ",i"']
    assert [record.getMessage() for record in caplog.records] == ["A call's session failed"]


async def test_garbage_in_mid_call_ends_that_session_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def flow(call: Call) -> None:
        await call.wait(30)

    async with serving(flow) as server:
        bad, good = AgiPeer(waiting), AgiPeer(waiting)
        await bad.connect(server.host, server.port, AgiPeer.opening(uniqueid="bad.1"))
        await good.connect(server.host, server.port, AgiPeer.opening(uniqueid="good.1"))
        await until(lambda: len(bad.commands) == len(good.commands) == 2)
        bad.say("neither answer nor hang-up")
        await bad.closed.wait()
        assert list(server.calls) == ["good.1"]
        await bad.close()
        await good.close()
        await until(lambda: not server.calls)
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG] == [
        "A call's session failed"
    ]


def waiting(command: str) -> str | None:
    """A caller who does nothing."""
    return None if command.startswith("WAIT") else "200 result=1"


async def test_an_asterisk_that_dies_in_mid_command_is_a_hang_up() -> None:
    ends: list[HungUp] = []

    async def flow(call: Call) -> None:
        try:
            await call.wait(30)
        except HungUp as end:
            ends.append(end)
            assert call.gone
            with pytest.raises(HungUp):
                await call.get("x")
            await call.hang_up()

    async with serving(flow) as server:
        peer = AgiPeer(waiting)
        await peer.connect(server.host, server.port)
        await until(lambda: len(peer.commands) == 2)
        await peer.close()
        await until(lambda: not server.calls)
    assert len(ends) == 1


async def test_the_same_channel_may_be_back_before_its_old_session_ended() -> None:
    entered: list[Call] = []
    leave = asyncio.Event()

    async def flow(call: Call) -> None:
        entered.append(call)
        if len(entered) == 1:
            await leave.wait()
        else:
            await call.wait(30)

    async with serving(flow) as server:
        old, new = AgiPeer(waiting), AgiPeer(waiting)
        await old.connect(server.host, server.port)
        await until(lambda: len(entered) == 1)
        await new.connect(server.host, server.port)
        await until(lambda: len(entered) == 2)
        leave.set()
        await old.closed.wait()
        assert list(server.calls.values()) == [entered[1]]
        await old.close()
        await new.close()


async def test_stop_ends_every_session_and_runs_every_after_part() -> None:
    ended: list[str] = []

    async def flow(call: Call) -> None:
        try:
            await call.wait(30)
        finally:
            ended.append(call.id)

    peers = [AgiPeer(waiting) for _ in range(20)]
    silent = AgiPeer()
    async with serving(flow) as server:
        for number, peer in enumerate(peers):
            await peer.connect(server.host, server.port, AgiPeer.opening(uniqueid=f"{number}.1"))
        await silent.connect(server.host, server.port, b"")
        await until(lambda: len(server.calls) == 20 and all(len(peer.commands) == 2 for peer in peers))
    assert len(ended) == 20
    for peer in (*peers, silent):
        await peer.closed.wait()
        await peer.close()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection(server.host, server.port)


async def test_stop_lets_a_flow_end_by_itself_within_the_grace() -> None:
    ended: list[bool] = []

    async def flow(call: Call) -> None:
        await asyncio.sleep(0.02)
        ended.append(True)

    async with serving(flow) as server:
        peer = AgiPeer()
        await peer.connect(server.host, server.port)
        await until(lambda: len(server.calls) == 1)
        await server.stop(grace_seconds=1)
    assert ended == [True]
    await peer.close()


async def test_more_sessions_than_the_limit_are_turned_away() -> None:
    async def flow(call: Call) -> None:
        await call.wait(30)

    limits = Limits(sessions=1)
    async with serving(flow, limits) as server:
        first, second = AgiPeer(waiting), AgiPeer()
        await first.connect(server.host, server.port)
        await until(lambda: len(server.calls) == 1)
        await second.connect(server.host, server.port)
        await second.closed.wait()
        assert second.commands == []
        await first.close()
        await second.close()
