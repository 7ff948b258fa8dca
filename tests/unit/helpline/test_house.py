"""The controller's rooms come up in order and go down in the reverse, whatever fails; chores go on after a failure."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from acd.live.work import WorkItem
from asterisk_conf import messages
from asterisk_conf.sounds import write_tone
from asterisk_conf.testing import free_port
from grievance_core.officers import PostId
from grievance_core.posts.roster import Hold, OfficerId, Posting, Roster
from helpline import house as house_module
from helpline.errors import ServiceFailed
from helpline.every import every
from helpline.house import House
from telephony.call import Call
from telephony.server import FastAgiServer
from telephony.testing import AgiPeer, FakeWaker

pytestmark = pytest.mark.unit

UP = ["agents up", "acd up", "dialer up", "link up"]
LEFT = Posting(
    post=PostId("HOM/162/circle-officer"),
    officer=OfficerId("A1"),
    hold=Hold.HOLDER,
    first=date(2026, 1, 1),
    last=date(2026, 11, 24),
)
DOWN = ["link down", "dialer down", "acd down", "agents down"]


@dataclass
class Room:
    """A room that only notes that it was started and stopped."""

    name: str
    told: list[str]
    fails: bool = False

    async def start(self) -> None:
        if self.fails:
            raise ConnectionError(f"{self.name} is away")
        self.told.append(f"{self.name} up")

    async def stop(self) -> None:
        self.told.append(f"{self.name} down")

    async def add_work(self, item: WorkItem) -> None:
        self.told.append(f"work in {item.queue}")

    def queue_of(self, service: str) -> str:
        return f"{service}s"


@dataclass
class Sweeper:
    """The grievance core as the time limits' chore sees it; refuses the first `refusals` times."""

    refusals: int = 0
    sweeps: int = 0
    moved_from: list[PostId] = field(default_factory=list)

    async def sweep(self, _now: datetime) -> int:
        self.sweeps += 1
        if self.sweeps <= self.refusals:
            raise ConnectionError("the database is away")
        return 1

    async def file_voice_message(self, *_: object, **__: object) -> None:
        """Filed."""

    async def move_on(self, posts: list[PostId], _now: datetime) -> int:
        self.moved_from += posts
        return len(posts)


@dataclass
class Sealer:
    """The events' seals as their chore sees them: `pending` more to be made."""

    pending: int = 3
    counted: int = 0

    async def catch_up(self) -> None:
        assert not self.pending  # what is not sealed yet can't be counted
        self.counted += 1

    async def seal(self) -> bool:
        self.pending -= 1
        return self.pending > 0


@dataclass
class Asker:
    """Officers' questions as their chore sees them."""

    given: int = 0

    async def hand_out(self, _now: datetime, *, queue: str) -> int:
        assert queue
        self.given += 1
        return 1


@dataclass
class Officers:
    """The roster of officers as its chores see it: one post was left yesterday."""

    looks: int = 0
    roster: Roster = field(default_factory=lambda: Roster.of((), (LEFT,)))

    async def refresh(self) -> bool:
        self.looks += 1
        return True

    def today(self) -> date:
        return date(2026, 11, 25)


@dataclass
class Feed:
    closed: bool = False

    def close(self) -> None:
        self.closed = True


@dataclass
class Built:
    """A house of stand-ins with a real FastAGI server and a real console."""

    told: list[str]
    house: House
    grievances: Sweeper
    sealer: Sealer
    asker: Asker
    officers: Officers
    feed: Feed
    served: list[str] = field(default_factory=list)

    @property
    def console_url(self) -> str:
        host, port = self.house.console_address
        return f"http://{host}:{port}/"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Served while inside; has stopped afterwards."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.house.serve(stop))
        try:
            async with asyncio.timeout(5), httpx.AsyncClient(trust_env=False) as client:
                while not task.done():
                    try:
                        await client.get(self.console_url)
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.005)
            yield
        finally:
            stop.set()
            async with asyncio.timeout(5):
                await task


def built(folder: Path, **changes: Any) -> Built:
    told: list[str] = []
    served: list[str] = []
    rooms: dict[str, Any] = {name: Room(name, told) for name in ("agents", "acd", "dialer", "link")}
    feed, grievances, sealer, asker, officers = Feed(), Sweeper(), Sealer(), Asker(), Officers()

    async def serve_call(call: Call) -> None:
        served.append(call.caller)

    console = Starlette(routes=[Route("/", lambda _request: PlainTextResponse("the desk"))])
    console.state.feed = feed
    house = House(
        **rooms,
        grievances=cast("Any", grievances),
        audit=cast("Any", sealer),
        posts=cast("Any", officers),
        leave_days=7,
        rollups=cast("Any", sealer),
        questions=cast("Any", asker),
        calls=FastAgiServer("127.0.0.1", free_port(), serve_call, FakeWaker()),
        console=console,
        console_address=("127.0.0.1", free_port()),
        lifeline_folder=folder,
        clock=lambda: datetime.now(UTC),
    )
    return Built(told, replace(house, **changes), grievances, sealer, asker, officers, feed, served)


# -- chores


@pytest.mark.looptime
async def test_a_chore_is_done_at_once_and_then_at_its_time_also_after_it_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    done: list[float] = []

    async def chore() -> None:
        done.append(loop.time())
        if len(done) in (1, 3):
            raise ValueError("the database is away")

    task = asyncio.create_task(every(30.0, chore))
    await asyncio.sleep(125)
    task.cancel()
    assert done == pytest.approx([0, 30, 60, 90, 120], abs=0.01)
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [vars(record)["action"] for record in failures] == ["chore_failed", "chore_failed"]
    assert all(record.exc_info for record in failures)


