"""`helpline`, the command. Everything heavy is imported inside the commands, so that help is there at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from helpline.commands import (
    agents,
    audit,
    campaign,
    complaint_life,
    dialer,
    doctor,
    figures,
    integrity,
    officers,
    outbox,
    prompts,
    queue,
    rises,
    running,
)
from helpline.commands.common import Asked, plain_message


class PlainErrors(TyperGroup):
    """Ends a command that failed as expected with one plain message and exit code 1; only bugs show a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # The reader (head, less) has seen enough. Python must not complain when it flushes at its end.
            sys.stdout = None
            raise typer.Exit(0) from None
        except Exception as error:
            message = plain_message(error)
            if message is None:
                raise
            typer.echo(message, err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=PlainErrors,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def helpline(
    ctx: typer.Context,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="The settings file; else HELPLINE_SETTINGS, else helpline.toml here, else the defaults.",
        ),
    ] = None,
) -> None:
    """The engine behind the helpline 1076.

    \b
    A first day:
      helpline doctor                what this machine lacks, and how to mend it
      helpline demo                  one complaint lives its whole life over real calls
      helpline run                   leave a helpline running; it prints where to sign in
      helpline status                how many wait, who is ready, how the complaints stand
      helpline queue watch           the floor, live: queues, agents, who is first in line
      helpline complaint list        the complaints, oldest due first

    Every command tells more, with an example: helpline COMMAND --help
    """
    ctx.obj = Asked(settings_file=settings)


app.command("run")(running.run)
app.command("demo")(running.demo)
app.command("status")(running.status)
app.command("doctor")(doctor.doctor)
app.add_typer(agents.app, name="agents")
app.add_typer(queue.app, name="queue")
app.add_typer(complaint_life.app, name="complaint")
app.add_typer(prompts.app, name="prompts")
app.add_typer(audit.app, name="audit")
app.add_typer(campaign.app, name="campaign")
app.add_typer(dialer.app, name="dialer")
figures.app.command("rises")(rises.rises)
app.add_typer(figures.app, name="figures")
app.add_typer(integrity.app, name="integrity")
app.add_typer(officers.app, name="officers")
app.add_typer(outbox.app, name="outbox")


def main() -> None:
    """The console script."""
    app(prog_name="helpline")
