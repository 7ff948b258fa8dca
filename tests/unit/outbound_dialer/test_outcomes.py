"""The outcome table: total, and equal to what was seen of Asterisk."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outbound_dialer.outcomes import PLANS, Disposition, disposition_of

pytestmark = pytest.mark.unit

SEEN = [  # asterisk-facts, section 8
    pytest.param(0, 17, Disposition.BUSY, id="486 and 600"),
    pytest.param(0, 1, Disposition.INVALID_NUMBER, id="404"),
    pytest.param(0, 19, Disposition.UNREACHABLE, id="480"),
    pytest.param(3, 19, Disposition.NO_ANSWER, id="our time-out, which shares 480's cause"),
    pytest.param(0, 34, Disposition.CONGESTION, id="503"),
    pytest.param(0, 21, Disposition.REJECTED, id="403"),
    pytest.param(0, 18, Disposition.UNREACHABLE, id="408"),
    pytest.param(0, 38, Disposition.CONGESTION, id="500"),
    pytest.param(0, 0, Disposition.CANCELLED, id="our own hang-up"),
    pytest.param(0, 42, Disposition.CONGESTION, id="503 by maxcalls"),
    pytest.param(4, None, Disposition.UNFINISHED, id="answered, no result yet"),
    pytest.param(0, None, Disposition.CONGESTION, id="the channel could not be made"),
    pytest.param(None, 19, Disposition.NO_ANSWER, id="rang out while the controller was down"),
    pytest.param(None, 16, Disposition.UNFINISHED, id="hung up while the controller was down"),
    pytest.param(None, None, Disposition.LOST, id="nothing was seen"),
]


@pytest.mark.parametrize(("reason", "cause", "disposition"), SEEN)
def test_what_asterisk_told_is_read_as_what_happened(
    reason: int | None, cause: int | None, disposition: Disposition
) -> None:
    assert disposition_of(reason, cause) is disposition


@settings(deadline=None)
@given(reason=st.none() | st.integers(-5, 300), cause=st.none() | st.integers(-5, 300))
def test_every_reason_and_cause_has_a_disposition_with_a_plan(reason: int | None, cause: int | None) -> None:
    assert disposition_of(reason, cause) in PLANS


@settings(deadline=None)
@given(reason=st.none() | st.integers(-5, 300), cause=st.none() | st.integers(-5, 300))
def test_no_cause_alone_makes_an_answer_or_a_barred_number(reason: int | None, cause: int | None) -> None:
    assert disposition_of(reason, cause) not in (Disposition.ANSWERED, Disposition.DO_NOT_RING)


def test_every_disposition_has_a_plan() -> None:
    assert set(PLANS) == set(Disposition)


def test_what_is_no_fault_of_the_number_uses_up_no_try() -> None:
    assert {one for one, plan in PLANS.items() if not plan.counts} == {Disposition.CONGESTION, Disposition.CANCELLED}
