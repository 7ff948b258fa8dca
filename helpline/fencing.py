"""What a controller reaches others by, shut off once it holds the lease no more: Redis, Asterisk's AMI, new calls.

Each asks the lease just before it acts, so that a process that was stopped and goes on does nothing with what it had in
hand. Sessions that it still has with Asterisk end with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError

from telephony.ami import AmiLink, AmiSettings
from telephony.call import Call
from telephony.errors import LinkDown
from telephony.wire import Fields, Row

Held = Callable[[], bool]

WHY = "this controller does not hold the lease"


class FencedLink(AmiLink):
    """The AMI link of the controller at work: it goes on to hear, but asks for nothing once the lease is not held."""

    def __init__(self, settings: AmiSettings, *, rng: Random, held: Held) -> None:
        super().__init__(settings, rng=rng)
        self._held_lease = held

    async def action(self, name: str, fields: Fields | None = None, *, seconds: float | None = None) -> Row:
        """As `AmiLink.action`; LinkDown when the lease is not held."""
        if not self._held_lease():
            raise LinkDown(WHY)
        return await super().action(name, fields, seconds=seconds)


class FencedPool(redis.asyncio.ConnectionPool):
    """Connections to Redis, for as long as the lease is held; then every command is refused as if Redis were away."""

    held: Held

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        if not self.held():
            raise RedisConnectionError(WHY)
        return await super().get_connection(*args, **options)  # type: ignore[no-untyped-call]


def fenced_calls(handler: Callable[[Call], Awaitable[None]], held: Held) -> Callable[[Call], Awaitable[None]]:
    """The handler of calls, for as long as the lease is held; a call that comes later stays with the dialplan."""

    async def handle(call: Call) -> None:
        if not held():
            raise LinkDown(WHY)
        await handler(call)

    return handle
