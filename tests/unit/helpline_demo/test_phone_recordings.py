"""A phone's recordings are told apart call by call, though baresip names them by the second."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpline.demo.phone_recordings import Recordings
from helpline.demo.sound import write_wav

pytestmark = pytest.mark.unit


def dump(folder: Path, second: int, *, heard: bytes, said: bytes) -> None:
    for way, sound in (("dec", heard), ("enc", said)):
        write_wav(folder / f"dump-2026-01-02-03-04-{second:02}-{way}.wav", sound)


def test_two_calls_within_one_second_are_two_recordings(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    dump(tmp_path, 5, heard=b"aa", said=b"bb")
    recordings.call_is_over()
    dump(tmp_path, 5, heard=b"cc", said=b"dd")
    assert [recordings.sound("dec", call) for call in (0, 1, -1, -2)] == [b"aa", b"cc", b"cc", b"aa"]
    assert recordings.sound("enc", 0) == b"bb"
    assert len(recordings.files()) == 4


def test_the_parts_of_one_call_are_one_recording(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    dump(tmp_path, 5, heard=b"aa", said=b"")
    dump(tmp_path, 6, heard=b"bb", said=b"")
    assert recordings.sound("dec", -1) == b"aabb"
    recordings.call_is_over()
    assert recordings.sound("dec", 0) == b"aabb"


def test_a_call_without_sound_is_no_call_here(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    recordings.call_is_over()
    assert recordings.sound("dec", -1) == b""
    assert recordings.sound("dec", 3) == b""


def test_what_an_earlier_phone_left_is_forgotten(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    dump(tmp_path, 1, heard=b"aa", said=b"bb")
    recordings.call_is_over()
    dump(tmp_path, 2, heard=b"aa", said=b"bb")
    recordings.forget()
    assert recordings.files() == []
