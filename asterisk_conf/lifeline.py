"""The lifeline: takes a complaint as a voice message with the controller, Redis and the database all down.

Asterisk runs it for one caller as a plain AGI process (`python -m asterisk_conf.lifeline FOLDER`); it needs nothing but
this file system. The message is filed when the helpline is back.
"""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from asterisk.agi import AGI, AGIAppError, AGIException, AGIHangup

from asterisk_conf import messages

LANGUAGES = ("hi", "en")
SILENCE_SECONDS = 6
"""So long a pause ends the message: people who are upset stop to think."""


class Line(Protocol):
    """What the lifeline asks of the caller's channel; the AGI of pyst2 has it."""

    env: dict[str, str]

    def execute(self, command: str, *args: object) -> Any: ...


class CallerGone(Exception):
    """The caller has hung up: an expected end."""


def take_message(line: Line, folder: Path, *, now: datetime) -> messages.VoiceMessage | None:
    """Ask the caller to speak, record it, thank them. What was recorded is kept even if they hang up meanwhile.

    Returns the message, or None if nothing was recorded.
    """
    known = _variable(line, "HELPLINE_LANGUAGE")
    spoken = (known,) if known in LANGUAGES else LANGUAGES
    taken = messages.begin(
        folder,
        caller=_caller(line.env),
        taken_at=now,
        language=spoken[0],
        uniqueid=line.env.get("agi_uniqueid", ""),
    )
    gone = False
    try:
        _say(line, "lifeline_welcome", spoken)
        _record(line, taken.sound)
    except CallerGone:
        gone = True
    message = messages.keep(folder, taken)
    if message is not None and not gone:
        with contextlib.suppress(CallerGone):
            _say(line, "lifeline_thanks", spoken)
            _ask(line, "SET VARIABLE", "LIFELINE_DONE", "1")
    return message


def _say(line: Line, prompt: str, languages: tuple[str, ...]) -> None:
    """Play a prompt; one that is missing is passed over, since a beep alone is better than no lifeline."""
    for language in languages:
        _ask(line, "STREAM FILE", f"helpline/{language}/{prompt}", '""')


def _record(line: Line, sound: Path) -> None:
    milliseconds = messages.MAX_SECONDS * 1000
    _ask(
        line,
        "RECORD FILE",
        f'"{sound.with_suffix("")}"',
        "wav",
        '"#"',
        milliseconds,
        "BEEP",
        f"s={SILENCE_SECONDS}",
    )


def _ask(line: Line, command: str, *args: object) -> Any:
    """Run one AGI command. Raises CallerGone; a command that fails by itself is no reason to give up."""
    try:
        return line.execute(command, *args)
    except AGIHangup as error:
        raise CallerGone from error
    except AGIAppError:
        return None
    except (AGIException, ValueError, OSError) as error:
        # pyst2 makes a ValueError of the end of the line, and 511 (dead channel) an unknown code.
        raise CallerGone from error


def _variable(line: Line, name: str) -> str:
    try:
        answer = _ask(line, "GET VARIABLE", name)
    except CallerGone:
        return ""
    return str(answer["result"][1]) if answer else ""


def _caller(env: dict[str, str]) -> str:
    caller = env.get("agi_callerid", "")
    return "" if caller == "unknown" else caller


def main() -> int:
    """The AGI process. Exit code 0 whatever became of the caller: Asterisk has the variable LIFELINE_DONE."""
    os.umask(0o077)
    # pyst2 tells stderr everything the channel says, numbers too; that is not for a log.
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        line = AGI(stdin=sys.stdin, stdout=sys.stdout, stderr=nowhere)
        take_message(line, Path(sys.argv[1]), now=datetime.now(UTC))
    return 0


if __name__ == "__main__":
    sys.exit(main())
