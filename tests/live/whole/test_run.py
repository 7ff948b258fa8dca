"""`helpline run` as a person starts it: a softphone set up by hand takes a call, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_port
from helpline import settings as settings_module
from helpline.client import Client
from helpline.demo import hearing
from helpline.demo.lab import write_settings
from helpline.demo.softphone import Account, Softphone
from helpline.demo.sound import looped, read_wav, write_wav
from helpline.settings import Settings

pytestmark = pytest.mark.live

UP_SECONDS = 60.0
END_SECONDS = 15.0
BACK_SECONDS = 10.0
CITIZEN = "9800000901"
CREDENTIALS = re.compile(
    r"agent 1001 +\S+ +softphone user (?P<user>\S+) +password (?P<password>\S+) +"
    r"domain (?P<domain>\S+) +PIN (?P<pin>\S+)"
)


@dataclass
class Running:
    """A `helpline run` in a terminal of its own: what it prints, and Ctrl-C."""

    folder: Path
    process: subprocess.Popen[str]
    printed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings: Settings = settings_module.load(self.folder / "helpline.toml")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            self.printed.extend(lines)

    @property
    def said(self) -> str:
        return "".join(self.printed)

    def until_printed(self, words: str) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def ctrl_c(self) -> float:
        """As a terminal does it: to all of the foreground's processes. The seconds until it has ended."""
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(END_SECONDS)
        self._reader.join(END_SECONDS)
        return time.monotonic() - began

    def get(self, path: str) -> Any:
        with Client(self.settings) as client:
            return client.get(path)

    async def until(self, path: str, true: Callable[[Any], bool], seconds: float = 15.0) -> Any:
        async with asyncio.timeout(seconds):
            while not true(answer := await asyncio.to_thread(self.get, path)):
                await asyncio.sleep(0.05)
        return answer

    def controller(self) -> int | None:
        """The process that serves calls now; None while there is none."""
        try:
            health = httpx.get(f"{self.settings.api_url}/api/health", trust_env=False, timeout=2.0)
        except httpx.TransportError:
            return None
        return int(health.json()["process"]) if health.is_success else None


def command(folder: Path) -> list[str]:
    return [
        sys.executable,
        "-c",
        "from helpline.cli import main; main()",
        "--settings",
        str(folder / "helpline.toml"),
        "run",
    ]


