"""The office page: the officers' complaints, oldest due first, and what an officer can do with one.

They report, ask the citizen, give it to the right department, get more time, or propose a special closure.

Until officers have accounts of their own, everyone with the office code says who they are, and that is put on record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grievance_core.catalogue import LEVELS
from grievance_core.complaint import Complaint, SpecialReason, for_officers
from grievance_core.errors import GrievanceError
from grievance_core.lifecycle import WITH_AN_OFFICER, State
from helpline.console.desk import see
from helpline.console.faults import told
from helpline.console.forms import Typed, typed
from helpline.console.listing import open_complaints
from helpline.console.pages import Pages
from helpline.console.parts import Parts
from helpline.console.sessions import CodeCheck, Sessions

CHANNEL = "office"
MAY_PROPOSE = WITH_AN_OFFICER - {State.CLOSURE_PROPOSED}
MAY_TRANSFER = WITH_AN_OFFICER - {State.CLOSURE_PROPOSED}
NOTHING_TYPED: Typed = dict.fromkeys(
    (
        *("text", "visited"),  # of the report; the text of a decision too
        "question",
        *("category", "transfer_reason"),
        *("days", "extension_reason"),
        *("level", "reason", "explanation", "report"),
    ),
    "",
)
Deed = Callable[[str, str, Typed], Awaitable[None]]
"""Something that the officer does with a complaint, by its number, the officer's name and what was typed."""
VISITED = {"yes": True, "no": False}  # anything else: not said


