"""What the lifeline took is filed once and in order, and one bad file holds up no other."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from acd.live.work import WorkItem
from asterisk_conf import messages
from asterisk_conf.sounds import write_tone
from grievance_core.catalogue import Catalogue
from grievance_core.errors import StoreBusy
from grievance_core.service import Grievances
from grievance_core.testing import memory_grievances
from helpline.lifeline import file_voice_messages

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
CATALOGUE = Catalogue.shipped()


@pytest.fixture
async def grievances() -> AsyncIterator[Grievances]:
    async with memory_grievances(catalogue=CATALOGUE) as service:
        yield service


def taken(folder: Path, minute: int = 0, *, caller: str = "09876543210") -> messages.VoiceMessage:
    """A message that the lifeline took so many minutes after noon."""
    begun = messages.begin(
        folder, caller=caller, taken_at=NOON + timedelta(minutes=minute), language="hi", uniqueid=f"1700000000.{minute}"
    )
    write_tone(begun.sound, hertz=500, seconds=0.1)
    message = messages.keep(folder, begun)
    assert message is not None
    return message


def spoilt(message: messages.VoiceMessage, **changes: Any) -> None:
    """Change what a message's JSON file says; None takes a key out."""
    told = json.loads(message.sidecar.read_text(encoding="utf-8")) | changes
    message.sidecar.write_text(json.dumps({key: value for key, value in told.items() if value is not None}))


async def callers(grievances: Grievances) -> list[str]:
    return [message.caller for message in await grievances.voice_messages()]


async def test_messages_are_filed_with_their_caller_time_and_sound(tmp_path: Path, grievances: Grievances) -> None:
    message = taken(tmp_path)
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 1
    [filed] = await grievances.voice_messages()
    assert (filed.caller, filed.taken_at, filed.path) == ("9876543210", NOON, str(message.sound))
    assert message.sound.exists()
    assert not message.sidecar.exists()
    assert message.sidecar.with_suffix(".filed").exists()


async def test_filing_again_files_nothing_twice(tmp_path: Path, grievances: Grievances) -> None:
    taken(tmp_path)
    await file_voice_messages(tmp_path, grievances, now=NOON)
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 0
    assert len(await grievances.voice_messages()) == 1


async def test_a_controller_that_died_between_the_database_and_the_file_files_once(
    tmp_path: Path, grievances: Grievances, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(tmp_path)

    def dies(_message: messages.VoiceMessage) -> None:
        raise SystemError("kill -9")

    with monkeypatch.context() as patch:
        patch.setattr(messages, "filed", dies)
        with pytest.raises(SystemError):
            await file_voice_messages(tmp_path, grievances, now=NOON)
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 1
    assert len(await grievances.voice_messages()) == 1
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 0


async def test_a_database_that_is_busy_loses_no_message(
    tmp_path: Path, grievances: Grievances, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken(tmp_path, 1)
    taken(tmp_path, 2)

    async def busy(*_: object, **__: object) -> None:
        raise StoreBusy("The database is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(grievances, "file_voice_message", busy)
        with pytest.raises(StoreBusy):
            await file_voice_messages(tmp_path, grievances, now=NOON)
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 2


async def test_a_folder_that_is_empty_or_not_there_yet_is_no_error(tmp_path: Path, grievances: Grievances) -> None:
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 0
    assert await file_voice_messages(tmp_path / "none", grievances, now=NOON) == 0


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"id": "x", ', id="half"),
        pytest.param(b"\xff\xfe{}", id="no text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="nothing in it"),
    ],
)
async def test_a_broken_json_file_is_put_aside_and_stops_no_other(
    broken: bytes, tmp_path: Path, grievances: Grievances, caplog: pytest.LogCaptureFixture
) -> None:
    bad = taken(tmp_path, 1, caller="9876500001")
    taken(tmp_path, 2, caller="9876500002")
    bad.sidecar.write_bytes(broken)
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 1
    assert await callers(grievances) == ["9876500002"]
    assert bad.sidecar.with_suffix(".broken").read_bytes() == broken
    assert bad.sound.exists()
    assert not bad.sidecar.exists()
    assert "put aside as .broken" in caplog.text


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"caller": 9876500001}, id="a number that is no text"),
        pytest.param({"caller": None}, id="no caller"),
        pytest.param({"taken_at": "2026-11-24T12:00:00"}, id="a time without zone"),
        pytest.param({"taken_at": "yesterday"}, id="no time"),
        pytest.param({"taken_at": 17}, id="a time that is no text"),
        pytest.param({"recording": None}, id="no recording"),
        pytest.param({"recording": "../../elsewhere.wav"}, id="a recording elsewhere"),
        pytest.param({"recording": ["x.wav"]}, id="a list of recordings"),
        pytest.param({"mood": "sad"}, id="a key that is not ours"),
    ],
)
async def test_a_json_file_that_says_nonsense_is_put_aside_and_stops_no_other(
    changes: dict[str, Any], tmp_path: Path, grievances: Grievances
) -> None:
    bad = taken(tmp_path, 1, caller="9876500001")
    taken(tmp_path, 2, caller="9876500002")
    spoilt(bad, **changes)
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 1
    assert await callers(grievances) == ["9876500002"]
    assert bad.sidecar.with_suffix(".broken").exists()


