"""What is said of numbers, dates and complaints, as prompt ids in the order they are heard. Pure.

Hindi counts from 0 to 99 follow no rule, so they are a table; both languages use prompts number_0 to number_99.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, Literal, get_args

from grievance_core.lifecycle import State

Language = Literal["hi", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT_LANGUAGE: Final[Language] = "hi"

FOLDER: Final = "helpline"
"""The folder of our prompts below Asterisk's folder of sounds."""

_HINDI: Final = """
    शून्य एक दो तीन चार पाँच छह सात आठ नौ
    दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस
    बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस
    तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस
    चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास
    पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ
    साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर
    सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उनासी
    अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी
    नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे
"""
HINDI_NUMBERS: Final[tuple[str, ...]] = tuple(_HINDI.split())

_ONES: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ENGLISH_NUMBERS: Final[tuple[str, ...]] = (
    *_ONES,
    *(f"{ten}-{one}" if one != "zero" else ten for ten in _TENS for one in _ONES[:10]),
)

COUNTS: Final = range(len(HINDI_NUMBERS))
MOST_MINUTES: Final = 59  # longer waits are said in words, not by the minute
GROUP: Final = 3  # digits of a complaint number said in one breath

Words = tuple[str, ...]
"""Prompt ids in the order they are heard."""


def language_of(name: str) -> Language | None:
    """The language of that name, if we speak it."""
    return next((language for language in LANGUAGES if language == name), None)


def sounds(language: str, ids: Iterable[str]) -> Words:
    """The sound paths of prompts for Asterisk: helpline/hi/welcome."""
    return tuple(f"{FOLDER}/{language}/{id}" for id in ids)


def number(count: int) -> str:
    """The prompt of a count from 0 to 99."""
    if count not in COUNTS:
        raise ValueError(f"counts are said from 0 to {COUNTS[-1]}, this is {count}")
    return f"number_{count}"


def digits(text: str) -> Words:
    """Digit by digit in groups of three, with a pause between groups: how a complaint number is said."""
    groups = [text[start : start + GROUP] for start in range(0, len(text), GROUP)]
    said: list[str] = []
    for group in groups:
        if said:
            said.append("pause")
        said += [number(int(digit)) for digit in group]
    return tuple(said)


def complaint_number_twice(text: str) -> Words:
    """A complaint's number to write down: said, and said again."""
    return ("complaint_number_is", *digits(text), "pause", "complaint_number_again", *digits(text))


def position(place: int) -> Words:
    """A waiting caller's place in line; 1 is next."""
    if place < 1:
        raise ValueError(f"the first place in line is 1, this is {place}")
    if place == 1:
        return ("position_next",)
    if place not in COUNTS:
        return ("position_many",)
    return ("position_before", number(place), "position_after")


def waiting_range(low_minutes: int, high_minutes: int) -> Words:
    """How long a caller will wait, as a range of whole minutes; "less than two" when it is short."""
    low, high = sorted((max(0, low_minutes), max(0, high_minutes)))
    if low > MOST_MINUTES:
        return ("waiting_over_an_hour",)
    if high > MOST_MINUTES:
        return ("waiting_more_before", number(max(low, 1)), "waiting_more_after")
    if low == 0 or high < 2:
        return ("waiting_less_before", number(max(high, 2)), "waiting_less_after")
    if low == high:
        return ("waiting_minutes_before", number(low), "waiting_minutes_after")
    return ("waiting_minutes_before", number(low), "waiting_minutes_to", number(high), "waiting_minutes_after")


def day(value: date) -> Words:
    """A day of this or the next months: day, month."""
    return (number(value.day), f"month_{value.month}")


def level(value: int) -> str:
    """Whose desk it is on, as a sentence: level 1 to 4."""
    if value not in range(1, 5):
        raise ValueError(f"levels go from 1 to 4, this is {value}")
    return f"level_{value}"


def state(value: State) -> str:
    """What has become of a complaint, as a sentence."""
    return f"state_{value.value}"


def department_name(code: str) -> str:
    """A department's name, as a fragment."""
    return f"department_{code.lower()}"


def department(code: str) -> Words:
    """Which department has it, as a sentence."""
    return ("department_before", department_name(code), "department_after")


def status(*, state_of: State, department_code: str, level_of: int | None, due: date | None) -> Words:
    """A complaint's state and department; its level while it is open; until when the officer has time, if it runs."""
    said: list[str] = [state(state_of), *department(department_code)]
    if level_of is not None:
        said.append(level(level_of))
    if due is not None:
        said += ["due_before", *day(due), "due_after"]
    return tuple(said)
