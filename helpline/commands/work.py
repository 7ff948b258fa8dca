"""`helpline queue work`: what agents do between calls. Speaks to the running helpline."""

from __future__ import annotations

import getpass
from typing import Annotated
from urllib.parse import quote

import typer

from helpline.commands.common import AsJson, asked, moment, show_json, show_table

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def work() -> None:
    """Work that is no call: agents get it when nobody waits, or when it is due.

    Spoken messages come in by themselves.

    \b
    Example:
      helpline queue work add "Call the engineer about 4711 back" --due 60
      helpline queue work list
    """


@app.command()
def add(
    ctx: typer.Context,
    about: Annotated[str, typer.Argument(metavar="ABOUT", help="What the agent is to do; no personal data.")],
    queue: Annotated[str, typer.Option("--queue", help="The queue whose agents are to do it.")] = "",
    due: Annotated[
        int, typer.Option("--due", metavar="MINUTES", min=0, help="From then on it stands in line like a caller.")
    ] = 120,
    language: Annotated[str, typer.Option("--language", help="Only for agents of this language, such as hi.")] = "",
    as_json: AsJson = False,
) -> None:
    """Give the agents something to do.

    \b
    Example:
      helpline queue work add "Answer the department's question on 4711" --queue complaint
    """
    body = {"about": about, "queue": queue, "due_minutes": due, "language": language, "by": getpass.getuser()}
    with asked(ctx).client() as client:
        item = client.post("/api/queue/work", body)
    if as_json:
        show_json(item)
    else:
        typer.echo(f"Work item {item['item']} waits in the queue {item['queue']}, due {moment(item['due_at'], ctx)}.")


@app.command("list")
def list_work(ctx: typer.Context, as_json: AsJson = False) -> None:
    """What is not done yet, and who is at it.

    \b
    Example:
      helpline queue work list --json
    """
    with asked(ctx).client() as client:
        items = client.get("/api/queue/work")
    if as_json:
        show_json(items)
        return
    show_table(
        ("item", "queue", "about", "due", "agent"),
        (
            (item["item"], item["queue"], item["about"], moment(item["due_at"], ctx), item["agent"] or "-")
            for item in items
        ),
        nothing="Nothing is to be done.",
    )


@app.command()
def done(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="As `helpline queue work list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Take an item off the list: it is done, by whomever.

    \b
    Example:
      helpline queue work done work-261125101500-9f3a
    """
    with asked(ctx).client() as client:
        answer = client.post(f"/api/queue/work/{quote(item, safe='')}/done", {})
    if as_json:
        show_json(answer)
    else:
        typer.echo(f"Work item {answer['item']} is done.")
