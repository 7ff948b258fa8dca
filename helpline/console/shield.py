"""What guards every request of the console, as plain ASGI so that the server push is not held back."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 64 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_API_PATHS = frozenset({"/api/health"})

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Shield:
    """Adds the safety headers, wants the token for the API, and refuses forms sent from other sites."""

    def __init__(
        self, app: ASGIApp, *, api_token: str, refuse: Callable[[Request, Exception], Awaitable[Response]]
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._api_token = api_token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")  # pages hold citizens' words
            await send(message)

        try:
            self._check(scope)
        except HTTPException as error:
            answer = await self._refuse(Request(scope), error)
            await answer(scope, receive, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        _check_size(scope["method"], headers)
        if scope["path"].startswith("/api/"):
            if scope["path"] not in OPEN_API_PATHS:
                self._check_token(headers)
        elif scope["method"] not in SAFE_METHODS:
            _check_origin(scope, headers)

    def _check_token(self, headers: Headers) -> None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._api_token):
            raise HTTPException(
                401,
                "This needs the token of the run folder (file api.secret) as Authorization: Bearer …",
                headers={"WWW-Authenticate": "Bearer"},
            )


def _check_size(method: str, headers: Headers) -> None:
    if method in SAFE_METHODS:
        return
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        raise HTTPException(411, "Say how long the body is (Content-Length).")
    if int(length) > MAX_BODY_BYTES:
        raise HTTPException(413, f"That is too much text: at most {MAX_BODY_BYTES // 1024} KiB are taken. Shorten it.")


def _check_origin(scope: Scope, headers: Headers) -> None:
    """Browsers say where a form comes from; a caller that says neither is no browser and carries no one's cookie."""
    origin = headers.get("origin")
    own = f"{scope['scheme']}://{headers.get('host', '')}"
    site = headers.get("sec-fetch-site", "same-origin")
    if (origin is not None and origin != own) or site not in {"same-origin", "none"}:
        raise HTTPException(403, "That form was sent from another site. Open the page here and try again.")
