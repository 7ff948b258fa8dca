"""Time limits: how long a level has for a complaint, in working days or in hours by the clock.

Days are those on which offices work; an emergency counts in hours, which no holiday stops (domain.md, section 7: whole
days from the arrival at the level; emergencies and power cuts one).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

MAX_DAYS = 365  # a longer limit is a slip of the key


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a level has. `working`: counted in working days of 24 hours; else by the clock."""

    span: timedelta
    working: bool = True

    def __str__(self) -> str:
        if not self.working:
            return f"{int(self.span.total_seconds() // 3600)}h"
        return str(self.span.days)


def limit_of(text: str) -> Limit | None:
    """The limit in a cell of categories.csv: `7` is seven working days, `24h` is 24 hours; None for anything else."""
    digits, unit = (text[:-1], "h") if text.endswith("h") else (text, "")
    if not (digits.isascii() and digits.isdigit()) or not 1 <= int(digits) <= MAX_DAYS * (24 if unit else 1):
        return None
    return Limit(timedelta(hours=int(digits)), working=False) if unit else Limit(timedelta(days=int(digits)))
