"""The commands that speak to a running helpline, over real HTTP to the real console on stand-ins of the rooms."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import uvicorn

from acd.snapshot import Talking, WaitingCaller
from grievance_core.outbox.box import Pile
from helpline.console.app import build
from helpline.runfolder import RunFolder
from tests.unit.helpline_cli.stand_ins import Shell
from tests.unit.helpline_console.stand_ins import House, parts_of, rooms, waiting

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
    house.piles = [Pile(to="igrs", waiting=2, dead=1, oldest=house.clock())]
    shown = shell.fine("status")
    assert "MISSING" in shown
    assert "2, oldest 24 Nov 2026 12:00" in shown
    assert "helpline outbox list" in shown


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
    assert shell.fine("queue", "list") == "Nobody waits.\nNo conversation.\n"
    since = house.clock() - timedelta(minutes=1)
    known = {"caller": "9876543210", "language": "hi", "service": "complaint", "since": since}
    house.queue.waiting = (WaitingCaller(position=1, call_id="c-1", attached=True, **known),)
    house.queue.talking = (Talking(call_id="c-2", agent="1001", recording="", **known),)
    said = shell.fine("queue", "list")
    assert "24 Nov 2026 11:59" in said, "times are told in the helpline's own zone"
    assert "c-2" in said
    assert shell.json("queue", "list")["waiting"][0]["call"] == "c-1"


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


def test_skills_are_shown_changed_and_taken_away(shell: Shell, house: House) -> None:
    said = shell.fine("agents", "skills", "1001", "service:complaint=7", "speciality:land=3", "service:emergency=0")
    assert "speciality:land" in said
    assert "service:emergency" not in said
    assert shell.json("agents", "skills", "1001")["skills"]["service:complaint"] == 7
    assert "Levels are 1 to 9" in shell.refused("agents", "skills", "1001", "speciality:land=10")
    assert "There is no agent 1999" in shell.refused("agents", "skills", "1999")
    typo = shell("agents", "skills", "1001", "speciality:land")
    assert (typo.exit_code, "such as service:complaint=7" in typo.output) == (2, True)


def test_a_line_is_set_and_says_what_the_agent_must_do(shell: Shell, house: House) -> None:
    assert shell.fine("agents", "line", "1001", "off-hook") == "1001 Asha: off-hook; they dial *1 to be connected\n"
    assert shell.fine("agents", "line", "1001", "on-hook", "--auto-answer") == "1001 Asha: on-hook, auto-answer\n"
    assert "on-hook, off-hook" in shell.refused("agents", "line", "1001", "up")
    assert "not registered" in shell.fine("agents", "list")
    house.agents.phone_state("agent-1001", True)
    assert "  registered" in shell.fine("agents", "list")
    shell.fine("agents", "line", "1001", "off-hook")
    assert "off-hook: dial *1" in shell.fine("agents", "list")
    house.agents.line_state("1001", True)
    assert "line open" in shell.fine("agents", "list")


def test_a_wrap_up_that_is_none_can_not_be_extended(shell: Shell, house: House) -> None:
    shell.fine("agents", "sign-in", "1001")
    assert "nothing to extend" in shell.refused("agents", "extend-wrap-up", "1001")
    assert shell.fine("agents", "end-wrap-up", "1001") == "1001 Asha: ready\n"


def test_a_supervisors_commands_reach_the_queue_and_say_what_happens_next(shell: Shell, house: House) -> None:
    waiting(house, "9876543210", "9876543211")
    shell.fine("agents", "add", "1900", "Meera")
    house.agents.phone_state("agent-1900", True)
    said = [
        shell.fine("queue", "front", "#2"),
        shell.fine("queue", "transfer", "43210", "--to", "scheme"),
        shell.fine("queue", "take", "2", "--as", "1900"),
        shell.fine("queue", "whisper", "1001", "--as", "1900"),
        shell.fine("queue", "close", "scheme", "--say", "आज बन्द है।", "--say-en", "Closed today.", "--send-all"),
        shell.fine("queue", "open", "scheme"),
        shell.fine("queue", "notice", "Camps are open."),
        shell.fine("queue", "notice", "--clear"),
    ]
    assert said == [
        "Call c-2 is first in line.\n",
        "Call c-1 goes to scheme.\n",
        "Agent 1900's phone rings for call c-2: pick up.\n",
        "Agent 1900's phone rings: pick up, and you whisper on agent 1001; hang up to end it.\n",
        "The queue scheme is closed.\n",
        "The queue scheme is open.\n",
        "All callers hear it.\n",
        "Callers hear no notice any more.\n",
    ]
    assert house.supervision.asked == [
        ("front", "c-2"),
        ("transfer", "c-1", "", "scheme"),
        ("take", "c-2", "1900"),
        ("whisper", "1001", "1900"),
        ("close", "scheme", {"hi": "आज बन्द है।", "en": "Closed today."}, False),
        ("open", "scheme"),
        ("notice", {"en": "Camps are open."}),
        ("clear",),
    ]
    assert set(house.supervision.by) == {getpass.getuser()}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("front", "9"), "complaint#1 to #1 are taken"),
        (("front", "../agents"), "`helpline queue list` shows them"),
        (("front", " "), "Say a position"),
        (("take", "1", "--as", "1001"), "phone is not registered"),
        (("listen", "1999", "--as", "1001"), "There is no agent 1999"),
        (("transfer", "1", "--to", "1999"), "There is no agent 1999"),
    ],
)
def test_a_supervisors_mistake_is_told_with_the_next_step(
    shell: Shell, house: House, arguments: tuple[str, ...], said: str
) -> None:
    waiting(house, "9876543210")
    assert said in shell.refused("queue", *arguments)


def test_a_notice_is_either_given_or_cleared(shell: Shell, house: House) -> None:
    for arguments in ((), ("Hello", "--clear")):
        result = shell("queue", "notice", *arguments)
        assert (result.exit_code, "either a text or --clear" in result.output) == (2, True)


def test_why_is_told_line_by_line(shell: Shell, house: House) -> None:
    waiting(house, "9876543210")
    assert shell.fine("queue", "why", "1").splitlines()[1] == "Nobody who does is signed in."
    assert shell.json("queue", "why", "1")["call"] == "c-1"
    assert shell.fine("agents", "why", "1001") == "Agent 1001 is paused.\n"


def test_the_floor_is_printed_once_for_scripts(shell: Shell, house: House) -> None:
    waiting(house, *(f"98765{number:05}" for number in range(40)))
    said = shell.fine("queue", "watch", "--once")
    assert "40 wait" in said
    assert "9876500039" in said, "paper has no last line"
    assert shell.json("queue", "watch", "--once")["waiting_count"] == 40


def test_without_a_terminal_the_live_view_says_what_to_use(shell: Shell, house: House) -> None:
    assert "--once" in shell.refused("queue", "watch")


@contextlib.contextmanager
def watcher(shell: Shell, *arguments: str, terminal: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """`helpline queue watch` as a process, on that terminal or with its output in a pipe; gone at the end, also of a
    test that failed before its Ctrl-C."""
    program = "import sys, helpline.cli; helpline.cli.main()"
    command = [sys.executable, "-c", program, "--settings", str(shell.file), "queue", "watch", *arguments]
    out = subprocess.PIPE if terminal is None else terminal
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with subprocess.Popen(
        command, stdin=out if terminal else None, stdout=out, stderr=subprocess.PIPE, text=True, env=environment
    ) as watching:
        try:
            yield watching
        finally:
            watching.kill()


def test_a_program_is_told_each_change_within_a_second(shell: Shell, house: House) -> None:
    with watcher(shell, "--json") as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["agents_by_state"] == {"signed_out": 1}
        shell.fine("agents", "sign-in", "1001")
        changed = time.monotonic()
        assert json.loads(watching.stdout.readline())["agents_by_state"] == {"ready": 1}
        assert time.monotonic() - changed < 1
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 0
        assert watching.stderr is not None
        assert watching.stderr.read() == ""


def test_ctrl_c_gives_the_terminal_back_and_leaves_no_trace(shell: Shell, house: House) -> None:
    waiting(house, "9876543210")
    ours, theirs = pty.openpty()
    shown = b""
    with watcher(shell, terminal=theirs) as watching:
        os.close(theirs)
        while b"9876543210" not in shown:
            shown += os.read(ours, 65536)
        watching.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # the other end is closed
            while piece := os.read(ours, 65536):
                shown += piece
        assert watching.wait(10) == 0
        assert watching.stderr is not None
        assert watching.stderr.read() == ""
    os.close(ours)
    assert shown.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")


def test_the_live_view_ends_with_the_server_and_holds_it_up_not_at_all(shell: Shell, house: House) -> None:
    with watcher(shell, "--json") as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        house.app.state.feed.close()
        assert watching.stderr is not None
        assert "trying again" in watching.stderr.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 0


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


@pytest.mark.parametrize("command", [("status",), ("agents", "list"), ("queue", "list")])
def test_without_a_running_helpline_the_way_to_start_one_is_told(shell: Shell, command: tuple[str, ...]) -> None:
    assert "helpline run" in shell.refused(*command)
    shell.settings.run_folder.mkdir()
    assert "helpline run" in shell.refused(*command)
