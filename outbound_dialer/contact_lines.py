"""The lines of a campaign's list, checked one by one: what is wrong with each is told with line and column. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from outbound_dialer.errors import InvalidList
from telephony.numbers import national

COLUMNS: Final = ("number", "key", "complaint", "language", "due")
KEY: Final = re.compile(r"[\w./+-]{1,60}", re.ASCII)
LANGUAGE: Final = re.compile(r"[a-z]{2,8}", re.ASCII)
TEN_DIGITS: Final = re.compile(r"[2-9]\d{9}", re.ASCII)
"""A mobile, or a line with its area code."""
COMPLAINT: Final = re.compile(r"\d{12}", re.ASCII)
_FILLING: Final = str.maketrans("", "", " -()")
"""What people write between digits."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line, and what to do. Its message never shows a number: faults are mailed around."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A line that is right. `due` orders the list: the earliest is rung first."""

    key: str
    number: str = field(repr=False)
    complaint: str = ""
    language: str = "hi"
    due: datetime


class _Wrong(Exception):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def columns_of(heading: Sequence[str]) -> list[str]:
    """The columns that the file has, in its order. Raises InvalidList."""
    names = [name.strip().lower() for name in heading]
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or "number" not in names or len(set(names)) < len(names):
        raise InvalidList(
            f"The first line must name the columns: number, and if wanted {', '.join(COLUMNS[1:])}, each once. It has: "
            f"{', '.join(names) or 'nothing'}."
        )
    return names


def read(
    rows: Iterable[tuple[int, Sequence[str]]], columns: Sequence[str], *, zone: tzinfo, now: datetime, asks: bool
) -> Iterator[Listed | Fault]:
    """Each line as a contact or as its first fault, in the file's order. Empty lines are passed over.

    `rows`: each with its line, the cells without blanks around them; `now`: when what has no due time is due; `asks`:
    the machine asks about a complaint, so each line must name one.
    """
    seen: set[str] = set()
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) > len(columns) and any(cells[len(columns) :]):
            yield Fault(line, "line", f"it has {len(cells)} columns, the first line {len(columns)}. Mend it.")
            continue
        try:
            found = _listed(dict(zip(columns, cells, strict=False)), zone=zone, now=now, asks=asks)
        except _Wrong as wrong:
            yield Fault(line, wrong.column, str(wrong))
            continue
        if found.key in seen:
            column = next(name for name in ("key", "complaint", "number") if name in columns)
            yield Fault(line, column, "it stands on an earlier line. Leave one out.")
            continue
        seen.add(found.key)
        yield found


def _listed(cells: Mapping[str, str], *, zone: tzinfo, now: datetime, asks: bool) -> Listed:
    number = national(cells.get("number", ""))
    if not TEN_DIGITS.fullmatch(number):
        raise _Wrong("number", "it is no telephone number. Ten digits are expected, a line with its area code.")
    complaint = cells.get("complaint", "").translate(_FILLING)
    if complaint and not COMPLAINT.fullmatch(complaint):
        raise _Wrong("complaint", "a complaint's number has twelve digits.")
    if asks and not complaint:
        raise _Wrong("complaint", "there is none, so the machine would have nothing to ask. Name the complaint.")
    key = cells.get("key", "")
    if key and not KEY.fullmatch(key):
        raise _Wrong("key", "1 to 60 letters, digits or signs of . / + - _ are expected.")
    language = cells.get("language") or "hi"
    if not LANGUAGE.fullmatch(language):
        raise _Wrong("language", "a short name such as hi or en is expected.")
    due = _due(cells.get("due", ""), zone, now)
    return Listed(key=key or complaint or number, number=number, complaint=complaint, language=language, due=due)


def _due(text: str, zone: tzinfo, now: datetime) -> datetime:
    if not text:
        return now
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong("due", "a time such as 2026-12-31 or 2026-12-31 17:30 is expected.") from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
