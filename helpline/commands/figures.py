"""`helpline figures`: what the leadership asks for, out of roll-ups that are a minute old at most."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast, get_args

import typer

from helpline.commands.common import AsJson, asked, day_asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from grievance_core.figures.reading import By, Figures, Line, Span

T = TypeVar("T")
FirstDay = Annotated[str, typer.Option("--from", metavar="DAY", help="The first day; 30 days back unless given.")]
LastDay = Annotated[str, typer.Option("--until", metavar="DAY", help="The last day; today unless given.")]
ByWhat = Annotated[
    str, typer.Option("--by", metavar="WHAT", help="state, district, division, department, category or post.")
]
SHOWN = 100  # lines that are printed at most

app = typer.Typer(no_args_is_help=True, help="The leadership's figures: solved at L1, in time, satisfied, open by age.")


@app.command()
def show(
    ctx: typer.Context,
    by: ByWhat = "state",
    first: FirstDay = "",
    last: LastDay = "",
    district: Annotated[str, typer.Option("--district", metavar="NAME", help="Of one district.")] = "",
    as_json: AsJson = False,
) -> None:
    """What was registered and solved in a span, beside the span before: the share at L1 is the headline.

    Satisfied is the share of citizens who answered; who was not reached is on neither side.

    \b
    Example:
      helpline figures show
      helpline figures show --by district --from 01-11-2026 --until 30-11-2026
    """
    from grievance_core.catalogue import Catalogue
    from grievance_core.figures.service import LeadershipFigures

    catalogue = Catalogue.shipped()
    place = catalogue.find_district(district).code if district else ""
    span, kind = _span(ctx, first, last), _by(by)
    found = _read(ctx, lambda it: LeadershipFigures(it, catalogue=catalogue).lines(span, kind, district=place))
    if as_json:
        show_json(
            {
                "from": span.first.isoformat(),
                "until": span.last.isoformat(),
                "lines": [_view(line) for line in found],
            }
        )
        return
    columns = ("", "", "registered", "solved", "at L1", "before", "in time", "satisfied", "not reached", "special")
    show_table(columns, (_row(line) for line in found[:SHOWN]), nothing="Nothing happened in these days.")
    if len(found) > SHOWN:
        typer.echo(f"{len(found) - SHOWN} more: name a --district, or use --json.")


@app.command()
def rank(
    ctx: typer.Context, by: ByWhat = "district", first: FirstDay = "", last: LastDay = "", as_json: AsJson = False
) -> None:
    """Who solves the largest share at L1, fairly to small and large: few complaints prove little (docs/figures.md).

    \b
    Example:
      helpline figures rank
      helpline figures rank --by department --from 01-11-2026 --until 30-11-2026
    """
    from grievance_core.catalogue import Catalogue
    from grievance_core.figures.ranking import ranked
    from grievance_core.figures.service import LeadershipFigures

    catalogue, span, kind = Catalogue.shipped(), _span(ctx, first, last), _by(by)
    found = _read(ctx, lambda it: LeadershipFigures(it, catalogue=catalogue).lines(span, kind))
    names = {line.key: line.name for line in found}
    rows = ranked((line.key, line.now.solved_at_l1, line.now.solved) for line in found)
    if as_json:
        show_json(
            [
                {
                    "rank": place,
                    "key": one.key,
                    "name": names[one.key],
                    "solved_at_l1": one.hits,
                    "solved": one.tries,
                    "share": round(one.share, 4),
                    "between": [round(one.low, 4), round(one.high, 4)],
                }
                for place, one in enumerate(rows, start=1)
            ]
        )
        return
    show_table(
        ("", "", "", "share at L1", "between", "as counted"),
        (
            (
                place,
                one.key,
                names[one.key],
                f"{one.share:.1%}",
                f"{one.low:.0%} to {one.high:.0%}",
                f"{one.hits} of {one.tries}",
            )
            for place, one in enumerate(rows[:SHOWN], start=1)
        ),
        nothing="Nothing was solved in these days.",
    )


@app.command("open")
def open_now(
    ctx: typer.Context,
    district: Annotated[str, typer.Option("--district", metavar="NAME", help="Of one district.")] = "",
    as_json: AsJson = False,
) -> None:
    """How many complaints are open, by level and by days since they were registered.

    \b
    Example:
      helpline figures open --district Lucknow
    """
    from grievance_core.catalogue import LEVELS, Catalogue
    from grievance_core.figures.reading import AGES
    from grievance_core.figures.service import LeadershipFigures

    catalogue = Catalogue.shipped()
    place = catalogue.find_district(district).code if district else ""
    found = _read(ctx, lambda it: LeadershipFigures(it, catalogue=catalogue).open_by_age(_today(ctx), district=place))
    if as_json:
        show_json([{"level": level, "age": age, "open": number} for (level, age), number in sorted(found.items())])
        return
    names = [name for _, name in AGES]
    rows = ((f"L{level}", *(found.get((level, name), 0) for name in names)) for level in LEVELS)
    show_table(("", *names), rows if found else (), nothing="Nothing is open.")


@app.command()
def recount(
    ctx: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put what was counted in the place of the roll-ups.")
    ] = False,
) -> None:
    """Count all events anew and say where the roll-ups differ. Ends with 1 when they do and were not repaired.

    \b
    Example:
      helpline figures recount
    """
    from grievance_core.figures.rollups import Rollups

    zone = asked(ctx).settings.zone
    faults = _read(ctx, lambda it: Rollups(it, zone=zone).recount(repair=repair))
    for fault in faults[:SHOWN]:
        typer.echo(fault, err=True)
    if not faults:
        typer.echo("The roll-ups are what a recount of all events gives.")
    elif repair:
        typer.echo(f"{len(faults)} differences; the roll-ups are now what was counted.")
    else:
        typer.echo(f"{len(faults)} differences. Mend them: helpline figures recount --repair", err=True)
        raise typer.Exit(1)


def _row(line: Line) -> tuple[object, ...]:
    now = line.now
    return (
        line.key,
        "" if line.name == line.key else line.name,
        now.registered,
        now.solved,
        _percent(now.share_l1),
        _percent(line.before.share_l1),
        _percent(now.share_in_time),
        _percent(now.share_satisfied),
        now.not_reached,
        now.closed_specially,
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _view(line: Line) -> dict[str, Any]:
    return {"key": line.key, "name": line.name, "now": _figures(line.now), "before": _figures(line.before)}


def _figures(figures: Figures) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(figures) | {
        "share_l1": figures.share_l1,
        "share_in_time": figures.share_in_time,
        "share_satisfied": figures.share_satisfied,
    }


def _by(by: str) -> By:
    from grievance_core.figures.reading import By

    if by not in get_args(By):
        raise HelplineError(f"--by {by}: give one of {', '.join(get_args(By))}.")
    return cast("By", by)


def _today(ctx: typer.Context) -> date:
    return datetime.now(asked(ctx).settings.zone).date()


def _span(ctx: typer.Context, first: str, last: str) -> Span:
    from grievance_core.figures.reading import Span

    ends = day_asked(last) if last else _today(ctx)
    begins = day_asked(first) if first else ends - timedelta(days=29)
    if begins > ends:
        raise HelplineError(f"{begins} is after {ends}. Give --from before --until.")
    return Span(begins, ends)


def _read(ctx: typer.Context, work: Callable[[async_sessionmaker[AsyncSession]], Awaitable[T]]) -> T:
    from helpline.commands.records import with_database

    return with_database(ctx, work)
