"""`helpline dialer`: whom the dialer must not ring."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from helpline.commands.common import AsJson, asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from outbound_dialer.do_not_ring import DoNotRing

T = TypeVar("T")
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="Ten digits, as the citizen gives it.")]

app = typer.Typer(no_args_is_help=True, help="Whom the dialer must not ring.")


@app.command()
def bar(
    ctx: typer.Context,
    number: Number,
    why: Annotated[str, typer.Option("--why", help="Why; it stands on record.")],
    by: Annotated[str, typer.Option("--by", help="Who decides; your login name unless given.")] = "",
) -> None:
    """Ring a number no more, from the next call on: the list is read right before each.

    \b
    Example:
      helpline dialer bar 9876543210 --why "asked not to be rung"
    """
    if not why.strip():
        raise HelplineError("Say why: it stands on record. --why '…'")
    _with_list(ctx, lambda them: them.add(number.strip(), by=by or getpass.getuser(), reason=why.strip()))
    typer.echo("The number is not rung any more.")


@app.command()
def unbar(ctx: typer.Context, number: Number) -> None:
    """Take a number off the list.

    \b
    Example:
      helpline dialer unbar 9876543210
    """
    if not _with_list(ctx, lambda them: them.remove(number.strip())):
        raise HelplineError("This number is not on the list. See who is: helpline dialer barred")
    typer.echo("The number may be rung again.")


@app.command()
def barred(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000)] = 1000,
    as_json: AsJson = False,
) -> None:
    """The numbers that are not rung, the latest first.

    \b
    Example:
      helpline dialer barred
    """
    zone = asked(ctx).settings.zone
    views = [
        {"number": one.number, "since": f"{one.since.astimezone(zone):%Y-%m-%d %H:%M}", "by": one.by, "why": one.reason}
        for one in _with_list(ctx, lambda them: them.all(limit))
    ]
    if as_json:
        show_json(views)
        return
    show_table(("number", "since", "by", "why"), (tuple(view.values()) for view in views), nothing="Nobody is barred.")


def _with_list(ctx: typer.Context, work: Callable[[DoNotRing], Awaitable[T]]) -> T:
    from helpline.commands.records import utc_now, with_database
    from outbound_dialer.do_not_ring import DoNotRing

    return with_database(ctx, lambda sessions: work(DoNotRing(sessions, clock=utc_now)))
