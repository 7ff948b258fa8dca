"""Menus: what a caller can choose by a key, as data, and how they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ivr.documents import Section, checked, read
from ivr.errors import WordsError
from ivr.speaking import LANGUAGES, Language, Words, sounds
from telephony.call import Call

MOST_CHOICES = 5
MOST_REPEATS = 9  # of # in one menu; a stuck key must not hold a line for ever

PERSON_KEY, BACK_KEY = "0", "*"  # and # repeats: `ask` tells it as the end of an empty entry


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller chose. Back, a person, or three failed tries can come from every menu that has them."""

    kind: Literal["chosen", "back", "person", "gave_up"]
    name: str = ""  # of a chosen one

    @property
    def wants_person(self) -> bool:
        """Asked for by 0, or after three failed tries."""
        return self.kind in ("person", "gave_up")


BACK, PERSON, GAVE_UP = Choice("back"), Choice("person"), Choice("gave_up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """One menu. Seconds count from the end of its prompts to the key."""

    id: str
    prompts: tuple[str, ...]
    choices: Mapping[str, str]  # key to the choice's name
    seconds: float
    tries: int = 3
    silence: str = ""  # the choice (or "back") that silence means; "": silence is a failed try
    person: bool = True  # whether 0 is a person here
    back: bool = True  # whether * goes back here
    every_language: bool = False  # its prompts are heard in every language, one after another


class _File(Section):
    """A file of `menus/`."""

    prompts: Annotated[tuple[str, ...], Field(min_length=1)]
    choices: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[1-9]$")], Annotated[str, StringConstraints(min_length=1)]],
        Field(min_length=1),
    ]
    seconds: Annotated[float, Field(gt=0, le=30)]
    tries: Annotated[int, Field(ge=1, le=5)] = 3
    silence: str = ""
    person: bool = True
    back: bool = True
    every_language: bool = False

    @model_validator(mode="after")
    def _few_and_known(self) -> Self:
        if len(self.choices) > MOST_CHOICES:
            raise ValueError(f"it has {len(self.choices)} choices; people keep {MOST_CHOICES} at the most in mind")
        known = {*self.choices.values(), *(["back"] if self.back else [])}
        if self.silence and self.silence not in known:
            raise ValueError(f"silence: {self.silence} is none of {', '.join(sorted(known))}")
        return self


def parse(text: str, *, id: str, source: str) -> Menu:
    """The menu in a file's text. Raises WordsError with every fault's line."""
    document = read(text, source)
    file = checked(_File, document.content, document)
    return Menu(
        id=id,
        prompts=file.prompts,
        choices=MappingProxyType(dict(file.choices)),
        seconds=file.seconds,
        tries=file.tries,
        silence=file.silence,
        person=file.person,
        back=file.back,
        every_language=file.every_language,
    )


def shipped_menus() -> Mapping[str, Menu]:
    """The menus that ship with this room, by id (their file's name). Raises WordsError with all faults of all files."""
    menus: dict[str, Menu] = {}
    problems: list[str] = []
    files = (resources.files("ivr") / "menus").iterdir()
    for file in sorted(files, key=lambda file: file.name):
        id, _, suffix = file.name.rpartition(".")
        if suffix != "yaml":
            continue
        try:
            menus[id] = parse(file.read_text(encoding="utf-8"), id=id, source=f"ivr/menus/{file.name}")
        except WordsError as error:
            problems += error.problems
    if problems:
        raise WordsError(problems)
    return MappingProxyType(menus)


async def say(call: Call, language: Language, *ids: str) -> None:
    """Say prompts to their end."""
    await call.play(*sounds(language, ids))


async def choose(call: Call, menu: Menu, language: Language, *, first: Sequence[str] = ()) -> Choice:
    """Ask until the caller has chosen: a key cuts in at once; # repeats; 0 is a person; * goes back.

    `first`: sounds heard before the menu the first time, which a key cuts short too. After as many failed tries as the
    menu allows, the caller is told that a person will help (where there is one) and has given up.
    """
    question = _spoken(menu, menu.prompts, language)
    before = tuple(first)
    failed = repeats = 0
    while True:
        typed = await call.ask(*before, *question, digits=1, seconds=menu.seconds)
        if not typed.keys and typed.ended == "end" and repeats < MOST_REPEATS:
            repeats += 1
            before = ()
            continue
        if not typed.keys and menu.silence:
            return BACK if menu.silence == "back" else Choice("chosen", menu.silence)
        choice = _choice(menu, typed.keys)
        if choice is not None:
            return choice
        failed += 1
        if failed == menu.tries:
            break
        why = ["menu_wrong" if typed.keys else "menu_silent"]
        if menu.person and failed == menu.tries - 1:
            why.append("menu_keys")
        before = _spoken(menu, why, language)
    if menu.person:
        await call.play(*_spoken(menu, ["menu_help"], language))
    return GAVE_UP


def _spoken(menu: Menu, ids: Sequence[str], language: Language) -> Words:
    languages = LANGUAGES if menu.every_language else (language,)
    return tuple(sound for spoken in languages for sound in sounds(spoken, ids))


def _choice(menu: Menu, key: str) -> Choice | None:
    if key == PERSON_KEY and menu.person:
        return PERSON
    if key == BACK_KEY and menu.back:
        return BACK
    name = menu.choices.get(key)
    return None if name is None else Choice("chosen", name)
