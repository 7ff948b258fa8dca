"""The processes of one helpline: Redis, Asterisk and the controller, each a process of its own.

Asterisk and Redis outlive the controller: a conversation goes on and a waiting caller hears music while a new
controller comes up. `run` is what `helpline run` does; the demo and the live tests use the same Stack.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from rich.console import Console
from sqlalchemy.ext.asyncio import async_sessionmaker

from agents.errors import AgentsError
from agents.service import Agents, NewAgent, Phone
from asterisk_conf.errors import AsteriskConfError
from asterisk_conf.instance import Instance
from asterisk_conf.programs import Programs
from helpline import storage, wiring
from helpline.controllers import ControllerProcess
from helpline.errors import HelplineError, ServiceFailed
from helpline.redis_server import RedisServer
from helpline.runfolder import RunFolder
from helpline.settings import Settings, refuse_taken_names
from ivr.build import build_prompts

log = logging.getLogger(__name__)

READY_SECONDS = 20.0
LOOK_SECONDS = 0.05
SPARE_AFTER_SECONDS = 2.0
"""After a controller came up, before a spare is loaded: the machine is busy with the callers who come back."""
RESTART_DELAYS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before what ended is started again; the last one is used from then on."""
SPARE_LOOK_SECONDS = 0.5
STEADY_SECONDS = 60.0
"""What lived this long is no longer counted as failing."""
FIRST_AGENTS = (("1001", "Asha"), ("1002", "Ravi"), ("1003", "Meena"))

Say = Callable[[str], None]


