"""Work items: what an agent does for a citizen without a call, such as typing up a recorded complaint. Pure values.

They are matched by the same rules as callers, below them until they are due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One piece of work. `about` is for the agent's eyes: a complaint's number, a file; no personal data.

    `seconds`: how long an agent may have it before it is offered to the next one. `agent`: who has it now, "" for
    nobody. `place` is given when it is added: its arrival among all others. Of a recorded complaint `sound` is the
    file, `caller` who spoke ("" when withheld) and `language` what they chose.
    """

    id: str
    queue: str
    added_at: datetime
    due_at: datetime
    about: str
    needs: tuple[str, ...] = ()
    prefers: tuple[str, ...] = ()
    seconds: float = 900.0
    place: int = 0
    agent: str = ""
    sound: str = ""
    caller: str = field(default="", repr=False)
    language: str = ""
