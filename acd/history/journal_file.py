"""The journal on disk: a file a day in the house's zone, written beside the calls and never in their way.

`note` makes the line (some 15 µs) and puts it into a list; a thread appends what is listed, five times a second while
something happens. Lines are made at once rather than in the thread: a thread that computes can hold up the loop for
Python's 5 ms switch interval, one that writes can't. A disk that is full costs lines, never a call: it is said once,
what was not written is counted, and a line in the journal says how much is missing there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path

from acd.engine.decisions import Decision
from acd.engine.events import Event
from acd.errors import JournalUnreadable
from acd.history.journal import Begin, Chose, Continues, Gap, Line, Torn, encode, encode_entry, read

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.2
AGAIN_SECONDS = 2.0  # after a failed write
MOST_UNWRITTEN = 100_000  # lines, some two minutes of the busiest hour and 30 MB; what comes beyond is counted and lost

_Noted = tuple[datetime, str]


class JournalFile:
    """One controller's journal. `start()` before the first `note`, `stop()` after the last. One writer per folder."""

    def __init__(
        self, folder: Path, *, zone: tzinfo, run: str, flush_seconds: float = FLUSH_SECONDS, most: int = MOST_UNWRITTEN
    ) -> None:
        self._folder = folder
        self._flush_seconds = flush_seconds
        self._most = most
        self._noted: list[_Noted] = []
        self._wanted = asyncio.Event()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._pages = _Pages(folder, zone=zone, run=run)
        self._lost = 0  # since the last line that was written
        self._lost_ever = 0
        self._failing = False

    @property
    def not_written(self) -> int:
        """Entries that are in no file and never will be."""
        return self._lost_ever

    def start(self) -> None:
        self._task = asyncio.create_task(self._write_on(), name="acd journal")

    async def stop(self) -> None:
        """Write what is left, and close the file."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._flush()
        self._lose(len(self._noted))
        self._noted.clear()
        self._pages.close()

    def note(self, event: Event, at: datetime, decisions: Sequence[Decision]) -> None:
        """The engine was told of that event and decided this. Returns at once."""
        self._add(at, (event,), decisions, together=False)

    def note_all(self, events: Sequence[Event], at: datetime, decisions: Sequence[Decision]) -> None:
        """The engine was told of these events as one set."""
        self._add(at, events, decisions, together=True)

    def note_choice(self, caller: str, what: str, at: datetime) -> None:
        """That caller stops waiting by choice ("message"): to be told before their CallerLeft."""
        self._put(at, encode(Chose(at=at, caller=caller, what=what)))

    def _add(self, at: datetime, events: Sequence[Event], decisions: Sequence[Decision], *, together: bool) -> None:
        self._put(at, encode_entry(at, events, decisions, together=together))

    def _put(self, at: datetime, line: str) -> None:
        if len(self._noted) >= self._most:
            self._lose(1)
            return
        self._noted.append((at, line))
        self._wanted.set()

    def _lose(self, count: int) -> None:
        self._lost += count
        self._lost_ever += count

    async def _write_on(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(AGAIN_SECONDS if self._failing else self._flush_seconds)
            self._wanted.clear()
            await asyncio.shield(self._flush())

    async def _flush(self) -> None:
        """What can't be written stays noted, in order, and is tried again with what comes next."""
        async with self._writing:
            while self._noted:
                batch, self._noted = self._noted, []
                lost = self._lost
                try:
                    written = await asyncio.to_thread(self._pages.append, batch, lost)
                except OSError as error:
                    self._failed(batch, error)
                    return
                self._noted[:0] = batch[written:]
                self._lost -= lost
                self._recovered()

    def _failed(self, batch: list[_Noted], error: OSError) -> None:
        self._noted[:0] = batch
        over = len(self._noted) - self._most
        if over > 0:
            self._lose(over)
            del self._noted[self._most :]
        if not self._failing:
            log.error(
                "The journal can't be written: calls go on, make room on the disk",
                extra={"action": "journal_failed", "folder": str(self._folder), "error": str(error)},
            )
        self._failing = True
        self._wanted.set()

    def _recovered(self) -> None:
        if self._failing:
            self._failing = False
            log.warning("The journal is written again", extra={"action": "journal_back", "lost": self._lost_ever})


