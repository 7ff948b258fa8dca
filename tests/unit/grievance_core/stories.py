"""Short stories that several tests begin with."""

from __future__ import annotations

from grievance_core.catalogue import Catalogue
from grievance_core.service import Grievances
from grievance_core.testing import a_draft

CATALOGUE = Catalogue.shipped()


async def reported(grievances: Grievances, **changes: str) -> str:
    """The number of a fresh complaint that awaits feedback."""
    complaint = await grievances.register(a_draft(**changes))
    await grievances.report(complaint.number, by="JE Lucknow", text="ट्रांसफार्मर बदल दिया")
    return complaint.number


async def refuse(grievances: Grievances, number: str, attempt: str) -> None:
    await grievances.feedback(number, satisfied=False, attempt=attempt, channel="call")
