"""The language of AGI: what Asterisk says on a FastAGI connection, and how commands are written. Pure.

Asterisk opens with `agi_…: value` lines and a blank line; then it answers one line per command (a usage text takes
several), and puts in a line `HANGUP` when the caller is gone, at any moment, between a command and its answer too.
Source: res/res_agi.c of Asterisk 22 (AGI_BUF_LEN 8192, parse_args for the quoting).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from telephony.errors import PeerFault

MOST_COMMAND_BYTES: Final = 8000
"""Asterisk reads a command into 8,192 bytes and takes the rest for a command of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what a peer may cost. Seconds of a command come on top of what the command itself takes."""

    environment_lines: int = 200
    environment_bytes: int = 65_536
    environment_seconds: float = 5.0
    line_bytes: int = 65_536
    usage_lines: int = 200
    command_seconds: float = 10.0
    prompt_seconds: float = 300.0
    sessions: int = 4_000


@dataclass(frozen=True, slots=True)
class Environment:
    """What Asterisk tells about the channel at the beginning; names without `agi_`."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one command: `200 result=RESULT (DATA) endpos=END`; for other codes DATA is the text."""

    code: int
    result: str = ""
    data: str = ""
    end: int = 0

    def __str__(self) -> str:
        return f"{self.code} {self.data}" if self.code != 200 else f"result={self.result} {self.data}".rstrip()


@dataclass(frozen=True, slots=True)
class HangupLine:
    """The caller is gone (or was taken away); the channel stays until we close the connection."""


Message = Environment | Answer | HangupLine

_ANSWER: Final = re.compile(r"(\d{3})(?: (.*)|$)", re.DOTALL)
_RESULT: Final = re.compile(r"result=(\S*)\s*(?:\((.*)\))?\s*(.*)", re.DOTALL)
_END: Final = re.compile(r"endpos=(\d+)")


class Parser:
    """Turns the bytes of one connection into messages; how they are cut into pieces makes no difference."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0
        self._environment: dict[str, str] | None = {}
        self._lines = 0
        self._bytes = 0
        self._usage: list[str] = []
        self._open_value = ""

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. Raises `PeerFault` where the bytes cannot be AGI or pass a bound."""
        self._buffer += data
        if (opening := self._whole_opening()) is not None:
            yield opening
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._searched = 0
            self._check_length(len(line))
            message = self._read(line.removesuffix(b"\r").decode("utf-8", "replace"))
            if message is not None:
                yield message
        self._searched = len(self._buffer)
        self._check_length(len(self._buffer))

    def _check_length(self, length: int) -> None:
        if length > self._limits.line_bytes:
            raise PeerFault(f"a line of more than {self._limits.line_bytes} bytes")

    def _read(self, line: str) -> Message | None:
        if self._environment is not None:
            return self._read_environment(line, self._environment)
        if self._usage:
            return self._read_usage(line)
        if self._open_value:
            return self._read_answer(f"{self._open_value}\n{line}")
        if line.startswith("200 result=") and line[11:].isdecimal():
            return Answer(200, line[11:])
        if line == "HANGUP":
            return HangupLine()
        if line.startswith("520-"):
            self._usage = [line]
            return None
        return self._read_answer(line)

    def _whole_opening(self) -> Environment | None:
        """The opening when all of it is there, as it nearly always is: three times as fast as line by line.

        None for any that is not as expected: line by line it is found out what is wrong.
        """
        most = min(self._limits.environment_bytes, self._limits.line_bytes)
        if self._environment is None or self._lines or not 0 < (end := self._buffer.find(b"\n\n")) <= most:
            return None
        lines = self._buffer[:end].decode("utf-8", "replace").split("\n")
        values = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name.startswith("agi_"):
                return None
            values[name[4:]] = value.strip()
        if len(lines) > self._limits.environment_lines or not values.get("channel") or not values.get("uniqueid"):
            return None
        del self._buffer[: end + 2]
        self._searched = 0
        self._environment = None
        return Environment(values)

    def _read_environment(self, line: str, values: dict[str, str]) -> Message | None:
        if not line:
            self._environment = None
            if not values.get("channel") or not values.get("uniqueid"):
                raise PeerFault("it named no channel")
            return Environment(values)
        self._lines += 1
        self._bytes += len(line)
        if self._lines > self._limits.environment_lines or self._bytes > self._limits.environment_bytes:
            raise PeerFault("its opening does not end")
        name, colon, value = line.partition(":")
        if not colon or not name.startswith("agi_"):
            raise PeerFault("a line of its opening is not `agi_name: value`")
        values[name.removeprefix("agi_")] = value.strip()
        return None

    def _read_usage(self, line: str) -> Message | None:
        if line.startswith("520 "):
            text = "\n".join(self._usage)
            self._usage = []
            return Answer(520, data=text)
        self._usage.append(line)
        if len(self._usage) > self._limits.usage_lines:
            raise PeerFault("its usage text does not end")
        return None

    def _read_answer(self, line: str) -> Message | None:
        self._open_value = ""
        answer = _ANSWER.fullmatch(line)
        if answer is None:
            raise PeerFault("a line that is neither an answer nor HANGUP")
        code, text = int(answer[1]), answer[2] or ""
        if code == 100:
            return None
        if code != 200:
            return Answer(code, data=text)
        result = _RESULT.fullmatch(text)
        if result is None:
            raise PeerFault("an answer without a result")
        if result[2] is None and result[3].startswith("("):
            # The value of a variable can hold line ends: it goes on until its closing parenthesis.
            self._check_length(len(line))
            self._open_value = line
            return None
        end = _END.search(result[3])
        return Answer(200, result[1], result[2] or "", int(end[1]) if end else 0)


def command(*words: str) -> bytes:
    """One command line. Raises ValueError for what would be read as more than one, or cut."""
    line = " ".join(words)
    if any(sign in line for sign in "\r\n\0"):
        raise ValueError("an AGI command of more than one line")
    data = line.encode() + b"\n"
    if len(data) > MOST_COMMAND_BYTES:
        raise ValueError(f"an AGI command of {len(data)} bytes; Asterisk takes {MOST_COMMAND_BYTES}")
    return data


def quoted(argument: str) -> str:
    """An argument as Asterisk's parse_args reads it back."""
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
