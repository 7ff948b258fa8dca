"""What others see of the queue: everybody at one moment, one call, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from itertools import islice

from acd.engine.explain import why_agent, why_waiting
from acd.live.conversations import Clock, Conversations
from acd.live.hall import Hall
from acd.live.link import Link
from acd.live.orders import StandingOrders
from acd.live.work_desk import WorkDesk
from acd.snapshot import KnownCall, Snapshot, counts_of, in_line, known_call, owed_call, snapshot_of
from acd.waiting.callbacks import Callbacks
from agents.service import Agents


class Seen:
    """Only looks. `repairs` is the floor's own count, by kind."""

    def __init__(
        self,
        *,
        agents: Agents,
        hall: Hall,
        conversations: Conversations,
        callbacks: Callbacks,
        work: WorkDesk,
        orders: StandingOrders,
        repairs: Mapping[str, int],
        link: Link,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._agents = agents
        self._hall = hall
        self._conversations = conversations
        self._callbacks = callbacks
        self._work = work
        self._orders = orders
        self._repairs = repairs
        self._link = link
        self._clock = clock
        self._zone = zone

    def snapshot(self, limit: int | None = None) -> Snapshot:
        """Who waits and who talks now, and the figures. `limit`: of each list only the first so many, which costs
        little however many wait; the counts are of all."""
        hall, notice, at = self._hall, self._orders.notice, self._clock()
        entries = hall.entries | {place: hall.entries[call] for call, place in hall.called.items()}
        seen = snapshot_of(
            at=at,
            engine=hall.engine,
            entries=entries,
            conversations=self._conversations,
            repairs=self._repairs,
            limit=limit,
        )
        work = self._work.items
        return replace(
            seen,
            callbacks=tuple(owed_call(callback) for callback in islice(self._callbacks, limit)),
            callbacks_given_up=self._callbacks.given_up,
            work=tuple(work[:limit]),
            closed=tuple(self._orders.closed),
            notice={} if notice is None else dict(notice.texts),
            levels=hall.today.levels(at),
            recent=hall.today.recent(at),
            accuracy=hall.expected.accuracy,
            lag=self._link.lag,
            counts=counts_of(
                waiting=in_line(hall.engine, entries),
                talking=sum(talk.answered_at is not None for talk in self._conversations),
                callbacks=(callback.entry.queue for callback in self._callbacks),
                work=len(work),
            ),
        )

    def call(self, call_id: str) -> KnownCall | None:
        """What is known of a call that waits, rings or is talked on; None when it is over."""
        conversation = self._conversations.get(call_id)
        entry = conversation.entry if conversation else self._hall.entries.get(call_id)
        return None if entry is None else known_call(entry)

    def why(self, call_id: str) -> Sequence[str]:
        """Why that caller waits, or was given that agent; a sentence a line, for people who ask."""
        conversation = self._conversations.get(call_id)
        if conversation is None or conversation.answered_at is None:
            return why_waiting(self._hall.engine, call_id, self._local_time())
        return [f"{conversation.agent} has {call_id}: {conversation.why or 'they were put through by a person'}."]

    def why_agent(self, agent_id: str) -> Sequence[str]:
        """What that agent is doing for the queue. Raises UnknownAgent."""
        return why_agent(self._hall.engine, self._agents.get(agent_id).id, self._local_time())

    def _local_time(self) -> datetime:
        return self._clock().astimezone(self._zone)
