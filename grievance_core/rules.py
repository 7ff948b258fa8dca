"""What the life of a complaint is decided by, beside its table: who answers, within which time, and the policy."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from grievance_core.catalogue import TOP_LEVEL, Catalogue
from grievance_core.limits import Limit
from grievance_core.officers import PostId
from grievance_core.outbox.letters import Letters, no_letters
from grievance_core.posts.owners import owners_by
from grievance_core.posts.roster import Roster
from grievance_core.working_days import WorkingCalendar


class Owner(Protocol):
    """Who answers for a complaint. `posts.owners.Owned` is one."""

    @property
    def post(self) -> PostId: ...

    @property
    def level(self) -> int:
        """1 to 4, or 5 for the leadership; may be above the one that was asked for."""
        ...

    @property
    def flags(self) -> tuple[str, ...]:
        """Why not the mapped officer of the level: vacant, on_leave, against_officer …"""
        ...


SECOND_CALL_HOURS = (24, 96)
"""The earliest and the latest hour after the first call."""

Owners = Callable[[str, str, int, datetime, "PostId | None"], Owner]
"""(category, district, level 1 to 5, when, the post it is against) → who answers. Never nobody."""


def mapped_owners(catalogue: Catalogue) -> Owners:
    """Owners by the designations of categories.csv, as if every post were held: those of an empty roster."""
    return owners_by(Roster, catalogue, zone=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the leadership may set."""

    cap_per_month: int | None = None  # complaints per phone number and calendar month; 10 in today's rule
    ask_again_after: timedelta = timedelta(days=3)  # the lower rhythm for who was not reached in a round of calls
    ask_within: timedelta = timedelta()  # after a report; when exactly is drawn, so that no officer can be there first
    feedback_span: timedelta = timedelta(days=21)  # then the superior decides
    most_transfers: int = 2  # then a supervisor decides
    most_extension_days: int = 15
    second_calls: float = 0.0  # the share of the satisfied who are rung once more; 0.02 to 0.05 in today's rule
    wrong_pins: int = 5  # in a day, for one number


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All of it, as it is given to the functions of `life.py`."""

    catalogue: Catalogue
    calendar: WorkingCalendar
    owners: Owners
    policy: Policy = field(default_factory=Policy)
    letters: Letters = no_letters  # what a change means for other systems
    draw_key: bytes = field(default=b"", repr=False)  # whoever has it can foretell, and check, when citizens are rung

    @classmethod
    def shipped(cls, catalogue: Catalogue | None = None) -> Rules:
        """The rules that ship: the state's holidays, owners by designation."""
        known = catalogue or Catalogue.shipped()
        return cls(catalogue=known, calendar=WorkingCalendar(), owners=mapped_owners(known))

    def ask_at(self, number: str, version: int, at: datetime) -> datetime:
        """When the citizen is rung first about a report: drawn evenly, the same each time it is asked."""
        if not self.policy.ask_within:
            return at
        drawn = hmac.digest(self.draw_key, f"{number}:{version}".encode(), "sha256")
        return at + self.policy.ask_within * (int.from_bytes(drawn[:7]) / (1 << 56))

    def second_call_after(self, number: str, attempt: str) -> int:
        """In how many hours one who was satisfied in this call is rung once more; 0: not at all.

        Drawn from the key, so nobody can foretell it, and whoever has the key can show that nobody bent it.
        """
        drawn = hmac.digest(self.draw_key, f"second:{number}:{attempt}".encode(), "sha256")
        if int.from_bytes(drawn[:7]) / (1 << 56) >= self.policy.second_calls:
            return 0
        return SECOND_CALL_HOURS[0] + int.from_bytes(drawn[7:11]) % (SECOND_CALL_HOURS[1] - SECOND_CALL_HOURS[0] + 1)

    def limit(self, category: str, level: int) -> Limit:
        """How long this level has; the leadership has as long as L4."""
        return self.catalogue.category(category).limits[min(level, TOP_LEVEL) - 1]
