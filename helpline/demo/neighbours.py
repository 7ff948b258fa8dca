"""The demo's neighbours: an IGRS and an SMS gateway, one small server on loopback in a process of its own.

They take what the helpline sends, each letter once, and write it down, one line of JSON each. An officer who works in
IGRS reports at `REPORT_PATH`; the helpline fetches it. The badly behaving IGRS is a test's (tests/igrs_server.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from grievance_core.igrs.wire import CHANGES_PATH, REPORTS_PATH, TAKEN_PATH
from grievance_core.messages.gateway import PATH as MESSAGES_PATH
from grievance_core.outbox.http import KEY_HEADER
from helpline.demo.errors import ExpectationFailed

REPORT_PATH: Final = "/officers/reports"
START_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 0.05


@dataclass(slots=True)
class Book:
    """What the neighbours were told: `out` gets a line for each letter that is new."""

    out: TextIO
    references: dict[str, str] = field(default_factory=dict)  # by idempotency key
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)  # not fetched yet
    filed: int = 0

    def take(self, system: str, key: str, body: dict[str, Any]) -> str:
        """The reference of this letter, the same each time it comes."""
        if key not in self.references:
            self.references[key] = f"{system.upper()}-{len(self.references) + 1:04}"
            line = {"system": system, "key": key, "reference": self.references[key], "body": body}
            self.out.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.out.flush()
        return self.references[key]

    def file(self, body: dict[str, Any]) -> str:
        """An officer's report, kept until the helpline has it."""
        self.filed += 1
        id = f"R{self.filed}"
        self.reports[id] = {"id": id, **body}
        return id


def app(book: Book) -> Starlette:
    """Both systems under one address; their paths differ."""

    async def change(request: Request) -> JSONResponse:
        return JSONResponse({"reference": book.take("igrs", request.headers[KEY_HEADER], await request.json())})

    async def message(request: Request) -> JSONResponse:
        return JSONResponse({"id": book.take("sms", request.headers[KEY_HEADER], await request.json())})

    async def reports(_request: Request) -> JSONResponse:
        return JSONResponse({"reports": list(book.reports.values())})

    async def taken(request: Request) -> JSONResponse:
        for row in (await request.json())["taken"]:
            book.reports.pop(row["id"], None)
        return JSONResponse({})

    async def report(request: Request) -> JSONResponse:
        return JSONResponse({"id": book.file(await request.json())})

    return Starlette(
        routes=[
            Route(CHANGES_PATH, change, methods=["POST"]),
            Route(REPORTS_PATH, reports, methods=["GET"]),
            Route(TAKEN_PATH, taken, methods=["POST"]),
            Route(MESSAGES_PATH, message, methods=["POST"]),
            Route(REPORT_PATH, report, methods=["POST"]),
        ]
    )


class Neighbours:
    """The process that plays them. What it was told stands in `told`, a file in its folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        self._file = folder / "neighbours.jsonl"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers. Raises ExpectationFailed."""
        self._file.touch()
        words = [sys.executable, "-m", "helpline.demo.neighbours", str(httpx.URL(self.url).port), str(self._file)]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx.get(self.url + REPORTS_PATH, trust_env=False).raise_for_status()
            except httpx.HTTPError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise ExpectationFailed("The demo's IGRS and SMS gateway did not start.") from None
                time.sleep(LOOK_SECONDS)
            else:
                return

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def told(self, system: str, about: str) -> list[dict[str, Any]]:
        """The letters that this system (igrs, sms) took about a complaint, in order of arrival."""
        lines = (json.loads(line) for line in self._file.read_text(encoding="utf-8").splitlines())
        return [one for one in lines if one["system"] == system and about in one["key"]]

    def report(self, complaint: str, *, by: str, text: str) -> None:
        """An officer files a report in IGRS."""
        body = {"complaint": complaint, "by": by, "text": text, "visited": True}
        httpx.post(self.url + REPORT_PATH, json=body, trust_env=False).raise_for_status()


def main(port: str, file: str) -> None:
    """Serve until ended by SIGTERM."""
    with open(file, "a", encoding="utf-8") as out:
        uvicorn.run(app(Book(out)), host="127.0.0.1", port=int(port), log_config=None, lifespan="off", ws="none")


if __name__ == "__main__":
    main(*sys.argv[1:])
