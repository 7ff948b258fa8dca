"""How true the expected wait is: the share of waits inside the range that was told, over several days and loads.

Days are simulated around the live engine with the live glue (`acd.waiting.expectation`); callers are told as live:
first after 15 s, then every 45 s. Beside it, at the same moments, what app_queue says of the same callers:
|holdtime+30−waited|, holdtime a ¾–¼ average of answered waits (apps/app_queue.c, say_position and recalc_holdtime).
It says a number and no range, so it is given a range of the same width as ours around it. Run: .venv/bin/python
bench/forecast.py [--days N] [--calls N]. The target is 80 % inside; ends with 1 below 75 %.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from acd.engine.decisions import Decision, SendAway
from acd.engine.engine import Engine
from acd.engine.events import CallerJoined, Event, OfferAnswered
from acd.history.days import Crew, Plan, draw_day
from acd.history.levels import End
from acd.history.simulation import Played, simulate
from acd.waiting.expectation import Expectation
from acd.waiting.forecast import Accuracy, Forecast, size_of
from acd.waiting.ranges import Range

START = datetime(2026, 11, 25, tzinfo=UTC)
NEEDED_SHARE = 0.75
# Agents of the two day shifts and of the night for 20,000 calls, of which the busiest hour needs 100.
# Patience in seconds: with little of it nobody waits long, whatever the staffing.
LOADS = {"full": (104, 9, 480.0), "tight": (94, 8, 480.0), "too few": (84, 7, 480.0), "long": (84, 7, 1800.0)}
SIZES = ("below 2 min", "2 to 5", "5 to 10", "above 10")


@dataclass(frozen=True, slots=True)
class Said:
    caller: str
    at: datetime
    ours: Range | None
    theirs: float  # seconds


class Announcer:
    """Listens to a simulated day, and tells each waiting caller what the live service would tell."""

    def __init__(self, forecast: Forecast) -> None:
        self.engine = Engine()
        self.said: list[Said] = []
        self._expected = Expectation(self.engine, forecast)
        self._holdtime: dict[str, int] = defaultdict(int)
        self._joined: dict[str, tuple[str, datetime]] = {}

    def watch(self, event: Event, at: datetime, decisions: Sequence[Decision]) -> None:
        if isinstance(event, OfferAnswered) and event.caller in self._joined:
            queue, joined = self._joined[event.caller]
            waited = int((at - joined).total_seconds())
            self._holdtime[queue] = (3 * self._holdtime[queue] + waited) >> 2
        self._expected.hear((event,), at, [one.caller for one in decisions if isinstance(one, SendAway)])
        if isinstance(event, CallerJoined):
            self._joined[event.caller.id] = (event.caller.queue, event.caller.joined_at)

    def ask(self, caller: str, at: datetime) -> None:
        queue, joined = self._joined[caller]
        theirs = abs(self._holdtime[queue] + 30 - (at - joined).total_seconds())
        self.said.append(Said(caller, at, self._expected.quote(caller, at), theirs))


@dataclass(slots=True)
class Tally:
    """Of the answered callers who were told a range: how true each was."""

    told: int = 0
    silent: int = 0
    inside: int = 0
    theirs_inside: int = 0
    widths: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    their_errors: list[float] = field(default_factory=list)
    grew: int = 0
    theirs_grew: int = 0
    again: int = 0
    by_size: dict[int, list[bool]] = field(default_factory=lambda: defaultdict(list))

    def add(self, said: Sequence[Said], played: Played) -> None:
        ended = {
            arrival.id: played.day.begins + timedelta(seconds=ended)
            for arrival, end, ended in zip(played.day.arrivals, played.ends, played.ended, strict=True)
            if end is End.ANSWERED
        }
        before: dict[str, Said] = {}
        for one in said:
            if one.ours is None:
                self.silent += 1
                continue
            if (last := before.get(one.caller)) is not None and last.ours is not None:
                self.again += 1
                self.grew += one.ours.high > last.ours.high or one.ours.low > last.ours.low
                self.theirs_grew += one.theirs > last.theirs
            before[one.caller] = one
            if one.caller in ended:
                self._judge(one, one.ours, (ended[one.caller] - one.at).total_seconds())

    def _judge(self, said: Said, ours: Range, actual: float) -> None:
        width = (ours.high - ours.low) * 60.0
        self.told += 1
        self.inside += ours.holds(actual)
        self.by_size[size_of((ours.high + ours.low) * 30.0)].append(ours.holds(actual))
        self.theirs_inside += abs(actual - said.theirs) <= width / 2.0
        self.widths.append(width)
        self.errors.append(abs((ours.high + ours.low) * 30.0 - actual))
        self.their_errors.append(abs(said.theirs - actual))


def row(name: str, tally: Tally) -> str:
    if not tally.told:
        return f"{name:<10} nothing told"
    return (
        f"{name:<10} {tally.told:>7} {tally.told / (tally.told + tally.silent):>6.0%} "
        f"{tally.inside / tally.told:>7.1%} {tally.theirs_inside / tally.told:>10.1%} "
        f"{statistics.fmean(tally.widths) / 60:>7.1f} "
        f"{statistics.median(tally.errors):>8.0f} {statistics.median(tally.their_errors):>10.0f} "
        f"{tally.grew / max(1, tally.again):>7.0%} {tally.theirs_grew / max(1, tally.again):>10.0%}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=3, help="of each load")
    parser.add_argument("--calls", type=int, default=20_000, help="a day")
    asked = parser.parse_args()
    write = sys.stdout.write
    write(f"{'load':<10} {'judged':>7} {'told':>6} {'inside':>7} {'app_queue':>10} {'width':>7} ")
    write(f"{'off by':>8} {'app_queue':>10} {'grew':>7} {'app_queue':>10}\n")
    write(f"{'':<10} {'':>7} {'':>6} {'':>7} {'':>10} {'min':>7} {'s, med.':>8} {'':>10}\n")
    began = time.perf_counter()
    whole, measured = Tally(), Accuracy()
    for name, (crew, night, patience) in LOADS.items():
        tally, forecast = Tally(), Forecast()
        scale = asked.calls / 20_000
        crews = (
            Crew(agents=round(night * scale), begins_hour=0, ends_hour=6),
            Crew(agents=round(crew * scale), begins_hour=6, ends_hour=14),
            Crew(agents=round(crew * scale), begins_hour=14, ends_hour=22),
            Crew(agents=round(night * scale), begins_hour=22, ends_hour=30),
        )
        for number in range(asked.days):
            day = draw_day(
                Plan(calls=asked.calls, crews=crews, unrest=0.15, patience_seconds=patience),
                START + timedelta(days=number),
                seed=number + 1,
            )
            announcer = Announcer(forecast)
            played = simulate(day, engine=announcer.engine, watch=announcer.watch, ask=announcer.ask)
            tally.add(announcer.said, played)
            whole.add(announcer.said, played)
        write(row(name, tally) + "\n")
        measured = forecast.measure()
        write(
            f"{'':<10} its own measure: {measured.share_inside or 0:.1%} inside of {measured.judged}, "
            f"{measured.sooner} sooner, {measured.later} later, {measured.left} left before it was known\n"
        )
    write(row("together", whole) + "\n")
    for size, inside in sorted(whole.by_size.items()):
        write(f"told {SIZES[size]:<12} {len(inside):>7} judged, {sum(inside) / len(inside):.1%} inside\n")
    write(f"{asked.days} days of {asked.calls} calls for each load, {time.perf_counter() - began:.0f} s\n")
    return 0 if whole.told and whole.inside / whole.told >= NEEDED_SHARE else 1


if __name__ == "__main__":
    raise SystemExit(main())
