"""Without the lease nothing goes out: no action to Asterisk, no command to Redis, no call is begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import cast

import pytest
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError

from helpline.fencing import FencedLink, FencedPool, fenced_calls
from telephony.ami import AmiSettings
from telephony.call import Call, CallId
from telephony.errors import LinkDown
from telephony.originate import Originate

pytestmark = pytest.mark.unit


class Ear:
    """A TCP port at which nothing may arrive."""

    def __init__(self) -> None:
        self.heard = b""

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.read(100)
        writer.close()


ACTS: list[tuple[str, Callable[[FencedLink], Awaitable[object]]]] = [
    ("action", lambda link: link.action("Redirect", {"Channel": "PJSIP/a"})),
    ("wake", lambda link: link.play_dtmf("PJSIP/a", "D")),
    ("hang up", lambda link: link.hang_up("PJSIP/a")),
    (
        "ring",
        lambda link: link.originate(
            Originate(call_id=CallId("c1"), channel="PJSIP/9@trunk", context="feedback", ring_seconds=5)
        ),
    ),
]


@pytest.mark.parametrize(("name", "act"), ACTS, ids=[name for name, _ in ACTS])
async def test_asterisk_is_asked_for_nothing(
    name: str, act: Callable[[FencedLink], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    held, asked = True, list[str]()

    async def ask(_self: object, name: str, *_: object, **__: object) -> list[dict[str, str]]:
        asked.append(name)
        raise LinkDown("the stand-in")

    monkeypatch.setattr(FencedLink, "_ask", ask)
    link = FencedLink(AmiSettings(host="127.0.0.1", port=1, user="u", secret="s"), rng=Random(1), held=lambda: held)
    with pytest.raises(LinkDown, match="the stand-in"):
        await act(link)
    assert len(asked) == 1
    held = False
    with pytest.raises(LinkDown, match="does not hold the lease"):
        await act(link)
    assert len(asked) == 1


@pytest.mark.parametrize("way", ["command", "pipeline"])
async def test_redis_is_told_nothing(way: str) -> None:
    ear = Ear()
    server = await asyncio.start_server(ear.listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = FencedPool.from_url(f"redis://127.0.0.1:{port}/0", socket_timeout=0.1)
    pool.held = lambda: False
    client = redis.asyncio.Redis.from_pool(pool)
    pipe = client.pipeline(transaction=True).hset("acd:waiting", "1", "2")
    with pytest.raises(RedisConnectionError, match="does not hold the lease"):
        await (client.set("acd:waiting", "1") if way == "command" else pipe.execute())
    await pipe.reset()
    await client.aclose()
    server.close()
    assert ear.heard == b""


async def test_a_call_is_begun_only_while_the_lease_is_held() -> None:
    served, held = list[Call](), True

    async def serve(call: Call) -> None:
        served.append(call)

    handler, call = fenced_calls(serve, lambda: held), cast("Call", object())
    await handler(call)
    held = False
    with pytest.raises(LinkDown, match="does not hold the lease"):
        await handler(call)
    assert served == [call]
