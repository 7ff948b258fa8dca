"""Who called within the last day: who has to call again goes before those who call for the first time. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

REPEAT = timedelta(hours=24)


class RecentCallers:
    """Numbers with the moment of their last call. A withheld number is nobody's."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, datetime] = OrderedDict()  # the latest is last

    def called_before(self, calls: Iterable[tuple[str, datetime]]) -> None:
        """What is found on record, while others call already."""
        since = list(self._last.items())
        self._last.clear()
        for caller, at in (*sorted(calls, key=lambda call: call[1]), *since):
            self.called(caller, at)

    def called(self, caller: str, at: datetime) -> None:
        """That number calls now."""
        if not caller:
            return
        self._last[caller] = at
        self._last.move_to_end(caller)
        while at - next(iter(self._last.values())) >= REPEAT:
            self._last.popitem(last=False)

    def is_repeat(self, caller: str, at: datetime) -> bool:
        """Whether that number called within the last day, before now."""
        last = self._last.get(caller)
        return last is not None and at - last < REPEAT
