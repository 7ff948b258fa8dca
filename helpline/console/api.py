"""The local JSON API: what the command line asks of the running helpline. The token is checked by the shield."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agents.agent import Agent, Line
from helpline.console.body import Body
from helpline.console.listing import counts_by_state
from helpline.console.parts import Parts
from helpline.console.views import agent_view, iso, new_agent_view

LINES = {"on-hook": Line.ON_HOOK, "off-hook": Line.OFF_HOOK}


class Api:
    """One method per address; those of the queue are in `api_queue`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/api/health", self.health),
            Route("/api/status", self.status),
            Route("/api/agents", self.agents, methods=["GET"]),
            Route("/api/agents", self.add_agent, methods=["POST"]),
            Route("/api/agents/{id}", self.agent, methods=["GET"]),
            Route("/api/agents/{id}/skills", self.skills, methods=["POST"]),
            Route("/api/agents/{id}/line", self.line, methods=["POST"]),
            Route("/api/agents/{id}/auto-answer", self.auto_answer, methods=["POST"]),
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
        counted = parts.acd.snapshot(limit=0).counted
        presence = Counter(agent.state.value for agent in parts.agents.list())
        return JSONResponse(
            {
                "waiting": counted.waiting,
                "conversations": counted.talking,
                "agents": dict(presence),
                "complaints": await counts_by_state(parts.grievances),
                "oldest_overdue": iso(await parts.grievances.oldest_overdue(parts.clock())),
                "letters": [
                    {"to": pile.to, "waiting": pile.waiting, "dead": pile.dead, "oldest": iso(pile.oldest)}
                    for pile in await parts.piles()
                ],
                "links": dict(await parts.health()),
            }
        )

    async def agents(self, _request: Request) -> JSONResponse:
        return JSONResponse([agent_view(agent) for agent in self._parts.agents.list()])

    async def agent(self, request: Request) -> JSONResponse:
        return JSONResponse(agent_view(self._parts.agents.get(request.path_params["id"])))

    async def add_agent(self, request: Request) -> JSONResponse:
        """Password and PIN are in this answer and nowhere else."""
        body = await Body.of(request, "id", "name", "languages")
        new = await self._parts.agents.add(
            id=body.text("id"), name=body.text("name"), languages=body.texts("languages", ["hi", "en"])
        )
        await self._parts.add_phone()
        return JSONResponse(new_agent_view(new), status_code=201)

    async def skills(self, request: Request) -> JSONResponse:
        """Skills with their new levels; those not named stay."""
        body = await Body.of(request, "levels")
        return JSONResponse(
            agent_view(await self._parts.agents.set_skills(request.path_params["id"], body.levels("levels")))
        )

    async def line(self, request: Request) -> JSONResponse:
        """On-hook or off-hook, from the next call on."""
        body = await Body.of(request, "line")
        line = LINES.get(body.text("line"))
        if line is None:
            raise HTTPException(422, f"line must be one of: {', '.join(LINES)}.")
        return JSONResponse(agent_view(await self._parts.agents.set_line(request.path_params["id"], line)))

    async def auto_answer(self, request: Request) -> JSONResponse:
        """Whether the agent's phone is told to pick up by itself."""
        body = await Body.of(request, "on")
        agent = await self._parts.agents.set_auto_answer(request.path_params["id"], body.flag("on", True))
        return JSONResponse(agent_view(agent))

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
            "extend-wrap-up": lambda: agents.extend_wrap_up(id),
        }
        if verb not in verbs:
            known = ", ".join([*verbs, "new-password"])
            raise HTTPException(404, f"An agent can't be asked to {verb[:40]!r}. Known: {known}.")
        return JSONResponse(agent_view(await verbs[verb]()))

    async def kick_dialer(self, _request: Request) -> JSONResponse:
        """Feedback is due: look now rather than at the next round."""
        self._parts.kick_dialer()
        return JSONResponse({"ok": True})
