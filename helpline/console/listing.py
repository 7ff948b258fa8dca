"""Lists of complaints for the office and for status."""

from __future__ import annotations

from datetime import UTC, datetime

from grievance_core.complaint import Complaint
from grievance_core.lifecycle import FINAL, State
from grievance_core.service import Grievances

FAR = datetime.max.replace(tzinfo=UTC)
LIST_LIMIT = 1000


async def counts_by_state(grievances: Grievances) -> dict[str, int]:
    """How many complaints are in each state that holds any."""
    counts = {state.value: len(await grievances.find(state=state, limit=LIST_LIMIT)) for state in State}
    return {state: count for state, count in counts.items() if count}


async def open_complaints(
    grievances: Grievances, *, district: str = "", department: str = "", level: int | None = None
) -> list[Complaint]:
    """Open complaints that meet all conditions given, oldest due first; those whose clock stands still come last."""
    found = [
        complaint
        for state in State
        if state not in FINAL
        for complaint in await grievances.find(state=state, limit=LIST_LIMIT)
        if (not district or complaint.district == district)
        and (not department or complaint.department == department)
        and (level is None or complaint.level == level)
    ]
    return sorted(found, key=lambda complaint: (complaint.clock_ends_at or FAR, complaint.registered_at))
