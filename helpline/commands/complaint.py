"""`helpline complaint`: straight on the database, so it works whether or not the helpline runs.

The grievance core is imported inside the commands: help must not wait for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpline.commands.common import AsJson, asked, moment, show_json, show_table

if TYPE_CHECKING:
    from grievance_core.complaint import Complaint
    from grievance_core.service import Grievances

View = dict[str, Any]
ALWAYS = ("number", "kind", "state", "level", "officer", "category", "district", "caller", "name", "text")
IF_ANY = (
    "post",
    "flags",
    "parent",
    "supporters",
    "supporters_for",
    "supporters_against",
    "excluded",
    "proposed_reason",
)

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The complaint's number, 12 digits.")]
By = Annotated[str, typer.Option("--by", help="Who does this, name and post: it is put on record.")]


@app.callback()
def complaint() -> None:
    """The complaints and their life.

    \b
    Example:
      helpline complaint list --state awaiting_feedback
      helpline complaint show 123456789012
    """


@app.command()
def register(
    ctx: typer.Context,
    category: Annotated[str, typer.Option("--category", "-c", help="Code of the category, such as HOM-01.")],
    district: Annotated[str, typer.Option("--district", "-d", help="The district's name or LGD code.")],
    text: Annotated[str, typer.Option("--text", "-t", help="What the citizen says.")],
    caller: Annotated[str, typer.Option("--caller", help="The citizen's phone number.")] = "",
    name: Annotated[str, typer.Option("--name", help="The citizen's name.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="complaint, demand, suggestion or information.")] = "complaint",
    language: Annotated[str, typer.Option("--language", help="hi or en: in which the citizen is rung back.")] = "hi",
    call: Annotated[str, typer.Option("--call", help="The call it was told in: the caller hears the number.")] = "",
    agent: Annotated[str, typer.Option("--agent", help="The agent who typed it.")] = "",
    confidential: Annotated[
        bool, typer.Option("--confidential", help="The officer is not told who complains.")
    ] = False,
    against: Annotated[
        str, typer.Option("--against", help="The post it is against, as `show` tells it: it goes a level up.")
    ] = "",
    excluded: Annotated[
        str,
        typer.Option(
            "--excluded", help="Turn it away: rti, court, other_state, centre or service_matter; says where to go."
        ),
    ] = "",
    allowed_by: Annotated[
        str, typer.Option("--allowed-by", help="The supervisor who allows one beyond the month's cap.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Register a complaint; it is with its first officer at once.

    \b
    Example:
      helpline complaint register -c ENE-01 -d Lucknow -t "No power for three days" --caller 9876543210
    """
    from dataclasses import replace

    from grievance_core.excluded import WHERE_TO_GO, ExcludedMatter
    from grievance_core.officers import PostId
    from helpline.console.forms import draft_of

    values = {
        "kind": kind,
        "language": language,
        "category": category,
        "district": district,
        "text": text,
        "name": name,
        "caller": caller,
        "call_id": call,
    }

    async def work(grievances: Grievances) -> Complaint:
        draft = draft_of(values, catalogue=grievances.catalogue, agent=agent or None, channel="call" if call else "cli")
        draft = replace(draft, confidential=confidential, accused=PostId(against) if against else None)
        if excluded:
            return await grievances.refuse(draft, matter=excluded)
        return await grievances.register(draft, allowed_by=allowed_by)

    tell(ctx, work, as_json=as_json)
    if excluded and not as_json:
        typer.echo(WHERE_TO_GO[ExcludedMatter(excluded)][0])


