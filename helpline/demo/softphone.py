"""A person's telephone in the demo and the live tests: a real baresip that is rung, answers, speaks and hears.

`Softphone` is an agent's phone (registers with user and password) or one on the telephone network's side of the trunk
(does not register; calls as any number and is reached at any number). What it sends comes from a sound file; what it
sends and hears is recorded, call by call.

baresip opens its sockets for media on every address of the machine for as long as a call lasts; there is no setting
against it. SIP, control and everything it sends stay on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from asterisk_conf.programs import Program
from helpline.demo import baresip
from helpline.demo.errors import ExpectationFailed, NotRegistered, PhoneFailed, PhoneRefused
from helpline.demo.phone_events import Happened, PhoneEvents, What
from helpline.demo.phone_recordings import Recordings
from helpline.demo.sound import Pcm, looped, read_wav, silence, write_wav

log = logging.getLogger(__name__)

START_SECONDS = 10.0
# Giving a registration back takes 15 ms; where no exchange answers any more, it would be tried for long.
STOP_SECONDS = 1.5
START_TRIES = 3
# baresip ends a call when its sound file ends, so a file lasts longer than any call of a demo or test.
LONGEST_CALL_SECONDS = 900.0
LOG_LINES = 12
# A key is sent for at least 9 packets of 20 ms (libre's telev.c) and 3 times its end; a person's next key comes later.
KEY_SECONDS = 0.3

Answering = Literal["manual", "auto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a phone is, and the exchange it calls through.

    With a password it registers there (an agent's phone); without one it is a phone of the telephone network.
    """

    user: str
    exchange: str
    password: str = ""
    display_name: str = ""

    @property
    def registers(self) -> bool:
        return bool(self.password)


