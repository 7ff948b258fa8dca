from __future__ import annotations

import os
from datetime import timedelta

import pytest

from acd.snapshot import Talking, WaitingCaller
from agents.presence import State
from grievance_core.errors import StoreBusy
from grievance_core.outbox.box import Pile
from grievance_core.testing import a_draft
from tests.unit.helpline_console.stand_ins import TOKEN, House

pytestmark = pytest.mark.unit


async def test_health_needs_no_token_and_tells_what_is_missing(house: House) -> None:
    answer = await house.web.get("/api/health")
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    house.links["asterisk"] = False
    answer = await house.web.get("/api/health")
    assert answer.status_code == 503
    links = {"asterisk": False, "redis": True, "database": True}
    assert answer.json() == {"ok": False, "process": os.getpid(), **links}


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({}, id="no token"),
        pytest.param({"Authorization": "Bearer wrong"}, id="a wrong token"),
        pytest.param({"Authorization": f"Basic {TOKEN}"}, id="another scheme"),
        pytest.param({"Authorization": f"Bearer {TOKEN}x"}, id="a longer token"),
        pytest.param({"Authorization": "Bearer ñ".encode("latin-1").decode("latin-1")}, id="no ASCII"),
    ],
)
@pytest.mark.parametrize("path", ["/api/status", "/api/agents", "/api/queue", "/api/nothing"])
async def test_all_else_needs_the_token(house: House, header: dict[str, str], path: str) -> None:
    headers = {name: value.encode("latin-1") for name, value in header.items()}
    answer = await house.web.get(path, headers=headers)
    assert answer.status_code == 401
    assert "api.secret" in answer.json()["error"]


async def test_status_counts_callers_agents_and_complaints(house: House) -> None:
    house.queue.waiting = (_waiter(house),)
    house.queue.talking = (_talk(house),)
    await house.grievances.register(a_draft())
    house.piles = [Pile(to="igrs", waiting=2, dead=1, oldest=house.clock())]
    answer = await house.web.get("/api/status", headers=house.api)
    assert answer.json() == {
        "waiting": 1,
        "conversations": 1,
        "agents": {"signed_out": 1},
        "complaints": {"with_officer": 1},
        "oldest_overdue": None,
        "letters": [{"to": "igrs", "waiting": 2, "dead": 1, "oldest": "2026-11-24T06:30:00+00:00"}],
        "links": {"asterisk": True, "redis": True, "database": True},
    }


async def test_the_queue_shows_who_waits_and_who_talks(house: House) -> None:
    house.queue.waiting = (_waiter(house),)
    house.queue.talking = (_talk(house),)
    answer = (await house.web.get("/api/queue", headers=house.api)).json()
    assert answer["waiting"][0]["caller"] == "9876543210"
    assert answer["waiting"][0]["since"] == "2026-11-24T06:29:00+00:00"
    assert answer["talking"][0]["agent"] == "1001"


async def test_a_new_agent_gets_password_and_pin_once_and_asterisk_is_told(house: House) -> None:
    answer = await house.web.post("/api/agents", headers=house.api, json={"id": "1002", "name": "Ravi"})
    assert answer.status_code == 201
    made = answer.json()
    assert len(made["password"]) == 20
    assert len(made["pin"]) == 6
    assert house.phones_told == 1
    listed = (await house.web.get("/api/agents", headers=house.api)).json()
    assert [agent["id"] for agent in listed] == ["1001", "1002"]
    assert all("pin" not in agent and "password" not in agent for agent in listed)


async def test_a_new_password_replaces_the_pin(house: House) -> None:
    answer = await house.web.post("/api/agents/1001/new-password", headers=house.api, json={"by": "supervisor"})
    assert answer.status_code == 200
    assert house.phones_told == 1
    assert (await house.agents.sign_in("1001", pin=answer.json()["pin"])).state is State.READY


