"""Who is signed in at the pages, and how often somebody tried in vain. Kept in Redis, so a restart signs nobody out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response

Page = Literal["desk", "office"]

SIGNED_IN_SECONDS = 12 * 3600  # a shift and the way home; then the page asks again
MAX_WRONG_CODES = 5
WRONG_CODES_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Sessions:
    """Server-side sessions of one page. The browser holds a random id; Redis holds only its hash."""

    redis: Redis
    page: Page

    @property
    def cookie(self) -> str:
        return f"helpline_{self.page}"

    def _key(self, session: str) -> str:
        return f"console:{self.page}:{hashlib.sha256(session.encode()).hexdigest()}"

    async def open(self, response: Response, request: Request, who: str) -> None:
        """Sign `who` in and put the cookie on the response."""
        session = secrets.token_urlsafe(32)
        await self.redis.set(self._key(session), who, ex=SIGNED_IN_SECONDS)
        response.set_cookie(
            self.cookie,
            session,
            max_age=SIGNED_IN_SECONDS,
            path=f"/{self.page}",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    async def who(self, request: Request) -> str | None:
        """Who is signed in: an agent's id at the desk, an officer's name in the office."""
        session = request.cookies.get(self.cookie)
        if not session:
            return None
        kept = await self.redis.get(self._key(session))
        return str(kept) if kept else None

    async def close(self, response: Response, request: Request) -> None:
        """Sign out this browser, and have it forget the drafts it kept."""
        session = request.cookies.get(self.cookie)
        if session:
            await self.redis.delete(self._key(session))
        response.delete_cookie(self.cookie, path=f"/{self.page}")
        response.headers["Clear-Site-Data"] = '"storage"'


@dataclass(frozen=True, slots=True)
class CodeCheck:
    """The office code, with a limit on wrong tries from one address."""

    redis: Redis
    code: str

    async def locked(self, address: str) -> bool:
        tries = await self.redis.get(f"console:wrong-codes:{address}")
        return tries is not None and int(tries) >= MAX_WRONG_CODES

    async def fits(self, given: str, address: str) -> bool:
        """Compared in constant time; a wrong try is counted."""
        if self.code and hmac.compare_digest(given.strip().encode(), self.code.encode()):
            return True
        key = f"console:wrong-codes:{address}"
        await self.redis.incr(key)
        await self.redis.expire(key, WRONG_CODES_SECONDS)
        return False
