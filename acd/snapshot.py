"""What the console and the command line see of the queue at one moment. Pure values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from acd.engine.engine import Engine
from acd.history.levels import Level
from acd.live.work import WorkItem
from acd.records import Conversation, Entry
from acd.waiting.callback import Callback
from acd.waiting.forecast import Accuracy


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCaller:
    """One who has not been answered yet, in line from position 1 of their queue (`service`)."""

    position: int
    call_id: str
    caller: str = field(repr=False)  # national number, "" when withheld
    language: str
    service: str
    since: datetime  # joined; kept through restarts
    attached: bool  # False: the caller's session is not there (a restart); the place is held
    agent: str = ""  # whose phone rings for them now; several in a race, separated by blanks
    urgency: str = "ordinary"
    needs: tuple[str, ...] = ()  # what an agent must be able to do beyond the queue's own
    known_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talking:
    """One conversation."""

    call_id: str
    caller: str = field(repr=False)
    language: str
    service: str
    agent: str
    since: datetime  # answered
    recording: str  # file, "" when it is not recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedCall:
    """A citizen who keeps their place and is called back."""

    call_id: str  # the call that they ended for it
    caller: str = field(repr=False)
    queue: str
    since: datetime  # joined
    attempts: int
    rings: bool  # they are being rung now, or it is not known
    again_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCall:
    """A call that waits, rings or is talked on (`Acd.call`), for whoever sees only its id in an agent's presence."""

    call_id: str
    caller: str = field(repr=False)
    language: str
    service: str
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class InLine:
    """How many wait in one queue, and since when the longest."""

    waiting: int = 0
    longest_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of all that there is, whatever the lists of a snapshot show."""

    lines: Mapping[str, InLine]  # by queue, those where somebody waits
    talking: int
    callbacks: Mapping[str, int]  # by queue
    work: int

    @property
    def waiting(self) -> int:
        return sum(line.waiting for line in self.lines.values())


def counts_of(*, waiting: Iterable[tuple[str, datetime]], talking: int, callbacks: Iterable[str], work: int) -> Counts:
    """From each waiting caller's queue and time of joining, and each callback's queue."""
    numbers: Counter[str] = Counter()
    since: dict[str, datetime] = {}
    for queue, at in waiting:
        numbers[queue] += 1
        if queue not in since or at < since[queue]:
            since[queue] = at
    lines = {queue: InLine(number, since[queue]) for queue, number in numbers.items()}
    return Counts(lines=lines, talking=talking, callbacks=Counter(callbacks), work=work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The queue at one moment. Its lists may be cut (the first of each); `counts` are of all, None when none is cut."""

    at: datetime
    waiting: tuple[WaitingCaller, ...]
    talking: tuple[Talking, ...]
    repairs: Mapping[str, int]  # what had to be mended since the start, by kind: each is worth a look
    callbacks: tuple[OwedCall, ...] = ()
    callbacks_given_up: int = 0  # since the start
    work: tuple[WorkItem, ...] = ()  # not done yet, first to last
    closed: tuple[str, ...] = ()  # queues that a supervisor closed
    notice: Mapping[str, str] = field(default_factory=dict)  # what all callers hear, by language
    levels: Mapping[str, Level] = field(default_factory=dict)  # today's figures by queue, "" for all of them
    recent: Mapping[str, Level] = field(default_factory=dict)  # likewise, of those who came in the last 30 minutes
    accuracy: Accuracy = field(default_factory=Accuracy)  # expected waits that were told, against what came of it
    lag: float | None = None  # seconds by which Asterisk's events are late; None: no link
    counts: Counts | None = None

    @property
    def counted(self) -> Counts:
        """How many there are of everything."""
        return self.counts or counts_of(
            waiting=((waiter.service, waiter.since) for waiter in self.waiting),
            talking=len(self.talking),
            callbacks=(callback.queue for callback in self.callbacks),
            work=len(self.work),
        )


def snapshot_of(
    *,
    at: datetime,
    engine: Engine,
    entries: Mapping[str, Entry],
    conversations: Iterable[Conversation],
    repairs: Mapping[str, int],
    limit: int | None = None,
) -> Snapshot:
    """Who waits and who talks, the first `limit` of each, put together from what the queue keeps; who adds the figures
    replaces them."""
    return Snapshot(
        at=at,
        waiting=tuple(islice(_waiting(engine, entries), limit)),
        talking=tuple(islice(_talking(conversations), limit)),
        repairs=dict(repairs),
    )


def _waiting(engine: Engine, entries: Mapping[str, Entry]) -> Iterator[WaitingCaller]:
    position: Counter[str] = Counter()
    for caller in engine.waiting():
        queue = engine.queue_of(caller.id) or caller.queue
        position[queue] += 1
        entry = entries.get(caller.id)
        if entry is None:
            continue  # to be called back: nobody is on the line
        yield WaitingCaller(
            position=position[queue],
            call_id=entry.call_id,
            caller=entry.caller,
            language=entry.request.language,
            service=queue,
            since=entry.joined_at,
            attached=engine.is_attached(caller.id),
            agent=" ".join(offer.agent for offer in engine.offers_to(caller.id)),
            urgency=caller.urgency.value,
            needs=tuple(str(need) for need in caller.needs),
            known_agent=caller.known_agent,
        )


def _talking(conversations: Iterable[Conversation]) -> Iterator[Talking]:
    for conversation in conversations:
        if conversation.answered_at is not None:
            entry = conversation.entry
            yield Talking(
                call_id=entry.call_id,
                caller=entry.caller,
                language=entry.request.language,
                service=entry.request.service,
                agent=conversation.agent,
                since=conversation.answered_at,
                recording=conversation.recording,
            )


def owed_call(callback: Callback) -> OwedCall:
    """What others may know of that callback."""
    return OwedCall(
        call_id=callback.id,
        caller=callback.number,
        queue=callback.entry.queue,
        since=callback.entry.joined_at,
        attempts=callback.attempts,
        rings=bool(callback.ringing),
        again_at=callback.again_at,
    )


def known_call(entry: Entry) -> KnownCall:
    """What others may know of that call."""
    return KnownCall(
        call_id=entry.call_id,
        caller=entry.caller,
        language=entry.request.language,
        service=entry.request.service,
        context=entry.request.context,
    )


def in_line(engine: Engine, entries: Mapping[str, Entry]) -> Iterator[tuple[str, datetime]]:
    """Queue and time of joining of each who waits, in no order."""
    for id, entry in entries.items():
        queue = engine.queue_of(id)
        if queue is not None:
            yield queue, entry.joined_at
