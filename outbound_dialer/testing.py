"""Stand-ins for the link and the source, for tests and for the simulator. Time is the event loop's (looptime)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from outbound_dialer.attempt import Contact
from telephony.call import CallId
from telephony.errors import ActionRefused, LinkDown
from telephony.events import Hungup, LiveChannel
from telephony.originate import ANSWERED, RANG_TOO_LONG, Originate, Originated

E = TypeVar("E")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a called telephone does. After `seconds` it answers, or the call fails with `cause` (None: not told).

    Ringing longer than the Originate allows ends as in Asterisk, with reason 3 and cause 19. An answered call is hung
    up after `talk_seconds`; None: by `FakeLink.hang_up` only.
    """

    seconds: float = 5.0
    cause: int | None = 16
    answers: bool = False
    talk_seconds: float | None = None


ANSWERS = Behaviour(answers=True)
BUSY = Behaviour(seconds=1.0, cause=17)
RINGS_ON = Behaviour(seconds=3600.0)


class FakeLink:
    """An Asterisk that outlives its controllers: calls go on while the link is broken, and when a dialer is stopped.

    `behaviours` by number; others answer. `asked` holds every Originate that Asterisk was given; `twice` the numbers
    that were rung while a call to them was alive, which must stay empty.
    """

    def __init__(self, behaviours: Mapping[str, Behaviour] | None = None, *, other: Behaviour = ANSWERS) -> None:
        self.behaviours = dict(behaviours or {})
        self.other = other
        self.connected = True
        self.refuses = False  # Asterisk refuses every Originate
        self.swallows = False  # the link breaks in the moment of the next Originate, which Asterisk never sees
        self.asked: list[Originate] = []
        self.twice: Counter[str] = Counter()
        self._live: dict[CallId, Originate] = {}
        self._handlers: list[tuple[type[Any], Callable[[Any], None]]] = []
        self._resyncs: list[Callable[[Sequence[LiveChannel]], Awaitable[None]]] = []
        self._waiting: dict[CallId, asyncio.Future[Originated]] = {}
        self._calls: dict[CallId, asyncio.Task[None]] = {}

    def subscribe(self, kind: type[E], handler: Callable[[E], None]) -> None:
        self._handlers.append((kind, handler))

    def on_resync(self, handler: Callable[[Sequence[LiveChannel]], Awaitable[None]]) -> None:
        self._resyncs.append(handler)

    async def originate(self, call: Originate) -> Originated:
        if not self.connected:
            raise LinkDown
        if self.swallows:
            self.swallows = False
            self.cut()
            raise LinkDown
        if self.refuses:
            raise ActionRefused("Originate", "Permission denied")
        call.headers()  # raises for what Asterisk would misread
        number = self._number(call)
        if any(self._number(other) == number for other in self._live.values()):
            self.twice[number] += 1
        self.asked.append(call)
        self._live[call.call_id] = call
        waiting: asyncio.Future[Originated] = asyncio.get_running_loop().create_future()
        self._waiting[call.call_id] = waiting
        self._calls[call.call_id] = asyncio.create_task(self._ring(call), name=f"fake call {call.call_id}")
        return await waiting

    async def live_channels(self) -> Sequence[LiveChannel]:
        if not self.connected:
            raise LinkDown
        return [self._channel(call) for call in self._live.values()]

    def hang_up(self, call_id: str, cause: int = 16) -> None:
        """The called one hangs up."""
        call = self._live.pop(CallId(call_id))
        if task := self._calls.pop(call.call_id, None):
            task.cancel()
        self._emit(Hungup(call_id=call.call_id, linked_id=call.call_id, channel=call.channel, cause=cause))

    def cut(self) -> None:
        """The link breaks: whoever waits is told so; the calls go on unseen."""
        self.connected = False
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LinkDown())
        self._waiting.clear()

    async def mend(self) -> None:
        """The link is made anew."""
        self.connected = True
        channels = await self.live_channels()
        for handler in self._resyncs:
            await handler(channels)

    def numbers(self) -> list[str]:
        """The numbers that were rung, in order."""
        return [self._number(call) for call in self.asked]

    @property
    def live(self) -> list[CallId]:
        return list(self._live)

    async def close(self) -> None:
        """End all calls without a word."""
        tasks = list(self._calls.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ring(self, call: Originate) -> None:
        behaviour = self.behaviours.get(self._number(call), self.other)
        await asyncio.sleep(min(behaviour.seconds, call.ring_seconds))
        if behaviour.seconds >= call.ring_seconds:
            self._fail(call, RANG_TOO_LONG, 19)
        elif not behaviour.answers:
            self._fail(call, 0, behaviour.cause)
        else:
            self._tell(call, Originated(answered=True, reason=ANSWERED))
            if behaviour.talk_seconds is not None:
                await asyncio.sleep(behaviour.talk_seconds)
                self._end(call, 16)

    def _fail(self, call: Originate, reason: int, cause: int | None) -> None:
        self._end(call, cause)
        self._tell(call, Originated(answered=False, reason=reason, cause=cause))

    def _end(self, call: Originate, cause: int | None) -> None:
        self._live.pop(call.call_id, None)
        self._calls.pop(call.call_id, None)
        if cause is not None:
            self._emit(Hungup(call_id=call.call_id, linked_id=call.call_id, channel=call.channel, cause=cause))

    def _tell(self, call: Originate, told: Originated) -> None:
        waiting = self._waiting.pop(call.call_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(told)

    def _emit(self, event: Hungup) -> None:
        if not self.connected:
            return
        for kind, handler in self._handlers:
            if isinstance(event, kind):
                handler(event)

    @staticmethod
    def _number(call: Originate) -> str:
        return call.channel.removeprefix("PJSIP/").partition("@")[0]

    @staticmethod
    def _channel(call: Originate) -> LiveChannel:
        return LiveChannel(
            call_id=call.call_id,
            linked_id=call.call_id,
            channel=call.channel,
            state="Up",
            caller="",
            application="",
            data="",
            bridge_id="",
            context=call.context,
            extension=call.extension,
            seconds=0,
        )


class FakeSource:
    """A list of contacts. `settled` are those that it names no more; `fails` makes it raise."""

    def __init__(self, contacts: Iterable[Contact] = ()) -> None:
        self.contacts = list(contacts)
        self.settled: set[str] = set()
        self.fails = False
        self.limits: list[int] = []

    async def due(self, limit: int, now: datetime) -> Sequence[Contact]:
        self.limits.append(limit)
        if self.fails:
            raise ConnectionError("the source is away")
        return [contact for contact in self.contacts if contact.key not in self.settled][:limit]
