"""Where one who waits stands among those who compete for the same agents: what the forecast needs to know. Pure.

Counted for the last stage of widening: whoever waits long enough to be told a wait will be taken by anyone who fits
then. Of a line whose callers may take other agents too, only a share stands in this caller's way: the share of that
line's agents who fit this caller.
"""

from __future__ import annotations

from datetime import datetime

from acd.engine.assignment import Bits
from acd.engine.matching import Matching
from acd.engine.places import State
from acd.engine.queues import HEAD_START_SECONDS
from acd.engine.view import View
from acd.waiting.forecast import Standing


def standing_of(engine: View, caller: str, at: datetime) -> Standing | None:
    """As things stand in that engine; None for a stranger."""
    place = engine.place(caller)
    if place is None:
        return None
    line = place.stages[-1][1]
    share = _Shares(engine.matching, line.fitting)
    return Standing(
        caller=caller,
        queue=place.queue.rules.name,
        ahead=sum(other.waiting.before(place.key) * share.of(other.fitting) for other in engine.matching.sharing(line)),
        agents=sum(1 for seat in engine.seats() if line.fitting & seat.pool.bit and seat.state is not State.PAUSED),
        waited=at.timestamp() - place.joined,
        head_start=HEAD_START_SECONDS[place.caller.urgency],
    )


class _Shares:
    """Which share of the agents who fit one line fits `mine` too. Many lines fit the same pools: worked out once."""

    def __init__(self, matching: Matching, mine: Bits) -> None:
        self._pools = [(pool.bit, pool.signed_in) for pool in matching.pools if pool.signed_in]
        self._mine = mine
        self._known: dict[Bits, float] = {}

    def of(self, theirs: Bits) -> float:
        share = self._known.get(theirs)
        if share is None:
            there = sum(agents for bit, agents in self._pools if theirs & bit)
            common = sum(agents for bit, agents in self._pools if theirs & self._mine & bit)
            share = self._known[theirs] = common / there if there else 0.0
        return share
