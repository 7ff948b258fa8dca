"""`helpline queue replay` and `helpline queue whatif`: recorded days, looked at again. Needs no running helpline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from helpline.commands.common import AsJson, asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from acd.history.days import Plan
    from acd.history.recorded import Recorded
    from acd.history.replay import Outcome
    from acd.history.simulation import Day
    from acd.history.whatif import Change, Figures, Row

T = TypeVar("T")
FEW_CALLS = 100  # a simulated day with fewer says nothing
PARTS = ("from", "day")


def replay(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A day's journal, run/journal/YYYY-MM-DD.jsonl.")],
    as_json: AsJson = False,
) -> None:
    """Run a day's recorded events through the engine: it must decide the same again.

    Ends with 1 at the first difference, which is told in words.

    \b
    Example:
      helpline queue replay run/journal/2026-11-25.jsonl
    """
    from acd.history.journal_file import read_since_start
    from acd.history.replay import replay as played_again

    found = played_again(_with_progress(read_since_start(file), f"Replaying {file.name}", as_json=as_json))
    if as_json:
        show_json(
            {
                "same": found.difference is None,
                "events": found.events,
                "decisions": found.decisions,
                "starts": found.starts,
                "passed_over": found.passed_over,
                "lost": found.lost,
                "torn_lines": found.torn,
                "difference": None if found.difference is None else str(found.difference),
            }
        )
    else:
        _tell_replayed(found)
    raise typer.Exit(0 if found.difference is None else 1)


def whatif(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A day's journal; without it a day is simulated.")
    ] = None,
    seats: Annotated[int, typer.Option("--seats", help="So many seats more, or fewer: +20, -20.")] = 0,
    begins: Annotated[str, typer.Option("--from", metavar="HH:MM", help="From that time of the day.")] = "00:00",
    until: Annotated[str, typer.Option("--until", metavar="HH:MM", help="To that time.")] = "24:00",
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=16, help="Over so many draws of chance.")] = 5,
    calls: Annotated[int, typer.Option("--calls", min=FEW_CALLS, help="Calls of a simulated day.")] = 80_000,
    agents: Annotated[
        str, typer.Option("--agents", metavar="N,N,N", help="A simulated day's shifts: 06–14, 14–22 and 22–06 o'clock.")
    ] = "500,500,30",
    as_json: AsJson = False,
) -> None:
    """What other staffing would have changed: waits, service level, abandoned, occupancy, each with its uncertainty.

    The day is played with and without the change, with the same callers, once for each seed. ± is the 95 % margin of
    the difference over the seeds. The patience of callers who were answered was not seen: it is drawn from what all
    callers of the day showed, and longer than their wait.

    \b
    Example:
      helpline queue whatif --seats +20 --from 10:00 --until 13:00
      helpline queue whatif run/journal/2026-11-25.jsonl --seats +20 --from 10:00
    """
    from acd.history.days import midnight
    from acd.history.whatif import Change

    change = Change(seats=seats, begins=_time(begins, "--from"), ends=_time(until, "--until"))
    if change.begins >= change.ends:
        raise HelplineError(f"--from {begins} is not before --until {until}. Give a stretch of one day.")
    if not seats:
        raise HelplineError("Nothing is changed. Say how many seats more or fewer: --seats +20")
    zone = asked(ctx).settings.zone
    recorded = _recorded(file, zone, as_json=as_json) if file is not None else None
    plan = _plan(calls, agents)
    source = recorded if recorded is not None else (plan, midnight(datetime.now(zone)))
    pairs = _played(source, change, seeds, as_json=as_json)
    tables = {part: _rows(pairs, part, recorded, change) for part in PARTS}
    if as_json:
        show_json(
            {
                "change": {"seats": seats, "from": begins, "until": until},
                "of": "simulated" if file is None else str(file),
                "seeds": seeds,
                **{part: [asdict(row) for row in rows] for part, rows in tables.items()},
            }
        )
        return
    word = "simulated day" if file is None else file.name
    typer.echo(f"{seats:+d} seats from {begins} to {until}, {word}, {seeds} {'seed' if seeds == 1 else 'seeds'}\n")
    for part, title in zip(PARTS, (f"Callers who came from {begins} to {until}:", "The whole day:"), strict=True):
        typer.echo(title)
        _show(tables[part], with_recorded=recorded is not None)


def _tell_replayed(found: Outcome) -> None:
    if found.difference is not None:
        typer.secho("DIFFERENT", fg="red", bold=True)
        typer.echo(str(found.difference))
        typer.echo(f"Before it {found.decisions} decisions from {found.events} events were the same.")
        typer.echo("Was the engine changed since that day? Then this is what the change does.")
        return
    typer.secho("the same  ", fg="green", bold=True, nl=False)
    typer.echo(f"{found.decisions} decisions from {found.events} events, {found.starts} start(s) of the controller")
    if found.torn:
        typer.echo(f"Cut off when a controller died: line {', '.join(map(str, found.torn))}")
    if found.lost or found.passed_over:
        typer.echo(
            f"{found.lost} entries could not be written that day and {found.passed_over} more could not be compared."
        )


# -- the plays


def _play(job: tuple[Recorded | tuple[Plan, datetime], Change, int]) -> dict[str, tuple[Figures, Figures]]:
    """One seed, in a process of its own: the figures of both plays, for the stretch and the whole day."""
    from acd.history.simulation import simulate
    from acd.history.whatif import changed_day, figures

    source, change, seed = job
    day = _day(source, seed)
    before, after = simulate(day), simulate(changed_day(day, change))
    return {
        "from": (figures(before, change.begins, change.ends), figures(after, change.begins, change.ends)),
        "day": (figures(before), figures(after)),
    }


def _day(source: Recorded | tuple[Plan, datetime], seed: int) -> Day:
    from acd.history.days import draw_day
    from acd.history.recorded import as_day

    return draw_day(source[0], source[1], seed) if isinstance(source, tuple) else as_day(source, seed)


def _played(
    source: Recorded | tuple[Plan, datetime], change: Change, seeds: int, *, as_json: bool
) -> Sequence[dict[str, tuple[Figures, Figures]]]:
    jobs = [(source, change, seed) for seed in range(1, seeds + 1)]
    workers = min(seeds, os.cpu_count() or 1)
    if workers == 1:
        return list(_with_progress(map(_play, jobs), "Playing the day", as_json=as_json, total=seeds))
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    fresh = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
    with ProcessPoolExecutor(max_workers=workers, mp_context=fresh) as pool:
        return list(_with_progress(pool.map(_play, jobs), "Playing the day", as_json=as_json, total=seeds))


def _rows(
    pairs: Sequence[dict[str, tuple[Figures, Figures]]], part: str, recorded: Recorded | None, change: Change
) -> list[Row]:
    from acd.history.recorded import as_day
    from acd.history.whatif import compare, recorded_figures

    if recorded is None:
        return compare([pair[part] for pair in pairs])
    day = as_day(recorded, 1)
    stretch = (change.begins, change.ends) if part == "from" else (0.0, 86_400.0)
    return compare([pair[part] for pair in pairs], recorded_figures(recorded.waits(), day, *stretch))


def _recorded(file: Path, zone: tzinfo, *, as_json: bool) -> Recorded:
    from acd.history.journal_file import read_since_start
    from acd.history.recorded import recorded_day

    return recorded_day(_with_progress(read_since_start(file), f"Reading {file.name}", as_json=as_json), zone)


def _plan(calls: int, agents: str) -> Plan:
    from acd.history.days import Crew, Plan

    try:
        early, late, night = (int(number) for number in agents.split(","))
    except ValueError:
        raise HelplineError(f"--agents {agents}: give three numbers, such as 500,500,30") from None
    return Plan(
        calls=calls,
        crews=(
            Crew(agents=night, begins_hour=0, ends_hour=6),
            Crew(agents=early, begins_hour=6, ends_hour=14),
            Crew(agents=late, begins_hour=14, ends_hour=22),
            Crew(agents=night, begins_hour=22, ends_hour=30),
        ),
    )


def _time(text: str, option: str) -> float:
    from acd.history.whatif import moment_of_day

    try:
        return moment_of_day(text)
    except ValueError:
        raise HelplineError(f"{option} {text}: give a time of the day such as 10:00") from None


# -- how it is shown


def _with_progress(things: Iterable[T], words: str, *, as_json: bool, total: int | None = None) -> Iterator[T]:
    """Shown on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:,}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=as_json or not console.is_terminal,
    ) as progress:
        task = progress.add_task(words, total=total)
        for number, thing in enumerate(things, 1):
            yield thing
            if total is not None or number % 1000 == 0:
                progress.update(task, completed=number)


def _show(rows: Sequence[Row], *, with_recorded: bool) -> None:
    columns = ("what", *(("as recorded",) if with_recorded else ()), "played as it was", "changed", "difference")
    show_table(columns, (_cells(row, with_recorded=with_recorded) for row in rows), nothing="Nothing to compare.")


def _cells(row: Row, *, with_recorded: bool) -> list[str]:
    recorded = [_figure(row.name, row.recorded)] if with_recorded else []
    difference = _figure(row.name, row.difference, sign="+")
    if row.difference is not None:
        difference += " ± " + (_figure(row.name, row.margin) if row.margin is not None else "?")
    return [row.name, *recorded, _figure(row.name, row.baseline), _figure(row.name, row.changed), difference]


def _figure(name: str, value: float | None, *, sign: str = "") -> str:
    if value is None:
        return "–"
    if name == "answered":
        return f"{value:{sign}.0f}"
    return f"{value:{sign}.1f}" if name.endswith(", s") else f"{value * 100:{sign}.2f} %"
