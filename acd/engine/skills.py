"""What agents can do and what callers ask of them.

A skill is a word with its kind, "service:complaint", "language:hi", "speciality:land"; an agent has it at a level from
1 (learns it) to 9 (teaches it). Callers with equal asks share a line and agents with equal skills a pool, so whether
an ask fits a pool is worked out once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Skills = Mapping[str, int]  # skill to level, 1 to 9

DEFAULT_LEVEL = 5  # of an agent of whom nothing else is said


@dataclass(frozen=True, slots=True)
class Need:
    """A skill at that level or above."""

    skill: str
    level: int = 1

    def met_by(self, skills: Skills) -> bool:
        return skills.get(self.skill, 0) >= self.level

    def __str__(self) -> str:
        return self.skill if self.level == 1 else f"{self.skill} at level {self.level} or above"


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller asks of an agent at one stage of waiting. `only`: nobody but that agent."""

    required: tuple[Need, ...] = ()
    preferred: tuple[Need, ...] = ()
    only: str = ""

    def fits(self, skills: Skills) -> bool:
        """Whether an agent with these skills will do, `only` left aside."""
        return all(need.met_by(skills) for need in self.required)

    def met(self, skills: Skills) -> int:
        """How many of the preferred needs an agent with these skills meets."""
        return sum(need.met_by(skills) for need in self.preferred)

    def missing(self, skills: Skills) -> tuple[Need, ...]:
        """What an agent with these skills lacks."""
        return tuple(need for need in self.required if not need.met_by(skills))


def ask_of(required: Sequence[Need], preferred: Sequence[Need]) -> Ask:
    """In one fixed order and without doubles, so that equal asks are equal values."""
    highest: dict[str, int] = {}
    for need in required:
        highest[need.skill] = max(need.level, highest.get(need.skill, 0))
    wanted = {need for need in preferred if highest.get(need.skill, 0) < need.level}
    return Ask(
        required=tuple(Need(skill, level) for skill, level in sorted(highest.items())),
        preferred=tuple(sorted(wanted, key=lambda need: (need.skill, need.level))),
    )


def of_kind(skill: str, named: str) -> bool:
    """Whether a rule that names a skill ("language:en") or a whole kind ("speciality:") means this one."""
    return skill == named or (named.endswith(":") and skill.startswith(named))
