"""What an agent can do: services, languages, specialities, each with a level.

Pure. A skill is written kind:name, such as service:complaint, language:hi, speciality:land; its level is 1 to 9, 9 the
best. The queue knows the same names (`acd.engine.skills`): a caller's needs are met by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from agents.errors import InvalidSkill

KINDS = ("service", "language", "speciality")
SKILL = re.compile(rf"({'|'.join(KINDS)}):[a-z0-9][a-z0-9_-]{{0,29}}")
LEVELS = range(1, 10)
DEFAULT_LEVEL = 5
SERVICES = ("complaint", "status", "scheme", "demand", "person", "emergency")
"""What every agent serves unless told otherwise: the services of the menu that callers hear."""


def default_skills(languages: Iterable[str]) -> Mapping[str, int]:
    """A new agent's: every service and each of their languages, at the middle level."""
    names = [f"service:{service}" for service in SERVICES] + [f"language:{language}" for language in languages]
    return MappingProxyType(dict.fromkeys(names, DEFAULT_LEVEL))


def changed(skills: Mapping[str, int], levels: Mapping[str, int]) -> Mapping[str, int]:
    """The skills with those levels put in place; level 0 takes a skill away. Raises InvalidSkill."""
    for skill, level in levels.items():
        if not SKILL.fullmatch(skill):
            raise InvalidSkill(
                f"{skill[:60]!r} is no skill. Write its kind and its name, such as service:complaint, language:hi or "
                "speciality:land."
            )
        if level and level not in LEVELS:
            raise InvalidSkill(f"{skill} can't have level {level}. Levels are 1 to 9, 9 the best; 0 takes it away.")
    after = {skill: level for skill, level in {**skills, **levels}.items() if level}
    for kind in ("service", "language"):
        if not any(skill.startswith(f"{kind}:") for skill in after):
            raise InvalidSkill(f"Without any {kind} no call could reach this agent: leave at least one {kind}:… skill.")
    return MappingProxyType(after)


def languages_of(skills: Mapping[str, int]) -> tuple[str, ...]:
    """The languages among the skills, the best first; equals in the order in which they are kept."""
    spoken = [(level, skill) for skill, level in skills.items() if skill.startswith("language:")]
    return tuple(skill.removeprefix("language:") for _, skill in sorted(spoken, key=lambda one: -one[0]))


def skills_to_text(skills: Mapping[str, int]) -> str:
    """As kept in the database: `service:complaint=7 language:hi=5`."""
    return " ".join(f"{skill}={level}" for skill, level in skills.items())


def skills_from_text(text: str) -> Mapping[str, int]:
    """What `skills_to_text` wrote."""
    pairs = (part.partition("=") for part in text.split())
    return MappingProxyType({skill: int(level) for skill, _, level in pairs})
