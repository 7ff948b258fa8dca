"""How the live view of queues and agents looks: a plain dict and a screen's size in, something rich prints out.

Pure. What does not fit is left out from the end, never wrapped: the order is that of what matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

HEADING_LINES = 2  # of each table: names and a rule
NARROW = 100  # characters: below it the two lists stand one above the other
STATES = ("ready", "ringing", "talking", "wrap_up", "working", "paused", "signed_out")
STYLE = {
    "ready": "green",
    "ringing": "yellow",
    "talking": "cyan",
    "wrap_up": "blue",
    "working": "blue",
    "paused": "magenta",
}
LATE = "bold red"
SLOW_LINK_SECONDS = 0.5
PROMISED_SECONDS = 20  # of a queue that nobody has called today


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What there is to draw on, and how the connection stands. `heard_seconds`: since the helpline last said something;
    `lost`: why the connection is gone, "" while it is there."""

    width: int
    height: int
    zone: tzinfo
    heard_seconds: float = 0.0
    lost: str = ""


def wallboard(shown: Mapping[str, Any], now: datetime, screen: Screen) -> RenderableType:
    """The whole screen. `now` by the helpline's clock."""
    top: list[RenderableType] = [_heading(shown, now, screen), _agents_by_state(shown, now)]
    if shown["notice"]:
        words = " · ".join(shown["notice"].values())
        top.append(Text(f"All callers hear: {words}", "yellow", no_wrap=True, overflow="ellipsis"))
    room = screen.height - len(top) - HEADING_LINES
    queues = shown["queues"][: max(1, room // 3)]
    top.append(_queues(queues, now, screen.width))
    room -= len(queues) + HEADING_LINES
    if screen.width >= NARROW:
        lists = Table.grid(expand=True, padding=(0, 2, 0, 0))
        lists.add_column(ratio=1)
        lists.add_column(ratio=1)
        lists.add_row(_waiting(shown, now, room), _agents(shown, now, room))
        return Group(*top, lists)
    room -= HEADING_LINES
    waiting = max(0, min(len(shown["waiting"]), max(room - len(shown["agents"]), (room + 1) // 2)))
    return Group(*top, _waiting(shown, now, waiting), _agents(shown, now, room - waiting))


def _heading(shown: Mapping[str, Any], now: datetime, screen: Screen) -> Text:
    line = Text(f"Helpline 1076  {now.astimezone(screen.zone):%H:%M:%S}", "bold", no_wrap=True, overflow="ellipsis")
    line.append(f"  {shown['waiting_count']} wait · {shown['talking_count']} talk")
    if screen.lost:
        line.append(f"  NO CONNECTION for {screen.heard_seconds:.0f} s ({screen.lost}); trying again", LATE)
        return line
    lag = shown["lag_seconds"]
    if lag is None:
        line.append("  NO LINK to Asterisk", LATE)
    else:
        line.append(f"  link {lag * 1000:.0f} ms", LATE if lag > SLOW_LINK_SECONDS else "dim")
    line.append(f"  {screen.heard_seconds:.1f} s old", LATE if screen.heard_seconds > 2 else "dim")
    return line


def _agents_by_state(shown: Mapping[str, Any], now: datetime) -> Text:
    counts = shown["agents_by_state"]
    line = Text("agents ", no_wrap=True, overflow="ellipsis")
    parts = [
        (f"{counts[state]} {state.replace('_', ' ')}", STYLE.get(state, "")) for state in STATES if counts.get(state)
    ]
    for number, (words, style) in enumerate(parts):
        line.append(" · " if number else "")
        line.append(words, style)
    if not parts:
        line.append("none yet: helpline agents add")
    if idle := shown["longest_idle"]:
        line.append(f"  longest idle {idle['agent']} {span(idle['since'], now)}")
    elif shown["waiting_count"]:
        line.append("  nobody is free", LATE)
    return line


def _queues(queues: Sequence[Mapping[str, Any]], now: datetime, width: int) -> RenderableType:
    table = _table("queue", ">wait", ">longest", ">owed", ">in time today", ">last 30 min", ">gave up")
    for queue in queues:
        today, recent = queue.get("today"), queue.get("recent")
        waited = seconds_since(queue["longest_since"], now)
        late = waited > (today["promise"]["seconds"] if today else PROMISED_SECONDS)
        table.add_row(
            Text(queue["name"] + ("" if queue["open"] else "  CLOSED")),
            Text(str(queue["waiting"])),
            Text(span(queue["longest_since"], now), LATE if late else ""),
            Text(str(queue["callbacks"] or "–")),
            _share(today, width),
            _share(recent, width),
            Text(_gave_up(today)),
        )
    return table


def _share(level: Mapping[str, Any] | None, width: int) -> Text:
    """The service level with what it was made of, where there is room for it."""
    if not level or not level["service_level"]["among"]:
        return Text("–")
    of, among = level["service_level"]["of"], level["service_level"]["among"]
    words = f"{of / among:.0%} {of}/{among}" if width >= NARROW else f"{of / among:.0%} of {among}"
    return Text(words, LATE if of / among < level["promise"]["share"] else "green")


def _gave_up(level: Mapping[str, Any] | None) -> str:
    if not level or not level["abandonment"]["among"]:
        return "–"
    of, among = level["abandonment"]["of"], level["abandonment"]["among"]
    return f"{of} {of / among:.1%}"


def _waiting(shown: Mapping[str, Any], now: datetime, rows: int) -> RenderableType:
    waiting = shown["waiting"][: max(0, rows)]
    if not waiting:
        return Text("Nobody waits." if not shown["waiting_count"] else f"{shown['waiting_count']} wait.", "dim")
    table = _table(">#", ">waits", "caller", "queue", "for whom")
    for waiter in waiting:
        table.add_row(
            Text(str(waiter["position"])),
            Text(span(waiter["since"], now)),
            Text(waiter["caller"] or "withheld"),
            Text(waiter["service"]),
            Text(wants(waiter)),
        )
    return table


def wants(waiter: Mapping[str, Any]) -> str:
    """What one in line waits for, the most telling first."""
    words: list[str] = []
    if waiter["rings"]:
        words.append(f"rings {waiter['rings']}")
    elif not waiter["attached"]:
        words.append("line coming back")
    if waiter["urgency"] != "ordinary":
        words.append(waiter["urgency"])
    return ", ".join([*words, waiter["language"]])


def _agents(shown: Mapping[str, Any], now: datetime, rows: int) -> RenderableType:
    agents = shown["agents"]
    here = sum(count for state, count in shown["agents_by_state"].items() if state != "signed_out")
    if not agents or rows < 1:
        return Text(f"{here} agents signed in." if here else "Nobody is signed in.", "dim")
    table = _table("agent", "name", "does", ">since")
    for agent in agents[:rows]:
        table.add_row(Text(agent["id"]), Text(agent["name"]), _does(agent), Text(span(agent["since"], now)))
    return table


def _does(agent: Mapping[str, Any]) -> Text:
    words = Text(agent["presence"].replace("_", " "), STYLE.get(agent["presence"], ""))
    if agent["reason"]:
        words.append(f" ({agent['reason']})")
    if not agent["phone_reachable"]:
        words.append(" no phone", LATE)
    elif agent["line"] == "off_hook" and not agent["line_open"]:
        words.append(" dial *1", "yellow")
    return words


def _table(*columns: str) -> Table:
    """Columns of one line each; ">" stands before those of numbers."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        table.add_column(column.removeprefix(">"), justify=justify, no_wrap=True, overflow="ellipsis")
    return table


def seconds_since(text: str | None, now: datetime) -> float:
    """From an ISO time until now, never negative; 0 for no time."""
    return max(0.0, (now - datetime.fromisoformat(text)).total_seconds()) if text else 0.0


def span(text: str | None, now: datetime) -> str:
    """How long ago, as a clock shows it: 0:05, 12:40, 1:02:03."""
    if not text:
        return "–"
    minutes, seconds = divmod(int(seconds_since(text, now)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
