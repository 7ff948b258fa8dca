"""Who left the queue a short while ago: a caller whose line broke and who dials again gets the old place back.

Pure. A place is kept by number for `KEPT`; a withheld number is nobody's, so none is kept for it. A place is given back
once: whoever takes it has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from acd.records import Entry

KEPT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Left:
    """A caller who left before an answer, and when."""

    entry: Entry
    at: datetime


class Remembered:
    """The places of those who left lately, by number."""

    def __init__(self) -> None:
        self._left: dict[str, Left] = {}

    def take_up(self, left: Iterable[Left]) -> None:
        """Those whom the controller before remembered."""
        for one in sorted(left, key=lambda one: one.at):
            self._left[one.entry.caller] = one

    def left(self, entry: Entry, at: datetime) -> Left | None:
        """They are gone without an answer. None: nothing is kept, for the number is withheld."""
        if not entry.caller:
            return None
        one = self._left[entry.caller] = Left(entry, at)
        return one

    def take(self, caller: str, at: datetime) -> Entry | None:
        """The place of a caller who is back in time; it is no longer kept."""
        one = self._left.pop(caller, None)
        return one.entry if one is not None and at - one.at < KEPT else None

    def since(self, moment: datetime) -> list[Left]:
        """Who left at that moment or after it, first to last."""
        return sorted((one for one in self._left.values() if one.at >= moment), key=lambda one: one.at)

    def too_old(self, at: datetime) -> list[str]:
        """Forget whose time is over; their numbers."""
        gone = [caller for caller, one in self._left.items() if at - one.at >= KEPT]
        for caller in gone:
            del self._left[caller]
        return gone

    def __iter__(self) -> Iterator[Left]:
        return iter(list(self._left.values()))

    def __len__(self) -> int:
        return len(self._left)
