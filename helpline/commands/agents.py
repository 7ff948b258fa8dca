"""`helpline agents`: who takes calls, and what they do now. Speaks to the running helpline."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from helpline.commands.common import AsJson, asked, moment, show_json, show_table

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The agent's number, such as 1001.")]


@app.callback()
def agents() -> None:
    """Who takes calls, and what each does now.

    \b
    Example:
      helpline agents add 1007 "Sunita Devi"
      helpline agents sign-in 1007
    """


@app.command("list")
def list_agents(ctx: typer.Context, as_json: AsJson = False) -> None:
    """All agents with their presence.

    \b
    Example:
      helpline agents list
    """
    with asked(ctx).client() as client:
        answer = client.get("/api/agents")
    if as_json:
        show_json(answer)
        return
    show_table(
        ("agent", "name", "languages", "presence", "since", "phone"),
        (
            (
                agent["id"],
                agent["name"],
                " ".join(agent["languages"]),
                _presence(agent),
                moment(agent["since"], ctx),
                "registered" if agent["phone_reachable"] else "not registered",
            )
            for agent in answer
        ),
        nothing='There are no agents yet. Add one: helpline agents add 1001 "Asha"',
    )


@app.command()
def add(
    ctx: typer.Context,
    number: Number,
    name: Annotated[str, typer.Argument(help="The agent's name.")],
    language: Annotated[
        list[str] | None, typer.Option("--language", "-l", help="A language they speak; may be given several times.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add an agent. The softphone's password and the PIN are shown this once.

    \b
    Example:
      helpline agents add 1007 "Sunita Devi" -l hi -l en
    """
    body = {"id": number, "name": name, "languages": language or ["hi", "en"]}
    with asked(ctx).client() as client:
        _secrets(client.post("/api/agents", body), as_json=as_json)


@app.command("new-password")
def new_password(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Give an agent a new softphone password and a new PIN, shown this once.

    \b
    Example:
      helpline agents new-password 1007
    """
    with asked(ctx).client() as client:
        _secrets(client.post(f"/api/agents/{number}/new-password", {"by": getpass.getuser()}), as_json=as_json)


@app.command("sign-in")
def sign_in(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Sign an agent in, in your name: they are ready for calls.

    \b
    Example:
      helpline agents sign-in 1007
    """
    _ask(ctx, number, "sign-in", as_json=as_json)


@app.command("sign-out")
def sign_out(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Sign an agent out; one in a call is signed out when call and wrap-up are over.

    \b
    Example:
      helpline agents sign-out 1007
    """
    _ask(ctx, number, "sign-out", as_json=as_json)


@app.command()
def ready(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Make an agent ready again after a pause.

    \b
    Example:
      helpline agents ready 1007
    """
    _ask(ctx, number, "ready", as_json=as_json)


@app.command()
def pause(
    ctx: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why: break, training, back office, technical …")],
    as_json: AsJson = False,
) -> None:
    """Give an agent no calls; one in a call is paused when it is over.

    \b
    Example:
      helpline agents pause 1007 --reason training
    """
    _ask(ctx, number, "pause", reason=reason, as_json=as_json)


def _ask(ctx: typer.Context, number: str, verb: str, *, reason: str = "", as_json: bool) -> None:
    with asked(ctx).client() as client:
        agent = client.post(f"/api/agents/{number}/{verb}", {"by": getpass.getuser(), "reason": reason})
    if as_json:
        show_json(agent)
        return
    later = agent["afterwards"]
    then = f"; after this call: {later.replace('_', ' ')}" if later and later != "ready" else ""
    typer.echo(f"{agent['id']} {agent['name']}: {_presence(agent)}{then}")


def _presence(agent: dict[str, Any]) -> str:
    reason = f" ({agent['reason']})" if agent["reason"] else ""
    return str(agent["presence"]).replace("_", " ") + reason


def _secrets(new: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(new)
        return
    typer.echo(f"Agent {new['id']} {new['name']}")
    typer.echo(f"  softphone user      {new['endpoint']}")
    typer.echo(f"  softphone password  {new['password']}")
    typer.echo(f"  PIN for the desk    {new['pin']}")
    typer.echo("Note them now: they are shown this once and kept nowhere in clear.")
