"""What the queue knows of a number before it calls: that it called of late, and that its citizen is senior or disabled.

The latter is said by an agent at the desk or by a supervisor, kept per number, and used from the next call on.
"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from acd.engine.queues import Urgency
from acd.errors import NotKept
from acd.live.conversations import Clock
from acd.store import CallLog
from acd.waiting.recent import REPEAT, RecentCallers

log = logging.getLogger(__name__)


class KnownCallers:
    """By national number; a withheld one is nobody's. `read` once, beside the first calls."""

    def __init__(self, calls: CallLog, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._recent = RecentCallers()
        self._vulnerable: set[str] = set()
        self._said: set[str] = set()  # of whom something was said since the start: newer than what is read

    async def read(self) -> None:
        """What the database knows. Without it callers are served, as ordinary ones."""
        try:
            self._recent.called_before(await self._calls.callers_since(self._clock() - REPEAT))
            self._vulnerable |= set(await self._calls.vulnerable_callers()) - self._said
        except (SQLAlchemyError, OSError) as error:
            log.error("Earlier callers are not known", extra={"action": "call_log_failed", "error": str(error)})

    def called(self, caller: str, at: datetime) -> None:
        """That number calls now."""
        self._recent.called(caller, at)

    def urgency_of(self, caller: str, at: datetime) -> Urgency:
        """By what is known of the number alone; to be asked before `called`."""
        if self._recent.is_repeat(caller, at):
            return Urgency.REPEAT
        return Urgency.VULNERABLE if caller in self._vulnerable else Urgency.ORDINARY

    def is_vulnerable(self, caller: str) -> bool:
        return caller in self._vulnerable

    async def set_vulnerable(self, caller: str, vulnerable: bool, *, by: str) -> None:
        """Keep that this number's citizen is senior or disabled, or that they are not. Raises NotKept."""
        if not caller:
            raise NotKept("The number is withheld: nothing can be kept for it.")
        try:
            await self._calls.set_vulnerable(caller, vulnerable, by=by, at=self._clock())
        except (SQLAlchemyError, OSError) as error:
            raise NotKept("The database does not answer, so this was not kept. Try again in a moment.") from error
        self._said.add(caller)
        (self._vulnerable.add if vulnerable else self._vulnerable.discard)(caller)
        log.info(
            "A caller's need was set",
            extra={"action": "vulnerable", "by": by, "vulnerable": vulnerable, "pii_caller": caller},
        )
