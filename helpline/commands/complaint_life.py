"""What officers, supervisors and citizens decide about a complaint: further commands of `helpline complaint`.

The rules stand in docs/complaint-life.md; what they forbid is told with what to do instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpline.commands.common import AsJson, show_json, show_table
from helpline.commands.complaint import By, Number, app, tell

if TYPE_CHECKING:
    from grievance_core.complaint import Complaint
    from grievance_core.service import Grievances

__all__ = ["app"]

Why = Annotated[str, typer.Option("--text", "-t", help="The reason: it is put on record.")]
WhoDecides = Annotated[
    int, typer.Option("--level", min=1, max=5, help="The level of who decides: 1 to 4, or 5 for the leadership.")
]
ByCitizen = Annotated[str, typer.Option("--by", help="Who says it, if it is not the citizen.")]


@app.command()
def approve(
    ctx: typer.Context,
    number: Number,
    by: By,
    level: WhoDecides,
    text: Annotated[str, typer.Option("--text", "-t", help="What the citizen is told beside the reason.")] = "",
    as_json: AsJson = False,
) -> None:
    """Approve a proposed special closure: a second person, of a higher level than who proposed it.

    \b
    Example:
      helpline complaint approve 123456789012 --by "DM, Lucknow" --level 3
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.approve_closure(number, by=by, level=level, text=text, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def decline(ctx: typer.Context, number: Number, by: By, level: WhoDecides, text: Why, as_json: AsJson = False) -> None:
    """Decline a proposed special closure: it goes back to the officer.

    \b
    Example:
      helpline complaint decline 123456789012 --by "DM, Lucknow" --level 3 -t "The work is not done"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.decline_closure(number, by=by, level=level, text=text, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command("object")
def object_(ctx: typer.Context, number: Number, text: Why, by: ByCitizen = "citizen", as_json: AsJson = False) -> None:
    """Note the citizen's objection to a special closure: it goes to the next level, once.

    \b
    Example:
      helpline complaint object 123456789012 -t "Nobody came to look"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.object(number, text=text, by=by, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def extend(
    ctx: typer.Context,
    number: Number,
    by: By,
    level: WhoDecides,
    days: Annotated[int, typer.Option("--days", min=1, help="Working days more.")],
    text: Why,
    as_json: AsJson = False,
) -> None:
    """Move the due time, once per level: by a higher level than the one that has it.

    \b
    Example:
      helpline complaint extend 123456789012 --by "SP, Lucknow" --level 3 --days 5 -t "The laboratory's report is due"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.extend(number, by=by, level=level, days=days, text=text, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def transfer(
    ctx: typer.Context,
    number: Number,
    by: By,
    category: Annotated[str, typer.Option("--category", "-c", help="Code of the right category, such as REV-01.")],
    text: Why,
    supervisor: Annotated[
        bool, typer.Option("--supervisor", help="A supervisor decides: after two transfers.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give it to the department it belongs to; level and due time stay.

    \b
    Example:
      helpline complaint transfer 123456789012 --by "CO, Lucknow" -c REV-01 -t "A matter of the tehsil"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.transfer(
            number, category=category, by=by, text=text, supervisor=supervisor, channel="cli"
        )

    tell(ctx, work, as_json=as_json)


@app.command("ask-again")
def ask_again(ctx: typer.Context, number: Number, by: By, text: Why, as_json: AsJson = False) -> None:
    """The superior has a citizen who was never reached rung once more.

    \b
    Example:
      helpline complaint ask-again 123456789012 --by "SDO, Lucknow" -t "The family gave another hour"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.ask_again(number, by=by, text=text, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def remind(ctx: typer.Context, number: Number, text: Why, by: ByCitizen = "citizen", as_json: AsJson = False) -> None:
    """Note that the citizen asks after it again; also what a further complaint beyond the month's cap is taken as.

    \b
    Example:
      helpline complaint remind 123456789012 -t "Still no power"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.remind(number, text=text, by=by, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def pressed(
    ctx: typer.Context,
    number: Number,
    text: Annotated[str, typer.Option("--text", "-t", help="What the citizen tells of it.")] = "",
    by: ByCitizen = "citizen",
    as_json: AsJson = False,
) -> None:
    """Note that an officer pressed the citizen: on record for the leadership, moves nothing.

    \b
    Example:
      helpline complaint pressed 123456789012 -t "They came to the house and asked for a yes"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.pressed(number, text=text, by=by, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def withdraw(ctx: typer.Context, number: Number, text: Why, by: ByCitizen = "citizen", as_json: AsJson = False) -> None:
    """Close it because the citizen takes it back.

    \b
    Example:
      helpline complaint withdraw 123456789012 -t "It was solved before anybody came"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.withdraw(number, text=text, by=by, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def merge(
    ctx: typer.Context,
    number: Number,
    into: Annotated[str, typer.Option("--into", help="The complaint of the same trouble that it becomes part of.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """Make it part of another one about the same trouble: its citizen is rung about that one's report.

    \b
    Example:
      helpline complaint merge 123456789012 --into 987654321098 --by 1001
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.merge(number, into=into, by=by, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def override(ctx: typer.Context, number: Number, by: By, text: Why, as_json: AsJson = False) -> None:
    """A supervisor takes a refused matter in all the same.

    \b
    Example:
      helpline complaint override 123456789012 --by "Supervisor Rao" -t "The case in court is about another plot"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.override_refusal(number, by=by, text=text, channel="cli")

    tell(ctx, work, as_json=as_json)


@app.command()
def closures(
    ctx: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, help="Of so many days until now.")] = 30,
    as_json: AsJson = False,
) -> None:
    """How many special closures each officer had, most first.

    \b
    Example:
      helpline complaint closures --days 90
    """
    from datetime import timedelta

    from helpline.commands.records import with_grievances

    async def work(grievances: Grievances) -> dict[str, int]:
        return await grievances.special_closures(grievances.now() - timedelta(days=days))

    counts = with_grievances(ctx, work)
    if as_json:
        show_json(counts)
        return
    show_table(("officer", "special closures"), counts.items(), nothing="Nobody closed specially.")


@app.command()
def alike(
    ctx: typer.Context,
    category: Annotated[str, typer.Option("--category", "-c", help="Code of the category, such as ENE-02.")],
    district: Annotated[str, typer.Option("--district", "-d", help="The district's name or LGD code.")],
    text: Annotated[str, typer.Option("--text", "-t", help="What the citizen says.")],
    caller: Annotated[str, typer.Option("--caller", help="The citizen's phone number.")] = "",
    as_json: AsJson = False,
) -> None:
    """Open complaints that may be about the same trouble: look before registering a further one.

    \b
    Example:
      helpline complaint alike -c ENE-02 -d Lucknow -t "The transformer at Rampur burnt" --caller 9876543210
    """
    from grievance_core.complaint import Draft
    from helpline.commands.records import with_grievances
    from helpline.console.forms import caller_of
    from helpline.console.views import complaint_view

    async def work(grievances: Grievances) -> list[dict[str, Any]]:
        catalogue = grievances.catalogue
        draft = Draft(
            category=category, district=catalogue.find_district(district).code, text=text, caller=caller_of(caller)
        )
        found = await grievances.alike(draft)
        return [
            complaint_view(one.complaint, grievances) | {"why": one.why, "likeness": round(one.likeness, 2)}
            for one in found
        ]

    views = with_grievances(ctx, work)
    if as_json:
        show_json(views)
        return
    show_table(
        ("number", "why", "supporters", "state", "text"),
        (
            (
                view["number"],
                view["why"].replace("_", " "),
                view["supporters"],
                view["state"].replace("_", " "),
                view["text"],
            )
            for view in views
        ),
        nothing="Nothing like it is open.",
    )
