"""The AMI link: it stays connected, tells what happens in order, and asks Asterisk for things, each with a time-out.

At a break every unfinished action fails with `LinkDown`; nothing is ever sent again by itself. After each (re)connect
Asterisk's live channels are read and given to the `on_resync` handlers; events that come meanwhile are kept back until
the handlers are done, so that nobody sees a channel in the list whose end was told before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any, Final, TypeVar

from telephony.call import CallId
from telephony.errors import ActionRefused, ActionTimedOut, LinkDown, LoginRefused, TelephonyError
from telephony.events import Event, Hungup, LiveChannel, OriginateEnded, event_of, live_channel_of
from telephony.originate import ANSWERED, Originate, Originated
from telephony.wire import Fields, Row, Wire

log = logging.getLogger(__name__)

E = TypeVar("E")
Resync = Callable[[Sequence[LiveChannel]], Awaitable[None]]

EVENT_CLASSES: Final = "system,call,user"
"""Of all that AMI tells, the classes our events are in; without VarSet, RTCP, DTMF and the like it is a tenth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiSettings:
    """Where Asterisk's manager listens, who we are, and how long things may take (seconds)."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    action_seconds: float = 10.0
    measure_every: float = 5.0
    longest_lag: float = 10.0
    """A link whose events come later than this is dropped and made anew: what it tells is of no use."""
    first_delay: float = 0.2
    longest_delay: float = 5.0
    start_seconds: float = 10.0
    resync_seconds: float = 10.0
    settle_seconds: float = 1.0
    """How long the second of the two events that end an outgoing call is waited for."""


MARK: Final = "helpline-mark"
"""The event of our own by which the lag is measured: it goes the way of all events, behind those that wait."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """One such event under way, since `began` (the loop's time)."""

    name: str
    began: float
    arrived: asyncio.Future[None]


@dataclass(slots=True)
class _Ringing:
    """An outgoing call whose end has not been told yet."""

    outcome: asyncio.Future[Originated]
    reason: int | None = None
    cause: int | None = None


class AmiLink:
    """See the module. `rng` spreads the reconnects of several controllers."""

    def __init__(self, settings: AmiSettings, *, rng: Random) -> None:
        self._settings = settings
        self._rng = rng
        self._handlers: list[tuple[type[Any], Callable[[Any], None]]] = []
        self._resyncs: list[Resync] = []
        self._wire: Wire | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._held: list[Event] | None = None
        self._ringing: dict[CallId, _Ringing] = {}
        self._lag: float | None = None
        self._mark: _Mark | None = None
        self._marks = 0
        self._was_up = False

    @property
    def connected(self) -> bool:
        return self._wire is not None and not self._wire.lost.is_set()

    @property
    def lag(self) -> float | None:
        """How late events are told now, in seconds, as of the last measure; None while the link is down."""
        if not self.connected or self._lag is None:
            return None
        if self._mark is None:
            return self._lag
        return max(self._lag, asyncio.get_running_loop().time() - self._mark.began)

    def subscribe(self, kind: type[E], handler: Callable[[E], None]) -> None:
        """Call `handler` with each event of this kind, in order. It runs inside the one reader: it must not block."""
        self._handlers.append((kind, handler))

    def on_resync(self, handler: Resync) -> None:
        """After each (re)connect: called with the channels that live, before any event that came after them."""
        self._resyncs.append(handler)

    async def start(self) -> None:
        """Connect, and stay connected. Raises `LoginRefused`, or `LinkDown` when nobody answers in `start_seconds`."""
        first = self._first = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(), name="ami link")
        try:
            async with asyncio.timeout(self._settings.start_seconds):
                await first
        except TimeoutError:
            await self.stop()
            raise LinkDown(f"nobody answers at {self._settings.host}:{self._settings.port}") from None
        except BaseException:
            await self.stop()
            raise
        finally:
            self._first = None

    async def stop(self) -> None:
        """Leave the link; unfinished actions fail with `LinkDown`. Idempotent."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def action(self, name: str, fields: Fields | None = None, *, seconds: float | None = None) -> Row:
        """Ask for one action and return its answer. Raises `ActionRefused`, `ActionTimedOut`, `LinkDown`."""
        return (await self._ask(name, fields or {}, seconds=seconds))[0]

    async def listing(self, name: str, fields: Fields | None = None, *, seconds: float | None = None) -> list[Row]:
        """Ask for an action that is answered by a list, such as CoreShowChannels."""
        return await self._ask(name, fields or {}, seconds=seconds, listing=True)

    async def originate(self, call: Originate) -> Originated:
        """Ring somebody; returns when they answered or it failed.

        Raises `ActionRefused` (nothing was rung), and `ActionTimedOut` or `LinkDown`: then it is not known whether
        somebody rings. Look for the `call_id` among the live channels; never simply ask again.
        """
        if call.call_id in self._ringing:
            raise ValueError(f"the outgoing call {call.call_id} rings already")
        ringing = self._ringing[call.call_id] = _Ringing(asyncio.get_running_loop().create_future())
        limit = call.ring_seconds + self._settings.action_seconds
        try:
            async with asyncio.timeout(limit):
                await self.action("Originate", {**call.headers(), "ActionID": _originate_id(call.call_id)})
                return await ringing.outcome
        except TimeoutError:
            raise ActionTimedOut("Originate", limit) from None
        finally:
            del self._ringing[call.call_id]
            if not ringing.outcome.cancel() and not ringing.outcome.cancelled():
                ringing.outcome.exception()

    async def hang_up(self, channel: str) -> bool:
        """Hang up a channel, by name or call id. False: there was none (any more)."""
        try:
            await self.action("Hangup", {"Channel": channel})
        except ActionRefused:
            return False
        return True

    async def play_dtmf(self, channel: str, digit: str) -> None:
        """Put a digit into a channel as if its caller had pressed it."""
        await self.action("PlayDTMF", {"Channel": channel, "Digit": digit, "Receive": "true"})

    async def live_channels(self) -> list[LiveChannel]:
        # Asterisk walks its cache while channels change in it, and may list one twice: the later row is the newer.
        channels: dict[str, LiveChannel] = {}
        for row in await self.listing("CoreShowChannels"):
            try:
                channel = live_channel_of(row)
            except ValueError as error:
                log.warning("A live channel could not be read", extra={"action": "ami_malformed", "reason": str(error)})
            else:
                channels[channel.call_id] = channel
        return list(channels.values())

    async def asterisk_started(self) -> datetime:
        """When Asterisk was started, to the second: another time than before means that its calls are gone."""
        row = await self.action("CoreStatus")
        told = f"{row.get('CoreStartupDate')} {row.get('CoreStartupTime')}"
        try:
            return datetime.strptime(told, "%Y-%m-%d %H:%M:%S").astimezone()  # its local time is this machine's
        except ValueError:
            raise ActionRefused("CoreStatus", f"its start is told as {told!r}") from None

    async def device_state(self, device: str) -> str:
        """State of `PJSIP/agent-1001`: NOT_INUSE, INUSE, RINGING, UNAVAILABLE, …"""
        return (await self.action("Getvar", {"Variable": f"DEVICE_STATE({device})"})).get("Value", "")

    async def reachable_endpoints(self) -> frozenset[str]:
        """Endpoints with at least one phone registered that answers (or is not asked)."""
        try:
            rows = await self.listing("PJSIPShowContacts")
        except ActionRefused:  # Asterisk answers so when there is none
            return frozenset()
        reachable = (row for row in rows if row.get("Status") in ("Reachable", "NonQualified"))
        return frozenset(row.get("EndpointName") or row.get("Endpoint", "") for row in reachable) - {""}

    async def _ask(self, name: str, fields: Fields, *, seconds: float | None, listing: bool = False) -> list[Row]:
        wire = self._wire
        if wire is None:
            raise LinkDown
        limit = self._settings.action_seconds if seconds is None else seconds
        return await wire.ask(name, fields, seconds=limit, listing=listing)

    async def _keep(self) -> None:
        """Connect, be connected, and do it again when it breaks, for ever."""
        delay = self._settings.first_delay
        while True:
            self._was_up = False
            try:
                await self._be_connected()
            except LoginRefused as error:
                self._tell_first(error)
                log.error("The AMI login is refused", extra={"action": "ami_refused", "reason": str(error)})
            except (TelephonyError, OSError, TimeoutError) as error:
                log.warning("The AMI link is down", extra={"action": "ami_down", "reason": str(error) or repr(error)})
            except Exception:
                log.exception("The AMI link failed and is made anew", extra={"action": "ami_failed"})
            if self._was_up:
                delay = self._settings.first_delay
            await asyncio.sleep(delay * (0.5 + self._rng.random() / 2))
            delay = min(delay * 2, self._settings.longest_delay)

    async def _be_connected(self) -> None:
        """One connection, from its making to its break."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(settings.action_seconds):
            _, wire = await loop.create_connection(lambda: Wire(self._on_row), settings.host, settings.port)
        try:
            self._held = []
            await self._log_in(wire)
            self._wire = wire
            await self._resync()
            self._was_up = True
            self._tell_first(None)
            log.info("The AMI link is up", extra={"action": "ami_up"})
            await self._stay_alive(wire)
        finally:
            self._wire = None
            self._held = None
            wire.close()
            for ringing in self._ringing.values():
                if not ringing.outcome.done():
                    ringing.outcome.set_exception(LinkDown("it broke while an outgoing call rang"))
            await wire.lost.wait()

    async def _log_in(self, wire: Wire) -> None:
        settings = self._settings
        fields = {"Username": settings.user, "Secret": settings.secret, "Events": EVENT_CLASSES}
        try:
            await wire.ask("Login", fields, seconds=settings.action_seconds)
        except ActionRefused as refused:
            raise LoginRefused(settings.user, refused.answer) from None

    async def _resync(self) -> None:
        channels = await self.live_channels()
        for handler in self._resyncs:
            try:
                async with asyncio.timeout(self._settings.resync_seconds):
                    await handler(channels)
            except Exception:
                log.exception("A handler failed to take up the live channels", extra={"action": "resync_failed"})
        held, self._held = self._held or [], None
        for event in held:
            self._deliver(event)

    async def _stay_alive(self, wire: Wire) -> None:
        while True:
            await self._measure(wire)
            try:
                async with asyncio.timeout(self._settings.measure_every):
                    await wire.lost.wait()
            except TimeoutError:
                continue
            raise LinkDown("Asterisk closed it")

    async def _measure(self, wire: Wire) -> None:
        """Have Asterisk tell an event of ours, and see how long it takes. This is the keep-alive too."""
        loop = asyncio.get_running_loop()
        self._marks += 1
        mark = self._mark = _Mark(str(self._marks), loop.time(), loop.create_future())
        longest = self._settings.longest_lag
        try:
            async with asyncio.timeout(longest):
                await wire.ask("UserEvent", {"UserEvent": MARK, "Mark": mark.name}, seconds=longest)
                await mark.arrived
            self._lag = loop.time() - mark.began
        except TimeoutError:
            raise LinkDown(f"its events come more than {longest:g} s late") from None
        finally:
            self._mark = None

    def _tell_first(self, error: Exception | None) -> None:
        if self._first is None or self._first.done():
            return
        if error is None:
            self._first.set_result(None)
        else:
            self._first.set_exception(error)

    def _on_row(self, row: Row) -> None:
        if row.get("UserEvent") == MARK:
            if self._mark is not None and row.get("Mark") == self._mark.name and not self._mark.arrived.done():
                self._mark.arrived.set_result(None)
            return
        try:
            event = event_of(row)
        except ValueError as error:
            log.warning("An AMI event could not be read", extra={"action": "ami_malformed", "reason": str(error)})
            return
        if event is None:
            return
        if isinstance(event, OriginateEnded):
            event = self._with_own_id(event, row)
        self._follow_originate(event)
        if self._held is not None:
            self._held.append(event)
        else:
            self._deliver(event)

    def _deliver(self, event: Event) -> None:
        for kind, handler in self._handlers:
            if isinstance(event, kind):
                try:
                    handler(event)
                except Exception:
                    log.exception(
                        "An event's handler failed", extra={"action": "event_failed", "pii_event": repr(event)}
                    )

    def _with_own_id(self, event: OriginateEnded, row: Row) -> OriginateEnded:
        """Asterisk leaves out the id of a channel that it could not even make; the action's own id tells it."""
        for call_id in self._ringing:
            if row.get("ActionID") == _originate_id(call_id):
                return replace(event, call_id=call_id)
        return event

    def _follow_originate(self, event: Event) -> None:
        if not isinstance(event, OriginateEnded | Hungup):
            return
        ringing = self._ringing.get(event.call_id)
        if ringing is None or ringing.outcome.done():
            return
        if isinstance(event, Hungup):
            ringing.cause = event.cause
        else:
            ringing.reason = event.reason
        if ringing.reason == ANSWERED:
            ringing.outcome.set_result(Originated(answered=True, reason=ANSWERED))
        elif ringing.reason is not None and ringing.cause is not None:
            ringing.outcome.set_result(Originated(answered=False, reason=ringing.reason, cause=ringing.cause))
        else:
            # The other half comes within milliseconds, but not at all for a channel that could not be made.
            asyncio.get_running_loop().call_later(self._settings.settle_seconds, _settle, ringing)


def _settle(ringing: _Ringing) -> None:
    if not ringing.outcome.done():
        ringing.outcome.set_result(Originated(answered=False, reason=ringing.reason or 0, cause=ringing.cause))


def _originate_id(call_id: CallId) -> str:
    return f"originate/{call_id}"
