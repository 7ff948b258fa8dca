"""What a supervisor types becomes sound; what is not fit to be spoken is refused in words they can use."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from asterisk_conf.errors import NoNetwork
from asterisk_conf.programs import Program, ProgramName
from ivr.build import build
from ivr.errors import NoticeRefused, PromptsNotWritten, SpeakerFailed, SpeakerMissing
from ivr.files import SUFFIXES
from ivr.manifest import parse
from ivr.notices import MOST_SIGNS, Notices, checked, speak
from tests.unit.ivr.test_build import ToneSpeaker

pytestmark = pytest.mark.unit

HINDI = "आज बिजली विभाग की लाइन शाम पाँच बजे तक बंद है।"
ENGLISH = "The power department's line is closed until five today."


def test_words_are_tidied_and_one_language_is_enough() -> None:
    assert checked({"hi": f"  {HINDI}\n ", "en": "  "}) == {"hi": HINDI}
    assert checked({"en": "Closed \t today."}) == {"en": "Closed today."}
    assert checked({"hi": "\u0915\u093c"}) == checked({"hi": "\u0958"})  # one letter in two spellings


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({}, "Type them in Hindi, in English, or in both"),
        ({"hi": "", "en": " "}, "There are no words"),
        ({"fr": "Fermé."}, "'fr' is no language of the helpline. Use hi or en"),
        ({"en": "x" * (MOST_SIGNS + 1)}, f"English words are too long: {MOST_SIGNS + 1} signs"),
        ({"hi": "बंद है (आज)"}, r"Hindi words hold signs that can't be spoken: \( \)"),
        ({"en": " . ! "}, "English words hold nothing to be spoken"),
        ({"hi": "aaj band hai"}, "not in Devanagari"),
        ({"en": HINDI}, "English words hold Devanagari"),
    ],
    ids=["nothing", "blanks", "unknown-language", "too-long", "signs", "no-words", "latin-hindi", "hindi-english"],
)
def test_words_not_fit_to_be_spoken_are_refused_with_what_to_do(texts: dict[str, str], says: str) -> None:
    with pytest.raises(NoticeRefused, match=says):
        checked(texts)


def test_the_longest_words_are_taken_and_all_faults_are_told_at_once() -> None:
    assert checked({"en": "x" * MOST_SIGNS})
    with pytest.raises(NoticeRefused) as refused:
        checked({"en": "#", "hi": "ok", "fr": "non"})
    assert len(refused.value.problems) == 4


def test_a_notice_lies_beside_the_prompts_in_every_format_and_is_spoken_once(tmp_path: Path) -> None:
    speaker = ToneSpeaker()
    made = speak({"hi": HINDI, "en": ENGLISH}, tmp_path, speaker)
    assert speak({"en": ENGLISH, "hi": HINDI}, tmp_path, speaker) == made
    assert len(speaker.spoken) == 2
    for language, sound in made.items():
        folder, spoken_in, id = sound.split("/")
        assert (folder, spoken_in) == ("helpline", language)
        assert all((tmp_path / language / f"{id}{suffix}").stat().st_size > 0 for suffix in SUFFIXES)


def test_other_words_have_another_name(tmp_path: Path) -> None:
    names = {speak({"en": text}, tmp_path, ToneSpeaker())["en"] for text in (ENGLISH, ENGLISH + "!")}
    assert len(names) == 2


def test_a_sound_that_is_half_there_is_made_again(tmp_path: Path) -> None:
    made = speak({"en": ENGLISH}, tmp_path, ToneSpeaker())
    file = (tmp_path / "en" / made["en"].rpartition("/")[2]).with_suffix(SUFFIXES[1])
    file.write_bytes(b"")
    speak({"en": ENGLISH}, tmp_path, ToneSpeaker())
    assert file.stat().st_size > 0


def test_building_the_prompts_leaves_the_notices_alone(tmp_path: Path) -> None:
    made = speak({"en": ENGLISH}, tmp_path, ToneSpeaker())
    build(parse("- {id: hello, hi: नमस्ते।, en: Hello.}", "words.yaml"), tmp_path, ToneSpeaker())
    assert list((tmp_path / "en").glob(f"{made['en'].rpartition('/')[2]}.*"))


class Found:
    """Finds a shell that stands for espeak-ng; what it runs is `script`."""

    def __init__(self, script: str = "exit 3") -> None:
        self._script = script

    def find(self, name: ProgramName) -> Program:
        return Program(name, ("/bin/sh", "-c", self._script), {}, "system", "1.52")


class Missing:
    def find(self, name: ProgramName) -> Program:
        raise NoNetwork("The packages can't be fetched.")


async def test_a_machine_without_espeak_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SpeakerMissing, match="helpline doctor") as missing:
        await Notices(tmp_path, Missing()).build_notice({"en": ENGLISH})
    assert missing.value.retryable


async def test_a_voice_that_fails_leaves_no_notice(tmp_path: Path) -> None:
    with pytest.raises(SpeakerFailed):
        await Notices(tmp_path, Found()).build_notice({"en": ENGLISH})
    assert not list(tmp_path.rglob("*.*"))


async def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("a file where the folder should be")
    with pytest.raises(PromptsNotWritten):
        speak({"en": ENGLISH}, tmp_path, ToneSpeaker())


async def test_words_are_refused_before_a_program_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(NoticeRefused):
        await Notices(tmp_path, Missing()).build_notice({"hi": "nahin"})


class Slow(Found):
    """Finds it once the event loop has had a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.loop_had_a_turn = threading.Event()

    def find(self, name: ProgramName) -> Program:
        assert self.loop_had_a_turn.wait(10)
        return super().find(name)


async def test_calls_go_on_while_a_notice_is_spoken(tmp_path: Path) -> None:
    slow = Slow()
    building = asyncio.create_task(Notices(tmp_path, slow).build_notice({"en": ENGLISH}))
    asyncio.get_running_loop().call_later(0, slow.loop_had_a_turn.set)
    with pytest.raises(SpeakerFailed):
        await building
