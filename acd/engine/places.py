"""What the engine keeps of one caller, one agent and one queue. Mutable, and only the engine's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from enum import Enum

from acd.engine.decisions import Offer
from acd.engine.events import Caller, Kind
from acd.engine.line import Line
from acd.engine.matching import AskLine, CallerKey, IdleKey, Matching, Pool
from acd.engine.queues import HEAD_START_SECONDS, Overflow, QueueRules, When
from acd.engine.skills import Ask, Need, ask_of, of_kind

BALANCE_SECONDS = 900.0  # who was busy all the shift so far is taken as if idle that much later than who never was
BEHIND_ALL_CALLS = 1e12  # seconds: work that is not due yet
BEFORE_ALL = -1e12  # moved to the front by a supervisor


class Place:
    """One caller's place in line."""

    __slots__ = (
        *("again", "attached", "been", "caller", "due", "hold_until", "holds", "joined", "key", "line", "met"),
        *("offers", "queue", "stage", "stages", "used", "work_due"),
    )

    def __init__(self, caller: Caller, queue: Queue, stages: Stages) -> None:
        self.caller = caller
        self.queue = queue
        self.stages = stages
        self.joined = caller.joined_at.timestamp()
        self.key = key_of(caller, self.joined)
        # Work that goes behind all calls until then; None: no work, or overdue and in line like a call.
        self.work_due = caller.due_at.timestamp() if self.is_work and caller.due_at is not None else None
        self.attached = False  # can be talked to now
        self.met = False  # was attached before: overflow at the door is over
        self.holds = False  # wants to be called back
        self.again = 0.0  # not to be called back before
        self.hold_until: float | None = None  # waits for the known agent alone; None: not begun
        self.stage = 0  # of widening
        self.line: AskLine | None = None  # stands there to be offered, or (holds) to be called back
        self.due: float | None = None  # the deadline that counts; older ones are passed over
        self.offers: dict[str, Offer] = {}  # live ones, by agent
        self.been: set[str] = set()  # queues that they left
        self.used: set[tuple[str, int]] = set()  # rules of overflow, by queue and number

    @property
    def is_work(self) -> bool:
        return self.caller.kind is Kind.WORK

    @property
    def wide(self) -> AskLine:
        """The line of what they ask at this stage, the known agent left aside."""
        return self.stages[self.stage][1]


def key_of(caller: Caller, joined: float) -> CallerKey:
    """Where one stands: by the time of joining less the head start; work behind all calls until it is due."""
    order = joined - HEAD_START_SECONDS[caller.urgency]
    if caller.kind is Kind.WORK:
        order += BEHIND_ALL_CALLS
    return (order, caller.place, caller.id)


class State(Enum):
    """What the engine knows of an agent."""

    IDLE = "idle"
    BUSY = "busy"
    PAUSED = "paused"


class Seat:
    """One agent who is signed in."""

    __slots__ = ("busy_share", "caller", "id", "key", "pool", "since", "state", "worked")

    def __init__(self, id: str, pool: Pool) -> None:
        self.id = id
        self.pool = pool
        self.state = State.BUSY
        self.key: IdleKey = (0.0, id)
        self.since: datetime | None = None  # idle since
        self.busy_share = 0.0
        self.caller = ""  # whom they talk with
        self.worked = False  # had a call since they were last ready


Stages = tuple[tuple[float, AskLine], ...]


class Queue:
    """One queue: its rules, and everybody who has not been answered yet, by place."""

    __slots__ = (
        "_closed",
        "_hours_change",
        "_hours_open",
        "_stages",
        "everyone",
        "looks_at_length",
        "rules",
        "soonest",
        "timed",
    )

    def __init__(self, rules: QueueRules) -> None:
        self.everyone: Line[CallerKey] = Line()  # without work
        self._closed = False
        self.set_rules(rules)

    def set_rules(self, rules: QueueRules) -> None:
        self.rules = rules
        self.timed = [  # rules of overflow that come by waiting
            ((rules.name, number), rule.limit)
            for number, rule in enumerate(rules.overflow)
            if rule.when in (When.WAIT, When.NO_AGENTS)
        ]
        self.soonest = min((limit for _, limit in self.timed), default=float("inf"))
        self.looks_at_length = any(rule.when is When.LENGTH for rule in rules.overflow)
        self._stages: dict[tuple[tuple[Need, ...], tuple[Need, ...]], Stages] = {}
        self._hours_change: datetime | None = None
        self._hours_open = True

    def open(self) -> None:
        self._closed = False

    def close(self) -> None:
        self._closed = True

    def is_open(self, at: datetime) -> bool:
        """By a person's word and by the clock."""
        hours = self.rules.hours
        if hours is not None and (self._hours_change is None or at >= self._hours_change):
            self._hours_open, self._hours_change = hours.open_at(at), hours.next_change(at)
        return self._hours_open and not self._closed

    def stages(self, caller: Caller, matching: Matching) -> Stages:
        """What that caller asks from which wait on, and the line of it."""
        key = (caller.needs, caller.prefers)
        stages = self._stages.get(key)
        if stages is None:
            stages = self._stages[key] = tuple(
                (after, matching.line_of(ask)) for after, ask in asks_of(self.rules, caller.needs, caller.prefers)
            )
        return stages


def asks_of(rules: QueueRules, needs: tuple[Need, ...], prefers: tuple[Need, ...]) -> Iterator[tuple[float, Ask]]:
    """What a caller of that queue asks, from which wait on: what is dropped on the way is preferred still."""
    required, preferred = [*rules.required, *needs], [*prefers]
    yield 0.0, ask_of(required, preferred)
    for widening in sorted(rules.widening, key=lambda widening: widening.after_seconds):
        dropped = [need for need in required if any(of_kind(need.skill, named) for named in widening.drop)]
        preferred += dropped
        required = [need for need in required if need not in dropped]
        if (most := widening.lower_to) is not None:
            preferred += [need for need in required if need.level > most]
            required = [replace(need, level=min(need.level, most)) for need in required]
        yield widening.after_seconds, ask_of(required, preferred)


def applies(rule: Overflow, place: Place, matching: Matching, *, now: float, arriving: bool, closed: bool) -> bool:
    """Whether that rule of overflow holds for a caller now."""
    match rule.when:
        case When.WAIT:
            return place.joined + rule.limit <= now
        case When.NO_AGENTS:
            return place.joined + rule.limit <= now and not matching.can_be_served(place.wide)
        case When.LENGTH:
            return arriving and place.queue.everyone.before(place.key) >= rule.limit
        case When.CLOSED:
            return closed
