"""`helpline campaign`: campaigns of outgoing calls and their lists."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from helpline.commands.common import AsJson, asked, bar, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from outbound_dialer.campaign import Campaign
    from outbound_dialer.campaigns import Campaigns, Progress
    from outbound_dialer.contact_lines import Fault
    from outbound_dialer.contacts import Contacts

T = TypeVar("T")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign, such as water-2.")]
By = Annotated[str, typer.Option("--by", help="Who does it; your login name unless given.")]
FAULTS_SHOWN = 20

app = typer.Typer(no_args_is_help=True, help="Campaigns of outgoing calls: their settings and their lists.")


@app.command()
def create(
    ctx: typer.Context,
    name: Name,
    mode: Annotated[
        str, typer.Option("--mode", help="ivr_first (the machine asks), predictive, progressive or preview.")
    ] = "ivr_first",
    caller_id: Annotated[
        str, typer.Option("--caller-id", help="The number shown, of the 1600 series; else the helpline's.")
    ] = "",
    lines: Annotated[int, typer.Option("--lines", min=1, help="Calls at the same time.")] = 30,
    rate: Annotated[float, typer.Option("--rate", min=0.01, help="Calls a second.")] = 5.0,
    tries: Annotated[int, typer.Option("--tries", min=1, max=10, help="Tries until a contact is not reached.")] = 3,
    by: By = "",
) -> None:
    """Make a campaign, as a draft: nobody is rung.

    \b
    Example:
      helpline campaign create water-2 --caller-id 1600221077 --lines 10
    """
    from helpline.commands.records import utc_now
    from outbound_dialer.campaign import Campaign, Mode
    from outbound_dialer.pacing import Pace

    try:
        chosen = Mode(mode)
    except ValueError:
        raise HelplineError(f"{mode!r} is no mode. Choose one of: {', '.join(Mode)}.") from None
    campaign = Campaign(
        name=name,
        made_at=utc_now(),
        made_by=by or getpass.getuser(),
        mode=chosen,
        caller_id=caller_id,
        pace=Pace(lines=lines, calls_per_second=rate),
        max_tries=tries,
    )
    _with(ctx, lambda campaigns, _: campaigns.make(campaign))
    typer.echo(f"Campaign {name} is a draft. Give it a list: helpline campaign import {name} FILE")


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The campaigns, newest first. Feedback on reported complaints runs always, and is not among them.

    \b
    Example:
      helpline campaign list
    """

    async def read(campaigns: Campaigns, _: Contacts) -> list[dict[str, Any]]:
        return [_view(one, await campaigns.progress(one.name)) for one in await campaigns.all()]

    views = _with(ctx, read)
    if as_json:
        show_json(views)
        return
    columns = ("name", "state", "mode", "contacts", "waiting", "resting", "lines", "rate")
    show_table(columns, ([view[column] for column in columns] for view in views), nothing="There is no campaign.")


