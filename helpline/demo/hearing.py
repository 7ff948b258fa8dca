"""Proof of what was heard on the telephone: whether a recording holds a certain speech, or only music or silence.

The speech is cut into pieces, and each is looked for at every place of the recording by normalised correlation of the
samples themselves: no clock but the senders' own 20 ms steps lies between, and G.711 changes a sample by 3 % only.

Measured with espeak-ng's voices (Debian 1.52, pieces of 0.4 s): the same speech through A-law and then µ-law
correlates by 1.00 in every piece; with 2 % of its packets lost by 0.63 or more in 95 % of them; while somebody else
talks just as loud by 0.49 or more in 95 %, 0.70 in the middle. Other words of the same voice reach 0.55 in 5 % of the
pieces, another voice 0.28; music, tones, keys, noise and silence less. So a piece counts as found from 0.55. The share
of pieces found is then 1.0 for the same speech after G.711 and at most 0.2 for other speech of the same voice, part of
which is the very same words: espeak-ng says a word twice alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpline.demo.sound import RATE, Pcm, seconds

Samples = npt.NDArray[np.float64]

PIECE_SECONDS = 0.4
STEP_SECONDS = 0.2
SHORTEST_PIECE_SECONDS = 0.15
FOUND = 0.55
HEARD_FROM = 0.6
# Speech's low tones are its loudest and its least telling: this difference of neighbours evens it out.
EMPHASIS = 0.95
# Pieces quieter than this part of the whole are pauses; in them only the coder's noise could be compared.
PAUSE = 0.25
# Correlating with next to nothing would raise noise to a match: quieter than this (of 32768) is silence.
SILENCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a recording says of a speech.

    `share` of the speech found in it (0 to 1); `at` the second of the recording where the speech begins, None if it
    was not found; `loudness` of the recording as in `loudness()`; `length` of the recording in seconds.
    """

    share: float
    at: float | None
    loudness: float
    length: float

    @property
    def heard(self) -> bool:
        """Whether this was the speech, and not something else."""
        return self.share >= HEARD_FROM

    def __str__(self) -> str:
        if not self.length:
            return "nothing was recorded"
        if self.loudness < SILENCE / 32768:
            return f"{self.length:.1f} s of silence"
        where = f" from {self.at:.1f} s on" if self.at is not None else ""
        return f"{self.share:.0%} of the speech{where}, in {self.length:.1f} s of sound"


def loudness(pcm: Pcm) -> float:
    """The mean loudness (root mean square), 1.0 being the most that 16 bits hold. Speech is about 0.05 to 0.3."""
    samples = _samples(pcm)
    return float(np.sqrt(np.mean(samples**2))) / 32768 if len(samples) else 0.0


def share_heard(recording: Pcm, original: Pcm) -> float:
    """How much of the original's speech is in the recording, 0 to 1, wherever it begins there."""
    return heard(recording, original).share


def heard(recording: Pcm, original: Pcm) -> Verdict:
    """Look for a speech, or a prompt, in what a phone recorded."""
    matches = list(_matches(_samples(recording), _samples(original)))
    begins = [begin for strength, begin in matches if strength >= FOUND]
    return Verdict(
        share=len(begins) / len(matches) if matches else 0.0,
        at=max(0.0, float(np.median(begins))) if begins else None,
        loudness=loudness(recording),
        length=seconds(recording),
    )


def _samples(pcm: Pcm) -> Samples:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def _matches(recording: Samples, original: Samples) -> Iterator[tuple[float, float]]:
    """For each piece of speech: how well it matches at its best place, and the speech's begin (s) seen from there."""
    length = min(round(PIECE_SECONDS * RATE), len(original))
    if length < SHORTEST_PIECE_SECONDS * RATE or length > len(recording):
        return
    sought, field = _emphasised(original), _emphasised(recording)
    size = 1 << (len(field) + length - 1).bit_length()
    spectrum = np.fft.rfft(field, size)
    energy = np.concatenate(([0.0], np.cumsum(field**2)))
    local = np.sqrt(np.maximum(energy[length:] - energy[:-length], length * SILENCE**2))
    pause = PAUSE * float(np.sqrt(np.mean(original**2)))
    for start in range(0, len(sought) - length + 1, round(STEP_SECONDS * RATE)):
        if np.sqrt(np.mean(original[start : start + length] ** 2)) <= pause:
            continue
        piece = sought[start : start + length]
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)[: len(local)]
        strength = products / (local * np.sqrt(piece @ piece))
        best = int(strength.argmax())
        yield float(strength[best]), (best - start) / RATE


def _emphasised(samples: Samples) -> Samples:
    return np.concatenate((samples[:1], samples[1:] - EMPHASIS * samples[:-1]))
