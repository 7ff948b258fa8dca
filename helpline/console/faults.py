"""How each error is told: as JSON to the API, as a page to people. The message is the error's own."""

from __future__ import annotations

import logging
from http import HTTPStatus

from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from acd.errors import AcdError, NoSuchCall, NoSuchQueue, NoSuchWork, NotKept, NotSupervisable
from agents.errors import AgentsError, InvalidAgent, InvalidSkill, NotPossible, PinLocked, UnknownAgent, WrongPin
from grievance_core.errors import (
    ChangedMeanwhile,
    DraftRefused,
    GrievanceError,
    NotAllowed,
    NumberUnreadable,
    StoreError,
    UnknownComplaint,
)
from helpline.console.pages import Pages
from helpline.console.shield import HEADERS
from helpline.errors import HelplineError
from ivr.errors import IvrError, NoticeRefused
from telephony.errors import TelephonyError

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[Exception], int], ...] = (
    (UnknownAgent, 404),
    (UnknownComplaint, 404),
    (NoSuchCall, 404),
    (NoSuchQueue, 404),
    (NoSuchWork, 404),
    (InvalidAgent, 422),
    (InvalidSkill, 422),
    (NoticeRefused, 422),
    (DraftRefused, 422),
    (NumberUnreadable, 422),
    (NotKept, 503),
    (NotPossible, 409),
    (NotSupervisable, 409),
    (NotAllowed, 409),
    (ChangedMeanwhile, 409),
    (WrongPin, 403),
    (PinLocked, 429),
    (StoreError, 503),
)

ROOMS_ERRORS = (AcdError, AgentsError, GrievanceError, HelplineError, IvrError, TelephonyError)

REDIS_GONE = "Redis does not answer. Calls go on; see what ails it with `helpline doctor`, then try again."
OUR_FAULT = "The helpline made a mistake; it is in its log. Try again, and tell the supervisor if it stays."


def told(error: Exception) -> tuple[int, str] | None:
    """Status and message of an error that people may see; None for a fault of ours."""
    if isinstance(error, HTTPException):
        plain = {
            404: "There is nothing at this address.",
            405: "This address does not take that verb.",
        }
        standard = HTTPStatus(error.status_code).phrase
        return error.status_code, plain.get(error.status_code, standard) if error.detail == standard else error.detail
    for kind, status in STATUS:
        if isinstance(error, kind):
            return status, str(error)
    if isinstance(error, RedisError):
        return 503, REDIS_GONE
    if isinstance(error, ROOMS_ERRORS):
        return (503 if error.retryable else 400), str(error)
    return None


class Faults:
    """The exception handlers of the application."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def expected(self, request: Request, error: Exception) -> Response:
        """An error that has a message for people."""
        status, message = told(error) or (500, OUR_FAULT)
        return self._answer(request, status, message, getattr(error, "headers", None))

    async def ours(self, request: Request, _error: Exception) -> Response:
        """A bug: the server logs it; people are told that much and no more."""
        return self._answer(request, 500, OUR_FAULT, dict(HEADERS))  # this answer does not pass the shield

    def _answer(self, request: Request, status: int, message: str, headers: dict[str, str] | None) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": message}, status_code=status, headers=headers)
        response = self._pages.render(
            "error.html",
            status=status,
            code=status,
            message=message,
            home="/office" if "/office" in request.url.path else "/desk",
        )
        response.headers.update(headers or {})
        return response
