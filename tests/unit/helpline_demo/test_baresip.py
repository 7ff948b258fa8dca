"""The control connection to baresip: answers find their commands, and no garbage on it hangs anybody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from asterisk_conf.programs import Program
from helpline.demo import baresip
from helpline.demo.errors import PhoneFailed, PhoneRefused, ProgramMissing

pytestmark = pytest.mark.unit

Answerer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def netstring(**message: Any) -> bytes:
    body = json.dumps(message).encode()
    return b"%d:%s," % (len(body), body)


async def read_command(reader: asyncio.StreamReader) -> dict[str, str]:
    length = int((await reader.readuntil(b":"))[:-1])
    command: dict[str, str] = json.loads((await reader.readexactly(length + 1))[:-1])
    return command


@asynccontextmanager
async def link_to(answerer: Answerer) -> AsyncIterator[tuple[baresip.ControlLink, list[Any], asyncio.Event]]:
    """A link to a stand-in for baresip; with the events that it told, and whether it is lost."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answerer(reader, writer)
        finally:
            writer.close()

    events: list[Any] = []
    lost = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    link = baresip.ControlLink(reader, writer, name="asha", on_event=events.append, on_lost=lost.set)
    try:
        yield link, events, lost
    finally:
        await link.close()
        server.close()
        await server.wait_closed()


async def test_answers_find_their_commands_in_any_order() -> None:
    async def backwards(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = [await read_command(reader) for _ in range(3)]
        for command in reversed(commands):
            writer.write(netstring(response=True, ok=True, data=command["params"], token=command["token"]))
        await reader.read()

    async with link_to(backwards) as (link, _, _):
        assert await asyncio.gather(*(link.command("say", word) for word in "abc")) == ["a", "b", "c"]


async def test_a_refusal_is_told_with_its_words() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = await read_command(reader)
        writer.write(netstring(response=True, ok=False, data="no active call", token=command["token"]))
        await reader.read()

    async with link_to(refuse) as (link, _, _):
        with pytest.raises(PhoneRefused, match="refused `hold `: no active call"):
            await link.command("hold")


async def test_no_answer_is_told_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with link_to(silent) as (link, _, _):
        with pytest.raises(PhoneFailed, match=r"did not answer `hold` within 0\.05 s"):
            await link.command("hold", timeout=0.05)


async def test_a_phone_that_goes_away_in_mid_command_is_told() -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_command(reader)

    async with link_to(leave) as (link, _, lost):
        with pytest.raises(PhoneFailed, match="went away"):
            await link.command("hold")
        assert lost.is_set()
        with pytest.raises(PhoneFailed, match="was not sent"):
            await link.command("hold")


@pytest.mark.parametrize(
    "garbage",
    [b"", b"hello", b"12", b"x:{},", b"99999999999:", b":", b"5:{}", b"-3:{},", b"\xff" * 100_000],
    ids=lambda garbage: repr(garbage[:12]),
)
async def test_garbage_ends_the_link_and_nothing_else(garbage: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        await writer.drain()

    async with link_to(babble) as (_, events, lost):
        await asyncio.wait_for(lost.wait(), 2)
        assert events == []


async def test_what_is_no_json_and_what_no_utf_8_is_passed_over() -> None:
    async def mixed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        strange = b'{"event":true,"type":"CALL_INCOMING","peerdisplayname":"\xff\n"}'
        writer.write(b"5:abcde," + b"%d:%s," % (len(strange), strange) + netstring(response=True, token="7", ok=True))
        writer.write(netstring(event=True, type="CALL_CLOSED"))
        await writer.drain()

    async with link_to(mixed) as (_, events, lost):
        await asyncio.wait_for(lost.wait(), 2)
        assert [event["type"] for event in events] == ["CALL_INCOMING", "CALL_CLOSED"]


@pytest.mark.parametrize("there", [(), ("g711.so", "menu.so")], ids=["none", "some"])
def test_missing_modules_are_named(tmp_path: Path, there: tuple[str, ...]) -> None:
    for name in there:
        (tmp_path / name).touch()
    program = Program("baresip", ("baresip",), {}, "system", "1.1.0", modules=tmp_path)
    with pytest.raises(ProgramMissing, match=r"sndfile.so, aufile.so.* are not in .*baresip-core"):
        baresip.module_folder(program)


async def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    for name in baresip.NEEDED_MODULES:
        (tmp_path / name).touch()
    program = Program("baresip", (str(tmp_path / "nothing"),), {}, "system", "1.1.0", modules=tmp_path)
    with pytest.raises(ProgramMissing, match=r"nothing can't be started \(No such file or directory\)"):
        await baresip.launch(program, tmp_path, trace=False)
