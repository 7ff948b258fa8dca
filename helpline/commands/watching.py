"""`helpline queue watch`, while it runs: what is followed is drawn, twice a second at least."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.live import Live

from helpline.commands.common import PIPE_WIDTH
from helpline.commands.following import Lost, News, Wall, follow
from helpline.commands.wallboard import Screen, wallboard
from helpline.errors import HelplineError
from helpline.settings import Settings

REDRAW_SECONDS = 0.5  # the clocks on the wall go on while nothing is heard
FEWEST_LINES = 24

Clock = Callable[[], float]  # seconds that never go back


def print_once(shown: dict[str, Any], settings: Settings) -> None:
    """How it stands now, on as many lines as it takes."""
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    # Each queue may take no more than a third of the lines: so that all three lists fit, whatever they hold.
    lines = 3 * (len(shown["queues"]) + len(shown["waiting"]) + len(shown["agents"]) + FEWEST_LINES)
    screen = Screen(width=console.width, height=lines, zone=settings.zone)
    console.print(wallboard(shown, datetime.fromisoformat(shown["at"]), screen))


def watch_on(settings: Settings, *, as_json: bool) -> None:
    """Until Ctrl-C, which is the right way to end it."""
    console = Console()
    if not as_json and not console.is_terminal:
        raise HelplineError(
            "The live view needs a terminal. For a script or a pipe: helpline queue watch --once, or with --json"
        )
    lines = max(FEWEST_LINES, console.height)
    news = follow(settings, callers=lines, agents=lines)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_print_json(news) if as_json else watch(news, console, settings))


async def _print_json(news: AsyncIterator[News]) -> None:
    """A line for each change."""
    async for one in news:
        if isinstance(one, Wall):
            typer.echo(json.dumps(one.shown, ensure_ascii=False))
            sys.stdout.flush()
        elif isinstance(one, Lost):
            typer.echo(f"No connection ({one.why}); trying again.", err=True)


@dataclass(slots=True)
class Picture:
    """What is known of the floor, and since when."""

    clock: Clock
    shown: dict[str, Any] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    heard: float = 0.0
    lost: str = ""

    def take(self, news: News) -> None:
        if isinstance(news, Lost):
            self.lost = news.why
            return
        if isinstance(news, Wall):
            self.shown = news.shown
        at = news.shown["at"] if isinstance(news, Wall) else news.at
        self.at, self.heard, self.lost = datetime.fromisoformat(at), self.clock(), ""

    def age(self) -> float:
        return self.clock() - self.heard

    def now(self) -> datetime:
        """By the helpline's clock, which goes on with ours."""
        return self.at + timedelta(seconds=self.age())


async def watch(
    news: AsyncIterator[News], console: Console, settings: Settings, *, clock: Clock = time.monotonic
) -> None:
    """Draw what is told, for ever. Raises what `news` raises; nothing is drawn before the first that is told."""
    picture = Picture(clock, heard=clock())
    picture.take(await anext(news))
    inbox: asyncio.Queue[News] = asyncio.Queue()

    async def listen() -> None:
        async for one in news:
            inbox.put_nowait(one)

    listening = asyncio.create_task(listen(), name="live view")
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while not listening.done():
                if picture.shown and inbox.empty():
                    live.update(drawn(picture, console, settings), refresh=True)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(REDRAW_SECONDS):
                        picture.take(await inbox.get())
        listening.result()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def drawn(picture: Picture, console: Console, settings: Settings) -> RenderableType:
    """The screen of this moment."""
    screen = Screen(
        width=console.width,
        height=console.height,
        zone=settings.zone,
        heard_seconds=picture.age(),
        lost=picture.lost,
    )
    return wallboard(picture.shown, picture.now(), screen)
