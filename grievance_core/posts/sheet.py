"""Officers' files: their lines under the column names, read from and written to CSV and XLSX."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from grievance_core.errors import SheetUnreadable
from grievance_core.posts.lines import COLUMNS, Line
from grievance_core.sheets import rows_of

MOST_LINES: Final = 200_000


def read_sheet(path: Path) -> list[Line]:
    """The lines of a CSV or XLSX file, empty ones left out. Raises SheetUnreadable, which says what to do."""
    header: tuple[str, ...] | None = None
    lines: list[Line] = []
    for number, cells in rows_of(path):
        if not any(cells):
            continue
        if header is None:
            header = _header(cells, path.name)
            continue
        if len(lines) == MOST_LINES:
            raise SheetUnreadable(f"{path.name} has more than {MOST_LINES} lines. Split it.")
        lines.append(Line(number, dict(zip(header, cells, strict=False))))
    if not lines:
        raise SheetUnreadable(f"{path.name} holds no line below the column names {', '.join(COLUMNS)}.")
    return lines


def write_sheet(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write rows below the column names; XLSX if the name says so, else CSV that Excel reads as UTF-8."""
    if path.suffix.casefold() == ".xlsx":
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet("officers")
        for row in (COLUMNS, *rows):
            sheet.append(list(row))
        book.save(path)
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows((COLUMNS, *rows))


def _header(cells: Sequence[str], name: str) -> tuple[str, ...]:
    header = tuple(cell.strip().casefold() for cell in cells)
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise SheetUnreadable(
            f"{name}: the first line must name the columns, and these are missing: {', '.join(missing)}. "
            f"All of them: {', '.join(COLUMNS)}"
        )
    return header
