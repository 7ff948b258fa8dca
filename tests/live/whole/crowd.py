"""A helpline with thirty agents, callers by the hundred, and what the tests of survival read off it."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker

from acd.store import calls_table
from agents.agent import AgentId
from agents.skills import default_skills
from agents.store import AgentStore, Record
from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_ports
from helpline import storage
from helpline.demo.lab import Lab
from helpline.demo.sipp import Running, Sipp
from tests.live.accounts import PASSWORD, cred_of
from tests.live.whole.steps import controller_log, database_of, has_called_before

AGENTS = tuple(str(number) for number in range(1100, 1130))
AGENTS_HOST, DYING_HOST = "127.0.0.4", "127.0.0.5"
LANGUAGES = ("hi", "en")
ASK_FOR_A_PERSON = "0,,0,,,0"
"""Said thrice, for one who presses before the menu listens; while waiting it is no choice."""
JOIN_SECONDS = 30.0


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def print_figures(what: str, **figures: object) -> None:
    """The figures of a test, for whoever reads its output (pytest -s, or of a failure)."""
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
    print(f"\nSURVIVAL {what}: {told}")  # noqa: T201


async def employ(lab: Lab, numbers: Sequence[str]) -> None:
    """Agents with phones, in the database before the helpline starts: all have PASSWORD."""
    lab.stack.folder.prepare()
    await storage.migrate(lab.settings.database)
    engine = storage.open_engine(lab.settings.database)
    store = AgentStore(async_sessionmaker(engine))
    try:
        for number in numbers:
            await store.add(
                Record(
                    id=AgentId(number),
                    name=f"Agent {number}",
                    languages=LANGUAGES,
                    skills=default_skills(LANGUAGES),
                    md5_cred=cred_of(number),
                    pin_hash="",
                    created_at=datetime.now(UTC),
                )
            )
    finally:
        await engine.dispose()


class Phones(Sipp):
    """SIPp that registers agents' phones as well."""

    async def register(self, exchange: str, users: Sequence[str], *, listen: str) -> None:
        """Each user at the one address where they will be rung: Asterisk takes it from where the word comes."""
        text = (Path(__file__).parent / "scenarios" / "register.xml").read_text(encoding="utf-8")
        injected = "SEQUENTIAL\n" + "".join(f"{user};{PASSWORD};\n" for user in users)
        running = await self._run(
            "register",
            text,
            ["-m", str(len(users)), "-r", "100", "-inf", "numbers.csv", exchange],
            listen=listen,
            inf=injected,
        )
        results = await running.finished(15.0)
        assert results.well == len(users), results


