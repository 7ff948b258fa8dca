"""An agent at the desk page, as a browser would use it: signs in with the PIN, presses buttons, sends the form."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from agents.service import NewAgent
from helpline.demo.errors import ExpectationFailed


class Desk:
    """`async with Desk(api_url, new_agent)`: signed in from the first to the last line."""

    def __init__(self, url: str, new: NewAgent) -> None:
        self._new = new
        self._http = httpx.AsyncClient(
            base_url=url, trust_env=False, follow_redirects=True, headers={"Origin": url}, timeout=10.0
        )

    async def __aenter__(self) -> Self:
        try:
            await self.post("/desk/sign-in", agent=self._new.agent.id, pin=self._new.pin)
        except BaseException:
            await self._http.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def post(self, path: str, **fields: str) -> httpx.Response:
        """Send a form. Raises ExpectationFailed when the page refuses it."""
        answer = await self._http.post(path, data=fields)
        if answer.is_error:
            raise ExpectationFailed(f"The desk page refused {path}: {answer.status_code} {answer.text[-600:]}")
        return answer

    async def ready(self) -> None:
        await self.post("/desk/presence", do="ready")

    async def pause(self, reason: str) -> None:
        await self.post("/desk/presence", do="pause", reason=reason)

    async def register(self, *, call: str, caller: str, category: str, district: str, text: str, name: str) -> str:
        """Register a complaint told in this call; its number. What may be the same trouble is said to be another."""
        form = {
            "kind": "complaint",
            "language": "hi",
            "category": category,
            "district": district,
            "text": text,
            "name": name,
            "caller": caller,
            "call_id": call,
        }
        answer = await self._http.post("/desk/complaints", data=form)
        if answer.is_error:
            answer = await self.post("/desk/complaints", **form, choice="anyway")
        return answer.url.params["registered"]
