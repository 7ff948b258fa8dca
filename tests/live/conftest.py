"""What live tests share: programs, voices, one private Asterisk, phones on it, and a check that nothing leaks."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from agents.agent import Line
from asterisk_conf.instance import Instance
from asterisk_conf.programs import Programs
from asterisk_conf.testing import private_instance, private_settings
from helpline.demo.sipp import Sipp
from helpline.demo.softphone import Account, Answering, Softphone
from helpline.demo.speech import speak_lines
from tests.live.accounts import AGENTS, PASSWORD, account
from tests.live.floor import Hall, hall_of

SETTLE_SECONDS = 3.0


@pytest.fixture(scope="session")
def programs() -> Programs:
    """Asterisk, baresip, SIPp and espeak-ng: the system's, or fetched once per machine."""
    return Programs()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def voices(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The demo's people: WAV files by the names in speech.LINES."""
    return await speak_lines(programs.find("espeak-ng"), tmp_path_factory.mktemp("voices"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asterisk(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Instance]:
    """One private Asterisk with the phones of AGENTS, for all tests that do not harm it."""
    settings = private_settings(tmp_path_factory.mktemp("live"))
    async with private_instance(settings, phones=[account(agent) for agent in AGENTS], programs=programs) as instance:
        yield instance


class Phones:
    """Softphones of the shared Asterisk; all are stopped when the test is over."""

    def __init__(self, programs: Programs, asterisk: Instance, folder: Path, stack: AsyncExitStack) -> None:
        settings = asterisk.settings
        self.exchange = f"{settings.bind}:{settings.sip_port}"
        self.trunk = f"{settings.trunk.host}:{settings.trunk.port}"
        self.emergency_trunk = f"{settings.emergency_trunk.host}:{settings.emergency_trunk.port}"
        self._program = programs.find("baresip")
        self._folder = folder
        self._stack = stack

    async def agent(self, agent: str, *, speech: Path | None = None, answering: Answering = "manual") -> Softphone:
        """An agent's phone, registered."""
        return await self._stack.enter_async_context(
            Softphone(
                f"agent-{agent}",
                program=self._program,
                folder=self._folder / agent,
                account=Account(user=f"agent-{agent}", exchange=self.exchange, password=PASSWORD),
                speech=speech,
                answering=answering,
            )
        )

    async def citizen(self, number: str, *, speech: Path | None = None, answering: Answering = "manual") -> Softphone:
        """The telephone network behind the trunk, as one phone."""
        return await self._stack.enter_async_context(
            Softphone(
                "citizen",
                program=self._program,
                folder=self._folder / "citizen",
                account=Account(user=number, exchange=self.exchange),
                listen=self.trunk,
                speech=speech,
                answering=answering,
            )
        )


@pytest.fixture
async def phones(programs: Programs, asterisk: Instance, tmp_path: Path) -> AsyncIterator[Phones]:
    async with AsyncExitStack() as stack:
        yield Phones(programs, asterisk, tmp_path / "phones", stack)


@pytest.fixture
def sipp(programs: Programs, tmp_path: Path) -> Sipp:
    return Sipp(programs.find("sipp"), tmp_path / "sipp")


@pytest.fixture
async def hall(asterisk: Instance, tmp_path: Path) -> AsyncIterator[Hall]:
    """The queue's own part of a controller, and telephones in the test's hands."""
    async with hall_of(asterisk, tmp_path / "recordings") as hall:
        yield hall


@pytest.fixture(params=[Line.ON_HOOK, Line.OFF_HOOK])
def line(request: pytest.FixtureRequest) -> Line:
    """Both kinds of agents pass the same tests."""
    return Line(request.param)


@pytest.fixture(autouse=True)
async def nothing_leaks(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """After each live test: no channel, bridge, task, child process or open file more than before."""
    tasks, children, files = asyncio.all_tasks(), _children(), _open_files()
    yield
    if (current := asyncio.current_task()) is not None:
        tasks.add(current)
    await _settled(lambda: asyncio.all_tasks() <= tasks, "tasks", lambda: asyncio.all_tasks() - tasks)
    # By number, because a test may start the controller anew.
    await _settled(lambda: len(_children()) <= len(children), "child processes", lambda: _children() - children)
    await _settled(lambda: len(_open_files()) <= len(files), "open files", lambda: set(_open_files()) - set(files))
    if "asterisk" in request.fixturenames:
        await _no_calls(request.getfixturevalue("asterisk"))


async def _no_calls(instance: Instance) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    channels, bridges = "", ""
    while time.monotonic() < deadline:
        channels = await instance.cli("core show channels concise")
        bridges = "\n".join((await instance.cli("bridge show all")).splitlines()[1:])
        if not channels.strip() and not bridges.strip():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"left in Asterisk after {SETTLE_SECONDS:g} s: channels {channels!r}, bridges {bridges!r}")


async def _settled(fine: Callable[[], bool], what: str, left: Callable[[], object]) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not fine():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} left over: {left()}")
        await asyncio.sleep(0.02)


def _children() -> set[int]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid():
            found.add(int(folder.name))
    return found


def _open_files() -> dict[str, str]:
    found = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            found[link.name] = os.readlink(link)
        except OSError:
            continue
    return found
