"""How the live view looks: on any terminal nothing wraps, and what matters is on it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len
from rich.console import Console

from helpline.commands.following import Lost, News, Still, Wall
from helpline.commands.wallboard import Screen, span, wallboard, wants
from helpline.commands.watching import watch
from helpline.errors import NotRunning
from helpline.settings import parse

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
LUCKNOW = ZoneInfo("Asia/Kolkata")


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def level(of: int, among: int, gave_up: int) -> dict[str, Any]:
    promise = {"seconds": 20, "share": 0.8}
    shares = {"service_level": {"of": of, "among": among}, "abandonment": {"of": gave_up, "among": among}}
    return {"promise": promise, **shares}


def queue(name: str, count: int = 0, **more: Any) -> dict[str, Any]:
    known = {"longest_since": ago(70) if count else None, "open": True, "callbacks": 0, "today": None}
    return {"name": name, "waiting": count, **known, **more}


def waiter(position: int, **more: Any) -> dict[str, Any]:
    known = {"call": f"17.{position}", "caller": f"98765{position:05}", "language": "hi", "service": "complaint"}
    return {
        "position": position,
        "since": ago(1000 - position),
        "attached": True,
        "rings": "",
        "urgency": "ordinary",
        **known,
        **more,
    }


def agent(id: str, presence: str = "talking", **more: Any) -> dict[str, Any]:
    known = {"name": f"Agent [red]{id}", "since": ago(65), "reason": "", "line": "on_hook", "line_open": False}
    return {"id": id, "presence": presence, "phone_reachable": True, **known, **more}


def floor(**more: Any) -> dict[str, Any]:
    """A thousand agents and five thousand callers, cut as the console cuts them."""
    return {
        "at": NOW.isoformat(),
        "queues": [queue("complaint", 5000), queue("status", 100), queue("demand"), queue("emergency")],
        "waiting": [waiter(position) for position in range(1, 51)],
        "waiting_count": 5100,
        "talking_count": 900,
        "agents": [agent(str(number)) for number in range(1000, 1060)],
        "agents_by_state": {"talking": 900, "ready": 60, "paused": 40, "signed_out": 7},
        "longest_idle": {"agent": "1001", "since": ago(130)},
        "notice": {},
        "lag_seconds": 0.003,
        "repairs": {},
        **more,
    }


def drawn(shown: dict[str, Any], width: int = 80, height: int = 24, **connection: Any) -> list[str]:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(wallboard(shown, NOW, Screen(width=width, height=height, zone=LUCKNOW, **connection)), end="")
    return capture.get().splitlines()


@pytest.mark.parametrize(
    ("width", "height"), [(80, 24), (80, 50), (100, 30), (99, 30), (200, 60), (60, 20), (40, 12), (80, 10)]
)
@pytest.mark.parametrize("notice", [{}, {"notice": {"hi": "बाढ़ राहत " * 30}}], ids=["", "with a long notice"])
def test_a_full_floor_fits_every_screen_without_a_line_wrapped(width: int, height: int, notice: dict[str, Any]) -> None:
    lines = drawn(floor(**notice), width, height)
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 24)])
def test_a_screen_is_used_to_its_last_line_or_two(width: int, height: int) -> None:
    assert len(drawn(floor(), width, height)) >= height - 1


def test_on_eighty_columns_all_that_matters_is_there() -> None:
    complaint = queue("complaint", 5000, callbacks=17, today=level(405, 500, 21), recent=level(30, 40, 2))
    text = "\n".join(drawn(floor(queues=[complaint])))
    for words in (
        "12:00:00",
        "5100 wait",
        "900 talk",
        "link 3 ms",
        "longest idle 1001 2:10",
        "60 ready",
        "1:10",
        "81% of 500",
        "75% of 40",
        "21 4.2%",
        " 17 ",
        "9876500001",
        "16:39",
    ):
        assert words in text


def test_a_wide_screen_shows_what_each_share_was_made_of() -> None:
    text = "\n".join(drawn(floor(queues=[queue("complaint", 1, today=level(405, 500, 21))]), width=140))
    assert "81% 405/500" in text


@pytest.mark.parametrize(
    ("more", "told"),
    [
        pytest.param({"rings": "1002"}, "rings 1002, hi", id="rung for"),
        pytest.param({"attached": False}, "line coming back, hi", id="held through a restart"),
        pytest.param({"urgency": "emergency"}, "emergency, hi", id="urgent"),
    ],
)
def test_each_in_line_says_what_they_wait_for(more: dict[str, Any], told: str) -> None:
    assert wants(waiter(1, **more)) == told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        pytest.param({"phone_reachable": False, "presence": "ready"}, "ready no phone", id="no phone"),
        pytest.param({"presence": "paused", "reason": "did not answer"}, "paused (did not answer)", id="paused"),
        pytest.param({"line": "off_hook", "presence": "ready"}, "ready dial *1", id="off-hook and not connected"),
        pytest.param({"presence": "wrap_up"}, "wrap up", id="wrap-up"),
    ],
)
def test_each_agent_says_what_they_do_and_what_they_lack(more: dict[str, Any], told: str) -> None:
    assert told in "\n".join(drawn(floor(agents=[agent("1001", **more)])))


def test_names_are_shown_as_they_are_written() -> None:
    assert "Agent [red]1000" in "\n".join(drawn(floor(), height=40))


def test_an_empty_floor_says_so_and_what_to_do() -> None:
    empty = floor(queues=[], waiting=[], waiting_count=0, agents=[], agents_by_state={}, longest_idle=None)
    text = "\n".join(drawn(empty))
    assert "Nobody waits." in text
    assert "helpline agents add" in text


def test_waiting_callers_with_nobody_free_are_told() -> None:
    assert "nobody is free" in "\n".join(drawn(floor(longest_idle=None)))


def test_a_link_that_is_down_or_late_stands_in_the_first_line() -> None:
    assert "NO LINK to Asterisk" in drawn(floor(lag_seconds=None))[0]
    assert "link 1500 ms" in drawn(floor(lag_seconds=1.5))[0]


def test_a_closed_queue_is_marked() -> None:
    assert "scheme  CLOSED" in "\n".join(drawn(floor(queues=[queue("scheme", open=False)])))


def test_a_lost_connection_stands_in_the_first_line() -> None:
    assert (
        "NO CONNECTION for 12 s (reset by peer)" in drawn(floor(), width=100, heard_seconds=12, lost="reset by peer")[0]
    )


@pytest.mark.parametrize(
    ("seconds", "told"), [(-5, "0:00"), (0, "0:00"), (65, "1:05"), (3599, "59:59"), (3723, "1:02:03")]
)
def test_times_are_shown_as_a_clock_does(seconds: float, told: str) -> None:
    assert span(ago(seconds), NOW) == told


# -- while it runs


class Terminal(Console):
    """A terminal that keeps what was written to it."""

    def __init__(self) -> None:
        self.written = io.StringIO()
        super().__init__(file=self.written, force_terminal=True, width=80, height=24, color_system=None)


async def seen(terminal: Terminal, words: str) -> float:
    """Wait until those words are drawn; how long it took."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(60):
        while words not in terminal.written.getvalue():
            await asyncio.sleep(0.01)
    return asyncio.get_running_loop().time() - began


