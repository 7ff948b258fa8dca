"""`helpline outbox`: letters to other systems, and what a person decides about those that do not arrive."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from helpline.commands.common import AsJson, asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from grievance_core.outbox.box import Kept, Outbox

T = TypeVar("T")
Id = Annotated[int, typer.Argument(metavar="LETTER", help="Its number in `helpline outbox list`.")]

app = typer.Typer(no_args_is_help=True, help="Letters to other systems: what waits, what is dead, what to do.")


@app.command("list")
def list_letters(
    ctx: typer.Context,
    state: Annotated[str, typer.Option("--state", help="waiting, dead, sent, dropped or all.")] = "dead",
    number: Annotated[str, typer.Option("--number", metavar="NUMBER", help="Of one complaint.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """Letters, oldest first; those that a person must decide about unless another state is asked for.

    \b
    Example:
      helpline outbox list
      helpline outbox list --state waiting
      helpline outbox list --state all --number 107612345678
    """
    from grievance_core.numbers import parse
    from grievance_core.outbox.letters import State

    if state != "all" and state not in set(State):
        raise HelplineError(f"--state {state}: give one of {', '.join(State)}, all.")
    wanted = None if state == "all" else State(state)
    about = parse(number) if number else ""
    found = _with_outbox(ctx, lambda box: box.letters(state=wanted, about=about, limit=limit))
    if as_json:
        show_json([_view(letter) for letter in found])
        return
    nothing = "No letter is dead: nobody need decide anything." if state == "dead" else "No letter matches."
    zone = asked(ctx).settings.zone
    rows = (
        (
            str(letter.id),
            letter.to,
            letter.about,
            letter.state,
            f"{letter.written_at.astimezone(zone):%d %b %H:%M}",
            str(letter.tries),
            letter.said,
        )
        for letter in found
    )
    show_table(("letter", "to", "complaint", "state", "written", "tries", "what was said last"), rows, nothing=nothing)


@app.command()
def show(ctx: typer.Context, letter: Id) -> None:
    """One letter with all that it says, as JSON. It holds the citizen's words: show it to nobody who need not see them.

    \b
    Example:
      helpline outbox show 12
    """
    show_json(_view(_with_outbox(ctx, lambda box: box.get(letter)), whole=True))


@app.command()
def resend(ctx: typer.Context, letter: Id, by: Annotated[str, typer.Option("--by", help="Who decides.")] = "") -> None:
    """Try a letter again now. The other side knows it by its key, so it is never taken twice.

    \b
    Example:
      helpline outbox resend 12
    """
    _with_outbox(ctx, lambda box: box.resend(letter, by=by or getpass.getuser()))
    typer.echo(f"Letter {letter} is sent again within seconds; see: helpline outbox show {letter}")


@app.command()
def drop(
    ctx: typer.Context,
    letter: Id,
    reason: Annotated[str, typer.Option("--reason", help="Why it need not arrive; it stands on record.")],
    by: Annotated[str, typer.Option("--by", help="Who decides.")] = "",
) -> None:
    """Give a letter up: it will not arrive, and those behind it in the same complaint go on.

    \b
    Example:
      helpline outbox drop 12 --reason "the office was told by phone"
    """
    _with_outbox(ctx, lambda box: box.drop(letter, by=by or getpass.getuser(), reason=reason))
    typer.echo(f"Letter {letter} is dropped; what waited behind it goes on.")


def _view(letter: Kept, *, whole: bool = False) -> dict[str, Any]:
    view: dict[str, Any] = {
        "letter": letter.id,
        "to": letter.to,
        "key": letter.key,
        "complaint": letter.about,
        "state": letter.state.value,
        "written_at": letter.written_at.isoformat(),
        "due_at": letter.due_at and letter.due_at.isoformat(),
        "tries": letter.tries,
        "said": letter.said,
        "by": letter.by,
    }
    return view | {"body": letter.body} if whole else view


def _with_outbox(ctx: typer.Context, work: Callable[[Outbox], Awaitable[T]]) -> T:
    from datetime import UTC, datetime

    from grievance_core.outbox.box import Outbox
    from helpline.commands.records import with_database

    return with_database(ctx, lambda sessions: work(Outbox(sessions, clock=lambda: datetime.now(UTC))))
