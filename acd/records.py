"""What the queue keeps of a call: pure values. The first two live in Redis while they last, the third stays in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from acd.engine.events import Caller, Kind
from acd.engine.queues import Urgency
from acd.engine.skills import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks of the queue. `context` is handed through to whoever looks the call up."""

    language: str
    service: str
    context: Mapping[str, str] = field(default_factory=dict)
    language_required: bool = False  # False: somebody idle who speaks another is better than waiting
    urgency: Urgency = Urgency.ORDINARY
    needs: tuple[str, ...] = ()  # skills that the agent must have beyond the queue's own, such as speciality:land
    prefers: tuple[str, ...] = ()  # skills that decide between agents who would do
    known_agent: str = ""  # who knows the matter already

    def with_urgency(self, urgency: Urgency) -> Request:
        return self if urgency == self.urgency else replace(self, urgency=urgency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One who waits since `joined_at` at `place` (a running number of arrivals)."""

    call_id: str
    channel: str
    caller: str = field(repr=False)
    request: Request
    joined_at: datetime
    place: int
    queue: str = ""  # where they stand now, after overflow or a transfer; "": the queue of the service they asked for
    kind: Kind = Kind.CALL
    front: int = 0  # put before all others by a supervisor, the highest number first; 0: not

    def in_line(self) -> Caller:
        """As the engine sees it."""
        request = self.request
        language = (Need(f"language:{request.language}"),)
        return Caller(
            id=self.call_id,
            queue=self.queue or request.service,
            place=self.place,
            joined_at=self.joined_at,
            urgency=Urgency.EMERGENCY if request.service == "emergency" else request.urgency,
            needs=(language if request.language_required else ()) + tuple(Need(skill) for skill in request.needs),
            prefers=(() if request.language_required else language) + tuple(Need(skill) for skill in request.prefers),
            known_agent=request.known_agent,
            kind=self.kind,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A caller with an agent: written before the phone rings, kept until the end was written to the call's record."""

    entry: Entry
    agent: str
    since: datetime  # when the phone began to ring
    recording: str  # file, "" when it is not recorded
    answered_at: datetime | None = None
    passed_on: bool = False  # the agent transferred the caller away, and nobody has answered yet
    ringing: tuple[str, ...] = ()  # all whose phones ring, in a race; once it is answered, `agent` alone counts
    phone: str = ""  # the agent's channel, once it is answered
    why: str = ""  # why this agent was chosen, in the engine's words


class Outcome(StrEnum):
    """How a call stands, or how it ended."""

    WAITING = "waiting"
    TALKING = "talking"
    SERVED = "served"
    ABANDONED = "abandoned"  # the caller left before an answer
    NOT_SERVED = "not_served"  # the queue gave up on them
    CALLBACK = "callback"  # the caller keeps the place and is rung: the call that is made then has a line of its own
    MESSAGE = "message"  # the caller leaves a message instead
    NOT_REACHED = "not_reached"  # a callback that was tried as often as is right
    LOST = "lost"  # nobody knows: the engine's memory of it was gone


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call's line for the figures."""

    call_id: str
    caller: str = field(repr=False)
    language: str
    service: str
    joined_at: datetime
    outcome: Outcome
    answered_at: datetime | None = None
    agent: str = ""
    ended_at: datetime | None = None
    recording: str = ""


def record_of(
    entry: Entry,
    outcome: Outcome,
    *,
    conversation: Conversation | None = None,
    answered_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> CallRecord:
    """The line of that call as it stands."""
    return CallRecord(
        call_id=entry.call_id,
        caller=entry.caller,
        language=entry.request.language,
        service=entry.request.service,
        joined_at=entry.joined_at,
        outcome=outcome,
        answered_at=answered_at or (conversation.answered_at if conversation else None),
        agent=conversation.agent if conversation else "",
        ended_at=ended_at,
        recording=conversation.recording if conversation else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An agent and the caller talked. `ended_by`: agent, caller, or transferred (the caller was passed on)."""

    agent: str
    talk_seconds: float
    recording: str
    ended_by: str


@dataclass(frozen=True, slots=True)
class NotServed:
    """The queue let the caller go without an agent; the caller is still there."""

    reason: str


@dataclass(frozen=True, slots=True)
class CallbackOwed:
    """The caller keeps the place and will be rung: they were told so, and the call may end."""

    request: Request


@dataclass(frozen=True, slots=True)
class WantsMessage:
    """The caller would rather leave the complaint as a message: out of the queue, still on the line."""

    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A call that the queue knew before it came. Served: its conversation is over. Not: ask `wait_for_agent` with the
    same request; the place was kept. `called_back`: we rang this citizen, who was owed it."""

    request: Request
    served: Served | None
    called_back: bool = False
