"""What people do in these tests, in their own words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agents.service import NewAgent
from helpline.demo.desk import Desk
from helpline.demo.lab import Lab
from helpline.demo.softphone import Answering, Softphone

KEY_SECONDS = 0.7


async def call_and_wait_in_line(lab: Lab, citizen: Softphone) -> dict[str, Any]:
    """Dial 1076 and press 1 until in line for an agent; the place in line."""
    await citizen.dial("1076")
    await citizen.expect("established")
    async with asyncio.timeout(40):
        while True:
            queue = await lab.get("/api/queue")
            for place in [*queue["waiting"], *queue["talking"]]:
                if place["caller"] == citizen.account.user:
                    return dict(place)
            await citizen.press("1")
            await asyncio.sleep(KEY_SECONDS)


@asynccontextmanager
async def agent_at_work(
    lab: Lab, new: NewAgent, *, speech: Path | None = None, answering: Answering = "auto", ready: bool = True
) -> AsyncIterator[tuple[Softphone, Desk]]:
    """An agent with a registered softphone, signed in at the desk, ready unless told otherwise."""
    async with lab.agent(new, speech=speech, answering=answering) as phone, lab.desk(new) as desk:
        await lab.until(
            "/api/agents",
            lambda agents: any(agent["id"] == new.agent.id and agent["phone_reachable"] for agent in agents),
            what=f"the registration of {new.agent.endpoint}",
        )
        await (desk.ready() if ready else desk.pause("training"))
        yield phone, desk


async def presence_of(lab: Lab, new: NewAgent) -> str:
    agents = await lab.get("/api/agents")
    return next(str(agent["presence"]) for agent in agents if agent["id"] == new.agent.id)


async def until_talking(lab: Lab, citizen: Softphone) -> dict[str, Any]:
    """The conversation of this citizen, once it is on."""

    def talks(queue: Any) -> Any:
        return [talk for talk in queue["talking"] if talk["caller"] == citizen.account.user and talk["since"]]

    return dict(talks(await lab.until("/api/queue", talks, what=f"{citizen.name}'s conversation"))[0])


async def until_presence(lab: Lab, new: NewAgent, presence: str, *, seconds: float = 10.0) -> None:
    """Wait until an agent's presence is this."""
    await lab.until(
        "/api/agents",
        lambda agents: any(agent["id"] == new.agent.id and agent["presence"] == presence for agent in agents),
        what=f"agent {new.agent.id} being {presence}",
        seconds=seconds,
    )


async def register(desk: Desk, place: dict[str, Any], *, text: str = "हैंडपंप ख़राब है") -> str:
    """Register a complaint in the conversation of this place; its number."""
    return await desk.register(
        call=place["call"], caller=place["caller"], category="PRD-04", district="Barabanki", text=text, name="रामलाल"
    )
