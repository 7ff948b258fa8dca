"""SIPp on both sides: callers and agents, what they wrote down, and the agents' registrations."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from asterisk_conf.programs import Program

FOR_EVER_MS = 24 * 3600 * 1000
END_SECONDS = 40.0
_STAMP = re.compile(r"^(\w) \S+\s\S+\s(\d+\.\d+) (\d+)(?: (\S+))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that SIPp wrote down: what happened, when (seconds of the epoch), to which caller, at which agent."""

    what: str
    at: float
    caller: str
    agent: str


def seen(file: Path) -> list[Seen]:
    text = file.read_text(errors="replace") if file.exists() else ""
    return [Seen(m[1], float(m[2]), m[3], m[4] or "") for m in _STAMP.finditer(text)]


class Sipp:
    """One SIPp that runs a scenario of ours, in a folder of its own."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, scenario: str, values: dict[str, str], listen: tuple[str, int], *arguments: str) -> None:
        self.folder.mkdir(parents=True)
        text = (files("bench.acd") / "scenarios" / f"{scenario}.xml").read_text(encoding="utf-8")
        head, scene, body = text.partition("<scenario")
        for name, value in values.items():
            body = body.replace(name, value)
        (self.folder / "scenario.xml").write_text(head + scene + body, encoding="utf-8")
        with (self.folder / "output.log").open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._program.argv,
                *("-sf", "scenario.xml", "-i", listen[0], "-p", str(listen[1]), "-mi", listen[0], "-nostdin", "-aa"),
                *("-min_rtp_port", "50000", "-max_rtp_port", "59999", "-buff_size", "4000000"),
                *("-trace_logs", "-log_file", "seen.log", "-trace_err", "-error_file", "errors.log"),
                *("-trace_stat", "-stf", "statistics.csv", "-fd", "1"),
                *arguments,
                cwd=self.folder,
                env={**os.environ, "TERM": "dumb", **self._program.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )

    def seen(self) -> list[Seen]:
        return seen(self.folder / "seen.log")

    async def no_more(self) -> None:
        """Begin no more calls; those that are go on."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGUSR1)

    async def end(self) -> None:
        """Wait for the end of its calls, or end it when they do not end."""
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None


def numbers(count: int) -> str:
    """Callers' numbers in order, for -inf."""
    return "SEQUENTIAL\n" + "".join(f"9{n:09d};\n" for n in range(1, count + 1))


def lines(endpoints: Sequence[str], password: str) -> str:
    """Agents' phones that sign on by digest, for -inf."""
    rows = (f"{endpoint};[authentication username={endpoint} password={password}];\n" for endpoint in endpoints)
    return "SEQUENTIAL\n" + "".join(rows)


def register(
    endpoints: Sequence[str], *, password: str, exchange: str, listen: tuple[str, int], seconds: int = 7000
) -> None:
    """Register every phone at the one address where the agents' SIPp will listen."""
    host, _, port = exchange.partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(listen)
        phone.connect((host, int(port)))
        phone.settimeout(2.0)
        for endpoint in endpoints:
            answer = _ask(phone, _register(endpoint, exchange, listen, seconds, 1, ""))
            challenge = dict(re.findall(r'(\w+)="?([^",\r]+)"?', answer.partition("WWW-Authenticate: Digest")[2]))
            answer = _ask(
                phone,
                _register(endpoint, exchange, listen, seconds, 2, _digest(endpoint, password, exchange, challenge)),
            )
            if " 200 " not in answer.splitlines()[0]:
                raise RuntimeError(f"{endpoint} could not register: {answer.splitlines()[0]}")


def _ask(phone: socket.socket, message: str) -> str:
    phone.send(message.encode())
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        answer = phone.recv(65536).decode(errors="replace")
        if answer.startswith("SIP/2.0 ") and " 100 " not in answer.splitlines()[0]:
            return answer
    raise RuntimeError("a registration got no answer")


def _digest(user: str, password: str, exchange: str, challenge: dict[str, str]) -> str:
    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    realm, nonce, uri = challenge["realm"], challenge["nonce"], f"sip:{exchange}"
    first, second = md5(f"{user}:{realm}:{password}"), md5(f"REGISTER:{uri}")
    tail = ""
    if "qop" in challenge:
        response = md5(f"{first}:{nonce}:00000001:abc:auth:{second}")
        tail = ', qop=auth, nc=00000001, cnonce="abc"'
    else:
        response = md5(f"{first}:{nonce}:{second}")
    if "opaque" in challenge:
        tail += f', opaque="{challenge["opaque"]}"'
    return (
        f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", algorithm=MD5{tail}\r\n'
    )


def _register(user: str, exchange: str, listen: tuple[str, int], seconds: int, count: int, authorization: str) -> str:
    here = f"{listen[0]}:{listen[1]}"
    return (
        f"REGISTER sip:{exchange} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {here};branch=z9hG4bK-{user}-{count};rport\r\n"
        f"From: <sip:{user}@{exchange}>;tag={user}\r\nTo: <sip:{user}@{exchange}>\r\n"
        f"Call-ID: register-{user}\r\nCSeq: {count} REGISTER\r\nMax-Forwards: 70\r\n"
        f"Contact: <sip:{user}@{here}>\r\nExpires: {seconds}\r\n{authorization}Content-Length: 0\r\n\r\n"
    )