@dataclass
class Crowd:
    """See the module. Numbers are new for each test: who called before has a claim on the old place."""

    lab: Lab
    phones: Phones
    voice: Path
    next_number: int = 9_700_000_001
    callers: list[Running] = field(default_factory=list)

    def numbers(self, count: int) -> list[str]:
        first, self.next_number = self.next_number, self.next_number + count
        return [str(number) for number in range(first, first + count)]

    @asynccontextmanager
    async def agents_at_work(
        self, ids: Sequence[str], *, host: str = AGENTS_HOST, stay: float | None = None, ready: bool = True
    ) -> AsyncIterator[Running]:
        """These agents, ready or else paused; their phones answer at once, speak, and hang up after `stay` seconds."""
        listen = f"{host}:{free_ports(1, host)[0]}"
        await self.phones.register(self.lab.exchange, [f"agent-{id}" for id in ids], listen=listen)
        async with await self.phones.answers(listen, stay=stay, voice=self.voice) as answering:
            await self.lab.until(
                "/api/agents",
                lambda agents: all(one["phone_reachable"] for one in agents if one["id"] in ids),
                what="the registration of the agents' phones",
            )
            for id in ids:
                await self.lab.post(f"/api/agents/{id}/sign-in", by="test")
                if ready:
                    await self.lab.post(f"/api/agents/{id}/ready")
                else:
                    await self.lab.post(f"/api/agents/{id}/pause", reason="training")
            yield answering

    async def call(self, numbers: Sequence[str], *, rate: float = 50.0, stay: float = 120.0) -> Running:
        """These citizens call and ask for a person; they stay until they are told goodbye, or so many seconds."""
        await has_called_before(self.lab, *numbers)
        calls = await self.phones.calls(self.lab.exchange, numbers=numbers, rate=rate, keys=ASK_FOR_A_PERSON, stay=stay)
        self.callers.append(calls)
        return calls

    async def queue(self) -> dict[str, Any]:
        return dict(await self.lab.get("/api/queue"))

    async def until_queue(
        self, *, waiting: int | None = None, talking: int | None = None, seconds: float = JOIN_SECONDS
    ) -> dict[str, Any]:
        """Until so many wait, all attached, and so many talk."""

        def so(queue: Any) -> bool:
            there = [place for place in queue["waiting"] if place["attached"]]
            talks = [talk for talk in queue["talking"] if talk["since"]]
            return (waiting is None or len(there) == waiting == len(queue["waiting"])) and (
                talking is None or len(talks) == talking
            )

        what = f"{waiting} waiting and {talking} talking"
        return dict(await self.lab.until("/api/queue", so, what=what, seconds=seconds))

    async def channels(self) -> int:
        assert self.lab.stack.asterisk is not None
        return len((await self.lab.stack.asterisk.cli("core show channels concise")).split("\n")) - 1

    async def hang_up(self, calls: Iterable[str]) -> None:
        """These callers hang up, named by their calls."""
        wanted, asterisk = set(calls), self.lab.stack.asterisk
        assert asterisk is not None
        for line in (await asterisk.cli("core show channels concise")).splitlines():
            if line.split("!")[-1] in wanted:
                await asterisk.cli(f"channel request hangup {line.split('!')[0]}")

    async def end_all(self) -> None:
        """Everybody hangs up; agents leave."""
        assert self.lab.stack.asterisk is not None
        await self.lab.stack.asterisk.cli("channel request hangup all")
        for calls in self.callers:
            await calls.finished(30.0)
        self.callers.clear()

    async def sign_all_out(self) -> None:
        for agent in await self.lab.get("/api/agents"):
            if agent["presence"] != "signed_out":
                await self.lab.post(f"/api/agents/{agent['id']}/sign-out", by="test")

    async def call_log(self, numbers: Sequence[str]) -> list[Any]:
        """The lines of these callers, in order of joining."""
        async with database_of(self.lab) as sessions, sessions() as session:
            found = await session.execute(select(calls_table).where(calls_table.c.caller.in_(list(numbers))))
            return sorted(found.all(), key=lambda row: row.joined_at)

    def log_mark(self) -> int:
        """Where the controller's log ends now."""
        return len(controller_log(self.lab))

    def logged(self, action: str, *, since: int) -> list[dict[str, Any]]:
        return [line for line in controller_log(self.lab)[since:] if line.get("action") == action]

    async def process(self) -> int | None:
        """The controller that serves now; None while none does."""
        async with httpx.AsyncClient(trust_env=False, timeout=0.5) as client:
            try:
                answer = await client.get(f"{self.lab.settings.api_url}/api/health")
            except httpx.HTTPError:
                return None
        return int(answer.json()["process"]) if answer.status_code in (200, 503) else None

    async def until_another_serves(self, than: int, seconds: float = 15.0) -> float:
        """Wait until another process serves calls; how long it took."""
        began = time.monotonic()
        while await self.process() in (None, than):
            assert time.monotonic() - began < seconds, "no other controller serves"
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    @property
    def controller(self) -> int:
        assert self.lab.stack.controller is not None
        return self.lab.stack.controller.pid


def spare_is_loaded(lab: Lab) -> bool:
    """Whether the one that stands by is ready to take over, by the last line of its own log."""
    log = lab.stack.folder.log / "spare.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    last = json.loads(lines[-1]) if lines else {}
    spare = lab.stack.spare
    return spare is not None and (last.get("action"), last.get("pid")) == ("standing_by", spare.pid)


@asynccontextmanager
async def supervised(lab: Lab, *, spare: bool = True) -> AsyncIterator[list[str]]:
    """What `helpline run` does besides; with a spare that is loaded by the time the block begins."""
    told: list[str] = []
    stop = asyncio.Event()
    keeping = asyncio.create_task(lab.stack.keep(stop, told.append))
    try:
        if spare:
            async with asyncio.timeout(20):
                while not spare_is_loaded(lab):
                    await asyncio.sleep(0.05)
        yield told
    finally:
        stop.set()
        await keeping


def moment(line: dict[str, Any]) -> float:
    """When a line was logged."""
    return datetime.fromisoformat(line["at"]).timestamp()


def make_lab(programs: Programs, **more: Any) -> Lab:
    """Not started. Its folder's path is short, because Asterisk's control socket lies below it."""
    return Lab(Path(tempfile.mkdtemp(prefix="hl-")), programs, **more)


async def start_lab(lab: Lab) -> None:
    await employ(lab, AGENTS)
    await lab.start()


def end_lab(lab: Lab) -> None:
    asyncio.run(lab.stop())
    shutil.rmtree(lab.folder)
