"""The voices of the demo: what people say on the telephone, spoken by espeak-ng.

Short sentences, because a demo must not wait for the sake of waiting.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asterisk_conf.programs import Program
from helpline.demo.errors import ProgramMissing
from helpline.demo.sound import RATE, Pcm, write_wav

SPEAK_SECONDS = 20.0
# The loudest sample: half of what 16 bits hold, as a person's voice on the telephone stays well below the limit.
LOUDEST = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A voice of espeak-ng: `pitch` 0 to 99, `speed` in words a minute."""

    name: str
    pitch: int = 50
    speed: int = 165


CITIZEN = Voice(name="hi", pitch=38, speed=160)
AGENT = Voice(name="hi", pitch=72, speed=170)
EMERGENCY = Voice(name="en", pitch=60, speed=175)

# What the demo's people say. The words matter to nobody but listeners; that they are told apart matters to hearing.py.
LINES: Mapping[str, tuple[Voice, str]] = {
    "citizen": (CITIZEN, "नमस्ते, मैं बाराबंकी से रामलाल बोल रहा हूँ। हमारे गाँव का हैंडपंप तीन हफ़्ते से ख़राब पड़ा है।"),
    "agent": (AGENT, "मुख्यमंत्री हेल्पलाइन में आपका स्वागत है। आपकी शिकायत जल निगम को भेजी जा रही है।"),
    "agent_two": (AGENT, "जी हाँ, बिजली का खंभा गिरने की सूचना विभाग को दे दी गई है। अपना नंबर दोहराइए।"),
    "emergency": (EMERGENCY, "Emergency, one one two. A car is on its way. Please stay on the line."),
}


async def speak(program: Program, text: str, voice: Voice, file: Path) -> Pcm:
    """Speak a text into a WAV file for the telephone; returns the same sound. Raises ProgramMissing."""
    with tempfile.TemporaryDirectory(prefix="speech-") as folder:
        raw = Path(folder) / "raw.wav"
        try:
            process = await asyncio.create_subprocess_exec(
                *program.argv,
                *("-v", voice.name, "-p", str(voice.pitch), "-s", str(voice.speed), "-z", "-w", str(raw), "--stdin"),
                env={**os.environ, **program.env},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            raise ProgramMissing(
                f"{program.argv[0]} can't be started ({error.strerror}). `helpline doctor` says how to mend it."
            ) from error
        try:
            words, _ = await asyncio.wait_for(process.communicate(text.encode()), SPEAK_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode or not raw.exists():
            raise ProgramMissing(
                f"espeak-ng could not speak with voice {voice.name!r}: {words.decode(errors='replace').strip()}. "
                "Is its data of the same version as the program?"
            )
        pcm = telephone_quality(raw)
    write_wav(file, pcm)
    return pcm


def telephone_quality(file: Path) -> Pcm:
    """The sound of a WAV file of one channel and 16 bits as a telephone carries it: 8000 Hz, evenly loud."""
    with wave.open(str(file), "rb") as source:
        rate = source.getframerate()
        samples = np.frombuffer(source.readframes(source.getnframes()), dtype="<i2").astype(np.float64)
    length = round(len(samples) * RATE / rate)
    # Cutting the spectrum off at 4000 Hz and going back gives exactly the sound at the lower rate, without aliases.
    sound = np.fft.irfft(np.fft.rfft(samples)[: length // 2 + 1], n=length)
    sound *= LOUDEST / max(float(np.abs(sound).max(initial=0.0)), 1e-9)
    return sound.astype("<i2").tobytes()


async def speak_lines(program: Program, folder: Path) -> dict[str, Path]:
    """Speak all lines of the demo into a folder, two at a time; those already there are taken as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    turn = asyncio.Semaphore(2)

    async def one(name: str, voice: Voice, text: str) -> tuple[str, Path]:
        file = folder / f"{name}.wav"
        async with turn:
            if not file.exists():
                await speak(program, text, voice, file)
        return name, file

    return dict(await asyncio.gather(*(one(name, voice, text) for name, (voice, text) in LINES.items())))
