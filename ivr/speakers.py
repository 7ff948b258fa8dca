"""Voices: each speaks a text."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from asterisk_conf.programs import Program
from ivr.errors import SpeakerFailed
from ivr.files import WIDTH
from ivr.speaking import Language

SPEAKING_SECONDS = 30.0  # espeak-ng takes some 20 ms; one that hangs is ended

WORDS_PER_MINUTE: Mapping[Language, int] = {"hi": 145, "en": 145}  # slower than espeak-ng's 175: many callers are old


@dataclass(frozen=True, slots=True)
class Sound:
    """One channel of 16 bit samples."""

    samples: bytes
    rate: int


class Speaker(Protocol):
    """Speaks a text. Called from several threads at once."""

    @property
    def version(self) -> str:
        """What the sound depends on beside the text; a change makes all prompts anew."""
        ...

    def speak(self, text: str, language: Language) -> Sound: ...


class EspeakSpeaker:
    """espeak-ng with its own Hindi and English voices."""

    def __init__(self, program: Program) -> None:
        self._program = program

    @property
    def version(self) -> str:
        return f"espeak-ng {self._program.version} {dict(WORDS_PER_MINUTE)}"

    def speak(self, text: str, language: Language) -> Sound:
        """The text's sound. Raises SpeakerFailed."""
        options = ("-v", language, "-s", str(WORDS_PER_MINUTE[language]), "-b", "1", "--stdin", "--stdout")
        try:
            spoken = subprocess.run(
                (*self._program.argv, *options),
                input=text.encode(),
                capture_output=True,
                env={**os.environ, **self._program.env},
                timeout=SPEAKING_SECONDS,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip().splitlines()
            raise SpeakerFailed(text[:40], said[-1] if said else f"exit code {error.returncode}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SpeakerFailed(text[:40], str(error)) from error
        return _of_wav(spoken.stdout, text)


def _of_wav(wav: bytes, text: str) -> Sound:
    """The sound in espeak-ng's WAV, whose header does not know the length because it is a stream."""
    if len(wav) <= 44 or wav[:4] != b"RIFF" or wav[22:24] != b"\x01\x00" or wav[34:36] != b"\x10\x00":
        raise SpeakerFailed(text[:40], "what came is no 16 bit sound of one channel")
    samples = wav[44:]
    return Sound(samples[: len(samples) // WIDTH * WIDTH], int.from_bytes(wav[24:28], "little"))
