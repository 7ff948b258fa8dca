"""An officer's question to a citizen: an agent gets it as work, rings the citizen, and types the answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from acd.live.work import WorkItem
from grievance_core.complaint import Complaint
from grievance_core.numbers import spoken_groups
from grievance_core.service import Grievances
from helpline.lifeline import AddWork

ASKED_WITHIN: Final = timedelta(hours=4)
"""Until then callers come first; the officer's clock runs meanwhile."""
SECONDS_PER_ITEM: Final = 600.0
QUESTION: Final = "question-"
"""So these work items begin."""


class Questions:
    """Hands each open question out once a day, until it is answered."""

    def __init__(self, grievances: Grievances, add_work: AddWork) -> None:
        self._grievances = grievances
        self._add_work = add_work
        self._given: dict[str, datetime] = {}  # by item; a new controller hands them out once more

    async def hand_out(self, now: datetime, *, queue: str) -> int:
        """Make work of the questions that are not in an agent's hands yet; how many."""
        self._given = {item: at for item, at in self._given.items() if now - at < timedelta(days=1)}
        new = [(item_id(one), one) for one in await self._grievances.open_questions()]
        new = [(item, one) for item, one in new if item not in self._given]
        for item, complaint in new:
            await self._add_work(_to_ask(item, complaint, queue=queue, now=now))
            self._given[item] = now
        return len(new)


def item_id(complaint: Complaint) -> str:
    """Two questions on one complaint are two pieces of work."""
    asked = complaint.question_at.timestamp() if complaint.question_at else 0
    return f"{QUESTION}{complaint.number}-{asked:.0f}"


def _to_ask(item: str, complaint: Complaint, *, queue: str, now: datetime) -> WorkItem:
    return WorkItem(
        id=item,
        queue=queue,
        added_at=now,
        due_at=(complaint.question_at or now) + ASKED_WITHIN,
        about=f"An officer asks the citizen of complaint {' '.join(spoken_groups(complaint.number))}: ring them, and "
        "type the answer on its page.",
        needs=(f"language:{complaint.language}",),
        seconds=SECONDS_PER_ITEM,
        language=complaint.language,
    )
