"""The prompts as they are really heard, recorded or spoken by espeak-ng."""

from __future__ import annotations

import hashlib
import wave
from array import array
from pathlib import Path

import pytest

from asterisk_conf.programs import Program, Programs
from grievance_core.catalogue import Catalogue
from ivr import build
from ivr.build import RATE, build_prompts
from ivr.errors import SpeakerFailed
from ivr.files import SUFFIXES
from ivr.manifest import Manifest
from ivr.notices import Notices
from ivr.speakers import EspeakSpeaker
from ivr.speaking import LANGUAGES, Language, complaint_number_twice

pytestmark = pytest.mark.service

LONGEST_SECONDS = 25.0
SHORTEST_SECONDS = 0.15
FRAGMENT_SECONDS = 6.0  # the longest name of a department
EMERGENCY_SECONDS = 1.5  # what is said may delay the call by so much, of the three seconds it has
NUMBER_SECONDS = 40.0


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """All of them. What was spoken by the same lines of code in an earlier run is taken from pytest's own cache."""
    folder = tmp_path_factory.mktemp("prompts")
    made_by = hashlib.sha256(Path(build.__file__).read_bytes()).hexdigest()[:16]
    kept = getattr(pytestconfig, "cache", None)
    cache = kept.mkdir(f"prompts-{made_by}") if kept is not None else None
    build_prompts(folder / "prompts", folder / "music", programs=Programs(), cache=cache)
    return folder / "prompts"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return Manifest.shipped(Catalogue.shipped())


def samples_of(prompts: Path, language: Language, id: str) -> array[int]:
    return array("h", (prompts / language / f"{id}.sln").read_bytes())


def seconds_of(prompts: Path, language: Language, id: str) -> float:
    return len(samples_of(prompts, language, id)) / RATE


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_prompt_is_heard_and_within_length(prompts: Path, manifest: Manifest, language: Language) -> None:
    for prompt in manifest:
        samples = samples_of(prompts, language, prompt.id)
        seconds = len(samples) / RATE
        if prompt.silence_seconds:
            assert (max(samples), seconds) == (0, prompt.silence_seconds)
            continue
        loudest = max(map(abs, samples)) / 32767
        assert 0.1 < loudest < 0.85, f"{prompt.id} is too soft or clips: {loudest}"
        longest = FRAGMENT_SECONDS if prompt.fragment else LONGEST_SECONDS
        assert SHORTEST_SECONDS < seconds < longest, f"{prompt.id} takes {seconds} s"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_prompt_is_there_in_each_format_at_the_telephones_rate(
    prompts: Path, manifest: Manifest, language: Language
) -> None:
    linear, alaw = SUFFIXES
    for prompt in manifest:
        sizes = [(prompts / language / f"{prompt.id}{form}").stat().st_size for form in (linear, alaw)]
        assert sizes[0] == 2 * sizes[1] > 0
    # What takes a voice about this long takes as long at 8 kHz: the rate was not mistaken.
    assert seconds_of(prompts, language, "number_7") == pytest.approx(0.55, abs=0.25)


def test_different_words_sound_different(prompts: Path) -> None:
    for language in LANGUAGES:
        spoken = {bytes(samples_of(prompts, language, f"number_{count}")) for count in range(100)}
        assert len(spoken) == 100
    assert samples_of(prompts, "hi", "goodbye") != samples_of(prompts, "en", "goodbye")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_before_an_emergency_call_is_short(prompts: Path, language: Language) -> None:
    assert seconds_of(prompts, language, "emergency_connecting") < EMERGENCY_SECONDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_said_twice_does_not_take_for_ever(prompts: Path, language: Language) -> None:
    said = sum(seconds_of(prompts, language, id) for id in complaint_number_twice("107612345678"))
    assert 12 < said < NUMBER_SECONDS


async def test_a_notice_is_spoken_in_both_languages_and_found_again(tmp_path: Path) -> None:
    texts = {"hi": "आज लाइन शाम पाँच बजे तक खुली है।", "en": "The line is open until five today."}
    notice = await Notices(tmp_path, Programs()).build_notice(texts)
    assert notice.texts == texts
    for language, sound in notice.sounds.items():
        seconds = (tmp_path / language / f"{sound.rpartition('/')[2]}.sln").stat().st_size / 2 / RATE
        assert 1.5 < seconds < 6
    assert await Notices(tmp_path, Programs()).build_notice(texts) == notice


def test_a_broken_program_is_told_with_the_next_step(tmp_path: Path) -> None:
    broken = Program("espeak-ng", (str(tmp_path / "nothing"),), {}, "system", "1.52")
    with pytest.raises(SpeakerFailed, match="helpline doctor"):
        EspeakSpeaker(broken).speak("नमस्ते", "hi")


def test_a_program_that_speaks_nonsense_is_told(tmp_path: Path) -> None:
    stereo = tmp_path / "stereo.wav"
    with wave.open(str(stereo), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(800))
    cat = Program("espeak-ng", ("/bin/sh", "-c", f"cat '{stereo}'"), {}, "system", "1.52")
    with pytest.raises(SpeakerFailed, match="16 bit sound of one channel"):
        EspeakSpeaker(cat).speak("नमस्ते", "hi")
    failing = Program("espeak-ng", ("/bin/sh", "-c", "echo no voice hi >&2; exit 3"), {}, "system", "1.52")
    with pytest.raises(SpeakerFailed, match="no voice hi"):
        EspeakSpeaker(failing).speak("नमस्ते", "hi")
