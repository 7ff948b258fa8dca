"""What the queue says to a waiting caller."""

from __future__ import annotations

from itertools import pairwise

import pytest

from acd.settings import CALLBACK_KEY, MESSAGE_KEY, WaitingWords
from acd.waiting.notices import Notice
from ivr.waiting_words import COMFORT, STATUS_KEY, SpokenWaiting

pytestmark = pytest.mark.unit

WORDS: WaitingWords = SpokenWaiting()


def ids(said: object) -> list[str]:
    assert isinstance(said, tuple)
    return [str(sound).rpartition("/")[2] for sound in said]


def test_a_place_in_line_is_said_in_the_callers_language() -> None:
    assert WORDS.position(3, "en") == (
        "helpline/en/position_before",
        "helpline/en/number_3",
        "helpline/en/position_after",
    )
    assert WORDS.position(1, "hi") == ("helpline/hi/position_next",)


def test_patience_is_a_word_without_a_number() -> None:
    assert WORDS.patience("hi") == ("helpline/hi/waiting_patience",)


@pytest.mark.parametrize("language", ["hi", "en"])
def test_the_expected_wait_is_a_range_in_the_callers_language(language: str) -> None:
    parts = ("waiting_minutes_before", "number_4", "waiting_minutes_to", "number_7", "waiting_minutes_after")
    assert WORDS.expected(4, 7, language) == tuple(f"helpline/{language}/{part}" for part in parts)


def test_only_the_keys_on_offer_are_told_in_the_order_of_the_keys() -> None:
    every = frozenset({STATUS_KEY, MESSAGE_KEY, CALLBACK_KEY})
    assert ids(WORDS.choices(every, "hi")) == ["choice_callback", "choice_message", "choice_status"]
    assert ids(WORDS.choices(frozenset({MESSAGE_KEY}), "en")) == ["choice_message"]
    assert WORDS.choices(frozenset({"9"}), "en") == WORDS.choices(frozenset(), "en") == ()


def test_comfort_messages_go_round_and_no_one_is_heard_twice_in_a_row() -> None:
    heard = [ids(WORDS.comfort(count, "hi"))[0] for count in range(2 * len(COMFORT) + 1)]
    assert heard[: len(COMFORT)] == heard[len(COMFORT) : -1] == list(COMFORT)
    assert all(one != other for one, other in pairwise(heard))
    assert {"waiting_patience", "comfort_papers", "comfort_danger", "comfort_scheme_free"} <= set(heard)


def test_a_callback_is_said_to_be_kept() -> None:
    assert WORDS.callback_taken("en") == ("helpline/en/callback_taken",)


@pytest.mark.parametrize("queue", ["complaint", "status", "scheme", "demand", "person", "", "one-set-up-later"])
def test_a_closed_queue_is_said_to_be_closed(queue: str) -> None:
    assert WORDS.closed(queue, "hi") == ("helpline/hi/queue_closed",)


def test_who_is_in_danger_and_finds_the_queue_closed_hears_what_to_dial() -> None:
    assert WORDS.closed("emergency", "en") == ("helpline/en/queue_closed_emergency",)


def test_a_notice_is_heard_in_the_callers_language_else_in_the_one_it_was_typed_in() -> None:
    both = Notice(texts={"hi": "…", "en": "…"}, sounds={"hi": "helpline/hi/notice_1", "en": "helpline/en/notice_2"})
    assert WORDS.notice(both, "en") == ("helpline/en/notice_2",)
    hindi = Notice(texts={"hi": "…"}, sounds={"hi": "helpline/hi/notice_1"})
    assert WORDS.notice(hindi, "en") == WORDS.notice(hindi, "hi") == ("helpline/hi/notice_1",)
    assert WORDS.notice(Notice(texts={}, sounds={}), "hi") == ()
