"""How long a whole day takes to simulate around the live engine, and where the time goes.

Run: .venv/bin/python bench/day.py [--calls N] [--runs N] [--profile]. The target is 15 s for 80,000 calls on one core
(CPU time: other processes on the machine do not count); ends with 1 above it. Beside it the same day by a plain line,
first come first served, any agent for any caller, written by hand: what the engine's rules cost.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush

from acd.engine.queues import ServicePromise
from acd.history.days import Plan, draw_day
from acd.history.levels import level_of
from acd.history.simulation import Day, Played, simulate

TARGET_SECONDS = 15.0
# A day on which callers wait: a quarter of the agents is missing.
SHORT = tuple(replace(crew, agents=crew.agents * 3 // 4) for crew in Plan().crews)
START = datetime(2026, 11, 25, tzinfo=UTC)


def by_hand(day: Day) -> int:
    """Answered calls of the day with one plain line. Shifts are taken as they are; calls in talk are finished."""
    free = [(shift.begins, shift.ends) for shift in day.shifts]
    heapify(free)
    answered = 0
    for arrival in day.arrivals:
        while free and (free[0][0] >= free[0][1]):
            heappop(free)
        if not free or max(free[0][0], arrival.at) - arrival.at > arrival.patience_seconds:
            continue
        since, ends = heappop(free)
        begins = max(since, arrival.at) + day.answer_seconds
        if since <= ends:
            answered += 1
            heappush(free, (begins + arrival.talk_seconds + arrival.wrap_up_seconds, ends))
    return answered


def tell(played: Played, seconds: float) -> str:
    level = level_of(played.waits(), START + timedelta(days=2), promise=ServicePromise())
    return (
        f"{seconds:.2f} s CPU, {played.events} events, {seconds / played.events * 1e6:.1f} µs an event, "
        f"{played.offers} offers, {level.answered} served, in time {level.service_level}, abandoned {level.abandonment}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=80_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="one run more, with the ten dearest functions")
    asked = parser.parse_args()
    write = sys.stdout.write
    day = draw_day(Plan(calls=asked.calls), START, seed=1)
    taken = []
    for _ in range(asked.runs):
        began = time.process_time()
        played = simulate(day)
        taken.append(time.process_time() - began)
        write(f"engine   {tell(played, taken[-1])}\n")
    short = draw_day(Plan(calls=asked.calls, crews=SHORT), START, seed=1)
    began = time.process_time()
    played = simulate(short)
    write(f"too few  {tell(played, time.process_time() - began)}\n")
    began = time.process_time()
    answered = by_hand(day)
    write(f"by hand  {time.process_time() - began:.2f} s CPU, {answered} served\n")
    median = statistics.median(taken)
    write(f"median of {asked.runs}: {median:.2f} s for {asked.calls} calls (target {TARGET_SECONDS:.0f} s)\n")
    if asked.profile:
        profile = cProfile.Profile()
        profile.runcall(simulate, day)
        pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(16)
    return 0 if median <= TARGET_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main())
