"""The coroutine of one waiting call, as the rest of the queue sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from acd.engine.decisions import SendAway, Suggest
from acd.records import Entry
from acd.waiting.announcements import Told
from telephony.call import Call

Aside = Callable[[Call], Awaitable[None]]
"""What a key does while a caller waits, such as telling the status of a complaint; the place is kept."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)

Order = Suggest | SendAway
"""What the engine decided for one caller, which only their own coroutine can tell them."""


@dataclass(slots=True)
class Session:
    """`orders` come in from others, who wake the call; everything else is the coroutine's own."""

    call: Call
    entry: Entry
    told: Told
    asides: Mapping[str, Aside] = field(default_factory=dict)
    orders: deque[Order] = field(default_factory=deque)
    rings: int = 0  # phones rung for this call so far
    notice_heard: int = 0  # the number of the last notice they heard
    typed_ahead_until: datetime = LONG_AGO  # keys until then were meant for the menu before
