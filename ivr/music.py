"""Music on hold: a quiet loop, composed here so that nothing has to be licensed or fetched.

Plucked notes of raga Bhupali (five notes, none of which clash) over a soft drone. Whoever puts files of their own into
the music folder hears those instead.
"""

from __future__ import annotations

import math
from array import array
from pathlib import Path

from ivr.files import write_sound

RATE = 8000
SA = 220.0  # Hz, the ground note
# Bhupali: Sa Re Ga Pa Dha, and Sa of the next octave, in just intonation.
BHUPALI = (1.0, 9 / 8, 5 / 4, 3 / 2, 5 / 3, 2.0)
BEAT_SECONDS = 0.625
MELODY = (
    *(0, 2, 3, 4, 5, None, 4, 3, 2, None, 1, 2, 0, None, None, None),
    *(3, 4, 5, 4, 3, 2, 1, None, 2, 3, 2, 1, 0, None, None, None),
)  # one note of BHUPALI a beat, None: let it ring
DRONE = ((0, SA / 2), (4, SA * 3 / 4), (8, SA / 2), (12, SA * 3 / 4))  # beats within each half, Hz
HALVES = 2
LOUDEST = 0.16  # of full scale: about 10 dB below the prompts
NAME = "bhupali"


def write_music(folder: Path) -> bool:
    """Put the loop into the music folder unless there is music already; whether it was written."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(file.is_file() for file in folder.iterdir()):
        return False
    write_sound(folder / NAME, compose().tobytes())
    return True


def compose() -> array[int]:
    """The loop as 16 bit samples of 8 kHz. Its end runs into its beginning without a seam."""
    total = round(len(MELODY) * BEAT_SECONDS * RATE)
    mix = [0.0] * total
    for beat, step in enumerate(MELODY):
        if step is not None:
            _add(mix, _pluck(SA * BHUPALI[step], seconds=2.2), at=beat * BEAT_SECONDS, loudness=1.0)
    for half in range(HALVES):
        for beat, hertz in DRONE:
            start = (half * len(MELODY) / HALVES + beat) * BEAT_SECONDS
            _add(mix, _pluck(hertz, seconds=4.0), at=start, loudness=0.5)
    scale = LOUDEST * 32767 / max(map(abs, mix))
    return array("h", (round(value * scale) for value in mix))


def _pluck(hertz: float, *, seconds: float) -> list[float]:
    """A plucked string: three overtones, each fading faster than the one below, with a soft start."""
    count = round(seconds * RATE)
    soft = round(0.012 * RATE)
    note = [0.0] * count
    for overtone, strength in ((1, 1.0), (2, 0.4), (3, 0.15)):
        turn = 2 * math.pi * hertz * overtone / RATE
        fade = math.exp(-(2.2 + overtone) / seconds / RATE)
        level = strength
        for n in range(count):
            note[n] += level * math.sin(turn * n)
            level *= fade
    for n in range(soft):
        note[n] *= n / soft
        note[-1 - n] *= n / soft
    return note


def _add(mix: list[float], note: list[float], *, at: float, loudness: float) -> None:
    start = round(at * RATE)
    for n, value in enumerate(note):
        mix[(start + n) % len(mix)] += value * loudness
