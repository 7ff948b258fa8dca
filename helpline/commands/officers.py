"""`helpline officers`: who sits in which post; files of them; charge and leave; where nobody answers."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpline.commands.common import AsJson, day_asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from grievance_core.posts.coverage import Cell
    from grievance_core.posts.plan import Plan
    from grievance_core.posts.service import Posts

By = Annotated[str, typer.Option("--by", help="Who decides; your login name unless given.")]
Why = Annotated[str, typer.Option("--why", help="Why, such as the order's number; it stands on record.")]
PostArg = Annotated[str, typer.Argument(metavar="POST", help="Its id, such as HOM/162/circle-officer.")]
OfficerArg = Annotated[str, typer.Argument(metavar="OFFICER", help="The officer's own number.")]
First = Annotated[str, typer.Option("--from", metavar="DAY", help="The first day, such as 31-12-2026.")]
Last = Annotated[str, typer.Option("--until", metavar="DAY", help="The last day, such as 31-12-2026.")]
FileArg = Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX, as docs/officers-file.md tells.")]
FOUND_LIMIT = 500  # rows that are printed at most

app = typer.Typer(no_args_is_help=True, help="Officers in their posts: files, charge, leave, and where nobody answers.")


@app.command("list")
def list_posts(
    ctx: typer.Context,
    department: Annotated[str, typer.Option("--department", metavar="CODE")] = "",
    district: Annotated[str, typer.Option("--district", metavar="NAME")] = "",
    holes: Annotated[bool, typer.Option("--holes", help="Only those in which nobody is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Posts of a department or a district, and who answers for each today.

    \b
    Example:
      helpline officers list --department HOM --district Lucknow
      helpline officers list --holes --department ENE
    """
    from grievance_core.officers import posts_of
    from helpline.commands.records import with_posts

    if not (department or district or holes):
        raise HelplineError("There are thousands of posts. Name a --department or a --district, or ask for --holes.")

    async def work(posts: Posts) -> list[dict[str, Any]]:
        catalogue = posts.catalogue
        departments = [catalogue.department(department).code] if department else list(catalogue.departments)
        places = [catalogue.find_district(district)] if district else list(catalogue.districts.values())
        found = []
        for code in departments:
            for place in places:
                found += [_view(posts, post.id, post.title) for post in posts_of(catalogue, code, place)]
        return [view for view in found if not holes or not view["answers"]]

    views = with_posts(ctx, work)
    if as_json:
        show_json(views)
        return
    rows = ((view["post"], view["title"], view["officer"] or "-", view["how"]) for view in views[:FOUND_LIMIT])
    show_table(("post", "title", "officer", "how"), rows, nothing="No post matches.")
    if len(views) > FOUND_LIMIT:
        typer.echo(f"{len(views) - FOUND_LIMIT} more: name a department and a district, or use --json.")


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="POST|OFFICER", help="A post's id, or an officer's number.")],
    as_json: AsJson = False,
) -> None:
    """Who had a post from when to when, or which posts an officer had and when they were away.

    \b
    Example:
      helpline officers show HOM/162/circle-officer
      helpline officers show PNO12345
    """
    from helpline.commands.records import with_posts

    async def work(posts: Posts) -> list[dict[str, Any]]:
        roster = posts.roster
        if "/" in name:
            them = roster.postings.get(posts.post(name).id, ())
            away: list[Any] = []
        else:
            who = posts.officer(name).id
            them = tuple(one for many in roster.postings.values() for one in many if one.officer == who)
            away = [
                {"post": "", "officer": who, "name": "", "as": "leave", "from": one.first, "until": one.last}
                for one in roster.leaves.get(who, ())
            ]
        return [
            {
                "post": one.post,
                "officer": one.officer,
                "name": roster.officers[one.officer].name,
                "as": one.hold.value,
                "from": one.first,
                "until": one.last,
            }
            for one in them
        ] + away

    views = [
        view | {"from": view["from"].isoformat(), "until": view["until"].isoformat() if view["until"] else ""}
        for view in with_posts(ctx, work)
    ]
    if as_json:
        show_json(views)
        return
    show_table(
        ("post", "officer", "name", "as", "from", "until"),
        (tuple(view.values()) for view in sorted(views, key=lambda one: str(one["from"]))),
        nothing="Nobody is on record there: complaints go to the post by its designation.",
    )


@app.command("import")
def take_in(
    ctx: typer.Context,
    file: FileArg,
    why: Why = "",
    by: By = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would change.")] = False,
) -> None:
    """Take a file of officers in: every line, or, when one is wrong, none, with what is wrong in each.

    \b
    Example:
      helpline officers import officers.xlsx --dry-run
      helpline officers import officers.xlsx --why "transfer order 12/2026"
    """
    from helpline.commands.records import with_posts

    if dry_run:
        planned = with_posts(ctx, lambda posts: posts.look_into(file))
        typer.echo(f"It would change this: {_told(planned)}. Nothing was changed.")
        return
    if not why.strip():
        raise HelplineError("Say why, it stands on record: --why 'transfer order 12/2026'. To look only: --dry-run")
    planned = with_posts(ctx, lambda posts: posts.take(file, by=by or getpass.getuser(), why=why))
    typer.echo(
        "Nothing is new in it."
        if planned.is_empty
        else f"Taken in: {_told(planned)}. A running helpline knows within 5 s."
    )


@app.command()
def export(ctx: typer.Context, file: FileArg) -> None:
    """Write all officers and posts into a file that `import` takes; .xlsx for a spreadsheet, else CSV.

    \b
    Example:
      helpline officers export officers.xlsx
    """
    from helpline.commands.records import with_posts

    typer.echo(f"{with_posts(ctx, lambda posts: posts.export(file))} postings are in {file}.")


