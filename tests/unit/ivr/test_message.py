"""The complaint as a message: on the disk before a word is said about it, whatever the caller or the machine does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from acd.records import NotServed, Request, WantsMessage
from asterisk_conf import messages
from ivr.flows import LANGUAGE_VARIABLE, STEP_VARIABLE, Step
from ivr.testing import CALLER, NOON, FakeDesk, House
from telephony.call import Recorded
from telephony.errors import CommandRefused
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import SpeakingCall, heard, knows, run, told

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

REQUEST = Request(language="en", service="complaint")
SPOKEN = Recorded(12.0, "key", "#")


def house_of(folder: Path, *, times: int = 1) -> House:
    """A house in whose queue the caller presses 2, so often."""
    return knows(House(desk=FakeDesk(ends=[WantsMessage(REQUEST)] * times), messages_folder=folder))


def speaking(*recordings: Recorded, **more: Any) -> SpeakingCall:
    return SpeakingCall(keys=["0"], recordings=recordings, **more)


async def test_what_is_said_is_kept_like_the_lifelines_messages(tmp_path: Path) -> None:
    call = await run(house_of(tmp_path), speaking(SPOKEN))
    (message,) = messages.waiting(tmp_path)
    assert (message.caller, message.language, message.taken_at, message.seconds) == (CALLER, "en", NOON, 12.0)
    assert message.sound.exists()
    assert message.sound.stat().st_mode & 0o077 == message.sidecar.stat().st_mode & 0o077 == 0
    assert heard(call)[-4:] == ["message_ask", "message_kept", "thanks", "goodbye"]
    assert call.variables[STEP_VARIABLE] == Step.MESSAGE_KEPT  # for the next controller, should we die here
    assert call.finished
    assert not list((tmp_path / messages.TAKING).iterdir())


@pytest.mark.parametrize("language", ["hi", "en"])
async def test_both_languages(tmp_path: Path, language: Any) -> None:
    house = house_of(tmp_path)
    house.languages.known[CALLER] = language
    call = await run(house, speaking(SPOKEN))
    assert [sound for sound in call.played if "message" in sound] == [
        f"helpline/{language}/message_ask",
        f"helpline/{language}/message_kept",
    ]


async def test_it_is_on_the_disk_before_anything_is_said_about_it(tmp_path: Path) -> None:
    kept_when_told: list[int] = []

    class Looking(SpeakingCall):
        async def play(self, *prompts: str, keys: str = "", wakeable: bool = False) -> Any:
            if any("message_kept" in prompt for prompt in prompts):
                kept_when_told.append(len(messages.waiting(tmp_path)))
            return await super().play(*prompts, keys=keys, wakeable=wakeable)

    await run(house_of(tmp_path), Looking(keys=["0"], recordings=[SPOKEN]))
    assert kept_when_told == [1]


async def test_the_music_is_off_while_the_caller_speaks(tmp_path: Path) -> None:
    class Listening(SpeakingCall):
        music_while_recorded = True

        async def record(self, file: Path, **how: Any) -> Recorded:
            self.music_while_recorded = self.music_on
            return await super().record(file, **how)

    call = Listening(keys=["0"], recordings=[SPOKEN])
    await run(house_of(tmp_path), call)
    assert not call.music_while_recorded


async def test_who_hangs_up_while_speaking_is_heard_all_the_same(tmp_path: Path) -> None:
    record_act = 1 + [act.verb for act in (await run(house_of(tmp_path / "a"), speaking(SPOKEN))).acts].index("record")
    call = await run(house_of(tmp_path / "b"), speaking(SPOKEN, hang_up_at=record_act))
    assert call.gone
    (message,) = messages.waiting(tmp_path / "b")
    assert message.seconds == SpeakingCall.spoken_seconds


async def test_silence_is_asked_about_once_and_then_the_caller_is_back_in_line(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    silent = Recorded(0.2, "key", "#")
    call = await run(house, speaking(silent, silent))
    said = heard(call)
    assert said[said.index("message_ask") :] == [
        *("message_ask", "message_empty", "message_not_kept", "agent_connecting"),
        *("thanks", "goodbye"),
    ]
    assert len(house.desk.requests) == 2
    assert len(house.desk.served) == 1
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


async def test_who_speaks_the_second_time_is_kept(tmp_path: Path) -> None:
    call = await run(house_of(tmp_path), speaking(Recorded(0.0, "key", "#"), SPOKEN))
    assert [id for id in heard(call) if "message" in id] == ["message_ask", "message_empty", "message_kept"]
    assert len(messages.waiting(tmp_path)) == 1


async def test_nobody_goes_round_for_ever(tmp_path: Path) -> None:
    house = house_of(tmp_path, times=99)
    call = await run(house, speaking(*[Recorded(0.0, "key", "#")] * 99))
    assert heard(call)[-2:] == ["apology", "goodbye"]
    assert len(house.desk.requests) == 3


class Refusing(SpeakingCall):
    """Asterisk can't write the file."""

    async def record(self, file: Path, **how: Any) -> Recorded:
        raise CommandRefused("RECORD FILE", "-1")


