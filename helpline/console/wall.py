"""What a supervisor watches, as a plain dict that fits a screen: queues, agents by state, the first in line.

Pure. A floor of a thousand agents with thousands waiting is cut to what matters most before it is sent, twice a second.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from acd.snapshot import Snapshot
from agents.agent import Agent
from agents.presence import MACHINE_REASONS, State
from helpline.console.views import agent_view, iso, level_view, waiter_view

CALLERS = 50
AGENTS = 60
MOST_SHOWN = 500  # of either, whoever asks

# Of two agents the one whose line stands higher here is shown: trouble first, then who can be given a call.
ORDER = (State.RINGING, State.READY, State.WRAP_UP, State.WORKING, State.TALKING, State.PAUSED)


def wall_view(
    queue: Snapshot,
    agents: Iterable[Agent],
    *,
    callers: int = CALLERS,
    most_agents: int = AGENTS,
) -> dict[str, Any]:
    """At most `callers` of those who wait and `most_agents` of those who are signed in; the counts are of all."""
    everyone = list(agents)
    here = [agent for agent in everyone if agent.state is not State.SIGNED_OUT]
    idle = [agent for agent in here if agent.available]
    longest = min(idle, key=lambda agent: agent.ready_since or agent.since, default=None)
    counted = queue.counted
    shown = heapq.nsmallest(most_agents, here, key=_rank)
    return {
        "at": iso(queue.at),
        "queues": _queues(queue),
        "waiting": [waiter_view(waiter) for waiter in queue.waiting[:callers]],
        "waiting_count": counted.waiting,
        "talking_count": counted.talking,
        "agents": [agent_view(agent) for agent in shown],
        "agents_by_state": dict(Counter(agent.state.value for agent in everyone)),
        "idle_count": len(idle),
        "longest_idle": longest and {"agent": longest.id, "since": iso(longest.ready_since or longest.since)},
        "callbacks_count": sum(counted.callbacks.values()),
        "work_count": counted.work,
        "notice": dict(queue.notice),
        "lag_seconds": queue.lag,
        "repairs": dict(queue.repairs),
    }


def _queues(queue: Snapshot) -> list[dict[str, Any]]:
    """Each queue with who waits in it; the fullest first, those where nobody waits by name."""
    lines, owed = queue.counted.lines, queue.counted.callbacks
    names = lines.keys() | owed.keys() | set(queue.closed) | (queue.levels.keys() - {""})
    return [
        {
            "name": name,
            "open": name not in queue.closed,
            "waiting": lines[name].waiting if name in lines else 0,
            "longest_since": iso(lines[name].longest_since) if name in lines else None,
            "callbacks": owed.get(name, 0),
            "today": level_view(queue.levels[name]) if name in queue.levels else None,
            "recent": level_view(queue.recent[name]) if name in queue.recent else None,
        }
        for name in sorted(names, key=lambda name: (-lines[name].waiting if name in lines else 0, name))
    ]


def in_trouble(agent: Agent) -> bool:
    """A supervisor should look: signed in without a phone, or paused by the machine."""
    return not agent.phone_reachable or agent.reason in MACHINE_REASONS


def _rank(agent: Agent) -> tuple[bool, int, datetime, str]:
    return not in_trouble(agent), ORDER.index(agent.state), agent.ready_since or agent.since, agent.id


Wall = Callable[[int, int], dict[str, Any]]
"""The wall of this moment, with that many callers and agents on it."""
