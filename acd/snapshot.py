"""What the console and the command line see of the queue at one moment. Pure values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from acd.engine import Engine
from acd.records import Conversation, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCaller:
    """One who has not been answered yet, in line from position 1."""

    position: int
    call_id: str
    caller: str = field(repr=False)  # national number, "" when withheld
    language: str
    service: str
    since: datetime  # joined; kept through restarts
    attached: bool  # False: the caller's session is not there (a restart); the place is held
    agent: str = ""  # whose phone rings for them now


@dataclass(frozen=True, slots=True, kw_only=True)
class Talking:
    """One conversation."""

    call_id: str
    caller: str = field(repr=False)
    language: str
    service: str
    agent: str
    since: datetime  # answered
    recording: str  # file, "" when it is not recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCall:
    """A call that waits, rings or is talked on (`Acd.call`), for whoever sees only its id in an agent's presence."""

    call_id: str
    caller: str = field(repr=False)
    language: str
    service: str
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The queue at one moment."""

    at: datetime
    waiting: tuple[WaitingCaller, ...]
    talking: tuple[Talking, ...]
    repairs: Mapping[str, int]  # what had to be mended since the start, by kind: each is worth a look


def snapshot_of(
    *,
    at: datetime,
    engine: Engine,
    entries: Mapping[str, Entry],
    conversations: Iterable[Conversation],
    repairs: Mapping[str, int],
) -> Snapshot:
    """Put together from what the queue keeps."""
    waiting = []
    for position, caller in enumerate(engine.waiting(), start=1):
        entry, offer = entries[caller.id], engine.offer_to(caller.id)
        waiting.append(
            WaitingCaller(
                position=position,
                call_id=entry.call_id,
                caller=entry.caller,
                language=entry.request.language,
                service=entry.request.service,
                since=entry.joined_at,
                attached=engine.is_attached(caller.id),
                agent=offer.agent if offer else "",
            )
        )
    talking = tuple(
        Talking(
            call_id=conversation.entry.call_id,
            caller=conversation.entry.caller,
            language=conversation.entry.request.language,
            service=conversation.entry.request.service,
            agent=conversation.agent,
            since=conversation.answered_at,
            recording=conversation.recording,
        )
        for conversation in conversations
        if conversation.answered_at is not None
    )
    return Snapshot(at=at, waiting=tuple(waiting), talking=talking, repairs=dict(repairs))


def known_call(entry: Entry) -> KnownCall:
    """What others may know of that call."""
    return KnownCall(
        call_id=entry.call_id,
        caller=entry.caller,
        language=entry.request.language,
        service=entry.request.service,
        context=entry.request.context,
    )
