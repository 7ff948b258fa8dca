"""Who fits whom: the first caller in line for an agent, the longest idle agent for a caller.

Pure. Callers stand strictly by arrival within a priority class. A caller who *requires* a language is taken only by an
agent who speaks it; one who *prefers* it is given such an agent if one is idle, and else whoever is idle longest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from acd.line import Line

CallerKey = tuple[int, int, str]  # priority class (0 is first), place, call id
IdleKey = tuple[datetime, str]  # ready since, agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A person who waits. `place` counts arrivals: it is kept through failed offers, restarts and re-joining."""

    id: str
    place: int
    language: str
    required: bool = False  # only an agent who speaks the language will do
    priority: int = 0

    @property
    def key(self) -> CallerKey:
        return (self.priority, self.place, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleAgent:
    """An agent who may be given a caller now."""

    id: str
    languages: tuple[str, ...]
    since: datetime

    @property
    def key(self) -> IdleKey:
        return (self.since, self.id)


class Callers:
    """Those who can be offered now, in lines by what they ask for."""

    def __init__(self) -> None:
        self._anyone: Line[CallerKey] = Line()
        self._requiring: dict[str, Line[CallerKey]] = {}

    def add(self, caller: Caller) -> None:
        self._line(caller).add(caller.key)

    def remove(self, caller: Caller) -> None:
        self._line(caller).remove(caller.key)

    def first_for(self, languages: Iterable[str]) -> str | None:
        """The caller who is first in line among those this agent can take."""
        heads = [self._anyone.first()]
        heads += [self._requiring[language].first() for language in languages if language in self._requiring]
        found = min((head for head in heads if head is not None), default=None)
        return None if found is None else found[2]

    def _line(self, caller: Caller) -> Line[CallerKey]:
        return self._requiring.setdefault(caller.language, Line()) if caller.required else self._anyone


class IdleAgents:
    """Agents without a call, longest idle first, also by language."""

    def __init__(self) -> None:
        self._agents: dict[str, IdleAgent] = {}
        self._all: Line[IdleKey] = Line()
        self._speaking: dict[str, Line[IdleKey]] = {}

    def add(self, agent: IdleAgent) -> None:
        """An agent who is there already is taken as now told."""
        self.remove(agent.id)
        self._agents[agent.id] = agent
        self._all.add(agent.key)
        for language in agent.languages:
            self._speaking.setdefault(language, Line()).add(agent.key)

    def remove(self, id: str) -> None:
        agent = self._agents.pop(id, None)
        if agent is None:
            return
        self._all.remove(agent.key)
        for language in agent.languages:
            self._speaking[language].remove(agent.key)

    def best_for(self, caller: Caller) -> str | None:
        """The longest idle who speaks the caller's language; else, unless it is required, the longest idle."""
        speaking = self._speaking.get(caller.language)
        found = speaking.first() if speaking else None
        if found is None and not caller.required:
            found = self._all.first()
        return None if found is None else found[1]

    def get(self, id: str) -> IdleAgent | None:
        return self._agents.get(id)

    def __len__(self) -> int:
        return len(self._agents)
