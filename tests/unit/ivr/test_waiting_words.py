"""What the queue says to a waiting caller."""

from __future__ import annotations

import pytest

from ivr.waiting_words import SpokenWaiting

pytestmark = pytest.mark.unit


def test_a_place_in_line_is_said_in_the_callers_language() -> None:
    assert SpokenWaiting().position(3, "en") == (
        "helpline/en/position_before",
        "helpline/en/number_3",
        "helpline/en/position_after",
    )
    assert SpokenWaiting().position(1, "hi") == ("helpline/hi/position_next",)


def test_patience_is_a_word_without_a_number() -> None:
    assert SpokenWaiting().patience("hi") == ("helpline/hi/waiting_patience",)