class Office:
    """One method per address."""

    def __init__(self, parts: Parts, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._sessions = Sessions(parts.redis, "office")
        self._code = CodeCheck(parts.redis, parts.office_code)

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/office", self.page),
            Route("/office/sign-in", self.sign_in, methods=["POST"]),
            Route("/office/sign-out", self.sign_out, methods=["POST"]),
            Route("/office/complaints/{number}", self.complaint, methods=["GET"]),
            Route("/office/complaints/{number}/report", self.report, methods=["POST"]),
            Route("/office/complaints/{number}/ask", self.ask, methods=["POST"]),
            Route("/office/complaints/{number}/transfer", self.transfer, methods=["POST"]),
            Route("/office/complaints/{number}/extend", self.extend, methods=["POST"]),
            Route("/office/complaints/{number}/close", self.close, methods=["POST"]),
            Route("/office/complaints/{number}/decide", self.decide, methods=["POST"]),
        ]

    def _sign_in_page(self, *, status: int = 200, name: str = "", message: str = "") -> Response:
        return self._pages.render("office_sign_in.html", status=status, name=name, message=message)

    async def sign_in(self, request: Request) -> Response:
        values = await typed(request, "name", "code")
        name = values["name"].strip()
        address = request.client.host if request.client else "unknown"
        if not name or len(name) > 120 or not name.isprintable():
            return self._sign_in_page(status=422, message="Write your name and post, at most 120 letters.")
        if await self._code.locked(address):
            return self._sign_in_page(status=429, name=name, message="Too many wrong codes. Wait five minutes.")
        if not await self._code.fits(values["code"], address):
            return self._sign_in_page(
                status=403, name=name, message="That is not the office code. Ask the helpline's supervisor for it."
            )
        response = see("/office")
        await self._sessions.open(response, request, name)
        return response

    async def sign_out(self, request: Request) -> Response:
        response = see("/office")
        await self._sessions.close(response, request)
        return response

    async def page(self, request: Request) -> Response:
        officer = await self._sessions.who(request)
        if officer is None:
            return self._sign_in_page()
        asked = {name: request.query_params.get(name, "") for name in ("district", "department", "level")}
        catalogue = self._parts.catalogue
        level = int(asked["level"]) if asked["level"] in {str(level) for level in LEVELS} else None
        complaints = await open_complaints(
            self._parts.grievances,
            district=catalogue.district(asked["district"]).code if asked["district"] else "",
            department=catalogue.department(asked["department"]).code if asked["department"] else "",
            level=level,
        )
        return self._pages.render(
            "office.html",
            officer=officer,
            asked=asked,
            levels=LEVELS,
            now=self._parts.clock(),
            rows=[(one.for_officer(), self._parts.grievances.post_of(one)) for one in complaints],
        )

    async def complaint(self, request: Request) -> Response:
        if await self._sessions.who(request) is None:
            return self._sign_in_page(status=403, message="Sign in first.")
        return await self._shown(await self._parts.grievances.get(request.path_params["number"]))

    async def _shown(
        self, complaint: Complaint, *, status: int = 200, message: str = "", values: Typed = NOTHING_TYPED
    ) -> Response:
        return self._pages.render(
            "complaint.html",
            status=status,
            complaint=complaint.for_officer(),
            post=self._parts.grievances.post_of(complaint),
            history=for_officers(await self._parts.grievances.history(complaint.number)),
            office=True,
            message=message,
            values=values,
            reasons=list(SpecialReason),
            can_report=complaint.state in WITH_AN_OFFICER,
            can_ask=complaint.state in WITH_AN_OFFICER and complaint.question_at is None,
            can_transfer=complaint.state in MAY_TRANSFER,
            can_extend=complaint.state in WITH_AN_OFFICER and complaint.due_at is not None,
            can_close=complaint.state in MAY_PROPOSE and complaint.level > 1,
            can_decide=complaint.state is State.CLOSURE_PROPOSED,
        )

    async def report(self, request: Request) -> Response:
        """Resolved, says the officer: the citizen will be rung."""

        async def deed(number: str, officer: str, values: Typed) -> None:
            visited = VISITED.get(values["visited"])
            await self._parts.grievances.report(
                number, by=officer, text=values["text"], visited=visited, channel=CHANNEL
            )
            self._parts.kick_dialer()

        return await self._done(request, deed, "text", "visited")

    async def ask(self, request: Request) -> Response:
        """A question to the citizen, who is rung with it."""

        async def deed(number: str, officer: str, values: Typed) -> None:
            await self._parts.grievances.ask_citizen(number, by=officer, text=values["question"], channel=CHANNEL)
            self._parts.kick_dialer()

        return await self._done(request, deed, "question")

    async def transfer(self, request: Request) -> Response:
        """To the department that it belongs to; after two transfers a supervisor decides (by the command line)."""

        async def deed(number: str, officer: str, values: Typed) -> None:
            await self._parts.grievances.transfer(
                number, category=values["category"], by=officer, text=values["transfer_reason"], channel=CHANNEL
            )

        return await self._done(request, deed, "category", "transfer_reason")

    async def extend(self, request: Request) -> Response:
        """More working days, granted by somebody of a higher level."""

        async def deed(number: str, officer: str, values: Typed) -> None:
            await self._parts.grievances.extend(
                number,
                by=officer,
                level=level_of(values),
                days=days_of(values),
                text=values["extension_reason"],
                channel=CHANNEL,
            )

        return await self._done(request, deed, "level", "days", "extension_reason")

    async def close(self, request: Request) -> Response:
        """Propose to close although the citizen is dissatisfied; a second person decides."""

        async def deed(number: str, officer: str, values: Typed) -> None:
            await self._parts.grievances.propose_closure(
                number,
                by=officer,
                level=level_of(values),
                reason=values["reason"],
                text=values["explanation"],
                report=values["report"],
                channel=CHANNEL,
            )

        return await self._done(request, deed, "level", "reason", "explanation", "report")

    async def decide(self, request: Request) -> Response:
        """A second person approves or declines what was proposed."""

        async def deed(number: str, officer: str, values: Typed) -> None:
            grievances = self._parts.grievances
            approved = values["decision"] == "approve"
            decided = grievances.approve_closure if approved else grievances.decline_closure
            await decided(number, by=officer, level=level_of(values), text=values["text"], channel=CHANNEL)

        return await self._done(request, deed, "level", "text", "decision")

    async def _done(self, request: Request, deed: Deed, *fields: str) -> Response:
        """What an officer does with a complaint: then its page, or why not, with what was typed."""
        officer = await self._sessions.who(request)
        if officer is None:
            return self._sign_in_page(status=403, message="Sign in first.")
        number = request.path_params["number"]
        values = {**NOTHING_TYPED, **await typed(request, *fields)}
        try:
            await deed(number, officer, values)
        except GrievanceError as error:
            return await self._refused(number, error, values)
        return see(f"/office/complaints/{number}")

    async def _refused(self, number: str, error: GrievanceError, values: Typed) -> Response:
        status, message = told(error) or (400, str(error))
        return await self._shown(
            await self._parts.grievances.get(number), status=status, message=message, values=values
        )


def level_of(values: Typed) -> int:
    """The level that was chosen; 0, which nobody has, for anything else."""
    return int(values["level"]) if values["level"] in {"1", "2", "3", "4", "5"} else 0


def days_of(values: Typed) -> int:
    """The working days that were typed; 0, which nobody is granted, for anything else."""
    days = values["days"].strip()
    return int(days) if days.isascii() and days.isdigit() and len(days) <= 3 else 0
