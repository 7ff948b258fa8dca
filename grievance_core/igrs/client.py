"""The line to IGRS: carries letters there, and fetches what officers reported."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

import httpx

from grievance_core.complaint import Complaint
from grievance_core.errors import GrievanceError, StoreError
from grievance_core.igrs.wire import CHANGES_PATH, REPORTS_PATH, TAKEN_PATH, Report, report
from grievance_core.outbox.box import Kept
from grievance_core.outbox.http import KEY_HEADER, ask

log = logging.getLogger(__name__)


class Reporting(Protocol):
    """Where an officer's report goes; the grievance core's service is one."""

    async def report(
        self, number: str, *, by: str, text: str, channel: str, visited: bool | None, attempt: str | None
    ) -> Complaint: ...


class Igrs:
    """One connection pool to IGRS. `http` has its address and credentials; see `outbox.http.opened`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def send(self, letter: Kept) -> str:
        """Tell IGRS of a change; what it answered. Raises NotDelivered."""
        answer = await self._asked("POST", CHANGES_PATH, json=letter.body, headers={KEY_HEADER: letter.key})
        reference = answer.get("reference")
        return f"reference {reference}" if reference else "taken"

    async def fetch(self, service: Reporting) -> int:
        """Take every report that IGRS has for us, each once; how many were new. Raises NotDelivered.

        A report counts as taken only when it is stored: one whose "taken" is lost comes again and changes nothing.
        One that can't be (a number nobody has, a complaint that is closed) is told to IGRS with the reason.
        """
        answer = await self._asked("GET", REPORTS_PATH)
        rows = answer.get("reports")
        taken: list[dict[str, str]] = []
        for row in rows if isinstance(rows, list) else []:
            fate = await self._take(row, service)
            if fate is not None:
                taken.append(fate)
        if taken:
            await self._asked("POST", TAKEN_PATH, json={"taken": taken})
        return len(taken)

    async def _take(self, row: Any, service: Reporting) -> dict[str, str] | None:
        """What IGRS is told about a report; None for one that is tried again at the next fetch."""
        id = str(row.get("id", "")) if isinstance(row, dict) else ""
        try:
            found: Report = report(row if isinstance(row, dict) else {})
            await service.report(
                found.complaint,
                by=found.by,
                text=found.text,
                channel="igrs",
                visited=found.visited,
                attempt=f"igrs-{found.id}",
            )
        except StoreError:
            log.warning(
                "A report could not be stored and is fetched again", extra={"action": "igrs_later", "report": id}
            )
            return None
        except (GrievanceError, ValueError) as error:
            log.warning("A report of IGRS was refused", extra={"action": "igrs_refused", "report": id})
            return {"id": id, "refused": str(error)} if id else None
        return {"id": id}

    async def _asked(self, method: str, path: str, **request: Any) -> Mapping[str, Any]:
        return await ask(self._http, method, path, whom="IGRS", **request)
