"""The commands that speak to a running helpline, over real HTTP to the real console on stand-ins of the rooms."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import uvicorn

from acd.snapshot import Talking, WaitingCaller
from helpline.console.app import build
from helpline.runfolder import RunFolder
from tests.unit.helpline_cli.stand_ins import Shell
from tests.unit.helpline_console.stand_ins import House, parts_of, rooms

pytestmark = pytest.mark.service


@pytest.fixture
def house(shell: Shell) -> Iterator[House]:
    """A console that listens, in a thread with a loop of its own."""
    shell.settings.run_folder.mkdir()
    token = RunFolder(shell.settings.run_folder).secret("api")
    up, made = threading.Event(), list[House]()
    server: list[uvicorn.Server] = []

    async def serve() -> None:
        async with rooms() as house:
            house.app = build(parts_of(house, token=token))
            config = uvicorn.Config(house.app, host="127.0.0.1", port=shell.settings.console.port, log_config=None)
            server.append(uvicorn.Server(config))
            made.append(house)
            serving = asyncio.create_task(server[0].serve())
            while not server[0].started:
                await asyncio.sleep(0.01)
            up.set()
            await serving

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert up.wait(10)
    yield made[0]
    server[0].should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_status_tells_how_it_stands(shell: Shell, house: House) -> None:
    status = shell.json("status")
    assert status["agents"] == {"signed_out": 1}
    house.links["asterisk"] = False
    assert "MISSING" in shell.fine("status")


def test_an_agent_is_added_signed_in_paused_made_ready_and_signed_out(shell: Shell, house: House) -> None:
    said = shell.fine("agents", "add", "1007", "Sunita Devi", "-l", "hi")
    assert "agent-1007" in said
    assert "shown this once" in said
    assert house.phones_told == 1
    assert shell.fine("agents", "sign-in", "1007") == "1007 Sunita Devi: ready\n"
    assert shell.fine("agents", "pause", "1007", "-r", "training") == "1007 Sunita Devi: paused (training)\n"
    assert [agent["presence"] for agent in shell.json("agents", "list")] == ["signed_out", "paused"]
    assert "paused (training)" in shell.fine("agents", "list")
    assert shell.fine("agents", "ready", "1007") == "1007 Sunita Devi: ready\n"
    assert shell.json("agents", "sign-out", "1007")["presence"] == "signed_out"


def test_a_new_password_is_shown_once(shell: Shell, house: House) -> None:
    new = shell.json("agents", "new-password", "1001")
    assert new["pin"] != house.asha.pin
    assert "pin" not in shell.json("agents", "list")[0]


def test_the_queue_is_shown_in_order(shell: Shell, house: House) -> None:
    assert shell.fine("queue", "show") == "Nobody waits.\nNo conversation.\n"
    since = house.clock() - timedelta(minutes=1)
    known = {"caller": "9876543210", "language": "hi", "service": "complaint", "since": since}
    house.queue.waiting = (WaitingCaller(position=1, call_id="c-1", attached=True, **known),)
    house.queue.talking = (Talking(call_id="c-2", agent="1001", recording="", **known),)
    said = shell.fine("queue", "show")
    assert "24 Nov 2026 11:59" in said, "times are told in the helpline's own zone"
    assert shell.json("queue", "show")["waiting"][0]["call"] == "c-1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ready", "1001"), "sign in first"),
        (("ready", "1999"), "There is no agent 1999"),
        (("add", "1076", "X"), "can't be an agent's number"),
        (("pause", "1001", "-r", " "), "needs a reason"),
    ],
)
def test_a_refusal_is_told_in_the_helplines_own_words(
    shell: Shell, house: House, arguments: tuple[str, ...], said: str
) -> None:
    assert said in shell.refused("agents", *arguments)


def test_the_desk_is_pushed_over_a_real_connection_until_the_server_stops(shell: Shell, house: House) -> None:
    with httpx.Client(base_url=shell.settings.api_url, trust_env=False) as web:
        web.post("/desk/sign-in", data={"agent": "1001", "pin": house.asha.pin})
        with web.stream("GET", "/desk/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: now"
            shell.fine("agents", "pause", "1001", "-r", "training")
            assert any("(training)" in line for line in lines)
            house.app.state.feed.close()
            shell.fine("agents", "ready", "1001")
            assert "event: now" not in list(lines), "the stream has ended, without another look"


def test_a_report_wakes_the_running_dialer(shell: Shell, house: House) -> None:
    from helpline.commands.records import kick_dialer

    kick_dialer(shell.settings)
    assert house.kicks == 1


@pytest.mark.parametrize("command", [("status",), ("agents", "list"), ("queue", "show")])
def test_without_a_running_helpline_the_way_to_start_one_is_told(shell: Shell, command: tuple[str, ...]) -> None:
    assert "helpline run" in shell.refused(*command)
    shell.settings.run_folder.mkdir()
    assert "helpline run" in shell.refused(*command)
