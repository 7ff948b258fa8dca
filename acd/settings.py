"""How callers wait and agents are rung; what waiting callers hear. Values and a promise, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final, Protocol

from acd.engine.queues import DEFAULT_QUEUES, QueueRules
from acd.waiting.admission import Limits
from acd.waiting.callback import CallbackRules
from acd.waiting.notices import Notice

CALLBACK_KEY: Final = "1"  # keep my place and call me back
MESSAGE_KEY: Final = "2"  # leave the complaint as a message
# The other keys belong to the asides that a flow brings along.


class WaitingWords(Protocol):
    """What a waiting caller hears besides music: prompts, in the caller's language. Empty: there is nothing to say."""

    def position(self, position: int, language: str, /) -> Sequence[str]:
        """Which place in line they have; 1 is next."""
        ...

    def patience(self, language: str, /) -> Sequence[str]:
        """That they are not forgotten."""
        ...

    def expected(self, low_minutes: int, high_minutes: int, language: str, /) -> Sequence[str]:
        """How long they are expected to wait from now: between the two, in whole minutes."""
        ...

    def choices(self, keys: frozenset[str], language: str, /) -> Sequence[str]:
        """What the keys on offer do; keys that have no words are passed over."""
        ...

    def comfort(self, count: int, language: str, /) -> Sequence[str]:
        """The next of the comfort messages; `count` is how many this caller has heard."""
        ...

    def callback_taken(self, language: str, /) -> Sequence[str]:
        """Their place is kept and they will be rung on this number. To be said once that is written down."""
        ...

    def closed(self, queue: str, language: str, /) -> Sequence[str]:
        """That queue is closed, and no supervisor announced anything of their own."""
        ...

    def notice(self, notice: Notice, language: str, /) -> Sequence[str]:
        """What a supervisor has callers hear: in their language, or else in the one that it was typed in."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AcdSettings:
    """All times in seconds."""

    recordings_folder: Path
    ring_seconds: int = 15
    wrap_up_seconds: float = 30.0
    announce_first_seconds: float = 15.0
    announce_every_seconds: float = 45.0
    max_wait_seconds: float | None = None  # None: nobody is sent away
    queues: tuple[QueueRules, ...] = DEFAULT_QUEUES
    callback: CallbackRules = field(default_factory=CallbackRules)
    admission: Limits = field(default_factory=Limits)
    max_calls: int = 2000  # of Asterisk's own limit
    zone: tzinfo = UTC  # of the house: its days are counted by it
    off_hook_tone: bool = True  # an off-hook agent hears a short tone before the caller
