"""The place where it is measured: one private Asterisk that knows all three systems, and their processes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import sqlite3
import sys
import tempfile
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import async_sessionmaker

from agents.agent import AgentId
from agents.skills import default_skills
from agents.store import AgentStore, Record
from asterisk_conf.errors import CommandFailed
from asterisk_conf.instance import Instance
from asterisk_conf.programs import Programs
from asterisk_conf.settings import PhoneAccount
from asterisk_conf.testing import free_ports
from bench.acd import phones
from bench.acd.floor import AGENTS_FROM
from bench.acd.phones import Seen
from helpline import storage, wiring
from helpline.runfolder import RunFolder
from helpline.settings import Settings
from ivr.music import write_music

HOST = "127.0.0.9"
AGENTS_HOST = "127.0.0.4"
CALLERS_HOST = "127.0.0.2"
LANGUAGES = ("hi", "en")
PASSWORD = "kabootar"
AGENTS = 500
QUEUES = (5, 10, 20, 50, 100, 300, 500)
"""Sizes of app_queue's queues: the first so many agents are in it."""
TICK = os.sysconf("SC_CLK_TCK")
QUIET_SECONDS = 60.0

QUEUE = """
[bench{size:03d}](bench)
{members}
"""
QUEUES_CONF = """
[bench](!)
musicclass = default
strategy = rrmemory
timeout = 15
retry = 1
wrapuptime = 0
autofill = yes
ringinuse = no
joinempty = yes
leavewhenempty = no
announce-position = no
announce-holdtime = no
"""
DIALPLAN = """
[from-trunk](+)
exten => _7XXX,1,Answer(,i)
 same => n,Queue(bench${{EXTEN:1}})
 same => n,Hangup()
exten => _8XXX,1,AGI(agi://127.0.0.1:{floor}/$[0 + ${{EXTEN:1}}])
 same => n,Hangup()
exten => 9000,1,Goto(in-bench,1076,1)

[in-bench]
"""


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of each process, and the bytes that it holds."""

    seconds: dict[str, float]
    megabytes: dict[str, float]

    def since(self, before: Cpu) -> dict[str, float]:
        return {name: self.seconds[name] - before.seconds[name] for name in self.seconds}


class BenchInstance(Instance):
    """The helpline's Asterisk, with queues and two doors more; phones are not asked whether they are there."""

    floor_port = 0
    door_port = 0

    def _write(self, files: dict[str, str]) -> None:
        queues = QUEUES_CONF + "".join(
            QUEUE.format(size=size, members="\n".join(f"member => PJSIP/agent-{AGENTS_FROM + n}" for n in range(size)))
            for size in QUEUES
        )
        dialplan = files["extensions.conf"]
        ours = re.search(r"(?ms)^\[in1076\]\n(.*?)^; Alone", dialplan)
        assert ours is not None
        to_us = re.sub(r"agi://[^/]+/", f"agi://127.0.0.1:{self.door_port}/", ours[1])
        alone = " same => n,Verbose(0,alone)\n same => n(bye),Hangup()\n"
        changed = {
            **files,
            "queues.conf": files["queues.conf"] + queues,
            "extensions.conf": dialplan + DIALPLAN.format(floor=self.floor_port) + to_us + alone,
            # SIPp's phones are silent, and are there.
            "pjsip.conf": re.sub(r"(qualify_frequency|rtp_timeout) = \d+", r"\1 = 0", files["pjsip.conf"]),
        }
        super()._write(changed)


