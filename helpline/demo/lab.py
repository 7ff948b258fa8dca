"""A whole helpline for a demo or a live test, with its phones: everything real, on loopback, in one folder.

The telephone network's citizens live at 127.0.0.2 and the emergency services at 127.0.0.3, each reached by a trunk.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy.ext.asyncio import async_sessionmaker

from agents.service import NewAgent
from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_ports
from grievance_core.catalogue import Catalogue
from grievance_core.service import Grievances
from helpline import settings as settings_module
from helpline import storage, wiring
from helpline.client import Client
from helpline.demo.desk import Desk
from helpline.demo.errors import ExpectationFailed
from helpline.demo.neighbours import Neighbours
from helpline.demo.softphone import Account, Answering, Softphone
from helpline.settings import Settings
from helpline.stack import Say, Stack

COMMAND_SECONDS = 30.0
LOOK_SECONDS = 0.05

SETTINGS = """\
# A demo's helpline: its own ports, short pauses, and calls out at any hour, since nobody real is rung.
run_folder = "."
redis_port = {redis}

[telephony]
sip_port = {sip}
ami_port = {ami}
agi_port = {agi}
rtp_first = {rtp_first}
rtp_last = {rtp_last}
trunk = {{ host = "127.0.0.2", port = {trunk} }}
emergency_trunk = {{ host = "127.0.0.3", port = {emergency} }}

[queue]
ring_seconds = {ring_seconds}
wrap_up_seconds = 1.5
announce_first_seconds = 2.0
announce_every_seconds = 20.0

[complaints]
ask_within_hours = 0

[dialer]
opens = 00:00:00
closes = 00:00:00
ring_seconds = 10

[console]
port = {console}

[igrs]
url = "http://127.0.0.1:{neighbours}"
fetch_seconds = 1

[sms]
url = "http://127.0.0.1:{neighbours}"
"""


def write_settings(folder: Path, *, ring_seconds: int = 8) -> Path:
    """A settings file with free ports for a helpline that lives in `folder`."""
    sip, ami, agi, redis, console, neighbours = free_ports(6)
    # Below the ports that the kernel hands out by itself, and apart for helplines side by side.
    rtp_first = 10000 + sip % 8000 * 2
    file = folder / "helpline.toml"
    file.write_text(
        SETTINGS.format(
            sip=sip,
            ami=ami,
            agi=agi,
            redis=redis,
            console=console,
            neighbours=neighbours,
            rtp_first=rtp_first,
            rtp_last=rtp_first + 999,
            trunk=free_ports(1, "127.0.0.2")[0],
            emergency=free_ports(1, "127.0.0.3")[0],
            ring_seconds=ring_seconds,
        ),
        encoding="utf-8",
    )
    return file


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command of the command line ended."""

    code: int
    said: str
    complained: str


class Lab:
    """A running helpline in `folder`, from `start` to `stop` or in `async with`. Phones are the asker's to end."""

    def __init__(
        self, folder: Path, programs: Programs, *, say: Say = lambda _what: None, ring_seconds: int = 8
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.programs = programs
        self.settings_file = write_settings(folder, ring_seconds=ring_seconds)
        self.settings: Settings = settings_module.load(self.settings_file)
        self.stack = Stack(self.settings, programs=programs)
        self.neighbours = Neighbours(folder, self.settings.igrs.url)
        self._say = say

    async def start(self) -> None:
        await asyncio.to_thread(self.neighbours.start)
        try:
            await self.stack.start(self._say)
        except BaseException:
            self.neighbours.stop()
            raise

    async def stop(self) -> None:
        try:
            await self.stack.stop()
        finally:
            self.neighbours.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def agents(self) -> list[NewAgent]:
        """The agents of this helpline, with their passwords and PINs."""
        return self.stack.new_agents

    @property
    def exchange(self) -> str:
        """Where SIP calls to 1076 go: host:port."""
        return f"127.0.0.1:{self.settings.telephony.sip_port}"

    @property
    def network(self) -> str:
        """Where the telephone network's phones are rung: host:port."""
        trunk = self.settings.telephony.trunk
        return f"{trunk.host}:{trunk.port}"

    @property
    def emergency(self) -> str:
        """Where the emergency services are rung: host:port."""
        trunk = self.settings.telephony.emergency_trunk
        return f"{trunk.host}:{trunk.port}"

    def citizen(
        self,
        number: str,
        *,
        speech: Path | None = None,
        answering: Answering = "manual",
        reachable: bool = True,
    ) -> Softphone:
        """A phone of the telephone network. Only one at a time can be reachable: it takes every number that is rung."""
        listen = self.network if reachable else f"{self.settings.telephony.trunk.host}:0"
        account = Account(user=number, exchange=self.exchange)
        return self._phone(f"citizen-{number}", account, listen, speech, answering)

    def agent(self, new: NewAgent, *, speech: Path | None = None, answering: Answering = "manual") -> Softphone:
        """An agent's softphone; it registers when it is started."""
        account = Account(user=new.agent.endpoint, exchange=self.exchange, password=new.password)
        return self._phone(new.agent.endpoint, account, "127.0.0.1:0", speech, answering)

    def _phone(self, name: str, account: Account, listen: str, speech: Path | None, answering: Answering) -> Softphone:
        return Softphone(
            name,
            program=self.programs.find("baresip"),
            folder=self.folder / "phones" / name,
            account=account,
            listen=listen,
            speech=speech,
            answering=answering,
        )

    def desk(self, new: NewAgent) -> Desk:
        """An agent at the desk page; signs in when entered."""
        return Desk(self.settings.api_url, new)

    @asynccontextmanager
    async def grievances(self) -> AsyncIterator[Grievances]:
        """The helpline's complaints, opened beside it as the command line does."""
        engine = storage.open_engine(self.settings.database)
        try:
            yield Grievances(async_sessionmaker(engine), catalogue=Catalogue.shipped(), clock=wiring.utc_now)
        finally:
            await engine.dispose()

    async def get(self, path: str) -> Any:
        """What the running helpline tells at an address of its API."""

        def ask() -> Any:
            with Client(self.settings) as client:
                return client.get(path)

        return await asyncio.to_thread(ask)

    async def post(self, path: str, **body: Any) -> Any:
        """Ask the running helpline for something."""

        def ask() -> Any:
            with Client(self.settings) as client:
                return client.post(path, body)

        return await asyncio.to_thread(ask)

    async def until(self, path: str, true: Callable[[Any], bool], *, what: str, seconds: float = 10.0) -> Any:
        """Look at the API until `true` of its answer. Raises ExpectationFailed, naming `what` was waited for."""
        answer: Any = None
        try:
            async with asyncio.timeout(seconds):
                while not true(answer := await self.get(path)):
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise ExpectationFailed(f"{what} did not happen within {seconds:g} s. {path} says: {answer}") from None
        return answer

    async def command(self, *words: str) -> Ran:
        """Run `helpline …` as a person types it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from helpline.cli import main; main()",
            "--settings",
            str(self.settings_file),
            *words,
            env={**os.environ, "COLUMNS": "200"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(COMMAND_SECONDS):
            said, complained = await process.communicate()
        return Ran(process.returncode or 0, said.decode(), complained.decode())
