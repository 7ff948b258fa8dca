"""How long a caller will still wait, as a range that people understand, with a measured error.

Pure: a learning object that is told what happened and when. The same object serves the live queue and the simulator.

A forecast has two parts. The *base* is arithmetic from what is there now: n callers ahead who compete for the same
agents, each of whom also gives up with the hazard seen lately, m calls a second that the agents really there take at
their recent pace, less the more urgent callers who will still come before. For exponential times the wait is the sum of
1/(m + i·hazard) for i = 0 … n (the Erlang-A queue seen by one who waits in it); `drain` is its continuous form.
The *range* is learned: how far off, in units of the base's own spread, the last forecasts of the same queue and size
were. Callers who gave up count as "longer than that" (Kaplan–Meier), and the two outer shares are steered so that over
time about 80 % of waits fall inside what was said (adaptive conformal inference, Gibbs and Candès 2021).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from acd.waiting.ranges import Range, no_longer, quantiles, spoken

INSIDE_SHARE = 0.8  # of waits, inside the quoted range
HALF_LIFE_SECONDS = 600.0  # of what is called recent pace
ENOUGH_COMPLETIONS = 10.0  # in about the last quarter of an hour, weighted by age; below it nothing is told
ENOUGH_ERRORS = 30  # resolved forecasts before a range is trusted
LONGEST_MINUTES = 60  # beyond this nobody is told a number
WINDOW = 400  # resolved forecasts that a range is drawn from
STEER = 0.004  # how fast the outer shares follow what was missed; errors come in runs, so faster is less true
FLOOR_SPREAD = 0.12  # relative; what no counting of callers explains
SIZES_SECONDS = (120.0, 300.0, 600.0)  # forecasts of like size are judged together


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one who waits stands, as the engine counts it.

    `ahead`: callers before them who compete for the same agents, each counted by the share of their agents who fit this
    caller too. `agents`: signed in, not paused, and fit for this caller. `head_start` in seconds and
    `waited` say which of those who come later still go before. `rivals`: the queues whose callers compete; () is all.
    """

    caller: str
    queue: str
    ahead: float
    agents: int
    waited: float
    head_start: float = 0.0
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Announced versus actual, of the ranges that callers really heard."""

    told: int = 0
    inside: int = 0
    sooner: int = 0  # answered before the range began
    later: int = 0  # answered after it, or gave up after it
    left: int = 0  # gave up before it was over: nothing can be said
    width_seconds: float = 0.0  # sum over those judged

    @property
    def judged(self) -> int:
        return self.inside + self.sooner + self.later

    @property
    def share_inside(self) -> float | None:
        return self.inside / self.judged if self.judged else None

    @property
    def mean_width_seconds(self) -> float | None:
        return self.width_seconds / self.judged if self.judged else None


@dataclass(slots=True)
class _Fading:
    """A sum whose parts fade with age."""

    sum: float = 0.0
    at: float = 0.0

    def add(self, amount: float, at: float) -> None:
        self.sum = self.value(at) + amount
        self.at = max(at, self.at)

    def value(self, at: float) -> float:
        return self.sum * 0.5 ** (max(0.0, at - self.at) / HALF_LIFE_SECONDS) if self.sum else 0.0

    def rate(self, at: float) -> float:
        """Per second, as if it had always been so."""
        return self.value(at) * math.log(2.0) / HALF_LIFE_SECONDS


@dataclass(slots=True)
class _Errors:
    """The latest resolved forecasts of one kind: (error in spreads, known to be exact or only a lower bound)."""

    scores: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    low: float = (1.0 - INSIDE_SHARE) / 2.0
    high: float = (1.0 - INSIDE_SHARE) / 2.0
    _bounds: tuple[float, float] | None = None
    _new: int = 0

    def add(self, score: float, *, exact: bool) -> None:
        self.scores.append((score, exact))
        self._new += 1
        if self._new >= 8:
            self._bounds = None

    def steer(self, *, missed_low: bool, missed_high: bool) -> None:
        aim = (1.0 - INSIDE_SHARE) / 2.0
        self.low = min(0.4, max(0.01, self.low + STEER * (aim - missed_low)))
        self.high = min(0.4, max(0.01, self.high + STEER * (aim - missed_high)))
        self._bounds = None if self._new >= 8 else self._bounds

    def bounds(self) -> tuple[float, float]:
        """Both ends in spreads. Sorted anew only every few errors: a quote must cost little."""
        if self._bounds is None:
            self._bounds = quantiles(self.scores, self.low, 1.0 - self.high)
            self._new = 0
        return self._bounds


@dataclass(slots=True)
class _Pending:
    """A forecast whose truth is not known yet."""

    at: float
    base: float
    spread: float
    kind: tuple[str, int]
    range: Range
    told: bool


@dataclass(slots=True)
class _Waiter:
    queue: str
    joined: float
    pending: list[_Pending] = field(default_factory=list)
    said: Range | None = None


class Forecast:
    """Learns from what happens; `quote` says what may be told to one caller now. Times must not run backwards far."""

    def __init__(self) -> None:
        self._waiters: dict[str, _Waiter] = {}
        self._busy: dict[str, tuple[float, str]] = {}  # agent: since, queue
        self._handled: dict[str, tuple[_Fading, _Fading]] = {}  # queue: seconds, conversations
        self._gave_up = _Fading()
        self._waited = _Fading()
        self._inflow: dict[tuple[str, float], _Fading] = {}  # (queue, head start)
        self._errors: dict[tuple[str, int], _Errors] = {}
        self._accuracy = Accuracy()

    # -- what happened

    def note_joined(
        self, caller: str, queue: str, at: datetime, *, head_start: float = 0.0, arrives: bool = True
    ) -> None:
        """A caller stands in line; `head_start` (seconds) is that of their urgency. `arrives` False: they came before,
        and were counted then."""
        if caller in self._waiters:
            return
        now = at.timestamp()
        self._waiters[caller] = _Waiter(queue, now)
        if arrives:
            self._inflow.setdefault((queue, head_start), _Fading()).add(1.0, now)

    def note_answered(self, caller: str, agent: str, at: datetime) -> None:
        """They talk now: the wait is known."""
        now = at.timestamp()
        waiter = self._waiters.pop(caller, None)
        if waiter is None:
            return
        self._busy[agent] = (now, waiter.queue)
        self._waited.add(now - waiter.joined, now)
        for pending in waiter.pending:
            self._resolve(pending, now, exact=True)

    def note_left(self, caller: str, at: datetime, *, gave_up: bool = True) -> None:
        """Out of the line without an answer. `gave_up`: by their own will, not because we sent them on."""
        now = at.timestamp()
        waiter = self._waiters.pop(caller, None)
        if waiter is None:
            return
        self._waited.add(now - waiter.joined, now)
        if gave_up:
            self._gave_up.add(1.0, now)
        for pending in waiter.pending:
            self._resolve(pending, now, exact=False)

    def note_free(self, agent: str, at: datetime) -> None:
        """The agent can take the next call: the time since the last answer, wrap-up in it, is their pace."""
        busy = self._busy.pop(agent, None)
        if busy is None:
            return
        since, queue = busy
        now = at.timestamp()
        seconds, conversations = self._handled.setdefault(queue, (_Fading(), _Fading()))
        seconds.add(now - since, now)
        conversations.add(1.0, now)

    def note_away(self, agent: str) -> None:
        """The agent paused or signed out: the time until they are back is not their pace."""
        self._busy.pop(agent, None)

    # -- what may be said

    def quote(self, standing: Standing, at: datetime) -> Range | None:
        """What to tell that caller now; None: better no number (too little is known, it would grow, or be silly)."""
        now = at.timestamp()
        waiter = self._waiters.get(standing.caller)
        handling = self.handling_seconds(now, standing.rivals)
        if waiter is None or handling is None or standing.agents < 1:
            return None
        base, spread = self._base(standing, handling, now)
        kind = (standing.queue, size_of(base))
        errors = self._judge(kind)
        low, high = errors.bounds() if errors.scores else (-1.5, 1.5)
        found = spoken(base * math.exp(low * spread), base * math.exp(high * spread))
        told = self._may_tell(found, errors, now)
        if told is not None and waiter.said is not None:
            told = no_longer(told, waiter.said)
        if told is not None:
            waiter.said = told
        waiter.pending.append(_Pending(now, base, spread, kind, told or found, told is not None))
        return told

    def measure(self) -> Accuracy:
        """Announced versus actual so far."""
        return self._accuracy

    def handling_seconds(self, now: float, queues: Iterable[str] = ()) -> float | None:
        """Mean seconds from one answer to being free again, lately, of those queues (() is all); None: not known."""
        known = [self._handled[queue] for queue in queues or self._handled if queue in self._handled]
        conversations = sum(count.value(now) for _, count in known)
        if conversations < 1.0:
            return None
        return max(1.0, sum(seconds.value(now) for seconds, _ in known) / conversations)

    # -- the value

    def state(self) -> dict[str, Any]:
        """All that was learned, as plain JSON values. Who waits is not in it: they are told anew by `note_joined`."""
        return {
            "handled": {q: [s.sum, s.at, c.sum, c.at] for q, (s, c) in self._handled.items()},
            "gave_up": [self._gave_up.sum, self._gave_up.at],
            "waited": [self._waited.sum, self._waited.at],
            "inflow": [[q, head, f.sum, f.at] for (q, head), f in self._inflow.items()],
            "errors": [[q, size, e.low, e.high, [list(s) for s in e.scores]] for (q, size), e in self._errors.items()],
        }

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Forecast:
        """One that knows what `state()` said."""
        made = cls()
        made._handled = {q: (_Fading(a, b), _Fading(c, d)) for q, (a, b, c, d) in state["handled"].items()}
        made._gave_up = _Fading(*state["gave_up"])
        made._waited = _Fading(*state["waited"])
        made._inflow = {(q, head): _Fading(a, b) for q, head, a, b in state["inflow"]}
        for queue, size, low, high, scores in state["errors"]:
            known = deque(((float(s), bool(exact)) for s, exact in scores), maxlen=WINDOW)
            made._errors[queue, size] = _Errors(known, low, high)
        return made

    # -- steps

    def _base(self, standing: Standing, handling: float, now: float) -> tuple[float, float]:
        """Expected seconds and their relative spread."""
        pace = standing.agents / handling
        waited = self._waited.value(now)
        hazard = self._gave_up.value(now) / waited if waited > 0.0 else 0.0
        sooner = []
        for (queue, head_start), arrivals in self._inflow.items():
            still = head_start - standing.head_start - standing.waited
            if still > 0.0 and (not standing.rivals or queue in standing.rivals):
                sooner.append((still, arrivals.rate(now)))
        mean = drain(standing.ahead, pace, hazard, sooner)
        first, last = pace, pace + (standing.ahead + 1.0) * hazard
        return max(1.0, mean), math.sqrt((standing.ahead + 1.0) / (first * last)) / mean + FLOOR_SPREAD

    def _judge(self, kind: tuple[str, int]) -> _Errors:
        """The errors that a range is drawn from: of this kind, else of the nearest size in this queue, else of any."""
        own = self._errors.setdefault(kind, _Errors())
        if len(own.scores) >= ENOUGH_ERRORS:
            return own
        rated = [
            ((queue != kind[0], abs(size - kind[1])), errors)
            for (queue, size), errors in self._errors.items()
            if len(errors.scores) >= ENOUGH_ERRORS
        ]
        return min(rated, key=lambda pair: pair[0])[1] if rated else own

    def _may_tell(self, found: Range, errors: _Errors, now: float) -> Range | None:
        silly = found.high > LONGEST_MINUTES or found.high - found.low > found.low + 4
        known = len(errors.scores) >= ENOUGH_ERRORS and self._completions(now) >= ENOUGH_COMPLETIONS
        return found if known and not silly else None

    def _completions(self, now: float) -> float:
        return sum(count.value(now) for _, count in self._handled.values())

    def _resolve(self, pending: _Pending, now: float, *, exact: bool) -> None:
        actual = max(1.0, now - pending.at)
        errors = self._errors.setdefault(pending.kind, _Errors())
        errors.add(math.log(actual / pending.base) / pending.spread, exact=exact)
        sooner = exact and actual < pending.range.low * 60.0
        later = actual > pending.range.high * 60.0
        if exact or later:
            errors.steer(missed_low=sooner, missed_high=later)
        if not pending.told:
            return
        was = self._accuracy
        judged = exact or later
        width = (pending.range.high - pending.range.low) * 60.0
        self._accuracy = Accuracy(
            told=was.told + 1,
            inside=was.inside + (judged and not sooner and not later),
            sooner=was.sooner + sooner,
            later=was.later + later,
            left=was.left + (not judged),
            width_seconds=was.width_seconds + (width if judged else 0.0),
        )


def drain(ahead: float, pace: float, hazard: float, sooner: Iterable[tuple[float, float]] = ()) -> float:
    """Seconds until one with `ahead` before them is taken.

    `pace`: callers taken per second; `hazard`: giving up per second of each who waits; `sooner`: (for so many seconds,
    so many callers a second come in before this one). Those can at most take nine tenths of the pace.
    """
    left = ahead + 0.5  # the sum over i = 0 … ahead as an integral from -½ to ahead + ½
    passed = 0.0
    steps = sorted(sooner)
    rate = sum(arrivals for _, arrivals in steps)
    for until, arrivals in steps:
        net = max(pace - rate, pace * 0.1)
        need = _falling(left, -0.5, net, hazard)
        if passed + need <= until:
            return passed + need
        left = _left_after(left, until - passed, net, hazard)
        passed = until
        rate -= arrivals
    return passed + _falling(left, -0.5, pace, hazard)


def _falling(start: float, end: float, pace: float, hazard: float) -> float:
    """Seconds for a line of `start` to shrink to `end`."""
    bottom = max(pace + hazard * end, pace * 0.5)
    if hazard * (start - end) < 1e-6 * pace:
        return (start - end) / pace
    return math.log((pace + hazard * start) / bottom) / hazard


def _left_after(start: float, seconds: float, pace: float, hazard: float) -> float:
    if hazard * max(start, 1.0) < 1e-6 * pace:
        return max(-0.5, start - pace * seconds)
    rest = pace / hazard
    return max(-0.5, (start + rest) * math.exp(-hazard * seconds) - rest)


def size_of(seconds: float) -> int:
    """Which forecasts are judged together: the index of its size."""
    return sum(seconds >= bound for bound in SIZES_SECONDS)
