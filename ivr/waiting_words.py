"""What the queue says to a waiting caller, in prompts."""

from __future__ import annotations

from ivr.speaking import Words, position, sounds


class SpokenWaiting:
    """The queue's words for `acd.service.Acd`."""

    def position(self, position_in_line: int, language: str) -> Words:
        """Which place in line they have; 1 is next."""
        return sounds(language, position(position_in_line))

    def patience(self, language: str) -> Words:
        """That they are not forgotten."""
        return sounds(language, ["waiting_patience"])
