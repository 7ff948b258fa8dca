"""The desk page: an agent's presence, the caller now talking, and the form that registers a complaint."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from acd.errors import AcdError
from acd.live.work import WorkItem
from agents.agent import Agent
from agents.errors import AgentsError, NotPossible, PinLocked, UnknownAgent, WrongPin
from agents.presence import State
from grievance_core.errors import DraftRefused, GrievanceError
from grievance_core.excluded import WHERE_TO_GO
from helpline.console.faults import told
from helpline.console.feed import DeskCall, Feed
from helpline.console.forms import COMPLAINT_FIELDS, Typed, draft_of, typed
from helpline.console.intake import FIELDS as INTAKE_FIELDS
from helpline.console.intake import Noted, Offer, take_in
from helpline.console.pages import Pages
from helpline.console.parts import Parts
from helpline.console.sessions import Sessions

EARLIER_LIMIT = 10
MESSAGE = "voice-"
"""So the work items begin that are spoken messages (helpline.lifeline)."""
PAUSE_REASONS = ("break", "training", "back_office", "technical")


def see(path: str) -> RedirectResponse:
    """After a form: go and look, so that a reload does not send it again."""
    return RedirectResponse(path, status_code=303)


class Desk:
    """One method per address."""

    def __init__(self, parts: Parts, pages: Pages, feed: Feed) -> None:
        self._parts = parts
        self._pages = pages
        self._feed = feed
        self._sessions = Sessions(parts.redis, "desk")

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/desk", self.page),
            Route("/desk/sign-in", self.sign_in, methods=["POST"]),
            Route("/desk/sign-out", self.sign_out, methods=["POST"]),
            Route("/desk/presence", self.presence, methods=["POST"]),
            Route("/desk/events", self.events),
            Route("/desk/caller", self.caller, methods=["POST"]),
            Route("/desk/work/sound", self.sound, methods=["GET"]),
            Route("/desk/complaints", self.register, methods=["POST"]),
            Route("/desk/complaints/{number}", self.complaint, methods=["GET"]),
            Route("/desk/complaints/{number}/reply", self.reply, methods=["POST"]),
            Route("/desk/complaints/{number}/pressed", self.pressed, methods=["POST"]),
        ]

    async def _agent(self, request: Request) -> Agent | None:
        id = await self._sessions.who(request)
        if id is None:
            return None
        try:
            return self._parts.agents.get(id)
        except UnknownAgent:
            return None

    def _sign_in_page(self, *, status: int = 200, agent: str = "", message: str = "") -> Response:
        return self._pages.render("desk_sign_in.html", status=status, agent=agent, message=message)

    async def sign_in(self, request: Request) -> Response:
        """One PIN signs in at the page and for calls."""
        values = await typed(request, "agent", "pin")
        try:
            agent = await self._parts.agents.sign_in(values["agent"].strip(), pin=values["pin"].strip())
        except (UnknownAgent, WrongPin, PinLocked) as error:
            status, message = told(error) or (403, str(error))
            # Whether an agent's number exists is told to nobody without a PIN.
            if isinstance(error, UnknownAgent):
                status, message = 403, "That number and PIN do not belong together. Try again or ask your supervisor."
            return self._sign_in_page(status=status, agent=values["agent"], message=message)
        response = see("/desk")
        await self._sessions.open(response, request, agent.id)
        return response

    async def sign_out(self, request: Request) -> Response:
        """Out at once when idle; from within a call, when the call and its wrap-up are over."""
        agent = await self._agent(request)
        if agent is None:
            return see("/desk")
        agent = await self._parts.agents.sign_out(agent.id)
        response = see("/desk")
        if agent.state is State.SIGNED_OUT:
            await self._sessions.close(response, request)
        return response

    async def presence(self, request: Request) -> Response:
        """Ready, pause with a reason, writing done, more time for it, work item done."""
        agent = await self._agent(request)
        if agent is None:
            return self._sign_in_page(status=403, message="Sign in first.")
        values = await typed(request, "do", "reason")
        agents = self._parts.agents
        try:
            if values["do"] == "ready":
                await agents.ready(agent.id)
            elif values["do"] == "pause":
                await agents.pause(agent.id, values["reason"])
            elif values["do"] == "end-wrap-up":
                await agents.finish_wrap_up(agent.id)
            elif values["do"] == "extend-wrap-up":
                await agents.extend_wrap_up(agent.id)
            elif values["do"] == "work-done":
                await self._work_done(agent)
            else:
                raise NotPossible("Press one of the buttons: ready, pause or writing done.")
        except (AcdError, AgentsError) as error:
            status, message = told(error) or (400, str(error))
            return await self._page(agent, status=status, message=message)
        return see("/desk")

    async def _work_done(self, agent: Agent) -> None:
        if agent.state is not State.WORKING:
            raise NotPossible("You are on no work item now; its time may have run out.")
        await self._parts.acd.done_work(agent.call)

    async def caller(self, request: Request) -> Response:
        """Senior or disabled, or not after all: kept for the number, and used when it calls again."""
        agent = await self._agent(request)
        if agent is None:
            return self._sign_in_page(status=403, message="Sign in first.")
        values = await typed(request, "do", "call_id")
        call = self._call(agent)
        try:
            if call is None or call.id != values["call_id"]:
                raise NotPossible("That call is no longer yours: say it of the caller whom you see now.")
            vulnerable = values["do"] == "vulnerable"
            await self._parts.callers.set_vulnerable(call.caller, vulnerable, by=agent.id)
        except (AcdError, AgentsError) as error:
            status, message = told(error) or (400, str(error))
            return await self._page(agent, status=status, message=message)
        return see("/desk")

    async def sound(self, request: Request) -> Response:
        """What the citizen said whose message this agent is typing up; nobody else hears it here."""
        agent = await self._agent(request)
        item = self._work(agent) if agent is not None else None
        if item is None or not item.sound or not Path(item.sound).is_file():
            raise HTTPException(404, "There is no message to be heard now.")
        return FileResponse(item.sound, media_type="audio/wav")

    async def events(self, request: Request) -> Response:
        """Server push; 204 tells the browser not to come back."""
        agent = await self._agent(request)
        if agent is None:
            return Response(status_code=204)
        id = agent.id

        async def show() -> str:
            return await self._now(self._parts.agents.get(id))

        stream: AsyncIterator[str] = self._feed.follow(id, show)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def page(self, request: Request) -> Response:
        agent = await self._agent(request)
        if agent is None or (agent.state is State.SIGNED_OUT and "again" in request.query_params):
            return self._sign_in_page()
        asked = request.query_params
        return await self._page(agent, registered=asked.get("registered", ""), noted=asked.get("noted", ""))

    async def _page(
        self,
        agent: Agent,
        *,
        status: int = 200,
        message: str = "",
        registered: str = "",
        noted: str = "",
        values: Typed | None = None,
        offer: Offer | None = None,
    ) -> Response:
        call = self._call(agent)
        complaint = await self._parts.grievances.get(registered or noted) if registered or noted else None
        return self._pages.render(
            "desk.html",
            status=status,
            agent=agent,
            message=message,
            registered=complaint,
            noted=bool(noted),
            offer=offer,
            where_to_go=WHERE_TO_GO,
            values=values or fresh(call),
            was_typed=values is not None,
            now=await self._now(agent),
        )

    async def _now(self, agent: Agent) -> str:
        """The part of the page that follows presence and call."""
        call = self._call(agent)
        earlier = (
            await self._parts.grievances.find(caller=call.caller, limit=EARLIER_LIMIT) if call and call.caller else []
        )
        return self._pages.text(
            "_now.html",
            agent=agent,
            call=call,
            earlier=earlier,
            vulnerable=call is not None and self._parts.callers.is_vulnerable(call.caller),
            pause_reasons=PAUSE_REASONS,
            left=self._left(agent),
            work=self._work(agent),
        )

    def _left(self, agent: Agent) -> int | None:
        """Whole seconds of the wrap-up or the work item; None in any other state."""
        until = agent.presence.until
        if until is None or agent.state is State.RINGING:
            return None
        return max(0, round((until - self._parts.clock()).total_seconds()))

    def _work(self, agent: Agent) -> WorkItem | None:
        if agent.state is not State.WORKING:
            return None
        return self._parts.acd.work_item(agent.call)

    def _call(self, agent: Agent) -> DeskCall | None:
        """Whom the form is about: the caller, or the citizen whose message is typed up."""
        item = self._work(agent)
        if item is not None and item.sound:
            return DeskCall(item.id, item.caller, item.language or "hi")
        return self._feed.call_of(agent)

    async def register(self, request: Request) -> Response:
        """Register; on an error the form comes back as it was typed, with what to mend."""
        values = await typed(request, *COMPLAINT_FIELDS, *INTAKE_FIELDS)
        agent = await self._agent(request)
        if agent is None:
            return self._sign_in_page(status=403, message="Sign in first; what you typed is kept in this browser.")
        try:
            channel = channel_of(values["call_id"])
            draft = draft_of(values, catalogue=self._parts.catalogue, agent=agent.id, channel=channel)
            taken = await take_in(self._parts.grievances, draft, values)
        except GrievanceError as error:
            status, message = told(error) or (422 if isinstance(error, DraftRefused) else 503, str(error))
            return await self._page(agent, status=status, message=message, values=values)
        match taken:
            case Offer():
                return await self._page(agent, status=409, values=values, offer=taken)
            case Noted(complaint):
                return see(f"/desk?noted={complaint.number}")
            case complaint:
                return see(f"/desk?registered={complaint.number}")

    async def complaint(self, request: Request) -> Response:
        """One complaint with its history, to tell a caller how it stands."""
        if await self._agent(request) is None:
            return self._sign_in_page(status=403, message="Sign in first.")
        return await self._shown(request.path_params["number"])

    async def reply(self, request: Request) -> Response:
        """What the citizen answers to an officer's question."""
        agent = await self._agent(request)
        if agent is None:
            return self._sign_in_page(status=403, message="Sign in first.")
        number, values = request.path_params["number"], await typed(request, "reply")
        try:
            await self._parts.grievances.reply_to_officer(
                number, text=values["reply"], channel="desk", by=f"citizen, noted by {agent.id}"
            )
        except GrievanceError as error:
            status, message = told(error) or (400, str(error))
            return await self._shown(number, status=status, message=message, reply=values["reply"])
        return see(f"/desk/complaints/{number}")

    async def pressed(self, request: Request) -> Response:
        """The citizen says that an officer pressed them."""
        agent = await self._agent(request)
        if agent is None:
            return self._sign_in_page(status=403, message="Sign in first.")
        number, values = request.path_params["number"], await typed(request, "pressure")
        try:
            await self._parts.grievances.pressed(
                number, text=values["pressure"], channel="desk", by=f"citizen, noted by {agent.id}"
            )
        except GrievanceError as error:
            status, message = told(error) or (400, str(error))
            return await self._shown(number, status=status, message=message)
        return see(f"/desk/complaints/{number}")

    async def _shown(self, number: str, *, status: int = 200, message: str = "", reply: str = "") -> Response:
        complaint = await self._parts.grievances.get(number)
        return self._pages.render(
            "complaint.html",
            status=status,
            message=message,
            complaint=complaint,
            post=self._parts.grievances.post_of(complaint),
            history=await self._parts.grievances.history(number),
            office=False,
            values={"reply": reply},
        )


def channel_of(call_id: str) -> str:
    """How a complaint with that call came: spoken to an agent, as a message, or to nobody on the line."""
    if not call_id:
        return "desk"
    return "message" if call_id.startswith(MESSAGE) else "call"


def fresh(call: DeskCall | None) -> dict[str, str]:
    """The registration form for this call, with nothing typed yet."""
    return {
        "kind": "complaint",
        "language": call.language if call else "hi",
        "category": "",
        "district": "",
        "text": "",
        "name": "",
        "caller": call.caller if call else "",
        "call_id": call.id if call else "",
        **dict.fromkeys(INTAKE_FIELDS, ""),
    }
