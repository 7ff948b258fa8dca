"""`helpline queue levels`: how the promise to callers was kept, recounted from a day's journal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpline.commands.common import AsJson, asked, show_json, show_table
from helpline.errors import HelplineError

if TYPE_CHECKING:
    from acd.engine.queues import ServicePromise
    from acd.history.levels import Level

INTERVALS = {"15m": timedelta(minutes=15), "30m": timedelta(minutes=30), "60m": timedelta(hours=1), "day": timedelta(1)}


def levels(
    ctx: typer.Context,
    by: Annotated[str, typer.Option("--by", metavar="|".join(INTERVALS), help="Of what stretch each line is.")] = "day",
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="Another day than today.")] = "",
    as_json: AsJson = False,
) -> None:
    """How the promise to callers was kept, per queue.

    "In time" is who was answered within the queue's promise, of all who reached the queue; those who left at once
    (within some seconds) count nowhere, those who were called back or sent on count as not in time. The other usual
    formula, in time of the answered alone, stands beside it. "Gave up" is of all whose wait is over. Needs no running
    helpline: it is recounted from the journal.

    \b
    Example:
      helpline queue levels
      helpline queue levels --by 30m --day 2026-11-24
    """
    if by not in INTERVALS:
        raise HelplineError(f"--by {by}: give one of {', '.join(INTERVALS)}.")
    settings = asked(ctx).settings
    now = datetime.now(UTC)
    wanted = _day(day, now.astimezone(settings.zone).date())
    found = recounted(settings.run_folder / "journal" / f"{wanted}.jsonl", wanted, settings.zone, now, INTERVALS[by])
    if as_json:
        from helpline.console.views import level_view

        show_json([level_view(level) for level in found])
        return
    show_table(
        (
            "from",
            "queue",
            "reached",
            "answered",
            "in time",
            "of answered",
            "gave up",
            "left at once",
            "mean",
            "longest",
        ),
        [_cells(level, settings.zone) for level in found],
        nothing=f"Nobody called on {wanted}.",
    )


def recounted(path: Path, wanted: date, zone: Any, now: datetime, every: timedelta) -> list[Level]:
    """Per interval and queue, and all together last. Raises JournalUnreadable."""
    from acd.engine.events import QueueOpened
    from acd.history.journal import Entry
    from acd.history.journal_file import read_since_start
    from acd.history.levels import Recount, together
    from acd.history.levels import levels as counted

    recount, promises, last = Recount(), dict[str, "ServicePromise"](), now
    for line in read_since_start(path):
        recount.note(line)
        if isinstance(line, Entry):
            last = line.at
            promises |= {e.rules.name: e.rules.promise for e in line.events if isinstance(e, QueueOpened)}
    today = now.astimezone(zone).date() == wanted
    waits = [wait for wait in recount.waits() if wait.joined_at.astimezone(zone).date() == wanted]
    found = counted(waits, now if today else last, promises=promises, every=every, zone=zone)
    whole = together(found)
    return found if whole is None or len(found) == 1 else [*found, whole]


def _cells(level: Level, zone: Any) -> tuple[object, ...]:
    mean = level.speed_of_answer
    return (
        level.begins.astimezone(zone).strftime("%H:%M") if level.begins and level.queue else "",
        level.queue or "all",
        level.reached,
        level.answered,
        level.service_level,
        level.other_service_level,
        level.abandonment,
        level.short,
        "–" if mean is None else f"{mean:.1f} s",
        f"{level.longest_seconds:.0f} s" if level.answered else "–",
    )


def _day(text: str, today: date) -> date:
    if not text:
        return today
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise HelplineError(f"--day {text}: give a day such as {today}.") from None