class Place:
    """`async with`: everything up, agents' phones registered; at the end nothing is left."""

    def __init__(self, programs: Programs, *, rate: float = 60.0, profile: Path | None = None) -> None:
        self.rate = rate
        self.profile = profile
        self.folder = Path(tempfile.mkdtemp(prefix="hl-"))
        sip, ami, agi, redis, console, self.floor_port, self.door_port = free_ports(7)
        self.agents_port = free_ports(1, AGENTS_HOST)[0]
        self.callers_port = free_ports(1, CALLERS_HOST)[0]
        self.settings = Settings.model_validate(
            {
                "run_folder": str(self.folder / "run"),
                "redis_port": redis,
                "telephony": {
                    "bind": HOST,
                    "sip_port": sip,
                    "ami_port": ami,
                    "agi_port": agi,
                    "rtp_first": 12000,
                    "rtp_last": 19999,
                    "max_calls": 5000,
                    "trunk": {"host": CALLERS_HOST, "port": self.callers_port},
                },
                "queue": {
                    "wrap_up_seconds": 0.001,
                    "announce_first_seconds": 86400.0,
                    "announce_every_seconds": 86400.0,
                },
                "dialer": {"lines": 0},
                "console": {"port": console},
            }
        )
        self.exchange = f"{HOST}:{sip}"
        self.programs = programs
        self._up = AsyncExitStack()
        self._controller: asyncio.subprocess.Process | None = None
        self._floor: asyncio.subprocess.Process | None = None
        self._redis_pid = 0

    async def __aenter__(self) -> Self:
        self._up.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            await self._start()
        except BaseException:
            await self._up.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._up.aclose()

    async def _start(self) -> None:
        folder = RunFolder(self.settings.run_folder)
        folder.prepare()
        write_music(folder.music)
        server = wiring.private_redis(self.settings, self.programs.find("redis-server"))
        await server.start()
        self._up.push_async_callback(server.stop)
        self._redis_pid = int((folder.redis / "redis.pid").read_text())
        await storage.migrate(self.settings.database)
        accounts = await self._agents()
        plain = wiring.asterisk(self.settings, self.programs.find("asterisk"))
        self.asterisk = BenchInstance(replace(plain.settings, bind=HOST), self.programs.find("asterisk"))
        self.asterisk.floor_port, self.asterisk.door_port = self.floor_port, self.door_port
        await self.asterisk.start(accounts)
        self._up.push_async_callback(self.asterisk.stop)
        await asyncio.to_thread(
            phones.register,
            [account.endpoint for account in accounts],
            password=PASSWORD,
            exchange=self.exchange,
            listen=(AGENTS_HOST, self.agents_port),
        )
        self._floor = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.acd.floor", str(self.floor_port)
        )
        self._up.push_async_callback(_end, self._floor)
        await self.start_controller()
        self._up.push_async_callback(self.stop_controller)

    async def _agents(self) -> list[PhoneAccount]:
        engine = storage.open_engine(self.settings.database)
        store = AgentStore(async_sessionmaker(engine))
        accounts = []
        for number in range(AGENTS_FROM, AGENTS_FROM + AGENTS):
            endpoint = f"agent-{number}"
            cred = hashlib.md5(f"{endpoint}:helpline:{PASSWORD}".encode(), usedforsecurity=False).hexdigest()
            name = f"Agent {number}"
            await store.add(
                Record(
                    id=AgentId(str(number)),
                    name=name,
                    languages=LANGUAGES,
                    skills=default_skills(LANGUAGES),
                    md5_cred=cred,
                    pin_hash="",
                    created_at=datetime.now(UTC),
                )
            )
            accounts.append(PhoneAccount(endpoint, cred, name))
        await engine.dispose()
        return accounts

    async def start_controller(self) -> None:
        file = self.folder / "settings.json"
        file.write_text(self.settings.model_dump_json(), encoding="utf-8")
        self._controller = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.acd.controller",
            str(file),
            str(self.door_port),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        await self.tell("hello")
        await asyncio.sleep(2.0)

    async def stop_controller(self) -> None:
        assert self._controller is not None
        assert self._controller.stdin is not None
        self._controller.stdin.close()
        await asyncio.wait_for(self._controller.wait(), 20)

    async def tell(self, words: str) -> str:
        """Give the controller one of its commands."""
        assert self._controller is not None
        assert self._controller.stdin is not None
        assert self._controller.stdout is not None
        self._controller.stdin.write(f"{words}\n".encode())
        return (await self._controller.stdout.readline()).decode().strip()

    def cpu(self) -> Cpu:
        """What each process has used so far."""
        assert self._controller is not None
        assert self._floor is not None
        pids = {
            "asterisk": int(self.asterisk.settings.pid_file.read_text()),
            "controller": self._controller.pid,
            "floor": self._floor.pid,
            "redis": self._redis_pid,
        }
        seconds, megabytes = {}, {}
        for name, pid in pids.items():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seconds[name] = (int(fields[11]) + int(fields[12])) / TICK
            megabytes[name] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        return Cpu(seconds, megabytes)

    def answered(self) -> list[Seen]:
        """Who was answered when and by whom, as our controller's log of calls has it."""
        with closing(sqlite3.connect(self.settings.run_folder / "helpline.sqlite3")) as log:
            rows = log.execute("SELECT caller, agent, answered_at FROM calls WHERE answered_at IS NOT NULL").fetchall()
        return [
            Seen(what, datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp(), caller, agent)
            for caller, agent, at in rows
            for what in ("I", "A")
        ]

    async def clear(self) -> None:
        """End every call and wait until all is quiet."""
        async with asyncio.timeout(QUIET_SECONDS):
            await self._cli("channel request hangup all")
            while "0 active channels" not in await self._cli("core show channels count"):
                await asyncio.sleep(1.0)
                await self._cli("channel request hangup all")

    async def _cli(self, command: str) -> str:
        """As `Instance.cli`; nothing from an Asterisk too busy to answer."""
        try:
            return await self.asterisk.cli(command)
        except CommandFailed:
            return ""

    def next_callers_port(self) -> int:
        """One that nobody has; a late answer to callers of before finds nobody."""
        return free_ports(1, CALLERS_HOST)[0]

    async def quiet(self) -> None:
        await self.clear()
        await asyncio.sleep(0.5)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.wait()
