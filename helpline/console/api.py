"""The local JSON API: what the command line asks of the running helpline. The token is checked by the shield."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agents.agent import Agent
from helpline.console.listing import counts_by_state
from helpline.console.parts import Parts
from helpline.console.views import agent_view, new_agent_view, queue_view


class Body:
    """A JSON object of the request; each field is asked for by name and kind."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    @classmethod
    async def of(cls, request: Request, *known: str) -> Body:
        """Raises HTTPException 400 for what is no JSON object, 422 for a field that is not known here."""
        raw = await request.body()
        if not raw.strip():
            return cls({})
        try:
            fields = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise HTTPException(400, f"The body is not JSON ({error}). Send an object such as {{}}.") from None
        if not isinstance(fields, dict):
            raise HTTPException(400, "The body must be a JSON object, such as {}.")
        for name in fields:
            if name not in known:
                raise HTTPException(422, f"{name[:40]!r} is not known here. Expected: {', '.join(known) or 'nothing'}.")
        return cls(fields)

    def text(self, name: str, default: str = "") -> str:
        value = self._fields.get(name, default)
        if not isinstance(value, str):
            raise HTTPException(422, f"{name} must be text.")
        return value

    def texts(self, name: str, default: list[str]) -> list[str]:
        value = self._fields.get(name, default)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise HTTPException(422, f"{name} must be a list of texts.")
        return value


class Api:
    """One method per address."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/api/health", self.health),
            Route("/api/status", self.status),
            Route("/api/queue", self.queue),
            Route("/api/agents", self.agents, methods=["GET"]),
            Route("/api/agents", self.add_agent, methods=["POST"]),
            Route("/api/agents/{id}/{verb}", self.agent_verb, methods=["POST"]),
            Route("/api/dialer/kick", self.kick_dialer, methods=["POST"]),
        ]

    async def health(self, _request: Request) -> JSONResponse:
        """Needs no token and tells nothing but whether each part is there, and which process answers."""
        links = dict(await self._parts.health())
        ok = all(links.values())
        return JSONResponse({"ok": ok, "process": os.getpid(), **links}, status_code=200 if ok else 503)

    async def status(self, _request: Request) -> JSONResponse:
        parts = self._parts
        queue = queue_view(parts.acd.snapshot())
        presence = Counter(agent.state.value for agent in parts.agents.list())
        return JSONResponse(
            {
                "waiting": len(queue["waiting"]),
                "conversations": len(queue["talking"]),
                "agents": dict(presence),
                "complaints": await counts_by_state(parts.grievances),
                "links": dict(await parts.health()),
            }
        )

    async def queue(self, _request: Request) -> JSONResponse:
        return JSONResponse(queue_view(self._parts.acd.snapshot()))

    async def agents(self, _request: Request) -> JSONResponse:
        return JSONResponse([agent_view(agent) for agent in self._parts.agents.list()])

    async def add_agent(self, request: Request) -> JSONResponse:
        """Password and PIN are in this answer and nowhere else."""
        body = await Body.of(request, "id", "name", "languages")
        new = await self._parts.agents.add(
            id=body.text("id"), name=body.text("name"), languages=body.texts("languages", ["hi", "en"])
        )
        await self._parts.add_phone()
        return JSONResponse(new_agent_view(new), status_code=201)

    async def agent_verb(self, request: Request) -> JSONResponse:
        id, verb = request.path_params["id"], request.path_params["verb"]
        self._parts.agents.get(id)
        body = await Body.of(request, "by", "reason")
        by = body.text("by") or "api"
        if verb == "new-password":
            new = await self._parts.agents.new_password(id)
            await self._parts.add_phone()
            return JSONResponse(new_agent_view(new))
        agents = self._parts.agents
        verbs: dict[str, Callable[[], Awaitable[Agent]]] = {
            "sign-in": lambda: agents.sign_in(id, by=by),
            "sign-out": lambda: agents.sign_out(id, by=by),
            "ready": lambda: agents.ready(id),
            "pause": lambda: agents.pause(id, body.text("reason")),
            "end-wrap-up": lambda: agents.finish_wrap_up(id),
        }
        if verb not in verbs:
            known = ", ".join([*verbs, "new-password"])
            raise HTTPException(404, f"An agent can't be asked to {verb[:40]!r}. Known: {known}.")
        return JSONResponse(agent_view(await verbs[verb]()))

    async def kick_dialer(self, _request: Request) -> JSONResponse:
        """Feedback is due: look now rather than at the next round."""
        self._parts.kick_dialer()
        return JSONResponse({"ok": True})
