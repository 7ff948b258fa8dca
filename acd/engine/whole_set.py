"""Many waiting callers and many idle agents, matched as a whole: the engine's lines and pools as an assignment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import merge

from acd.engine.assignment import Bits, Wish, assign, bits_of
from acd.engine.matching import AskLine, CallerKey, Matching
from acd.engine.places import Seat, State


def matched(matching: Matching, seats: Mapping[str, Seat]) -> list[tuple[str, str]]:
    """Pairs of caller and agent, by the order of callers. An agent whom somebody waits for alone is counted apart."""
    if not matching.idle:
        return []
    lines = [line for line in matching.waiting_lines() if line.fitting & matching.idle]
    held = {agent: line for agent, line in matching.known.items() if line.waiting and _is_idle(agent, seats)}
    if not lines and not held:
        return []
    groups: list[list[str]] = []
    of_pool: dict[int, Bits] = {}
    of_agent: dict[str, Bits] = {}
    for index in bits_of(matching.idle):
        idle = [agent for _, agent in matching.pools[index].idle]
        of_pool[index] = 1 << len(groups)
        groups.append([agent for agent in idle if agent not in held])
        for agent in idle:
            if agent in held:
                of_agent[agent] = 1 << len(groups)
                of_pool[index] |= of_agent[agent]
                groups.append([agent])
    wishes = [_wish(line, matching, of_pool) for line in lines]
    wishes += [Wish((of_agent[agent],)) for agent in held]
    keys: list[CallerKey] = []  # of those whom the assignment has looked at
    callers = merge(*(_numbered(line, kind) for kind, line in enumerate([*lines, *held.values()])))

    def kinds() -> Iterator[int]:
        for key, kind in callers:
            keys.append(key)
            yield kind

    served = assign(kinds(), wishes, [len(group) for group in groups])
    longest_idle = [iter(group) for group in groups]
    return [(keys[number][2], next(longest_idle[group])) for number, group in sorted(served.items())]


def _is_idle(agent: str, seats: Mapping[str, Seat]) -> bool:
    return agent in seats and seats[agent].state is State.IDLE


def _numbered(line: AskLine, kind: int) -> Iterator[tuple[CallerKey, int]]:
    return ((key, kind) for key in line.waiting)


def _wish(line: AskLine, matching: Matching, of_pool: Mapping[int, Bits]) -> Wish:
    ranks = []
    for _, _, pools in line.ranks:
        groups = 0
        for index in bits_of(pools & matching.idle):
            groups |= of_pool[index]
        if groups:
            ranks.append(groups)
    return Wish(tuple(ranks))
