"""What the console and the command line see of the queue at one moment. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


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
