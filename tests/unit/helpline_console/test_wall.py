"""What a supervisor's screen is sent: everything counted, the most urgent shown."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from acd.engine.queues import ServicePromise
from acd.history.levels import Level
from agents.agent import Line
from agents.presence import DID_NOT_ANSWER
from agents.service import Agents
from helpline.console.wall import AGENTS, CALLERS, wall_view
from tests.unit.helpline_console.stand_ins import House, waiting

pytestmark = pytest.mark.unit


async def floor(agents: Agents, *ids: str) -> None:
    for id in ids:
        await agents.add(id=id, name=f"Agent {id}", languages=["hi"])
        agents.phone_state(f"agent-{id}", True)
        await agents.sign_in(id, by="supervisor")


async def test_queues_stand_with_their_longest_wait_the_fullest_first(house: House) -> None:
    one = waiting(house, "9876543210", service="status")
    two = waiting(house, "9876543211", "9876543212")
    house.queue.waiting = two + one
    figures = Level(queue="status", begins=None, ends=None, promise=ServicePromise(), reached=5, answered=4, in_time=3)
    seen = replace(house.queue.snapshot(), closed=("scheme",), levels={"": figures, "status": figures})
    view = wall_view(seen, [])
    assert [(queue["name"], queue["waiting"]) for queue in view["queues"]] == [
        ("complaint", 2),
        ("status", 1),
        ("scheme", 0),
    ]
    assert view["queues"][0]["longest_since"] == two[0].since.isoformat()
    assert view["queues"][1]["today"]["service_level"] == {"of": 3, "among": 4}
    scheme = {"waiting": 0, "longest_since": None, "open": False, "callbacks": 0, "today": None, "recent": None}
    assert view["queues"][2] == {"name": "scheme", **scheme}


async def test_trouble_comes_first_then_who_rings_and_who_is_free(house: House) -> None:
    await floor(house.agents, "1002", "1003", "1004", "1005", "1006", "1007")
    await house.agents.talking("1002", "c-1")
    await house.agents.pause("1003", "lunch")
    await house.agents.ringing("1005", "c-2", seconds=15)
    house.agents.phone_state("agent-1006", False)
    await house.agents.ringing("1007", "c-3", seconds=15)
    await house.agents.not_answered("1007", "c-3", DID_NOT_ANSWER)
    view = wall_view(house.queue.snapshot(), house.agents.list())
    assert [agent["id"] for agent in view["agents"]] == ["1006", "1007", "1005", "1004", "1002", "1003"]
    assert view["agents_by_state"] == {"signed_out": 1, "talking": 1, "paused": 2, "ready": 2, "ringing": 1}


async def test_the_longest_idle_is_one_who_can_be_given_a_call(house: House) -> None:
    await floor(house.agents, "1002", "1003", "1004", "1005")
    house.agents.phone_state("agent-1002", False)
    await house.agents.set_line("1003", Line.OFF_HOOK)
    house.clock.move(minutes=1)
    await house.agents.pause("1005", "tea")
    await house.agents.ready("1005")
    view = wall_view(house.queue.snapshot(), house.agents.list())
    assert (view["longest_idle"]["agent"], view["idle_count"]) == ("1004", 2)


async def test_a_floor_of_a_thousand_with_thousands_waiting_is_cut_in_a_few_milliseconds(house: House) -> None:
    await floor(house.agents, "1002", "1003")
    waiting(house, *(f"98765{number:05}" for number in range(5000)))
    many = house.agents.list() * 350
    snapshot = house.queue.snapshot()
    began = time.perf_counter()
    view = wall_view(snapshot, many)
    taken = time.perf_counter() - began
    assert (view["waiting_count"], len(view["waiting"]), len(view["agents"])) == (5000, CALLERS, AGENTS)
    assert len(json.dumps(view)) < 60_000
    assert taken < 0.1, "a hundred times what it takes on a quiet machine would still be a fault"
