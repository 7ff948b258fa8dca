"""Officers' files as spreadsheets give them: CSV in the encodings that Excel writes, and XLSX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from grievance_core.errors import SheetUnreadable
from grievance_core.posts.lines import COLUMNS, Line

MOST_LINES: Final = 200_000
# Excel writes UTF-16 for "Unicode text", and UTF-8 with a mark for "CSV UTF-8".
ENCODINGS: Final = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def read_sheet(path: Path) -> list[Line]:
    """The lines of a CSV or XLSX file, empty ones left out. Raises SheetUnreadable, which says what to do."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SheetUnreadable(f"{path.name} can't be read: {error.strerror}. Give the path of the file.") from error
    rows = _xlsx(raw, path.name) if raw.startswith(b"PK") else _csv(raw, path.name)
    header: tuple[str, ...] | None = None
    lines: list[Line] = []
    for number, cells in rows:
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


def _csv(raw: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    encoding = next((encoding for mark, encoding in ENCODINGS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SheetUnreadable(f"{name} line {line}: this is not UTF-8. Save the file as 'CSV UTF-8' or XLSX.") from None
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise SheetUnreadable(f"{name} line {line}: {error}. Look for a quotation mark that is not closed.") from None


def _xlsx(raw: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise SheetUnreadable(f"{name} is no sound XLSX file. Open and save it again, or save it as CSV.") from error
    sheet = book.worksheets[0]
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        yield number, ["" if cell is None else str(cell).strip() for cell in row]
    book.close()
