"""Running apt and dpkg: one command, its output line by line as it comes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

NOT_FOUND = 127
"""The shell's own code for a program that is not there."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; `output` holds both of its streams."""

    code: int
    output: str

    def last_words(self, lines: int = 3) -> str:
        """The end of what it said, on one line, for a message to a person."""
        return (
            "; ".join(line.strip() for line in self.output.splitlines()[-lines:] if line.strip()) or "it said nothing"
        )


class Runner(Protocol):
    """Runs a command to its end; tests give one that starts nothing."""

    def __call__(self, argv: Sequence[str], *, on_line: Callable[[str], None] | None = None) -> Ended: ...


def run(argv: Sequence[str], *, on_line: Callable[[str], None] | None = None) -> Ended:
    """Run a command with no input, in plain English whatever the machine's language."""
    lines: list[str] = []
    try:
        with subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if on_line:
                    on_line(line.rstrip("\n"))
    except FileNotFoundError as error:
        return Ended(code=NOT_FOUND, output=str(error))
    return Ended(code=process.returncode, output="".join(lines))
