"""The lines of an officers' file, checked: what is wrong with each is told with its line and column. Pure.

The format is for people (docs/officers-file.md): departments and districts by code or name, days as 31-12-2026 or
2026-12-31.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Final

from grievance_core.catalogue import Catalogue, Department, District, plain
from grievance_core.complaint import SHORT_LIMIT
from grievance_core.errors import GrievanceError
from grievance_core.officers import PostId, posts_of
from grievance_core.posts.roster import Hold, Officer, OfficerId, Posting

COLUMNS: Final = (
    "department",
    "district",
    "designation",
    "officer_id",
    "name",
    "mobile",
    "as",
    "from",
    "until",
)
OFFICER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9/-]{1,29}")
MOBILE: Final = re.compile(r"(?:\+?91|0)?([6-9][0-9]{9})")
DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[-./]([0-9]{1,2})[-./]([0-9]{4})")
YEAR_FIRST: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file under its column names."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line, and what to do."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that is right in itself."""

    line: int
    officer: Officer
    posting: Posting


def read(lines: Sequence[Line], catalogue: Catalogue) -> tuple[list[Entry], list[Fault]]:
    """The lines that are right in themselves, and every fault of the others."""
    entries: list[Entry] = []
    faults: list[Fault] = []
    posts: dict[tuple[str, str], Mapping[str, PostId]] = {}
    for line in lines:
        reader = _Reader(line, catalogue, posts)
        entry = reader.entry()
        faults += reader.faults
        if entry is not None and not reader.faults:
            entries.append(entry)
    return entries, faults


class _Reader:
    """Reads one line; what is wrong with it gathers in `faults`."""

    def __init__(self, line: Line, catalogue: Catalogue, posts: dict[tuple[str, str], Mapping[str, PostId]]) -> None:
        self._line = line
        self._catalogue = catalogue
        self._posts = posts  # by their plain designation, for each department and district that was met
        self.faults: list[Fault] = []

    def entry(self) -> Entry | None:
        post, officer = self._post(), self._officer()
        hold, first, last = self._hold(), self._day("from"), self._day("until")
        if first is None and not self._cell("from"):
            self._wrong("from", "it is empty. Give the first day in the post, such as 01-04-2026.")
        if first is not None and last is not None and last < first:
            self._wrong("until", f"{last} is before {first}. Give the last day in the post, or leave it empty.")
        if post is None or officer is None or hold is None or first is None:
            return None
        posting = Posting(post=post, officer=officer.id, hold=hold, first=first, last=last)
        return Entry(self._line.number, officer, posting)

    def _cell(self, column: str) -> str:
        return " ".join(self._line.cells.get(column, "").split())

    def _wrong(self, column: str, message: str) -> None:
        self.faults.append(Fault(self._line.number, column, message))

    def _post(self) -> PostId | None:
        department, district = self._department(), self._district()
        if department is None or district is None:
            return None
        key = (department.code, district.code)
        if key not in self._posts:
            there = posts_of(self._catalogue, department.code, district)
            self._posts[key] = {plain(post.designation): post.id for post in there}
        posts, asked = self._posts[key], self._cell("designation")
        found = posts.get(plain(asked))
        if found is None:
            near = get_close_matches(plain(asked), posts, n=1) or sorted(posts)[:3]
            self._wrong(
                "designation",
                f"{department.code} has no {asked[:60]!r}. Did you mean {' or '.join(near)}? "
                "The designations are those of categories.csv.",
            )
        return found

    def _department(self) -> Department | None:
        asked = self._cell("department")
        for one in self._catalogue.departments.values():
            if plain(asked) in (plain(one.code), plain(one.name_en), plain(one.name_hi)):
                return one
        try:
            return self._catalogue.department(asked)
        except GrievanceError as error:
            self._wrong("department", str(error))
            return None

    def _district(self) -> District | None:
        try:
            return self._catalogue.find_district(self._cell("district"))
        except GrievanceError as error:
            self._wrong("district", str(error))
            return None

    def _officer(self) -> Officer | None:
        id, name, mobile = self._cell("officer_id"), self._cell("name"), self._cell("mobile")
        if not OFFICER_ID.fullmatch(id):
            self._wrong("officer_id", "give the officer's own number, 2 to 30 letters, digits, / or -.")
        if not name or len(name) > SHORT_LIMIT or not name.isprintable():
            self._wrong("name", f"give the name, at most {SHORT_LIMIT} signs.")
        digits = re.sub(r"[ -]", "", mobile)
        found = MOBILE.fullmatch(digits)
        if mobile and found is None:
            self._wrong("mobile", "give ten digits that begin with 6 to 9, or leave it empty.")
        return Officer(id=OfficerId(id.upper()), name=name, mobile=found[1] if found else "")

    def _hold(self) -> Hold | None:
        asked = self._cell("as").casefold() or Hold.HOLDER.value
        if asked in set(Hold):
            return Hold(asked)
        self._wrong("as", f"{asked[:20]!r} was not understood. Write holder, or charge for additional charge.")
        return None

    def _day(self, column: str) -> date | None:
        asked = self._cell(column)
        if not asked:
            return None
        found = day_of(asked)
        if found is None:
            self._wrong(column, f"{asked[:20]!r} is no day. Write it as 31-12-2026 or 2026-12-31.")
        return found


def day_of(text: str) -> date | None:
    """A day as people write it here, the day before the month; None when it is none."""
    if found := DAY_FIRST.fullmatch(text):
        day, month, year = found.groups()
    elif found := YEAR_FIRST.fullmatch(text.removesuffix(" 00:00:00")):  # as spreadsheets give their own days
        year, month, day = found.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
