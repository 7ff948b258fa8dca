"""The queue's part of the API: callers are named as people name them, every no says what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from agents.agent import Line
from agents.presence import State
from tests.unit.helpline_console.stand_ins import House, waiting

pytestmark = pytest.mark.unit


@pytest.fixture
async def supervisor(house: House) -> str:
    """Agent 1900, whose phone is there."""
    await house.agents.add(id="1900", name="Meera", languages=["hi"])
    house.agents.phone_state("agent-1900", True)
    return "1900"


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        pytest.param("calls/2/front", {}, ("front", "c-2"), id="to the front"),
        pytest.param("calls/43211/front", {}, ("front", "c-2"), id="by the last digits"),
        pytest.param("calls/%232/front", {}, ("front", "c-2"), id="by a marked position"),
        pytest.param("calls/c-1/transfer", {"to": "1001"}, ("transfer", "c-1", "1001", ""), id="to an agent"),
        pytest.param("calls/c-1/transfer", {"to": "scheme"}, ("transfer", "c-1", "", "scheme"), id="to a queue"),
        pytest.param("calls/c-1/take", {"as": "1900"}, ("take", "c-1", "1900"), id="taken over"),
        pytest.param(
            "queues/scheme/close", {"say": {"hi": "बन्द"}}, ("close", "scheme", {"hi": "बन्द"}, True), id="closed"
        ),
        pytest.param(
            "queues/scheme/close",
            {"say": {"hi": "बन्द"}, "drain": False},
            ("close", "scheme", {"hi": "बन्द"}, False),
            id="closed for all",
        ),
        pytest.param("queues/scheme/open", {}, ("open", "scheme"), id="opened"),
        pytest.param("notice", {"say": {"en": "Hello "}}, ("notice", {"en": "Hello"}), id="a notice"),
    ],
)
async def test_a_supervisors_word_reaches_the_queue(
    house: House, supervisor: str, path: str, body: Mapping[str, Any], asked: tuple[object, ...]
) -> None:
    waiting(house, "9876543210", "9876543211")
    answer = await house.web.post(f"/api/queue/{path}", headers=house.api, json={**body, "by": "meera"})
    assert answer.status_code == 200, answer.text
    assert (house.supervision.asked, house.supervision.by) == ([asked], ["meera"])


async def test_a_supervisor_says_that_a_caller_is_vulnerable_and_takes_it_back(house: House) -> None:
    path = "/api/callers/+91 98765 43210/vulnerable"
    answer = await house.web.post(path, headers=house.api, json={"by": "meera"})
    assert answer.json() == {"caller": "9876543210", "vulnerable": True}
    assert house.callers.said == {"9876543210": "meera"}
    assert (await house.web.get(path, headers=house.api)).json()["vulnerable"] is True
    assert (await house.web.post(path, headers=house.api, json={"on": False})).json()["vulnerable"] is False
    assert house.callers.said == {}
    assert (await house.web.post("/api/callers/nobody/vulnerable", headers=house.api)).status_code == 422


async def test_a_call_that_is_named_by_its_id_is_not_looked_for_among_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.queue.knows("c-9", "9876543210")
    monkeypatch.setattr(house.queue, "snapshot", lambda limit=None: pytest.fail("thousands were listed"))
    answer = await house.web.post("/api/queue/calls/c-9/front", headers=house.api, json={"by": "meera"})
    assert (answer.status_code, house.supervision.asked) == (200, [("front", "c-9")])


async def test_a_notice_is_taken_away(house: House) -> None:
    assert (await house.web.delete("/api/queue/notice?by=meera", headers=house.api)).json() == {"notice": {}}
    assert (house.supervision.asked, house.supervision.by) == ([("clear",)], ["meera"])


@pytest.mark.parametrize("how", ["listen", "whisper", "barge"])
async def test_a_supervisor_is_put_on_an_agents_conversation(house: House, supervisor: str, how: str) -> None:
    answer = await house.web.post(f"/api/agents/1001/{how}", headers=house.api, json={"as": supervisor})
    assert answer.json() == {"agent": "1001", "supervisor": "1900", "how": how}
    assert house.supervision.asked == [(how, "1001", "1900")]


async def test_why_is_told_line_by_line_of_callers_and_agents(house: House) -> None:
    waiting(house, "9876543210")
    caller = (await house.web.get("/api/queue/calls/1/why", headers=house.api)).json()
    assert (caller["call"], len(caller["why"])) == ("c-1", 2)
    agent = (await house.web.get("/api/agents/1001/why", headers=house.api)).json()
    assert agent == {"agent": "1001", "why": ["Agent 1001 is paused."]}


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        pytest.param("queue/calls/9/front", {}, 404, "complaint#1 to #2 are taken", id="no such position"),
        pytest.param("queue/calls/98765/front", {}, 404, "ends in 98765", id="the first digits instead of the last"),
        pytest.param("queue/calls/1/transfer", {}, 422, "an agent's number such as 1001", id="to nowhere"),
        pytest.param("queue/calls/1/transfer", {"to": "1999"}, 404, "There is no agent 1999", id="to nobody"),
        pytest.param("queue/calls/1/transfer", {"from": "x"}, 422, "Expected: to, by", id="an unknown field"),
        pytest.param("queue/calls/1/take", {}, 422, "with --as", id="by nobody"),
        pytest.param("queue/calls/1/take", {"as": "1999"}, 404, "no agent 1999 to be the supervisor", id="a stranger"),
        pytest.param("queue/calls/1/take", {"as": "1001"}, 409, "phone is not registered", id="without a phone"),
        pytest.param("agents/1999/listen", {"as": "1900"}, 404, "There is no agent 1999", id="on an unknown agent"),
        pytest.param("agents/1900/barge", {"as": "1900"}, 409, "on themselves", id="on oneself"),
        pytest.param("queue/queues/scheme/close", {}, 422, "must be text by language", id="closed without a word"),
        pytest.param("queue/queues/scheme/close", {"say": {"hi": " "}}, 422, "is empty", id="closed with a blank"),
        pytest.param("queue/notice", {"say": "Hello"}, 422, "must be text by language", id="a notice in no language"),
    ],
)
async def test_each_refusal_names_the_next_step_and_asks_nothing_of_the_queue(
    house: House, supervisor: str, path: str, body: Mapping[str, Any], status: int, said: str
) -> None:
    waiting(house, "9876543210", "9876543211")
    answer = await house.web.post(f"/api/{path}", headers=house.api, json=body)
    assert (answer.status_code, house.supervision.asked) == (status, [])
    assert said in answer.json()["error"]


async def test_the_queues_own_no_is_told_in_its_words(house: House) -> None:
    house.supervision.refuses = "There is no queue skeme. Known: scheme, status."
    answer = await house.web.post("/api/queue/queues/skeme/open", headers=house.api)
    assert (answer.status_code, answer.json()["error"]) == (400, house.supervision.refuses)


@pytest.mark.parametrize("path", ["/api/live", "/api/live?once=1", "/api/queue/calls/1/why", "/api/agents/1001/why"])
async def test_what_is_seen_needs_the_token(house: House, path: str) -> None:
    assert (await house.web.get(path)).status_code == 401


async def test_the_stream_begins_with_the_whole_floor_and_ends_with_the_server(house: House) -> None:
    waiting(house, "9876543210", "9876543211")
    house.app.state.feed.close()
    answer = await house.web.get("/api/live", headers=house.api)
    assert answer.headers["content-type"].startswith("text/event-stream")
    once = (await house.web.get("/api/live?once=1&callers=1&agents=0", headers=house.api)).json()
    assert ([waiter["call"] for waiter in once["waiting"]], once["waiting_count"], once["agents"]) == (["c-1"], 2, [])


@pytest.mark.parametrize("count", ["-1", "many", "501", "५"])
async def test_a_screen_of_no_size_is_refused(house: House, count: str) -> None:
    answer = await house.web.get("/api/live", params={"callers": count}, headers=house.api)
    assert answer.status_code == 422
    assert "0 to 500" in answer.json()["error"]


async def test_skills_line_and_auto_answer_are_set_by_the_api(house: House) -> None:
    async def post(path: str, body: object) -> dict[str, Any]:
        answer = await house.web.post(f"/api/agents/1001/{path}", headers=house.api, content=json.dumps(body))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    assert (await post("skills", {"levels": {"speciality:land": 3}}))["skills"]["speciality:land"] == 3
    assert (await post("line", {"line": "off-hook"}))["line"] == "off_hook"
    assert (await post("auto-answer", {"on": True}))["auto_answer"] is True
    agent = house.agents.get("1001")
    assert (agent.skills["speciality:land"], agent.line, agent.auto_answer) == (3, Line.OFF_HOOK, True)
    shown = (await house.web.get("/api/agents/1001", headers=house.api)).json()
    assert (shown["line"], shown["line_open"], shown["busy_share"]) == ("off_hook", False, 0)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        pytest.param("skills", {}, "must be skills with levels", id="no skills"),
        pytest.param("skills", {"levels": {"service:status": "7"}}, "must be skills with levels", id="a level of text"),
        pytest.param("skills", {"levels": {"service:status": True}}, "must be skills with levels", id="a truth"),
        pytest.param("skills", {"levels": {"service:status": 10}}, "Levels are 1 to 9", id="too high a level"),
        pytest.param("skills", {"levels": {"land": 3}}, "is no skill", id="a skill without its kind"),
        pytest.param("line", {"line": "off"}, "on-hook, off-hook", id="no kind of line"),
        pytest.param("auto-answer", {"on": "yes"}, "true or false", id="neither on nor off"),
    ],
)
async def test_what_an_agent_can_not_be_is_told(house: House, path: str, body: object, said: str) -> None:
    answer = await house.web.post(f"/api/agents/1001/{path}", headers=house.api, content=json.dumps(body))
    assert answer.status_code == 422
    assert said in answer.json()["error"]


async def test_a_wrap_up_is_extended_and_ended_by_the_api(house: House) -> None:
    await house.agents.sign_in("1001", by="supervisor")
    refused = await house.web.post("/api/agents/1001/extend-wrap-up", headers=house.api)
    assert (refused.status_code, "nothing to extend" in refused.json()["error"]) == (409, True)
    await house.asha_talks()
    await house.agents.wrap_up("1001", seconds=30)
    answer = await house.web.post("/api/agents/1001/extend-wrap-up", headers=house.api)
    assert answer.json()["extended"] is True
    await house.web.post("/api/agents/1001/end-wrap-up", headers=house.api)
    assert house.agents.get("1001").state is State.READY
