"""The queue's values as the text that Redis keeps, and back. Pure.

What can't be read (of another version, damaged) is None and told in the log: one call must not keep the rest from being
taken up. A field that an older controller did not write has its default.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from acd.engine.events import Kind
from acd.engine.queues import Urgency
from acd.live.work import WorkItem
from acd.records import Conversation, Entry, Request
from acd.waiting.callback import Callback
from acd.waiting.remembered import Left

log = logging.getLogger(__name__)

T = TypeVar("T")


def entry_text(entry: Entry) -> str:
    return json.dumps(_entry_values(entry))


def entry_from(text: str) -> Entry | None:
    return _read(text, _entry)


def conversation_text(conversation: Conversation) -> str:
    return json.dumps(
        {
            "entry": _entry_values(conversation.entry),
            "agent": conversation.agent,
            "since": conversation.since.isoformat(),
            "recording": conversation.recording,
            "answered_at": _time_text(conversation.answered_at),
            "passed_on": conversation.passed_on,
            "ringing": list(conversation.ringing),
            "phone": conversation.phone,
            "why": conversation.why,
        }
    )


def conversation_from(text: str) -> Conversation | None:
    return _read(
        text,
        lambda values: Conversation(
            entry=_entry(values["entry"]),
            agent=str(values["agent"]),
            since=datetime.fromisoformat(values["since"]),
            recording=str(values["recording"]),
            answered_at=_time(values["answered_at"]),
            passed_on=bool(values["passed_on"]),
            ringing=tuple(map(str, values.get("ringing", ()))),
            phone=str(values.get("phone", "")),
            why=str(values.get("why", "")),
        ),
    )


def callback_text(callback: Callback) -> str:
    return json.dumps(
        {
            "entry": _entry_values(callback.entry),
            "owed_since": callback.owed_since.isoformat(),
            "attempts": callback.attempts,
            "ringing": callback.ringing,
            "again_at": _time_text(callback.again_at),
        }
    )


def callback_from(text: str) -> Callback | None:
    return _read(
        text,
        lambda values: Callback(
            entry=_entry(values["entry"]),
            owed_since=datetime.fromisoformat(values["owed_since"]),
            attempts=int(values["attempts"]),
            ringing=str(values["ringing"]),
            again_at=_time(values["again_at"]),
        ),
    )


def left_text(left: Left) -> str:
    return json.dumps({"entry": _entry_values(left.entry), "at": left.at.isoformat()})


def left_from(text: str) -> Left | None:
    return _read(text, lambda values: Left(_entry(values["entry"]), datetime.fromisoformat(values["at"])))


def work_text(item: WorkItem) -> str:
    return json.dumps(
        {
            "id": item.id,
            "queue": item.queue,
            "place": item.place,
            "added_at": item.added_at.isoformat(),
            "due_at": item.due_at.isoformat(),
            "needs": list(item.needs),
            "prefers": list(item.prefers),
            "about": item.about,
            "seconds": item.seconds,
            "agent": item.agent,
            "sound": item.sound,
            "caller": item.caller,
            "language": item.language,
        }
    )


def work_from(text: str) -> WorkItem | None:
    return _read(
        text,
        lambda values: WorkItem(
            id=str(values["id"]),
            queue=str(values["queue"]),
            place=int(values["place"]),
            added_at=datetime.fromisoformat(values["added_at"]),
            due_at=datetime.fromisoformat(values["due_at"]),
            needs=tuple(map(str, values["needs"])),
            prefers=tuple(map(str, values["prefers"])),
            about=str(values["about"]),
            seconds=float(values["seconds"]),
            agent=str(values["agent"]),
            sound=str(values.get("sound", "")),
            caller=str(values.get("caller", "")),
            language=str(values.get("language", "")),
        ),
    )


def _entry_values(entry: Entry) -> dict[str, Any]:
    request = entry.request
    return {
        "call_id": entry.call_id,
        "channel": entry.channel,
        "caller": entry.caller,
        "joined_at": entry.joined_at.isoformat(),
        "place": entry.place,
        "queue": entry.queue,
        "kind": entry.kind.value,
        "front": entry.front,
        "language": request.language,
        "language_required": request.language_required,
        "service": request.service,
        "urgency": request.urgency,
        "needs": list(request.needs),
        "prefers": list(request.prefers),
        "known_agent": request.known_agent,
        "context": dict(request.context),
    }


def _entry(values: Mapping[str, Any]) -> Entry:
    return Entry(
        call_id=str(values["call_id"]),
        channel=str(values["channel"]),
        caller=str(values["caller"]),
        joined_at=datetime.fromisoformat(values["joined_at"]),
        place=int(values["place"]),
        queue=str(values.get("queue", "")),
        kind=Kind(values.get("kind", Kind.CALL)),
        front=int(values.get("front", 0)),
        request=Request(
            language=str(values["language"]),
            service=str(values["service"]),
            context={str(key): str(value) for key, value in values["context"].items()},
            language_required=bool(values["language_required"]),
            urgency=Urgency(values.get("urgency", Urgency.ORDINARY)),
            needs=tuple(map(str, values.get("needs", ()))),
            prefers=tuple(map(str, values.get("prefers", ()))),
            known_agent=str(values.get("known_agent", "")),
        ),
    )


def _time_text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _read(text: str, value_of: Callable[[Mapping[str, Any]], T]) -> T | None:
    try:
        return value_of(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("A call in Redis can't be read", extra={"action": "call_unreadable", "error": str(error)})
        return None
