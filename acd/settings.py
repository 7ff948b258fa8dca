"""How callers wait and agents are rung; what waiting callers hear. Values and a promise, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class WaitingWords(Protocol):
    """What a waiting caller hears besides music: prompts, in the caller's language."""

    def position(self, position: int, language: str, /) -> Sequence[str]: ...
    def patience(self, language: str, /) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AcdSettings:
    """All times in seconds."""

    recordings_folder: Path
    ring_seconds: int = 15
    wrap_up_seconds: float = 30.0
    announce_first_seconds: float = 15.0
    announce_every_seconds: float = 45.0
    max_wait_seconds: float | None = None  # None: nobody is sent away
