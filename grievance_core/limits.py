"""Time limits: until when a level must have reported.

Limits are whole days from the arrival at the level (domain.md, section 7). A due time is set once, on entering a
level; no report, comment or feedback sets it anew. While feedback is awaited the clock stands still, and what was
waited is added when it runs on, so that a slow feedback call costs the officer nothing and wins them nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from grievance_core.catalogue import LEVELS, Category


def due_time(category: Category, level: int, entered: datetime) -> datetime:
    """When the level's time runs out for a complaint that enters it at `entered` (aware)."""
    if level not in LEVELS:
        raise ValueError(f"levels go from 1 to 4, this is {level}")
    if entered.tzinfo is None:
        raise ValueError("a due time needs an aware datetime")
    return entered + timedelta(days=category.days[level - 1])
