"""What the commands share: the settings they run with, how they print, which errors are told plainly."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpline.errors import HelplineError

if TYPE_CHECKING:
    from helpline.client import Client
    from helpline.settings import Settings

ROOMS = frozenset(
    {"agents", "acd", "asterisk_conf", "grievance_core", "helpline", "ivr", "outbound_dialer", "telephony"}
)
PIPE_WIDTH = 200  # characters: into a pipe a table is not squeezed to the 80 of an unknown terminal

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]


@dataclass
class Asked:
    """What was asked before the command's name."""

    settings_file: Path | None = None

    @cached_property
    def settings(self) -> Settings:
        """Read when first needed: reading costs time that `--help` must not take. Raises SettingsError."""
        from helpline.settings import load

        return load(self.settings_file)

    def client(self) -> Client:
        """The way to the running helpline; use it in a `with` block."""
        from helpline.client import Client

        return Client(self.settings)


def asked(ctx: typer.Context) -> Asked:
    found = ctx.find_object(Asked)
    return found if found is not None else Asked()


def day_asked(text: str) -> date:
    """The day that was typed. Raises HelplineError."""
    from grievance_core.posts.lines import day_of

    found = day_of(text.strip())
    if found is None:
        raise HelplineError(f"{text!r} is no day. Write it as 31-12-2026 or 2026-12-31.")
    return found


def plain_message(error: BaseException) -> str | None:
    """The message of an error that people are meant to see; None for a bug, whose traceback is wanted.

    By the rule of the house each room's `errors.py` holds its exception tree, and each message names the next step.
    """
    room, _, module = type(error).__module__.partition(".")
    if room in ROOMS and module == "errors":
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return (
            f"{error.filename}: {error.strerror}. Give this user the right to it, or set another place in the settings."
        )
    return None


def show_json(value: Any) -> None:
    """JSON as it is, Hindi readable."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, nothing: str) -> None:
    """A table; `nothing` is said when there is no row."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    if not table.row_count:
        typer.echo(nothing)
        return
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def moment(text: str | None, ctx: typer.Context, how: str = "%d %b %Y %H:%M") -> str:
    """An ISO time in the helpline's own zone, as it is read here."""
    if not text:
        return "–"
    return datetime.fromisoformat(text).astimezone(asked(ctx).settings.zone).strftime(how)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal that shows how many of how many (0: not known yet) are done; nothing in a pipe."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total or None)

        yield told
