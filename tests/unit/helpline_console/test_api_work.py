"""Work items over the API, as the command line asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.helpline_console.stand_ins import House

pytestmark = pytest.mark.unit


async def test_what_is_added_is_listed_until_it_is_done(house: House) -> None:
    asked = {"about": " Answer the question on 4711 ", "due_minutes": 30, "language": "en", "by": "meera"}
    added = await house.web.post("/api/queue/work", headers=house.api, json=asked)
    assert added.status_code == 201
    [item] = house.queue.work
    assert (item.about, item.queue, item.needs) == ("Answer the question on 4711", "complaint", ("language:en",))
    assert item.due_at - item.added_at == timedelta(minutes=30)
    listed = (await house.web.get("/api/queue/work", headers=house.api)).json()
    assert listed == [added.json()]
    assert (await house.web.post(f"/api/queue/work/{item.id}/done", headers=house.api)).status_code == 200
    assert house.queue.done == [item.id]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"about": " "}, 422),
        ({"about": "x" * 201}, 422),
        ({"about": "x", "due_minutes": -1}, 422),
        ({"about": "x", "due_minutes": "soon"}, 422),
        ({"about": "x", "queue": "no-such"}, 404),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_word(house: House, body: dict[str, Any], status: int) -> None:
    answer = await house.web.post("/api/queue/work", headers=house.api, json=body)
    assert (answer.status_code, house.queue.work) == (status, ())
    assert answer.json()["error"]


async def test_an_item_that_is_not_there_can_not_be_done(house: House) -> None:
    answer = await house.web.post("/api/queue/work/work-1/done", headers=house.api)
    assert (answer.status_code, house.queue.done) == (404, [])
    assert "helpline queue work list" in answer.json()["error"]
