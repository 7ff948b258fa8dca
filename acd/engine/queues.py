"""The rules of a queue: who may answer it, how it widens, where its callers go when it is too much. Values.

An operator sets them; the engine is told of them by `acd.engine.events.QueueOpened`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from acd.engine.skills import Need

INDIA_MINUTES = 330  # the whole country keeps one time, 5½ hours before UTC, all year


class Urgency(StrEnum):
    """Why a caller goes before others."""

    EMERGENCY = "emergency"
    ESCALATED = "escalated"  # their complaint has risen a level
    REPEAT = "repeat"  # they called within the last 24 hours
    VULNERABLE = "vulnerable"  # senior or disabled
    ORDINARY = "ordinary"


# A caller stands as if they had come that much earlier. So nobody is ever passed by one who came later by more.
HEAD_START_SECONDS: Mapping[Urgency, float] = {
    Urgency.EMERGENCY: 3600.0,
    Urgency.ESCALATED: 600.0,
    Urgency.REPEAT: 300.0,
    Urgency.VULNERABLE: 300.0,
    Urgency.ORDINARY: 0.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """From that wait on less is required. `drop`: skills or whole kinds ("speciality:") that are then only preferred.
    `lower_to`: no required level is above this one."""

    after_seconds: float
    drop: tuple[str, ...] = ()
    lower_to: int | None = None


class When(StrEnum):
    """What makes a queue flow over."""

    WAIT = "wait"  # one has waited `limit` seconds
    LENGTH = "length"  # `limit` others stand before one who comes
    NO_AGENTS = "no_agents"  # one has waited `limit` seconds and nobody who fits is signed in
    CLOSED = "closed"  # one comes to a closed queue, or it is closed for those who wait too


class To(StrEnum):
    """Where to."""

    QUEUE = "queue"  # the place is kept
    CALLBACK = "callback"  # suggested: the caller waits on unless they take it
    MESSAGE = "message"  # suggested too
    GOODBYE = "goodbye"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflow:
    """One rule; the first that applies is taken, each at most once for a caller."""

    when: When
    limit: float = 0.0
    to: To
    queue: str = ""  # for To.QUEUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When a queue is open, by the clock of a place that far ahead of UTC. Closing before opening: over midnight."""

    opens: time
    closes: time
    utc_minutes: int = INDIA_MINUTES

    def open_at(self, at: datetime) -> bool:
        now = self._local(at).time()
        if self.opens <= self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes

    def next_change(self, at: datetime) -> datetime:
        """The next opening or closing after that moment."""
        local = self._local(at)
        changes = [
            datetime.combine(local.date() + timedelta(days=day), clock)
            for day in (0, 1)
            for clock in (self.opens, self.closes)
        ]
        soonest = min(change for change in changes if change > local)
        return at + (soonest - local)

    def _local(self, at: datetime) -> datetime:
        offset = at.utcoffset() or timedelta()
        return at.replace(tzinfo=None) - offset + timedelta(minutes=self.utc_minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePromise:
    """What callers are promised: that share answered within that time. Who leaves sooner than `short_seconds` did not
    really wait, and is counted apart."""

    seconds: float = 20.0
    share: float = 0.8
    short_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """One queue. Callers who know the agent of their complaint wait `known_agent_seconds` for that one alone; `race`
    agents are rung at once for a caller, and the first who answers has them. `hours` None: always open."""

    name: str
    required: tuple[Need, ...] = ()
    widening: tuple[Widening, ...] = ()  # by time
    known_agent_seconds: float = 30.0
    race: int = 1
    overflow: tuple[Overflow, ...] = ()
    hours: Hours | None = None
    promise: ServicePromise = ServicePromise()


def _default(name: str, *, known_agent_seconds: float = 30.0) -> QueueRules:
    return QueueRules(
        name=name,
        required=(Need(f"service:{name}"),),
        widening=(Widening(after_seconds=45.0, drop=("speciality:",)),),
        known_agent_seconds=known_agent_seconds,
        overflow=(Overflow(when=When.WAIT, limit=120.0, to=To.CALLBACK),),
    )


# One for each service of the spoken menu. Callbacks and work items stand in the queue that they belong to.
SERVICES = ("complaint", "status", "scheme", "demand", "person", "emergency")
DEFAULT_QUEUES: tuple[QueueRules, ...] = (
    *(_default(service) for service in SERVICES[:-1]),
    QueueRules(name="emergency", required=(Need("service:emergency"),), known_agent_seconds=0.0),
)
