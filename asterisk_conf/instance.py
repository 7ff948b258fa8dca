"""A private Asterisk: started, adopted, asked, reloaded and stopped.

It runs in a session of its own, so that it outlives the controller: a conversation goes on, and the next controller
adopts it. Only this room starts and ends it, and only by its own pid.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import logging
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from asterisk_conf import render
from asterisk_conf.check import refuse_broken
from asterisk_conf.errors import (
    AlreadyRunning,
    CommandFailed,
    InstanceError,
    NotRunning,
    OtherSettings,
    SettingRefused,
    StartFailed,
    StopFailed,
)
from asterisk_conf.modules import not_running
from asterisk_conf.processes import is_alive, read_pid, refuse_taken_port
from asterisk_conf.programs import Program
from asterisk_conf.settings import AsteriskSettings, PhoneAccount
from asterisk_conf.sounds import write_beep, write_pip

log = logging.getLogger(__name__)

START_SECONDS = 10.0
STOP_SECONDS = 5.0
COMMAND_SECONDS = 5.0
POLL_SECONDS = 0.05

# The shell lets go of Asterisk at once, so it is nobody's child: no controller has to reap it, none takes it along.
# Calls need many descriptors (four a call and more), and the soft limit is often 1,024.
DETACH = 'ulimit -c 0; ulimit -n "$(ulimit -H -n)" 2>/dev/null; log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'


class Instance:
    """The Asterisk of one run folder."""

    def __init__(self, settings: AsteriskSettings, program: Program) -> None:
        if program.modules is None or program.data is None:
            raise SettingRefused("program", program.name, "an Asterisk whose modules and data were found")
        self.settings = settings
        self._argv = (*program.argv, "-C", str(settings.config_file))
        self._env = {**os.environ, **program.env}
        self._modules = program.modules
        self._data = program.data
        self._addresses = settings.config_folder / "addresses.json"
        self._console = settings.log_folder / "console.log"

    async def start(self, phones: Sequence[PhoneAccount]) -> None:
        """Write the configuration, start Asterisk and wait until every module it needs is running.

        Raises AlreadyRunning, PortTaken, AddressNotHere, SettingRefused or StartFailed; nothing is left running then.
        """
        settings = self.settings
        self._make_folders()
        with self._only_one():
            pid = self._pid()
            if pid is not None:
                raise AlreadyRunning(settings.run_folder, pid)
            refuse_taken_port("sip_port", "UDP", settings.bind, settings.sip_port)
            refuse_taken_port("ami_port", "TCP", "127.0.0.1", settings.ami_port)
            self._write(
                render.configuration(
                    settings, modules_folder=self._modules, phones=phones, ami_secret=self.ami_secret()
                )
            )
            self._furnish()
            for stale in (settings.pid_file, settings.control_socket):
                stale.unlink(missing_ok=True)
            pid = self._launch()
            try:
                await asyncio.wait_for(self._until_ready(pid), START_SECONDS)
            except BaseException as error:
                await self._end(pid)
                if isinstance(error, TimeoutError):
                    raise self._start_failed(f"did not come up within {START_SECONDS:.0f} s") from error
                raise
        log.info("Asterisk started", extra={"action": "start", "pid": pid, "run_folder": str(settings.run_folder)})

    async def adopt(self) -> bool:
        """Whether an Asterisk of this run folder is running and answers; then it is this instance's from now on.

        One that has hung serves no caller any more: it is ended, and the answer is False. Raises OtherSettings.
        """
        pid = self._pid()
        if pid is None:
            return False
        self._refuse_other_addresses()
        if not await self._answers():
            log.error("Asterisk has hung and is ended", extra={"action": "adopt", "pid": pid})
            await self.stop()
            return False
        log.info("Asterisk adopted", extra={"action": "adopt", "pid": pid})
        return True

    def running(self) -> bool:
        """Whether an Asterisk of this run folder is there, whoever started it."""
        return self._pid() is not None

    async def stop(self) -> None:
        """End Asterisk and every call in it; returns when it is gone. Does nothing if none is running."""
        pid = self._pid()
        if pid is None:
            return
        try:
            await self.cli("core stop now")
        except InstanceError:
            log.warning("Asterisk does not listen and is killed", extra={"action": "stop", "pid": pid})
        await self._end(pid, patience=STOP_SECONDS)
        for stale in (self.settings.pid_file, self.settings.control_socket):
            stale.unlink(missing_ok=True)
        log.info("Asterisk stopped", extra={"action": "stop", "pid": pid})

    async def reload_phones(self, phones: Sequence[PhoneAccount]) -> None:
        """Let Asterisk know these agents' phones and no others. Calls in progress go on.

        One call of it at a time. Raises NotRunning, SettingRefused or CommandFailed.
        """
        if not self.running():
            raise NotRunning(self.settings.run_folder)
        self._write(render.phone_configuration(self.settings, phones))
        for module in ("res_pjsip.so", "app_queue.so"):
            answer = await self.cli(f"module reload {module}")
            if "reloaded successfully" not in answer:
                raise CommandFailed(f"module reload {module}", answer.strip() or "it said nothing")

    async def cli(self, command: str) -> str:
        """What Asterisk's command line answers. Raises NotRunning or CommandFailed."""
        if not self.running():
            raise NotRunning(self.settings.run_folder)
        return await self._ask(command)

    def ami_secret(self) -> str:
        """The password of the manager interface; made once for a run folder and kept in a file only its owner reads."""
        file = self.settings.keys_folder / "ami_secret"
        try:
            secret = file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            secret = ""
        if not secret:
            file.parent.mkdir(parents=True, exist_ok=True)
            secret = secrets.token_urlsafe(32)
            _write_private(file, secret + "\n")
        return secret

    async def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if "fully booted" in await self._try("core waitfullybooted"):
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    def _refuse_other_addresses(self) -> None:
        try:
            started = json.loads(self._addresses.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        wanted = self.settings.addresses
        differences = [
            f"{name} was {started[name]}, is {wanted[name]}" for name in wanted if started.get(name) != wanted[name]
        ]
        if differences:
            raise OtherSettings(self.settings.run_folder, differences)

    # -- the run folder

    def _make_folders(self) -> None:
        settings = self.settings
        settings.run_folder.mkdir(parents=True, exist_ok=True)
        settings.run_folder.chmod(0o700)
        for folder in (
            settings.config_folder,
            settings.keys_folder,
            settings.log_folder,
            settings.state_folder,
            settings.agi_folder,
            settings.data_folder / "sounds",
            settings.run_folder / "lib",
            settings.run_folder / "cache",
            settings.spool_folder / "tmp",
            settings.recordings_folder,
            settings.lifeline_folder,
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(settings.music_folder.glob("*.*")):
            log.warning(
                "There is no music: waiting callers hear silence",
                extra={"action": "start", "music_folder": str(settings.music_folder)},
            )

    def _write(self, files: dict[str, str]) -> None:
        refuse_broken(files)
        for name, text in files.items():
            _write_private(self.settings.config_folder / name, text)

    def _furnish(self) -> None:
        """Asterisk's data folder: its own documentation, our sounds, and the lifeline's script."""
        data = self.settings.data_folder
        _link(data / "documentation", self._data / "documentation")
        _link(data / "sounds" / "helpline", self.settings.prompts_folder)
        write_beep(data / "sounds" / "beep.wav")
        write_pip(data / "sounds" / "pip.wav")
        _write_private(self._addresses, json.dumps(self.settings.addresses))
        script = self.settings.agi_folder / "lifeline.sh"
        _write_private(script, render.lifeline_script(self.settings))
        script.chmod(0o700)

    @contextmanager
    def _only_one(self) -> Iterator[None]:
        """Two starts of one run folder at the same moment: the second is refused."""
        with (self.settings.run_folder / "start.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in {errno.EAGAIN, errno.EACCES}:
                    raise
                raise AlreadyRunning(self.settings.run_folder, None) from error
            yield

    # -- the process

    def _pid(self) -> int | None:
        pid = read_pid(self.settings.pid_file)
        return pid if pid is not None and is_alive(pid, named=str(self.settings.config_file)) else None

    def _launch(self) -> int:
        self._console.unlink(missing_ok=True)
        ended = subprocess.run(
            ("/bin/sh", "-c", DETACH, "sh", str(self._console), *self._argv, "-f"),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._env,
            cwd=self.settings.run_folder,
            check=True,
            text=True,
        )
        return int(ended.stdout)

    async def _until_ready(self, pid: int) -> None:
        while not (self.settings.control_socket.exists() and self.settings.pid_file.exists()):
            if not self._lives(pid):
                raise self._start_failed("ended while it was starting")
            await asyncio.sleep(POLL_SECONDS)
        while "fully booted" not in await self._try("core waitfullybooted"):
            if not self._lives(pid):
                raise self._start_failed("ended while it was starting")
            await asyncio.sleep(POLL_SECONDS)
        missing = not_running(await self._ask("module show"))
        if missing:
            raise self._start_failed(f"runs without {', '.join(missing)}")

    async def _try(self, command: str) -> str:
        try:
            return await self._ask(command)
        except CommandFailed:
            return ""

    async def _ask(self, command: str) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                "-rx",
                command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._env,
            )
        except OSError as error:
            # The package cache may have been cleared under a running Asterisk.
            raise CommandFailed(command, f"{self._argv[0]}: {error.strerror}") from error
        try:
            output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
        except TimeoutError:
            raise CommandFailed(command, f"nothing came within {COMMAND_SECONDS:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = output.decode(errors="replace")
        if process.returncode != 0:
            raise CommandFailed(command, text.strip() or f"exit code {process.returncode}")
        return text

    def _lives(self, pid: int) -> bool:
        return is_alive(pid, named=str(self.settings.config_file))

    async def _end(self, pid: int, *, patience: float = 0.0) -> None:
        """See the process gone: after `patience` seconds it is killed."""
        if patience and await _until(lambda: not self._lives(pid), patience):
            return
        if self._lives(pid):
            os.kill(pid, signal.SIGKILL)
        if not await _until(lambda: not self._lives(pid), STOP_SECONDS):
            raise StopFailed(pid)

    def _start_failed(self, reason: str) -> StartFailed:
        file = self.settings.log_file if self.settings.log_file.exists() else self._console
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return StartFailed(reason, file, [line for line in lines if line.strip()][-6:])


async def _until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


def _write_private(file: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as target:
        target.write(text)
    fresh.replace(file)


def _link(place: Path, target: Path) -> None:
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
    place.symlink_to(target)
