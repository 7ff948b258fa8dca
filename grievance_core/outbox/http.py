"""Asking another system over HTTP, and what its answers mean for a letter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import httpx

from grievance_core.errors import NotDelivered

KEY_HEADER: Final = "Idempotency-Key"
TIMEOUT_SECONDS: Final = 10.0
# Not the letter's fault: it will be taken when the other side is well again, lets us in, or we knock less.
LATER: Final = frozenset({401, 403, 404, 408, 425, 429})


async def ask(http: httpx.AsyncClient, method: str, path: str, *, whom: str, **request: Any) -> Mapping[str, Any]:
    """The JSON object of the answer. Raises NotDelivered, which says whether the same may be asked again."""
    try:
        response = await http.request(method, path, **request)
    except httpx.HTTPError as error:
        raise NotDelivered(f"{whom} was not reached: {type(error).__name__}", retryable=True) from error
    if response.is_success:
        try:
            answer = response.json()
        except ValueError:
            raise NotDelivered(f"{whom} answered with no JSON", retryable=True) from None
        return answer if isinstance(answer, dict) else {}
    later = response.is_server_error or response.status_code in LATER
    said = " ".join(response.text.split())[:200]
    raise NotDelivered(
        f"{whom} answered {response.status_code}: {said}", retryable=later, retry_after=_retry_after(response)
    )


def opened(url: str, token: str = "", *, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Connections to a system at this address."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)


def _retry_after(response: httpx.Response) -> timedelta | None:
    asked = response.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(asked), 3600)) if asked.isascii() and asked.isdigit() else None
