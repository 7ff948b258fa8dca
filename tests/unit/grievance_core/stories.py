"""Short stories that several tests begin with."""

from __future__ import annotations

from datetime import timedelta

from grievance_core.catalogue import Catalogue
from grievance_core.complaint import Complaint, Deed, Event
from grievance_core.life import due_event, happen, register
from grievance_core.lifecycle import EventKind, feedback_event, proposal_event
from grievance_core.numbers import SERIALS, number_for
from grievance_core.rules import Rules, mapped_owners
from grievance_core.service import Grievances
from grievance_core.testing import NOON, FixedClock, a_draft
from grievance_core.working_days import WorkingCalendar, no_holidays

CATALOGUE = Catalogue.shipped()
EVERY_DAY = WorkingCalendar(holidays=no_holidays, days_off=frozenset(), second_saturday_off=False)
RULES = Rules(catalogue=CATALOGUE, calendar=EVERY_DAY, owners=mapped_owners(CATALOGUE))
"""The rules that ship, in offices that never rest: times are as short to reckon as they are to read."""
NUMBER = number_for(SERIALS[0])


def fresh(category: str = "HOM-01", *, rules: Rules = RULES) -> Complaint:
    return register(a_draft(category=category), number=NUMBER, at=NOON, rules=rules)[0]


class Story:
    """A complaint and the clock beside it; each verb is one thing that somebody does."""

    def __init__(self, complaint: Complaint | None = None, *, rules: Rules = RULES) -> None:
        self.rules = rules
        self.complaint = complaint or fresh(rules=rules)
        self.clock = FixedClock()
        self.events: list[Event] = []

    def do(self, kind: EventKind, **deed: object) -> Story:
        done = Deed(at=self.clock(), **{"by": "somebody", "channel": "desk"} | deed)  # type: ignore[arg-type]
        self.complaint, event = happen(self.complaint, kind, done, rules=self.rules)
        self.events.append(event)
        return self

    def wait(self, *, days: float = 0, hours: float = 0) -> Story:
        self.clock.move(days=days, hours=hours)
        return self

    def report(self) -> Story:
        return self.do(EventKind.REPORTED)

    def answer(self, *, satisfied: bool) -> Story:
        before = self.complaint.dissatisfied
        return self.do(feedback_event(satisfied=satisfied, level=self.complaint.level, dissatisfied_before=before))

    def propose(self, *, by_level: int, by: str = "SP") -> Story:
        kind = proposal_event(level=self.complaint.level, by_level=by_level)
        return self.do(kind, by=by, by_level=by_level, reason="in_court", text="x", report="y")

    def clock_strikes(self) -> Story:
        """Until there is nothing due any more."""
        while due := due_event(self.complaint, self.clock(), rules=self.rules):
            self.do(due[0], by="clock", amount=due[1])
        return self

    def time_runs_out(self) -> Story:
        """To the end of this level's time, and over it."""
        assert self.complaint.clock_ends_at is not None
        self.clock.now = self.complaint.clock_ends_at + timedelta(minutes=1)
        return self.clock_strikes()

    @property
    def now(self) -> tuple[str, int]:
        return self.complaint.state, self.complaint.level


async def reported(grievances: Grievances, **changes: str) -> str:
    """The number of a fresh complaint that awaits feedback."""
    complaint = await grievances.register(a_draft(**changes))
    await grievances.report(complaint.number, by="JE Lucknow", text="ट्रांसफार्मर बदल दिया")
    return complaint.number


async def refuse(grievances: Grievances, number: str, attempt: str) -> None:
    await grievances.feedback(number, satisfied=False, attempt=attempt, channel="call")
