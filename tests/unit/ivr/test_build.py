"""The prompts' sound files: right in form, and made anew only when something changed."""

from __future__ import annotations

import math
import threading
import time
from array import array
from pathlib import Path

import pytest

from grievance_core.catalogue import Catalogue
from ivr.build import INDEX, RATE, Built, build, processed
from ivr.errors import PromptsNotWritten, SpeakerFailed
from ivr.manifest import Manifest, parse
from ivr.speakers import Sound
from ivr.speaking import Language

pytestmark = pytest.mark.unit

WORDS = """
- {id: hello, hi: नमस्ते।, en: Hello.}
- {id: bye, hi: विदा।, en: Bye.}
- {id: pause, silence: 0.25}
"""


class ToneSpeaker:
    """Speaks a tone with silence around it, and counts."""

    def __init__(self, *, version: str = "1", fails_at: str = "") -> None:
        self.spoken: list[tuple[str, Language]] = []
        self.version = version
        self._fails_at = fails_at
        self._lock = threading.Lock()

    def speak(self, text: str, language: Language) -> Sound:
        with self._lock:
            self.spoken.append((text, language))
        if text == self._fails_at:
            raise SpeakerFailed(text, "it has lost its voice")
        return a_tone(440.0, rate=22050)


def a_tone(hertz: float, *, rate: int, level: float = 0.3, seconds: float = 0.5, around: float = 0.2) -> Sound:
    tone = [round(level * 32767 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(round(seconds * rate))]
    silence = [0] * round(around * rate)
    return Sound(array("h", [*silence, *tone, *silence]).tobytes(), rate)


def loudness(samples: bytes) -> float:
    """RMS in dB against full scale."""
    values = array("h", samples)
    return 20 * math.log10(math.sqrt(sum(value * value for value in values) / len(values)) / 32768)


def words(text: str = WORDS) -> Manifest:
    return parse(text, "words.yaml")


def test_each_prompt_lies_in_each_language_and_format(tmp_path: Path) -> None:
    assert build(words(), tmp_path, ToneSpeaker()) == Built(made=6, kept=0, removed=0)
    files = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file())
    expected = [
        f"{lang}/{id}.{form}" for lang in ("en", "hi") for id in ("bye", "hello", "pause") for form in ("alaw", "sln")
    ]
    assert files == [*expected[:6], *expected[6:], INDEX]


def test_both_formats_hold_the_same_samples(tmp_path: Path) -> None:
    build(words(), tmp_path, ToneSpeaker())
    linear, alaw = ((tmp_path / "hi" / "hello").with_suffix(form).read_bytes() for form in (".sln", ".alaw"))
    assert len(linear) == 2 * len(alaw)
    assert (tmp_path / "hi" / "pause.sln").read_bytes() == bytes(round(0.25 * RATE) * 2)


def test_nothing_is_made_twice(tmp_path: Path) -> None:
    build(words(), tmp_path, ToneSpeaker())
    speaker = ToneSpeaker()
    assert build(words(), tmp_path, speaker) == Built(made=0, kept=6, removed=0)
    assert speaker.spoken == []


def test_only_what_changed_is_made_anew(tmp_path: Path) -> None:
    build(words(), tmp_path, ToneSpeaker())
    speaker = ToneSpeaker()
    assert build(words(WORDS.replace("Bye.", "Good bye.")), tmp_path, speaker) == Built(made=1, kept=5, removed=0)
    assert speaker.spoken == [("Good bye.", "en")]


def test_a_missing_or_empty_file_is_made_anew(tmp_path: Path) -> None:
    build(words(), tmp_path, ToneSpeaker())
    (tmp_path / "hi" / "hello.alaw").unlink()
    (tmp_path / "en" / "bye.sln").write_bytes(b"")
    speaker = ToneSpeaker()
    build(words(), tmp_path, speaker)
    assert sorted(speaker.spoken) == [("Bye.", "en"), ("नमस्ते।", "hi")]


def test_another_voice_makes_all_anew(tmp_path: Path) -> None:
    build(words(), tmp_path, ToneSpeaker())
    assert build(words(), tmp_path, ToneSpeaker(version="2")).made == 6


@pytest.mark.parametrize("damage", ["", "{", "[]", "\x00\xff"])
def test_a_damaged_index_is_no_harm(tmp_path: Path, damage: str) -> None:
    build(words(), tmp_path, ToneSpeaker())
    (tmp_path / INDEX).write_text(damage, encoding="utf-8")
    assert build(words(), tmp_path, ToneSpeaker()).made == 6


