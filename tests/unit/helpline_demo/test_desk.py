from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from agents.agent import Agent, AgentId, NewAgent
from agents.presence import signed_out
from helpline.demo.desk import Desk
from helpline.demo.errors import ExpectationFailed

pytestmark = pytest.mark.unit

SIGNED_OUT = signed_out(datetime(2026, 3, 2, tzinfo=UTC))
ASHA = NewAgent(
    agent=Agent(id=AgentId("1001"), name="Asha", languages=("hi",), presence=SIGNED_OUT), password="", pin="200404"
)
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 10\r\n\r\nRedis away"


async def test_a_desk_that_refuses_the_sign_in_is_told_and_no_connection_is_left_open() -> None:
    closed = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSAL)
        while await reader.read(1000):
            pass
        closed.set()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        desk = Desk(f"http://127.0.0.1:{port}", ASHA)
        with pytest.raises(ExpectationFailed, match="503 Redis away"):
            await desk.__aenter__()
        await asyncio.wait_for(closed.wait(), 5)
