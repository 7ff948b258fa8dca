"""What a supervisor types for callers to hear becomes sound while the helpline runs.

A sound's name follows from its words, so the same words are spoken once, and a notice that is read back after a restart
finds its sound in the prompts' folder.
"""

from __future__ import annotations

import asyncio
import logging
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from acd.waiting.notices import Notice
from asterisk_conf.errors import ProgramError
from ivr.build import Finder, is_there, made_of, spoken
from ivr.errors import NoticeRefused, SpeakerMissing
from ivr.files import write_sound
from ivr.manifest import Prompt
from ivr.speakers import EspeakSpeaker, Speaker
from ivr.speaking import LANGUAGES, Language, language_of, sounds

log = logging.getLogger(__name__)

MOST_SIGNS: Final = 300
"""Of one notice in one language: some 20 seconds, for callers hear it again and again."""

NAMES: Final[Mapping[Language, str]] = {"hi": "Hindi", "en": "English"}
UNSPEAKABLE: Final = frozenset("()[]{}<>*#_\\|^~")
"""Signs over which a voice stumbles."""


def checked(texts: Mapping[str, str]) -> dict[Language, str]:
    """The words of a notice by language, as they will be spoken; one language is enough. Raises NoticeRefused."""
    problems: list[str] = []
    words: dict[Language, str] = {}
    for name, typed in texts.items():
        language = language_of(name)
        if language is None:
            problems.append(f"{name[:20]!r} is no language of the helpline. Use {' or '.join(LANGUAGES)}.")
            continue
        text = " ".join(unicodedata.normalize("NFC", typed).split())
        if text:
            problems += _faults(text, language)
            words[language] = text
    if not words and not problems:
        problems.append("There are no words. Type them in Hindi, in English, or in both.")
    if problems:
        raise NoticeRefused(problems)
    return words


def _faults(text: str, language: Language) -> list[str]:
    name = NAMES[language]
    found: list[str] = []
    if len(text) > MOST_SIGNS:
        found.append(f"The {name} words are too long: {len(text)} signs; callers listen to {MOST_SIGNS} at the most.")
    if unspeakable := sorted(UNSPEAKABLE & set(text)):
        found.append(f"The {name} words hold signs that can't be spoken: {' '.join(unspeakable)} Leave them out.")
    if not any(sign.isalnum() for sign in text):
        found.append(f"The {name} words hold nothing to be spoken.")
    elif language == "hi" and not any(_is_devanagari(sign) for sign in text):
        found.append("The Hindi words are not in Devanagari. Write them in देवनागरी, or give them as English.")
    elif language == "en" and any(_is_devanagari(sign) for sign in text):
        found.append("The English words hold Devanagari. Give those as Hindi.")
    return found


def _is_devanagari(sign: str) -> bool:
    return "\u0900" <= sign <= "\u097f"


class Notices:
    """Speaks notices into the folder of prompts; `build_notice` is an `acd.waiting.notices.NoticeBuilder`."""

    def __init__(self, folder: Path, programs: Finder) -> None:
        self._folder = folder
        self._programs = programs

    async def build_notice(self, texts: Mapping[str, str]) -> Notice:
        """The notice, its sounds on disk. Takes some tenths of a second, in a thread: calls go on meanwhile.

        Raises NoticeRefused, SpeakerMissing, SpeakerFailed or PromptsNotWritten.
        """
        words = checked(texts)
        made = await asyncio.to_thread(self._speak, words)
        log.info("A notice was spoken", extra={"action": "notice_spoken", "languages": sorted(made)})
        return Notice(texts={language: words[language] for language in words}, sounds=made)

    def _speak(self, words: Mapping[Language, str]) -> dict[str, str]:
        try:
            speaker = EspeakSpeaker(self._programs.find("espeak-ng"))
        except ProgramError as error:
            raise SpeakerMissing(str(error)) from error
        return speak(words, self._folder, speaker)


def speak(words: Mapping[Language, str], folder: Path, speaker: Speaker) -> dict[str, str]:
    """Each language's words as a sound below the prompts' folder; its path for Asterisk. What is there is kept."""
    made: dict[str, str] = {}
    for language, text in words.items():
        prompt = Prompt(id="notice", texts={language: text})
        id = f"notice_{made_of(prompt, language, speaker.version)}"
        path = folder / language / id
        if not is_there(path):
            write_sound(path, spoken(prompt, language, speaker))
        made[language] = sounds(language, [id])[0]
    return made
