"""Handing out work items: one on offer is at once the agent's, shown at the desk until it is done or its time is up.

Nothing rings. An item that was not finished in time goes back to its old place, and the agent is paused with the reason
(`agents.presence.WORK_NOT_DONE`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from acd.engine.decisions import Offer
from acd.engine.events import CallEnded, Caller, CallerJoined, CallerLeft, Event, Kind, OfferAnswered
from acd.engine.skills import Need
from acd.errors import NoSuchWork
from acd.live.hall import Hall
from acd.live.jobs import Jobs
from acd.live.work import WorkItem
from acd.store import QueueStore
from agents.agent import PresenceChanged
from agents.errors import NotPossible
from agents.presence import State
from agents.service import Agents

log = logging.getLogger(__name__)


class WorkDesk:
    """All items that are not done, by id."""

    def __init__(self, *, agents: Agents, hall: Hall, store: QueueStore) -> None:
        self._agents = agents
        self._hall = hall
        self._store = store
        self._items: dict[str, WorkItem] = {}

    @property
    def items(self) -> Sequence[WorkItem]:
        """First to last."""
        return sorted(self._items.values(), key=lambda item: item.place)

    def get(self, id: str) -> WorkItem | None:
        return self._items.get(id)

    def take_up(self, item: WorkItem) -> list[Event]:
        """One that the controller before left. Who works on it goes on."""
        self._items[item.id] = item
        self._hall.place_is_taken(item.place)
        working = item.agent and self._agents.get(item.agent).call == item.id
        if not working:
            self._items[item.id] = replace(item, agent="")
        return [] if working else [CallerJoined(_in_line(item), attached=True)]

    async def add(self, item: WorkItem) -> None:
        """Put it in line; added twice it is there once."""
        if item.id in self._items:
            return
        item = self._items[item.id] = replace(item, place=self._hall.new_place(), agent="")
        try:
            await self._store.put_work(item)
        except BaseException:  # not in line, so not known either: whoever adds it again is not told that it is there
            self._items.pop(item.id, None)
            raise
        if item.id not in self._items:
            return  # it was done while it was written
        log.info("A work item waits", extra={"action": "work_added", "item": item.id, "queue": item.queue})
        self._hall.tell(CallerJoined(_in_line(item), attached=True))

    async def done(self, id: str) -> None:
        """It is done, by whomever. Raises NoSuchWork."""
        item = self._items.pop(id, None)
        if item is None:
            raise NoSuchWork(f"There is no work item {id}: it is done already, or was never added.")
        await self._store.drop_work(id)
        log.info("A work item is done", extra={"action": "work_done", "item": id, "agent": item.agent})
        if item.agent:
            self._hall.tell(CallEnded(id, item.agent))
            await self._agents.finish_work(item.agent, id)
        else:
            self._hall.tell(CallerLeft(id))

    async def hand_out(self, offer: Offer) -> None:
        """The engine's offer."""
        item = self._items.get(offer.caller)
        if item is None or self._hall.engine.offer_to(offer.caller) != offer:
            return
        try:
            await self._agents.working(offer.agent, item.id, seconds=item.seconds)
        except NotPossible:
            self._hall.offer_failed(item.id, offer.agent)
            return
        self._hall.tell(OfferAnswered(item.id, offer.agent))
        if item.id in self._items:
            item = self._items[item.id] = replace(item, agent=offer.agent)
            await self._store.put_work(item)

    def presence_changed(self, change: PresenceChanged, jobs: Jobs) -> None:
        """An agent who stops working on an item that is not done: it goes back into the line, at the old place."""
        item = self._items.get(change.before.call) if change.before.state is State.WORKING else None
        if item is None or item.agent != change.after.id or change.after.call == item.id:
            return
        item = self._items[item.id] = replace(item, agent="")
        self._hall.tell(CallEnded(item.id, change.after.id), CallerJoined(_in_line(item), attached=True))
        jobs.put(partial(self._store.put_work, item), of=item.id)


def _in_line(item: WorkItem) -> Caller:
    return Caller(
        id=item.id,
        queue=item.queue,
        place=item.place,
        joined_at=item.added_at,
        needs=tuple(Need(skill) for skill in item.needs),
        prefers=tuple(Need(skill) for skill in item.prefers),
        kind=Kind.WORK,
        due_at=item.due_at,
    )
