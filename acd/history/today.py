"""Today's service levels, kept as things happen: the figures of a recount from the journal, without reading it.

After a start of the controller, the calls of the day that were over before come from their records; both ways lead to
the same figures (`acd.history.levels`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

from acd.engine.decisions import SendAway
from acd.engine.events import CallerHolds, CallerJoined, CallerLeft, Kind, OfferAnswered
from acd.engine.queues import ServicePromise
from acd.history.journal import Entry, Line
from acd.history.levels import DAY, Level, Recount, Tally, Wait, interval_begin, together, wait_of
from acd.records import CallRecord

RECENT = timedelta(minutes=30)
MINUTE = 60.0


class Today:
    """`levels` by queue; "" is all of them together. What is over is counted as it ends, so looking costs little."""

    def __init__(self, promises: Mapping[str, ServicePromise], zone: tzinfo) -> None:
        self._promises = promises
        self._zone = zone
        self._minutes: dict[int, dict[str, Tally]] = {}  # of those who came in that minute, by queue
        self._begin(datetime.fromtimestamp(0, UTC))

    def _begin(self, at: datetime) -> None:
        """A new day. Who waited over midnight belongs to the old one."""
        self._begins = self.begins(at)
        self._recount = Recount(self._count)
        self._tallies = {queue: Tally(promise) for queue, promise in self._promises.items()}
        self._seen: set[str] = set()
        self._waiting: dict[str, Wait] = {}

    def begins(self, at: datetime) -> datetime:
        """When the day began that holds this moment."""
        return interval_begin(at, DAY, self._zone)

    def note(self, line: Line) -> None:
        """What the engine was told and has decided, or a caller's choice."""
        self._turn(line.at)
        self._recount.note(line)
        if isinstance(line, Entry):
            self._follow(line)

    def happened(self, records: Iterable[CallRecord]) -> None:
        """Calls of this day that were over before we came."""
        for record in records:
            wait = wait_of(record)
            if wait is not None and record.call_id not in self._seen:
                self._seen.add(record.call_id)
                self._count(wait)

    def levels(self, at: datetime) -> Mapping[str, Level]:
        """As they stand now."""
        self._turn(at)
        waiting: defaultdict[str, list[Wait]] = defaultdict(list)
        for wait in self._waiting.values():
            waiting[wait.queue].append(wait)
        found = {
            queue: self._tally(queue).level(waiting[queue], at, queue=queue, begins=self._begins)
            for queue in [*self._tallies, *(waiting.keys() - self._tallies.keys())]
        }
        everything = together(list(found.values()))
        return found if everything is None else {"": everything, **found}

    def recent(self, at: datetime) -> Mapping[str, Level]:
        """The same of those who came in the last half hour, to the minute; "" is all queues together."""
        since = at - RECENT
        first = int(since.timestamp() // MINUTE)
        for minute in [minute for minute in self._minutes if minute < first]:
            del self._minutes[minute]
        parts: defaultdict[str, list[Level]] = defaultdict(list)
        for tallies in self._minutes.values():
            for queue, tally in tallies.items():
                parts[queue].append(tally.level((), at))
        waiting: defaultdict[str, list[Wait]] = defaultdict(list)
        for wait in self._waiting.values():
            if wait.joined_at >= since:
                waiting[wait.queue].append(wait)
        for queue, waits in waiting.items():
            parts[queue].append(Tally(self._promise(queue)).level(waits, at))
        found = {
            queue: replace(level, queue=queue, begins=since, ends=at)
            for queue, levels in parts.items()
            if (level := together(levels)) is not None
        }
        everything = together(list(found.values()))
        return found if everything is None else {"": everything, **found}

    def _turn(self, at: datetime) -> None:
        if at >= self._begins + DAY:
            self._begin(at)

    def _follow(self, entry: Entry) -> None:
        """Who still waits: a call's first wait alone is a wait."""
        for event in entry.events:
            match event:
                case CallerJoined(caller) if caller.id not in self._seen:
                    self._seen.add(caller.id)
                    if caller.kind is Kind.CALL:
                        self._waiting[caller.id] = Wait(queue=caller.queue, joined_at=caller.joined_at)
                case OfferAnswered(caller=id) | CallerHolds(id) | CallerLeft(id):
                    self._waiting.pop(id, None)
        for decision in entry.decisions:
            if isinstance(decision, SendAway):
                self._waiting.pop(decision.caller, None)

    def _count(self, wait: Wait) -> None:
        if wait.joined_at >= self._begins:
            self._tally(wait.queue).add(wait)
        minute = self._minutes.setdefault(int(wait.joined_at.timestamp() // MINUTE), {})
        if wait.queue not in minute:
            minute[wait.queue] = Tally(self._promise(wait.queue))
        minute[wait.queue].add(wait)

    def _tally(self, queue: str) -> Tally:
        return self._tallies.setdefault(queue, Tally(ServicePromise()))

    def _promise(self, queue: str) -> ServicePromise:
        return self._promises.get(queue, ServicePromise())
