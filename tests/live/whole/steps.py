"""What people do in these tests, in their own words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from agents.service import NewAgent
from grievance_core.complaint import Complaint, Draft
from helpline import storage, wiring
from helpline.demo import hearing
from helpline.demo.desk import Desk
from helpline.demo.lab import Lab
from helpline.demo.softphone import Answering, Softphone
from helpline.demo.sound import RATE, Pcm, seconds
from ivr.speaking import Language
from ivr.store import Languages

T = TypeVar("T")

KEY_SECONDS = 0.7
HEARING_SECONDS = 0.2
TELLING_SECONDS = 1.2  # so much of a voice tells whose it is, and of a sentence which


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


async def call_and_hear_the_welcome(lab: Lab, citizen: Softphone) -> None:
    """Dial 1076 and listen until the first words are told for sure: from here on keys are heard."""
    await citizen.dial("1076")
    await citizen.expect("established")
    await until_heard(citizen, first_words(prompt(lab, "welcome_danger"), TELLING_SECONDS))


async def ask_for_a_person(lab: Lab, citizen: Softphone) -> None:
    """Dial 1076 as one who has called before, and press 0 until in line."""
    await citizen.dial("1076")
    await citizen.expect("established")
    async with asyncio.timeout(20):
        while not await _is_known(lab, citizen.account.user):
            await citizen.press("0")
            await asyncio.sleep(KEY_SECONDS)


async def _is_known(lab: Lab, number: str) -> bool:
    queue = await lab.get("/api/queue")
    return any(place["caller"] == number for place in [*queue["waiting"], *queue["talking"]])


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


@asynccontextmanager
async def database_of(lab: Lab) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """The helpline's database, opened beside it."""
    engine = storage.open_engine(lab.settings.database)
    try:
        yield async_sessionmaker(engine, expire_on_commit=False)
    finally:
        await engine.dispose()


async def has_called_before(lab: Lab, *numbers: str, language: Language = "hi") -> None:
    """These numbers chose their language in an earlier call: they hear the main menu at once."""
    async with database_of(lab) as sessions:
        memory = Languages(sessions, clock=wiring.utc_now)
        for number in numbers:
            await memory.remember(number, language)


def prompt(lab: Lab, *ids: str, language: Language = "hi") -> Pcm:
    """Prompts as this helpline plays them, one after the other."""
    folder = lab.stack.folder.prompts / language
    return b"".join((folder / f"{id}.sln").read_bytes() for id in ids)


def first_words(sound: Pcm, length: float) -> Pcm:
    """The first seconds of a sound."""
    return sound[: round(length * RATE) * 2]


def since(sound: Pcm, moment: float) -> Pcm:
    """The sound from a second on."""
    return sound[round(moment * RATE) * 2 :]


async def until_heard(phone: Softphone, sound: Pcm, *, after: float = 0.0, timeout: float = 20.0) -> float:
    """Wait until the phone has heard this in its present call, from second `after` on; the second where it began."""
    verdict: hearing.Verdict | None = None
    try:
        async with asyncio.timeout(timeout):
            while True:
                verdict = hearing.heard(since(phone.heard(), after), sound)
                if verdict.heard and verdict.at is not None:
                    return after + verdict.at
                await asyncio.sleep(HEARING_SECONDS)
    except TimeoutError:
        raise AssertionError(f"{phone.name} did not hear it within {timeout:g} s: {verdict}") from None


def heard_seconds(phone: Softphone) -> float:
    """How much the phone has heard of its present call, as the place of what comes next."""
    return seconds(phone.heard())


async def place_in_line(lab: Lab, number: str, *, timeout: float = 20.0) -> dict[str, Any]:
    """The place of this caller, once they wait."""

    def waits(queue: Any) -> Any:
        return [place for place in queue["waiting"] if place["caller"] == number]

    answer = await lab.until("/api/queue", waits, what=f"{number}'s waiting", seconds=timeout)
    return dict(waits(answer)[0])


async def until_left(lab: Lab, number: str) -> None:
    """Wait until the queue knows nothing of this caller any more."""

    def gone(queue: Any) -> bool:
        return all(place["caller"] != number for place in [*queue["waiting"], *queue["talking"]])

    await lab.until("/api/queue", gone, what=f"{number}'s leaving")


def controller_log(lab: Lab) -> list[dict[str, Any]]:
    """What the controller has logged, oldest first."""
    lines = (lab.stack.folder.log / "controller.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def longest_silence(pcm: Pcm, *, quiet: float = 60.0) -> float:
    """Seconds of the longest stretch below `quiet` (of 32768), in steps of 0.1 s."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    step = RATE // 10
    longest = run = 0
    for start in range(0, len(samples) - step, step):
        run = run + 1 if np.sqrt(np.mean(samples[start : start + step] ** 2)) < quiet else 0
        longest = max(longest, run)
    return longest / 10


async def registered_before(lab: Lab, caller: str, *, text: str = "हैंडपंप ख़राब है") -> Complaint:
    """A complaint of this caller from an earlier call, with the officer since; the caller's language is Hindi."""
    await has_called_before(lab, caller)
    async with lab.grievances() as grievances:
        district = grievances.catalogue.find_district("Barabanki").code
        return await grievances.register(Draft(category="PRD-04", district=district, text=text, caller=caller))


async def until(look: Callable[[], Awaitable[T]], *, what: str, seconds: float = 10.0) -> T:
    """Look until there is something to see, and return it."""
    try:
        async with asyncio.timeout(seconds):
            while not (seen := await look()):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {seconds:g} s") from None
    return seen
