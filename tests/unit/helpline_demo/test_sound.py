"""Telephone sound goes into WAV files and comes out again, whatever state the file is in."""

from __future__ import annotations

import struct
import wave
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpline.demo.errors import NotAudible
from helpline.demo.sound import looped, read_wav, seconds, silence, write_wav

pytestmark = pytest.mark.unit

SOUND = bytes(range(200)) * 40


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sound.wav"


def test_what_is_written_is_read_back(file: Path) -> None:
    write_wav(file, SOUND)
    assert read_wav(file) == SOUND
    with wave.open(str(file)) as other_reader:
        assert (other_reader.getframerate(), other_reader.getnchannels(), other_reader.getsampwidth()) == (8000, 1, 2)


def test_silence_follows_up_to_the_asked_length_and_takes_no_room(file: Path) -> None:
    write_wav(file, SOUND, at_least=600)
    assert read_wav(file) == SOUND + bytes(600 * 16000 - len(SOUND))
    assert file.stat().st_blocks * 512 < 100_000


@pytest.mark.parametrize("length", [0, 1 << 31, 0xFFFFFFFF], ids=["not known yet", "too long", "unknown"])
def test_a_recording_that_is_still_written_is_read_as_far_as_it_is(file: Path, length: int) -> None:
    write_wav(file, SOUND)
    content = bytearray(file.read_bytes())
    content[40:44] = struct.pack("<I", length)
    file.write_bytes(content + b"\x01")
    assert read_wav(file) == SOUND


def test_what_stands_between_format_and_sound_is_passed_over(file: Path) -> None:
    write_wav(file, SOUND)
    content = file.read_bytes()
    file.write_bytes(content[:36] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + content[36:])
    assert read_wav(file) == SOUND


def test_another_rate_is_refused_with_what_was_expected(file: Path) -> None:
    with wave.open(str(file), "wb") as other:
        other.setnchannels(2)
        other.setsampwidth(2)
        other.setframerate(44100)
        other.writeframes(SOUND)
    with pytest.raises(NotAudible, match="2 channels, 44100 Hz, 16 bits; expected PCM, 1 channel, 8000 Hz"):
        read_wav(file)


def test_a_missing_file_says_so(file: Path) -> None:
    with pytest.raises(NotAudible, match="No such file"):
        read_wav(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 60), noise=st.binary(max_size=80), whole=st.booleans())
def test_any_broken_file_is_not_audible_or_sound_and_nothing_else(
    file: Path, cut: int, noise: bytes, whole: bool
) -> None:
    write_wav(file, SOUND[:16])
    file.write_bytes(noise if whole else file.read_bytes()[:cut] + noise)
    with suppress(NotAudible):
        assert len(read_wav(file)) % 2 == 0


def test_looped_sound_fills_the_time_exactly() -> None:
    assert seconds(looped(SOUND, 7.3)) == pytest.approx(7.3)
    assert looped(SOUND, 2.0, pause=0.1).startswith(SOUND + silence(0.1) + SOUND)
    assert looped(b"", 1.0) == silence(1.0)
