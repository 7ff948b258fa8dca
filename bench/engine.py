"""The ACD's engine alone: how long the decisions of one event take, and how that grows with the callers who wait.

    .venv/bin/python -m bench.engine

A realistic mix: six queues, two languages and three dialects, ten specialities, urgencies as they come; 1,000 agents
with some hundred different sets of skills. Time is the thread's own CPU, so others on the machine disturb less.
All figures of one run stand beside each other; only they may be compared.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import log, sqrt

from acd.engine.decisions import CallBack, Offer
from acd.engine.engine import Engine
from acd.engine.events import (
    AgentBusy,
    AgentReady,
    AgentSignedIn,
    Caller,
    CallerAttached,
    CallerDetached,
    CallerHolds,
    CallerJoined,
    CallerLeft,
    CallerMoved,
    ClockTicked,
    Event,
    OfferAnswered,
    OfferFailed,
)
from acd.engine.queues import DEFAULT_QUEUES, Urgency
from acd.engine.skills import Need

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
QUEUES = ("complaint", "status", "scheme", "demand", "person", "emergency")
QUEUE_WEIGHTS = (50, 25, 8, 7, 8, 2)
LANGUAGES = ("hi", "en", "bho", "awa", "ur")
LANGUAGE_WEIGHTS = (70, 5, 12, 9, 4)
SPECIALITIES = ("land", "water", "power", "police", "pension", "ration", "road", "health", "school", "labour")
URGENCY_WEIGHTS = (1, 6, 12, 8, 73)
WAITED_SECONDS = 600.0  # those who wait have come one after the other in this time
TICK_SECONDS = 0.02  # between two events
SIZES = (100, 1_000, 10_000, 50_000)


def skills(chance: random.Random) -> dict[str, int]:
    """Of one agent: some hundred different sets come of it in 1,000 agents."""
    levels = {f"service:{queue}": 5 for queue in QUEUES[:5]}
    if chance.random() < 0.1:
        levels["service:emergency"] = 7
    levels["language:hi"] = 5
    if (second := chance.choices(("", *LANGUAGES[1:]), (60, 12, 14, 10, 4))[0]) != "":
        levels[f"language:{second}"] = 5
    if chance.random() < 0.35:
        levels[f"speciality:{chance.choice(SPECIALITIES)}"] = chance.choice((3, 7))
    return levels


def caller(number: int, at: datetime, chance: random.Random, agents: int) -> Caller:
    """The next one who comes."""
    queue = chance.choices(QUEUES, QUEUE_WEIGHTS)[0]
    language = Need(f"language:{chance.choices(LANGUAGES, LANGUAGE_WEIGHTS)[0]}")
    required = chance.random() < 0.2
    speciality = Need(f"speciality:{chance.choice(SPECIALITIES)}", 3)
    special = chance.random() if queue == "complaint" else 1.0
    return Caller(
        id=f"c{number}",
        queue=queue,
        place=number,
        joined_at=at,
        urgency=Urgency.EMERGENCY if queue == "emergency" else chance.choices(list(Urgency), URGENCY_WEIGHTS)[0],
        needs=(language,) * required + (speciality,) * (special < 0.1),
        prefers=(language,) * (not required) + (speciality,) * (0.1 <= special < 0.3),
        known_agent=f"a{chance.randrange(agents)}" if chance.random() < 0.05 else "",
    )


@dataclass
class Centre:
    """A helpline in full swing: all agents talk, so many wait. Every call of `step` is a few events, each timed."""

    agents: int
    waiting: int
    seed: int = 1
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.engine = Engine(DEFAULT_QUEUES)
        self.now = NOON
        self.numbers = 0
        self.line: list[str] = []  # some who wait, in no order
        self.talking = [f"a{number}" for number in range(self.agents)]
        for agent in self.talking:
            self.engine.handle(AgentSignedIn(agent, skills(self.chance)), self.now)
        self.fill()
        self.took.clear()

    def fill(self) -> None:
        """So many wait, and have come evenly in the last minutes."""
        for _ in range(self.waiting):
            self.now += timedelta(seconds=WAITED_SECONDS / self.waiting)
            self.join()
        while (due := self.engine.next_deadline()) is not None and due <= self.now:
            self.engine.handle(ClockTicked(), self.now)

    def timed(self, event: Event, kind: str = "") -> list[object]:
        self.now += timedelta(seconds=TICK_SECONDS)
        began = time.thread_time_ns()
        decided = self.engine.handle(event, self.now)
        self.took[kind or type(event).__name__].append((time.thread_time_ns() - began) / 1000)
        return list(decided)

    def join(self) -> None:
        self.numbers += 1
        newcomer = caller(self.numbers, self.now, self.chance, self.agents)
        for decision in self.timed(CallerJoined(newcomer)):
            if isinstance(decision, Offer):
                self.answer(decision)
                return
        self.line.append(newcomer.id)

    def answer(self, offer: Offer) -> None:
        if self.chance.random() < 0.05:
            again = self.timed(OfferFailed(offer.caller, offer.agent))
            self.talking.append(offer.agent)
            for decision in again:
                if isinstance(decision, Offer):
                    self.answer(decision)
            return
        self.timed(OfferAnswered(offer.caller, offer.agent))
        self.talking.append(offer.agent)

    def one(self) -> str | None:
        """Somebody who waits, taken at random."""
        while self.line:
            index = self.chance.randrange(len(self.line))
            self.line[index], self.line[-1] = self.line[-1], self.line[index]
            if self.engine.caller(self.line[-1]) is not None:
                return self.line[-1]
            self.line.pop()
        return None

    def step(self) -> None:
        """An agent is done and takes the next caller; another caller comes; now and then something rarer."""
        agent = self.talking.pop(self.chance.randrange(len(self.talking)))
        self.timed(AgentBusy(agent))
        idle_since = self.now - timedelta(seconds=self.chance.random())
        offers = self.timed(AgentReady(agent, idle_since, self.chance.random()))
        if not offers:
            self.timed(AgentBusy(agent), "AgentBusy (was idle)")
            self.talking.append(agent)
        for decision in offers:
            if isinstance(decision, Offer):
                self.answer(decision)
            elif isinstance(decision, CallBack):
                self.timed(CallerAttached(decision.caller), "CallerAttached (called back)")
        while self.engine_short():
            self.join()
        dice = self.chance.random()
        if dice < 0.2 and (id := self.one()):
            self.timed(CallerLeft(id))
            self.join()
        elif dice < 0.25 and (id := self.one()):
            self.timed(CallerDetached(id))
            self.timed(CallerAttached(id))
        elif dice < 0.26 and (id := self.one()):
            self.timed(CallerMoved(id, front=True))
        elif dice < 0.27 and (id := self.one()):
            self.timed(CallerHolds(id))
            self.line.remove(id)
        self.timed(ClockTicked())

    def engine_short(self) -> bool:
        return len(self.engine) < self.waiting


def at(values: list[float], share: float) -> float:
    """That quantile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def table(took: dict[str, list[float]]) -> Iterable[str]:
    """One row for each kind of event, times in µs."""
    yield f"{'event':<28} {'number':>8} {'p50':>8} {'p99':>8} {'max':>9}  µs"
    every = [each for values in took.values() for each in values]
    for kind, values in [*sorted(took.items()), ("all", every)]:
        figures = f"{at(values, 0.5):8.1f} {at(values, 0.99):8.1f} {max(values):9.1f}"
        yield f"{kind:<28} {len(values):8} {figures}"


