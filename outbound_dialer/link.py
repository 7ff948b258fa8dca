"""What the dialer needs of the live link to Asterisk. `telephony.ami.AmiLink` is one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from telephony.events import LiveChannel
from telephony.originate import Originate, Originated

E = TypeVar("E")


class Link(Protocol):
    """See `telephony.ami.AmiLink` for each promise."""

    @property
    def connected(self) -> bool: ...

    async def originate(self, call: Originate) -> Originated: ...

    async def live_channels(self) -> Sequence[LiveChannel]: ...

    def subscribe(self, kind: type[E], handler: Callable[[E], None]) -> None: ...

    def on_resync(self, handler: Callable[[Sequence[LiveChannel]], Awaitable[None]]) -> None: ...
