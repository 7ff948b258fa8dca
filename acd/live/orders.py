"""What supervisors ordered and what stands until they take it back: closed queues, a notice to all callers.

Kept in Redis, so that a new controller goes on as was ordered.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from acd.store import QueueStore
from acd.waiting.notices import Notice

log = logging.getLogger(__name__)

NOTICE = "notice"
CLOSED = "closed:"
ASTERISK = "asterisk"

NOTHING = Notice(texts={}, sounds={})
"""An announcement that is none: the queue's own words are said."""


class StandingOrders:
    """`notice_number` grows with each notice, so that every caller hears each one once."""

    def __init__(self, store: QueueStore) -> None:
        self.notice: Notice | None = None
        self.notice_number = 0
        self.asterisk = ""  # when the Asterisk that we know was started, in its own words
        self._store = store
        self._closed: dict[str, Notice] = {}

    def take_up(self, kept: Mapping[str, str]) -> None:
        """What the controller before left."""
        self.asterisk = kept.get(ASTERISK, "")
        for name, text in kept.items():
            notice = _notice_from(text) if name != ASTERISK else None
            if notice is None:
                continue
            if name == NOTICE:
                self.notice, self.notice_number = notice, 1
            elif name.startswith(CLOSED):
                self._closed[name.removeprefix(CLOSED)] = notice

    @property
    def closed(self) -> Mapping[str, Notice]:
        """The queues that are closed by order, with what their callers are told."""
        return dict(self._closed)

    def closure(self, queue: str) -> Notice | None:
        return self._closed.get(queue)

    async def close(self, queue: str, announcement: Notice) -> None:
        self._closed[queue] = announcement
        await self._store.put_order(f"{CLOSED}{queue}", _text_of(announcement))

    async def open(self, queue: str) -> None:
        if self._closed.pop(queue, None) is not None:
            await self._store.put_order(f"{CLOSED}{queue}", None)

    async def set_notice(self, notice: Notice | None) -> None:
        self.notice = notice
        self.notice_number += notice is not None
        await self._store.put_order(NOTICE, None if notice is None else _text_of(notice))

    async def note_asterisk(self, started: str) -> None:
        """That Asterisk is the one we know from now on."""
        self.asterisk = started
        await self._store.put_order(ASTERISK, started)


def _text_of(notice: Notice) -> str:
    return json.dumps({"texts": dict(notice.texts), "sounds": dict(notice.sounds)})


def _notice_from(text: str) -> Notice | None:
    try:
        values = json.loads(text)
        return Notice(texts=dict(values["texts"]), sounds=dict(values["sounds"]))
    except (ValueError, KeyError, TypeError) as error:
        log.error("An order in Redis can't be read", extra={"action": "order_unreadable", "error": str(error)})
        return None
