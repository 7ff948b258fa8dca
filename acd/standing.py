"""Where one who waits stands among those who compete for the same agents: what the forecast needs to know. Pure.

Counted for the last stage of widening: whoever waits long enough to be told a wait will be taken by anyone who fits
then. Of a line whose callers may take other agents too, only a share stands in this caller's way: the share of that
line's agents who fit this caller.
"""

from __future__ import annotations

from datetime import datetime

from acd.assignment import Bits, bits_of
from acd.forecast import Standing
from acd.matching import AskLine, Matching
from acd.places import State
from acd.queues import HEAD_START_SECONDS
from acd.view import View


def standing_of(engine: View, caller: str, at: datetime) -> Standing | None:
    """As things stand in that engine; None for a stranger."""
    place = engine._places.get(caller)
    if place is None:
        return None
    matching, line = engine._matching, place.stages[-1][1]
    fitting = line.fitting
    agents = sum(1 for seat in engine._agents.values() if fitting & seat.pool.bit and seat.state is not State.PAUSED)
    return Standing(
        caller=caller,
        queue=place.queue.rules.name,
        ahead=sum(
            other.waiting.before(place.key) * _in_the_way(matching, other, fitting) for other in matching.sharing(line)
        ),
        agents=agents,
        waited=at.timestamp() - place.joined,
        head_start=HEAD_START_SECONDS[place.caller.urgency],
    )


def _in_the_way(matching: Matching, other: AskLine, fitting: Bits) -> float:
    """The share of another line's agents who are among `fitting`."""
    theirs = _signed_in(matching, other.fitting)
    return _signed_in(matching, other.fitting & fitting) / theirs if theirs else 0.0


def _signed_in(matching: Matching, pools: Bits) -> int:
    return sum(matching.pools[index].signed_in for index in bits_of(pools & matching.staffed))
