"""`helpline queue`: who waits and why, and what a supervisor does about it. Speaks to the running helpline."""

from __future__ import annotations

import getpass
from typing import Annotated, Any
from urllib.parse import quote

import typer

from helpline.commands import history, work
from helpline.commands.common import AsJson, asked, moment, show_json, show_table
from helpline.commands.levels import levels

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Caller = Annotated[
    str,
    typer.Argument(
        metavar="CALLER",
        help="A position such as 3 or complaint#3, the last digits (4 or more) of the number, or a call id.",
    ),
]
AgentNumber = Annotated[str, typer.Argument(metavar="AGENT", help="The number of the agent who talks, such as 1001.")]
QueueName = Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name, such as complaint.")]
AsSupervisor = Annotated[
    str, typer.Option("--as", metavar="SUPERVISOR", help="Your own agent number: your phone is the one that rings.")
]
SAY_HELP = "What callers hear, in Hindi (Devanagari) or in English; some 20 seconds at the most."


@app.callback()
def queue() -> None:
    """Who waits for an agent and why, and what a supervisor can do about it.

    \b
    Example:
      helpline queue watch              the whole floor, live
      helpline queue why 3              why the third in line still waits
      helpline queue front 3            let them go first
      helpline queue listen 1001 --as 1900
    """


