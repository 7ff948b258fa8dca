"""Short words for tests of the engine: events, and what was decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from acd.engine.decisions import Decision, Offer
from acd.engine.engine import Engine
from acd.engine.events import AgentReady, AgentSignedIn, Caller, CallerJoined, Event
from acd.engine.queues import QueueRules
from acd.engine.skills import Need

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HINDI = {"language:hi": 5}
BOTH = {"language:hi": 5, "language:en": 5}
PLAIN = QueueRules(name="plain", known_agent_seconds=0.0)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def needs(*skills: str) -> tuple[Need, ...]:
    return tuple(Need(skill) for skill in skills)


def joins(id: str, seconds: float = 0, *, attached: bool = True, **more: Any) -> CallerJoined:
    """One who comes at that second; the place goes by the number in the id, or else by the second."""
    number = "".join(letter for letter in id if letter.isdigit())
    values = {"queue": "plain", "place": int(number or seconds), "joined_at": after(seconds), **more}
    return CallerJoined(Caller(id=id, **values), attached)


def seat(id: str, skills: dict[str, int] | None = None, *, idle_since: float = 0, busy: float = 0.0) -> list[Event]:
    """An agent signs in and is ready since that second."""
    return [AgentSignedIn(id, BOTH if skills is None else skills), AgentReady(id, after(idle_since), busy)]


def tell(engine: Engine, *events: Event | list[Event], at: float = 0) -> list[Decision]:
    """One event after the other, at that second."""
    each = [event for item in events for event in (item if isinstance(item, list) else [item])]
    return [decision for event in each for decision in engine.handle(event, after(at))]


def pairs(decided: list[Decision]) -> list[tuple[str, str]]:
    """Who was offered to whom."""
    return [(decision.caller, decision.agent) for decision in decided if isinstance(decision, Offer)]


def whys(decided: list[Decision]) -> list[str]:
    return [decision.why.name for decision in decided if isinstance(decision, Offer)]
