"""The supervisor: what it starts it watches, starts again ever more slowly, and leaves nothing of when it fails."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.service import NewAgent
from asterisk_conf.errors import AsteriskConfError
from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_port
from helpline import stack as stack_module
from helpline import storage
from helpline.errors import RunFolderInUse, ServiceFailed
from helpline.settings import Settings, parse
from helpline.stack import RESTART_DELAYS, SPARE_AFTER_SECONDS, STEADY_SECONDS, Stack

pytestmark = pytest.mark.unit

TOML = """
time_zone = "Asia/Kathmandu"
database_url = "postgresql+psycopg://helpline:secret@127.0.0.1/helpline"
[telephony]
number = "1076"
trunk = {{ host = "127.0.0.9", port = 5099 }}
[dialer]
opens = 10:30:00
calls_per_second = 2.5
[console]
port = {console}
"""


class Process:
    """A controller that ends or hangs when the test says so."""

    pids = count(4_000_000)  # above what the kernel gives

    def __init__(
        self, settings_file: Path | None = None, *, words: Path | None = None, standby: bool = False, limit: float = 1.5
    ) -> None:
        self.settings_file = settings_file
        self.words = words
        self.standby = standby
        self.limit = limit
        self.pid = next(self.pids)
        self.ended = False
        self.hung = False
        self.told: list[str] = []

    def lives(self) -> bool:
        return not self.ended

    def hangs(self) -> bool:
        return self.hung and not self.ended

    def stop(self) -> None:
        self.told.append("stop")
        self.ended = True

    def kill(self) -> None:
        self.told.append("kill")
        self.ended = True


@dataclass
class Part:
    """Asterisk or Redis: `up` or not; notes what was asked of it."""

    up: bool = True
    fails: bool = False
    asked: list[str] = field(default_factory=list)

    def running(self) -> bool:
        return self.up

    async def answers(self) -> bool:
        return self.up

    async def adopt(self) -> bool:
        return False

    async def start(self, *_: object) -> None:
        self.asked.append("start")
        if self.fails:
            raise AsteriskConfError("Asterisk did not start.")
        self.up = True

    async def stop(self) -> None:
        self.asked.append("stop")
        self.up = False


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return parse(TOML.format(console=free_port()), source="helpline.toml", base=tmp_path)


@pytest.fixture
def stack(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Of stand-ins: no process is started."""
    monkeypatch.setattr(stack_module, "ControllerProcess", Process)
    made = Stack(settings, programs=cast("Programs", None))
    made.folder.prepare()
    return made


@asynccontextmanager
async def answering(port: int, body: Callable[[], object], status: str = "200 OK") -> AsyncIterator[None]:
    """Something that listens on the console's port and answers every request with this."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        said = body()
        text = (said if isinstance(said, str) else json.dumps(said)).encode()
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    yield
    server.close()


# -- starting the controller


async def test_the_controller_is_given_the_settings_as_they_are_in_a_file_for_the_owner_only(
    stack: Stack, settings: Settings
) -> None:
    async with answering(settings.console.port, lambda: {"process": pid_of(stack)}):
        await stack.start_controller()
    process = cast("Process", stack.controller)
    effective = process.settings_file
    assert effective is not None
    assert not process.standby
    assert process.limit == settings.controller.hung_seconds
    assert Settings.model_validate_json(effective.read_text(encoding="utf-8")) == settings
    assert stat.S_IMODE(effective.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", TOML.format(console=8076), 'run_folder = "x y/ü"\n[dialer]\ncloses = 23:59:59.5'])
def test_settings_survive_the_way_to_the_controller(text: str, tmp_path: Path) -> None:
    settings = parse(text, source="helpline.toml", base=tmp_path)
    there = Settings.model_validate_json(settings.model_dump_json())
    assert there == settings
    assert isinstance(there.dialer.opens, time)
    assert there.run_folder.is_absolute()


def pid_of(stack: Stack) -> int:
    assert stack.controller is not None
    return stack.controller.pid


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param("<html>Welcome</html>", "200 OK", id="a web server"),
        pytest.param(["process"], "200 OK", id="a list"),
        pytest.param({"process": 1}, "200 OK", id="another controller"),
        pytest.param({"process": "own"}, "503 Service Unavailable", id="ours, without Asterisk"),
    ],
)
async def test_what_answers_at_the_desk_is_not_taken_for_a_controller_that_serves(
    body: object, status: str, stack: Stack, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack_module, "READY_SECONDS", 0.15)
    monkeypatch.setattr(stack_module, "LOOK_SECONDS", 0.01)
    own = body == {"process": "own"}
    started: list[Process] = []

    def start(*args: Any, **more: Any) -> Process:
        started.append(Process(*args, **more))
        return started[-1]

    monkeypatch.setattr(stack_module, "ControllerProcess", start)
    async with answering(settings.console.port, lambda: {"process": pid_of(stack)} if own else body, status):
        with pytest.raises(ServiceFailed, match="The controller did not come up"):
            await stack.start_controller()
    assert started[0].told == ["stop"]
    assert stack.controller is None


async def test_a_controller_that_ends_at_once_is_told_with_its_last_words(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*args: Any, words: Path, **more: Any) -> Process:
        words.write_bytes(b"Port 4573 for Asterisk's calls (agi_port) can't be opened.\n\n")
        process = Process(*args, **more)
        process.ended = True
        return process

    monkeypatch.setattr(stack_module, "ControllerProcess", ends)
    with pytest.raises(ServiceFailed, match=r"did not come up\. Its last words: Port 4573 .*\(agi_port\)"):
        await stack.start_controller()


def test_the_last_words_are_the_last_line_that_says_something(stack: Stack) -> None:
    assert str(stack.folder.log) in stack._last_words()
    file = stack.folder.log / "controller.err"
    file.write_bytes(b"one\ntwo \xff\n  \n\n")
    assert stack._last_words() == "Its last words: two \ufffd"
    file.write_bytes(b"")
    assert str(stack.folder.log) in stack._last_words()


# -- keeping it up


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor's clock is the event loop's, which looptime moves."""
    monkeypatch.setattr(stack_module, "time", SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time()))


