"""Callers by the dozen, and the networks' other ends: what SIPp plays in the demo and the live tests.

`Sipp.calls` are citizens who call; `Sipp.answers`, `refuses` and `rings` are what is found at the other end of a trunk,
such as 112. For one person whose hearing is to be proven, take a Softphone.

Keys are sent as SIP INFO: SIPp can send RFC 4733 too, but only as root, since it needs a raw socket for it.
"""

from __future__ import annotations

import asyncio
import audioop
import contextlib
import csv
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

from asterisk_conf.programs import Program
from helpline.demo.errors import ProgramMissing, ScenarioFailed
from helpline.demo.sound import read_wav

START_SECONDS = 5.0
STOP_SECONDS = 3.0
LOOK_EVERY_SECONDS = 0.02
# The longest time that a scenario waits for anything; SIPp's numbers have 32 bits.
FOR_EVER_MS = 24 * 3600 * 1000
FIRST_KEY_SECONDS = 0.5
NEXT_KEY_SECONDS = 0.25
# Above the ports that Asterisks of demos and tests (up to 41000) and softphones (42000 on) take for media.
FIRST_RTP_PORT, LAST_RTP_PORT = 50000, 59999

REASONS: Mapping[int, str] = {
    404: "Not Found",
    408: "Request Timeout",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    500: "Server Internal Error",
    503: "Service Unavailable",
    600: "Busy Everywhere",
    603: "Decline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """How a scenario's calls went: `well` as the scenario has it, `badly` otherwise, the rest go on.

    `reasons` counts the bad ones by SIPp's names (UnexpectedMessage, TimeoutOnRecv, …); `words` are its own first
    lines on them.
    """

    begun: int = 0
    well: int = 0
    badly: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = f"{self.begun} calls: {self.well} well, {self.badly} badly"
        return "; ".join((told, *self.words))


def parse_statistics(text: str, *, words: tuple[str, ...] = ()) -> Results:
    """Results from SIPp's statistics file, of which the last row counts. Without one: no calls."""
    rows = [row for row in csv.DictReader(text.splitlines(), delimiter=";") if row.get("FailedCall(C)")]
    if not rows:
        return Results(words=words)
    last = rows[-1]
    reasons = {
        match[1]: int(value)
        for name, value in last.items()
        if name and (match := re.fullmatch(r"Failed(?!Call\b)(\w+)\(C\)", name)) and value.isdigit() and int(value)
    }
    return Results(
        begun=int(last["TotalCallCreated"]),
        well=int(last["SuccessfulCall(C)"]),
        badly=int(last["FailedCall(C)"]),
        reasons=reasons,
        words=words,
    )


class Running:
    """A scenario that runs. `async with` stops it at the end; `finished` waits for a fixed number of calls."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, name: str) -> None:
        self._process = process
        self._folder = folder
        self._name = name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process.returncode is None else None

    def results(self) -> Results:
        """How the calls went: exact once it has ended, else up to a second old."""
        return parse_statistics(_text(self._folder / "statistics.csv"), words=self._words())

    async def finished(self, timeout: float) -> Results:
        """The results when all its calls are over. Raises ScenarioFailed if they are not in time."""
        try:
            await asyncio.wait_for(self._process.wait(), timeout)
        except TimeoutError:
            await self.stop()
            raise ScenarioFailed(
                f"SIPp's {self._name} were not over after {timeout:g} s ({self.results()}). See {self._folder}."
            ) from None
        results = self.results()
        if not results.begun:
            raise ScenarioFailed(self._why())
        return results

    async def stop(self) -> Results:
        """End it now, whatever its calls are doing. Safe to call twice."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        return self.results()

    async def until_it_listens(self, host: str, port: int) -> None:
        """Wait until SIPp has its port. Raises ScenarioFailed with its own words."""
        try:
            async with asyncio.timeout(START_SECONDS):
                while self._process.returncode is None and not _is_taken(host, port):
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        except TimeoutError:
            await self.stop()
            raise ScenarioFailed(f"SIPp did not listen on {host}:{port} within {START_SECONDS:g} s.") from None
        if self._process.returncode is not None:
            raise ScenarioFailed(self._why())

    def _why(self) -> str:
        words = _text(self._folder / "output.log").strip().splitlines()
        reason = next((line.strip() for line in reversed(words) if line.strip()), "it said nothing")
        return f"SIPp ended with {self._process.returncode} ({reason}). See {self._folder}."

    def _words(self) -> tuple[str, ...]:
        # A time that is over as the scenario has it is told as an error too.
        lines = _text(self._folder / "errors.log").splitlines()
        told = [line for line in lines if re.match(r"\d{4}-", line) and "jumping to label" not in line]
        return tuple(line.split("\t")[-1].split(": ", 1)[-1][:200] for line in told[:5])


class Sipp:
    """Starts SIPp's scenarios, each in a folder of its own below `folder`. Addresses are `host:port` in 127/8."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._runs = 0

    async def calls(
        self,
        exchange: str,
        *,
        numbers: Sequence[str],
        dialled: str = "1076",
        host: str = "127.0.0.2",
        keys: str = "",
        stay: float = 1.0,
        count: int | None = None,
        rate: float = 10.0,
        voice: Path | None = None,
    ) -> Running:
        """Citizens call, `count` in all (each number once if None), `rate` a second, from `numbers` in turn.

        Each presses `keys` when answered (a comma is a pause of one second), stays `stay` seconds and hangs up, unless
        the other side does before. `voice` is said over and over; without it nothing is sent, as in a bad line.
        """
        text = _scenario("calls.xml")
        replaced = {
            "STAY": str(_ms(stay)),
            "[MEDIA]": "[rtpstream_audio_port]" if voice else "[media_port]",
            "<!--KEYS-->": _voice(voice) + _key_presses(keys),
        }
        how_many = count if count is not None else len(numbers)
        # In -l the default limits how many calls go on at once by a guess; here it must not.
        arguments = ["-m", str(how_many), "-r", f"{rate:g}", "-l", str(how_many), "-s", dialled, "-inf", "numbers.csv"]
        port = _free_udp_port(host)
        injected = "SEQUENTIAL\n" + "".join(f"{number};\n" for number in numbers)
        return await self._run(
            "calls", _put_in(text, replaced), [*arguments, exchange], listen=f"{host}:{port}", voice=voice, inf=injected
        )

    async def answers(
        self, listen: str, *, ring: float = 0.0, stay: float | None = None, voice: Path | None = None
    ) -> Running:
        """Answer every call after `ring` seconds; stay until the caller hangs up, or `stay` seconds."""
        replaced = {
            "RING": str(_ms(ring)),
            "STAY": str(_ms(stay) if stay is not None else FOR_EVER_MS),
            "<!--VOICE-->": _voice(voice),
        }
        running = await self._run(
            "answers", _put_in(_scenario("answers.xml"), replaced), [], listen=listen, voice=voice
        )
        await running.until_it_listens(*_split(listen))
        return running

    async def rings(self, listen: str) -> Running:
        """Ring for ever: nobody answers, and the caller gives up."""
        return await self.answers(listen, ring=FOR_EVER_MS / 1000)

    async def refuses(self, listen: str, code: int) -> Running:
        """Refuse every call by this code of SIP: 486 busy, 404 unknown, 480 switched off, 503 no line, 603 declined."""
        text = _put_in(_scenario("refuses.xml"), {"CODE REASON": f"{code} {REASONS.get(code, 'Refused')}"})
        running = await self._run("refuses", text, [], listen=listen)
        await running.until_it_listens(*_split(listen))
        return running

    async def _run(
        self,
        name: str,
        scenario: str,
        arguments: Sequence[str],
        *,
        listen: str,
        voice: Path | None = None,
        inf: str = "",
    ) -> Running:
        host, port = _split(listen)
        if _is_taken(host, port):
            # SIPp would share the address silently, and calls would reach one or the other.
            raise ScenarioFailed(
                f"SIPp's {name} can't have {listen}: another program has it. Stop it, or name another."
            )
        self._runs += 1
        folder = self._folder / f"{self._runs:02}-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scenario.xml").write_text(scenario, encoding="utf-8")
        (folder / "numbers.csv").write_text(inf, encoding="utf-8")
        if voice:
            (folder / "voice.alaw").write_bytes(audioop.lin2alaw(read_wav(voice), 2))
        options = [
            *("-sf", "scenario.xml", "-i", host, "-p", str(port), "-mi", host, "-nostdin", "-aa"),
            *("-min_rtp_port", str(FIRST_RTP_PORT), "-max_rtp_port", str(LAST_RTP_PORT)),
            *("-trace_stat", "-stf", "statistics.csv", "-fd", "1", "-trace_err", "-error_file", "errors.log"),
        ]
        with (folder / "output.log").open("wb") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._program.argv,
                    *options,
                    *arguments,
                    cwd=folder,
                    env={**os.environ, "TERM": "dumb", **self._program.env},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                )
            except OSError as error:
                raise ProgramMissing(
                    f"{self._program.argv[0]} can't be started ({error.strerror}). "
                    "`helpline doctor` says how to mend it."
                ) from error
        return Running(process, folder, name)


def _key_presses(keys: str) -> str:
    block = _scenario("key.xml")
    presses: list[str] = []
    pause = FIRST_KEY_SECONDS
    for key in keys:
        if key == ",":
            pause += 1.0
            continue
        if key not in "0123456789*#ABCD":
            raise ScenarioFailed(f"{key!r} is no key of a telephone. Expected 0 to 9, * # A to D, or a comma to pause.")
        number = str(len(presses) + 2)
        presses.append(_put_in(block, {"PAUSE": str(_ms(pause)), "NUMBER": number, "=KEY": f"={key}"}))
        pause = NEXT_KEY_SECONDS
    return "".join(presses)


def _voice(voice: Path | None) -> str:
    return '<nop><action><exec rtp_stream="voice.alaw,-1,8,PCMA/8000"/></action></nop>\n' if voice else ""


def _scenario(name: str) -> str:
    return (files("helpline.demo") / "scenarios" / name).read_text(encoding="utf-8")


def _put_in(text: str, values: Mapping[str, str]) -> str:
    # What stands in the comments at the top is for readers.
    head, comment, body = text.partition("-->\n<scenario")
    for name, value in values.items():
        if comment:
            body = body.replace(name, value)
        else:
            head = head.replace(name, value)
    return head + comment + body


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.partition(":")
    return host, int(port)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _free_udp_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(host: str, port: int) -> bool:
    """Whether somebody has this UDP port; read from the kernel, since trying it ourselves could be in SIPp's way."""
    address = socket.inet_aton(host)[::-1] if sys.byteorder == "little" else socket.inet_aton(host)
    return f" {address.hex().upper()}:{port:04X} " in _text(Path("/proc/net/udp"))
