"""The demo's voices, spoken by the real espeak-ng, are told apart by hearing."""

from __future__ import annotations

import audioop
import wave
from pathlib import Path

import numpy as np
import pytest

from asterisk_conf.programs import Program, Programs
from helpline.demo.errors import ProgramMissing
from helpline.demo.hearing import loudness, share_heard
from helpline.demo.sound import Pcm, read_wav, seconds
from helpline.demo.speech import CITIZEN, LINES, Voice, speak, speak_lines, telephone_quality
from tests.unit.helpline_demo.voices import music

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def espeak() -> Program:
    return Programs().find("espeak-ng")


@pytest.fixture
async def lines(espeak: Program, tmp_path: Path) -> dict[str, Pcm]:
    return {name: read_wav(file) for name, file in (await speak_lines(espeak, tmp_path)).items()}


async def test_each_line_is_heard_in_itself_after_g711_and_in_no_other(lines: dict[str, Pcm]) -> None:
    assert lines.keys() == LINES.keys()
    for name, words in lines.items():
        for other, recording in lines.items():
            on_the_line = audioop.ulaw2lin(audioop.lin2ulaw(recording, 2), 2)
            share = share_heard(on_the_line, words)
            assert share > 0.8 if name == other else share < 0.4, (name, other)
        assert share_heard(music(), words) < 0.4


async def test_the_lines_are_short_and_loud_enough(lines: dict[str, Pcm]) -> None:
    for words in lines.values():
        assert 2 < seconds(words) < 9
        assert 0.02 < loudness(words) < 0.4


async def test_lines_that_are_there_are_not_spoken_again(espeak: Program, tmp_path: Path) -> None:
    before = await speak_lines(espeak, tmp_path)
    times = {file: file.stat().st_mtime_ns for file in before.values()}
    after = await speak_lines(espeak, tmp_path)
    assert {file: file.stat().st_mtime_ns for file in after.values()} == times


async def test_a_voice_that_is_not_there_is_told(espeak: Program, tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing, match="could not speak with voice 'klingonese'"):
        await speak(espeak, "nuqneH", Voice(name="klingonese"), tmp_path / "none.wav")


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    program = Program("espeak-ng", (str(tmp_path / "nothing"),), {}, "system", "1.52.0")
    with pytest.raises(ProgramMissing, match="can't be started"):
        await speak(program, "नमस्ते", CITIZEN, tmp_path / "none.wav")


def test_telephone_quality_keeps_a_tone_and_folds_nothing_back(tmp_path: Path) -> None:
    rate = 22050
    time = np.arange(rate) / rate
    sound = 8000 * np.sin(2 * np.pi * 1000 * time) + 8000 * np.sin(2 * np.pi * 6000 * time)
    with wave.open(str(tmp_path / "raw.wav"), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(sound.astype("<i2").tobytes())
    pcm = telephone_quality(tmp_path / "raw.wav")
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2").astype(float)))
    assert seconds(pcm) == pytest.approx(1.0)
    assert spectrum.argmax() == 1000
    assert spectrum[2000] < spectrum[1000] / 100, "6000 Hz came back as 2000 Hz"
