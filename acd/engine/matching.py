"""Who fits whom: callers with equal asks share a line, agents with equal skills a pool.

Pure. Which lines a pool can serve is one whole number, a bit for each line, worked out when line or pool come up; so
whether anybody fits is one `&`. The heads of all lines stand in one line of their own: the first caller for an agent is
the first head that fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

from acd.engine.assignment import Bits, bits_of
from acd.engine.decisions import Why
from acd.engine.line import Line
from acd.engine.skills import Ask, Skills

CallerKey = tuple[float, int, str]  # order in seconds, place, id
IdleKey = tuple[float, str]  # order in seconds, agent
HeadKey = tuple[float, int, str, int]  # a caller's key and the number of the line

PACE_SECONDS = 300.0  # an agent who became free counts for the pace ever less: by then for a third
MOST_PACES = 100.0  # so many of these until the weights are made small again


class AskLine:
    """Those who ask for the same. `waiting` can be offered now, `held` want to be called back."""

    __slots__ = ("ask", "bit", "fitting", "held", "index", "ranks", "waiting")

    def __init__(self, ask: Ask, index: int) -> None:
        self.ask = ask
        self.index = index
        self.bit: Bits = 1 << index
        self.fitting: Bits = 0  # pools
        self.ranks: list[tuple[int, int, Bits]] = []  # preferences missed, number of skills, pools; best first
        self.waiting: Line[CallerKey] = Line()
        self.held: Line[CallerKey] = Line()


class Pool:
    """Agents with the same skills."""

    __slots__ = ("bit", "fitting", "freed", "idle", "index", "signed_in", "skills")

    def __init__(self, skills: Skills, index: int) -> None:
        self.skills = skills
        self.index = index
        self.bit: Bits = 1 << index
        self.fitting: Bits = 0  # lines
        self.idle: Line[IdleKey] = Line()
        self.signed_in = 0
        self.freed = 0.0  # how many were done with a call; the older ones count less, see Matching.freed


class Matching:
    """All lines and all pools."""

    def __init__(self) -> None:
        self.lines: list[AskLine] = []
        self.pools: list[Pool] = []
        self.idle: Bits = 0  # pools with an idle agent
        self.staffed: Bits = 0  # pools with an agent signed in
        self.known: dict[str, AskLine] = {}  # by agent: those who wait for that one alone
        self._line_of: dict[Ask, AskLine] = {}
        self._pool_of: dict[tuple[tuple[str, int], ...], Pool] = {}
        self._waiting: Bits = 0  # lines with a caller
        self._heads: Line[HeadKey] = Line()
        self._counted_from = 0.0  # what became free then counts 1 in Pool.freed

    # -- coming up

    def line_of(self, ask: Ask) -> AskLine:
        """The line of those who ask that."""
        line = self._line_of.get(ask)
        if line is None:
            line = self._line_of[ask] = AskLine(ask, len(self.lines))
            self.lines.append(line)
            for pool in self.pools:
                self._introduce(line, pool)
        return line

    def line_for(self, agent: str) -> AskLine:
        """The line of those who wait for that agent alone, because they know each other."""
        line = self.known.get(agent)
        if line is None:
            line = self.known[agent] = AskLine(Ask(only=agent), 0)
        return line

    def pool_of(self, skills: Skills) -> Pool:
        """The pool of those who can that."""
        key = tuple(sorted(skills.items()))
        pool = self._pool_of.get(key)
        if pool is None:
            pool = self._pool_of[key] = Pool(dict(key), len(self.pools))
            self.pools.append(pool)
            for line in self.lines:
                self._introduce(line, pool)
        return pool

    def _introduce(self, line: AskLine, pool: Pool) -> None:
        if not line.ask.fits(pool.skills):
            return
        line.fitting |= pool.bit
        pool.fitting |= line.bit
        missed, skills = len(line.ask.preferred) - line.ask.met(pool.skills), len(pool.skills)
        for number, (other_missed, other_skills, pools) in enumerate(line.ranks):
            if (other_missed, other_skills) == (missed, skills):
                line.ranks[number] = (missed, skills, pools | pool.bit)
                return
        line.ranks.append((missed, skills, pool.bit))
        line.ranks.sort()

    # -- coming and going

    def stand(self, line: AskLine, key: CallerKey) -> None:
        """The caller can be offered from now on."""
        first = line.waiting.first()
        line.waiting.add(key)
        if line.ask.only:
            return
        if first is None:
            self._waiting |= line.bit
        elif key < first:
            self._heads.remove((*first, line.index))
        else:
            return
        self._heads.add((*key, line.index))

    def leave(self, line: AskLine, key: CallerKey) -> None:
        """The caller can't be offered any more."""
        first = line.waiting.first()
        line.waiting.remove(key)
        if key != first or line.ask.only:
            return
        self._heads.remove((*key, line.index))
        following = line.waiting.first()
        if following is None:
            self._waiting &= ~line.bit
        else:
            self._heads.add((*following, line.index))

    def sit(self, pool: Pool, key: IdleKey) -> None:
        """The agent is idle from now on."""
        pool.idle.add(key)
        self.idle |= pool.bit

    def rise(self, pool: Pool, key: IdleKey) -> None:
        """The agent is not idle any more."""
        pool.idle.remove(key)
        if not pool.idle:
            self.idle &= ~pool.bit

    def sign_in(self, pool: Pool) -> None:
        pool.signed_in += 1
        self.staffed |= pool.bit

    def sign_out(self, pool: Pool) -> None:
        pool.signed_in -= 1
        if not pool.signed_in:
            self.staffed &= ~pool.bit

    # -- looking

    def first_caller(self, pool: Pool) -> HeadKey | None:
        """The first in line of all whom an agent of that pool can take."""
        fitting = pool.fitting
        if not fitting & self._waiting:
            return None
        return next((head for head in self._heads if fitting >> head[3] & 1), None)

    def best_agent(self, line: AskLine) -> tuple[str, Why] | None:
        """The idle agent for the next of that line: the best fit on what is preferred, then the narrowest skills, then
        the longest idle."""
        fitting = line.fitting & self.idle
        if not fitting:
            return None
        missed, found = next((missed, pools & fitting) for missed, _, pools in line.ranks if pools & fitting)
        agent = min(self.pools[index].idle.first() or (0.0, "") for index in bits_of(found))[1]
        if found == fitting:
            return agent, Why.LONGEST_IDLE
        least_missed_of_others = min(other for other, _, pools in line.ranks if pools & fitting & ~found)
        return agent, Why.BEST_FIT if missed < least_missed_of_others else Why.NARROWEST

    def can_be_served(self, line: AskLine) -> bool:
        """Whether anybody who fits is signed in."""
        return bool(line.fitting & self.staffed)

    def freed(self, pool: Pool, now: float) -> None:
        """One of that pool was done with a call.

        The latest counts 1, and all fade alike: so the later one is told to weigh more, and nothing old is touched.
        """
        if now - self._counted_from > MOST_PACES * PACE_SECONDS:
            fade = exp(max(-700.0, (self._counted_from - now) / PACE_SECONDS))
            for each in self.pools:
                each.freed *= fade
            self._counted_from = now
        pool.freed += exp((now - self._counted_from) / PACE_SECONDS)

    def pace(self, line: AskLine, now: float) -> float:
        """How many agents who fit become free in a second, by what was seen of late."""
        freed = sum([self.pools[index].freed for index in bits_of(line.fitting & self.staffed)])
        return freed * exp(max(-700.0, (self._counted_from - now) / PACE_SECONDS)) / PACE_SECONDS

    def idle_for(self, line: AskLine) -> int:
        """How many idle agents fit."""
        return sum(len(self.pools[index].idle) for index in bits_of(line.fitting & self.idle))

    def sharing(self, line: AskLine) -> Iterator[AskLine]:
        """The lines in which somebody waits for agents of whom some fit this line too."""
        return (self.lines[index] for index in bits_of(self._waiting) if self.lines[index].fitting & line.fitting)

    def waiting_lines(self) -> Iterator[AskLine]:
        """The lines in which somebody waits, those for one agent alone left aside."""
        return (self.lines[index] for index in bits_of(self._waiting))
