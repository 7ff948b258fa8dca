"""Ringing citizens back who were owed it: at their place's turn, three attempts, never two at once.

An attempt is written before it is made, with the id of its call. When it is not known how one went (the link broke, the
controller died), the live channels tell; until then nobody rings that citizen again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from acd.engine.events import CallbackFailed, CallerHolds, CallerJoined, CallerLeft, Event, Kind
from acd.live.ledger import Ledger
from acd.live.link import Link
from acd.records import Entry, Outcome, record_of
from acd.store import QueueStore
from acd.waiting.callback import Callback, CallbackRules, begun, not_reached
from telephony.call import CallId
from telephony.errors import ActionRefused, TelephonyError
from telephony.originate import Originate

log = logging.getLogger(__name__)

CITIZEN_VARIABLE: Final = "HELPLINE_CITIZEN"
"""The dialplan makes it the caller's number: agent and flow are to see the citizen's, not the one that was shown."""


class Callbacks:
    """All that are owed, by the name of their place. `tell` is the engine's ear (`acd.live.hall.Hall.tell`)."""

    def __init__(
        self,
        *,
        link: Link,
        store: QueueStore,
        ledger: Ledger,
        tell: Callable[..., None],
        clock: Callable[[], datetime],
        rules: CallbackRules,
    ) -> None:
        self.given_up = 0
        self._link = link
        self._store = store
        self._ledger = ledger
        self._tell = tell
        self._clock = clock
        self._rules = rules
        self._owed: dict[str, Callback] = {}
        self._ringing: dict[str, asyncio.Task[None]] = {}  # by place: those whose end this process sees itself
        self._suspected: set[str] = set()

    def __iter__(self) -> Iterator[Callback]:
        return iter(list(self._owed.values()))

    def __len__(self) -> int:
        return len(self._owed)

    async def stop(self) -> None:
        """Calls that ring go on; how they went is for the next controller to find out."""
        tasks = list(self._ringing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- owing

    def take_up(self, callback: Callback) -> list[Event]:
        """One that the controller before left; what the engine is to be told of it."""
        self._owed[callback.id] = callback
        events: list[Event] = [CallerJoined(callback.entry.in_line(), attached=False), CallerHolds(callback.id)]
        if callback.again_at is not None:
            events.append(CallbackFailed(callback.id, callback.again_at))
        return events

    async def owe(self, entry: Entry) -> None:
        """The place is kept for a call back, from the moment this returns, whatever happens.

        `entry` must be in the engine's line. Its call's line in the log ends here; the call back has one of its own.
        """
        now = self._clock()
        callback = Callback(entry=replace(entry, kind=Kind.CALLBACK), owed_since=now)
        self._owed[callback.id] = callback
        await self._store.put_callback(callback, instead_of=entry.call_id)
        self._tell(CallerHolds(callback.id))
        self._ledger.note(record_of(entry, Outcome.CALLBACK, ended_at=now))
        log.info("A caller is to be called back", extra={"action": "callback_owed", "call_id": entry.call_id})

    def of_number(self, number: str) -> Callback | None:
        """What is owed to that number."""
        return next((one for one in self._owed.values() if number and one.number == number), None)

    async def take_over(self, number: str) -> Entry | None:
        """They call us themselves before we reach them: the place is theirs, and we ring no more."""
        callback = self.of_number(number)
        if callback is None:
            return None
        self._forget(callback)
        self._tell(CallerLeft(callback.id))
        await self._store.drop_callback(callback.id)
        if callback.ringing:
            try:
                await self._link.hang_up(callback.ringing)
            except TelephonyError as error:
                log.warning("A call back can't be rung off", extra={"action": "link_broke", "reason": str(error)})
        return callback.entry

    # -- ringing

    async def ring(self, id: str) -> None:
        """The place is due: ring the citizen. Returns when that is begun."""
        callback = self._owed.get(id)
        if callback is None or callback.ringing:
            return
        callback = self._owed[id] = begun(callback, self._clock())
        await self._store.put_callback(callback)
        log.info(
            "A citizen is called back",
            extra={"action": "callback_rings", "call_id": callback.ringing, "attempt": callback.attempts},
        )
        self._ringing[id] = asyncio.create_task(self._attempt(callback), name=f"acd callback {id}")

    async def _attempt(self, callback: Callback) -> None:
        rules = self._rules
        try:
            told = await self._link.originate(
                Originate(
                    channel=f"PJSIP/{callback.number}@{rules.trunk}",
                    call_id=CallId(callback.ringing),
                    context=rules.context,
                    ring_seconds=rules.ring_seconds,
                    caller_id=rules.caller_id,
                    variables={CITIZEN_VARIABLE: callback.number},
                )
            )
        except ActionRefused as error:
            log.error("Asterisk refuses to call back", extra={"action": "originate_refused", "reason": str(error)})
        except TelephonyError as error:
            # They may be rung now, or not: what lives in Asterisk tells (`compare`).
            log.warning("It is not known how a call back went", extra={"action": "link_broke", "reason": str(error)})
            return
        else:
            if told.answered:
                return  # the call comes to us, and `reached` takes it; if it does not, `ended` or `compare` sees it
        finally:
            self._ringing.pop(callback.id, None)
        await self._failed(callback)

    async def _failed(self, callback: Callback) -> None:
        if self._owed.get(callback.id) is not callback:
            return  # taken up meanwhile, by either side
        now = self._clock()
        after = not_reached(callback, now, self._rules)
        if after is not None:
            self._owed[callback.id] = after
            await self._store.put_callback(after)
            self._tell(CallbackFailed(callback.id, after.again_at))
            return
        del self._owed[callback.id]
        self.given_up += 1
        self._tell(CallbackFailed(callback.id, None))
        log.warning(
            "A citizen could not be called back",
            extra={"action": "callback_given_up", "call_id": callback.id, "attempts": callback.attempts},
        )
        self._ledger.note(record_of(callback.entry, Outcome.NOT_REACHED, ended_at=now))
        await self._ledger.written(callback.id)
        await self._store.drop_callback(callback.id)

    def of_call(self, call_id: str) -> Callback | None:
        """The callback for which that call rings, or has been answered."""
        return next((one for one in self._owed.values() if one.ringing == call_id), None)

    def reached(self, callback: Callback, channel: str) -> Entry:
        """The citizen answered, and their call is here: the old place under the new call's name.

        In the engine they are being called until they are attached (`acd.live.hall.Hall.called`).
        """
        self._forget(callback)
        return replace(callback.entry, call_id=callback.ringing, channel=channel)

    async def note_reached(self, callback: Callback, entry: Entry) -> None:
        """Write it down; returns when it is."""
        self._ledger.note(record_of(entry, Outcome.WAITING))
        log.info("A citizen was reached", extra={"action": "callback_reached", "call_id": entry.call_id})
        await self._store.drop_callback(callback.id, now_waiting=entry)

    def _forget(self, callback: Callback) -> None:
        del self._owed[callback.id]

    # -- what the channels tell

    async def ended(self, call_id: str) -> None:
        """A channel ended. One of ours that never came to us was no success."""
        for callback in self:
            if callback.ringing == call_id and callback.id not in self._ringing:
                await self._failed(callback)

    async def compare(self, live: Collection[str], *, certain: bool) -> None:
        """Calls whose end nobody told. `certain`: the channels were read before any event that came after them; else
        what is seen twice counts."""
        missing = {
            callback.ringing
            for callback in self
            if callback.ringing and callback.id not in self._ringing and callback.ringing not in live
        }
        for call_id in missing if certain else missing & self._suspected:
            await self.ended(call_id)
        self._suspected = missing
