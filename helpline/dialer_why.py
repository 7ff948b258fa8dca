"""Why somebody is or is not rung now: every gate in words, for feedback calls and for the contacts of campaigns.

That a satisfied citizen is drawn for a second call, and when a citizen is to be asked, is told to nobody, so not here
either: of feedback only what awaits an answer is shown, and of its time only whether it has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from grievance_core.complaint import Complaint
from helpline.feedback import contact_of
from outbound_dialer.attempt import ContactKey
from outbound_dialer.contacts import Contacts, ListContact
from outbound_dialer.gates import Gate, gates
from outbound_dialer.rules import Rules
from outbound_dialer.store import AttemptStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The gates of one contact; it is rung when a line is free, just when all are open."""

    campaign: str
    contact: str
    gates: Sequence[Gate]

    @property
    def rings(self) -> bool:
        return all(gate.is_open for gate in self.gates)


async def answers(
    asked: str,
    complaints: Sequence[Complaint],
    sessions: async_sessionmaker[AsyncSession],
    *,
    rules: Rules,
    campaign: str,
    now: datetime,
) -> list[Answer]:
    """One for each of these complaints that awaits feedback, and for each contact of this number or key on a list."""
    store = AttemptStore(sessions, campaign=campaign)
    listed = await Contacts(sessions, clock=lambda: now).find(asked)
    found = [
        Answer(
            campaign=campaign,
            contact=complaint.number,
            gates=[
                _asked_for(complaint, now),
                *await _gates(store, complaint.caller, contact_of(complaint).key, rules=rules, now=now),
            ],
        )
        for complaint in complaints
        if complaint.feedback_wanted
    ]
    for one in listed:
        key = ContactKey(f"{one.campaign}:{one.key}")
        behind = await _gates(store, one.number, key, rules=rules, now=now)
        found.append(Answer(campaign=one.campaign, contact=one.key, gates=[_list_gate(one), *behind]))
    return found


async def _gates(store: AttemptStore, number: str, key: ContactKey, *, rules: Rules, now: datetime) -> list[Gate]:
    attempts = (await store.of_contacts([key]))[key]
    rung_today = await store.rung_since([number], rules.window.day_begins(now))
    return gates(
        number,
        attempts,
        now=now,
        rules=rules,
        number_in_use=any(one.number == number and one.contact != key for one in await store.open()),
        rung_today=rung_today.get(number, 0),
        barred=bool(await store.barred([number])),
    )


def _asked_for(complaint: Complaint, now: datetime) -> Gate:
    if complaint.ask_at is not None and complaint.ask_at <= now:
        return Gate("feedback", True, "the citizen is to be asked by now")
    return Gate("feedback", False, "it is not time to ask yet; the time after a report is drawn, and told to nobody")


def _list_gate(one: ListContact) -> Gate:
    if one.settled_as is not None:
        return Gate("list", False, f"settled as {one.settled_as.replace('_', ' ')}: not rung again in this campaign")
    return Gate("list", False, "imported lists are kept and shown, but this helpline does not make their calls yet")