@dataclass
class Kept:
    """A thing that lives `lives_for` seconds after each start; a start may fail with what is next in `failures`."""

    lives_for: float = 0.0
    failures: list[Exception] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    until: float = 0.0

    async def lives(self) -> bool:
        return asyncio.get_running_loop().time() < self.until

    async def revive(self) -> None:
        now = asyncio.get_running_loop().time()
        self.started.append(now)
        if self.failures:
            raise self.failures.pop(0)
        self.until = now + self.lives_for

    async def keep(self, seconds: float) -> None:
        """Be watched for so long."""
        stop = asyncio.Event()
        task = asyncio.create_task(
            stack_module._keep_alive("The thing", self.lives, self.revive, every=0.1, stop=stop, say=self.said.append)
        )
        await asyncio.sleep(seconds)
        stop.set()
        await task

    @property
    def pauses(self) -> list[float]:
        """Between one start and the next, without the life and the look between them."""
        between = zip(self.started, self.started[1:], strict=False)
        return [round(later - earlier - self.lives_for - 0.1, 3) for earlier, later in between]


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual")
async def test_what_keeps_failing_is_started_ever_more_slowly() -> None:
    kept = Kept()
    await kept.keep(40)
    assert kept.started[0] == pytest.approx(0.1 + RESTART_DELAYS[0], abs=0.01)
    assert kept.pauses[:4] == pytest.approx(RESTART_DELAYS[1:], abs=0.02)
    assert kept.pauses[4:] == pytest.approx([RESTART_DELAYS[-1]] * len(kept.pauses[4:]), abs=0.02)
    assert len(kept.pauses) > 6
    assert "The thing ended; starting it again in 0.2 s" in kept.said


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual")
async def test_what_was_steady_is_started_soon_again_when_it_ends() -> None:
    kept = Kept(lives_for=STEADY_SECONDS + 10)
    await kept.keep(160)
    assert len(kept.pauses) == 2
    assert max(kept.pauses) < RESTART_DELAYS[1]


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual")
async def test_one_crash_is_mended_within_half_a_second_of_being_seen() -> None:
    kept = Kept(lives_for=1000, until=50)
    await kept.keep(60)
    (started,) = kept.started
    assert 50 <= started <= 50.5
    assert kept.said[-1] == "The thing runs again"


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual")
async def test_a_start_that_fails_is_told_and_tried_again_whatever_the_failure() -> None:
    failures = [ServiceFailed("Port taken."), AsteriskConfError("No core."), OSError(28, "No space left on device")]
    kept = Kept(lives_for=1000, failures=list(failures))
    await kept.keep(20)
    assert len(kept.started) == 4
    assert "Port taken." in kept.said
    assert "No core." in kept.said
    assert any("No space left on device" in line for line in kept.said)
    assert kept.said[-1] == "The thing runs again"


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual")
async def test_nothing_is_started_once_the_stop_was_asked_for() -> None:
    kept = Kept()
    await kept.keep(0.25)  # in the pause before the first start
    assert kept.started == []


