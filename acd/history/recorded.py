"""A day as the journal has it, made ready to be played again: who called, how long talks took, who was there.

Pure. What a journal can't know is drawn by a seed: how patient those were who were answered, and how long the talks of
those who gave up would have been. Patience is only seen in full in those who gave up; of all others it is known to be
longer than their wait. Its distribution is estimated from both (Kaplan–Meier) and drawn beyond the wait that was seen;
to take only those who gave up would make everybody look far less patient than they are. Agents count as there while
they were signed in and not paused, so rings in vain are in it as the pauses that followed.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from statistics import median

from acd.engine.decisions import Offer
from acd.engine.events import (
    AgentPaused,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallEnded,
    Caller,
    CallerJoined,
    Event,
    Kind,
    OfferAnswered,
    QueueOpened,
)
from acd.engine.queues import QueueRules
from acd.engine.skills import Skills
from acd.errors import NothingRecorded
from acd.history.journal import Entry, Line, Torn
from acd.history.levels import DAY, End, Recount, Wait, interval_begin
from acd.history.simulation import Arrival, Day, Shift

LONGEST_WRAP_UP = 900.0  # seconds; what is longer was something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One call of the day: None is what was not seen."""

    caller: Caller
    wait: Wait
    talk_seconds: float | None
    wrap_up_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A day of the journal."""

    begins: datetime
    rules: tuple[QueueRules, ...]
    calls: tuple[Seen, ...]
    shifts: tuple[Shift, ...]
    answer_seconds: float

    def waits(self) -> list[Wait]:
        return [call.wait for call in self.calls]


@dataclass(slots=True)
class _Talk:
    agent: str
    answered: datetime
    ended: datetime | None = None
    free: datetime | None = None


@dataclass(slots=True)
class _Reader:
    rules: dict[str, QueueRules] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)
    talks: dict[str, _Talk] = field(default_factory=dict)
    wrapping: dict[str, _Talk] = field(default_factory=dict)
    skills: dict[str, Skills] = field(default_factory=dict)
    there: dict[str, datetime] = field(default_factory=dict)
    stretches: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    offered: dict[tuple[str, str], datetime] = field(default_factory=dict)
    answer_seconds: list[float] = field(default_factory=list)
    last: datetime | None = None

    def note(self, entry: Entry) -> None:
        self.last = entry.at
        for event in entry.events:
            self._event(event, entry.at)
        for decision in entry.decisions:
            if isinstance(decision, Offer):
                self.offered[decision.caller, decision.agent] = entry.at

    def _event(self, event: Event, at: datetime) -> None:
        match event:
            case QueueOpened(rules):
                self.rules[rules.name] = rules
            case CallerJoined(caller) if caller.kind is Kind.CALL:
                self.callers.setdefault(caller.id, caller)
            case OfferAnswered(caller, agent):
                self.talks.setdefault(caller, _Talk(agent, at))
                offered = self.offered.pop((caller, agent), None)
                if offered is not None:
                    self.answer_seconds.append((at - offered).total_seconds())
            case CallEnded(caller, agent):
                talk = self.talks.get(caller)
                if talk is not None and talk.ended is None:
                    talk.ended = at
                    self.wrapping[agent] = talk
            case AgentSignedIn(agent, skills):
                self.skills[agent] = skills
            case AgentReady(agent):
                self.there.setdefault(agent, at)
                if (talk := self.wrapping.pop(agent, None)) is not None:
                    talk.free = at
            case AgentPaused(agent) | AgentSignedOut(agent):
                self._gone(agent, at)
            case _:
                pass

    def _gone(self, agent: str, at: datetime) -> None:
        self.wrapping.pop(agent, None)
        since = self.there.pop(agent, None)
        if since is not None and at > since:
            self.stretches.append((agent, since, at))

    def close(self) -> None:
        if self.last is not None:
            for agent in list(self.there):
                self._gone(agent, self.last)


def recorded_day(lines: Iterable[Line | Torn], zone: tzinfo) -> Recorded:
    """The day (in `zone`) on which most callers of these lines of a journal came. Raises NothingRecorded."""
    reader, recount = _Reader(), Recount()
    for line in lines:
        recount.note(line)
        if isinstance(line, Entry):
            reader.note(line)
    reader.close()
    if not reader.callers or not reader.stretches:
        raise NothingRecorded(
            "The journal holds no day to play again: it needs callers and agents who were ready. "
            "Name another day's file, or leave it out to have a day simulated."
        )
    days = Counter(interval_begin(caller.joined_at, DAY, zone) for caller in reader.callers.values())
    begins = days.most_common(1)[0][0]
    waits = recount.by_caller()
    calls = [
        _seen(caller, waits[id], reader.talks.get(id))
        for id, caller in reader.callers.items()
        if begins <= caller.joined_at < begins + DAY
    ]
    shifts = [
        Shift(
            agent=agent,
            skills=reader.skills.get(agent, {}),
            begins=max(0.0, (since - begins) / timedelta(seconds=1)),
            ends=(until - begins) / timedelta(seconds=1),
        )
        for agent, since, until in reader.stretches
        if until > begins
    ]
    return Recorded(
        begins=begins,
        rules=tuple(reader.rules.values()),
        calls=tuple(sorted(calls, key=lambda call: call.caller.joined_at)),
        shifts=tuple(sorted(shifts, key=lambda shift: (shift.begins, shift.agent))),
        answer_seconds=median(reader.answer_seconds) if reader.answer_seconds else 0.0,
    )


def _seen(caller: Caller, wait: Wait, talk: _Talk | None) -> Seen:
    talked = wrapped = None
    if talk is not None and talk.ended is not None:
        talked = (talk.ended - talk.answered).total_seconds()
        if talk.free is not None:
            found = (talk.free - talk.ended).total_seconds()
            wrapped = found if found <= LONGEST_WRAP_UP else None
    return Seen(caller=caller, wait=wait, talk_seconds=talked, wrap_up_seconds=wrapped)


# -- what was not seen


class Patience:
    """How long callers wait before they give up, from (seconds, gave up) of many: exact where one gave up, else "longer
    than that". `share(t)` of all wait longer than t. Beyond the last who gave up the mean hazard of all goes on."""

    def __init__(self, seen: Iterable[tuple[float, bool]]) -> None:
        ordered = sorted(seen, key=lambda pair: (pair[0], not pair[1]))
        self._times: list[float] = []
        self._shares: list[float] = []
        surviving = 1.0
        for index, (seconds, gave_up) in enumerate(ordered):
            if gave_up:
                surviving *= 1.0 - 1.0 / (len(ordered) - index)
                self._times.append(seconds)
                self._shares.append(surviving)
        total = sum(seconds for seconds, _ in ordered)
        self._hazard = len(self._times) / total if total > 0.0 else 0.0

    def share(self, seconds: float) -> float:
        """Who are more patient than that."""
        index = bisect_right(self._times, seconds)
        return self._shares[index - 1] if index else 1.0

    def longer_than(self, seconds: float, chance: random.Random) -> float:
        """A patience drawn from those who are more patient than that."""
        aim = self.share(seconds) * (1.0 - chance.random())
        first = bisect_right(self._times, seconds)
        if first < len(self._times) and aim >= self._shares[-1]:
            low, high = first, len(self._times) - 1
            while low < high:
                middle = (low + high) // 2
                if self._shares[middle] <= aim:
                    high = middle
                else:
                    low = middle + 1
            return self._times[low]
        if self._hazard <= 0.0:
            return float("inf")
        return max([seconds, *self._times[-1:]]) + chance.expovariate(self._hazard)