@pytest.fixture
def news() -> asyncio.Queue[News | Exception]:
    return asyncio.Queue()


async def told(news: asyncio.Queue[News | Exception]) -> AsyncIterator[News]:
    while True:
        one = await news.get()
        if isinstance(one, Exception):
            raise one
        yield one


@pytest.mark.looptime
async def test_news_is_drawn_at_once_and_the_clocks_go_on_without_news(
    news: asyncio.Queue[News | Exception], tmp_path: Path
) -> None:
    terminal, settings = Terminal(), parse("", source="test", base=tmp_path)
    clock = asyncio.get_running_loop().time
    watching = asyncio.create_task(watch(told(news), terminal, settings, clock=clock))
    news.put_nowait(Wall(floor()))
    assert await seen(terminal, "12:00:00  5100 wait") <= 0.02
    news.put_nowait(Wall(floor(waiting_count=5099)))
    assert await seen(terminal, "5099 wait") <= 0.02
    assert await seen(terminal, "12:00:02  5099 wait") <= 2.6
    assert await seen(terminal, "2.5 s old") <= 1
    news.put_nowait(Still((NOW + timedelta(seconds=10)).isoformat()))
    assert await seen(terminal, "12:00:10  5099 wait · 900 talk  link 3 ms  0.0 s old") <= 0.02
    news.put_nowait(Lost("reset by peer"))
    assert await seen(terminal, "NO CONNECTION for 0 s") <= 0.02
    assert await seen(terminal, "NO CONNECTION for 5 s") <= 6
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert terminal.written.getvalue().endswith("\x1b[?25h\x1b[?1049l"), "the screen of before, with its cursor"


@pytest.mark.looptime
async def test_an_end_of_the_news_gives_the_screen_back_and_tells_why(
    news: asyncio.Queue[News | Exception], tmp_path: Path
) -> None:
    terminal, settings = Terminal(), parse("", source="test", base=tmp_path)
    watching = asyncio.create_task(watch(told(news), terminal, settings))
    news.put_nowait(Wall(floor()))
    await seen(terminal, "5100 wait")
    news.put_nowait(NotRunning("Start it: helpline run"))
    with pytest.raises(NotRunning):
        await watching
    assert terminal.written.getvalue().endswith("\x1b[?25h\x1b[?1049l")


@pytest.mark.looptime
async def test_nothing_is_drawn_when_nobody_answers_at_first(
    news: asyncio.Queue[News | Exception], tmp_path: Path
) -> None:
    terminal, settings = Terminal(), parse("", source="test", base=tmp_path)
    news.put_nowait(NotRunning("Start it: helpline run"))
    with pytest.raises(NotRunning):
        await watch(told(news), terminal, settings)
    assert terminal.written.getvalue() == ""
