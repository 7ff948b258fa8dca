"""The presence machine: total, and true to what a call floor expects."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.occupancy import busy_share
from agents.presence import (
    BUSY,
    DID_NOT_ANSWER,
    TABLE,
    TRANSIENT,
    WORK_NOT_DONE,
    Event,
    Kind,
    Move,
    Presence,
    Refusal,
    State,
    signed_out,
    step,
)

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def after(*kinds: Kind | Event, start: Presence | None = None) -> Presence:
    presence = start or signed_out(NOON)
    for minute, kind in enumerate(kinds, start=1):
        event = kind if isinstance(kind, Event) else Event(kind=kind, at=NOON + timedelta(minutes=minute), call="c1")
        moved = step(presence, event)
        assert isinstance(moved, Presence), moved
        presence = moved
    return presence


def test_the_table_answers_for_every_state_and_event() -> None:
    assert {(state, kind) for state, row in TABLE.items() for kind in row} == {
        (state, kind) for state in State for kind in Kind
    }


def test_a_served_call_passes_through_ringing_talking_and_wrap_up() -> None:
    states = []
    for count in range(1, 6):
        kinds = [Kind.SIGN_IN, Kind.RING, Kind.ANSWER, Kind.END, Kind.WRAPPED][:count]
        states.append(after(*kinds).state)
    assert states == [State.READY, State.RINGING, State.TALKING, State.WRAP_UP, State.READY]


def test_a_caller_who_leaves_while_it_rings_does_not_cost_the_place_among_the_idle() -> None:
    ready = after(Kind.SIGN_IN)
    released = after(Kind.RING, Kind.RELEASE, start=ready)
    assert released.state is State.READY
    assert released.ready_since == ready.ready_since


def test_an_agent_who_did_not_answer_is_paused_with_that_reason() -> None:
    missed = Event(kind=Kind.NO_ANSWER, at=NOON, call="c1", reason=DID_NOT_ANSWER)
    presence = after(Kind.SIGN_IN, Kind.RING, missed)
    assert (presence.state, presence.reason) == (State.PAUSED, DID_NOT_ANSWER)


@pytest.mark.parametrize("in_call", [(Kind.RING,), (Kind.RING, Kind.ANSWER)], ids=["ringing", "talking"])
def test_a_sign_out_in_a_call_cuts_nobody_and_comes_after_the_wrap_up(in_call: tuple[Kind, ...]) -> None:
    presence = after(Kind.SIGN_IN, *in_call, Kind.SIGN_OUT)
    assert presence.state is (State.TALKING if Kind.ANSWER in in_call else State.RINGING)
    presence = after(Kind.ANSWER, Kind.END, Kind.WRAPPED, start=presence)
    assert presence.state is State.SIGNED_OUT


def test_a_break_asked_for_in_a_call_begins_after_it_and_can_be_taken_back() -> None:
    lunch = Event(kind=Kind.PAUSE, at=NOON, reason="lunch")
    asked = after(Kind.SIGN_IN, Kind.RING, Kind.ANSWER, lunch)
    paused = after(Kind.END, Kind.WRAPPED, start=asked)
    assert (paused.state, paused.reason) == (State.PAUSED, "lunch")
    assert after(Kind.READY, Kind.END, Kind.WRAPPED, start=asked).state is State.READY


@pytest.mark.parametrize("kind", [Kind.WORKED, Kind.UNWORKED])
def test_late_news_of_another_work_item_changes_nothing(kind: Kind) -> None:
    working = after(Kind.SIGN_IN, Kind.WORK)
    assert step(working, Event(kind=kind, at=NOON, call="another")) is working


@pytest.mark.parametrize("kind", [Kind.RELEASE, Kind.NO_ANSWER, Kind.END])
def test_late_news_of_another_call_changes_nothing(kind: Kind) -> None:
    talking = after(Kind.SIGN_IN, Kind.RING, Kind.ANSWER)
    assert step(talking, Event(kind=kind, at=NOON, call="another")) is talking


def test_a_conversation_found_on_the_phone_is_believed_and_gives_back_what_it_interrupted() -> None:
    lunch = Event(kind=Kind.PAUSE, at=NOON, reason="lunch")
    presence = after(Kind.SIGN_IN, lunch, Kind.ANSWER, Kind.END, Kind.WRAPPED)
    assert (presence.state, presence.reason) == (State.PAUSED, "lunch")
    assert after(Kind.ANSWER, Kind.END, Kind.WRAPPED).state is State.SIGNED_OUT
    missed = Event(kind=Kind.NO_ANSWER, at=NOON, call="c1", reason=DID_NOT_ANSWER)
    assert after(Kind.SIGN_IN, Kind.RING, missed, Kind.ANSWER, Kind.END, Kind.WRAPPED).state is State.READY


events = st.builds(
    Event,
    kind=st.sampled_from(Kind),
    at=st.integers(0, 1000).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    call=st.sampled_from(["c1", "c2"]),
    reason=st.sampled_from(["lunch", DID_NOT_ANSWER]),
    until=st.just(NOON + timedelta(hours=1)),
)


@given(st.lists(events, max_size=30))
def test_whatever_happens_each_state_carries_just_what_is_true_of_it(happened: list[Event]) -> None:
    presence = signed_out(NOON)
    for event in happened:
        moved = step(presence, event)
        if isinstance(moved, Refusal):
            assert moved.why
            continue
        presence = moved
        assert bool(presence.reason) == (presence.state is State.PAUSED)
        assert bool(presence.call) == (presence.state in BUSY)
        assert (presence.until is not None) == (presence.state in TRANSIENT)
        assert (presence.ready_since is not None) == (presence.state in {State.READY, State.RINGING})
        assert presence.state is State.WRAP_UP or not presence.extended
        if presence.state is State.SIGNED_OUT:
            assert presence.shift is None
        assert 0 <= busy_share(presence.shift, presence.since) <= 1


@given(st.lists(events, max_size=30))
def test_the_busy_share_is_what_a_recount_of_the_states_gives(happened: list[Event]) -> None:
    presence, at = signed_out(NOON), NOON
    signed_in_at: datetime | None = None
    busy = 0.0
    for event in happened:
        before = presence.state
        moved = step(presence, replace(event, at=at))
        presence = presence if isinstance(moved, Refusal) else moved
        if presence.state is State.SIGNED_OUT:
            signed_in_at, busy = None, 0.0
        elif before is State.SIGNED_OUT and presence.state is State.READY:
            signed_in_at, busy = at, 0.0
        if signed_in_at is not None and at > signed_in_at and presence.since == at:
            assert busy_share(presence.shift, at) == pytest.approx(busy / (at - signed_in_at).total_seconds())
        busy += 7 if presence.state in BUSY and signed_in_at is not None else 0
        at += timedelta(seconds=7)


def test_busy_is_measured_against_the_whole_time_signed_in_with_its_pauses() -> None:
    presence = after(Kind.SIGN_IN, Kind.RING, Kind.ANSWER, Kind.END, Kind.PAUSE)
    assert busy_share(presence.shift, presence.since) == 3 / 4, "one minute ready, three busy"
    assert busy_share(presence.shift, presence.since + timedelta(minutes=2)) == 3 / 6
    assert busy_share(after(Kind.SIGN_OUT, start=presence).shift, NOON) == 0


def test_a_clock_that_was_set_back_makes_nobody_busier_than_busy() -> None:
    presence = after(Kind.SIGN_IN, Kind.RING, Kind.ANSWER, Kind.END, Kind.PAUSE)
    assert busy_share(presence.shift, NOON + timedelta(minutes=2)) == 1
    assert busy_share(presence.shift, NOON) == 0


def test_a_wrap_up_is_extended_once_and_never_shortened() -> None:
    end = Event(kind=Kind.END, at=NOON, call="c1", until=NOON + timedelta(seconds=30))
    wrapping = after(Kind.SIGN_IN, Kind.RING, Kind.ANSWER, end)
    assert isinstance(step(wrapping, Event(kind=Kind.EXTEND, at=NOON, until=NOON + timedelta(seconds=20))), Refusal)
    longer = after(Event(kind=Kind.EXTEND, at=NOON, until=NOON + timedelta(seconds=90)), start=wrapping)
    assert longer == replace(wrapping, until=NOON + timedelta(seconds=90), extended=True)
    again = step(longer, Event(kind=Kind.EXTEND, at=NOON, until=NOON + timedelta(seconds=900)))
    assert isinstance(again, Refusal)
    assert "already" in again.why


@pytest.mark.parametrize("state", [state for state in State if state is not State.READY], ids=str)
def test_a_work_item_is_given_only_to_one_who_is_ready(state: State) -> None:
    assert TABLE[state][Kind.WORK] is Move.REFUSE
    assert TABLE[State.READY][Kind.WORK] is State.WORKING


def test_a_work_item_ends_in_what_was_asked_for_meanwhile() -> None:
    lunch = Event(kind=Kind.PAUSE, at=NOON, reason="lunch")
    assert after(Kind.SIGN_IN, Kind.WORK, Kind.WORKED).state is State.READY
    assert after(Kind.SIGN_IN, Kind.WORK, lunch, Kind.WORKED).reason == "lunch"
    assert after(Kind.SIGN_IN, Kind.WORK, Kind.SIGN_OUT, Kind.WORKED).state is State.SIGNED_OUT


def test_a_work_item_that_nobody_finished_pauses_the_agent_with_that_reason() -> None:
    ran_out = Event(kind=Kind.UNWORKED, at=NOON, call="c1", reason=WORK_NOT_DONE)
    presence = after(Kind.SIGN_IN, Kind.WORK, ran_out)
    assert (presence.state, presence.reason) == (State.PAUSED, WORK_NOT_DONE)
    assert after(Kind.SIGN_IN, Kind.WORK, Kind.SIGN_OUT, ran_out).state is State.SIGNED_OUT