async def test_a_json_file_that_can_not_be_opened_stays_and_stops_no_other(
    tmp_path: Path, grievances: Grievances, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "0-folder.json").mkdir()
    taken(tmp_path)
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 1
    assert (tmp_path / "0-folder.json").exists()
    assert "tried again" in caplog.text


async def test_a_recording_that_is_finished_while_the_folder_is_read_is_passed_over(
    tmp_path: Path, grievances: Grievances, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / messages.TAKING).mkdir()
    (tmp_path / messages.TAKING / "gone.json").symlink_to(tmp_path / "not-there")
    with caplog.at_level(logging.INFO):
        assert await file_voice_messages(tmp_path, grievances, now=NOON) == 0
    assert caplog.records == []


async def test_a_recording_that_broke_off_is_filed_when_it_is_certainly_over_and_not_before(
    tmp_path: Path, grievances: Grievances
) -> None:
    begun = messages.begin(tmp_path, caller="9876500001", taken_at=NOON, language="hi", uniqueid="1700000000.1")
    write_tone(begun.sound, hertz=500, seconds=0.1)
    for file in (begun.sound, begun.sidecar):
        os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    over = NOON + messages.BROKEN_OFF_AFTER
    assert await file_voice_messages(tmp_path, grievances, now=over) == 0
    assert await file_voice_messages(tmp_path, grievances, now=over + timedelta(seconds=1)) == 1
    assert await callers(grievances) == ["9876500001"]


@pytest.mark.parametrize(
    ("caller", "kept"),
    [
        pytest.param("", "", id="withheld"),
        pytest.param("<script>", "", id="no number"),
        pytest.param("+919876543210", "9876543210", id="with the country's code"),
        pytest.param("+447700900123", "447700900123", id="from abroad"),
        pytest.param("12345678901234567890", "123456789012345", id="longer than any number"),
    ],
)
async def test_whatever_number_the_network_showed_the_message_is_filed(
    caller: str, kept: str, tmp_path: Path, grievances: Grievances
) -> None:
    taken(tmp_path, caller=caller)
    assert await file_voice_messages(tmp_path, grievances, now=NOON) == 1
    assert await callers(grievances) == [kept]


async def test_each_message_is_work_for_an_agent_who_speaks_its_language_once(
    tmp_path: Path, grievances: Grievances, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = taken(tmp_path, 1), taken(tmp_path, 2)
    added: list[WorkItem] = []

    async def add(item: WorkItem) -> None:
        assert (tmp_path / f"{item.id.removeprefix('voice-')}.json").exists()  # not put aside before it is in line
        added.append(item)

    now = NOON + timedelta(minutes=3)
    assert await file_voice_messages(tmp_path, grievances, now=now, add_work=add, queue="person") == 2
    assert await file_voice_messages(tmp_path, grievances, now=now, add_work=add, queue="person") == 0
    assert [item.sound for item in added] == [str(first.sound), str(second.sound)]
    item = added[0]
    assert (item.queue, item.needs, item.caller) == ("person", ("language:hi",), "9876543210")
    assert (item.added_at, item.due_at) == (now, first.taken_at + timedelta(hours=2))


async def test_a_queue_that_can_not_take_the_work_loses_no_message(tmp_path: Path, grievances: Grievances) -> None:
    taken(tmp_path)
    refuses = [True]
    added: list[WorkItem] = []

    async def add(item: WorkItem) -> None:
        if refuses.pop() if refuses else False:
            raise RuntimeError("not now")
        added.append(item)

    with pytest.raises(RuntimeError):
        await file_voice_messages(tmp_path, grievances, now=NOON, add_work=add)
    assert await file_voice_messages(tmp_path, grievances, now=NOON, add_work=add) == 1
    assert len(added) == 1
    assert len(await grievances.voice_messages()) == 1