@app.command("list")
def list_callers(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Who waits, in order, who is called back, who talks.

    \b
    Example:
      helpline queue list --json
    """
    with asked(ctx).client() as client:
        answer = client.get("/api/queue")
    if as_json:
        show_json(answer)
        return
    show_table(
        ("position", "caller", "language", "waits since", "call"),
        (
            (
                f"{waiter['service']}#{waiter['position']}",
                waiter["caller"] or "withheld",
                waiter["language"],
                moment(waiter["since"], ctx),
                waiter["call"],
            )
            for waiter in answer["waiting"]
        ),
        nothing="Nobody waits.",
    )
    _more(answer["waiting_count"] - len(answer["waiting"]), "wait")
    if answer["callbacks"]:
        show_table(
            ("to be called back", "queue", "waits since", "tried", "call"),
            (
                (owed["caller"], owed["queue"], moment(owed["since"], ctx), owed["attempts"], owed["call"])
                for owed in answer["callbacks"]
            ),
            nothing="",
        )
    show_table(
        ("agent", "caller", "queue", "talks since", "call"),
        (
            (
                talk["agent"],
                talk["caller"] or "withheld",
                talk["service"],
                moment(talk["since"], ctx),
                talk["call"],
            )
            for talk in answer["talking"]
        ),
        nothing="No conversation.",
    )
    _more(answer["talking_count"] - len(answer["talking"]), "talk")


def _more(number: int, what: str) -> None:
    if number > 0:
        typer.echo(f"And {number} more {what}.")


@app.command()
def watch(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Print how it stands now, and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON for programs: one line for each change, or with --once one object.")
    ] = False,
) -> None:
    """The whole floor, live: queues, agents, who is next.

    Each change is seen within a second. What fits the window is shown, the most urgent first: agents whose phone is
    gone or who did not answer, then those who ring, are free, write, talk. "In time" is the share of callers who were
    answered within the queue's promise. A connection that is lost is made again by itself. Ctrl-C ends it.

    \b
    Example:
      helpline queue watch
      helpline queue watch --once --json
    """
    from helpline.commands.watching import print_once, watch_on

    settings = asked(ctx).settings
    if once:
        with asked(ctx).client() as client:
            shown = client.get("/api/live?once=1")
        if as_json:
            show_json(shown)
        else:
            print_once(shown, settings)
        return
    watch_on(settings, as_json=as_json)


@app.command()
def why(ctx: typer.Context, caller: Caller, as_json: AsJson = False) -> None:
    """Why this caller still waits, or has this agent.

    \b
    Example:
      helpline queue why 3
      helpline queue why 43210
    """
    with asked(ctx).client() as client:
        answer = client.get(f"{_of(caller)}/why")
    show_why(answer, as_json=as_json)


@app.command()
def front(ctx: typer.Context, caller: Caller, as_json: AsJson = False) -> None:
    """Let a caller go before everybody else.

    The next agent who fits is theirs; a caller who still needs a skill that nobody has free waits on.

    \b
    Example:
      helpline queue front 3
    """
    _do(ctx, f"{_of(caller)}/front", {}, "Call {call} is first in line.", as_json=as_json)


@app.command()
def transfer(
    ctx: typer.Context,
    caller: Caller,
    to: Annotated[
        str, typer.Option("--to", metavar="AGENT_OR_QUEUE", help="An agent's number, or the name of a queue.")
    ],
    as_json: AsJson = False,
) -> None:
    """Pass a caller on to an agent or another queue.

    They may wait or talk now; they hear music meanwhile. In another queue they keep the place that their waiting has
    earned. An agent who does not answer gives them back to the front of the queue.

    \b
    Example:
      helpline queue transfer 43210 --to 1007
      helpline queue transfer 3 --to scheme
    """
    _do(ctx, f"{_of(caller)}/transfer", {"to": to}, "Call {call} goes to {to}.", as_json=as_json)


@app.command()
def take(ctx: typer.Context, caller: Caller, supervisor: AsSupervisor, as_json: AsJson = False) -> None:
    """Take a caller over yourself: your phone rings.

    Out of the line, or out of a conversation, which ends for its agent.

    \b
    Example:
      helpline queue take 43210 --as 1900
    """
    said = "Agent {supervisor}'s phone rings for call {call}: pick up."
    _do(ctx, f"{_of(caller)}/take", {"as": supervisor}, said, as_json=as_json)


@app.command()
def listen(ctx: typer.Context, agent: AgentNumber, supervisor: AsSupervisor, as_json: AsJson = False) -> None:
    """Hear an agent's conversation; neither side hears you.

    \b
    Example:
      helpline queue listen 1001 --as 1900
    """
    _spy(ctx, agent, supervisor, "listen", as_json=as_json)


@app.command()
def whisper(ctx: typer.Context, agent: AgentNumber, supervisor: AsSupervisor, as_json: AsJson = False) -> None:
    """Hear an agent's conversation and speak to the agent alone.

    \b
    Example:
      helpline queue whisper 1001 --as 1900
    """
    _spy(ctx, agent, supervisor, "whisper", as_json=as_json)


@app.command()
def barge(ctx: typer.Context, agent: AgentNumber, supervisor: AsSupervisor, as_json: AsJson = False) -> None:
    """Join an agent's conversation: both sides hear you.

    \b
    Example:
      helpline queue barge 1001 --as 1900
    """
    _spy(ctx, agent, supervisor, "barge", as_json=as_json)


@app.command()
def close(
    ctx: typer.Context,
    name: QueueName,
    say: Annotated[str, typer.Option("--say", help=SAY_HELP)],
    say_en: Annotated[str, typer.Option("--say-en", help="The same in English.")] = "",
    all_of_them: Annotated[
        bool, typer.Option("--send-all", help="Send those who wait already elsewhere too, instead of serving them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Close a queue, and say why to who comes.

    Who comes hears the words and goes where the queue's overflow says; who waits is served.

    \b
    Example:
      helpline queue close scheme --say "योजना सेवा आज बन्द है।" --say-en "The scheme service is closed today."
    """
    body = {"say": _words(say, say_en), "drain": not all_of_them}
    _do(ctx, f"{_queue(name)}/close", body, "The queue {queue} is closed.", as_json=as_json)


@app.command("open")
def open_queue(ctx: typer.Context, name: QueueName, as_json: AsJson = False) -> None:
    """Open a queue that was closed.

    \b
    Example:
      helpline queue open scheme
    """
    _do(ctx, f"{_queue(name)}/open", {}, "The queue {queue} is open.", as_json=as_json)


@app.command()
def notice(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help=SAY_HELP)] = "",
    english: Annotated[str, typer.Option("--en", help="The same in English.")] = "",
    clear: Annotated[bool, typer.Option("--clear", help="Say nothing any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have all waiting callers hear something.

    Once each, those who come later too, until it is cleared.

    \b
    Example:
      helpline queue notice "बाढ़ राहत शिविर आज शाम तक खुले हैं।" --en "Flood relief camps are open until this evening."
      helpline queue notice --clear
    """
    if clear == bool(text or english):
        raise typer.BadParameter("give either a text or --clear. See: helpline queue notice --help")
    if clear:
        with asked(ctx).client() as client:
            answer = client.delete(f"/api/queue/notice?by={quote(getpass.getuser())}")
        _tell(answer, "Callers hear no notice any more.", as_json=as_json)
        return
    _do(ctx, "/api/queue/notice", {"say": _words(text, english)}, "All callers hear it.", as_json=as_json)


@app.command()
def vulnerable(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The citizen's telephone number.")],
    clear: Annotated[bool, typer.Option("--clear", help="They are not, after all.")] = False,
    as_json: AsJson = False,
) -> None:
    """Note that a caller is senior or disabled.

    It is kept for the number: from the next call on they stand in line as if they had come five minutes earlier.

    \b
    Example:
      helpline queue vulnerable 9876543210
    """
    said = "{caller} is not treated as vulnerable." if clear else "{caller} goes before others from the next call on."
    _do(ctx, f"/api/callers/{quote(number, safe='')}/vulnerable", {"on": not clear}, said, as_json=as_json)


app.add_typer(work.app, name="work", short_help="What agents do between calls.")
app.command("levels")(levels)
app.command("replay", short_help="Run a recorded day through the engine again.")(history.replay)
app.command("whatif", short_help="What other staffing would have changed.")(history.whatif)


def show_why(answer: dict[str, Any], *, as_json: bool) -> None:
    """An explanation, a line each."""
    if as_json:
        show_json(answer)
        return
    for line in answer["why"]:
        typer.echo(line)


def _spy(ctx: typer.Context, agent: str, supervisor: str, how: str, *, as_json: bool) -> None:
    said = "Agent {supervisor}'s phone rings: pick up, and you {how} on agent {agent}; hang up to end it."
    _do(ctx, f"/api/agents/{quote(agent, safe='')}/{how}", {"as": supervisor}, said, as_json=as_json)


def _do(ctx: typer.Context, path: str, body: dict[str, Any], said: str, *, as_json: bool) -> None:
    with asked(ctx).client() as client:
        answer = client.post(path, {**body, "by": getpass.getuser()})
    _tell(answer, said, as_json=as_json)


def _tell(answer: dict[str, Any], said: str, *, as_json: bool) -> None:
    if as_json:
        show_json(answer)
    else:
        typer.echo(said.format(**answer))


def _of(caller: str) -> str:
    return f"/api/queue/calls/{quote(caller.strip() or '-', safe='')}"


def _queue(name: str) -> str:
    return f"/api/queue/queues/{quote(name.strip() or '-', safe='')}"


def _words(text: str, english: str) -> dict[str, str]:
    """By language: what was typed without naming one is Hindi if it is in Devanagari."""
    language = "hi" if english or any("\u0900" <= letter <= "\u097f" for letter in text) else "en"
    return {language: text} | ({"en": english} if english else {})
