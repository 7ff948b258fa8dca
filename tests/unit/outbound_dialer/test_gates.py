"""What a person is shown of the gates is what the dialer decides by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound_dialer.attempt import Attempt, AttemptId, ContactKey
from outbound_dialer.gates import gates
from outbound_dialer.outcomes import Disposition
from outbound_dialer.rules import Rules, Why, Window, verdict

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
RULES = Rules(window=Window(zone=ZoneInfo("Asia/Kolkata")))
NUMBERS = st.sampled_from(["9876543210", "112", "", "+4915112345678"])
TIMES = st.one_of(st.none(), st.integers(-600, 600).map(lambda minutes: NOW + timedelta(minutes=minutes)))


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    ended, reported = draw(TIMES), draw(TIMES)
    return Attempt(
        id=AttemptId(str(draw(st.integers(0, 9)))),
        campaign="feedback",
        contact=ContactKey("c"),
        number="9876543210",
        language="hi",
        written_at=NOW - timedelta(minutes=draw(st.integers(1, 600))),
        ended_at=ended,
        reported_at=reported,
        disposition=Disposition.BUSY,
        retry_at=draw(TIMES),
    )


@given(
    number=NUMBERS,
    earlier=st.lists(attempts(), max_size=3),
    hours=st.integers(0, 24),
    in_use=st.booleans(),
    today=st.integers(0, 6),
    barred=st.booleans(),
)
def test_all_gates_are_open_just_when_the_dialer_would_ring(
    number: str, earlier: list[Attempt], hours: int, in_use: bool, today: int, barred: bool
) -> None:
    now = NOW + timedelta(hours=hours)
    rules = replace(RULES, do_not_ring=frozenset({number})) if barred else RULES
    found = verdict(number, earlier, now=now, rules=rules, in_use={number} if in_use else set(), rung_today=today)
    shown = gates(number, earlier, now=now, rules=RULES, number_in_use=in_use, rung_today=today, barred=barred)
    assert all(gate.is_open for gate in shown) == (found.why is Why.RING)


def test_a_shut_gate_says_why_and_when_it_opens() -> None:
    evening = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)  # 21:30 in India
    shown = gates("9876543210", (), now=evening, rules=RULES, number_in_use=False, rung_today=4, barred=True)
    shut = {gate.name: gate.says for gate in shown if not gate.is_open}
    assert shut == {
        "number": "it stands on the do-not-ring list, or is a foreign one",
        "calls today": "rung 4 of at most 4 times today, over all campaigns",
        "hours of calling": "closed (09:00 to 21:00 on permitted days); open again 25 Nov 2026 09:00",
    }