@dataclass(slots=True)
class _Page:
    """An open day. Up to `size` all is whole. `heading` is its first line by this run, "" once it is written."""

    day: date
    ends: datetime
    file: int
    size: int
    heading: str


class _Pages:
    """Appends whole lines or nothing. Used by one thread at a time."""

    def __init__(self, folder: Path, *, zone: tzinfo, run: str) -> None:
        self._folder = folder
        self._zone = zone
        self._run = run
        self._page: _Page | None = None
        self._begun = False

    def append(self, batch: Sequence[_Noted], lost: int) -> int:
        """How many of the batch are written: those of one day. Raises OSError; then none is."""
        first = batch[0][0]
        page = self._turned_to(first)
        last = next((index for index, (at, _) in enumerate(batch) if at >= page.ends), len(batch))
        gap = [encode(Gap(at=first, lost=lost))] if lost else []
        heading = [page.heading] if page.heading else []
        lines = [*heading, *gap, *(text for _, text in batch[:last]), ""]
        self._write(page, "\n".join(lines).encode())
        page.heading = ""
        self._begun = True
        return last

    def close(self) -> None:
        if self._page is not None:
            os.close(self._page.file)
            self._page = None

    def _turned_to(self, at: datetime) -> _Page:
        """The page of that moment, opened if need be. A clock that was set back does not open an older one."""
        page = self._page
        if page is not None and at < page.ends:
            return page
        day = at.astimezone(self._zone).date()
        self._folder.mkdir(parents=True, exist_ok=True)
        heading: Begin | Continues = Begin(at=at, run=self._run)
        if page is not None and self._begun:
            heading = Continues(at=at, run=self._run, previous=_path(self._folder, page.day).name)
        file = os.open(_path(self._folder, day), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = _ended_line(file)
        except OSError:
            os.close(file)
            raise
        self.close()
        midnight = datetime.combine(day + timedelta(days=1), time(), self._zone)
        self._page = _Page(day, midnight, file, size, encode(heading))
        return self._page

    def _write(self, page: _Page, data: bytes) -> None:
        done = 0
        try:
            while done < len(data):
                done += os.write(page.file, data[done:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(page.file, page.size)
            raise
        page.size += done


def _ended_line(file: int) -> int:
    """The file's size, after a line that a controller died in was ended."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        size += os.write(file, b"\n")
    return size


def _path(folder: Path, day: date) -> Path:
    return folder / f"{day.isoformat()}.jsonl"


def read_day(path: Path) -> Iterator[Line | Torn]:
    """What that file holds. Raises JournalUnreadable."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            yield from read(lines, str(path))
    except OSError as error:
        raise JournalUnreadable(
            f"{path}: {error.strerror}. The helpline keeps a journal a day in its run folder: ls run/journal"
        ) from error


def read_since_start(path: Path) -> Iterator[Line | Torn]:
    """As `read_day`; a day that a controller lived into is read from that controller's start, in the days before.

    The days before are given from their last begin on. Raises JournalUnreadable.
    """
    first = next(iter(read_day(path)), None)
    if isinstance(first, Continues):
        yield from _since_last_begin(path.with_name(Path(first.previous).name))
    yield from read_day(path)


def _since_last_begin(path: Path) -> Iterator[Line | Torn]:
    lines = list(read_day(path))
    begins = [index for index, line in enumerate(lines) if isinstance(line, Begin)]
    if begins:
        yield from lines[begins[-1] :]
        return
    if lines and isinstance(lines[0], Continues):
        yield from _since_last_begin(path.with_name(Path(lines[0].previous).name))
    yield from lines