async def test_a_recording_that_asterisk_refuses_leads_back_into_the_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = house_of(tmp_path)
    call = await run(house, Refusing(keys=["0"]))
    assert [id for id in heard(call) if "message" in id] == ["message_ask", "message_not_kept"]
    assert len(house.desk.served) == 1
    assert told(caplog, "message_failed")
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


async def test_a_folder_that_can_not_be_written_leads_back_into_the_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    house = house_of(tmp_path / "file")
    call = await run(house, speaking(SPOKEN))
    assert "message_not_kept" in heard(call)
    assert len(house.desk.served) == 1
    assert told(caplog, "message_failed")


async def test_a_message_that_can_not_be_kept_when_the_caller_leaves_stays_where_it_was_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(folder: Path, taken: messages.VoiceMessage) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(messages, "keep", full_disk)
    house = house_of(tmp_path)
    acts = [act.verb for act in (await run(house_of(tmp_path / "other"), speaking(SPOKEN))).acts]
    call = await run(house, speaking(SPOKEN, hang_up_at=1 + acts.index("record")))
    assert call.gone
    assert told(caplog, "message_not_kept")
    assert len(list((tmp_path / messages.TAKING).glob("*.wav"))) == 1


@pytest.mark.parametrize(
    ("step", "first"),
    [(Step.MESSAGE, "message_ask"), (Step.MESSAGE_KEPT, "message_kept")],
)
async def test_a_controller_that_dies_meanwhile_is_made_good(tmp_path: Path, step: Step, first: str) -> None:
    house = House(messages_folder=tmp_path)
    variables: Mapping[str, str] = {LANGUAGE_VARIABLE: "en", STEP_VARIABLE: step.value}
    call = await run(house, SpeakingCall(recordings=[SPOKEN], variables=variables))
    assert heard(call)[0] == first
    assert heard(call)[-3:] == ["message_kept", "thanks", "goodbye"]
    assert len(messages.waiting(tmp_path)) == (step is Step.MESSAGE)
    assert house.desk.requests == []


async def test_who_says_nothing_after_a_controller_died_gets_an_agent(tmp_path: Path) -> None:
    house = House(messages_folder=tmp_path)
    silent = Recorded(0.0, "silence")
    call = ScriptedCall(recordings=[silent, silent], variables={STEP_VARIABLE: Step.MESSAGE.value})
    await run(house, call)
    assert [request.service for request in house.desk.requests] == ["complaint"]


async def test_no_log_line_of_a_message_holds_the_number(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await run(house_of(tmp_path), speaking(SPOKEN))
    (left,) = told(caplog, "message_left")
    assert CALLER not in json.dumps({name: str(value) for name, value in vars(left).items()})


async def test_an_end_of_waiting_after_a_message_that_came_to_nothing_is_told(tmp_path: Path) -> None:
    house = knows(
        House(desk=FakeDesk(ends=[WantsMessage(REQUEST), NotServed("the queue is closed")]), messages_folder=tmp_path)
    )
    silent = Recorded(0.0, "silence")
    call = await run(house, speaking(silent, silent))
    assert heard(call)[-2:] == ["not_served_closed", "goodbye"]
