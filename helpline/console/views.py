"""Values of the rooms as plain dicts: what the JSON API answers and what `--json` prints. Times are ISO 8601."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from acd.history.levels import Level, Share
from acd.live.work import WorkItem
from acd.snapshot import OwedCall, Snapshot, WaitingCaller
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
        "urgency": waiter.urgency,
    }


def owed_view(owed: OwedCall) -> dict[str, Any]:
    return {
        "call": owed.call_id,
        "caller": owed.caller,
        "queue": owed.queue,
        "since": iso(owed.since),
        "attempts": owed.attempts,
        "rings": owed.rings,
        "again_at": iso(owed.again_at),
    }


def work_view(item: WorkItem) -> dict[str, Any]:
    return {
        "item": item.id,
        "queue": item.queue,
        "about": item.about,
        "since": iso(item.added_at),
        "due_at": iso(item.due_at),
        "agent": item.agent,
    }


def level_view(level: Level) -> dict[str, Any]:
    """The figures of one queue ("" is all of them) in one interval, with what each was made of."""

    def share(of: Share) -> dict[str, int]:
        return {"of": of.of, "among": of.among}

    return {
        "queue": level.queue,
        "begins": iso(level.begins),
        "ends": iso(level.ends),
        "promise": {"seconds": level.promise.seconds, "share": level.promise.share},
        "reached": level.reached,
        "answered": level.answered,
        "waiting": level.waiting,
        "sent_on": level.sent_on,
        "left_at_once": level.short,
        "service_level": share(level.service_level),
        "service_level_of_answered": share(level.other_service_level),
        "abandonment": share(level.abandonment),
        "speed_of_answer_seconds": level.speed_of_answer,
        "longest_answered_seconds": level.longest_seconds,
    }


def queue_view(queue: Snapshot) -> dict[str, Any]:
    counted = queue.counted
    return {
        "at": iso(queue.at),
        "waiting_count": counted.waiting,
        "talking_count": counted.talking,
        "callbacks_count": sum(counted.callbacks.values()),
        "work_count": counted.work,
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
        "callbacks": [owed_view(owed) for owed in queue.callbacks],
        "callbacks_given_up": queue.callbacks_given_up,
        "work": [work_view(item) for item in queue.work],
        "closed": list(queue.closed),
        "notice": dict(queue.notice),
        "levels": {name: level_view(level) for name, level in queue.levels.items()},
        "recent": {name: level_view(level) for name, level in queue.recent.items()},
        "lag_seconds": queue.lag,
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
        "confidential": complaint.confidential,
        "flags": complaint.flags.split(),
        "excluded": complaint.excluded,
        "parent": complaint.parent,
        "supporters": complaint.supporters,
        "supporters_for": complaint.supporters_for,
        "supporters_against": complaint.supporters_against,
        "proposed_by": complaint.proposed_by,
        "proposed_reason": complaint.proposed_reason,
        "transfers": complaint.transfers,
        "extended_days": complaint.extended,
        "question_at": iso(complaint.question_at),
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
        "by_level": event.by_level,
        "about": event.about,
        "amount": event.amount,
        "due_at": iso(event.due_at),
    }


def voice_view(message: VoiceMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "path": message.path,
        "caller": message.caller,
        "taken_at": iso(message.taken_at),
        "filed_at": iso(message.filed_at),
    }
