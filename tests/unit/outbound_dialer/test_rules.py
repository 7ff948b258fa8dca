"""The rules of calling: hours in any zone, tries, gaps, numbers that are not rung."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound_dialer.attempt import Attempt, AttemptId, ContactKey
from outbound_dialer.day_parts import DayPart, beginnings_after, learned, part_of
from outbound_dialer.errors import InvalidSettings
from outbound_dialer.outcomes import PLANS, Disposition
from outbound_dialer.rules import Next, Rules, Verdict, Why, Window, barred_as, may_ring_now, next_try, verdict

pytestmark = pytest.mark.unit

INDIA = ZoneInfo("Asia/Kolkata")
NOON = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # 12:00 in India
RULES = Rules(window=Window(zone=INDIA))

ZONES = st.sampled_from(
    [
        "Asia/Kolkata",
        "Europe/London",
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe",  # clocks change by half an hour
        "Africa/Casablanca",  # back for Ramadan
        "Pacific/Apia",  # left out a whole day in 2011
        "Pacific/Chatham",
        "UTC",
    ]
).map(ZoneInfo)
MOMENTS = st.integers(0, 28 * 366 * 86400).map(lambda seconds: datetime(2009, 1, 1, tzinfo=UTC) + timedelta(0, seconds))
HOURS = st.times().map(lambda at: at.replace(microsecond=0))
WINDOWS = st.builds(Window, zone=ZONES, opens=HOURS, closes=HOURS)
DISPOSITIONS = st.sampled_from(Disposition)


def attempt(number: int = 1, *, rung: bool = True, disposition: Disposition | None = None, **more: object) -> Attempt:
    at = NOON - timedelta(days=1) + timedelta(minutes=number)
    done = disposition is not None
    made = Attempt(
        id=AttemptId(f"dial-{number}"),
        campaign="feedback",
        contact=ContactKey("c1"),
        number="9876500001",
        language="hi",
        written_at=at,
        rung_at=at if rung else None,
        ended_at=at if done else None,
        reported_at=at if done else None,
        disposition=disposition,
        retry_at=at if done else None,
    )
    return replace(made, **more)  # type: ignore[arg-type]


# -- hours


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [("08:59:59", False), ("09:00:00", True), ("20:59:59", True), ("21:00:00", False), ("00:00:00", False)],
)
def test_feedback_calls_go_out_from_nine_to_nine_in_india(clock: str, is_open: bool) -> None:
    at = datetime.combine(NOON.date(), time.fromisoformat(clock), INDIA)
    assert Window(zone=INDIA).is_open(at.astimezone(UTC)) is is_open


@settings(deadline=None)
@given(window=WINDOWS, at=MOMENTS)
def test_the_hours_are_those_of_the_wall_clock(window: Window, at: datetime) -> None:
    clock = at.astimezone(window.zone).time()
    minutes_since_opening = (_seconds(clock) - _seconds(window.opens)) % 86400
    length = (_seconds(window.closes) - _seconds(window.opens)) % 86400 or 86400
    assert window.is_open(at) == (minutes_since_opening < length)


@settings(deadline=None)
@given(window=WINDOWS, at=MOMENTS)
def test_the_next_opening_is_open_and_never_before_now(window: Window, at: datetime) -> None:
    opening = window.next_open(at)
    assert opening >= at
    assert window.is_open(opening)
    assert (opening == at) == window.is_open(at)


@settings(deadline=None)
@given(at=MOMENTS, opens=HOURS, closes=HOURS, share=st.floats(0, 0.999))
def test_nothing_is_open_before_the_next_opening(at: datetime, opens: time, closes: time, share: float) -> None:
    window = Window(zone=INDIA, opens=opens, closes=closes)
    opening = window.next_open(at)
    assert opening - at < timedelta(days=1)
    assert opening == at or not window.is_open(at + (opening - at) * share)


def test_when_the_clock_is_set_back_over_the_opening_the_day_opens_twice() -> None:
    london = ZoneInfo("Europe/London")  # on 25 October 2026 01:00 UTC the clock goes from 02:00 back to 01:00
    window = Window(zone=london, opens=time(1, 30), closes=time(1, 45))
    assert window.next_open(datetime(2026, 10, 25, 0, 0, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert window.next_open(datetime(2026, 10, 25, 0, 50, tzinfo=UTC)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_day_whose_only_hours_are_skipped_does_not_open() -> None:
    london = ZoneInfo("Europe/London")  # on 29 March 2026 01:00 UTC the clock goes from 01:00 to 02:00
    window = Window(zone=london, opens=time(1, 15), closes=time(1, 45))
    assert window.next_open(datetime(2026, 3, 29, 0, 50, tzinfo=UTC)) == datetime(2026, 3, 30, 0, 15, tzinfo=UTC)


def test_equal_hours_are_all_day() -> None:
    window = Window(zone=INDIA, opens=time(0), closes=time(0))
    assert all(window.is_open(NOON + timedelta(hours=hour)) for hour in range(24))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        RULES.window.is_open(datetime(2026, 11, 24, 12))  # noqa: DTZ001 - that is the point


# -- days


@settings(deadline=None)
@given(
    zone=ZONES,
    opens=HOURS,
    closes=HOURS,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    off=st.frozensets(st.integers(-2, 12), max_size=8),
    at=MOMENTS,
)
def test_nobody_is_rung_on_a_day_off_in_any_zone_and_an_opening_is_always_found(
    zone: ZoneInfo, opens: time, closes: time, days: frozenset[int], off: frozenset[int], at: datetime
) -> None:
    today = at.astimezone(zone).date()
    days_off = frozenset(today + timedelta(days=ahead) for ahead in off)
    window = Window(zone=zone, opens=opens, closes=closes, days=days, days_off=days_off)
    for opening in (window.next_open(at), window.next_day(at)):
        local = opening.astimezone(zone)
        assert opening >= at
        assert window.is_open(opening)
        assert local.weekday() in days
        assert local.date() not in days_off
    assert window.next_day(at).astimezone(zone).date() > today
    assert window.day_begins(at) <= at


def test_a_night_that_reaches_into_a_day_off_ends_at_midnight() -> None:
    window = Window(zone=INDIA, opens=time(22), closes=time(2), days_off=frozenset({date(2026, 11, 25)}))
    late = datetime(2026, 11, 24, 23, 59, tzinfo=INDIA)
    assert window.is_open(late)
    assert not window.is_open(late + timedelta(minutes=1))
    assert window.next_open(late + timedelta(minutes=1)) == datetime(2026, 11, 26, 0, 0, tzinfo=INDIA)


@pytest.mark.parametrize("days", [frozenset(), frozenset({7})])
def test_days_that_make_no_sense_are_refused(days: frozenset[int]) -> None:
    with pytest.raises(InvalidSettings):
        Window(zone=INDIA, days=days)


# -- what follows from an attempt


@settings(deadline=None)
@given(disposition=DISPOSITIONS, earlier=st.lists(DISPOSITIONS, max_size=12), now=MOMENTS, rung=st.booleans())
def test_a_next_try_is_within_the_hours_and_after_the_gap(
    disposition: Disposition, earlier: list[Disposition], now: datetime, rung: bool
) -> None:
    past = [attempt(number, disposition=one) for number, one in enumerate(earlier)]
    following = next_try(attempt(99, rung=rung), disposition, past, now=now, rules=RULES)
    gap = PLANS[disposition].gap
    if gap is None:
        assert following.at is None
    else:
        assert following.at is not None
        assert RULES.window.is_open(following.at)
        assert following.at >= now + (gap if rung else timedelta())


@settings(deadline=None)
@given(dispositions=st.lists(st.sampled_from([d for d in Disposition if PLANS[d].gap is not None]), max_size=60))
def test_no_round_has_more_tries_or_dials_than_allowed(dispositions: list[Disposition]) -> None:
    past: list[Attempt] = []
    tries = dials = 0
    for number, disposition in enumerate(dispositions):
        one = attempt(number)
        following = next_try(one, disposition, past, now=NOON, rules=RULES)
        past.append(
            replace(one, disposition=disposition, ended_at=NOON, retry_at=following.at, round_over=following.round_over)
        )
        tries += PLANS[disposition].counts
        dials += 1
        assert tries <= RULES.max_tries
        assert dials <= RULES.max_dials
        if following.round_over:
            assert following.at is not None
            assert following.at >= NOON + RULES.rest
            tries = dials = 0


@settings(deadline=None)
@given(
    disposition=st.sampled_from([Disposition.NO_ANSWER, Disposition.UNREACHABLE]),
    now=MOMENTS,
    rang_before=st.integers(0, 40),
    zone=ZONES,
)
def test_who_did_not_answer_is_rung_next_in_another_part_of_the_day(
    disposition: Disposition, now: datetime, rang_before: int, zone: ZoneInfo
) -> None:
    rules = replace(RULES, window=Window(zone=zone))
    rung_at = now - timedelta(seconds=rang_before)
    following = next_try(attempt(rung=True, rung_at=rung_at), disposition, (), now=now, rules=rules)
    assert following.at is not None
    assert part_of(following.at, zone) is not part_of(rung_at, zone)
    assert following.at >= now + (PLANS[disposition].gap or timedelta())
    assert rules.window.is_open(following.at)


def test_a_second_call_without_an_answer_goes_to_a_part_of_the_day_not_tried_yet() -> None:
    first = attempt(1, disposition=Disposition.NO_ANSWER, rung_at=NOON - timedelta(hours=2))  # at ten
    second = attempt(2, rung_at=NOON)
    following = next_try(second, Disposition.NO_ANSWER, [first], now=NOON, rules=RULES)
    assert following.at == datetime(2026, 11, 24, 15, tzinfo=INDIA)


def test_the_part_of_the_day_in_which_the_number_answers_best_is_preferred() -> None:
    evening = datetime(2026, 11, 20, 19, tzinfo=INDIA)
    chances = learned([(evening, True), (evening - timedelta(days=1), True)], INDIA)
    one = attempt(rung_at=NOON)
    following = next_try(one, Disposition.NO_ANSWER, (), now=NOON, rules=RULES, chances=chances)
    assert following.at == datetime(2026, 11, 24, 18, tzinfo=INDIA)
    following = next_try(one, Disposition.BUSY, (), now=NOON, rules=RULES, chances=chances)
    assert following.at == NOON + timedelta(minutes=10)  # somebody is at the telephone now


def test_hours_within_one_part_of_the_day_go_on_the_next_day() -> None:
    rules = replace(RULES, window=Window(zone=INDIA, opens=time(12), closes=time(14)))
    following = next_try(attempt(rung_at=NOON), Disposition.NO_ANSWER, (), now=NOON, rules=rules)
    assert following.at == datetime(2026, 11, 25, 12, tzinfo=INDIA)


def test_one_lucky_call_does_not_outweigh_a_steady_part_of_the_day() -> None:
    morning, evening = (datetime(2026, 11, 20, hour, tzinfo=INDIA) for hour in (10, 19))
    chances = learned([(morning, True), *[(evening, True)] * 8, (evening, False)], INDIA)
    assert chances.of(DayPart.EVENING) > chances.of(DayPart.MORNING) > chances.of(DayPart.MIDDAY)


@settings(deadline=None)
@given(at=MOMENTS, zone=ZONES)
def test_each_beginning_of_a_part_lies_in_order_and_after_now(at: datetime, zone: ZoneInfo) -> None:
    found = beginnings_after(at, zone, days=1)
    assert found == sorted(found)
    assert all(moment > at for moment in found)
    assert len({part_of(moment, zone) for moment in found}) == len(DayPart)


def test_three_unanswered_tries_end_the_round_and_a_new_one_begins_a_week_later() -> None:
    past = [attempt(number, disposition=Disposition.NO_ANSWER) for number in range(2)]
    following = next_try(attempt(3), Disposition.NO_ANSWER, past, now=NOON, rules=RULES)
    assert following == Next(NOON + timedelta(days=7), round_over=True)


def test_congestion_is_tried_again_soon_and_uses_up_no_try() -> None:
    past = [attempt(number, disposition=Disposition.CONGESTION) for number in range(5)]
    following = next_try(attempt(6), Disposition.BUSY, past, now=NOON, rules=RULES)
    assert following == Next(NOON + timedelta(minutes=10), round_over=False)


def test_an_answer_settles_a_contact_and_an_invalid_number_gives_it_up() -> None:
    assert next_try(attempt(), Disposition.ANSWERED, (), now=NOON, rules=RULES) == Next(None, round_over=False)
    assert next_try(attempt(), Disposition.INVALID_NUMBER, (), now=NOON, rules=RULES) == Next(None, round_over=True)


def test_an_attempt_that_never_rang_is_tried_again_at_once() -> None:
    following = next_try(attempt(rung=False), Disposition.LOST, (), now=NOON, rules=RULES)
    assert following == Next(NOON, round_over=False)


def test_a_demonstration_can_shorten_the_gaps() -> None:
    rules = replace(RULES, gaps=dict.fromkeys((Disposition.BUSY, Disposition.NO_ANSWER), timedelta(seconds=1)))
    for disposition in rules.gaps:
        following = next_try(attempt(), disposition, (), now=NOON, rules=rules)
        assert following.at == NOON + timedelta(seconds=1)


# -- whether a contact may be rung

OPEN = attempt(1)
DONE = attempt(1, disposition=Disposition.BUSY)


@pytest.mark.parametrize(
    ("attempts", "number", "now", "why"),
    [
        pytest.param([], "9876500001", NOON, Why.RING, id="a new contact in the hours"),
        pytest.param([DONE], "9876500001", NOON, Why.RING, id="its gap is over"),
        pytest.param([OPEN], "9876500001", NOON, Why.UNDER_WAY, id="rung now"),
        pytest.param([replace(DONE, reported_at=None)], "9876500001", NOON, Why.NOT_REPORTED, id="not taken"),
        pytest.param([replace(DONE, retry_at=None)], "9876500001", NOON, Why.SETTLED, id="settled"),
        pytest.param([replace(DONE, retry_at=NOON + timedelta(1))], "9876500001", NOON, Why.RESTS, id="rests"),
        pytest.param([], "9876500001", NOON + timedelta(hours=10), Why.OUT_OF_HOURS, id="at ten in the evening"),
        pytest.param([], "9876500009", NOON, Why.NUMBER_IN_USE, id="same number, other contact"),
        pytest.param([], "", NOON, Why.BARRED, id="withheld number"),
        pytest.param([], "112", NOON, Why.BARRED, id="short code"),
        pytest.param([], "9876500007", NOON, Why.BARRED, id="on the list"),
        pytest.param([], "+882345678901", NOON, Why.BARRED, id="abroad"),
    ],
)
def test_a_contact_is_rung_only_when_every_rule_allows_it(
    attempts: list[Attempt], number: str, now: datetime, why: Why
) -> None:
    rules = replace(RULES, do_not_ring=frozenset({"9876500007"}))
    assert verdict(number, attempts, now=now, rules=rules, in_use={"9876500009"}).why is why


def test_a_number_that_was_rung_often_enough_today_rests_until_tomorrow_whatever_the_matter() -> None:
    found = verdict("9876500001", [], now=NOON, rules=RULES, in_use=(), rung_today=RULES.most_a_day)
    assert found == Verdict(Why.ENOUGH_TODAY, until=datetime(2026, 11, 25, 9, tzinfo=INDIA))
    found = verdict("9876500001", [], now=NOON, rules=RULES, in_use=(), rung_today=RULES.most_a_day - 1)
    assert found.why is Why.RING


def test_out_of_hours_tells_when_to_look_again() -> None:
    found = verdict("9876500001", [], now=NOON + timedelta(hours=10), rules=RULES, in_use=())
    assert found.until == datetime(2026, 11, 25, 3, 30, tzinfo=UTC)


def test_a_barred_number_is_told_from_an_invalid_one() -> None:
    rules = replace(RULES, do_not_ring=frozenset({"9876500007"}))
    assert barred_as("9876500007", rules) is Disposition.DO_NOT_RING
    assert barred_as("98765-00007", rules) is Disposition.INVALID_NUMBER
    assert barred_as("9876500001", rules) is None


@settings(deadline=None)
@given(number=st.text(max_size=20), now=MOMENTS)
def test_the_last_gate_lets_only_plain_digits_in_the_hours_through(number: str, now: datetime) -> None:
    if may_ring_now(number, now=now, rules=RULES):
        assert number.isascii()
        assert number.isdigit()
        assert RULES.window.is_open(now)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"max_tries": 0}, id="no try"),
        pytest.param({"most_a_day": 0}, id="no call a day"),
        pytest.param({"max_dials": 2}, id="fewer dials than tries"),
        pytest.param({"rest": timedelta(-1)}, id="negative rest"),
        pytest.param({"gaps": {Disposition.BUSY: timedelta(-1)}}, id="negative gap"),
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidSettings):
        replace(RULES, **wrong)  # type: ignore[arg-type]


def test_hours_with_a_zone_of_their_own_are_refused() -> None:
    with pytest.raises(InvalidSettings):
        Window(zone=INDIA, opens=time(9, tzinfo=UTC))


def _seconds(clock: time) -> float:
    return clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6
