"""What the settings say about complaints is what the grievance core decides by."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from grievance_core.catalogue import Catalogue
from helpline.rules import rules_of
from helpline.settings import parse

pytestmark = pytest.mark.unit

CATALOGUE = Catalogue.shipped()


def test_today_ten_complaints_a_month_and_the_states_holidays(tmp_path: Path) -> None:
    rules = rules_of(parse("", source="-", base=tmp_path), CATALOGUE)
    assert rules.policy.cap_per_month == 10
    assert rules.policy.ask_within == timedelta(hours=24)
    assert not rules.calendar.works(date(2026, 11, 24))


def test_when_citizens_are_rung_is_drawn_with_a_secret_of_this_house(tmp_path: Path) -> None:
    settings = parse("", source="-", base=tmp_path)
    assert rules_of(settings, CATALOGUE).draw_key == rules_of(settings, CATALOGUE).draw_key
    other = parse("", source="-", base=tmp_path / "other")
    assert rules_of(other, CATALOGUE).draw_key != rules_of(settings, CATALOGUE).draw_key


def test_each_rule_that_is_set_is_the_rule(tmp_path: Path) -> None:
    text = """
        [complaints]
        cap_per_month = 3
        days_off = [2026-11-25]
        days_worked = [2026-11-24]
        second_saturday_off = false
        ask_within_hours = 6
        ask_again_days = 5
        feedback_days = 30
        most_transfers = 1
        most_extension_days = 7
        wrong_pins = 3
    """
    rules = rules_of(parse(text, source="-", base=tmp_path), CATALOGUE)
    assert [rules.calendar.works(date(2026, 11, day)) for day in (24, 25, 14)] == [True, False, True]
    policy = rules.policy
    assert (policy.cap_per_month, policy.most_transfers, policy.most_extension_days, policy.wrong_pins) == (3, 1, 7, 3)
    assert policy.ask_within == timedelta(hours=6)
    assert (policy.ask_again_after, policy.feedback_span) == (timedelta(days=5), timedelta(days=30))