class Stack:
    """One helpline in one run folder. Holds no event loop: it may be started in one and stopped in another."""

    def __init__(self, settings: Settings, *, programs: Programs) -> None:
        self.settings = settings
        self.folder = RunFolder(settings.run_folder)
        self.new_agents: list[NewAgent] = []
        self.controller: ControllerProcess | None = None
        self.spare: ControllerProcess | None = None
        self.asterisk: Instance | None = None
        self._redis: RedisServer | None = None
        self._programs = programs
        self._held = contextlib.ExitStack()

    async def start(self, say: Say) -> None:
        """Bring everything up in the order of need; what is up already is taken up, not started twice.

        Raises the errors of the rooms, each with the next step; nothing that was started is left then.
        """
        refuse_taken_names()
        self.folder.prepare()
        self._held.enter_context(self.folder.locked("supervisor"))
        try:
            say("Prompts, Redis and the database")
            async with asyncio.TaskGroup() as group:
                group.create_task(self._build_prompts())
                group.create_task(self._start_redis())
                group.create_task(storage.migrate(self.settings.database))
            await self._start_asterisk(say)
            say("The controller")
            await self.start_controller()
        except BaseExceptionGroup as errors:
            await self.stop()
            raise errors.exceptions[0] from errors
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the controller, Asterisk and the private Redis, in this order. Safe to call twice."""
        await asyncio.to_thread(self.stop_spare)
        await asyncio.to_thread(self.stop_controller)
        if self.asterisk is not None:
            await self.asterisk.stop()
        if self._redis is not None:
            await self._redis.stop()
        self._held.close()

    async def start_controller(self) -> None:
        """Start a controller and wait until it serves calls. Raises ServiceFailed with its last words."""
        self.controller = self._controller_process(standby=False)
        await self._until_it_serves(self.controller)

    async def _until_it_serves(self, process: ControllerProcess) -> None:
        deadline = time.monotonic() + READY_SECONDS
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
            while time.monotonic() < deadline and process.lives():
                with contextlib.suppress(httpx.HTTPError):
                    if _is_health_of(process.pid, await client.get(f"{self.settings.api_url}/api/health")):
                        return
                await asyncio.sleep(LOOK_SECONDS)
        words = self._last_words()
        await asyncio.to_thread(self.stop_controller)
        raise ServiceFailed(f"The controller did not come up. {words}")

    def _controller_process(self, *, standby: bool) -> ControllerProcess:
        effective = self.folder.root / "settings.json"
        effective.touch(mode=0o600)  # addresses of databases hold passwords
        effective.write_text(self.settings.model_dump_json(), encoding="utf-8")
        return ControllerProcess(
            effective,
            words=self.folder.log / "controller.err",
            standby=standby,
            limit=self.settings.controller.hung_seconds,
        )

    def start_spare(self) -> None:
        """Load a second controller that takes over when the first one ends. Returns before it is loaded."""
        self.spare = self._controller_process(standby=True)

    def stop_controller(self) -> None:
        """End the controller politely; callers are held by Asterisk until another one serves them."""
        process, self.controller = self.controller, None
        if process is not None:
            process.stop()

    def stop_spare(self) -> None:
        """End the one that stands by; the one at work goes on."""
        process, self.spare = self.spare, None
        if process is not None:
            process.stop()

    def kill_controller(self) -> None:
        """kill -9, as a crash does it."""
        process, self.controller = self.controller, None
        if process is not None:
            process.kill()

    async def keep(self, stop: asyncio.Event, say: Say) -> None:
        """Until `stop`: whatever ends is started again, sooner at first than when it keeps failing."""
        keepers = []
        async with asyncio.TaskGroup() as group:
            for name, lives, revive, look in (
                ("The controller", self._controller_lives, self._revive_controller, 0.1),
                ("Asterisk", self._asterisk_lives, self._revive_asterisk, 0.5),
                ("Redis", self._redis_lives, self._revive_redis, 1.0),
            ):
                keeping = _keep_alive(name, lives, revive, every=look, stop=stop, say=say)
                keepers.append(group.create_task(keeping, name=f"keep {name}"))
            if self.settings.controller.spare:
                keepers.append(group.create_task(self._keep_spare(), name="keep a spare"))
            await stop.wait()
            for keeper in keepers:
                keeper.cancel()  # what is just being started is not waited for
        await asyncio.to_thread(self.stop_spare)

    async def _controller_lives(self) -> bool:
        """One that hangs is ended here: it holds every caller's session and serves none."""
        process = self.controller
        if process is None:
            return False
        if process.hangs():
            log.error("The controller hangs and is ended", extra={"action": "controller_hangs", "pid": process.pid})
            await asyncio.to_thread(process.kill)
        return process.lives()

    async def _revive_controller(self) -> None:
        log.warning("The controller ended", extra={"action": "controller_ended", "pii_words": self._last_words()})
        if self.spare is not None and self.spare.lives() and not self.spare.hangs():
            self.controller, self.spare = self.spare, None
            await self._until_it_serves(self.controller)
        else:
            await self.start_controller()

    async def _keep_spare(self) -> None:
        """Have one stand by whenever there has been one at work for a while. What becomes of it stops nothing else."""
        process, since = self.controller, time.monotonic()
        while True:
            await asyncio.sleep(SPARE_LOOK_SECONDS)
            if self.spare is not None and self.spare.hangs():
                await asyncio.to_thread(self.spare.kill)
            if self.controller is not process:
                process, since = self.controller, time.monotonic()
            if process is None or not process.lives() or time.monotonic() - since < SPARE_AFTER_SECONDS:
                continue
            if self.spare is None or not self.spare.lives():
                try:
                    self.start_spare()
                except OSError as error:  # no more processes: the next time it may work
                    log.warning("No spare could be started", extra={"action": "spare_failed", "error": str(error)})
                since = time.monotonic()

    async def _asterisk_lives(self) -> bool:
        return self.asterisk is not None and self.asterisk.running()

    async def _revive_asterisk(self) -> None:
        if self.asterisk is not None:
            await self.asterisk.start(wiring.accounts(await self._first_phones()))

    async def _redis_lives(self) -> bool:
        return self._redis is None or await self._redis.answers()

    async def _revive_redis(self) -> None:
        if self._redis is not None:
            await self._redis.start()

    async def _build_prompts(self) -> None:
        cache = self._programs.cache / "prompts"
        await asyncio.to_thread(
            build_prompts, self.folder.prompts, self.folder.music, programs=self._programs, cache=cache
        )

    async def _start_redis(self) -> None:
        if self.settings.redis_url:
            return
        program = await asyncio.to_thread(self._programs.find, "redis-server")
        self._redis = wiring.private_redis(self.settings, program)
        await self._redis.start()

    async def _start_asterisk(self, say: Say) -> None:
        program = await asyncio.to_thread(self._programs.find, "asterisk")
        instance = wiring.asterisk(self.settings, program)
        phones = await self._first_phones()
        if await instance.adopt():
            say("Asterisk (taking up the one that runs)")
        else:
            say("Asterisk")
            await instance.start(wiring.accounts(phones))
        self.asterisk = instance

    async def _first_phones(self) -> list[Phone]:
        """The agents' phones; a helpline without any agent gets its first ones, told in `new_agents`."""
        engine, redis = storage.open_engine(self.settings.database), wiring.redis_client(self.settings)
        try:
            agents = Agents(async_sessionmaker(engine), redis, clock=wiring.utc_now)
            await agents.load()
            if not agents.list():
                for id, name in FIRST_AGENTS:
                    self.new_agents.append(await agents.add(id=id, name=name, languages=["hi", "en"]))
            return list(agents.phones())
        finally:
            await redis.aclose()
            await engine.dispose()

    def _last_words(self) -> str:
        log_file = self.folder.log / "controller.err"
        lines = log_file.read_text(errors="replace").splitlines() if log_file.exists() else []
        words = [line for line in lines if line.strip()][-1:]
        return f"Its last words: {words[0]}" if words else f"See {self.folder.log}."


