"""Many callers and many agents at once: the most are served, and of those the first in line.

Pure. Callers with equal asks and agents of equal use are counted together, so the search for a chain of changes goes
over kinds, not over people: augmenting paths in the bipartite graph of asks and groups of agents. Taking the callers
in fair order makes the set of the served the best one (a transversal matroid): nobody who could be served with those
before them is left out, and no other choice serves more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Bits = int  # a set of groups of agents: bit n is group n


def bits_of(mask: Bits) -> Iterator[int]:
    """The numbers in the set, from the lowest."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


@dataclass(frozen=True, slots=True)
class Wish:
    """What callers of one kind can be given: groups of agents, the best liked first. Groups liked equally stand
    together; of those one with the most agents left is taken."""

    ranks: tuple[Bits, ...]

    @property
    def fits(self) -> Bits:
        together = 0
        for rank in self.ranks:
            together |= rank
        return together


def assign(callers: Iterable[int], wishes: Sequence[Wish], seats: Sequence[int]) -> dict[int, int]:
    """Which group each caller is served by; who is not in it waits.

    `callers` says the kind of each in fair order, `wishes` what each kind can be given, `seats` how many agents each
    group has.
    """
    search = _Search(wishes, list(seats))
    for number, kind in enumerate(callers):
        if not search.free or search.hopeless():
            break
        search.place(number, kind)
    return {
        number: group for group, served in enumerate(search.served) for numbers in served.values() for number in numbers
    }


class _Search:
    def __init__(self, wishes: Sequence[Wish], left: list[int]) -> None:
        self.left = left
        self.free: Bits = sum(1 << group for group, seats in enumerate(left) if seats > 0)
        self.served: list[dict[int, list[int]]] = [{} for _ in left]  # by group, then kind: the callers' numbers
        self._wishes = wishes
        self._fits = [wish.fits for wish in wishes]
        self._hopeless: set[int] = set()  # kinds: once there is no chain for one, there never is again

    def hopeless(self) -> bool:
        """No kind can be served any more."""
        return len(self._hopeless) == len(self._wishes)

    def place(self, number: int, kind: int) -> None:
        if kind in self._hopeless:
            return
        for rank in self._wishes[kind].ranks:
            if open_ := rank & self.free:
                self._seat(number, kind, max(bits_of(open_), key=lambda group: self.left[group]))
                return
        group = self._make_room(kind)
        if group is None:
            self._hopeless.add(kind)
        else:
            self._put(number, kind, group)

    def _seat(self, number: int, kind: int, group: int) -> None:
        self._put(number, kind, group)
        self.left[group] -= 1
        if not self.left[group]:
            self.free &= ~(1 << group)

    def _put(self, number: int, kind: int, group: int) -> None:
        self.served[group].setdefault(kind, []).append(number)

    def _make_room(self, kind: int) -> int | None:
        """Move others along a shortest chain so that a group that fits has a seat; the group, None without a chain."""
        came_from: dict[int, tuple[int, int] | None] = dict.fromkeys(bits_of(self._fits[kind]))
        seen = self._fits[kind]
        asked = {kind}
        ahead = deque(came_from)
        while ahead:
            group = ahead.popleft()
            for other, numbers in self.served[group].items():
                if other in asked or not numbers:
                    continue
                asked.add(other)
                new = self._fits[other] & ~seen
                seen |= new
                for reached in bits_of(new):
                    came_from[reached] = (group, other)
                    if self.free >> reached & 1:
                        return self._shift(reached, came_from)
                    ahead.append(reached)
        return None

    def _shift(self, group: int, came_from: dict[int, tuple[int, int] | None]) -> int:
        """Walk the chain back, each one giving up a seat for the one before; where the seat is in the end."""
        self.left[group] -= 1
        if not self.left[group]:
            self.free &= ~(1 << group)
        while (step := came_from[group]) is not None:
            before, kind = step
            self._put(self.served[before][kind].pop(), kind, group)
            group = before
        return group
