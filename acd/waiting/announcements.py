"""What a waiting caller is told, and when.

Pure. The position is told at a rhythm and never grows while a caller waits: when somebody with an older place came
back before them, the caller hears a word of patience instead of a number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """Seconds from joining to the first announcement, and from the end of one to the next."""

    first_seconds: float = 15.0
    every_seconds: float = 45.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Say that they are not forgotten; no number."""


@dataclass(frozen=True, slots=True)
class Position:
    """Say which place in line they have: 1 is next."""

    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one caller has been told so far."""

    due: datetime  # when to say something next
    lowest: int | None = None  # the best position they heard
    times: int = 0  # announcements heard

    @classmethod
    def nothing(cls, at: datetime, rhythm: Rhythm) -> Told:
        return cls(due=at + timedelta(seconds=rhythm.first_seconds))

    def seconds_left(self, now: datetime) -> float:
        """Until the next announcement; 0 when it is due."""
        return max(0.0, (self.due - now).total_seconds())

    def next(self, position: int) -> tuple[Told, Position | Patience]:
        """What to say now to a caller who stands there."""
        if self.lowest is not None and position > self.lowest:
            return self, Patience()
        return replace(self, lowest=position), Position(position)

    def said(self, now: datetime, rhythm: Rhythm) -> Told:
        """The announcement is over: the pause until the next begins."""
        return replace(self, due=now + timedelta(seconds=rhythm.every_seconds), times=self.times + 1)

    def at_once(self, now: datetime) -> Told:
        """There is something to say that must not wait for the rhythm."""
        return replace(self, due=min(self.due, now))
