"""`helpline figures rises`: the same problem everywhere, and what rises in one district."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpline.commands.common import AsJson, asked, day_asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from grievance_core.catalogue import Catalogue
    from grievance_core.figures.rises import Rise, Rises

NAMED = 5  # districts that are named in the table
SHOWN = 50  # lines of each table


def rises(
    ctx: typer.Context,
    on: Annotated[
        str, typer.Option("--on", metavar="DAY", help="Up to this day, which must be over; yesterday unless given.")
    ] = "",
    false_alarms: Annotated[
        float,
        typer.Option(
            "--false-alarms",
            min=0.01,
            max=100.0,
            help="Lines a week, over the whole state, that may stand here though nothing happened.",
        ),
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """What is complained of more than its past explains: across many districts at once, and in one district.

    Season, days of the week, holidays and growth are allowed for. docs/figures.md tells how it is reckoned.

    \b
    Example:
      helpline figures rises
      helpline figures rises --on 31-10-2026 --false-alarms 5
    """
    from grievance_core.catalogue import Catalogue
    from grievance_core.figures.rising import Rising
    from helpline.commands.records import with_database
    from helpline.rules import rules_of

    settings, catalogue = asked(ctx).settings, Catalogue.shipped()
    today = datetime.now(settings.zone).date()
    day = day_asked(on) if on else today - timedelta(days=1)
    if day >= today:
        raise HelplineError(f"{day:%d-%m-%Y} is not over, so its counts are incomplete. Give --on an earlier day.")
    works = rules_of(settings, catalogue).calendar.works
    found = with_database(
        ctx, lambda it: Rising(it, works=works, zone=settings.zone).find(day, false_alarms=false_alarms)
    )
    if as_json:
        show_json(_view(found, catalogue))
        return
    _show(found, catalogue)


def _show(found: Rises, catalogue: Catalogue) -> None:
    typer.echo(
        f"Up to {found.on:%d-%m-%Y}. If nothing happened, {found.false_alarms:g} such lines a week would stand here "
        "at most, on average, over the whole state."
    )
    typer.echo("\nAcross many districts at once (a rule may have to change, not a complaint be closed):")
    columns = ("category", "", "seen", "expected", "times", "since", "districts above", "most of all in")
    rows = (
        (
            *_matter(rise, catalogue),
            *_numbers(rise),
            f"{len(rise.up)} of {rise.districts}",
            ", ".join(catalogue.district(one).name_en for one, _, _ in rise.up[:NAMED]),
        )
        for rise in found.everywhere[:SHOWN]
    )
    show_table(columns, rows, nothing="Nothing.")
    typer.echo("\nIn one district:")
    show_table(
        ("category", "", "seen", "expected", "times", "since", "district"),
        (
            (*_matter(rise, catalogue), *_numbers(rise), catalogue.district(rise.district).name_en)
            for rise in found.places[:SHOWN]
        ),
        nothing="Nothing.",
    )
    if len(found.places) > SHOWN:
        typer.echo(f"{len(found.places) - SHOWN} more: use --json.")
    if any(not rise.season_known for rise in (*found.everywhere, *found.places)):
        typer.echo("* There is no year before to tell the season from: it may be no more than that.")
    if found.too_new:
        typer.echo(f"Not judged, fewer than nine weeks old: {', '.join(found.too_new)}")


def _matter(rise: Rise, catalogue: Catalogue) -> tuple[str, str]:
    return rise.category + ("" if rise.season_known else "*"), catalogue.category(rise.category).name_en


def _numbers(rise: Rise) -> tuple[object, ...]:
    return rise.seen, f"{rise.expected:.1f}", f"{rise.ratio:.1f}", f"{rise.since:%d-%m-%Y}"


def _view(found: Rises, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "on": found.on.isoformat(),
        "false_alarms_a_week": found.false_alarms,
        "everywhere": [
            _one(rise, catalogue)
            | {
                "districts_above": len(rise.up),
                "of_districts": rise.districts,
                "districts": [
                    {
                        "district": district,
                        "name": catalogue.district(district).name_en,
                        "seen": seen,
                        "expected": round(expected, 2),
                    }
                    for district, seen, expected in rise.up
                ],
            }
            for rise in found.everywhere
        ],
        "places": [
            _one(rise, catalogue)
            | {"district": rise.district, "district_name": catalogue.district(rise.district).name_en}
            for rise in found.places
        ],
        "too_new": list(found.too_new),
    }


def _one(rise: Rise, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "category": rise.category,
        "name": catalogue.category(rise.category).name_en,
        "seen": rise.seen,
        "expected": round(rise.expected, 2),
        "ratio": round(rise.ratio, 2),
        "since": rise.since.isoformat(),
        "until": rise.until.isoformat(),
        "chance": rise.chance,
        "season_known": rise.season_known,
    }
