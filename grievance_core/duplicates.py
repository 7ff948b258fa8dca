"""Whether somebody complained of this before: what an agent is offered before a new complaint is typed in. Pure.

A repeat is the caller's own open complaint of the same category. The same trouble is another citizen's open one of the
same category and district whose words are like these: 200 people, one broken transformer. The agent decides; nothing is
merged by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from grievance_core.complaint import Complaint, Draft

LIKE: Final = 0.25
"""From this share of common words on, two statements may be about one trouble (designed)."""
SHORTEST: Final = 3
"""Shorter words (का, is, in) say nothing of the matter."""
MOST_OFFERED: Final = 5


@dataclass(frozen=True, slots=True)
class Alike:
    """An open complaint that may be about the same trouble."""

    complaint: Complaint
    why: Literal["repeat", "same_trouble"]
    likeness: float  # 0 to 1, of the words


def alike(draft: Draft, candidates: Iterable[Complaint]) -> tuple[Alike, ...]:
    """What to offer for this draft: the caller's own first, then the most alike."""
    said = _words(draft.text)
    found = []
    for complaint in candidates:
        if not complaint.is_open or complaint.category != draft.category:
            continue
        likeness = _likeness(said, _words(complaint.text))
        if draft.caller and complaint.caller == draft.caller:
            found.append(Alike(complaint, "repeat", likeness))
        elif complaint.district == draft.district and likeness >= LIKE:
            found.append(Alike(complaint, "same_trouble", likeness))
    found.sort(key=lambda one: (one.why != "repeat", -one.complaint.supporters, -one.likeness, one.complaint.number))
    return tuple(found[:MOST_OFFERED])


def _words(text: str) -> frozenset[str]:
    """The words of a statement. In Hindi marks of vowels are part of a word, so it is cut at what is neither."""
    kept = "".join(sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in text.casefold())
    return frozenset(word for word in kept.split() if len(word) >= SHORTEST)


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """How many of the words of the shorter statement are in the longer one."""
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter else 0.0
