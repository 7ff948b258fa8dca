from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asterisk.agi import AGIAppError, AGIResultHangup, AGISIGHUPHangup, AGIUnknownError

from asterisk_conf import lifeline, messages
from asterisk_conf.sounds import write_tone

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)


class ScriptedLine:
    """A caller's channel that does what the test says; RECORD FILE writes `speaks` seconds of sound."""

    def __init__(
        self, *, speaks: float = 2.0, language: str = "", on: Callable[[str, str], None] | None = None
    ) -> None:
        self.env = {"agi_callerid": "09876543210", "agi_uniqueid": "1700000000.7"}
        self.speaks = speaks
        self.language = language
        self.on = on or (lambda command, argument: None)
        self.asked: list[tuple[str, ...]] = []

    def execute(self, command: str, *args: object) -> Any:
        self.asked.append((command, *map(str, args)))
        if command == "GET VARIABLE":
            return {"result": ("1", self.language)} if self.language else {"result": ("0", "")}
        if command == "RECORD FILE" and self.speaks:
            write_tone(Path(str(args[0]).strip('"') + ".wav"), hertz=500, seconds=self.speaks)
        self.on(command, str(args[0]))
        return {"result": ("0", "")}

    @property
    def played(self) -> list[str]:
        return [asked[1] for asked in self.asked if asked[0] == "STREAM FILE"]

    @property
    def done(self) -> bool:
        return ("SET VARIABLE", "LIFELINE_DONE", "1") in self.asked


def hang_up_at(command: str, argument: str = "", error: Exception | None = None) -> Callable[[str, str], None]:
    def on(asked: str, first: str) -> None:
        if asked == command and argument in first:
            raise error or AGIResultHangup("hangup")

    return on


def test_a_message_is_taken_thanked_for_and_laid_out_for_filing(tmp_path: Path) -> None:
    line = ScriptedLine(language="en")
    message = lifeline.take_message(line, tmp_path, now=NOON)
    assert line.played == ["helpline/en/lifeline_welcome", "helpline/en/lifeline_thanks"]
    assert line.done
    assert messages.waiting(tmp_path) == [message]
    assert message is not None
    assert (message.caller, message.taken_at, message.language, message.seconds) == ("09876543210", NOON, "en", 2.0)
    told = json.loads(message.sidecar.read_text())
    assert told["recording"] == message.sound.name
    assert datetime.fromisoformat(told["taken_at"]) == NOON
    assert {file.stat().st_mode & 0o077 for file in (message.sound, message.sidecar)} == {0}


@pytest.mark.parametrize("language", ["", "fr"])
def test_a_caller_whose_language_is_not_known_hears_hindi_then_english(language: str, tmp_path: Path) -> None:
    line = ScriptedLine(language=language)
    message = lifeline.take_message(line, tmp_path, now=NOON)
    assert line.played[:2] == ["helpline/hi/lifeline_welcome", "helpline/en/lifeline_welcome"]
    assert message is not None
    assert message.language == "hi"