@pytest.mark.looptime
async def test_a_chore_that_takes_long_is_never_done_twice_at_once() -> None:
    running = most = 0

    async def chore() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(100)
        running -= 1

    task = asyncio.create_task(every(30.0, chore))
    await asyncio.sleep(1000)
    task.cancel()
    assert most == 1


@pytest.mark.looptime
async def test_a_chore_can_be_ended_at_any_moment() -> None:
    async def chore() -> None:
        await asyncio.sleep(1)

    for moment in (0.5, 1.5):
        task = asyncio.create_task(every(30.0, chore))
        await asyncio.sleep(moment)
        task.cancel()
        assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)


# -- the house


async def test_rooms_come_up_in_the_order_of_need_and_go_down_in_the_reverse(tmp_path: Path) -> None:
    home = built(tmp_path)
    async with home.serving():
        assert home.told == UP
    assert home.told == UP + DOWN
    assert home.feed.closed


async def test_calls_and_the_desk_are_served_until_the_stop_and_their_ports_are_free_afterwards(
    tmp_path: Path,
) -> None:
    home = built(tmp_path)
    peer = AgiPeer()
    async with home.serving():
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(home.console_url)).text == "the desk"
        await peer.connect("127.0.0.1", home.house.calls.port)
        async with asyncio.timeout(5):
            await peer.closed.wait()
        await peer.close()
    assert home.served == ["9876543210"]
    for port in (home.house.console_address[1], home.house.calls.port):
        with socket.create_server(("127.0.0.1", port)):
            pass


async def test_a_taken_port_for_calls_is_told_by_its_setting_and_nothing_stays_up(tmp_path: Path) -> None:
    home = built(tmp_path)
    with (
        socket.create_server(("127.0.0.1", home.house.calls.port)),
        pytest.raises(
            ServiceFailed, match=rf"Port {home.house.calls.port} .*\(agi_port\).*: Address already in use\. Set"
        ),
    ):
        await home.house.serve(asyncio.Event())
    assert home.told == UP + DOWN


async def test_a_taken_port_of_the_desk_is_told_by_its_setting_and_nothing_stays_up(tmp_path: Path) -> None:
    home = built(tmp_path)
    port = home.house.console_address[1]
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ServiceFailed, match=rf"127.0.0.1:{port} .*: Address already in use\. Set .* under \[console\]"),
    ):
        await home.house.serve(asyncio.Event())
    assert home.told == UP + DOWN
    with socket.create_server(("127.0.0.1", home.house.calls.port)):
        pass


async def test_an_address_of_the_desk_that_is_not_this_machines_is_told_by_its_setting(tmp_path: Path) -> None:
    home = built(tmp_path, console_address=("192.0.2.1", free_port()))
    with pytest.raises(ServiceFailed, match=r"192.0.2.1.*under \[console\]"):
        await home.house.serve(asyncio.Event())
    assert home.told == UP + DOWN


@pytest.mark.parametrize("failing", range(len(UP)))
async def test_a_room_that_does_not_come_up_takes_down_those_before_it(failing: int, tmp_path: Path) -> None:
    home = built(tmp_path)
    rooms = (home.house.agents, home.house.acd, home.house.dialer, home.house.link)
    cast("Room", rooms[failing]).fails = True
    with pytest.raises(ConnectionError):
        await home.house.serve(asyncio.Event())
    assert home.told == UP[:failing] + DOWN[len(DOWN) - failing :]


@pytest.fixture
def quick_chores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house_module, "SWEEP_SECONDS", 0.01)


async def test_the_house_serves_on_while_a_chore_fails(
    tmp_path: Path, quick_chores: None, caplog: pytest.LogCaptureFixture
) -> None:
    home = built(tmp_path)
    home.grievances.refusals = 2
    async with home.serving():
        await until(lambda: home.grievances.sweeps >= 4)
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(home.console_url)).is_success
    failures = [record for record in caplog.records if vars(record).get("action") == "chore_failed"]
    assert len(failures) == 2


async def test_a_message_that_a_citizen_spoke_becomes_work_for_an_agent(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    begun = messages.begin(tmp_path, caller="9876500001", taken_at=now, language="hi", uniqueid="1.1")
    write_tone(begun.sound, hertz=500, seconds=0.1)
    assert messages.keep(tmp_path, begun)
    home = built(tmp_path)
    async with home.serving():
        await until(lambda: "work in complaints" in home.told)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


async def test_all_that_is_not_sealed_is_sealed_at_the_start(tmp_path: Path) -> None:
    made = built(tmp_path)
    async with made.serving(), asyncio.timeout(5):
        while not made.sealer.counted:
            await asyncio.sleep(0.005)


async def test_officers_questions_are_handed_out_while_it_serves(tmp_path: Path) -> None:
    made = built(tmp_path)
    async with made.serving(), asyncio.timeout(5):
        while not made.asker.given:
            await asyncio.sleep(0.01)


async def test_the_roster_is_read_again_and_again_and_what_lies_where_nobody_is_moves_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house_module, "ROSTER_SECONDS", 0.01)
    made = built(tmp_path)
    async with made.serving(), asyncio.timeout(5):
        while made.officers.looks < 5:
            await asyncio.sleep(0.005)
    assert made.grievances.moved_from == [LEFT.post]
