"""A journal through a fresh engine: the same events at the same times must give the same decisions.

Pure. A replay begins anew at each begin; after a gap nothing can be compared until the next. The first difference is
told in words, with the line of the journal, and the replay ends there: what follows would only be its consequences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Protocol

from acd.engine.decisions import CallBack, Decision, Moved, Offer, SendAway, Suggest, Withdraw
from acd.engine.engine import Engine
from acd.engine.events import CallerJoined, Event, QueueOpened
from acd.history.journal import Begin, Continues, Entry, Gap, Line, Torn


class Replayed(Protocol):
    """What of an engine a replay needs."""

    def handle(self, event: Event, at: datetime) -> list[Decision]: ...
    def handle_all(self, events: Iterable[Event], at: datetime) -> list[Decision]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where engine and journal part. `line` counts the lines read."""

    line: int
    at: datetime
    events: tuple[Event, ...]
    recorded: tuple[Decision, ...]
    decided: tuple[Decision, ...]

    def __str__(self) -> str:
        told = " and ".join(in_words(event) for event in self.events) or "nothing"
        return (
            f"Line {self.line}, {self.at.isoformat(sep=' ', timespec='milliseconds')}: told that {told}, "
            f"the engine then {_all(self.recorded)}; now it {_all(self.decided)}."
        )


@dataclass(slots=True)
class Outcome:
    """What a replay found. Same decisions: `difference` is None."""

    events: int = 0
    decisions: int = 0
    starts: int = 0
    passed_over: int = 0  # entries after a gap
    lost: int = 0  # entries that the journal says are missing
    torn: list[int] = field(default_factory=list)
    difference: Difference | None = None


def replay(lines: Iterable[Line | Torn], engine: Callable[[], Replayed] = Engine) -> Outcome:
    """Run the lines of a journal through engines made by `engine`, to the first difference."""
    found = Outcome()
    running: Replayed | None = None
    for number, line in enumerate(lines, 1):
        match line:
            case Begin():
                found.starts += 1
                running = engine()
            case Gap(lost=lost):
                found.lost += lost
                running = None
            case Torn(number=torn):
                found.torn.append(torn)
            case Entry():
                if running is None:
                    found.passed_over += 1
                    continue
                found.difference = _step(running, line, number)
                if found.difference is not None:
                    return found
                found.events += len(line.events)
                found.decisions += len(line.decisions)
            case Continues():
                pass  # the begin was in a day before
            case _:
                pass  # a caller's choice: nothing that the engine is told
    return found


def _step(engine: Replayed, entry: Entry, number: int) -> Difference | None:
    at, events = entry.at, entry.events
    decided = engine.handle_all(events, at) if entry.together else engine.handle(events[0], at)
    if tuple(decided) == entry.decisions:
        return None
    return Difference(line=number, at=at, events=events, recorded=entry.decisions, decided=tuple(decided))


def in_words(thing: Event | Decision) -> str:
    """An event or a decision as a person would say it."""
    match thing:
        case Offer(caller=caller, agent=agent, why=why):
            return f"offered {caller} to agent {agent} ({why})"
        case Withdraw(caller=caller, agent=agent):
            return f"took {caller} back from agent {agent}"
        case CallBack(caller=caller):
            return f"had {caller} called back"
        case Moved(caller=caller, queue=queue, why=why):
            return f"moved {caller} to {queue} ({why})"
        case Suggest(caller=caller, what=what):
            return f"suggested {what} to {caller}"
        case SendAway(caller=caller, why=why):
            return f"sent {caller} away ({why})"
        case CallerJoined(caller=caller):
            return f"{caller.id} joined {caller.queue}, {caller.urgency}, place {caller.place}"
        case QueueOpened(rules=rules):
            return f"queue {rules.name} opened"
        case _:
            return _plainly(thing)


def _plainly(event: Event) -> str:
    """AgentReady(agent="1001", …) becomes "agent ready 1001 …"."""
    name = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(event).__name__).strip()
    values = [getattr(event, part.name) for part in fields(event)]
    told = [
        value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else str(value)
        for value in values
        if isinstance(value, str | datetime) and value
    ]
    return " ".join([name, *told])


def _all(decisions: Sequence[Decision]) -> str:
    return " and ".join(in_words(decision) for decision in decisions) if decisions else "did nothing"
