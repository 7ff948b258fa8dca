"""Following the running helpline's live view: its server-sent events, with a new connection whenever one is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from helpline.client import refusal
from helpline.errors import NotRunning
from helpline.runfolder import RunFolder
from helpline.settings import Settings

SILENT_SECONDS = 3.0  # the helpline says something every second: silence means that the connection is gone
RETRY_SECONDS = (0.5, 1.0, 2.0)  # and the last one for ever


@dataclass(frozen=True, slots=True)
class Wall:
    """What the helpline shows now."""

    shown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Still:
    """Nothing changed, as of that moment of the helpline's own clock (ISO 8601)."""

    at: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone; it is tried again by itself."""

    why: str


News = Wall | Still | Lost


async def follow(
    settings: Settings, *, callers: int, agents: int, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[News]:
    """What is told, for ever. Raises what `helpline.client.Client` raises when nobody answers at the first try, and
    when the helpline says no at any."""
    if not settings.run_folder.is_dir():
        raise NotRunning(f"No helpline has run in {settings.run_folder} yet. Start it: helpline run")
    heard, failed = False, 0
    # trust_env off: a proxy of the machine must never see the token of a loopback service.
    async with httpx.AsyncClient(
        base_url=settings.api_url, timeout=SILENT_SECONDS, trust_env=False, transport=transport
    ) as http:
        while True:
            why = "the helpline ended it"
            try:
                token = RunFolder(settings.run_folder).secret("api")
                headers = {"Authorization": f"Bearer {token}"}
                query = {"callers": callers, "agents": agents}
                async with http.stream("GET", "/api/live", params=query, headers=headers) as response:
                    if response.status_code != httpx.codes.OK:
                        await response.aread()
                        error = refusal(response, settings)
                        if not heard or not response.is_server_error:
                            raise error
                        why = str(error)
                    else:
                        async for news in _events(response):
                            heard, failed = True, 0
                            yield news
            except httpx.TimeoutException:
                why = f"it said nothing for {SILENT_SECONDS:.0f} s"
            except httpx.TransportError as error:
                why = str(error) or type(error).__name__
            if not heard:
                raise NotRunning(
                    f"No helpline answers at {settings.api_url} (run folder {settings.run_folder}). "
                    "Start it: helpline run"
                )
            yield Lost(why)
            await asyncio.sleep(RETRY_SECONDS[min(failed, len(RETRY_SECONDS) - 1)])
            failed += 1


async def _events(response: httpx.Response) -> AsyncIterator[News]:
    """The events of one connection, each when its closing empty line has come: half a one is never told."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        kind, data = fields.get("event"), fields.get("data", "{}")
        fields = {}
        if kind == "wall":
            yield Wall(json.loads(data))
        elif kind == "still":
            yield Still(str(json.loads(data)["at"]))
