"""Who called within the last day: a caller who has to call again goes before those who call for the first time. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

REPEAT = timedelta(hours=24)


class RecentCallers:
    """Numbers with the moment of their last call. A withheld number is nobody's."""

    def __init__(self, calls: Iterable[tuple[str, datetime]] = ()) -> None:
        self._last: OrderedDict[str, datetime] = OrderedDict()
        for caller, at in sorted(calls, key=lambda call: call[1]):
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