def test_what_left_the_manifest_leaves_the_folder(tmp_path: Path) -> None:
    build(words(), tmp_path, ToneSpeaker())
    fewer = words("- {id: hello, hi: नमस्ते।, en: Hello.}\n")
    assert build(fewer, tmp_path, ToneSpeaker()) == Built(made=0, kept=2, removed=4)
    assert not list(tmp_path.rglob("bye.*"))
    assert build(fewer, tmp_path, ToneSpeaker()).removed == 0


def test_a_failure_keeps_what_was_finished_and_leaves_no_halves(tmp_path: Path) -> None:
    with pytest.raises(SpeakerFailed, match="lost its voice"):
        build(words(), tmp_path, ToneSpeaker(fails_at="Bye."), jobs=1)
    assert not list(tmp_path.rglob("*.new"))
    speaker = ToneSpeaker()
    build(words(), tmp_path, speaker)
    assert ("नमस्ते।", "hi") not in speaker.spoken
    assert ("Bye.", "en") in speaker.spoken


def test_a_prompt_that_comes_out_silent_is_refused(tmp_path: Path) -> None:
    class Mute(ToneSpeaker):
        def speak(self, text: str, language: Language) -> Sound:
            return Sound(bytes(8000), 22050)

    with pytest.raises(SpeakerFailed, match="it is silent"):
        build(words(), tmp_path, Mute())


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "prompts").write_text("a file in the way")
    with pytest.raises(PromptsNotWritten, match="can't be written"):
        build(words(), tmp_path / "prompts", ToneSpeaker())


def test_progress_is_told_up_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    build(words(), tmp_path, ToneSpeaker(), progress=lambda done, of: told.append((done, of)))
    assert told == [(n, 6) for n in range(1, 7)]


def test_two_builds_at_once_end_in_whole_files(tmp_path: Path) -> None:
    builds = [threading.Thread(target=build, args=(words(), tmp_path, ToneSpeaker())) for _ in range(3)]
    for thread in builds:
        thread.start()
    for thread in builds:
        thread.join()
    assert build(words(), tmp_path, ToneSpeaker()) == Built(made=0, kept=6, removed=0)


@pytest.mark.parametrize("level", [0.02, 0.1, 0.9])
def test_loud_and_soft_speech_come_out_alike(level: float) -> None:
    sound = processed(a_tone(440.0, rate=22050, level=level), fragment=True)
    assert loudness(sound[400:-1000]) == pytest.approx(-20.0, abs=1.0)


def test_silence_around_is_cut_and_fragments_join_closer_than_sentences() -> None:
    tone = a_tone(440.0, rate=8000, seconds=0.5, around=0.6)
    fragment, sentence = (len(processed(tone, fragment=kind)) / 2 / RATE for kind in (True, False))
    assert fragment == pytest.approx(0.55, abs=0.03)
    assert sentence == pytest.approx(0.72, abs=0.03)


def test_what_lies_above_the_telephones_band_does_not_fold_into_it() -> None:
    # 6 kHz sampled at 8 kHz would be heard as 2 kHz.
    speech, hiss = a_tone(1000.0, rate=22050, level=0.2), a_tone(6000.0, rate=22050, level=0.2)
    mixed = array("h", speech.samples), array("h", hiss.samples)
    both = Sound(array("h", [a + b for a, b in zip(*mixed, strict=True)]).tobytes(), 22050)
    sound = array("h", processed(both, fragment=True))[200:3800]
    assert power(sound, 1000.0) > 1000 * power(sound, 2000.0)


def power(samples: array[int], hertz: float) -> float:
    turn = 2 * math.pi * hertz / RATE
    real = sum(value * math.cos(turn * n) for n, value in enumerate(samples))
    imaginary = sum(value * math.sin(turn * n) for n, value in enumerate(samples))
    return real * real + imaginary * imaginary


def test_the_shipped_manifest_builds_in_both_languages(tmp_path: Path) -> None:
    class Quick(ToneSpeaker):
        def speak(self, text: str, language: Language) -> Sound:
            return a_tone(500.0, rate=8000, seconds=0.05, around=0.0)

    manifest = Manifest.shipped(Catalogue.shipped())
    began = time.perf_counter()
    assert build(manifest, tmp_path, Quick()).made == 2 * len(manifest)
    assert time.perf_counter() - began < 30
