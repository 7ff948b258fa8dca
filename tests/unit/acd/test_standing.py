"""Where one stands among those who compete for the same agents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from acd.engine.engine import Engine
from acd.engine.events import AgentPaused, AgentSignedIn, Caller, CallerJoined, QueueOpened
from acd.engine.queues import QueueRules, Urgency, Widening
from acd.engine.skills import Need
from acd.waiting.standing import standing_of

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 25, 10, tzinfo=UTC)
LAND = Need("speciality:land")


def engine_with(**agents: dict[str, int]) -> Engine:
    engine = Engine()
    engine.handle(QueueOpened(QueueRules(name="a", required=(Need("a"),))), START)
    engine.handle(QueueOpened(QueueRules(name="b", required=(Need("b"),))), START)
    for agent, skills in agents.items():
        engine.handle(AgentSignedIn(agent, skills), START)
    return engine


def join(engine: Engine, id: str, place: int, queue: str = "a", *needs: Need, urgent: bool = False) -> None:
    at = START + timedelta(seconds=place)
    urgency = Urgency.EMERGENCY if urgent else Urgency.ORDINARY
    engine.handle(CallerJoined(Caller(id=id, queue=queue, place=place, joined_at=at, needs=needs, urgency=urgency)), at)


def ahead(engine: Engine, caller: str) -> float:
    standing = standing_of(engine, caller, START + timedelta(seconds=100))
    assert standing is not None
    return standing.ahead


def test_who_came_before_and_who_is_more_urgent_stands_ahead() -> None:
    engine = engine_with(x={"a": 5})
    join(engine, "first", 1)
    join(engine, "me", 2)
    join(engine, "later", 3)
    join(engine, "urgent", 4, urgent=True)
    assert ahead(engine, "me") == 2


def test_another_queue_counts_if_its_agents_are_mine_too() -> None:
    shared, apart = engine_with(x={"a": 5, "b": 5}), engine_with(x={"a": 5}, y={"b": 5})
    for engine in (shared, apart):
        join(engine, "other", 1, "b")
        join(engine, "me", 2)
    assert ahead(shared, "me") == 1
    assert ahead(apart, "me") == 0


def test_who_may_take_other_agents_too_stands_in_the_way_by_their_share() -> None:
    engine = engine_with(x={"a": 5, "speciality:land": 5}, y={"a": 5}, z={"a": 5}, w={"a": 5})
    for number in range(8):
        join(engine, f"c{number}", number)
    join(engine, "me", 9, "a", LAND)
    join(engine, "after", 10)
    assert ahead(engine, "me") == pytest.approx(8 / 4)
    assert ahead(engine, "after") == 9  # who needs land takes one of the four all the same


def test_agents_are_those_who_are_there_and_fit() -> None:
    engine = engine_with(x={"a": 5}, y={"a": 5}, z={"b": 5})
    engine.handle(AgentPaused("y"), START)
    join(engine, "me", 1)
    standing = standing_of(engine, "me", START + timedelta(seconds=31))
    assert standing is not None
    assert (standing.agents, standing.queue, standing.waited, standing.head_start) == (1, "a", 30.0, 0.0)


def test_a_caller_whose_ask_will_widen_is_counted_as_if_it_had() -> None:
    engine = engine_with(x={"a": 5}, y={"a": 5})
    rules = QueueRules(name="a", required=(Need("a"),), widening=(Widening(after_seconds=45, drop=("speciality:",)),))
    engine.handle(QueueOpened(rules), START)
    join(engine, "first", 1)
    join(engine, "me", 2, "a", LAND)
    standing = standing_of(engine, "me", START + timedelta(seconds=10))
    assert standing is not None
    assert (standing.agents, standing.ahead) == (2, 1)


def test_a_stranger_stands_nowhere() -> None:
    assert standing_of(engine_with(), "nobody", START) is None
