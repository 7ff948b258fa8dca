"""Work items in the local JSON API: what agents do between calls."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from acd.errors import NoSuchWork
from acd.live.work import WorkItem
from helpline.console.body import Body
from helpline.console.parts import Parts
from helpline.console.views import work_view
from helpline.console.wall import MOST_SHOWN

LONGEST_ABOUT: Final = 200
LONGEST_MINUTES: Final = 30 * 24 * 60
DUE_MINUTES: Final = 120


class WorkApi:
    """One method per address."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/api/queue/work", self.listed, methods=["GET"]),
            Route("/api/queue/work", self.add, methods=["POST"]),
            Route("/api/queue/work/{item:path}/done", self.done, methods=["POST"]),
        ]

    async def listed(self, _request: Request) -> JSONResponse:
        """What is not done, first to last."""
        return JSONResponse([work_view(item) for item in self._parts.acd.snapshot(limit=MOST_SHOWN).work])

    async def add(self, request: Request) -> JSONResponse:
        """`about` is what the agent reads; `due_minutes` from now it stands in line like a caller."""
        body = await Body.of(request, "about", "queue", "due_minutes", "language", "by")
        about = body.text("about").strip()
        if not 0 < len(about) <= LONGEST_ABOUT:
            raise HTTPException(422, f"Say in 1 to {LONGEST_ABOUT} letters what the agent is to do.")
        minutes = body.number("due_minutes", DUE_MINUTES, most=LONGEST_MINUTES)
        language = body.text("language")
        now = self._parts.clock()
        item = WorkItem(
            id=f"work-{now:%y%m%d%H%M%S}-{secrets.token_hex(2)}",
            queue=body.text("queue") or self._parts.acd.queue_of("complaint"),
            added_at=now,
            due_at=now + timedelta(minutes=minutes),
            about=about,
            needs=(f"language:{language}",) if language else (),
            language=language,
        )
        await self._parts.acd.add_work(item)
        return JSONResponse(work_view(item), status_code=201)

    async def done(self, request: Request) -> JSONResponse:
        id = request.path_params["item"]
        item = self._parts.acd.work_item(id)
        if item is None:
            raise NoSuchWork(f"There is no work item {id[:60]!r}. `helpline queue work list` shows what is to be done.")
        await self._parts.acd.done_work(item.id)
        return JSONResponse(work_view(item))