@pytest.fixture
def parts(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    """A stack that is up, of stand-ins."""
    asterisk, redis = Part(), Part()
    stack.asterisk, stack._redis = cast("Any", asterisk), cast("Any", redis)
    stack.controller = cast("Any", Process())

    async def start_controller() -> None:
        stack.controller = cast("Any", Process())

    async def serves(_process: object) -> None: ...

    async def phones() -> list[object]:
        return []

    monkeypatch.setattr(stack, "start_controller", start_controller)
    monkeypatch.setattr(stack, "_until_it_serves", serves)
    monkeypatch.setattr(stack, "_first_phones", phones)
    return {"Asterisk": asterisk, "Redis": redis}


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual")
async def test_controller_asterisk_and_redis_are_each_started_again_when_they_end(
    stack: Stack, parts: dict[str, Part]
) -> None:
    stop, said = asyncio.Event(), list[str]()
    keeping = asyncio.create_task(stack.keep(stop, said.append))
    await asyncio.sleep(5)
    assert said == []
    before = pid_of(stack)
    cast("Process", stack.controller).ended = True
    for part in parts.values():
        part.up = False
    await asyncio.sleep(5)
    assert pid_of(stack) != before
    assert [part.asked for part in parts.values()] == [["start"], ["start"]]
    assert sorted(line for line in said if "runs again" in line) == [
        "Asterisk runs again",
        "Redis runs again",
        "The controller runs again",
    ]
    stop.set()
    await keeping


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual")
async def test_a_stop_does_not_wait_for_what_is_just_being_started(
    stack: Stack, parts: dict[str, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_long() -> None:
        await asyncio.sleep(1000)

    monkeypatch.setattr(stack, "start_controller", for_long)
    cast("Process", stack.controller).ended = True
    stop = asyncio.Event()
    keeping = asyncio.create_task(stack.keep(stop, lambda _: None))
    await asyncio.sleep(5)
    stop.set()
    began = asyncio.get_running_loop().time()
    await keeping
    assert asyncio.get_running_loop().time() - began < 1
    assert parts["Asterisk"].up


# -- the watchdog and the spare


@asynccontextmanager
async def kept(stack: Stack) -> AsyncIterator[list[str]]:
    """Watched over, as `helpline run` does it; yields what is told."""
    stop, said = asyncio.Event(), list[str]()
    keeping = asyncio.create_task(stack.keep(stop, said.append))
    try:
        yield said
    finally:
        stop.set()
        await keeping


def spare_of(stack: Stack) -> Process:
    assert stack.spare is not None
    return cast("Process", stack.spare)


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual", "parts")
async def test_a_controller_that_hangs_is_killed_and_the_spare_takes_its_place(stack: Stack) -> None:
    async with kept(stack) as said:
        await asyncio.sleep(5)
        hung, spare = cast("Process", stack.controller), spare_of(stack)
        assert (spare.standby, spare.ended) == (True, False)
        hung.hung = True
        await asyncio.sleep(1)
        assert hung.told == ["kill"]
        assert stack.controller is cast("Any", spare)
        assert "The controller runs again" in said
        await asyncio.sleep(SPARE_AFTER_SECONDS + 1)
        assert spare_of(stack) is not spare
        assert spare_of(stack).standby


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual", "parts")
async def test_a_spare_that_ends_or_hangs_is_replaced_and_the_controller_goes_on(stack: Stack) -> None:
    async with kept(stack) as said:
        await asyncio.sleep(5)
        at_work, first = stack.controller, spare_of(stack)
        first.ended = True
        await asyncio.sleep(SPARE_AFTER_SECONDS + 1)
        second = spare_of(stack)
        assert second is not first
        second.hung = True
        await asyncio.sleep(SPARE_AFTER_SECONDS + 1)
        assert second.told == ["kill"]
        assert spare_of(stack) is not second
        assert stack.controller is at_work
        assert said == []


@pytest.mark.looptime
@pytest.mark.parametrize("fate", ["ended", "hung"])
@pytest.mark.usefixtures("virtual", "parts")
async def test_without_a_spare_that_lives_a_controller_is_started(fate: str, stack: Stack) -> None:
    async with kept(stack):
        await asyncio.sleep(5)
        before, spare = pid_of(stack), spare_of(stack)
        setattr(spare, fate, True)
        cast("Process", stack.controller).ended = True
        await asyncio.sleep(0.4)
        assert pid_of(stack) not in (before, spare.pid)


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual", "parts")
async def test_when_the_watching_ends_so_does_the_spare_but_not_the_controller(stack: Stack) -> None:
    async with kept(stack):
        await asyncio.sleep(5)
        spare = spare_of(stack)
    assert spare.told == ["stop"]
    assert stack.spare is None
    assert cast("Process", stack.controller).told == []


@pytest.mark.looptime
@pytest.mark.usefixtures("virtual", "parts")
async def test_by_a_setting_there_is_no_spare(stack: Stack) -> None:
    without = stack.settings.controller.model_copy(update={"spare": False})
    stack.settings = stack.settings.model_copy(update={"controller": without})
    async with kept(stack):
        await asyncio.sleep(10)
        assert stack.spare is None


# -- starting all of it


@pytest.fixture
def startable(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> dict[str, Part]:
    """Every step of a start is a stand-in that succeeds."""
    asterisk, redis = Part(up=False), Part(up=False)

    async def nothing(*_: object) -> None: ...

    async def start_redis() -> None:
        stack._redis = cast("Any", redis)
        await redis.start()

    async def start_asterisk(_say: object) -> None:
        stack.asterisk = cast("Any", asterisk)
        await asterisk.start()

    async def start_controller() -> None:
        stack.controller = cast("Any", Process())

    monkeypatch.setattr(storage, "migrate", nothing)
    monkeypatch.setattr(stack, "_build_prompts", nothing)
    monkeypatch.setattr(stack, "_start_redis", start_redis)
    monkeypatch.setattr(stack, "_start_asterisk", start_asterisk)
    monkeypatch.setattr(stack, "start_controller", start_controller)
    return {"Asterisk": asterisk, "Redis": redis}


def failing(error: Exception) -> Any:
    async def fails(*_: object) -> None:
        await asyncio.sleep(0.01)  # what is started beside it is up by then
        raise error

    return fails


def is_free(stack: Stack) -> bool:
    try:
        with stack.folder.locked("supervisor"):
            return True
    except RunFolderInUse:
        return False


async def test_all_goes_up_and_down_and_the_run_folder_is_held_meanwhile(
    stack: Stack, startable: dict[str, Part]
) -> None:
    said: list[str] = []
    await stack.start(said.append)
    assert not is_free(stack)
    assert [part.up for part in startable.values()] == [True, True]
    process = cast("Process", stack.controller)
    await stack.stop()
    await stack.stop()
    assert process.told == ["stop"]
    assert [part.up for part in startable.values()] == [False, False]
    assert is_free(stack)


@pytest.mark.parametrize("step", ["_build_prompts", "_start_asterisk", "start_controller"])
async def test_a_start_that_fails_says_why_itself_and_leaves_nothing(
    step: str, stack: Stack, startable: dict[str, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, step, failing(ServiceFailed("No.")))
    with pytest.raises(ServiceFailed, match=r"^No\.$"):
        await stack.start(lambda _: None)
    assert [part.up for part in startable.values()] == [False, False]
    assert stack.controller is None
    assert is_free(stack)


async def test_a_second_one_is_refused_and_does_the_first_no_harm(
    stack: Stack, startable: dict[str, Part], settings: Settings
) -> None:
    await stack.start(lambda _: None)
    second = Stack(settings, programs=cast("Programs", None))
    with pytest.raises(RunFolderInUse, match=r"A supervisor \(process \d+\) already runs in .*Stop it, or"):
        await second.start(lambda _: None)
    await second.stop()
    assert [part.up for part in startable.values()] == [True, True]
    assert not is_free(stack)
    await stack.stop()


async def test_a_start_that_is_cancelled_leaves_nothing(
    stack: Stack, startable: dict[str, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = asyncio.Event()

    async def for_long() -> None:
        stack.controller = cast("Any", Process())
        reached.set()
        await asyncio.sleep(1000)

    monkeypatch.setattr(stack, "start_controller", for_long)
    starting = asyncio.create_task(stack.start(lambda _: None))
    await reached.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert [part.up for part in startable.values()] == [False, False]
    assert stack.controller is None
    assert is_free(stack)


# -- what a person is told


def told(stack: Stack, settings_file: Path | None = None) -> str:
    said: list[str] = []
    stack_module._tell_where(stack, said.append, settings_file)
    return "\n".join(said)


def test_the_first_credentials_are_shown_with_all_that_a_softphone_asks_for(stack: Stack) -> None:
    new = SimpleNamespace(
        agent=SimpleNamespace(id="1001", name="Asha", endpoint="agent-1001"), password="kabootar", pin="4711"
    )
    stack.new_agents.append(cast("NewAgent", new))
    said = told(stack)
    for word in ("agent 1001", "agent-1001", "kabootar", "127.0.0.1:5060", "4711", "shown this once"):
        assert word in said


def test_later_starts_show_no_password_but_how_to_make_a_new_one(stack: Stack, tmp_path: Path) -> None:
    said = told(stack, tmp_path / "mine.toml")
    assert "password " not in said.replace("A new password", "").replace("new-password", "")
    assert f"helpline --settings {tmp_path / 'mine.toml'} agents new-password 1001" in said
