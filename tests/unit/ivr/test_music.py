"""Music on hold: quiet, seamless, and only where there is none."""

from __future__ import annotations

import math
from array import array
from itertools import pairwise
from pathlib import Path

import pytest

from ivr.music import LOUDEST, NAME, RATE, compose, write_music

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def samples() -> array[int]:
    return compose()


def test_the_loop_is_about_twenty_seconds_quiet_and_never_silent_for_long(samples: array[int]) -> None:
    assert len(samples) / RATE == pytest.approx(20.0, abs=1.0)
    peak = max(map(abs, samples)) / 32767
    assert peak == pytest.approx(LOUDEST, abs=0.01)
    for second in range(len(samples) // RATE):
        part = samples[second * RATE : (second + 1) * RATE]
        rms = math.sqrt(sum(value * value for value in part) / RATE)
        assert -50 < 20 * math.log10(rms / 32768) < -20


def test_its_end_runs_into_its_beginning(samples: array[int]) -> None:
    steps = [abs(after - before) for before, after in pairwise(samples)]
    assert abs(samples[0] - samples[-1]) <= max(steps)


def test_it_is_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    assert write_music(folder)
    assert {file.name for file in folder.iterdir()} == {f"{NAME}.sln", f"{NAME}.alaw"}
    assert not write_music(folder)


def test_music_of_the_houses_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "our_song.wav").write_bytes(b"RIFF")
    assert not write_music(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["our_song.wav"]
