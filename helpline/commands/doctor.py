"""`helpline doctor`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from helpline.commands.common import AsJson, asked, show_json

if TYPE_CHECKING:
    from helpline.commands.checks import Check


def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Look at the machine, its programs and ports, Redis, the database and the settings; say how to mend what ails.

    Changes and fetches nothing. Ends with 1 if there is a problem.

    \b
    Example:
      helpline doctor --json
    """
    from helpline.commands.checks import all_checks

    found = all_checks(asked(ctx))
    healthy = all(check.ok for check in found)
    if as_json:
        show_json({"ok": healthy, "checks": [asdict(check) for check in found]})
    else:
        for check in found:
            _tell(check)
    raise typer.Exit(0 if healthy else 1)


def _tell(check: Check) -> None:
    typer.secho("ok      " if check.ok else "PROBLEM ", fg="green" if check.ok else "red", bold=not check.ok, nl=False)
    typer.echo(f"{check.name}: {check.found}")
    if check.mend:
        typer.echo(f"        {check.mend}")
