"""The prompts: each has an id and its words in every language. Pure.

`prompts/manifest.yaml` holds the sentences; numbers and the names of departments are added here from their tables, so
that no one types them twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from grievance_core.catalogue import Catalogue
from ivr.documents import Section, checked, read
from ivr.errors import WordsError
from ivr.speaking import ENGLISH_NUMBERS, HINDI_NUMBERS, LANGUAGES, Language, department_name, number

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt. A `fragment` is a part of a sentence: it is cut without a pause, so that parts join."""

    id: str
    texts: Mapping[Language, str]  # empty for a silence
    fragment: bool = False
    silence_seconds: float = 0.0  # instead of words
    notes: str = ""  # for the person who speaks or edits it


@dataclass(frozen=True, slots=True)
class Manifest:
    """All prompts by id."""

    prompts: Mapping[str, Prompt]

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.prompts.values())

    def __contains__(self, id: object) -> bool:
        return id in self.prompts

    def __len__(self) -> int:
        return len(self.prompts)

    def with_more(self, prompts: Iterable[Prompt]) -> Manifest:
        """This manifest and these. Raises WordsError when an id is there already."""
        more = {prompt.id: prompt for prompt in prompts}
        both = sorted(set(more) & set(self.prompts))
        if both:
            raise WordsError([f"The prompt {id} is made from a table. Take it out of the manifest." for id in both])
        return Manifest(MappingProxyType({**self.prompts, **more}))

    @classmethod
    def shipped(cls, catalogue: Catalogue) -> Manifest:
        """The prompts that ship with this room, with numbers and the catalogue's names."""
        file = resources.files("ivr") / "prompts" / "manifest.yaml"
        fixed = parse(file.read_text(encoding="utf-8"), "ivr/prompts/manifest.yaml")
        return fixed.with_more([*number_prompts(), *department_prompts(catalogue)])


class _Row(Section):
    """A row of the file."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    hi: Text = ""
    en: Text = ""
    fragment: bool = False
    silence: Annotated[float, Field(ge=0, le=5)] = 0.0
    notes: str = ""

    @model_validator(mode="after")
    def _words_or_silence(self) -> Self:
        missing = [language for language in LANGUAGES if not getattr(self, language)]
        if self.silence and len(missing) < len(LANGUAGES):
            raise ValueError("it has words and a silence; keep one of them")
        if not self.silence and missing:
            raise ValueError(f"the words are missing in: {', '.join(missing)}")
        return self


def parse(text: str, source: str) -> Manifest:
    """The manifest in a file's text. Raises WordsError with every fault's line."""
    document = read(text, source)
    if not isinstance(document.content, list):
        raise WordsError([document.says((), "a list of prompts was expected, each beginning with `- id:`.")])
    prompts: dict[str, Prompt] = {}
    problems: list[str] = []
    for position, content in enumerate(document.content):
        try:
            row = checked(_Row, content, document, at=(position,))
        except WordsError as error:
            problems += error.problems
            continue
        if row.id in prompts:
            problems.append(document.says((position, "id"), f"the prompt {row.id} stands in the file twice. Keep one."))
        prompts[row.id] = _prompt(row)
    if problems:
        raise WordsError(problems)
    return Manifest(MappingProxyType(prompts))


def number_prompts() -> list[Prompt]:
    """0 to 99, as fragments."""
    return [
        Prompt(id=number(count), texts={"hi": hindi, "en": english}, fragment=True)
        for count, (hindi, english) in enumerate(zip(HINDI_NUMBERS, ENGLISH_NUMBERS, strict=True))
    ]


def department_prompts(catalogue: Catalogue) -> list[Prompt]:
    """The departments' names, as fragments."""
    return [
        Prompt(
            id=department_name(department.code),
            texts={"hi": _spoken(department.name_hi), "en": _spoken(department.name_en)},
            fragment=True,
        )
        for department in catalogue.departments.values()
    ]


def _prompt(row: _Row) -> Prompt:
    texts: dict[Language, str] = {} if row.silence else {"hi": row.hi, "en": row.en}
    return Prompt(id=row.id, texts=texts, fragment=row.fragment, silence_seconds=row.silence, notes=row.notes)


def _spoken(name: str) -> str:
    """A written name without brackets, which a voice reads aloud or swallows."""
    return name.replace(" (", ", ").replace("(", " ").replace(")", "")