def _is_health_of(pid: int, answer: httpx.Response) -> bool:
    """Whether this process says that all is well; what answers there may be any other program."""
    try:
        health = answer.json()
    except ValueError:
        return False
    return answer.is_success and isinstance(health, dict) and health.get("process") == pid


async def _keep_alive(
    name: str,
    lives: Callable[[], Awaitable[bool]],
    revive: Callable[[], Awaitable[None]],
    *,
    every: float,
    stop: asyncio.Event,
    say: Say,
) -> None:
    failures = 0
    began = time.monotonic()
    while not await _stopped_within(every, stop):
        if await lives():
            if time.monotonic() - began > STEADY_SECONDS:
                failures = 0
            continue
        delay = RESTART_DELAYS[min(failures, len(RESTART_DELAYS) - 1)]
        say(f"{name} ended; starting it again in {delay:g} s")
        failures += 1
        if await _stopped_within(delay, stop):
            return
        try:
            await revive()
            say(f"{name} runs again")
        except (HelplineError, AsteriskConfError, AgentsError) as error:
            say(str(error))
        except Exception as error:  # a full disk, no more processes: the next time it may work
            log.exception("A part could not be started again", extra={"action": "revive_failed", "part": name})
            say(f"{name} could not be started again: {error}")
        began = time.monotonic()


async def _stopped_within(seconds: float, stop: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def run(settings: Settings, settings_file: Path | None) -> int:
    """`helpline run`: everything up until Ctrl-C, SIGTERM or a closed terminal; what ends meanwhile starts again."""
    return asyncio.run(_run(settings, settings_file))


async def _run(settings: Settings, settings_file: Path | None) -> int:
    # Messages name tables of the settings file, such as [telephony]: that is no markup.
    console = Console(highlight=False, soft_wrap=True, markup=False)
    say: Say = console.print
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stack = Stack(settings, programs=Programs())
    starting = asyncio.create_task(stack.start(lambda what: say(f"Starting: {what}")), name="start")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await stack.stop()  # here too: Ctrl-C ends a controller that starts, and may meet the clean-up after that
        return 130
    try:
        starting.result()
        _tell_where(stack, say, settings_file)
        await stack.keep(stop, say)
    finally:
        stopped.cancel()
        say("Stopping")
        await stack.stop()
    return 0


def _tell_where(stack: Stack, say: Say, settings_file: Path | None) -> None:
    """Where to call, to sign in and to look."""
    settings, telephony = stack.settings, stack.settings.telephony
    # As it was called here: `helpline` alone is on nobody's PATH.
    command = sys.argv[0] if Path(sys.argv[0]).name == "helpline" else "helpline"
    if settings_file:
        command += f" --settings {settings_file}"
    say(f"\nThe helpline answers {telephony.number} at {telephony.bind}:{telephony.sip_port} (SIP over UDP).")
    say(f"Desk of the agents: {settings.api_url}/desk")
    say(f"Page of the officers: {settings.api_url}/office   code: {stack.folder.secret('office')}")
    if stack.new_agents:
        say("\nThe first agents. Password and PIN are shown this once:")
        for new in stack.new_agents:
            say(
                f"  agent {new.agent.id} {new.agent.name:<6} softphone user {new.agent.endpoint}  "
                f"password {new.password}  domain {telephony.bind}:{telephony.sip_port}  PIN {new.pin}"
            )
    else:
        say(f"The agents and their phones: {command} agents list   A new password: {command} agents new-password 1001")
    say(f"How it stands: {command} status   Logs: {stack.folder.log}   Stop: Ctrl-C\n")
