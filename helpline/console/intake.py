"""What the desk's form becomes: a complaint, a reminder of one, a part of another, or a refusal with where to go.

Before a complaint is registered the agent is offered what may be the same trouble, and decides; beyond the month's cap
it is a reminder or a supervisor allows it. No caller is hung up on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from grievance_core.complaint import Complaint, Draft
from grievance_core.duplicates import Alike
from grievance_core.errors import CapReached
from grievance_core.service import Grievances
from helpline.console.forms import Typed

FIELDS: Final = ("confidential", "against", "excluded", "allowed_by", "choice")
OPEN_LIMIT: Final = 20  # of the caller's complaints that a further one may be a reminder of


@dataclass(frozen=True, slots=True)
class Offer:
    """Not registered yet: what may be the same trouble; `capped` if a supervisor must allow a further one."""

    alike: tuple[Alike, ...]
    capped: bool = False


@dataclass(frozen=True, slots=True)
class Noted:
    """Taken as a reminder of this one."""

    complaint: Complaint


async def take_in(grievances: Grievances, draft: Draft, values: Typed) -> Complaint | Noted | Offer:
    """Do what the agent chose; without a choice, offer what is alike, or register when nothing is."""
    draft = _with_marks(grievances, draft, values)
    does, _, number = values["choice"].partition(":")
    by, channel = draft.agent or "agent", draft.channel
    if values["excluded"]:
        return await grievances.refuse(draft, matter=values["excluded"])
    if does == "remind":
        return Noted(await grievances.remind(number, text=draft.text, by=by, channel=channel))
    if not does:
        # What was registered in this very call is no repeat: the same form sent twice, or a second matter.
        found = [
            one
            for one in await grievances.alike(draft)
            if draft.call_id is None or one.complaint.call_id != draft.call_id
        ]
        if found:
            return Offer(tuple(found))
    try:
        complaint = await grievances.register(draft, allowed_by=values["allowed_by"])
    except CapReached:
        mine = await grievances.find(caller=draft.caller, limit=OPEN_LIMIT)
        return Offer(tuple(Alike(one, "repeat", 0.0) for one in mine if one.is_open), capped=True)
    if does == "merge":
        return await grievances.merge(complaint.number, into=number, by=by, channel=channel)
    return complaint


def _with_marks(grievances: Grievances, draft: Draft, values: Typed) -> Draft:
    """Confidential, and against the officer of which level."""
    accused = None
    if values["against"] in {"1", "2", "3", "4"}:
        level, now = int(values["against"]), grievances.now()
        accused = grievances.rules.owners(draft.category, draft.district, level, now, None).post
    return replace(draft, confidential=bool(values["confidential"]), accused=accused)
