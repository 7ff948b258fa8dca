"""When Asterisk itself was restarted, every line is cut: who talked and who waited is owed a call, in that order.

Which Asterisk it is, is told by the moment it was started. A caller whose session alone broke is still
there, and finds the way back by the dialplan: nobody calls them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from acd.engine.events import CallerJoined, CallerMoved
from acd.live.conversations import Clock, Conversations
from acd.live.hall import Hall
from acd.live.link import Link
from acd.live.orders import StandingOrders
from acd.records import Conversation, Entry, Outcome
from acd.waiting.callbacks import Callbacks
from acd.waiting.remembered import Left
from telephony.errors import TelephonyError

log = logging.getLogger(__name__)

DYING_SECONDS = 15.0
"""An Asterisk that is stopped in an orderly way hangs up on everybody first, as if they had left: those who left so
shortly before the link broke were cut off too."""

TOO_LATE = timedelta(hours=2)
"""Who was cut off longer ago is not rung out of the blue."""


def cut_off(
    *,
    talking: Iterable[Conversation],
    waiting: Iterable[Entry],
    left: Iterable[Left],
    at: datetime,
) -> list[Entry]:
    """Who is owed a call, first to last: talkers, with the agent who knows their matter by now; then by place. Nobody
    whose number is not known can be called."""
    talkers = [
        replace(talk.entry, request=replace(talk.entry.request, known_agent=talk.agent))
        for talk in sorted(talking, key=lambda talk: talk.since)
    ]
    waiters = sorted((*waiting, *(one.entry for one in left)), key=lambda entry: entry.place)
    numbers: set[str] = set()
    owed = []
    for entry in (*talkers, *waiters):
        if entry.caller and entry.caller not in numbers and at - entry.joined_at < TOO_LATE:
            numbers.add(entry.caller)
            owed.append(entry)
    return owed


class Restarts:
    """`look` at each (re)connect, before anything is mended by the channels that live; `alive` whenever one is seen."""

    def __init__(
        self,
        *,
        link: Link,
        hall: Hall,
        conversations: Conversations,
        callbacks: Callbacks,
        orders: StandingOrders,
        clock: Clock,
    ) -> None:
        self.seen = 0
        self._link = link
        self._hall = hall
        self._conversations = conversations
        self._callbacks = callbacks
        self._orders = orders
        self._clock = clock
        self._alive_at = clock()

    def alive(self) -> None:
        """Asterisk has just told something."""
        self._alive_at = self._clock()

    async def look(self, live: Collection[str]) -> None:
        """Whether it is another Asterisk than before, and what follows. `live`: the ids of the channels there are."""
        last_alive = self._alive_at
        self.alive()
        try:
            started = (await self._link.asterisk_started()).isoformat()
        except TelephonyError as error:
            log.warning("Asterisk's start is not known", extra={"action": "link_broke", "reason": str(error)})
            return
        if started == self._orders.asterisk:
            return
        if self._orders.asterisk:
            await self._take_care(live, last_alive)
        await self._orders.note_asterisk(started)

    async def _take_care(self, live: Collection[str], last_alive: datetime) -> None:
        """Everybody whose line was cut: those who can be called are owed it, the others are lost."""
        self.seen += 1
        cut = [talk for talk in self._conversations if talk.entry.call_id not in live]
        talking = [talk for talk in cut if talk.answered_at is not None]
        waiting = [entry for id, entry in self._hall.entries.items() if id not in live]
        left = self._hall.remembered.since(last_alive - timedelta(seconds=DYING_SECONDS))
        owed = cut_off(talking=talking, waiting=waiting, left=left, at=self._clock())
        log.warning(
            "Asterisk was restarted: those whose lines were cut are called back",
            extra={
                "action": "asterisk_restarted",
                "talking": len(talking),
                "waiting": len(waiting),
                "left": len(left),
                "owed": len(owed),
            },
        )
        ids = {entry.call_id for entry in owed}
        for talk in cut:
            if talk in talking and talk.entry.call_id not in ids:
                await self._conversations.over(talk.entry.call_id, ended_by="caller")
            else:
                await self._conversations.cut(talk.entry.call_id)
        for entry in owed:
            if self._hall.take_out(entry.call_id) is None:
                self._hall.tell(CallerJoined(entry.in_line(), attached=False))
            await self._callbacks.owe(entry)
            self._hall.remembered.take(entry.caller, self._clock())
        for talk in reversed(talking):
            self._hall.tell(CallerMoved(talk.entry.call_id, front=True))
        # Who is owed a call is not there any more.
        await asyncio.gather(*(self._hall.leave(entry.call_id, Outcome.LOST) for entry in waiting))
