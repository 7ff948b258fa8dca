"""A letter to another system, and when it is tried again. Pure.

A letter is written in the transaction of the change that it tells of: there is never one without the other. It has a
key of its own, which the other side keeps, so that a letter sent twice is taken once. Letters of one lane are sent in
the order in which they were written, each after the one before has arrived; lanes do not wait for each other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from grievance_core.complaint import Complaint, Event

KEY_LIMIT: Final = 60
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=30)
JITTER: Final = 0.25  # of the pause, more or less: a thousand letters must not knock at the same second
TRIED_FOR: Final = timedelta(days=3)
"""A letter that did not arrive for so long is put before a person."""


class State(StrEnum):
    """Where a letter is in its life."""

    WAITING = "waiting"  # to be sent, or to be tried again
    SENT = "sent"
    DEAD = "dead"  # refused for good, or tried for too long: a person decides
    DROPPED = "dropped"  # a person decided that it need not arrive; the reason is on record


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """To be written into the outbox."""

    to: str  # the system: igrs, sms
    key: str  # its own for ever, and for the other side: at most KEY_LIMIT signs
    lane: str  # letters of one lane keep their order
    about: str  # the complaint's number
    body: Mapping[str, Any] = field(repr=False)  # what is sent, as JSON


Letters = Callable[[Complaint, Sequence[Event]], Sequence[Letter]]
"""What a change means for the outside: the complaint as it is after it, and its new events."""


def no_letters(_complaint: Complaint, _events: Sequence[Event]) -> tuple[Letter, ...]:
    """For a house that tells nobody."""
    return ()


def all_of(writers: Sequence[Letters]) -> Letters:
    """The letters of several systems."""

    def letters(complaint: Complaint, events: Sequence[Event]) -> list[Letter]:
        return [letter for write in writers for letter in write(complaint, events)]

    return letters


def next_try(*, key: str, tries: int, now: datetime, asked: timedelta | None = None) -> datetime:
    """When a letter that failed `tries` times is tried again: twice as long each time, spread by its key.

    `asked` is what the other side asked for (Retry-After), which is kept when it is longer.
    """
    pause = min(FIRST_PAUSE * (1 << min(tries - 1, 20)), LONGEST_PAUSE)
    pause *= 1 + JITTER * (2 * random.Random(f"{key}:{tries}").random() - 1)
    return now + (pause if asked is None else max(pause, asked))