class Softphone:
    """One baresip. `async with` starts and stops it; `expect` waits for what it tells.

    `exchange` and `listen` are `host:port`. A `listen` of port 0 takes a free port. `speech` is said again and again
    from the moment a call is up; without it the phone is silent until `say`.
    """

    def __init__(
        self,
        name: str,
        *,
        program: Program,
        folder: Path,
        account: Account,
        listen: str = "127.0.0.1:0",
        speech: Path | None = None,
        answering: Answering = "manual",
        rtp_ports: str = "42000-49999",
        max_calls: int = 20,
        trace: bool = False,
    ) -> None:
        self.name = name
        self.account = account
        self.folder = folder
        self._program = program
        self._listen = listen
        self._speech = speech
        self._answering: Answering = answering
        self._rtp_ports = rtp_ports
        self._max_calls = max_calls
        self._trace = trace
        self._process: asyncio.subprocess.Process | None = None
        self._control: baresip.ControlLink | None = None
        self._numbers: list[str] = []
        self._spoken = 0
        self._events = PhoneEvents(name, last_words=self.log_tail)
        self._recordings = Recordings(folder)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def happened(self) -> list[Happened]:
        """All that the phone told since its start, oldest first."""
        return self._events.happened

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self, timeout: float = START_SECONDS) -> None:
        """Start the phone; returns when it is registered, if it registers at all.

        Raises ProgramMissing, PhoneFailed, NotRegistered; then nothing is left running.
        """
        self._prepare_folder()
        try:
            await self._launch(timeout)
            await self._make_account(self.account.user)
            if self.account.registers:
                await self._registered(timeout)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Hang up, give the registration back, end the process. Safe to call twice."""
        control, self._control = self._control, None
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                log.warning(
                    "A softphone did not end and was killed", extra={"action": "phone_kill", "phone": self.name}
                )
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if control is not None:
            await control.close()
        self._recordings.call_is_over()

    async def dial(self, number: str, *, as_number: str = "") -> str:
        """Call a number through the exchange; returns baresip's id of the call.

        `as_number` calls as another number than the account's: for phones of the telephone network only.
        """
        caller = as_number or self.account.user
        if caller not in self._numbers:
            await self.add_number(caller)
        self._events.look_from_here()
        said = await self._command("dial", f"{self._address(number)} {self._numbers.index(caller)}")
        found = re.search(r"call id: (\S+)", said)
        if not found:
            raise PhoneRefused(f"Phone {self.name} could not dial {number}: {said}")
        return found.group(1)

    async def add_number(self, number: str) -> None:
        """Be this number too: calls to it are told with it in `account`, and `dial` can call as it.

        A phone of the telephone network answers to any number in any case, as the first it has.
        """
        if self.account.registers:
            raise PhoneRefused(f"Phone {self.name} is an agent's: it is {self.account.user} only.")
        await self._make_account(number)

    async def accept(self, call: str = "") -> None:
        """Answer the call that rings."""
        await self._command("accept", call)

    async def hang_up(self, call: str = "") -> None:
        """End the current call; a call that rings here is refused as busy (486)."""
        await self._command("hangup", call)

    async def hold(self, call: str = "") -> None:
        """Put the call on hold: the other side hears the exchange's music."""
        await self._command("hold", call)

    async def resume(self, call: str = "") -> None:
        """Take a held call back."""
        try:
            await self._command("resume", call)
        except PhoneRefused as refusal:
            # baresip 1.1 resumes, yet reports EINVAL where no other call had to be held for it (uag_hold_resume).
            if "Invalid argument" not in str(refusal):
                raise

    async def transfer(self, number: str) -> None:
        """Give the current call to another number of the exchange, without asking there first (blind)."""
        await self._command("transfer", self._address(number))

    async def answering(self, mode: Answering) -> None:
        """Whether calls are answered at once ("auto") or ring until `accept`."""
        await self._command("answermode", mode)
        self._answering = mode

    async def do_not_disturb(self, on: bool) -> None:
        """Refuse what comes in, without ringing."""
        await self._command("dnd", "true" if on else "false")

    async def press(self, keys: str) -> None:
        """Press keys one after the other (RFC 4733), as fast as a quick person."""
        for key in keys:
            await self._command("sndcode", key)
            await asyncio.sleep(KEY_SECONDS)

    async def say(self, sound: Path | Pcm, *, again_and_again: bool = False) -> None:
        """Send this from now on: once and then silence, or over and over. Also before a call, for the next one."""
        pcm = read_wav(sound) if isinstance(sound, Path) else sound
        self._spoken += 1
        name = f"say-{self._spoken}.wav"
        if again_and_again:
            pcm = looped(pcm, LONGEST_CALL_SECONDS)
        write_wav(self.folder / name, pcm, at_least=LONGEST_CALL_SECONDS)
        said = await self._command("ausrc", f"aufile,{name}")
        if not said.startswith("switch audio"):
            raise PhoneRefused(f"Phone {self.name} can't say {sound!r}: {said}")

    async def expect(self, what: What, *, timeout: float = 5.0, call: str = "") -> Happened:
        """The next thing of this kind since the last one that was expected, when it is there.

        Raises ExpectationFailed with the phone's last log lines, or at once CallEnded if the call ended before.
        """
        return await self._events.expect(what, timeout=timeout, call=call)

    def heard(self, call: int = -1) -> Pcm:
        """What this phone heard in its last call, or in call number `call` (0 is the first). Raises NotAudible."""
        return self._recordings.sound("dec", call)

    def said(self, call: int = -1) -> Pcm:
        """What this phone sent in its last call, or in call number `call`."""
        return self._recordings.sound("enc", call)

    def recordings(self) -> list[Path]:
        """The files of all calls: what was heard (`…dec…`) and what was sent (`…enc…`)."""
        return self._recordings.files()

    def log_tail(self, lines: int = LOG_LINES) -> str:
        """The last words of baresip."""
        with (
            contextlib.suppress(OSError),
            (self.folder / "baresip.log").open(encoding="utf-8", errors="replace") as file,
        ):
            return "".join(deque(file, maxlen=lines)).strip()
        return "(no log)"

    # -- starting

    def _prepare_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._recordings.forget()
        self._events = PhoneEvents(self.name, last_words=self.log_tail)
        self._numbers.clear()
        speech = looped(read_wav(self._speech), LONGEST_CALL_SECONDS) if self._speech else silence(0)
        write_wav(self.folder / "silence.wav", speech, at_least=LONGEST_CALL_SECONDS)

    async def _launch(self, timeout: float) -> None:
        for tries_left in reversed(range(START_TRIES)):
            port = _free_port()
            self._write_configuration(port)
            self._process = await baresip.launch(self._program, self.folder, trace=self._trace)
            try:
                self._control = await baresip.connect(
                    port,
                    self._process,
                    name=self.name,
                    timeout=timeout,
                    on_event=self._take,
                    on_lost=self._is_lost,
                )
            except PhoneFailed as error:
                words = self.log_tail()
                await self.stop()
                # Somebody else took the control port between our look and baresip's: only then it helps to try again.
                if not tries_left or "failed to listen" not in words:
                    raise PhoneFailed(f"{error} {self._advice(words)}\n{words}") from error
            else:
                return

    def _write_configuration(self, control_port: int) -> None:
        text = baresip.CONFIGURATION.format(
            listen=self._listen,
            host=self._listen.partition(":")[0],
            control_port=control_port,
            rtp_ports=self._rtp_ports,
            max_calls=self._max_calls,
        )
        (self.folder / "config").write_text(text)

    def _advice(self, words: str) -> str:
        if "SIP Transport failed" in words or "Address already in use" in words:
            return f"Is {self._listen} taken by another program?"
        return "Its last words:"

    async def _make_account(self, number: str) -> None:
        account, host = self.account, self._listen.partition(":")[0]
        if account.registers:
            exchange = account.exchange
            parameters = f";auth_user={account.user};auth_pass={account.password};regint=60"
        else:
            exchange, parameters = host, ";regint=0"
        await self._command(
            "uanew",
            f'"{account.display_name}" <sip:{number}@{exchange};transport=udp>{parameters}'
            f";answermode={self._answering};ptime=20;mwi=no;audio_codecs=pcma,pcmu",
        )
        self._numbers.append(number)

    async def _registered(self, timeout: float) -> None:
        try:
            await self._events.expect("registered", timeout=timeout)
        except ExpectationFailed as failure:
            raise NotRegistered(
                f"Asterisk at {self.account.exchange} did not answer the registration of {self.account.user}: "
                f"does it run? {failure}"
            ) from None

    def _take(self, message: baresip.Message) -> None:
        before = len(self._events.live_calls)
        self._events.take(message, at=time.monotonic())
        if before and not self._events.live_calls:
            self._recordings.call_is_over()

    def _is_lost(self) -> None:
        self._events.add(Happened(what="lost", at=time.monotonic()))

    async def _command(self, name: str, params: str = "") -> str:
        if self._control is None:
            raise PhoneFailed(f"Phone {self.name} is not started.")
        return await self._control.command(name, params)

    def _address(self, number: str) -> str:
        return f"sip:{number}@{self.account.exchange}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
