"""A campaign's list as a file, CSV or XLSX: read twice, so that nothing is loaded before all is checked."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from outbound_dialer.contact_lines import Fault, Listed, columns_of, read
from outbound_dialer.errors import InvalidList

TOLD_EVERY = 5000  # lines


class ContactFile:
    """One file. Raises InvalidList when it is none that can be read, OSError when it can't be opened."""

    def __init__(self, path: Path, *, zone: tzinfo, now: datetime, asks: bool) -> None:
        if path.suffix.lower() not in (".csv", ".xlsx"):
            raise InvalidList(f"{path.name} is neither CSV nor XLSX. Save it as one of them.")
        self._path = path
        self._zone = zone
        self._now = now
        self._asks = asks

    def check(self, told: Callable[[int], None] = lambda _done: None) -> tuple[int, list[Fault]]:
        """How many lines are right, and every fault."""
        right, faults = 0, []
        for done, one in enumerate(self._read(), start=1):
            if isinstance(one, Fault):
                faults.append(one)
            else:
                right += 1
            if done % TOLD_EVERY == 0:
                told(done)
        return right, faults

    def right(self) -> Iterator[Listed]:
        """The lines that are right."""
        return (one for one in self._read() if isinstance(one, Listed))

    def _read(self) -> Iterator[Listed | Fault]:
        rows = self._xlsx() if self._path.suffix.lower() == ".xlsx" else self._csv()
        _, heading = next(rows, (1, ()))
        yield from read(rows, columns_of(heading), zone=self._zone, now=self._now, asks=self._asks)

    def _csv(self) -> Iterator[tuple[int, Sequence[str]]]:
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            try:
                for cells in reader:
                    yield reader.line_num, cells
            except UnicodeDecodeError as error:
                raise InvalidList(f"{self._path.name} is not UTF-8 text. Save it as CSV UTF-8.") from error
            except csv.Error as error:
                raise InvalidList(
                    f"{self._path.name}, line {reader.line_num}: {error}. Save it as CSV UTF-8."
                ) from error

    def _xlsx(self) -> Iterator[tuple[int, Sequence[str]]]:
        from zipfile import BadZipFile

        import openpyxl

        try:
            book = openpyxl.load_workbook(self._path, read_only=True, data_only=True)
        except (BadZipFile, KeyError, ValueError) as error:
            raise InvalidList(
                f"{self._path.name} can't be read as XLSX. Save it again from the sheet program."
            ) from error
        try:
            for line, cells in enumerate(book.active.iter_rows(values_only=True), start=1):
                yield line, [_text(cell) for cell in cells]
        finally:
            book.close()


def _text(cell: Any) -> str:
    """A cell as it would stand in a CSV: sheets keep a number such as 9876543210 as 9876543210.0."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
