"""A reference IGRS for tests: a real HTTP server on loopback that behaves as badly as its seed says.

It takes changes (each once, by its key) and gives the reports of officers until it is told that they were taken. Its
tricks: it loses the answer to what it took, answers 500 or 503 before or after taking, is slow, repeats, goes away.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from asterisk_conf.testing import free_port
from grievance_core.igrs.wire import CHANGES_PATH, REPORTS_PATH, TAKEN_PATH
from grievance_core.outbox.http import KEY_HEADER

SLOW_SECONDS = 0.3


class LostAnswer(Exception):
    """The connection is cut after the work was done."""


@dataclass
class ReferenceIgrs:
    """`trouble`: the chance (0 to 1) that something goes wrong with a request."""

    seed: int = 1
    trouble: float = 0.0
    token: str = "secret"
    changes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by complaint, in order of arrival
    keys: dict[str, str] = field(default_factory=dict)  # key → reference
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)  # not taken yet
    refused: dict[str, str] = field(default_factory=dict)
    tricks: dict[str, int] = field(default_factory=dict)
    port: int = 0
    _server: uvicorn.Server | None = None
    _task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.port = self.port or free_port()
        routes = [
            Route(CHANGES_PATH, self._badly(self._take_change), methods=["POST"]),
            Route(REPORTS_PATH, self._badly(self._give_reports), methods=["GET"]),
            Route(TAKEN_PATH, self._badly(self._forget), methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=self.port, log_config=None, lifespan="off", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Go away: nothing listens any more."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = self._server.force_exit = True
        await self._task
        self._server = self._task = None

    def _badly(self, work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return JSONResponse({"error": "who are you?"}, status_code=401)
            trick = self._rng.choice(TRICKS) if self._rng.random() < self.trouble else ""
            self.tricks[trick] = self.tricks.get(trick, 0) + 1
            if trick == "refuses":
                return Response("busy", status_code=503, headers={"Retry-After": "2"})
            if trick == "fails":
                return Response("<html>oops", status_code=500)
            answer = await work(request)
            if trick == "slow":
                await asyncio.sleep(SLOW_SECONDS)
            elif trick == "fails afterwards":
                return Response("oops", status_code=500)
            elif trick == "loses":
                raise LostAnswer
            return answer

        return answered

    async def _take_change(self, request: Request) -> Response:
        key, body = request.headers[KEY_HEADER], await request.json()
        if key in self.keys:
            return JSONResponse({"reference": self.keys[key]})
        told = self.changes.setdefault(body["complaint"], [])
        if not told and "registered" not in body:
            return JSONResponse({"error": "no such complaint"}, status_code=404)
        if told and body["seq"] <= told[-1]["seq"]:
            self.disordered.append(key)
        if any(one["seq"] == body["seq"] for one in told):
            self.doubled.append(key)
        told.append(body)
        self.keys[key] = f"IGRS-{len(self.keys) + 1}"
        return JSONResponse({"reference": self.keys[key]}, status_code=201)

    async def _give_reports(self, _request: Request) -> Response:
        rows = [*self.reports.values()][:20]
        return JSONResponse({"reports": [*rows, *rows[:1]] if self.trouble else rows})

    async def _forget(self, request: Request) -> Response:
        for row in (await request.json())["taken"]:
            self.reports.pop(row["id"], None)
            if "refused" in row:
                self.refused[row["id"]] = row["refused"]
        return JSONResponse({})


TRICKS = ("refuses", "fails", "fails afterwards", "slow", "loses")