def as_day(recorded: Recorded, seed: int) -> Day:
    """The day to be played: as it was, with that seed's draw of what was not seen."""
    chance = random.Random(f"{seed} unseen")
    talks, wraps = _samples(recorded.calls)
    patience = Patience(
        (seconds, call.wait.end is End.ABANDONED)
        for call in recorded.calls
        if (seconds := call.wait.seconds()) is not None
    )
    arrivals = []
    for call in recorded.calls:
        waited = call.wait.seconds() or 0.0
        drawn = patience.longer_than(waited, chance)
        talk, wrap = _one(talks, call.caller.queue, chance), chance.choice(wraps)
        arrivals.append(
            Arrival(
                id=call.caller.id,
                queue=call.caller.queue,
                at=max(0.0, (call.caller.joined_at - recorded.begins).total_seconds()),
                talk_seconds=talk if call.talk_seconds is None else call.talk_seconds,
                wrap_up_seconds=wrap if call.wrap_up_seconds is None else call.wrap_up_seconds,
                patience_seconds=waited if call.wait.end is End.ABANDONED else drawn,
                urgency=call.caller.urgency,
                needs=call.caller.needs,
                prefers=call.caller.prefers,
                known_agent=call.caller.known_agent,
            )
        )
    return Day(
        begins=recorded.begins,
        rules=recorded.rules,
        arrivals=arrivals,
        shifts=recorded.shifts,
        answer_seconds=recorded.answer_seconds,
    )


def _samples(calls: Sequence[Seen]) -> tuple[Mapping[str, Sequence[float]], Sequence[float]]:
    talks: dict[str, list[float]] = {"": []}
    wraps: list[float] = []
    for call in calls:
        if call.talk_seconds is not None:
            talks.setdefault(call.caller.queue, []).append(call.talk_seconds)
            talks[""].append(call.talk_seconds)
        if call.wrap_up_seconds is not None:
            wraps.append(call.wrap_up_seconds)
    return talks, wraps or [0.0]


def _one(talks: Mapping[str, Sequence[float]], queue: str, chance: random.Random) -> float:
    """A talk of that queue, if enough were seen; else of any."""
    own = talks.get(queue, ())
    found = own if len(own) >= 30 else talks[""]
    return chance.choice(found) if found else 0.0
