"""`helpline run`, `helpline demo`, `helpline status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from helpline.commands.common import AsJson, asked, moment, show_json, show_table


def run(
    ctx: typer.Context,
    settings: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="The settings file, here or before `run`.")
    ] = None,
) -> None:
    """Leave a helpline running: Redis, Asterisk and the controller.

    Fetches what the machine lacks, prints the softphones' credentials at the first start and the address of the
    desk. Ctrl-C stops all of it.

    \b
    Example:
      helpline run --settings /etc/helpline.toml
    """
    wanted = asked(ctx)
    if settings is not None:
        wanted.settings_file = settings
    from helpline import stack

    raise typer.Exit(stack.run(wanted.settings, wanted.settings_file))


def demo(
    fresh: Annotated[bool, typer.Option("--fresh", help="Fetch the programs anew, as on a new machine.")] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="Keep recordings and logs in this folder.")
    ] = None,
) -> None:
    """Play one complaint's whole life over real SIP calls, and leave nothing running.

    \b
    Example:
      helpline demo --keep /tmp/demo
    """
    from helpline.demo.story import play

    raise typer.Exit(play(fresh=fresh, keep=keep))


def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """How the running helpline stands: queue, agents, complaints, and whether each part is there.

    \b
    Example:
      helpline status --json
    """
    with asked(ctx).client() as client:
        answer = client.get("/api/status")
    if as_json:
        show_json(answer)
        return
    rows: list[tuple[str, object]] = [
        ("callers waiting", answer["waiting"]),
        ("conversations", answer["conversations"]),
    ]
    rows += [(f"agents {state.replace('_', ' ')}", count) for state, count in answer["agents"].items()]
    rows += [(f"complaints {state.replace('_', ' ')}", count) for state, count in answer["complaints"].items()]
    rows.append(("oldest not moved up in time", moment(answer["oldest_overdue"], ctx)))
    for pile in answer["letters"]:
        rows.append(
            (f"letters to {pile['to']} not arrived", f"{pile['waiting']}, oldest {moment(pile['oldest'], ctx)}")
        )
        if pile["dead"]:
            rows.append((f"letters to {pile['to']} dead", f"{pile['dead']}: helpline outbox list"))
    rows += [(name, "there" if there else "MISSING") for name, there in answer["links"].items()]
    show_table(("what", "now"), rows, nothing="Nothing to show.")
