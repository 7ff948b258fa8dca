"""What a campaign may be, what may follow from what, and which hours it has."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as holds_for
from hypothesis import strategies as st

from outbound_dialer.attempt import AttemptId, ContactKey, rung, written
from outbound_dialer.attempt import Contact as Whom
from outbound_dialer.campaign import FOLLOWS, Campaign, CampaignState, Mode, moved, rules_for
from outbound_dialer.contact_lines import Fault, Listed, columns_of, read
from outbound_dialer.day_parts import part_of
from outbound_dialer.errors import CampaignRefused, InvalidList, InvalidSettings
from outbound_dialer.outcomes import PLANS, Disposition
from outbound_dialer.rules import Rules, Window, next_try

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
INDIA = ZoneInfo("Asia/Kolkata")
ZONES = [ZoneInfo(name) for name in ("Asia/Kolkata", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC")]
RUNG_AGAIN = [disposition for disposition in Disposition if PLANS[disposition].gap is not None]


def campaign(**changes: Any) -> Campaign:
    given: dict[str, Any] = {"name": "water", "made_at": NOW, "made_by": "supervisor"}
    return Campaign(**(given | changes))


@pytest.mark.parametrize(("before", "after"), list(product(CampaignState, CampaignState)))
def test_a_state_follows_from_another_only_by_the_table(before: CampaignState, after: CampaignState) -> None:
    one = campaign(state=before)
    if after is before or after in FOLLOWS[before]:
        assert moved(one, after).state is after
    else:
        with pytest.raises(CampaignRefused, match="what can follow is"):
            moved(one, after)


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.IVR_FIRST])
def test_a_mode_in_which_no_calls_are_made_is_refused_in_plain_words(mode: Mode) -> None:
    with pytest.raises(CampaignRefused, match=f"set to {mode}, in which this helpline does not make calls yet"):
        moved(campaign(mode=mode), CampaignState.RUNNING)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Water"},
        {"caller_id": "9876543210"},
        {"max_tries": 0},
        {"opens": time(12), "closes": time(11)},
        {"gaps": {Disposition.BUSY: timedelta()}},
        {"gaps": {Disposition.INVALID_NUMBER: timedelta(hours=1)}},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings):
        campaign(**changes)


MOMENTS = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
HOURS = st.one_of(st.none(), st.integers(0, 23).map(time))


@holds_for(opens=HOURS, closes=HOURS, at=MOMENTS, zone=st.sampled_from(ZONES))
def test_a_campaign_never_rings_outside_the_hours_of_the_helpline(
    opens: time | None, closes: time | None, at: datetime, zone: ZoneInfo
) -> None:
    helpline = Rules(window=Window(zone=zone))
    try:
        rules = rules_for(campaign(opens=opens, closes=closes), helpline)
    except InvalidSettings:
        return
    assert helpline.window.is_open(at) or not rules.window.is_open(at)


@holds_for(
    disposition=st.sampled_from(RUNG_AGAIN),
    at=MOMENTS,
    zone=st.sampled_from(ZONES),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    off=st.frozensets(MOMENTS.map(datetime.date), max_size=5),
)
def test_the_next_try_is_in_the_hours_after_the_gap_whatever_the_clock_does(
    disposition: Disposition, at: datetime, zone: ZoneInfo, days: frozenset[int], off: frozenset[Any]
) -> None:
    rules = rules_for(campaign(), Rules(window=Window(zone=zone, days=days, days_off=off)))
    now = rules.window.next_open(at)
    whom = Whom(key=ContactKey("c"), number="9876543210")
    attempt = written(whom, attempt_id=AttemptId("a"), campaign="water", at=now)
    attempt = rung(attempt, now)
    following = next_try(attempt, disposition, (), now=now, rules=rules)
    gap = rules.gap_after(disposition)
    assert gap is not None
    assert following.at is not None
    assert following.at >= now + gap
    assert rules.window.is_open(following.at)
    if PLANS[disposition].other_part:
        local = following.at.astimezone(zone)
        assert part_of(following.at, zone) is not part_of(now, zone) or local.date() > now.astimezone(zone).date()


def test_a_gap_of_the_campaign_replaces_the_planned_one() -> None:
    rules = rules_for(campaign(gaps={Disposition.BUSY: timedelta(minutes=3)}), Rules(window=Window(zone=INDIA)))
    assert rules.gap_after(Disposition.BUSY) == timedelta(minutes=3)
    assert rules.gap_after(Disposition.REJECTED) == PLANS[Disposition.REJECTED].gap


@holds_for(
    st.lists(st.lists(st.text(max_size=20), max_size=6), max_size=8),
    st.permutations(["number", "key", "due"]),
    st.booleans(),
)
def test_every_line_is_a_contact_or_a_fault(rows: list[list[str]], columns: list[str], asks: bool) -> None:
    lines = list(enumerate(rows, start=2))
    found = list(read(lines, columns, zone=INDIA, now=NOW, asks=asks))
    assert len(found) == sum(any(row) for row in rows)
    assert all(isinstance(one, Listed) or one.line in dict(lines) for one in found)


def test_a_due_time_without_a_zone_is_of_the_helplines_own() -> None:
    (one,) = read([(2, ["9876543210", "2026-12-31 17:30"])], ["number", "due"], zone=INDIA, now=NOW, asks=False)
    assert isinstance(one, Listed)
    assert one.due == datetime(2026, 12, 31, 12, 0, tzinfo=UTC)
    assert (one.key, one.language) == ("9876543210", "hi")


def test_a_fault_tells_where_and_what_to_do() -> None:
    (fault,) = read([(7, ["98765", "x"])], ["number", "key"], zone=INDIA, now=NOW, asks=False)
    assert isinstance(fault, Fault)
    assert (
        str(fault) == "line 7, number: it is no telephone number. Ten digits are expected, a line with its area code."
    )


@pytest.mark.parametrize("heading", [[], ["key"], ["number", "number"], ["number", "phone"]])
def test_a_heading_that_names_other_columns_is_refused(heading: list[str]) -> None:
    with pytest.raises(InvalidList):
        columns_of(heading)