@app.command()
def show(ctx: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """One campaign: its settings, and how far it has come.

    \b
    Example:
      helpline campaign show water-2
    """

    async def read(campaigns: Campaigns, _: Contacts) -> dict[str, Any]:
        return _view(await campaigns.get(name), await campaigns.progress(name))

    view = _with(ctx, read)
    if as_json:
        show_json(view)
        return
    settled = view.pop("settled")
    rows = [*view.items(), *((f"settled: {how}", count) for how, count in settled.items())]
    show_table(("what", "is"), rows, nothing="")


@app.command()
def finish(ctx: typer.Context, name: Name) -> None:
    """End a campaign for good. Its contacts and what came of them stay on record.

    \b
    Example:
      helpline campaign finish water-2
    """
    from outbound_dialer.campaign import CampaignState

    _with(ctx, lambda campaigns, _: campaigns.move(name, CampaignState.FINISHED))
    typer.echo(f"Campaign {name} is finished.")


@app.command("import")
def import_(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV or XLSX.")],
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad lines out and take the others.")] = False,
    faults_to: Annotated[
        Path | None, typer.Option("--faults", metavar="FILE", help="Write every bad line and why into this CSV.")
    ] = None,
    by: By = "",
) -> None:
    """Add a list of contacts. All of it or, with a bad line, nothing; the same file again adds nothing.

    The first line names the columns: number, and if wanted key, complaint, language, due.

    \b
    Example:
      helpline campaign import water-2 list.csv --faults bad.csv
    """
    from helpline.commands.records import utc_now
    from helpline.contact_files import ContactFile
    from outbound_dialer.campaign import CampaignState, Mode
    from outbound_dialer.errors import CampaignRefused, InvalidList

    async def add(campaigns: Campaigns, contacts: Contacts) -> str:
        campaign = await campaigns.get(name)
        if campaign.state is CampaignState.FINISHED:
            raise CampaignRefused(f"Campaign {name} is finished. Make a new one: helpline campaign create NAME")
        asks = campaign.mode is Mode.IVR_FIRST
        lines = ContactFile(file, zone=asked(ctx).settings.zone, now=utc_now(), asks=asks)
        with bar("checking") as told:
            right, faults = lines.check(lambda done: told(done, 0))
        if faults_to is not None:
            _write_faults(faults_to, faults)
        if faults and not skip_bad:
            shown = "\n".join(f"  {fault}" for fault in faults[:FAULTS_SHOWN])
            more = f"\n  and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
            raise InvalidList(
                f"{len(faults)} of {right + len(faults)} lines are wrong, so nothing was imported:\n{shown}{more}\n"
                "Mend them, or leave them out with --skip-bad; --faults FILE writes all of them down."
            )
        with bar("loading") as told:
            loaded = await contacts.load(
                name, lines.right(), source=file.name, by=by or getpass.getuser(), told=lambda done: told(done, right)
            )
        left_out = f" {len(faults)} bad lines were left out." if faults else ""
        return f"{loaded.new} contacts are new, {loaded.known} were there already.{left_out}"

    typer.echo(_with(ctx, add))


@app.command()
def export(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="The CSV to write; it may not exist.")],
) -> None:
    """Write a campaign's contacts and how each stands into a CSV.

    \b
    Example:
      helpline campaign export water-2 state.csv
    """
    import csv

    async def write(campaigns: Campaigns, contacts: Contacts) -> int:
        await campaigns.get(name)
        done = 0
        file.touch(mode=0o600, exist_ok=False)  # personal data: from its first byte on nobody else may read it
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("number", "key", "complaint", "language", "due", "not_before", "settled_as"))
            async for one in contacts.of_campaign(name):
                rests = one.waits_until.isoformat() if one.waits_until else ""
                about = (one.number, one.key, one.complaint, one.language)
                writer.writerow((*about, one.due_at.isoformat(), rests, one.settled_as or ""))
                done += 1
        return done

    if file.exists():
        raise HelplineError(f"{file} is there already. Name another, or take it away.")
    typer.echo(f"{_with(ctx, write)} contacts are in {file}.")


def _view(campaign: Campaign, progress: Progress) -> dict[str, Any]:
    return {
        "name": campaign.name,
        "state": campaign.state.value,
        "mode": campaign.mode.value,
        "contacts": progress.contacts,
        "waiting": progress.waiting,
        "resting": progress.resting,
        "settled": dict(progress.settled),
        "caller_id": campaign.caller_id,
        "lines": campaign.pace.lines,
        "rate": campaign.pace.calls_per_second,
        "tries": campaign.max_tries,
        "made_by": campaign.made_by,
    }


def _write_faults(file: Path, faults: Sequence[Fault]) -> None:
    import csv

    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("line", "column", "why"))
        writer.writerows((fault.line, fault.column, fault.message) for fault in faults)


def _with(ctx: typer.Context, work: Callable[[Campaigns, Contacts], Awaitable[T]]) -> T:
    from helpline.commands.records import utc_now, with_database
    from outbound_dialer.campaigns import Campaigns
    from outbound_dialer.contacts import Contacts

    return with_database(
        ctx, lambda sessions: work(Campaigns(sessions, clock=utc_now), Contacts(sessions, clock=utc_now))
    )
