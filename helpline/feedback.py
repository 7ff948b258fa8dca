"""Feedback calls: the dialer's list is what awaits feedback, and each outcome goes back to the grievance core.

The dialer knows nothing of complaints, and the grievance core nothing of calls; here the two are put together.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from grievance_core.complaint import Complaint
from grievance_core.errors import NotAllowed
from grievance_core.service import Grievances
from ivr.flows import Question
from outbound_dialer.attempt import Attempt, Contact, ContactKey
from outbound_dialer.outcomes import Disposition
from outbound_dialer.reporting import Outcome
from outbound_dialer.service import Dialer

log = logging.getLogger(__name__)

NUMBER: Final = "complaint"
SATISFIED: Final = "satisfied"
DISSATISFIED: Final = "dissatisfied"
CHANNEL: Final = "feedback_call"
INVALID_NUMBER: Final = "invalid_number"
"""So the history tells the officer that this citizen's number is none: the complaint needs another."""


def contact_of(complaint: Complaint) -> Contact:
    """Whom to ring about this complaint. A new report, and a new round after one that reached nobody, is a new matter.

    So is a second call. Its tries are counted anew.
    """
    if complaint.second_call_due:
        matter = "second"
    else:
        asked = int(complaint.stopped_at.timestamp() * 1000) if complaint.stopped_at else 0
        matter = f"{asked}/{complaint.unreached}" if complaint.unreached else f"{asked}"
    return Contact(
        key=ContactKey(f"{complaint.number}/{matter}"),
        number=complaint.caller,
        language=complaint.language,
        context={NUMBER: complaint.number},
    )


def is_second_call(attempt: Attempt, complaint: Complaint) -> bool:
    """Whether this attempt is the blind second call that is due: one of the first call may end after the draw."""
    return complaint.second_call_due and attempt.contact == contact_of(complaint).key


class FeedbackCalls:
    """The dialer's source of contacts and the receiver of its outcomes."""

    def __init__(self, grievances: Grievances) -> None:
        self._grievances = grievances

    async def due(self, limit: int, now: datetime) -> Sequence[Contact]:
        """Complaints whose citizen is to be rung by now, longest due first."""
        return [contact_of(complaint) for complaint in await self._grievances.awaiting_feedback(limit, now)]

    async def take(self, outcome: Outcome) -> None:
        """Carry an outcome into the complaint's life. Safe to repeat: the grievance core takes an attempt once.

        Only a citizen's own answer is feedback. One who was not reached is counted when the round of tries is over.
        """
        attempt = outcome.attempt
        number = attempt.context[NUMBER]
        try:
            if is_second_call(attempt, await self._grievances.get(number)):
                await self._take_second(number, outcome)
            elif outcome.result in (SATISFIED, DISSATISFIED):
                await self._grievances.feedback(
                    number, satisfied=outcome.result == SATISFIED, attempt=attempt.id, channel=CHANNEL
                )
            elif outcome.round_over:
                wrong = outcome.disposition is Disposition.INVALID_NUMBER
                reason = INVALID_NUMBER if wrong else ""
                await self._grievances.feedback_missed(number, attempt=attempt.id, channel=CHANNEL, reason=reason)
        except NotAllowed as refusal:
            # The complaint went on without this call: its citizen dialled 1076 and answered there, or it was withdrawn.
            log.info(
                "A feedback call came too late for its complaint",
                extra={"action": "feedback_late", "complaint": number, "attempt": attempt.id, "why": str(refusal)},
            )

    async def _take_second(self, number: str, outcome: Outcome) -> None:
        """Of a blind second call: it looked like any other to whoever made it and to whoever took it."""
        attempt = outcome.attempt.id
        if outcome.result in (SATISFIED, DISSATISFIED):
            satisfied = outcome.result == SATISFIED
            await self._grievances.second_feedback(number, satisfied=satisfied, attempt=attempt, channel=CHANNEL)
        elif outcome.round_over:
            await self._grievances.second_call_missed(number, attempt=attempt, channel=CHANNEL)


class FeedbackSurvey:
    """What the flow of a feedback call asks: the dialer knows the attempt, the grievance core the complaint."""

    def __init__(self, dialer: Dialer, grievances: Grievances) -> None:
        self._dialer = dialer
        self._grievances = grievances

    async def question(self, call_id: str) -> Question | None:
        """What this call is about; None when its complaint no longer awaits feedback."""
        attempt = await self._dialer.attempt_for(call_id)
        if attempt is None:
            return None
        complaint = await self._grievances.get(attempt.context[NUMBER])
        if not (complaint.feedback_wanted or is_second_call(attempt, complaint)):
            return None
        return Question(number=complaint.number, language=complaint.language)

    async def finish(self, call_id: str, result: str) -> bool:
        """Keep the answer of this call; False when one was told before."""
        attempt = await self._dialer.attempt_for(call_id)
        return attempt is not None and await self._dialer.finish(attempt.id, result)
