"""The controller's log: one JSON object a line; personal data only in fields whose names start with pii_."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from io import TextIOWrapper
from logging import LogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES = 20 * 1024 * 1024
FILES_KEPT = 10
_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A fixed phrase for people, its fields for machines."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name.split(".", 1)[0],
            "message": record.getMessage(),
        }
        line.update({key: value for key, value in vars(record).items() if key not in _PLAIN})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return _ENCODE(line)


class OwnersFile(RotatingFileHandler):
    """A log file that its owner alone can read, also after it was turned over.

    Its size is counted here: a call writes several lines, and the base class looks at the file system for each.
    """

    _bytes = 0

    def emit(self, record: LogRecord) -> None:
        try:
            line = self.format(record) + self.terminator
            self._bytes += len(line.encode("utf-8", "backslashreplace"))
            if self._bytes > self.maxBytes > 0:
                self.doRollover()
                self._bytes = len(line)
            if self.stream is None:
                self.stream = self._open()
            self.stream.write(line)
            self.stream.flush()
        except Exception:  # noqa: BLE001 - as every handler of logging does
            self.handleError(record)

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.fchmod(descriptor, 0o600)
        self._bytes = os.fstat(descriptor).st_size
        # What Asterisk passed on need not be UTF-8; its odd bytes become escapes that JSON knows.
        return open(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def to_file(path: Path) -> None:
    """Log to a file that its owner alone can read, turned over before it grows beyond bounds."""
    handler = OwnersFile(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT)
    handler.setFormatter(JsonLines())
    # What a line never tells need not be found out for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in ("httpx", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
