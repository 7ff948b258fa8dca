"""`helpline agents`: who takes calls, and what they do now. Speaks to the running helpline."""

from __future__ import annotations

import getpass
from typing import Annotated, Any
from urllib.parse import quote

import typer

from helpline.commands.common import AsJson, asked, moment, show_json, show_table

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The agent's number, such as 1001.")]


@app.callback()
def agents() -> None:
    """Who takes calls, what each can do, and what each does now.

    \b
    Example:
      helpline agents add 1007 "Sunita Devi"
      helpline agents skills 1007 service:complaint=7 speciality:land=3
      helpline agents sign-in 1007
      helpline agents why 1007          why they have a call, or none
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
                _phone(agent),
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
    """Give an agent another password and PIN, shown this once.

    The softphone's password and the PIN of before are void.

    \b
    Example:
      helpline agents new-password 1007
    """
    with asked(ctx).client() as client:
        _secrets(client.post(f"{_of(number)}/new-password", {"by": getpass.getuser()}), as_json=as_json)


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
    """Sign an agent out; one in a call, when it is over.

    From within a call: when the call and its wrap-up are over.

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
    """Give an agent no calls; one in a call, from its end on.

    \b
    Example:
      helpline agents pause 1007 --reason training
    """
    _ask(ctx, number, "pause", reason=reason, as_json=as_json)


@app.command("end-wrap-up")
def end_wrap_up(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """End an agent's wrap-up now.

    They are ready, or what they asked for during the call.

    \b
    Example:
      helpline agents end-wrap-up 1007
    """
    _ask(ctx, number, "end-wrap-up", as_json=as_json)


@app.command("extend-wrap-up")
def extend_wrap_up(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Give an agent more time to finish writing.

    Once for each wrap-up, up to the longest that the settings allow.

    \b
    Example:
      helpline agents extend-wrap-up 1007
    """
    _ask(ctx, number, "extend-wrap-up", as_json=as_json)


@app.command()
def why(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Why this agent has the call they have, or none, in words.

    \b
    Example:
      helpline agents why 1007
    """
    from helpline.commands.queue import show_why

    with asked(ctx).client() as client:
        answer = client.get(f"{_of(number)}/why")
    show_why(answer, as_json=as_json)


@app.command()
def skills(
    ctx: typer.Context,
    number: Number,
    levels: Annotated[
        list[str] | None,
        typer.Argument(metavar="SKILL=LEVEL", help="Such as service:complaint=7; level 0 takes the skill away."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What an agent can do and how well; change it.

    Skills that are not named stay as they are.

    A skill is service:NAME, language:CODE or speciality:NAME; its level is 1 (learns it) to 9 (teaches it). Callers are
    matched by them from the next offer on.

    \b
    Example:
      helpline agents skills 1007
      helpline agents skills 1007 service:complaint=7 language:ur=5 speciality:land=3 service:emergency=0
    """
    wanted = dict(map(_level, levels or []))
    with asked(ctx).client() as client:
        agent = client.post(f"{_of(number)}/skills", {"levels": wanted}) if wanted else client.get(_of(number))
    if as_json:
        show_json(agent)
        return
    typer.echo(f"{agent['id']} {agent['name']}")
    show_table(("skill", "level"), sorted(agent["skills"].items()), nothing="No skills: no call reaches this agent.")


@app.command()
def line(
    ctx: typer.Context,
    number: Number,
    kind: Annotated[str, typer.Argument(metavar="on-hook|off-hook", help="How the agent's phone takes calls.")],
    auto_answer: Annotated[
        bool | None,
        typer.Option("--auto-answer/--no-auto-answer", help="Tell an on-hook phone to pick up by itself."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How an agent's phone takes calls, from the next call on.

    On-hook: it rings for each call. Off-hook: the agent dials *1 once and stays connected; a tone, and the caller is
    there, with no ringing in between.

    \b
    Example:
      helpline agents line 1007 off-hook
      helpline agents line 1007 on-hook --auto-answer
    """
    with asked(ctx).client() as client:
        agent = client.post(f"{_of(number)}/line", {"line": kind})
        if auto_answer is not None:
            agent = client.post(f"{_of(number)}/auto-answer", {"on": auto_answer})
    if as_json:
        show_json(agent)
        return
    how = agent["line"].replace("_", "-") + (", auto-answer" if agent["auto_answer"] else "")
    then = "; they dial *1 to be connected" if agent["line"] == "off_hook" and not agent["line_open"] else ""
    typer.echo(f"{agent['id']} {agent['name']}: {how}{then}")


def _level(text: str) -> tuple[str, int]:
    skill, sign, level = text.rpartition("=")
    if not sign or not level.isascii() or not level.isdigit():
        raise typer.BadParameter(f"{text!r}: write a skill and its level, such as service:complaint=7.")
    return skill, int(level)


def _of(number: str) -> str:
    return f"/api/agents/{quote(number.strip() or '-', safe='')}"


def _ask(ctx: typer.Context, number: str, verb: str, *, reason: str = "", as_json: bool) -> None:
    with asked(ctx).client() as client:
        agent = client.post(f"{_of(number)}/{verb}", {"by": getpass.getuser(), "reason": reason})
    if as_json:
        show_json(agent)
        return
    later = agent["afterwards"]
    then = f"; after this call: {later.replace('_', ' ')}" if later and later != "ready" else ""
    until = f" until {moment(agent['until'], ctx, '%H:%M:%S')}" if agent["presence"] == "wrap_up" else ""
    typer.echo(f"{agent['id']} {agent['name']}: {_presence(agent)}{until}{then}")


def _phone(agent: dict[str, Any]) -> str:
    if not agent["phone_reachable"]:
        return "not registered"
    if agent["line"] == "off_hook":
        return "line open" if agent["line_open"] else "off-hook: dial *1"
    return "registered"


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