@app.command("list")
def list_complaints(
    ctx: typer.Context,
    caller: Annotated[str, typer.Option("--caller", help="Only of this phone number.")] = "",
    state: Annotated[str, typer.Option("--state", help="Only in this state, such as awaiting_feedback.")] = "",
    district: Annotated[str, typer.Option("--district", "-d", help="Only of this district (open ones).")] = "",
    department: Annotated[str, typer.Option("--department", help="Only of this department (open ones).")] = "",
    level: Annotated[int | None, typer.Option("--level", min=1, max=4, help="Only at this level (open ones).")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Complaints: the open ones, oldest due first; with --caller or --state also closed ones, newest first.

    \b
    Example:
      helpline complaint list --district Lucknow --level 2
    """
    from helpline.commands.records import state_named, with_grievances
    from helpline.console.forms import caller_of
    from helpline.console.listing import open_complaints
    from helpline.console.views import complaint_view

    wanted = state_named(state) if state else None

    async def work(grievances: Grievances) -> list[View]:
        if caller or wanted:
            found = await grievances.find(caller=caller_of(caller) or None, state=wanted, limit=limit)
            return [complaint_view(item, grievances) for item in found]
        catalogue = grievances.catalogue
        found = await open_complaints(
            grievances,
            district=catalogue.find_district(district).code if district else "",
            department=catalogue.department(department).code if department else "",
            level=level,
        )
        return [complaint_view(item, grievances) for item in found[:limit]]

    views = with_grievances(ctx, work)
    if as_json:
        show_json(views)
        return
    show_table(
        ("number", "state", "level", "officer", "due", "category"),
        (
            (
                view["number"],
                str(view["state"]).replace("_", " "),
                f"L{view['level']}",
                view["officer"],
                moment(view["clock_ends_at"], ctx),
                view["category"],
            )
            for view in views
        ),
        nothing="No complaint matches.",
    )


@app.command()
def show(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """One complaint with all that happened to it.

    \b
    Example:
      helpline complaint show 123456789012
    """
    from helpline.commands.records import with_grievances
    from helpline.console.views import complaint_view, event_view

    async def work(grievances: Grievances) -> View:
        view = complaint_view(await grievances.get(number), grievances)
        return view | {"history": [event_view(event) for event in await grievances.history(number)]}

    view = with_grievances(ctx, work)
    if as_json:
        show_json(view)
        return
    for name in (*ALWAYS, *(name for name in IF_ANY if view[name])):
        typer.echo(f"{name.replace('_', ' '):<10} {view[name]}")
    typer.echo(f"{'due':<10} {moment(view['clock_ends_at'], ctx)}")
    show_table(
        ("when", "what", "by", "level", "text"),
        (
            (
                moment(event["at"], ctx),
                event["kind"].replace("_", " "),
                event["by"],
                f"L{event['level']}",
                event["text"],
            )
            for event in view["history"]
        ),
        nothing="Nothing happened yet.",
    )


@app.command()
def report(
    ctx: typer.Context,
    number: Number,
    by: By,
    text: Annotated[str, typer.Option("--text", "-t", help="What was done.")],
    as_json: AsJson = False,
) -> None:
    """The officer reports it resolved: the citizen will be rung and asked.

    \b
    Example:
      helpline complaint report 123456789012 --by "Circle Officer, Lucknow" -t "The transformer was replaced"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.report(number, by=by, text=text, channel="cli")

    tell(ctx, work, as_json=as_json)

    from helpline.commands.records import kick_dialer

    kick_dialer(asked(ctx).settings)


@app.command()
def feedback(
    ctx: typer.Context,
    number: Number,
    satisfied: Annotated[bool, typer.Option("--satisfied/--dissatisfied", help="What the citizen says.")],
    attempt: Annotated[
        str, typer.Option("--attempt", help="Id of the call it was told in: the same one counts once. Else a new one.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Note the citizen's feedback when it was taken otherwise than by the helpline's own call.

    \b
    Example:
      helpline complaint feedback 123456789012 --dissatisfied
    """
    import getpass
    import uuid

    told_in = attempt or f"cli-{uuid.uuid4()}"

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.feedback(
            number, satisfied=satisfied, attempt=told_in, channel="cli", by=f"citizen, noted by {getpass.getuser()}"
        )

    tell(ctx, work, as_json=as_json)


@app.command()
def close(
    ctx: typer.Context,
    number: Number,
    by: By,
    level: Annotated[int, typer.Option("--level", min=1, max=4, help="The officer's level, 2 to 4.")],
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="in_court, against_rules, needs_policy, found_untrue, decided_before, or never_reached (superior).",
        ),
    ],
    text: Annotated[str, typer.Option("--text", "-t", help="Why, in words.")],
    found: Annotated[str, typer.Option("--report", help="What was found.")],
    as_json: AsJson = False,
) -> None:
    """Propose to close specially although the citizen is dissatisfied: level 2 to 4; a second person approves.

    \b
    Example:
      helpline complaint close 123456789012 --by "SP, Lucknow" --level 2 --reason found_untrue \\
        -t "Two neighbours say otherwise" --report "Inspected on the spot on 3 March"
    """

    async def work(grievances: Grievances) -> Complaint:
        return await grievances.propose_closure(
            number, by=by, level=level, reason=reason, text=text, report=found, channel="cli"
        )

    tell(ctx, work, as_json=as_json)


@app.command()
def lifecycle(
    drawing: Annotated[bool, typer.Option("--drawing", help="Draw it, as a Mermaid diagram.")] = False,
    as_json: AsJson = False,
) -> None:
    """The rules: what each event does to a complaint in each state.

    \b
    Example:
      helpline complaint lifecycle
      helpline complaint lifecycle --drawing
    """
    from dataclasses import asdict

    from grievance_core.lifecycle_drawing import diagram, printable

    if drawing:
        typer.echo(diagram(), nl=False)
        return
    rows = printable()
    if as_json:
        show_json([asdict(row) for row in rows])
        return
    show_table(
        ("state", "event", "leads to", "effects, or what to do instead"),
        ((row.state, row.event, row.to or "not allowed", row.words) for row in rows),
        nothing="The table is empty.",
    )


@app.command()
def voice(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Complaints that were recorded by voice and wait to be typed, oldest first.

    \b
    Example:
      helpline complaint voice --json
    """
    from helpline.commands.records import with_grievances
    from helpline.console.views import voice_view

    async def work(grievances: Grievances) -> list[View]:
        return [voice_view(message) for message in await grievances.voice_messages(limit)]

    views = with_grievances(ctx, work)
    if as_json:
        show_json(views)
        return
    show_table(
        ("taken", "caller", "recording"),
        ((moment(view["taken_at"], ctx), view["caller"] or "withheld", view["path"]) for view in views),
        nothing="No voice message waits.",
    )


def tell(ctx: typer.Context, work: Callable[[Grievances], Awaitable[Complaint]], *, as_json: bool) -> None:
    """Do it, and say how the complaint stands now."""
    from grievance_core.numbers import ComplaintNumber, spoken_groups
    from helpline.commands.records import with_grievances
    from helpline.console.views import complaint_view

    async def viewed(grievances: Grievances) -> View:
        return complaint_view(await work(grievances), grievances)

    view = with_grievances(ctx, viewed)
    if as_json:
        show_json(view)
        return
    typer.echo(f"{' '.join(spoken_groups(ComplaintNumber(view['number'])))}: {view['state'].replace('_', ' ')}")
    if view["post"]:
        typer.echo(f"With {view['officer']} (L{view['level']}), due {moment(view['clock_ends_at'], ctx)}")
