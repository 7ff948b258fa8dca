"""`helpline prompts`: what citizens hear, spoken and put into Asterisk's formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from helpline.commands.common import asked, bar

app = typer.Typer(no_args_is_help=True, help="What citizens hear: build it, record it anew.")


@app.command()
def build(ctx: typer.Context) -> None:
    """Make the sound files of this helpline's prompts; only what changed is made. A starting helpline does it too.

    \b
    Example:
      helpline prompts build
    """
    from asterisk_conf.programs import Programs
    from helpline.runfolder import RunFolder
    from ivr.build import build_prompts

    folder = RunFolder(asked(ctx).settings.run_folder)
    programs = Programs()
    cache = programs.cache / "prompts"
    with bar("Prompts") as told:
        built = build_prompts(folder.prompts, folder.music, programs=programs, cache=cache, progress=told)
    typer.echo(f"{built.made} made, {built.kept} kept as they were, {built.removed} removed, in {folder.prompts}")


@app.command()
def record(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Another folder than the one that ships.")
    ] = None,
) -> None:
    """Speak the fixed prompts in the natural voice, those that are new or have other words now.

    What is spoken ships with the helpline, in ivr/prompts/voice: commit it with the changed words. Until then callers
    hear a changed prompt in espeak-ng's voice. Needs the packages of the extra "voice"; about a third of a second for
    each second of speech.

    \b
    Example:
      helpline prompts record
    """
    from asterisk_conf.programs import Programs
    from grievance_core.catalogue import Catalogue
    from ivr.kokoro import KokoroSpeaker
    from ivr.manifest import Manifest
    from ivr.recordings import record as record_all
    from ivr.recordings import shipped_folder

    folder = Path(str(shipped_folder())) if to is None else to
    speaker = KokoroSpeaker(Programs().find("espeak-ng"))
    with bar("Spoken") as told:
        spoken = record_all(Manifest.shipped(Catalogue.shipped()), folder, speaker, told=told)
    typer.echo(f"{spoken} recorded in {folder}")
