"""Rows of a file as spreadsheets give them: CSV in the encodings and marks that Excel writes, and XLSX."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from grievance_core.errors import SheetUnreadable

# Excel writes UTF-16 for "Unicode text", and UTF-8 with a mark for "CSV UTF-8".
ENCODINGS: Final = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row with its line, a few in memory at a time; the content tells CSV from XLSX, not the name.

    Raises SheetUnreadable, which says what to do.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise SheetUnreadable(f"{path.name} can't be read: {error.strerror}. Give the path of the file.") from error
    yield from _xlsx(path) if start.startswith(b"PK") else _csv(path, start)


def _csv(path: Path, start: bytes) -> Iterator[tuple[int, list[str]]]:
    encoding = next((encoding for mark, encoding in ENCODINGS if start.startswith(mark)), "utf-8")
    line = 1
    with path.open(encoding=encoding, newline="") as file:
        try:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(",;\t", key=first.count), strict=True)
            for cells in reader:
                yield line, [cell.strip() for cell in cells]
                line = reader.line_num + 1
        except UnicodeDecodeError:
            raise SheetUnreadable(
                f"{path.name} line {_first_bad_line(path, encoding)}: this is not UTF-8. "
                "Save the file as 'CSV UTF-8' or XLSX."
            ) from None
        except csv.Error as error:
            raise SheetUnreadable(
                f"{path.name} line {line}: {error}. Look for a quotation mark that is not closed."
            ) from None


def _first_bad_line(path: Path, encoding: str) -> int:
    """Decoding goes by blocks, so its own error does not tell the line."""
    raw = path.read_bytes()
    try:
        raw.decode(encoding)
    except UnicodeDecodeError as error:
        return raw.count(b"\n", 0, error.start) + 1
    return 1


def _xlsx(path: Path) -> Iterator[tuple[int, list[str]]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with path.open("rb") as file:
        try:
            book = load_workbook(file, read_only=True, data_only=True)
        except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
            raise SheetUnreadable(
                f"{path.name} is no sound XLSX file. Open and save it again, or save it as CSV."
            ) from error
        try:
            for line, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
                yield line, [_text(cell) for cell in row]
        finally:
            book.close()


def _text(cell: Any) -> str:
    """A cell as it would stand in a CSV: sheets may keep a number such as 9876543210 as 9876543210.0."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