@pytest.mark.parametrize(
    "error",
    [
        AGIResultHangup("hangup"),
        AGISIGHUPHangup("signal"),
        AGIUnknownError("511", "dead channel"),
        ValueError("invalid literal for int()"),
        BrokenPipeError(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("step", ["RECORD FILE", "STREAM FILE", "SET VARIABLE"])
def test_whoever_hangs_up_after_speaking_loses_nothing(step: str, error: Exception, tmp_path: Path) -> None:
    place = {"RECORD FILE": "", "STREAM FILE": "thanks", "SET VARIABLE": "LIFELINE_DONE"}[step]
    line = ScriptedLine(on=hang_up_at(step, place, error))
    message = lifeline.take_message(line, tmp_path, now=NOON)
    assert message is not None
    assert messages.waiting(tmp_path) == [message]


def test_whoever_hangs_up_in_the_welcome_leaves_no_message(tmp_path: Path) -> None:
    line = ScriptedLine(on=hang_up_at("STREAM FILE"))
    assert lifeline.take_message(line, tmp_path, now=NOON) is None
    assert messages.waiting(tmp_path) == []
    assert list((tmp_path / messages.TAKING).iterdir()) == []
    assert "RECORD FILE" not in {asked[0] for asked in line.asked}


def test_a_caller_gone_at_the_first_question_is_an_expected_end(tmp_path: Path) -> None:
    class Gone(ScriptedLine):
        def execute(self, command: str, *args: object) -> Any:
            raise AGISIGHUPHangup("signal")

    assert lifeline.take_message(Gone(), tmp_path, now=NOON) is None


def test_missing_prompts_do_not_stop_the_lifeline(tmp_path: Path) -> None:
    line = ScriptedLine(on=hang_up_at("STREAM FILE", error=AGIAppError("no such file")))
    assert lifeline.take_message(line, tmp_path, now=NOON) is not None
    assert line.done


def test_nothing_recorded_means_the_dialplan_apologises(tmp_path: Path) -> None:
    line = ScriptedLine(speaks=0, on=hang_up_at("RECORD FILE", error=AGIAppError("disk full")))
    assert lifeline.take_message(line, tmp_path, now=NOON) is None
    assert not line.done


def test_a_withheld_number_is_no_number(tmp_path: Path) -> None:
    line = ScriptedLine()
    line.env["agi_callerid"] = "unknown"
    message = lifeline.take_message(line, tmp_path, now=NOON)
    assert message is not None
    assert message.caller == ""


def begun(folder: Path, uniqueid: str = "1.1", taken_at: datetime = NOON) -> messages.VoiceMessage:
    return messages.begin(folder, caller="1", taken_at=taken_at, language="hi", uniqueid=uniqueid)


def test_messages_wait_oldest_first(tmp_path: Path) -> None:
    for hours in (2, 1, 3):
        taken = begun(tmp_path, taken_at=NOON + timedelta(hours=hours))
        write_tone(taken.sound, hertz=500, seconds=0.1)
        messages.keep(tmp_path, taken)
    assert [message.taken_at.hour - NOON.hour for message in messages.waiting(tmp_path)] == [1, 2, 3]


def test_a_recording_that_broke_off_is_brought_in_with_its_true_length(tmp_path: Path) -> None:
    taken = begun(tmp_path)
    write_tone(taken.sound, hertz=500, seconds=1.5)
    whole = taken.sound.read_bytes()
    # As Asterisk leaves it when it dies: the header says there is nothing.
    taken.sound.write_bytes(whole[:40] + b"\0\0\0\0" + whole[44:])
    written = datetime.fromtimestamp(taken.sound.stat().st_mtime, UTC)
    assert messages.recover(tmp_path, now=written + messages.BROKEN_OFF_AFTER - timedelta(seconds=1)) == []
    [message] = messages.recover(tmp_path, now=written + messages.BROKEN_OFF_AFTER + timedelta(seconds=1))
    assert message.seconds == 1.5
    assert messages.waiting(tmp_path) == [message]
    assert messages.recover(tmp_path, now=written + timedelta(days=1)) == []


@pytest.mark.parametrize("left", [b"", b"RIFF", b"RIFF" + bytes(40), b"\0" * 100])
def test_a_recording_in_which_nothing_is_is_cleared_away(left: bytes, tmp_path: Path) -> None:
    taken = begun(tmp_path)
    taken.sound.write_bytes(left)
    later = datetime.fromtimestamp(taken.sound.stat().st_mtime, UTC) + timedelta(days=1)
    assert messages.recover(tmp_path, now=later) == []
    assert os.listdir(tmp_path / messages.TAKING) == []


def test_ids_of_the_channel_can_t_leave_the_folder(tmp_path: Path) -> None:
    assert begun(tmp_path, uniqueid="../../x y").sound.parent == tmp_path / messages.TAKING
