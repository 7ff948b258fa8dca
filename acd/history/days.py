"""Days as they may come, drawn by a seed: arrivals by the hour, talks, patience, shifts. Pure: one seed, one day.

Each thing is drawn from its own stream, so that another number of agents does not change a single caller.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from acd.engine.queues import DEFAULT_QUEUES, QueueRules, Urgency
from acd.engine.skills import Need
from acd.history.simulation import Arrival, Day, Shift

HOUR = 3600.0
# Share of a day's calls in each hour of the house's clock; the busiest has a tenth.
PROFILE = (
    *(0.006, 0.004, 0.004, 0.004, 0.005, 0.010, 0.020, 0.035, 0.060, 0.085, 0.100, 0.095),
    *(0.085, 0.070, 0.065, 0.065, 0.065, 0.060, 0.055, 0.045, 0.030, 0.014, 0.010, 0.008),
)
URGENCIES: Mapping[Urgency, float] = {
    Urgency.EMERGENCY: 0.002,
    Urgency.ESCALATED: 0.02,
    Urgency.REPEAT: 0.06,
    Urgency.VULNERABLE: 0.05,
    Urgency.ORDINARY: 0.868,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One queue's share of the calls and its mean talk."""

    name: str
    share: float
    talk_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """So many agents from one hour to another; an end beyond 24 is the next morning."""

    agents: int
    begins_hour: float
    ends_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a day is drawn from. The defaults are the helpline's own: 80,000 calls, shifts of 500, 500 and 30.

    `unrest`: how much the rate of calls strays from the profile within a quarter of an hour (standard deviation of its
    logarithm); a day without is calmer than any real one.
    """

    calls: int = 80_000
    profile: Sequence[float] = PROFILE
    services: tuple[Service, ...] = (
        Service(name="complaint", share=0.58, talk_seconds=180.0),
        Service(name="status", share=0.22, talk_seconds=70.0),
        Service(name="scheme", share=0.08, talk_seconds=120.0),
        Service(name="demand", share=0.05, talk_seconds=150.0),
        Service(name="person", share=0.06, talk_seconds=150.0),
        Service(name="emergency", share=0.01, talk_seconds=60.0),
    )
    crews: tuple[Crew, ...] = (
        Crew(agents=30, begins_hour=0, ends_hour=6),
        Crew(agents=500, begins_hour=6, ends_hour=14),
        Crew(agents=500, begins_hour=14, ends_hour=22),
        Crew(agents=30, begins_hour=22, ends_hour=30),
    )
    rules: tuple[QueueRules, ...] = DEFAULT_QUEUES
    talk_spread: float = 0.7  # of the logarithm
    wrap_up_seconds: float = 30.0
    patience_seconds: float = 240.0  # mean
    missed_share: float = 0.01  # of offers
    unrest: float = 0.0


SPECIALITIES = ("speciality:land", "speciality:police", "speciality:power")
ENGLISH_CALLERS, ENGLISH_AGENTS = 0.06, 0.5
SPECIAL_CALLERS, SPECIAL_AGENTS = 0.08, 0.3


def draw_day(plan: Plan, begins: datetime, seed: int) -> Day:
    """That seed's day, which begins at the house's midnight `begins`."""
    return Day(
        begins=begins, rules=plan.rules, arrivals=draw_arrivals(plan, seed), shifts=draw_shifts(plan.crews, plan, seed)
    )


def draw_arrivals(plan: Plan, seed: int) -> list[Arrival]:
    """In order of time."""
    when, who, talk, patience = (random.Random(f"{seed} {stream}") for stream in ("when", "who", "talk", "patience"))
    names = [service.name for service in plan.services]
    shares = list(accumulate(service.share for service in plan.services))
    talks = {service.name: math.log(service.talk_seconds) - plan.talk_spread**2 / 2.0 for service in plan.services}
    urgencies, weights = list(URGENCIES), list(accumulate(URGENCIES.values()))
    arrivals = []
    for number, at in enumerate(_moments(plan, when)):
        queue = who.choices(names, cum_weights=shares)[0]
        english, special, missed = who.random(), who.random(), who.random()
        arrivals.append(
            Arrival(
                id=f"call-{number}",
                queue=queue,
                at=at,
                talk_seconds=talk.lognormvariate(talks[queue], plan.talk_spread),
                wrap_up_seconds=talk.expovariate(1.0 / plan.wrap_up_seconds),
                patience_seconds=patience.expovariate(1.0 / plan.patience_seconds),
                missed=int(missed < plan.missed_share),
                urgency=who.choices(urgencies, cum_weights=weights)[0],
                needs=_special(special) if queue == "complaint" else (),
                prefers=(Need("language:en" if english < ENGLISH_CALLERS else "language:hi"),),
            )
        )
    return arrivals


def draw_shifts(crews: Sequence[Crew], plan: Plan, seed: int, *, prefix: str = "") -> list[Shift]:
    """Each crew's agents, every one with all services; some with English, some with a speciality."""
    skill = random.Random(f"{seed} skills {prefix}")
    shifts = []
    for number, crew in enumerate(crews):
        for seat in range(crew.agents):
            skills = {f"service:{service.name}": 5 for service in plan.services} | {"language:hi": 5}
            if skill.random() < ENGLISH_AGENTS:
                skills["language:en"] = 5
            if skill.random() < SPECIAL_AGENTS:
                skills[skill.choice(SPECIALITIES)] = 5
            shifts.append(
                Shift(
                    agent=f"{prefix}{number + 1}{seat:03d}",
                    skills=skills,
                    begins=crew.begins_hour * HOUR,
                    ends=crew.ends_hour * HOUR,
                )
            )
    return shifts


def _special(drawn: float) -> tuple[Need, ...]:
    return (Need(SPECIALITIES[int(drawn * 1e6) % len(SPECIALITIES)]),) if drawn < SPECIAL_CALLERS else ()


def _moments(plan: Plan, chance: random.Random) -> list[float]:
    quarters = [
        share * math.exp(chance.gauss(0.0, plan.unrest) - plan.unrest**2 / 2.0)
        for share in plan.profile
        for _ in range(4)
    ]
    chosen = chance.choices(range(len(quarters)), cum_weights=list(accumulate(quarters)), k=plan.calls)
    return sorted((quarter + chance.random()) * HOUR / 4.0 for quarter in chosen)


def midnight(day: datetime) -> datetime:
    """The begin of that moment's day in its own zone."""
    return day - timedelta(hours=day.hour, minutes=day.minute, seconds=day.second, microseconds=day.microsecond)
