"""What the queue says to a waiting caller, in prompts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from acd.settings import CALLBACK_KEY, MESSAGE_KEY
from acd.waiting.notices import Notice
from ivr.speaking import LANGUAGES, Words, position, sounds, waiting_range

STATUS_KEY: Final = "3"  # while waiting: hear the state of a complaint

CHOICES: Final[Mapping[str, str]] = MappingProxyType(
    {CALLBACK_KEY: "choice_callback", MESSAGE_KEY: "choice_message", STATUS_KEY: "choice_status"}
)
"""The prompt of each key a waiting caller can be offered, in the order they are said."""

COMFORT: Final = (
    *("waiting_patience", "comfort_papers", "comfort_scheme_free"),
    *("waiting_patience", "comfort_danger", "comfort_scheme_where"),
)
"""The comfort messages, one after another and then from the first again."""


class SpokenWaiting:
    """The queue's words for `acd.service.Acd`: an `acd.settings.WaitingWords`."""

    def position(self, position_in_line: int, language: str) -> Words:
        """Which place in line they have; 1 is next."""
        return sounds(language, position(position_in_line))

    def patience(self, language: str) -> Words:
        """That they are not forgotten."""
        return sounds(language, ["waiting_patience"])

    def expected(self, low_minutes: int, high_minutes: int, language: str) -> Words:
        """How long they are expected to wait from now, as a range."""
        return sounds(language, waiting_range(low_minutes, high_minutes))

    def choices(self, keys: frozenset[str], language: str) -> Words:
        """What each key on offer does."""
        return sounds(language, [prompt for key, prompt in CHOICES.items() if key in keys])

    def comfort(self, count: int, language: str) -> Words:
        """The comfort message after so many others."""
        return sounds(language, [COMFORT[count % len(COMFORT)]])

    def callback_taken(self, language: str) -> Words:
        """The place is kept, and how they will be rung."""
        return sounds(language, ["callback_taken"])

    def closed(self, queue: str, language: str) -> Words:
        """Nobody is there; one who is in danger hears what to dial."""
        return sounds(language, ["queue_closed_emergency" if queue == "emergency" else "queue_closed"])

    def notice(self, notice: Notice, language: str) -> Words:
        """The supervisor's words in the caller's language, else in the one they were typed in."""
        spoken = next((spoken for spoken in (language, *LANGUAGES) if spoken in notice.sounds), None)
        return () if spoken is None else (notice.sounds[spoken],)
