"""Plain tones, made here: the beep before a recording, and what tests listen for."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

RATE = 8000
"""Samples a second, as on the telephone."""


def write_tone(file: Path, *, hertz: float, seconds: float, level: float = 0.3) -> Path:
    """A pure tone as a 16 bit WAV file of the telephone's rate. `level` 1.0 is as loud as it gets."""
    file.parent.mkdir(parents=True, exist_ok=True)
    peak = level * 32767
    samples = [round(peak * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(round(RATE * seconds))]
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return file


def write_pip(file: Path) -> Path:
    """The tone before a caller comes to an off-hook agent: as short as can be noticed, for the caller waits for it."""
    return write_tone(file, hertz=1000, seconds=0.08, level=0.3)


def write_beep(file: Path) -> Path:
    """The tone that says: speak now. Asterisk's own sounds need not be there."""
    return write_tone(file, hertz=1000, seconds=0.25, level=0.2)
