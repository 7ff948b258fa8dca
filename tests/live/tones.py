"""Tones in A-law, and what was heard: by pitch, each 20 ms packet by itself."""

from __future__ import annotations

import math
import struct
import wave
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

RATE: Final = 8000
PACKET: Final = 160
"""Samples of 20 ms."""
AUDIBLE: Final = 600


def _decoded(code: int) -> int:
    code ^= 0x55
    value = ((code & 0x0F) << 4) + 8
    if (segment := (code & 0x70) >> 4) > 0:
        value = (value + 0x100) << (segment - 1)
    return value if code & 0x80 else -value


_DECODED: Final = [_decoded(code) for code in range(256)]
_ENCODED: Final = sorted((value, code) for code, value in enumerate(_DECODED))


def _encoded(sample: float) -> int:
    return min(_ENCODED, key=lambda pair: abs(pair[0] - sample))[1]


def tone(hertz: int, *, level: float = 0.3) -> bytes:
    """One packet of a tone; whole periods fit into it when `hertz` is a multiple of 50."""
    return bytes(_encoded(level * 32767 * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(PACKET))


def pitches(payload: bytes, among: tuple[int, ...]) -> frozenset[int]:
    """Which of these pitches a packet holds; several may sound at once, none is silence."""
    return sounding([_DECODED[code] for code in payload], among)


def sounding(samples: Sequence[int], among: tuple[int, ...]) -> frozenset[int]:
    """Which of these pitches (multiples of 50 Hz) 20 ms of 16 bit sound hold."""
    found = set()
    for hertz in among:
        step = 2 * math.pi * hertz / RATE
        real = sum(sample * math.cos(step * n) for n, sample in enumerate(samples))
        imaginary = sum(sample * math.sin(step * n) for n, sample in enumerate(samples))
        if 2 * math.hypot(real, imaginary) / len(samples) > AUDIBLE:
            found.add(hertz)
    return frozenset(found)


def of_file(file: Path, among: tuple[int, ...]) -> Counter[frozenset[int]]:
    """How many stretches of 20 ms of a WAV file hold which pitches."""
    with wave.open(str(file), "rb") as sound:
        frames = sound.readframes(sound.getnframes())
    samples = struct.unpack(f"<{len(frames) // 2}h", frames)
    return Counter(sounding(samples[at : at + PACKET], among) for at in range(0, len(samples) - PACKET, PACKET))