def fitted(points: list[tuple[float, float]], grown: Callable[[float], float]) -> tuple[float, float, float]:
    """Least squares of cost = a + b·grown(n): a, b, and the typical miss relative to the mean cost."""
    xs, ys = [grown(n) for n, _ in points], [cost for _, cost in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    b = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum((x - mean_x) ** 2 for x in xs)
    a = mean_y - b * mean_x
    miss = sqrt(sum((a + b * x - y) ** 2 for x, y in zip(xs, ys, strict=True)) / len(xs)) / mean_y
    return a, b, miss


def growth(points: list[tuple[float, float]]) -> Iterable[str]:
    """A plot in words, and what the cost grows like."""
    most = max(cost for _, cost in points)
    for n, cost in points:
        yield f"{n:>8.0f} waiting {cost:7.2f} µs {'█' * max(1, round(50 * cost / most))}"
    for name, grown in (("log n", log), ("√n", sqrt), ("n", float)):
        a, b, miss = fitted(points, grown)
        yield f"  fitted: {a:6.2f} + {b:.5f} · {name:<6} misses by {miss:.1%}"
    (first_n, first), (last_n, last) = points[0], points[-1]
    yield (
        f"  {last_n / first_n:.0f} times the callers cost {last / first:.2f} times as much"
        f" (log n: {log(last_n) / log(first_n):.2f}, n: {last_n / first_n:.0f})"
    )


def yardstick() -> float:
    """Milliseconds for a million additions: how fast this machine is now, beside whatever else runs on it."""
    began, total = time.thread_time_ns(), 0
    for number in range(1_000_000):
        total += number
    return (time.thread_time_ns() - began) / 1e6


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--waiting", type=int, default=5_000)
    parser.add_argument("--steps", type=int, default=10_000)
    chosen = parser.parse_args(arguments)
    gc.disable()  # as in the controller, which freezes what lives long: a collection is not the engine's time
    centre = Centre(chosen.agents, chosen.waiting)
    kinds = len(centre.engine.matching.lines), len(centre.engine.matching.pools)
    say(f"{chosen.agents} agents, {chosen.waiting} waiting: {kinds[0]} different asks, {kinds[1]} sets of skills")
    say(f"yardstick: a million additions in {yardstick():.0f} ms")
    for _ in range(chosen.steps):
        centre.step()
    say("\n".join(table(centre.took)))
    worst = at([each for values in centre.took.values() for each in values], 0.99)
    say(f"p99 of one event: {worst:.0f} µs (to reach: 1000)\n\nmean cost of one event, by how many wait:")
    points = []
    for size in SIZES:
        centre = Centre(chosen.agents, size)
        for _ in range(chosen.steps // 4):
            centre.step()
        every = [each for values in centre.took.values() for each in values]
        points.append((float(size), sum(every) / len(every)))
    say("\n".join(growth(points)))
    return 0 if worst <= 1000 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
