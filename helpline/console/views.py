"""Values of the rooms as plain dicts: what the JSON API answers and what `--json` prints. Times are ISO 8601."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from acd.snapshot import Snapshot, WaitingCaller
from agents.agent import Agent, NewAgent
from grievance_core.complaint import Complaint, Event
from grievance_core.service import Grievances
from grievance_core.store import VoiceMessage


def iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def agent_view(agent: Agent) -> dict[str, Any]:
    presence = agent.presence
    return {
        "id": agent.id,
        "name": agent.name,
        "languages": list(agent.languages),
        "skills": dict(agent.skills),
        "line": agent.line.value,
        "line_open": agent.line_open,
        "auto_answer": agent.auto_answer,
        "busy_share": round(agent.busy_share, 3),
        "endpoint": agent.endpoint,
        "phone_reachable": agent.phone_reachable,
        "presence": agent.state.value,
        "since": iso(agent.since),
        "reason": agent.reason,
        "call": agent.call,
        "until": iso(presence.until),
        "extended": presence.extended,
        "afterwards": presence.afterwards.value if agent.call else None,
    }


def new_agent_view(new: NewAgent) -> dict[str, Any]:
    """With the two secrets: they are shown this once."""
    return agent_view(new.agent) | {"password": new.password, "pin": new.pin}


def waiter_view(waiter: WaitingCaller) -> dict[str, Any]:
    return {
        "position": waiter.position,
        "call": waiter.call_id,
        "caller": waiter.caller,
        "language": waiter.language,
        "service": waiter.service,
        "since": iso(waiter.since),
        "attached": waiter.attached,
        "rings": waiter.agent,
    }


def queue_view(queue: Snapshot) -> dict[str, Any]:
    return {
        "at": iso(queue.at),
        "waiting": [waiter_view(waiter) for waiter in queue.waiting],
        "talking": [
            {
                "agent": talk.agent,
                "call": talk.call_id,
                "caller": talk.caller,
                "language": talk.language,
                "service": talk.service,
                "since": iso(talk.since),
                "recording": talk.recording,
            }
            for talk in queue.talking
        ],
        "repairs": dict(queue.repairs),
    }


def complaint_view(complaint: Complaint, grievances: Grievances) -> dict[str, Any]:
    post = grievances.post_of(complaint)
    return {
        "number": complaint.number,
        "kind": complaint.kind,
        "state": complaint.state.value,
        "level": complaint.level,
        "officer": post.title,
        "post": complaint.post,
        "category": complaint.category,
        "department": complaint.department,
        "district": complaint.district,
        "text": complaint.text,
        "caller": complaint.caller,
        "name": complaint.name,
        "language": complaint.language,
        "channel": complaint.channel,
        "call": complaint.call_id,
        "agent": complaint.agent,
        "registered_at": iso(complaint.registered_at),
        "due_at": iso(complaint.due_at),
        "clock_ends_at": iso(complaint.clock_ends_at),
        "reported_at": iso(complaint.reported_at),
        "closed_at": iso(complaint.closed_at),
        "dissatisfied": complaint.dissatisfied,
        "missed": complaint.missed,
        "overdue": complaint.overdue,
    }


def event_view(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "kind": event.kind.value,
        "at": iso(event.at),
        "by": event.by,
        "channel": event.channel,
        "state": event.state.value,
        "level": event.level,
        "post": event.post,
        "text": event.text,
        "report": event.report,
        "reason": event.reason,
        "attempt": event.attempt,
    }


def voice_view(message: VoiceMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "path": message.path,
        "caller": message.caller,
        "taken_at": iso(message.taken_at),
        "filed_at": iso(message.filed_at),
    }
