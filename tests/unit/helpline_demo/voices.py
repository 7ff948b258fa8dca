"""Speech-like sound without a synthesiser: noise and pulses through moving formants, the same for the same seed."""

from __future__ import annotations

import math

import numpy as np

from helpline.demo.hearing import Samples
from helpline.demo.sound import RATE, Pcm

SYLLABLE_SECONDS = 0.18


def speech(seed: int, length: float = 4.0, *, pitch: float = 120.0) -> Pcm:
    """Syllables with their own formants; each fourth is a pause. One pitch is one voice, another seed other words."""
    random = np.random.default_rng(seed)
    syllables = []
    for number in range(math.ceil(length / SYLLABLE_SECONDS)):
        time = np.arange(round(SYLLABLE_SECONDS * RATE)) / RATE
        if number % 4 == 3:
            syllables.append(random.normal(0, 5, len(time)))
            continue
        tone = pitch * (1 + 0.1 * random.normal())
        source = sum(
            np.sin(2 * np.pi * tone * harmonic * time + random.uniform(0, 6.3)) / harmonic for harmonic in range(1, 25)
        ) + random.normal(0, 0.3, len(time))
        spectrum = np.fft.rfft(source)
        frequency = np.fft.rfftfreq(len(time), 1 / RATE)
        shape = sum(
            np.exp(-(((frequency - formant) / 150) ** 2))
            for formant in (random.uniform(250, 850), random.uniform(900, 2400), random.uniform(2400, 3400))
        )
        syllables.append(np.fft.irfft(spectrum * shape, len(time)) * np.hanning(len(time)))
    return pcm(np.concatenate(syllables)[: round(length * RATE)], loudest=12000)


def music(length: float = 6.0) -> Pcm:
    """Slowly beating chords."""
    time = np.arange(round(length * RATE)) / RATE
    chords = sum(
        np.sin(2 * np.pi * tone * time) * (1 + np.sin(2 * np.pi * beat * time))
        for tone, beat in ((220, 0.5), (277, 0.7), (330, 1.1), (440, 0.3))
    )
    return pcm(np.asarray(chords), loudest=9000)


def pcm(samples: Samples, *, loudest: float | None = None) -> Pcm:
    """Samples as 16 bits, brought to a loudest value if one is given."""
    scaled = samples if loudest is None else samples * loudest / np.abs(samples).max()
    return np.clip(scaled, -32768, 32767).astype("<i2").tobytes()


def samples(sound: Pcm) -> Samples:
    return np.frombuffer(sound, "<i2").astype(np.float64)