@contextmanager
def run_in(folder: Path) -> Iterator[Running]:
    """`helpline run` in a folder that has its settings; ended in any case."""
    process = subprocess.Popen(
        command(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    running = Running(folder, process)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.ctrl_c()
        running._reader.join()
        nothing_is_left(running)


@contextmanager
def short_folder() -> Iterator[Path]:
    """With settings in it. Its path is short, because Asterisk's control socket lies below it."""
    folder = Path(tempfile.mkdtemp(prefix="hl-"))
    write_settings(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def helpline() -> Iterator[Running]:
    """One for the tests that leave it running."""
    with short_folder() as folder, run_in(folder) as running:
        running.until_printed("Stop: Ctrl-C")
        yield running


def processes_of(folder: Path) -> dict[int, str]:
    """Every process that was started for this folder or stands in it, whoever is its parent."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((process / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in words or place.startswith(str(folder)):
            found[int(process.name)] = words
    return found


def nothing_is_left(running: Running) -> None:
    """No process, and every port of the settings is free again."""
    assert processes_of(running.folder) == {}
    telephony, settings = running.settings.telephony, running.settings
    for port in (telephony.ami_port, telephony.agi_port, settings.redis_port, settings.console.port):
        with socket.create_server(("127.0.0.1", port)):
            pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sip:
        sip.bind(("127.0.0.1", telephony.sip_port))


# -- a softphone that no code of ours has set up

BARESIP_CONFIG = """\
sip_listen 127.0.0.1:0
module_path {modules}
module account.so
module g711.so
module aufile.so
audio_player aufile,/dev/null
audio_source aufile,{sound}
audio_alert aufile,/dev/null
rtp_ports {rtp}-{rtp_last}
module_app menu.so
"""


@contextmanager
def softphone_by_hand(program: Any, folder: Path, account: str, sound: Path) -> Iterator[Path]:
    """A plain baresip with one account in its own file; yields where its words go."""
    folder.mkdir()
    rtp = free_port() // 2 * 2
    config = BARESIP_CONFIG.format(modules=program.modules, sound=sound, rtp=rtp, rtp_last=rtp + 20)
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(account + "\n")
    words = folder / "words.log"
    with words.open("wb") as output:
        process = subprocess.Popen(
            [*program.argv, "-4", "-f", str(folder)],
            env={**os.environ, **program.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield words
    finally:
        process.terminate()
        process.wait(10)


async def sign_in_at_the_desk(url: str, agent: str, pin: str) -> None:
    """As a browser does it, with what was printed."""
    async with httpx.AsyncClient(
        base_url=url, trust_env=False, follow_redirects=True, headers={"Origin": url}
    ) as browser:
        for path, fields in (
            ("/desk/sign-in", {"agent": agent, "pin": pin}),
            ("/desk/presence", {"do": "ready"}),
        ):
            answer = await browser.post(path, data=fields)
            assert answer.is_success, answer.text


async def test_a_softphone_set_up_by_hand_with_what_was_printed_takes_a_citizens_call(
    helpline: Running, programs: Programs, voices: dict[str, Path], tmp_path: Path
) -> None:
    shown = CREDENTIALS.search(helpline.said)
    assert shown, helpline.said
    sound = tmp_path / "agent.wav"
    write_wav(sound, looped(read_wav(voices["agent"]), 120))
    account = (
        f"<sip:{shown['user']}@{shown['domain']}>;auth_user={shown['user']};auth_pass={shown['password']}"
        ";answermode=auto;audio_codecs=pcma"
    )
    citizen = Softphone(
        "citizen",
        program=programs.find("baresip"),
        folder=tmp_path / "citizen",
        account=Account(user=CITIZEN, exchange=shown["domain"]),
        listen="127.0.0.2:0",
        speech=voices["citizen"],
    )
    with softphone_by_hand(programs.find("baresip"), tmp_path / "phone", account, sound) as words:
        await helpline.until(
            "/api/agents", lambda agents: any(one["id"] == "1001" and one["phone_reachable"] for one in agents)
        )
        await sign_in_at_the_desk(helpline.settings.api_url, "1001", shown["pin"])
        async with citizen:
            await citizen.dial("1076")
            await citizen.expect("established")
            async with asyncio.timeout(40):
                while not (talks := (await asyncio.to_thread(helpline.get, "/api/queue"))["talking"]):
                    await citizen.press("1")
                    await asyncio.sleep(0.7)
            assert [(talk["caller"], talk["agent"]) for talk in talks] == [(CITIZEN, "1001")]
            async with asyncio.timeout(30):
                while not hearing.heard(citizen.heard(), read_wav(voices["agent"])).heard:
                    await asyncio.sleep(0.5)
            await citizen.hang_up()
        assert "Call established" in words.read_text(errors="replace")
        await helpline.until("/api/queue", lambda queue: not queue["talking"])


def test_a_second_helpline_in_the_same_run_folder_is_refused_in_plain_words(helpline: Running) -> None:
    serving = helpline.controller()
    second = subprocess.run(command(helpline.folder), capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert re.search(rf"supervisor \(process {helpline.process.pid}\) already runs in .*Stop it, or", second.stderr)
    assert "Traceback" not in second.stdout + second.stderr
    assert serving is not None
    assert helpline.controller() == serving


async def test_a_controller_that_is_killed_is_followed_by_a_new_one_by_itself(helpline: Running) -> None:
    killed = helpline.controller()
    assert killed is not None
    others = processes_of(helpline.folder).keys() - {killed}
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(BACK_SECONDS):
        while (now := await asyncio.to_thread(helpline.controller)) in {None, killed}:
            await asyncio.sleep(0.05)
    assert processes_of(helpline.folder).keys() == others | {now}
    helpline.until_printed("The controller runs again")


def test_ctrl_c_ends_all_of_it_and_a_later_run_shows_no_password_again() -> None:
    with short_folder() as folder:
        with run_in(folder) as first:
            first.until_printed("Stop: Ctrl-C")
            assert len(processes_of(folder)) >= 4
            assert first.ctrl_c() < END_SECONDS
            assert first.process.returncode == 0, first.said
            assert "Traceback" not in first.said
            nothing_is_left(first)
        with run_in(folder) as second:
            second.until_printed("Stop: Ctrl-C")
            shown = CREDENTIALS.search(first.said)
            assert shown
            assert shown["password"] not in second.said
            assert f"--settings {folder / 'helpline.toml'} agents new-password 1001" in second.said
            assert [agent["id"] for agent in second.get("/api/agents")] == ["1001", "1002", "1003"]


@pytest.mark.parametrize("moment", ["Starting: Prompts", "Starting: Asterisk", "Starting: The controller"])
def test_ctrl_c_while_it_starts_ends_all_of_it_too(moment: str) -> None:
    with short_folder() as folder, run_in(folder) as running:
        running.until_printed(moment)
        assert running.ctrl_c() < END_SECONDS
        assert running.process.returncode == 130, running.said
        assert "Traceback" not in running.said
        nothing_is_left(running)
