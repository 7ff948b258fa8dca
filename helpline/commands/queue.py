"""`helpline queue`: who waits and who talks."""

from __future__ import annotations

import typer

from helpline.commands.common import AsJson, asked, moment, show_json, show_table

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def queue() -> None:
    """Who waits for an agent, and who talks.

    \b
    Example:
      helpline queue show
    """


@app.command()
def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Who waits, in order, and who talks with whom.

    \b
    Example:
      helpline queue show --json
    """
    with asked(ctx).client() as client:
        answer = client.get("/api/queue")
    if as_json:
        show_json(answer)
        return
    show_table(
        ("position", "caller", "language", "waits since"),
        (
            (waiter["position"], waiter["caller"] or "withheld", waiter["language"], moment(waiter["since"], ctx))
            for waiter in answer["waiting"]
        ),
        nothing="Nobody waits.",
    )
    show_table(
        ("agent", "caller", "talks since"),
        ((talk["agent"], talk["caller"] or "withheld", moment(talk["since"], ctx)) for talk in answer["talking"]),
        nothing="No conversation.",
    )
