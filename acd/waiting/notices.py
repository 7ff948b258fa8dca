"""What a supervisor typed for callers to hear, once it has become sound. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice to all callers, or the announcement of a closed queue; by language, at least one.

    `sounds` are paths for Asterisk, of files that stay: a notice read back from Redis can be played at once.
    """

    texts: Mapping[str, str]
    sounds: Mapping[str, str]


NoticeBuilder = Callable[[Mapping[str, str]], Awaitable[Notice]]
"""Makes a notice of texts by language (`ivr.notices.Notices.build_notice`). Raises the errors of its room: the text is
not right, or it can't be spoken now."""
