"""The queue's part of the local JSON API: who waits, why, and what supervisors do about it."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from agents.agent import Agent
from agents.errors import NotPossible, UnknownAgent
from helpline.console.body import Body
from helpline.console.callers import call_meant
from helpline.console.live import Live
from helpline.console.parts import Parts
from helpline.console.views import queue_view
from helpline.console.wall import AGENTS, CALLERS, MOST_SHOWN, wall_view
from telephony.numbers import national

SPYING = ("listen", "whisper", "barge")


class QueueApi:
    """One method per address. `live` ends its streams when the server stops."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.live = Live(self._wall)

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/api/queue", self.queue, methods=["GET"]),
            Route("/api/live", self.follow, methods=["GET"]),
            Route("/api/queue/calls/{caller:path}/why", self.why, methods=["GET"]),
            Route("/api/queue/calls/{caller:path}/front", self.front, methods=["POST"]),
            Route("/api/queue/calls/{caller:path}/transfer", self.transfer, methods=["POST"]),
            Route("/api/queue/calls/{caller:path}/take", self.take, methods=["POST"]),
            Route("/api/queue/queues/{name:path}/close", self.close, methods=["POST"]),
            Route("/api/queue/queues/{name:path}/open", self.open, methods=["POST"]),
            Route("/api/queue/notice", self.set_notice, methods=["POST"]),
            Route("/api/queue/notice", self.clear_notice, methods=["DELETE"]),
            Route("/api/callers/{number}/vulnerable", self.vulnerable, methods=["GET", "POST"]),
            Route("/api/agents/{id}/why", self.why_agent, methods=["GET"]),
            *(Route(f"/api/agents/{{id}}/{how}", self.spy, methods=["POST"]) for how in SPYING),
        ]

    # -- what is seen

    async def queue(self, request: Request) -> JSONResponse:
        """Who waits and who talks: the first `limit` of each, with the counts of all."""
        return JSONResponse(queue_view(self._parts.acd.snapshot(_count(request, "limit", MOST_SHOWN))))

    async def follow(self, request: Request) -> Response:
        """What fits a screen, now and after each change. `once` in the query: now only."""
        callers, agents = _count(request, "callers", CALLERS), _count(request, "agents", AGENTS)
        if "once" in request.query_params:
            return JSONResponse(self._wall(callers, agents))
        return StreamingResponse(
            self.live.follow(callers=callers, agents=agents),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    def _wall(self, callers: int, agents: int) -> dict[str, Any]:
        return wall_view(
            self._parts.acd.snapshot(limit=callers),
            self._parts.agents.list(),
            callers=callers,
            most_agents=agents,
        )

    async def why(self, request: Request) -> JSONResponse:
        call = self._call(request)
        return JSONResponse({"call": call, "why": list(self._parts.acd.why(call))})

    async def why_agent(self, request: Request) -> JSONResponse:
        agent = self._parts.agents.get(request.path_params["id"])
        return JSONResponse({"agent": agent.id, "why": list(self._parts.acd.why_agent(agent.id))})

    # -- what is done with one caller

    async def vulnerable(self, request: Request) -> JSONResponse:
        """Whether that number's citizen is senior or disabled; `on` with POST: keep it for the next call."""
        number = national(request.path_params["number"])
        if not number:
            raise HTTPException(422, "That is no telephone number. Type its digits.")
        if request.method == "POST":
            body = await Body.of(request, "on", "by")
            await self._parts.callers.set_vulnerable(number, body.flag("on", True), by=_by(body))
        return JSONResponse({"caller": number, "vulnerable": self._parts.callers.is_vulnerable(number)})

    async def front(self, request: Request) -> JSONResponse:
        body = await Body.of(request, "by")
        call = self._call(request)
        await self._parts.supervision.to_front(call, by=_by(body))
        return JSONResponse({"call": call})

    async def transfer(self, request: Request) -> JSONResponse:
        """`to`: an agent's number, or a queue's name."""
        body = await Body.of(request, "to", "by")
        to = body.text("to").strip()
        if not to:
            raise HTTPException(422, "Say where to: an agent's number such as 1001, or a queue such as complaint.")
        call = self._call(request)
        if to.isascii() and to.isdigit():
            await self._parts.supervision.transfer(call, to_agent=self._parts.agents.get(to).id, by=_by(body))
        else:
            await self._parts.supervision.transfer(call, to_queue=to, by=_by(body))
        return JSONResponse({"call": call, "to": to})

    async def take(self, request: Request) -> JSONResponse:
        body = await Body.of(request, "as", "by")
        call, supervisor = self._call(request), self._supervisor(body)
        await self._parts.supervision.take_over(call, supervisor.id, by=_by(body))
        return JSONResponse({"call": call, "supervisor": supervisor.id})

    async def spy(self, request: Request) -> JSONResponse:
        """Listen, whisper (the agent alone hears the supervisor) or barge (both do) on an agent who talks."""
        body = await Body.of(request, "as", "by")
        agent, supervisor = self._parts.agents.get(request.path_params["id"]), self._supervisor(body)
        how = request.url.path.rpartition("/")[2]
        if agent.id == supervisor.id:
            raise NotPossible(f"Agent {agent.id} can't {how} on themselves: name another supervisor with --as.")
        await self._parts.supervision.spy(agent.id, supervisor.id, how, by=_by(body))
        return JSONResponse({"agent": agent.id, "supervisor": supervisor.id, "how": how})

    def _call(self, request: Request) -> str:
        named: str = request.path_params["caller"].strip()
        if self._parts.acd.call(named) is not None:
            return named  # by its id, as programs do: nobody need be looked for among thousands
        return call_meant(named, self._parts.acd.snapshot())

    def _supervisor(self, body: Body) -> Agent:
        """Whose phone is to ring: it must be there."""
        id = body.text("as").strip()
        if not id:
            raise HTTPException(422, "Say whose phone is to ring: the supervisor's agent number, with --as.")
        try:
            supervisor = self._parts.agents.get(id)
        except UnknownAgent:
            raise UnknownAgent(
                f"There is no agent {id} to be the supervisor. A supervisor is an agent with a phone; `helpline agents "
                "list` shows who there is."
            ) from None
        if not supervisor.phone_reachable:
            raise NotPossible(
                f"Agent {id}'s phone is not registered, so it can't be rung. Start the softphone, or name another "
                "supervisor with --as."
            )
        return supervisor

    # -- what is done with a queue

    async def close(self, request: Request) -> JSONResponse:
        """`say`: words by language. `drain` false: who waits already is sent elsewhere too."""
        body = await Body.of(request, "say", "drain", "by")
        name = request.path_params["name"]
        words, drain = body.words("say"), body.flag("drain", True)
        await self._parts.supervision.close_queue(name, announcement=words, drain=drain, by=_by(body))
        return JSONResponse({"queue": name, "open": False})

    async def open(self, request: Request) -> JSONResponse:
        body = await Body.of(request, "by")
        name = request.path_params["name"]
        await self._parts.supervision.open_queue(name, by=_by(body))
        return JSONResponse({"queue": name, "open": True})

    async def set_notice(self, request: Request) -> JSONResponse:
        body = await Body.of(request, "say", "by")
        words = body.words("say")
        await self._parts.supervision.set_notice(words, by=_by(body))
        return JSONResponse({"notice": words})

    async def clear_notice(self, request: Request) -> JSONResponse:
        await self._parts.supervision.clear_notice(by=request.query_params.get("by", "api"))
        return JSONResponse({"notice": {}})


def _by(body: Body) -> str:
    return body.text("by") or "api"


def _count(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) > MOST_SHOWN:
        raise HTTPException(422, f"{name} must be a number from 0 to {MOST_SHOWN}.")
    return int(text)
