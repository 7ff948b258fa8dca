"""One attempt to reach a citizen by telephone, as a frozen value, and whom it tries to reach: pure.

An attempt is written down before the telephone network hears of it. Its id is chosen by us and is also the ChannelId
of the outgoing call, so that after a crash each attempt can be found among Asterisk's channels, or found gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NewType

from outbound_dialer.errors import InvalidContact
from outbound_dialer.outcomes import Disposition

AttemptId = NewType("AttemptId", str)
ContactKey = NewType("ContactKey", str)
"""What makes two contacts the same matter. One that may be asked about anew gets a new key (complaint and report)."""

KEY_PATTERN: Final = re.compile(r"[\w.:/+-]{1,100}", re.ASCII)
LANGUAGE_PATTERN: Final = re.compile(r"[a-z]{2,8}", re.ASCII)
NUMBER_LIMIT: Final = 32  # characters
RESULT_LIMIT: Final = 40  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to ring, as the source names it.

    `key` must match KEY_PATTERN. `number` is national digits, as `telephony.numbers.national` writes them; "" is
    reported as an invalid number. `context` is handed back with the attempt, for the flow and the receiver.
    """

    key: ContactKey
    number: str = field(repr=False)
    language: str = "hi"
    context: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not KEY_PATTERN.fullmatch(self.key):
            raise InvalidContact(
                f"A contact's key must be 1 to 100 letters, digits or signs of . : / + - _, not {self.key!r}. "
                "Mend the source that named it."
            )
        if not LANGUAGE_PATTERN.fullmatch(self.language):
            raise InvalidContact(f"The language of contact {self.key} must be one such as hi, not {self.language!r}.")
        if len(self.number) > NUMBER_LIMIT:
            raise InvalidContact(f"The number of contact {self.key} is longer than {NUMBER_LIMIT} characters.")


class State(StrEnum):
    """Where an attempt is in its life."""

    WRITTEN = "written"  # chosen; the telephone has certainly not rung
    RINGING = "ringing"  # handed to Asterisk: from here on the telephone may have rung
    ANSWERED = "answered"
    ENDED = "ended"  # the line is free


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt at one moment of its life. The times say how far it has come."""

    id: AttemptId  # also the call's id
    campaign: str
    contact: ContactKey
    number: str = field(repr=False)
    language: str
    context: Mapping[str, str] = field(default_factory=dict, repr=False)
    written_at: datetime
    rung_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    reported_at: datetime | None = None  # the receiver has taken the outcome
    disposition: Disposition | None = None  # how it came out; known before the end when a result is given in the call
    result: str = ""  # what the citizen answered, in the receiver's own word
    retry_at: datetime | None = None  # when the contact may be rung again; None: never
    round_over: bool = False  # no more tries soon: the citizen counts as not reached
    cause: int | None = None  # Q.850 cause of the hang-up, if told

    @property
    def state(self) -> State:
        if self.ended_at is not None:
            return State.ENDED
        if self.answered_at is not None:
            return State.ANSWERED
        return State.WRITTEN if self.rung_at is None else State.RINGING

    @property
    def open(self) -> bool:
        """Whether it may still hold a line."""
        return self.ended_at is None


def written(contact: Contact, *, attempt_id: AttemptId, campaign: str, at: datetime) -> Attempt:
    """A new attempt to reach this contact."""
    return Attempt(
        id=attempt_id,
        campaign=campaign,
        contact=contact.key,
        number=contact.number,
        language=contact.language,
        context=MappingProxyType(dict(contact.context)),
        written_at=at,
    )


def rung(attempt: Attempt, at: datetime) -> Attempt:
    """It is handed to Asterisk now."""
    return attempt if attempt.rung_at or not attempt.open else replace(attempt, rung_at=at)


def answered(attempt: Attempt, at: datetime) -> Attempt:
    """The citizen answered. An ended attempt stays as it is."""
    if attempt.answered_at or not attempt.open:
        return attempt
    return replace(attempt, rung_at=attempt.rung_at or at, answered_at=at)


def resolved(
    attempt: Attempt, disposition: Disposition, *, retry_at: datetime | None, round_over: bool, result: str = ""
) -> Attempt:
    """How it came out is known now. The first to say so wins: it may have been reported already."""
    if attempt.disposition is not None:
        return attempt
    return replace(attempt, disposition=disposition, result=result, retry_at=retry_at, round_over=round_over)


def ended(attempt: Attempt, at: datetime, *, cause: int | None) -> Attempt:
    """Its line is free. How it came out must be known."""
    if attempt.disposition is None:
        raise ValueError(f"attempt {attempt.id} can't end before it is resolved")
    return attempt if not attempt.open else replace(attempt, ended_at=at, cause=cause)
