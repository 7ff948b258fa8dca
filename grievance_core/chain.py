"""What makes the events tamper-evident. Pure.

Each event carries a seal: a hash over all that it says and over the seal before it in the same complaint. So no event
can be changed, taken out or put in without breaking every later seal of that complaint, and writers of different
complaints never wait for each other.

What a chain of its own can't show is that its last events, or a whole complaint, were taken away. So every minute the
seals of the events that came since are put into one more chain, over all complaints: its members hold how many events
they count, a root over their seals, and the seal before. Whoever keeps one of these (printed by `helpline audit
head`, on paper or with another office) can have all that came before it checked against it, also against one who holds
the database and these lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from grievance_core.complaint import Event

BEGIN = ""
"""What stands in for the seal before the first one."""

FIELDS = tuple(item.name for item in fields(Event))
LATER_FIELDS = {"by_level": 0, "about": "", "amount": 0, "due_at": None, "flags": ""}
"""What an event did not have from the beginning, with what it then says: left out, so that older seals stay right."""


def sealed(event: Event, before: str) -> str:
    """The seal of an event whose predecessor in the same complaint has the seal `before` (BEGIN for the first)."""
    said = {name: _plain(getattr(event, name)) for name in FIELDS if not _is_unsaid(event, name)}
    content = json.dumps([before, said], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _is_unsaid(event: Event, name: str) -> bool:
    return name in LATER_FIELDS and getattr(event, name) == LATER_FIELDS[name]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.value if isinstance(value, Enum) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A member of the chain over all complaints."""

    id: int  # 1, 2, 3 … without a gap
    at: datetime
    events: int  # how many it counts
    root: str
    seal: str


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """An event as a seal over all counts it."""

    number: str
    seq: int
    seal: str


def root_of(marks: Iterable[Mark]) -> str:
    """One hash over the marks, whatever order they come in."""
    whole = hashlib.sha256()
    for mark in sorted(marks):
        whole.update(f"{mark.number}:{mark.seq}:{mark.seal}\n".encode())
    return whole.hexdigest()


def seal_of(*, id: int, at: datetime, events: int, root: str, before: str) -> Seal:
    """The next member after the one with the seal `before` (BEGIN for the first)."""
    content = f"{before}\n{id}\n{at.astimezone(UTC).isoformat(timespec='microseconds')}\n{events}\n{root}"
    return Seal(id=id, at=at, events=events, root=root, seal=hashlib.sha256(content.encode()).hexdigest())


def faults_of(seal: Seal, *, before: str, id: int, events: int, root: str) -> list[str]:
    """What is wrong with a member, given what it must follow and what the events say now; one sentence each."""
    faults = []
    if seal.id != id:
        faults.append(f"Seal {id} is missing: after it comes {seal.id}.")
    if seal.events != events:
        faults.append(f"Seal {seal.id} counts {seal.events} events, there are {events} now.")
    if seal.root != root:
        faults.append(f"Seal {seal.id} does not fit its events: one of them was changed, taken out or put in.")
    honest = seal_of(id=seal.id, at=seal.at, events=seal.events, root=seal.root, before=before)
    if seal.seal != honest.seal:
        faults.append(f"Seal {seal.id} does not follow the one before it: the chain of seals was changed there.")
    return faults
