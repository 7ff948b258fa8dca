"""Today's service levels, kept as things happen: the figures of a recount from the journal, without reading it.

After a start of the controller, the calls of the day that were over before come from their records; both ways lead to
the same figures (`acd.levels`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo

from acd.journal import Line
from acd.levels import DAY, Level, Recount, Wait, interval_begin, level_of, together, wait_of
from acd.queues import ServicePromise
from acd.records import CallRecord

OLD_SECONDS = 1.0  # so long the figures are good for whoever looks


class Today:
    """`levels` by queue; "" is all of them together."""

    def __init__(self, promises: Mapping[str, ServicePromise], zone: tzinfo) -> None:
        self._promises = promises
        self._zone = zone
        self._ends = datetime.fromtimestamp(0, UTC)
        self._recount = Recount()
        self._before: dict[str, Wait] = {}
        self._made: tuple[datetime, Mapping[str, Level]] | None = None

    def begins(self, at: datetime) -> datetime:
        return interval_begin(at, DAY, self._zone)

    def note(self, line: Line) -> None:
        if line.at >= self._ends:
            self._turn(line.at)
        self._recount.note(line)

    def happened(self, records: Iterable[CallRecord]) -> None:
        """Calls of this day that were over before we came."""
        for record in records:
            wait = wait_of(record)
            if wait is not None:
                self._before[record.call_id] = wait

    def levels(self, at: datetime) -> Mapping[str, Level]:
        """As they stand, at most a second old."""
        if self._made is None or (at - self._made[0]).total_seconds() >= OLD_SECONDS:
            self._made = (at, self._levels(at))
        return self._made[1]

    def _levels(self, at: datetime) -> Mapping[str, Level]:
        if at >= self._ends:
            self._turn(at)
        day = self.begins(at)
        by_queue: dict[str, list[Wait]] = {queue: [] for queue in self._promises}
        for wait in {**self._before, **self._recount.by_caller()}.values():
            if wait.joined_at >= day:
                by_queue.setdefault(wait.queue, []).append(wait)
        found = {
            queue: level_of(waits, at, promise=self._promises.get(queue, ServicePromise()), queue=queue, begins=day)
            for queue, waits in by_queue.items()
        }
        everything = together(list(found.values()))
        return found if everything is None else {"": everything, **found}

    def _turn(self, at: datetime) -> None:
        """A new day. Who waited over midnight belongs to the old one."""
        self._recount, self._before = Recount(), {}
        self._ends = self.begins(at) + DAY