@app.command()
def coverage(
    ctx: typer.Context,
    department: Annotated[
        str, typer.Option("--department", metavar="CODE", help="By district, of one department.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Where nobody answers: a matrix of departments (or a department's districts) and levels.

    Each cell: posts in which nobody is / all posts; complaints go past those to the next level.

    \b
    Example:
      helpline officers coverage
      helpline officers coverage --department HOM
    """
    from grievance_core.posts.coverage import by_department, by_district
    from helpline.commands.records import with_posts

    async def work(posts: Posts) -> list[Any]:
        if department:
            return by_district(posts.roster, posts.catalogue, posts.today(), department)
        return by_department(posts.roster, posts.catalogue, posts.today())

    rows = with_posts(ctx, work)
    if as_json:
        show_json([{"code": row.code, "name": row.name, "levels": [_cell(cell) for cell in row.cells]} for row in rows])
        return
    show_table(
        ("", "", "L1", "L2", "L3", "L4", "named"),
        (
            (
                row.code,
                row.name,
                *(f"{len(cell.holes)}/{cell.posts}" for cell in row.cells),
                f"{sum(cell.named for cell in row.cells)}/{sum(cell.posts for cell in row.cells)}",
            )
            for row in rows
        ),
        nothing="There are no posts.",
    )


@app.command()
def charge(
    ctx: typer.Context, post: PostArg, officer: OfficerArg, first: First, last: Last, why: Why, by: By = ""
) -> None:
    """Give an officer additional charge of a post while its own officer is away or the post is vacant.

    \b
    Example:
      helpline officers charge HOM/162/circle-officer PNO12345 --from 01-12-2026 --until 31-12-2026 --why "order 7"
    """
    from helpline.commands.records import with_posts

    begins, ends = day_asked(first), day_asked(last)
    with_posts(
        ctx,
        lambda posts: posts.give_charge(post, officer, first=begins, last=ends, by=by or getpass.getuser(), why=why),
    )
    typer.echo(f"{officer.upper()} has charge of {post} from {begins} to {ends}.")


@app.command()
def leave(ctx: typer.Context, officer: OfficerArg, first: First, last: Last, why: Why, by: By = "") -> None:
    """Note that an officer is away: new complaints go to who has charge, else a level up.

    \b
    Example:
      helpline officers leave PNO12345 --from 01-12-2026 --until 14-12-2026 --why "earned leave"
    """
    from helpline.commands.records import with_posts

    begins, ends = day_asked(first), day_asked(last)
    with_posts(
        ctx, lambda posts: posts.grant_leave(officer, first=begins, last=ends, by=by or getpass.getuser(), why=why)
    )
    typer.echo(f"{officer.upper()} is away from {begins} to {ends}.")


@app.command()
def end(ctx: typer.Context, post: PostArg, officer: OfficerArg, last: Last, why: Why, by: By = "") -> None:
    """Say until which day an officer has a post, or the charge of it; from the next day on it is vacant.

    \b
    Example:
      helpline officers end HOM/162/circle-officer PNO12345 --until 30-11-2026 --why "retires"
    """
    from helpline.commands.records import with_posts

    ends = day_asked(last)
    with_posts(ctx, lambda posts: posts.end(post, officer, last=ends, by=by or getpass.getuser(), why=why))
    typer.echo(f"{officer.upper()} has {post} until {ends}.")


@app.command()
def complete(
    ctx: typer.Context,
    department: Annotated[str, typer.Argument(metavar="DEPARTMENT", help="Its code, such as HOM.")],
    why: Why,
    by: By = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
) -> None:
    """Say that all officers of a department are on record: from now on a post without a name counts as nobody's.

    Look at `helpline officers coverage` before: complaints go past such posts to the next level.

    \b
    Example:
      helpline officers complete HOM --why "letter of the DGP of 1 December"
    """
    from helpline.commands.records import with_posts

    with_posts(
        ctx,
        lambda posts: posts.declare(department, complete=not undo, by=by or getpass.getuser(), why=why),
    )
    typer.echo(f"{department.upper()}: posts without a name {'are taken to be held' if undo else 'count as nobody’s'}.")


@app.command()
def changes(
    ctx: typer.Context, limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50, as_json: AsJson = False
) -> None:
    """What was changed in the roster, by whom and why; newest first.

    \b
    Example:
      helpline officers changes
    """
    from helpline.commands.records import with_posts

    views: list[dict[str, Any]] = [
        {"id": one.id, "at": one.at.isoformat(timespec="seconds"), "by": one.by, "why": one.why, "what": dict(one.what)}
        for one in with_posts(ctx, lambda posts: posts.changes(limit))
    ]
    if as_json:
        show_json(views)
        return
    rows = ((view["id"], view["at"], view["by"], view["why"], ", ".join(view["what"])) for view in views)
    show_table(("change", "at", "by", "why", "what"), rows, nothing="Nothing was changed yet.")


def _view(posts: Posts, post: Any, title: str) -> dict[str, Any]:
    seat = posts.roster.seat(post, posts.today())
    officer = None if seat.officer is None else posts.roster.officers[seat.officer]
    return {
        "post": post,
        "title": title,
        "officer": "" if officer is None else f"{officer.id} {officer.name}",
        "how": ", ".join(gap.value.replace("_", " ") for gap in seat.gaps) or ("" if officer else "no name on record"),
        "answers": seat.answers,
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "posts": cell.posts,
        "named": cell.named,
        "by_charge": cell.by_charge,
        "unnamed": cell.unnamed,
        "holes": list(cell.holes),
    }


def _told(planned: Plan) -> str:
    return (
        f"{len(planned.officers)} officers new or renamed, {len(planned.added)} postings new, "
        f"{len(planned.changed)} ended or changed, {planned.unchanged} as they were"
    )
