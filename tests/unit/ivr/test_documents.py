"""Files of words that people edit: a fault is told with its file and line."""

from __future__ import annotations

import pytest

from ivr import manifest, menu
from ivr.errors import WordsError
from ivr.manifest import Prompt

pytestmark = pytest.mark.unit

GOOD = "- id: welcome\n  hi: नमस्ते।\n  en: Hello.\n"


def problems_of(text: str) -> list[str]:
    with pytest.raises(WordsError) as caught:
        manifest.parse(text, "words.yaml")
    return list(caught.value.problems)


def test_a_good_row_becomes_a_prompt_in_every_language() -> None:
    (prompt,) = manifest.parse(GOOD, "words.yaml")
    assert (prompt.id, dict(prompt.texts)) == ("welcome", {"hi": "नमस्ते।", "en": "Hello."})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(GOOD + "- id: bye\n  hi: नमस्ते।\n", ["words.yaml line 4: ", "missing in: en"], id="language"),
        pytest.param(GOOD + GOOD, ["words.yaml line 4: ", "twice"], id="id-twice"),
        pytest.param(GOOD + "  en: Hi.\n", ["words.yaml line 4: ", "'en' stands here a second time"], id="key-twice"),
        pytest.param(GOOD + "  voice: x\n", ["words.yaml line 4: ", "voice is not known"], id="unknown-key"),
        pytest.param("- hi: x\n  en: y\n", ["words.yaml line 1: ", "id is missing"], id="no-id"),
        pytest.param("- id: No Spaces\n  hi: x\n  en: y\n", ["words.yaml line 1: ", "id: "], id="bad-id"),
        pytest.param(
            "- id: a\n  hi: x\n  en: y\n  silence: 1\n", ["words.yaml line 1: ", "words and a silence"], id="both"
        ),
        pytest.param("- id: a\n  hi: [\n", ["words.yaml line 3: ", "not YAML"], id="not-yaml"),
        pytest.param("id: a\n", ["words.yaml line 1: ", "list of prompts"], id="no-list"),
        pytest.param("", ["words.yaml line 1: ", "empty"], id="empty"),
        pytest.param("- id: a\x00\n", ["words.yaml", "not YAML"], id="binary"),
    ],
)
def test_a_fault_names_its_file_and_line(text: str, expected: list[str]) -> None:
    (problem,) = problems_of(text)
    assert all(part in problem for part in expected), problem


def test_all_faults_are_told_at_once() -> None:
    faults = problems_of("- id: a\n  hi: x\n- id: b\n  hi: x\n  en: y\n  oops: 1\n")
    assert [fault.split(":")[0] for fault in faults] == ["words.yaml line 1", "words.yaml line 6"]


def test_a_generated_prompt_may_not_stand_in_the_file_too() -> None:
    made = [Prompt(id="welcome", texts={"hi": "x", "en": "y"})]
    with pytest.raises(WordsError, match="welcome is made from a table"):
        manifest.parse(GOOD, "words.yaml").with_more(made)


MENU = 'prompts: [ask]\nchoices:\n  "1": yes_please\nseconds: 5\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(MENU.replace('"1"', '"0"'), "line 3: ", id="key-of-the-person"),
        pytest.param(MENU.replace('"1"', "1"), "line 3: ", id="unquoted-key"),
        pytest.param(MENU + "silence: nobody\n", "silence: nobody is none of back, yes_please", id="unknown-silence"),
        pytest.param(MENU + "back: false\nsilence: back\n", "silence: back is none of yes_please", id="no-way-back"),
        pytest.param(MENU.replace("seconds: 5", "seconds: 0"), "line 4: seconds", id="no-time"),
        pytest.param(
            MENU.replace('"1": yes_please', "\n  ".join(f'"{key}": c{key}' for key in range(1, 7))),
            "it has 6 choices",
            id="six-choices",
        ),
    ],
)
def test_a_menus_fault_is_told(text: str, expected: str) -> None:
    with pytest.raises(WordsError) as caught:
        menu.parse(text, id="ask", source="ask.yaml")
    assert expected in str(caught.value)
    assert "ask.yaml line" in str(caught.value)
