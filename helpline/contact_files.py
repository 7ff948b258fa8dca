"""A campaign's list as a file, CSV or XLSX: read twice, so that nothing is loaded before all is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from pathlib import Path

from grievance_core.sheets import rows_of
from outbound_dialer.contact_lines import Fault, Listed, columns_of, read

TOLD_EVERY = 5000  # lines


class ContactFile:
    """One file. Reading raises SheetUnreadable when it is no sheet, InvalidList when it is one of something else."""

    def __init__(self, path: Path, *, zone: tzinfo, now: datetime, asks: bool) -> None:
        self._path = path
        self._zone = zone
        self._now = now
        self._asks = asks

    def check(self, told: Callable[[int], None] = lambda _done: None) -> tuple[int, list[Fault]]:
        """How many lines are right, and every fault."""
        right, faults = 0, []
        for done, one in enumerate(self._read(), start=1):
            if isinstance(one, Fault):
                faults.append(one)
            else:
                right += 1
            if done % TOLD_EVERY == 0:
                told(done)
        return right, faults

    def right(self) -> Iterator[Listed]:
        """The lines that are right."""
        return (one for one in self._read() if isinstance(one, Listed))

    def _read(self) -> Iterator[Listed | Fault]:
        rows = rows_of(self._path)
        _, heading = next(rows, (1, []))
        yield from read(rows, columns_of(heading), zone=self._zone, now=self._now, asks=self._asks)
