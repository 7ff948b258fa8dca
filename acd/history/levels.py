"""Service level, abandonment and speed of answer: one definition, with numerator and denominator shown.

Pure. Wallboard, command line and report all ask here, and a recount from the journal gives the same figures.

*Service level* = answered within the promise / (reached the queue − short abandons). A caller counts in the interval
in which they took their place, in the queue they took it in, once, whatever happens later. Who left within
`short_seconds` without an answer dialled wrong or changed their mind at once: counted apart, in no denominator. Who
still waits counts from the moment the promise is broken: until then nobody knows. Who was sent on, called back or
closed out was not answered in time, and counts. *The other usual formula* is answered in time / answered, which
forgets everybody who gave up; it stands beside ours because other systems print it.
*Abandonment* = gave up after `short_seconds` / the same denominator, over all whose wait is over.
*Speed of answer* = mean wait of those who were answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from acd.engine.decisions import SendAway
from acd.engine.events import CallerHolds, CallerJoined, CallerLeft, Event, Kind, OfferAnswered
from acd.engine.queues import ServicePromise
from acd.history.journal import Begin, Chose, Entry, Line, Torn
from acd.records import CallRecord, Outcome

DAY = timedelta(days=1)


class End(StrEnum):
    """How a wait ended."""

    WAITING = "waiting"  # it has not
    ANSWERED = "answered"
    ABANDONED = "abandoned"  # the caller left
    SENT_ON = "sent_on"  # by us, without an answer: callback, message, goodbye, lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One caller's wait: all that the figures need of a call, whether it was read from the records or the journal."""

    queue: str
    joined_at: datetime
    end: End = End.WAITING
    ended_at: datetime | None = None  # of the wait, not of the call

    def seconds(self) -> float | None:
        return None if self.ended_at is None else max(0.0, (self.ended_at - self.joined_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Share:
    """A figure that shows what it was made of."""

    of: int
    among: int

    @property
    def value(self) -> float | None:
        return self.of / self.among if self.among else None

    def __str__(self) -> str:
        return f"{self.of / self.among:.1%} ({self.of}/{self.among})" if self.among else "– (0/0)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The figures of one queue ("" is all queues) in one interval ([begins, ends))."""

    queue: str
    begins: datetime | None
    ends: datetime | None
    promise: ServicePromise
    reached: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    short: int = 0
    sent_on: int = 0
    waiting: int = 0
    waiting_late: int = 0  # of those who wait, past the promise
    waited_seconds: float = 0.0  # of the answered, together
    longest_seconds: float = 0.0  # of the answered

    @property
    def service_level(self) -> Share:
        """Ours: see the module."""
        return Share(self.in_time, self.answered + self.abandoned + self.sent_on + self.waiting_late)

    @property
    def other_service_level(self) -> Share:
        """Answered in time / answered: app_queue's first figure."""
        return Share(self.in_time, self.answered)

    @property
    def abandonment(self) -> Share:
        return Share(self.abandoned, self.answered + self.abandoned + self.sent_on)

    @property
    def speed_of_answer(self) -> float | None:
        """Mean seconds."""
        return self.waited_seconds / self.answered if self.answered else None

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; None while there is nothing to judge."""
        value = self.service_level.value
        return None if value is None else value >= self.promise.share


OUR_CALLS = "callback-"  # how the id of a call begins that we made to ring a citizen back


def wait_of(record: CallRecord) -> Wait | None:
    """What the figures need of a call's record; None for a call that we made: nobody waited for it."""
    if record.call_id.startswith(OUR_CALLS):
        return None
    if record.answered_at is not None:
        end, ended_at = End.ANSWERED, record.answered_at
    elif record.outcome is Outcome.WAITING:
        return Wait(queue=record.service, joined_at=record.joined_at)
    else:
        end = End.ABANDONED if record.outcome is Outcome.ABANDONED else End.SENT_ON
        ended_at = record.ended_at or record.joined_at
    return Wait(queue=record.service, joined_at=record.joined_at, end=end, ended_at=ended_at)


class Recount:
    """The same waits, from the journal: tell it each line in order. For a call only its first wait counts.

    `ended` is told each wait once, when it ends (but for the lost, of whom that is known only afterwards).
    """

    def __init__(self, ended: Callable[[Wait], None] | None = None) -> None:
        self._ended = ended
        self._waits: dict[str, Wait] = {}
        self._doubtful: dict[str, datetime] = {}  # waited when a controller ended: lost unless taken up by the next
        self._chose: set[str] = set()

    def note(self, line: Line | Torn) -> None:
        match line:
            case Entry(at=at, events=events, decisions=decisions):
                for event in events:
                    self._event(event, at)
                for decision in decisions:
                    if isinstance(decision, SendAway):
                        self._end(decision.caller, End.SENT_ON, at)
            case Begin(at=at):
                self._doubtful = {id: at for id, wait in self._waits.items() if wait.end is End.WAITING}
            case Chose(caller=caller):
                self._chose.add(caller)
            case _:
                pass

    def waits(self) -> list[Wait]:
        """All of them, as they stand."""
        return list(self.by_caller().values())

    def by_caller(self) -> dict[str, Wait]:
        """The same, by the caller's id."""
        return {
            id: replace(wait, end=End.SENT_ON, ended_at=self._doubtful[id])
            if wait.end is End.WAITING and id in self._doubtful
            else wait
            for id, wait in self._waits.items()
        }

    def _event(self, event: Event, at: datetime) -> None:
        match event:
            case CallerJoined(caller) if caller.kind is not Kind.WORK and not caller.id.startswith(OUR_CALLS):
                self._doubtful.pop(caller.id, None)
                if caller.id not in self._waits:
                    self._waits[caller.id] = Wait(queue=caller.queue, joined_at=caller.joined_at)
                if caller.kind is Kind.CALLBACK:
                    self._end(caller.id, End.SENT_ON, at)
            case OfferAnswered(caller=id):
                self._end(id, End.ANSWERED, at)
            case CallerHolds(id):
                self._end(id, End.SENT_ON, at)
            case CallerLeft(id):
                self._end(id, End.SENT_ON if id in self._chose else End.ABANDONED, at)
            case _:
                pass

    def _end(self, id: str, end: End, at: datetime) -> None:
        wait = self._waits.get(id)
        if wait is not None and wait.end is End.WAITING:
            over = self._waits[id] = replace(wait, end=end, ended_at=at)
            if self._ended is not None:
                self._ended(over)


class Tally:
    """The waits of one queue and stretch as they end, counted once each: a wallboard asks every second, and a day has
    80,000. Those who still wait are given when asked."""

    def __init__(self, promise: ServicePromise) -> None:
        self._promise = promise
        self._answered = self._in_time = self._abandoned = self._short = self._sent_on = 0
        self._waited = self._longest = 0.0

    def add(self, wait: Wait) -> None:
        """That wait is over."""
        seconds = wait.seconds() or 0.0
        if wait.end is End.ANSWERED:
            self._answered += 1
            self._in_time += seconds <= self._promise.seconds
            self._waited += seconds
            self._longest = max(self._longest, seconds)
        elif wait.end is End.SENT_ON:
            self._sent_on += 1
        elif seconds <= self._promise.short_seconds:
            self._short += 1
        else:
            self._abandoned += 1

    def level(
        self,
        waiting: Sequence[Wait],
        at: datetime,
        *,
        queue: str = "",
        begins: datetime | None = None,
        ends: datetime | None = None,
    ) -> Level:
        """The figures as they stand `at`, with those who still wait."""
        late = sum((at - wait.joined_at).total_seconds() > self._promise.seconds for wait in waiting)
        return Level(
            queue=queue,
            begins=begins,
            ends=ends,
            promise=self._promise,
            reached=self._answered + self._abandoned + self._short + self._sent_on + len(waiting),
            answered=self._answered,
            in_time=self._in_time,
            abandoned=self._abandoned,
            short=self._short,
            sent_on=self._sent_on,
            waiting=len(waiting),
            waiting_late=late,
            waited_seconds=self._waited,
            longest_seconds=self._longest,
        )


def level_of(
    waits: Iterable[Wait],
    at: datetime,
    *,
    promise: ServicePromise,
    queue: str = "",
    begins: datetime | None = None,
    ends: datetime | None = None,
) -> Level:
    """The figures of all `waits` together, as they stand `at`. The caller chooses which waits belong."""
    tally = Tally(promise)
    waiting = []
    for wait in waits:
        if wait.end is End.WAITING:
            waiting.append(wait)
        else:
            tally.add(wait)
    return tally.level(waiting, at, queue=queue, begins=begins, ends=ends)


def levels(
    waits: Iterable[Wait],
    at: datetime,
    *,
    promises: Mapping[str, ServicePromise],
    every: timedelta,
    zone: tzinfo,
) -> list[Level]:
    """Per queue and interval, in order of time then queue. `every` is 15 or 30 minutes or a day, counted from
    midnight in `zone`. A queue without a promise is held to the default one."""
    grouped: dict[tuple[datetime, str], list[Wait]] = {}
    for wait in waits:
        grouped.setdefault((interval_begin(wait.joined_at, every, zone), wait.queue), []).append(wait)
    return [
        level_of(
            found,
            at,
            promise=promises.get(queue, ServicePromise()),
            queue=queue,
            begins=begins,
            ends=begins + every,
        )
        for (begins, queue), found in sorted(grouped.items(), key=lambda item: item[0])
    ]


def interval_begin(at: datetime, every: timedelta, zone: tzinfo) -> datetime:
    """When the interval began that holds this moment, by the clock on the house's wall."""
    local = at.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if every >= DAY:
        return midnight
    since = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return midnight + (since // every) * every


def together(parts: Sequence[Level]) -> Level | None:
    """One line under the table: all parts added. None for no part. Each part keeps its own promise's counts."""
    if not parts:
        return None
    return Level(
        queue="",
        begins=min((part.begins for part in parts if part.begins), default=None),
        ends=max((part.ends for part in parts if part.ends), default=None),
        promise=parts[0].promise,
        reached=sum(part.reached for part in parts),
        answered=sum(part.answered for part in parts),
        in_time=sum(part.in_time for part in parts),
        abandoned=sum(part.abandoned for part in parts),
        short=sum(part.short for part in parts),
        sent_on=sum(part.sent_on for part in parts),
        waiting=sum(part.waiting for part in parts),
        waiting_late=sum(part.waiting_late for part in parts),
        waited_seconds=sum(part.waited_seconds for part in parts),
        longest_seconds=max(part.longest_seconds for part in parts),
    )
