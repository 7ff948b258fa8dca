"""`helpline dialer`: whom the dialer must not ring, and why somebody is or is not rung now."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from helpline.commands.common import AsJson, asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from grievance_core.complaint import Complaint
    from outbound_dialer.do_not_ring import DoNotRing

T = TypeVar("T")
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="Ten digits, as the citizen gives it.")]

app = typer.Typer(no_args_is_help=True, help="Whom the dialer must not ring; why somebody is or is not rung now.")


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


@app.command()
def why(
    ctx: typer.Context,
    whom: Annotated[str, typer.Argument(metavar="NUMBER|CONTACT", help="A citizen's number, or a complaint's.")],
    as_json: AsJson = False,
) -> None:
    """Why somebody is or is not rung now: every gate before the call, in words.

    \b
    Example:
      helpline dialer why 9876543210
    """
    from grievance_core.numbers import DIGITS
    from grievance_core.service import Grievances
    from helpline.commands.records import utc_now, with_database, with_grievances
    from helpline.dialer_why import answers
    from helpline.wiring import dialer_settings
    from telephony.numbers import national

    text = whom.strip().replace(" ", "")
    if len(text) != DIGITS:
        text = national(text) or text

    async def complaints(grievances: Grievances) -> list[Complaint]:
        return [await grievances.get(text)] if len(text) == DIGITS else await grievances.feedback_of(text)

    rules = dialer_settings(asked(ctx).settings)
    theirs = with_grievances(ctx, complaints)
    found = with_database(
        ctx,
        lambda sessions: answers(text, theirs, sessions, rules=rules.rules, campaign=rules.campaign, now=utc_now()),
    )
    if as_json:
        show_json(
            [
                {
                    "campaign": one.campaign,
                    "contact": one.contact,
                    "rings": one.rings,
                    "gates": [{"gate": gate.name, "open": gate.is_open, "why": gate.says} for gate in one.gates],
                }
                for one in found
            ]
        )
        return
    if not found:
        typer.echo("Nobody here waits to be rung: no complaint of theirs awaits feedback, and they are on no list.")
    for one in found:
        verdict = "rung as soon as a line is free" if one.rings else "not rung now"
        typer.echo(f"{one.campaign}, {one.contact}: {verdict}")
        rows = ((gate.name, "open" if gate.is_open else "SHUT", gate.says) for gate in one.gates)
        show_table(("gate", "is", "why"), rows, nothing="")


def _with_list(ctx: typer.Context, work: Callable[[DoNotRing], Awaitable[T]]) -> T:
    from helpline.commands.records import utc_now, with_database
    from outbound_dialer.do_not_ring import DoNotRing

    return with_database(ctx, lambda sessions: work(DoNotRing(sessions, clock=utc_now)))
