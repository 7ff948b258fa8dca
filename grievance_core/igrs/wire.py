"""The wire format between the helpline and IGRS: the one module that knows it (docs/igrs-wire.md). Pure.

No public specification of IGRS exists, so the format is ours: another one replaces this module and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from grievance_core.complaint import Complaint, Event, for_officers
from grievance_core.lifecycle import EventKind
from grievance_core.outbox.letters import Letter

SYSTEM: Final = "igrs"
VERSION: Final = 1
CHANGES_PATH: Final = "/v1/changes"
REPORTS_PATH: Final = "/v1/reports"
TAKEN_PATH: Final = "/v1/reports/taken"

# When and how a citizen is asked is not for those who are judged by the answer.
NOT_SENT: Final = frozenset(
    {EventKind.FEEDBACK_MISSED, EventKind.WARNED, EventKind.PARENT_REPORTED, EventKind.QUESTION_NOT_ASKED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An officer's report, as IGRS gives it; `id` is IGRS's own for it, for ever."""

    id: str
    complaint: str
    by: str = field(repr=False)
    text: str = field(repr=False)
    visited: bool | None = None


def letters(complaint: Complaint, events: Sequence[Event]) -> list[Letter]:
    """What IGRS is told of a change, one letter an event, in the complaint's own lane."""
    seen = complaint.for_officer()
    return [
        Letter(
            to=SYSTEM,
            key=f"{SYSTEM}:{event.number}:{event.seq}",
            lane=f"{SYSTEM}:{event.number}",
            about=event.number,
            body=change(seen, event),
        )
        for event in for_officers(events)
        if event.kind not in NOT_SENT
    ]


def change(complaint: Complaint, event: Event) -> dict[str, Any]:
    """An event as it is sent; the first one carries the complaint."""
    body: dict[str, Any] = {
        "version": VERSION,
        "complaint": event.number,
        "seq": event.seq,
        "kind": event.kind.value,
        "at": _time(event.at),
        "state": event.state.value,
        "level": event.level,
        "post": event.post,
        "due_at": None if event.due_at is None else _time(event.due_at),
        "text": event.text,
        "report": event.report,
        "reason": event.reason,
    }
    if event.kind is EventKind.REGISTERED:
        body["registered"] = {
            "kind": complaint.kind,
            "category": complaint.category,
            "department": complaint.department,
            "district": complaint.district,
            "language": complaint.language,
            "mobile": complaint.caller,
            "name": complaint.name,
            "confidential": complaint.confidential,
        }
    return body


def report(row: Mapping[str, Any]) -> Report:
    """A report out of IGRS's answer. Raises ValueError that names what is wrong."""
    texts = {}
    for name in ("id", "complaint", "by", "text"):
        value = row.get(name)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"a report without {name}")
        texts[name] = value
    visited = row.get("visited")
    if visited is not None and not isinstance(visited, bool):
        raise ValueError("a report whose visited is neither true, false nor null")
    return Report(**texts, visited=visited)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
