"""What a file of officers changes in the roster, before anything is changed. Pure.

A file says what is so; it may be given again and changes nothing the second time. Who comes to a post that another
holds without an end ends that one's time the day before, and so does an officer's own earlier post: a transfer order
names the new post only. Everything else that overlaps is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from grievance_core.posts.lines import Entry, Fault
from grievance_core.posts.roster import Hold, Officer, OfficerId, Posting, Roster

Key = tuple[str, str, str, str]


def key_of(posting: Posting) -> Key:
    """What makes two postings the same one: post, officer, how, and since when."""
    return (posting.post, posting.officer, posting.hold, posting.first.isoformat())


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be written."""

    officers: tuple[Officer, ...] = ()  # new, or with another name or mobile
    added: tuple[Posting, ...] = ()
    changed: tuple[Posting, ...] = ()  # as they are to be: only the last day of a posting can change
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.officers or self.added or self.changed)


def plan(roster: Roster, entries: Sequence[Entry]) -> tuple[Plan, list[Fault]]:
    """The changes, and the faults of lines against each other and against the roster."""
    planning = _Planning(roster)
    for entry in sorted(entries, key=lambda one: (one.posting.first, one.line)):
        planning.take(entry)
    return planning.plan(), sorted(planning.faults, key=lambda fault: fault.line)


class _Planning:
    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._before = {key_of(one): one for them in roster.postings.values() for one in them}
        self._now = dict(self._before)
        self._by_post: dict[str, set[Key]] = {}
        self._by_officer: dict[str, set[Key]] = {}
        for key in self._before:
            self._index(key)
        self._officers: dict[OfficerId, tuple[Officer, int]] = {}
        self._lines: dict[Key, int] = {}
        self.faults: list[Fault] = []
        self._unchanged = 0

    def _index(self, key: Key) -> None:
        self._by_post.setdefault(key[0], set()).add(key)
        self._by_officer.setdefault(key[1], set()).add(key)

    def take(self, entry: Entry) -> None:
        self._take_officer(entry)
        posting, key = entry.posting, key_of(entry.posting)
        if key in self._lines:
            self._wrong(entry, "from", f"line {self._lines[key]} says the same. Keep one.")
            return
        self._lines[key] = entry.line
        there = self._now.get(key)
        if there == posting:
            self._unchanged += 1
            return
        # An end that is on record stays when the file leaves it open: it may be older than the transfer.
        if there is not None and posting.last is None:
            self._unchanged += 1
            return
        if self._makes_room(entry, key):
            self._now[key] = posting
            self._index(key)

    def _take_officer(self, entry: Entry) -> None:
        known = self._officers.get(entry.officer.id)
        if known is None:
            self._officers[entry.officer.id] = (entry.officer, entry.line)
        elif known[0] != entry.officer:
            self._wrong(entry, "name", f"line {known[1]} gives this officer another name or mobile. Keep one.")

    def _makes_room(self, entry: Entry, key: Key) -> bool:
        """End what the new posting ends; False, and a fault, where it can't be."""
        new = entry.posting
        rivals: Iterable[Key] = [
            other
            for other in self._by_post.get(new.post, set()) | self._by_officer.get(new.officer, set())
            if other != key and _excludes(new, self._now[other]) and new.overlaps(self._now[other])
        ]
        for other in sorted(rivals):
            there = self._now[other]
            if there.last is None and there.first < new.first:
                self._now[other] = replace(there, last=new.first - timedelta(days=1))
                continue
            whose = "the post has another officer" if there.post == new.post else f"the officer is in {there.post}"
            until = "with no end" if there.last is None else f"to {there.last}"
            self._wrong(
                entry, "from", f"{whose} from {there.first} {until}. Change the days, or write charge for both posts."
            )
            return False
        return True

    def _wrong(self, entry: Entry, column: str, message: str) -> None:
        self.faults.append(Fault(entry.line, column, message))

    def plan(self) -> Plan:
        known = self._roster.officers
        return Plan(
            officers=tuple(one for one, _ in self._officers.values() if known.get(one.id) != one),
            added=tuple(one for key, one in self._now.items() if key not in self._before),
            changed=tuple(one for key, one in self._now.items() if key in self._before and self._before[key] != one),
            unchanged=self._unchanged,
        )


def _excludes(one: Posting, other: Posting) -> bool:
    """Whether both can't be on one day: two holders or two in charge of a post, or one holder of two posts."""
    if one.post == other.post:
        return one.hold is other.hold or one.officer == other.officer
    return one.officer == other.officer and one.hold is other.hold is Hold.HOLDER
