"""`helpline integrity`: whether feedback is gamed. For the leadership: what it shows is kept from officers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from helpline.commands.common import AsJson, asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from grievance_core.integrity.odd import Odd
    from grievance_core.integrity.rates import Rate
    from grievance_core.integrity.service import Integrity
    from grievance_core.integrity.watching import Watching

T = TypeVar("T")
FalseAlarms = Annotated[
    float,
    typer.Option(
        "--false-alarms", min=0.01, max=100.0, help="Lines a look that may stand here though nothing is wrong."
    ),
]
Days = Annotated[int, typer.Option("--days", min=1, max=366, help="How many days back.")]

app = typer.Typer(no_args_is_help=True, help="Whether feedback is gamed: second calls, reports too fast, pressure.")


@app.command()
def disagreement(
    ctx: typer.Context,
    by: Annotated[
        str, typer.Option("--by", help="officer (whose report it was) or agent (who took the answer).")
    ] = "officer",
    days: Days = 30,
    as_json: AsJson = False,
) -> None:
    """How often citizens who were satisfied said no when they were asked a second time.

    A name is flagged when that many would come by chance in fewer than one of a thousand honest ones; docs/integrity.md
    tells how it is reckoned.

    \b
    Example:
      helpline integrity disagreement
      helpline integrity disagreement --by agent --days 90
    """
    from grievance_core.integrity.rates import rates_by_agent, rates_by_post

    if by not in ("officer", "agent"):
        raise HelplineError(f"--by {by}: give officer or agent.")
    calls = _with_integrity(ctx, lambda it: it.second_calls(_since(days)))
    rates: list[Rate] = rates_by_post(calls) if by == "officer" else rates_by_agent(calls)
    if as_json:
        show_json(
            [
                {
                    "who": rate.who,
                    "asked": rate.asked,
                    "contradicted": rate.contradicted,
                    "between": [round(share, 4) for share in rate.between],
                    "flagged": rate.flagged,
                    "complaints": list(rate.numbers),
                }
                for rate in rates
            ]
        )
        return
    rows = (
        (
            "FLAG" if rate.flagged else "",
            rate.who,
            f"{rate.contradicted} of {rate.asked}",
            f"{rate.between[0]:.0%} to {rate.between[1]:.0%}",
            " ".join(rate.numbers[:3]),
        )
        for rate in rates
    )
    show_table(("", by, "said no", "true share (95 %)", "complaints"), rows, nothing="No second call was answered.")


@app.command()
def fast(ctx: typer.Context, days: Days = 7, as_json: AsJson = False) -> None:
    """Reports within half an hour of the officer's having it, without a visit.

    \b
    Example:
      helpline integrity fast --days 1
    """
    found = _with_integrity(ctx, lambda it: it.fast_reports(_since(days)))
    views = [
        {
            "complaint": one.number,
            "post": one.post,
            "at": one.at.isoformat(timespec="seconds"),
            "after_seconds": round(one.after.total_seconds()),
            "visit": "no" if one.reason else "not said",
        }
        for one in found
    ]
    if as_json:
        show_json(views)
        return
    show_table(
        ("complaint", "post", "at", "after s", "visit"), (tuple(view.values()) for view in views), nothing="None."
    )


@app.command()
def pressed(ctx: typer.Context, days: Days = 30, as_json: AsJson = False) -> None:
    """Complaints whose citizen said that an officer pressed them.

    \b
    Example:
      helpline integrity pressed
    """
    views = [
        {"complaint": one.number, "post": one.post, "at": one.at.isoformat(timespec="seconds")}
        for one in _with_integrity(ctx, lambda it: it.pressed(_since(days)))
    ]
    if as_json:
        show_json(views)
        return
    show_table(("complaint", "post", "at"), (tuple(view.values()) for view in views), nothing="Nobody said so.")


@app.command("verify-draw")
def verify_draw(ctx: typer.Context, days: Days = 30, as_json: AsJson = False) -> None:
    """Draw anew who was to be rung a second time, and compare with the record. Ends with 1 when a draw was bent.

    Keep the key's mark outside this machine: it shows later that the key was not chosen to fit.

    \b
    Example:
      helpline integrity verify-draw --days 90
    """
    draws = _with_integrity(ctx, lambda it: it.draws(_since(days)))
    if as_json:
        show_json(
            {
                "satisfied": draws.satisfied,
                "drawn": draws.drawn,
                "key": draws.key,
                "bent": [
                    {"complaint": one.number, "event": one.seq, "on_record": one.on_record, "drawn": one.drawn}
                    for one in draws.bent
                ],
            }
        )
    else:
        typer.echo(f"{draws.drawn} of {draws.satisfied} satisfied citizens were drawn. Mark of the key: {draws.key}")
        for one in draws.bent:
            typer.echo(
                f"{one.number} event {one.seq}: on record {one.on_record} hours, the key draws {one.drawn}", err=True
            )
    if draws.bent:
        raise typer.Exit(1)


@app.command()
def jumps(ctx: typer.Context, false_alarms: FalseAlarms = 1.0, as_json: AsJson = False) -> None:
    """Officers whose last two weeks jumped beside their twelve before: satisfied, reports, reports within a day.

    Up to yesterday. docs/integrity.md tells how it is reckoned. It reads every report of these weeks.

    \b
    Example:
      helpline integrity jumps
    """
    found = _with_watching(ctx, lambda it: it.jumps(false_alarms=false_alarms))
    _show_odd(found, as_json, who="officer", beside="before", nothing="Nobody jumped.")


@app.command("agents")
def odd_agents(ctx: typer.Context, days: Days = 30, false_alarms: FalseAlarms = 1.0, as_json: AsJson = False) -> None:
    """Agents whose share of satisfied, or of not reached, stands out beside the others who do the same calls.

    \b
    Example:
      helpline integrity agents --days 90
    """
    found = _with_watching(ctx, lambda it: it.agents(days, false_alarms=false_alarms))
    _show_odd(found, as_json, who="agent", beside="the others", nothing="Nobody stands out.")


def _show_odd(found: list[Odd], as_json: bool, *, who: str, beside: str, nothing: str) -> None:
    if as_json:
        show_json(
            [
                {
                    who: odd.who,
                    "measure": odd.measure,
                    "calls": odd.kind,
                    "seen": odd.hits,
                    "of": odd.tries or None,
                    "expected": round(odd.expected, 1),
                    "beside": [odd.beside_hits, odd.beside_tries or None],
                    "chance": odd.chance,
                }
                for odd in found
            ]
        )
        return
    rows = (
        (
            odd.who,
            odd.measure,
            odd.kind,
            _part(odd.hits, odd.tries),
            f"{odd.expected:.1f}",
            _part(odd.beside_hits, odd.beside_tries),
        )
        for odd in found
    )
    show_table((who, "what", "calls", "seen", "expected", beside), rows, nothing=nothing)


def _part(hits: int, tries: int) -> str:
    return f"{hits} of {tries} ({hits / tries:.0%})" if tries else str(hits)


def _since(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _with_integrity(ctx: typer.Context, work: Callable[[Integrity], Awaitable[T]]) -> T:
    from grievance_core.catalogue import Catalogue
    from grievance_core.integrity.service import Integrity
    from helpline.commands.records import utc_now, with_database
    from helpline.rules import rules_of

    rules = rules_of(asked(ctx).settings, Catalogue.shipped())
    return with_database(ctx, lambda sessions: work(Integrity(sessions, rules=rules, clock=utc_now)))


def _with_watching(ctx: typer.Context, work: Callable[[Watching], Awaitable[T]]) -> T:
    from grievance_core.catalogue import Catalogue
    from grievance_core.integrity.watching import Watching
    from helpline.commands.records import utc_now, with_database
    from helpline.rules import rules_of

    rules = rules_of(asked(ctx).settings, Catalogue.shipped())
    return with_database(ctx, lambda sessions: work(Watching(sessions, rules=rules, clock=utc_now)))
