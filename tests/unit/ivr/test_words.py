"""Every prompt that a flow, a menu or a sentence can name is in the manifest, in both languages, and none is unused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import ivr
from grievance_core.catalogue import LEVELS, Catalogue
from grievance_core.excluded import ExcludedMatter
from grievance_core.lifecycle import State
from ivr import speaking, waiting_words
from ivr.manifest import Manifest
from ivr.menu import MOST_CHOICES, shipped_menus

pytestmark = pytest.mark.unit

ROOM = Path(ivr.__file__).parent
# Said by the dialplan and by the lifeline script, which know no manifest.
BY_ASTERISK = {"lifeline_welcome", "lifeline_thanks", "lifeline_sorry"}
# Calls whose literal arguments are prompt ids.
SPEAKERS = {"say", "sounds", "ask", "_spoken"}


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return Manifest.shipped(Catalogue.shipped())


def spoken_by_rule() -> Iterator[str]:
    for count in speaking.COUNTS:
        yield speaking.number(count)
    for place in (1, 2, 100):
        yield from speaking.position(place)
    for low, high in ((0, 1), (4, 7), (40, 70), (70, 90)):
        yield from speaking.waiting_range(low, high)
    yield from (*waiting_words.CHOICES.values(), *waiting_words.COMFORT)
    for month in range(1, 13):
        yield from speaking.day(date(2026, month, 1))
    yield from speaking.complaint_number_twice("123456")
    yield from (f"excluded_{matter}" for matter in ExcludedMatter)
    for code in Catalogue.shipped().departments:
        for state in State:
            for level in LEVELS:
                yield from speaking.status(state_of=state, department_code=code, level_of=level, due=date(2026, 1, 1))


def named_in_code() -> set[str]:
    """String literals given to what speaks, and those that a function returns or keeps to be spoken."""
    found: set[str] = set()
    for file in ROOM.glob("*.py"):
        if file.name == "testing.py":
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in SPEAKERS:
                found |= {leaf.value for leaf in ast.walk(node) if _is_text(leaf)}
    # The rest are parts of ids and languages.
    return {text for text in found if ("_" in text and text[-1] != "_") or text in ("thanks", "goodbye", "apology")}


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def named_in_menus() -> set[str]:
    return {prompt for menu in shipped_menus().values() for prompt in menu.prompts}


def test_each_prompt_that_can_be_named_is_in_the_manifest(manifest: Manifest) -> None:
    named = {*spoken_by_rule(), *named_in_code(), *named_in_menus(), *BY_ASTERISK}
    assert len(named) > 200
    assert not {id for id in named if id not in manifest}


def test_each_prompt_has_words_in_both_languages_or_is_a_silence(manifest: Manifest) -> None:
    for prompt in manifest:
        assert bool(prompt.silence_seconds) != (set(prompt.texts) == {"hi", "en"}), prompt.id


def test_no_prompt_is_there_for_nothing(manifest: Manifest) -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in (*ROOM.glob("*.py"), *ROOM.glob("menus/*.yaml")))
    said = {*spoken_by_rule(), *BY_ASTERISK}
    assert not {prompt.id for prompt in manifest if prompt.id not in said and prompt.id not in source}


def test_hindi_is_written_in_devanagari_and_english_is_not(manifest: Manifest) -> None:
    for prompt in manifest:
        if prompt.texts:
            assert any("\u0900" <= sign <= "\u097f" for sign in prompt.texts["hi"]), prompt.id
            assert prompt.texts["en"].isascii(), prompt.id


def test_no_text_holds_what_a_voice_would_stumble_over(manifest: Manifest) -> None:
    for prompt in manifest:
        assert not set("()[]{}<>*#_\\") & set("".join(prompt.texts.values())), prompt.id


def test_no_menu_has_more_than_five_choices() -> None:
    menus = shipped_menus()
    assert all(1 <= len(menu.choices) <= MOST_CHOICES for menu in menus.values())
    assert list(menus["main"].choices.values()) == ["complaint", "status", "schemes", "demand", "emergency"]


def test_the_excluded_matters_of_the_menu_are_those_the_core_counts() -> None:
    assert set(shipped_menus()["excluded"].choices.values()) == set(ExcludedMatter)


def test_a_person_is_one_key_away_in_every_menu_of_a_citizens_call() -> None:
    assert [id for id, menu in shipped_menus().items() if not menu.person] == ["feedback"]


def test_an_emergency_is_one_key_away_in_every_menu_that_follows_the_welcome() -> None:
    menus = shipped_menus()
    assert all(menus[id].choices["5"] == "emergency" for id in ("language", "main", "feedback_dialled_in"))
