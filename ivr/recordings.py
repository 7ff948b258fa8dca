"""The fixed prompts as they were spoken once in a natural voice: compressed sounds that ship with this room.

`prompts/voice/index.json` says which words each sound holds, so a prompt whose words were changed since is spoken by
espeak-ng until it is recorded anew: what callers hear is always what the manifest says.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

from ivr.errors import SpeakerFailed
from ivr.files import WIDTH, write_file
from ivr.manifest import Manifest
from ivr.speakers import Sound, Speaker
from ivr.speaking import LANGUAGES, Language

INDEX: Final = "index.json"
SUFFIX: Final = ".ogg"
COMPRESSION: Final = 0.92  # of 0 to 1: Opus at some 25 kbit/s, which speech bears well

Told = Callable[[int, int], None]  # how many are done, of how many


class RecordedSpeaker:
    """Speaks from the recordings what is there word for word, and all else by the voice given."""

    def __init__(self, otherwise: Speaker, folder: Traversable | None = None) -> None:
        self._otherwise = otherwise
        self._folder = shipped_folder() if folder is None else folder
        content = _index_of(self._folder)
        self._ids = {(language, words): id for language in LANGUAGES for id, words in content.get(language, {}).items()}
        self._digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def version(self) -> str:
        return f"{self._otherwise.version} recordings {self._digest}"

    def speak(self, text: str, language: Language) -> Sound:
        """Raises SpeakerFailed when a recording can't be read."""
        id = self._ids.get((language, text))
        if id is None:
            return self._otherwise.speak(text, language)
        file = self._folder / language / f"{id}{SUFFIX}"
        try:
            return decoded(file.read_bytes())
        except (OSError, RuntimeError) as error:
            raise SpeakerFailed(f"{language}/{id}", f"its recording can't be read: {error}") from error


def shipped_folder() -> Traversable:
    return resources.files("ivr") / "prompts" / "voice"


def record(manifest: Manifest, folder: Path, speaker: Speaker, *, told: Told | None = None) -> int:
    """Speak what the recordings lack or hold in other words; how many were spoken. What is finished stays finished.

    Recordings of prompts that are no more are removed. Raises SpeakerFailed or PromptsNotWritten.
    """
    there = _index_of(folder)
    wanted = {
        language: {prompt.id: prompt.texts[language] for prompt in manifest if prompt.texts.get(language)}
        for language in LANGUAGES
    }
    index = {
        language: {id: words for id, words in there.get(language, {}).items() if wanted[language].get(id) == words}
        for language in LANGUAGES
    }
    missing = [(language, id) for language in LANGUAGES for id in wanted[language] if id not in index[language]]
    for done, (language, id) in enumerate(missing, start=1):
        words = wanted[language][id]
        write_file(folder / language / f"{id}{SUFFIX}", encoded(speaker.speak(words, language)))
        index[language][id] = words
        _write_index(folder, index)
        if told is not None:
            told(done, len(missing))
    _write_index(folder, index)
    for language in LANGUAGES:
        for file in (folder / language).glob(f"*{SUFFIX}"):
            if file.stem not in index[language]:
                file.unlink()
    return len(missing)


def encoded(sound: Sound) -> bytes:
    """The sound as Ogg Opus."""
    soundfile, numpy = _codec()
    samples = numpy.frombuffer(sound.samples, dtype="<i2")
    out = io.BytesIO()
    soundfile.write(out, samples, sound.rate, format="OGG", subtype="OPUS", compression_level=COMPRESSION)
    return out.getvalue()


def decoded(content: bytes) -> Sound:
    """The sound of an Ogg Opus file, one channel. Raises RuntimeError when it is none."""
    soundfile, numpy = _codec()
    samples, rate = soundfile.read(io.BytesIO(content), dtype="int16", always_2d=True)
    return Sound(numpy.ascontiguousarray(samples[:, 0]).astype("<i2").tobytes()[: len(samples) * WIDTH], int(rate))


def _codec() -> tuple[Any, Any]:
    # Loaded when a prompt is built: it would cost every command a tenth of a second.
    import numpy
    import soundfile

    return soundfile, numpy


def _index_of(folder: Traversable) -> Mapping[str, dict[str, str]]:
    try:
        content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_index(folder: Path, index: Mapping[Language, Mapping[str, str]]) -> None:
    content = {language: dict(sorted(words.items())) for language, words in index.items()}
    write_file(folder / INDEX, (json.dumps(content, ensure_ascii=False, indent=0) + "\n").encode())