async def test_the_verbs_change_presence(house: House) -> None:
    async def ask(verb: str, **body: str) -> str:
        answer = await house.web.post(f"/api/agents/1001/{verb}", headers=house.api, json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["presence"])

    assert await ask("sign-in", by="supervisor") == "ready"
    assert await ask("pause", by="supervisor", reason="training") == "paused"
    assert house.agents.get("1001").reason == "training"
    assert await ask("ready") == "ready"
    await house.asha_talks()
    await house.agents.wrap_up("1001", seconds=30)
    assert await ask("end-wrap-up") == "ready"
    assert await ask("sign-out") == "signed_out"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        pytest.param("/api/agents", b"{", 400, "not JSON", id="half JSON"),
        pytest.param("/api/agents", b"\xff\xfe", 400, "not JSON", id="no text"),
        pytest.param("/api/agents", b"[" * 5000, 400, "not JSON", id="nested without end"),
        pytest.param("/api/agents", b"[]", 400, "must be a JSON object", id="a list"),
        pytest.param("/api/agents", b'{"id": 1002}', 422, "id must be text", id="a number for text"),
        pytest.param("/api/agents", b'{"languages": "hi"}', 422, "list of texts", id="text for a list"),
        pytest.param("/api/agents", b'{"nmae": "x"}', 422, "Expected: id, name, languages", id="an unknown field"),
        pytest.param("/api/agents", b'{"id": "1076", "name": "x"}', 422, "can't be an agent's", id="a taken number"),
        pytest.param("/api/agents", b'{"id": "1001", "name": "x"}', 422, "exists already", id="twice"),
        pytest.param("/api/agents", b"", 422, "can't be an agent's number", id="nothing"),
        pytest.param("/api/agents/1009/ready", b"", 404, "There is no agent 1009", id="an unknown agent"),
        pytest.param("/api/agents/1001/dance", b"", 404, "Known: sign-in", id="an unknown verb"),
        pytest.param("/api/agents/1001/ready", b"", 409, "sign in first", id="what presence forbids"),
        pytest.param("/api/agents/1001/pause", b"{}", 409, "needs a reason", id="a pause without a reason"),
        pytest.param("/api/nothing", b"", 404, "nothing at this address", id="an unknown address"),
        pytest.param("/api/queue", b"", 405, "does not take that verb", id="a wrong verb"),
        pytest.param("/api/agents", b"x" * 70_000, 413, "too much text", id="a body without end"),
    ],
)
async def test_bad_requests_are_told_what_was_expected(
    house: House, path: str, body: bytes, status: int, said: str
) -> None:
    answer = await house.web.post(path, headers=house.api, content=body)
    assert answer.status_code == status
    assert said in answer.json()["error"]


async def test_a_body_of_unknown_length_is_refused(house: House) -> None:
    async def pieces() -> object:
        yield b"{}"

    answer = await house.web.post("/api/agents", headers=house.api, content=pieces())  # type: ignore[arg-type]
    assert answer.status_code == 411


async def test_the_dialer_can_be_kicked(house: House) -> None:
    assert (await house.web.post("/api/dialer/kick", headers=house.api)).status_code == 200
    assert house.kicks == 1


async def test_a_locked_database_is_told_as_a_passing_trouble(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(**_: object) -> None:
        raise StoreBusy("The database is locked. Try again.")

    monkeypatch.setattr(house.grievances, "find", busy)
    monkeypatch.setattr(house.grievances, "counts", busy, raising=False)
    answer = await house.web.get("/api/status", headers=house.api)
    assert (answer.status_code, answer.json()) == (503, {"error": "The database is locked. Try again."})


async def test_a_fault_of_ours_shows_no_inner_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(house.queue, "snapshot", broken)
    answer = await house.web.get("/api/queue", headers=house.api)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def _waiter(house: House) -> WaitingCaller:
    return WaitingCaller(
        position=1,
        call_id="call-1",
        caller="9876543210",
        language="hi",
        service="complaint",
        since=house.clock() - timedelta(minutes=1),
        attached=True,
    )


def _talk(house: House) -> Talking:
    return Talking(
        call_id="call-2",
        caller="9876543211",
        language="hi",
        service="complaint",
        agent="1001",
        since=house.clock(),
        recording="",
    )
