"""`helpline audit`: whether anything that was written about complaints was changed since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from helpline.commands.common import AsJson, bar, show_json
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from grievance_core.audit import Audit

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Whether the record of complaints is as it was written.")


@app.command()
def verify(
    ctx: typer.Context,
    number: Annotated[str, typer.Option("--number", metavar="NUMBER", help="One complaint only.")] = "",
    head: Annotated[str, typer.Option("--head", metavar="ID:SEAL", help="A seal that was kept elsewhere.")] = "",
    as_json: AsJson = False,
) -> None:
    """Look through every event and every seal. Ends with exit code 1 when anything was changed, taken out or put in.

    A seal printed before by `helpline audit head` and kept on paper or in another office makes this certain also
    against one who holds the database: give it with --head.

    \b
    Example:
      helpline audit verify
      helpline audit verify --number 107612345678
      helpline audit verify --head 1440:5f3a…
    """
    kept = _kept(head) if head else None
    if number:
        verdict = _with_audit(ctx, lambda audit: audit.verify_one(number))
    else:
        with bar("Events") as told:
            verdict = _with_audit(ctx, lambda audit: audit.verify(kept=kept, told=told))
    if as_json:
        show_json(
            {
                "whole": verdict.whole,
                "complaints": verdict.complaints,
                "events": verdict.events,
                "seals": verdict.seals,
                "not_sealed_yet": verdict.unsealed,
                "faults": [*verdict.faults],
                "more_faults": verdict.more,
            }
        )
    elif verdict.whole:
        seals = "" if number else f", {verdict.seals} seals ({verdict.unsealed} events not sealed yet)"
        typer.echo(f"As it was written: {verdict.events} events of {verdict.complaints} complaints{seals}.")
    else:
        for fault in verdict.faults:
            typer.echo(fault)
        more = f" and {verdict.more} more" if verdict.more else ""
        typer.echo(
            f"NOT as it was written: {len(verdict.faults)} faults{more}. Keep this database as it is, compare it with "
            "the last backup, and tell who answers for the helpline.",
            err=True,
        )
    if not verdict.whole:
        raise typer.Exit(1)


@app.command()
def head(ctx: typer.Context) -> None:
    """Print the last seal: keep it outside this machine, on paper or with another office, once a day.

    \b
    Example:
      helpline audit head
    """
    from grievance_core.audit import seal_text

    last = _with_audit(ctx, lambda audit: audit.head())
    if last is None:
        raise HelplineError("Nothing is sealed yet. A running helpline seals once a minute what came in: helpline run")
    typer.echo(seal_text(last))


def _kept(text: str) -> tuple[int, str]:
    id, _, seal = text.partition(":")
    if not id.isascii() or not id.isdigit() or len(seal) != 64:
        raise HelplineError("--head takes what `helpline audit head` printed: a number, a colon and 64 signs.")
    return int(id), seal


def _with_audit(ctx: typer.Context, work: Callable[[Audit], Awaitable[T]]) -> T:
    from datetime import UTC, datetime

    from grievance_core.audit import Audit
    from helpline.commands.records import with_database

    return with_database(ctx, lambda sessions: work(Audit(sessions, clock=lambda: datetime.now(UTC))))
