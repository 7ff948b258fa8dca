"""How far a fetch has come, told to whoever wants to show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Stage = Literal["index", "download", "unpack"]


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """One step forward. `share` runs from 0.0 to 1.0 within its stage."""

    program: str
    stage: Stage
    share: float


Progress = Callable[[FetchProgress], None]

WORDS: dict[Stage, str] = {
    "index": "reading Debian's index",
    "download": "downloading",
    "unpack": "unpacking",
}


def silent(step: FetchProgress) -> None:
    """Shows nothing."""


@contextmanager
def bar() -> Iterator[Progress]:
    """A progress bar on stderr that appears with the first step, one line per program and stage."""
    # rich takes 50 ms to import, which the many runs that fetch nothing need not pay.
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[tuple[str, Stage], TaskID] = {}

    def show(step: FetchProgress) -> None:
        key = (step.program, step.stage)
        if key not in tasks:
            tasks[key] = bars.add_task(f"{step.program}: {WORDS[step.stage]}", total=1.0)
        bars.update(tasks[key], completed=step.share)

    with bars:
        yield show
