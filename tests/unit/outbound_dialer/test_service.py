"""The dialer at work: on virtual time, over a real SQLite file, with a stand-in for Asterisk that outlives dialers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from outbound_dialer.attempt import Attempt, AttemptId, Contact, ContactKey, State, ended, resolved, rung, written
from outbound_dialer.do_not_ring import DoNotRing
from outbound_dialer.errors import InvalidContact, InvalidSettings, UnknownAttempt
from outbound_dialer.outcomes import Disposition
from outbound_dialer.pacing import Pace
from outbound_dialer.rules import Rules, Window
from outbound_dialer.service import Dialer, new_attempt_id
from outbound_dialer.store import AttemptStore
from outbound_dialer.testing import BUSY, RINGS_ON, Behaviour, FakeLink
from tests.unit.outbound_dialer.conftest import ELEVEN, INDIA, World, contact, settings

pytestmark = [pytest.mark.unit, pytest.mark.looptime]

QUICK = Rules(window=Window(zone=INDIA), gaps=dict.fromkeys(Disposition, timedelta(seconds=20)))


async def answered(world: World, dialer: Dialer) -> Attempt:
    """The first call, as its flow sees it."""
    await world.until(lambda: any(one.state is State.ANSWERED for one in dialer.open_attempts))
    attempt = await dialer.attempt_for(dialer.open_attempts[0].id)
    assert attempt is not None
    return attempt


async def test_a_contact_is_rung_asked_and_reported(world: World) -> None:
    world.source.contacts = [contact()]
    dialer = await world.started()
    attempt = await answered(world, dialer)
    assert (attempt.contact, attempt.context) == ("c1", {"complaint": "c1"})

    assert await dialer.finish(attempt.id, "satisfied")
    await world.until(lambda: world.receiver.taken)
    outcome = world.receiver.taken[0]
    assert (outcome.attempt.id, outcome.result) == (attempt.id, "satisfied")
    assert (outcome.disposition, outcome.round_over, outcome.retry_at) == (Disposition.ANSWERED, False, None)

    world.link.hang_up(attempt.id)
    await world.until(lambda: not dialer.open_attempts)
    [kept] = await dialer.history("c1")
    assert (kept.state, kept.cause) == (State.ENDED, 16)
    assert kept.reported_at is not None


async def test_the_call_goes_to_the_trunk_and_the_feedback_context_with_the_attempts_id(world: World) -> None:
    world.source.contacts = [contact()]
    dialer = await world.started(ring_seconds=25.0)
    await world.until(lambda: world.link.asked)
    [asked] = world.link.asked
    assert (asked.channel, asked.context, asked.extension) == ("PJSIP/9876500001@trunk", "feedback", "s")
    assert (asked.call_id, asked.caller_id, asked.ring_seconds) == (dialer.open_attempts[0].id, "1600221076", 25.0)
    assert asked.variables == {
        "DIALER_ATTEMPT": asked.call_id,
        "DIALER_CONTACT": "c1",
        "DIALER_LANGUAGE": "hi",
    }


async def test_an_attempt_is_in_the_database_before_asterisk_hears_of_it(world: World) -> None:
    kept: list[Attempt] = []

    class Looking(FakeLink):
        async def originate(self, call):  # type: ignore[no-untyped-def]
            kept.extend(await AttemptStore(world.sessions, campaign="feedback").open())
            return await super().originate(call)

    world.link = Looking()
    world.source.contacts = [contact()]
    await world.started()
    await world.until(lambda: world.link.asked)
    assert [(one.id, one.state) for one in kept] == [(world.link.asked[0].call_id, State.RINGING)]


@pytest.mark.parametrize(
    ("behaviour", "disposition", "minutes"),
    [
        pytest.param(BUSY, Disposition.BUSY, 10, id="busy"),
        pytest.param(RINGS_ON, Disposition.NO_ANSWER, 60, id="no answer"),
        pytest.param(Behaviour(cause=19), Disposition.UNREACHABLE, 120, id="switched off"),
        pytest.param(Behaviour(cause=34), Disposition.CONGESTION, 5, id="no circuit"),
        pytest.param(Behaviour(cause=None), Disposition.CONGESTION, 5, id="no channel"),
        pytest.param(Behaviour(cause=1), Disposition.INVALID_NUMBER, None, id="no such number"),
        pytest.param(
            Behaviour(answers=True, talk_seconds=1.0), Disposition.UNFINISHED, 240, id="hung up before a result"
        ),
    ],
)
async def test_each_end_is_reported_with_when_to_try_again(
    world: World, behaviour: Behaviour, disposition: Disposition, minutes: int | None
) -> None:
    world.link.other = behaviour
    world.source.contacts = [contact()]
    dialer = await world.started()
    await world.until(lambda: world.receiver.taken, seconds=60)
    [outcome] = world.receiver.taken
    assert outcome.disposition is disposition
    assert outcome.round_over is (minutes is None)
    if minutes is None:
        assert outcome.retry_at is None
    else:
        assert outcome.retry_at is not None
        assert timedelta(minutes=minutes - 1) < outcome.retry_at - world.clock() <= timedelta(minutes=minutes)
    await world.until(lambda: not dialer.open_attempts)


async def test_a_busy_number_is_rung_again_after_its_gap_until_the_tries_are_used_up(world: World) -> None:
    world.link.other = BUSY
    world.source.contacts = [contact()]
    await world.started(rules=QUICK)
    await world.until(lambda: len(world.receiver.taken) == 3, seconds=90, step=0.5)
    assert [outcome.round_over for outcome in world.receiver.taken] == [False, False, True]
    times = [outcome.attempt.written_at for outcome in world.receiver.taken]
    assert all(later - sooner >= timedelta(seconds=20) for sooner, later in pairwise(times))


async def test_nobody_is_rung_outside_the_hours(world: World) -> None:
    closing = ELEVEN + timedelta(hours=10)
    world.begin = closing - timedelta(seconds=5)
    world.link.other = BUSY
    world.source.contacts = [contact(str(n), f"98765000{n:02}") for n in range(60)]
    await world.started(pace=Pace(lines=1, calls_per_second=1))
    await world.until(lambda: world.clock() > closing + timedelta(seconds=30), seconds=600)
    assert world.receiver.taken
    assert all(outcome.attempt.written_at < closing for outcome in world.receiver.taken)


async def test_the_hours_are_asked_once_more_right_before_the_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbound_dialer.lines.may_ring_now", lambda *_a, **_k: False)
    world.source.contacts = [contact()]
    await world.started()
    await world.until(lambda: world.receiver.taken)
    assert world.receiver.dispositions == ["cancelled"]
    assert not world.link.asked


async def test_numbers_that_must_not_be_rung_are_reported_without_a_call(world: World) -> None:
    world.source.contacts = [contact("withheld", ""), contact("listed", "9876500001")]
    await world.started(rules=replace(QUICK, do_not_ring=frozenset({"9876500001"})))
    await world.until(lambda: len(world.receiver.taken) == 2)
    assert sorted(world.receiver.dispositions) == ["do_not_ring", "invalid_number"]
    assert all(outcome.round_over and outcome.retry_at is None for outcome in world.receiver.taken)
    assert not world.link.asked


async def test_two_contacts_of_one_number_are_rung_one_after_the_other(world: World) -> None:
    world.source.contacts = [contact("c1"), contact("c2")]
    world.link.other = Behaviour(answers=True, talk_seconds=10)
    await world.started()
    await world.until(lambda: len(world.receiver.taken) == 2, seconds=90)
    assert [outcome.attempt.contact for outcome in world.receiver.taken] == ["c1", "c2"]
    assert not world.link.twice


async def test_a_contact_is_not_rung_again_before_its_outcome_is_taken(world: World) -> None:
    world.link.other = BUSY
    world.receiver.refusals = 10**6
    world.source.contacts = [contact()]
    await world.started(rules=QUICK)
    await world.until(lambda: world.receiver.calls > 5, seconds=600, step=1.0)
    assert len(world.link.asked) == 1


async def test_those_who_rest_do_not_hide_those_behind_them(world: World) -> None:
    world.link.other = BUSY
    world.source.contacts = [contact(str(n), f"9876501{n:03}") for n in range(70)]
    await world.started(pace=Pace(lines=20, calls_per_second=20))
    await world.until(lambda: len(world.receiver.taken) == 70, seconds=60)
    assert len(set(world.link.numbers())) == 70
    assert max(world.source.limits) > 70


async def test_no_more_lines_are_used_than_there_are(world: World) -> None:
    world.source.contacts = [contact(str(n), f"9876501{n:03}") for n in range(10)]
    dialer = await world.started(pace=Pace(lines=3, calls_per_second=50))
    await world.until(lambda: world.clock() > ELEVEN + timedelta(seconds=20))
    assert len(world.link.asked) == 3
    world.link.hang_up(dialer.open_attempts[0].id)
    await world.until(lambda: len(world.link.asked) == 4)


async def test_a_kick_makes_it_look_at_once(world: World) -> None:
    dialer = await world.started(tick_seconds=3600.0)
    await world.until(lambda: world.source.limits)
    world.source.contacts = [contact()]
    before = world.clock()
    dialer.kick()
    await world.until(lambda: world.link.asked)
    assert world.clock() - before < timedelta(seconds=1)


async def test_congestion_slows_the_dialer_down(world: World) -> None:
    world.link.other = Behaviour(seconds=0.5, cause=34)
    world.source.contacts = [contact(str(n), f"9876501{n:03}") for n in range(200)]
    await world.started()
    await world.until(lambda: world.clock() > ELEVEN + timedelta(seconds=60), seconds=90)
    assert len(world.link.asked) < 25


async def test_a_source_that_fails_is_asked_again(world: World) -> None:
    world.source.fails = True
    world.source.contacts = [contact()]
    await world.started()
    await world.until(lambda: len(world.source.limits) > 3)
    world.source.fails = False
    await world.until(lambda: world.link.asked)


# -- results


async def test_a_result_given_while_the_citizen_hangs_up_counts(world: World) -> None:
    world.source.contacts = [contact()]
    dialer = await world.started()
    attempt = await answered(world, dialer)
    world.link.hang_up(attempt.id)
    await world.until(lambda: world.clock() > ELEVEN + timedelta(seconds=8))
    assert await dialer.finish(attempt.id, "dissatisfied")
    await world.until(lambda: world.receiver.taken)
    assert [(one.disposition, one.result) for one in world.receiver.taken] == [(Disposition.ANSWERED, "dissatisfied")]


async def test_the_first_result_counts(world: World) -> None:
    world.source.contacts = [contact()]
    dialer = await world.started()
    attempt = await answered(world, dialer)
    assert await dialer.finish(attempt.id, "satisfied")
    assert not await dialer.finish(attempt.id, "dissatisfied")
    world.link.hang_up(attempt.id)
    await world.until(lambda: not dialer.open_attempts)
    assert not await dialer.finish(attempt.id, "dissatisfied")
    await world.until(lambda: world.receiver.taken)
    assert [one.result for one in world.receiver.taken] == ["satisfied"]


async def test_a_flow_that_ends_without_a_result_is_unfinished_at_once(world: World) -> None:
    world.source.contacts = [contact()]
    dialer = await world.started()
    attempt = await answered(world, dialer)
    await dialer.finish(attempt.id, "")
    await world.until(lambda: world.receiver.taken, seconds=2)
    assert world.receiver.dispositions == ["unfinished"]


async def test_a_call_that_is_not_ours_has_no_attempt_and_takes_no_result(world: World) -> None:
    dialer = await world.started()
    assert await dialer.attempt_for("1764000000.12") is None
    with pytest.raises(UnknownAttempt):
        await dialer.finish("1764000000.12", "satisfied")
    with pytest.raises(ValueError, match="40 characters"):
        await dialer.finish("dial-1", "x" * 41)


# -- crashes: nobody is rung twice at once, no attempt is lost, each outcome is told


async def test_killed_between_the_commit_and_the_originate_the_contact_is_rung_once(
    world: World, dies_before_originate: Callable[[], None]
) -> None:
    world.source.contacts = [contact()]
    store = AttemptStore(world.sessions, campaign="feedback")
    first = await world.started()
    written: list[Attempt] = []
    while not written:
        await world.until(lambda: world.source.limits)
        written = await store.open()
    await first.stop()
    assert not world.link.asked
    assert [one.state for one in written] == [State.WRITTEN]

    dies_before_originate()
    second = await world.started()
    attempt = await answered(world, second)
    assert attempt.id != written[0].id
    assert world.link.numbers() == ["9876500001"]
    await second.finish(attempt.id, "satisfied")
    await world.until(lambda: len(world.receiver.taken) == 2)
    assert world.receiver.dispositions == ["lost", "answered"]
    assert not world.receiver.taken[0].round_over


async def test_killed_while_it_rings_the_same_call_goes_on(world: World) -> None:
    world.link.other = Behaviour(seconds=10.0, answers=True)
    world.source.contacts = [contact()]
    first = await world.started()
    await world.until(lambda: world.link.asked)
    await first.stop()

    second = await world.started()
    await world.until(lambda: world.clock() > ELEVEN + timedelta(seconds=15))
    attempt = await second.attempt_for(world.link.asked[0].call_id)  # its flow asks, attached again
    assert attempt is not None
    assert attempt.state is State.ANSWERED
    await second.finish(attempt.id, "satisfied")
    world.link.hang_up(attempt.id)
    await world.until(lambda: not second.open_attempts)
    assert len(world.link.asked) == 1
    assert [one.result for one in world.receiver.taken] == ["satisfied"]


async def test_killed_while_it_rings_and_back_after_its_end_it_is_lost_and_tried_again(world: World) -> None:
    world.link.other = BUSY
    world.source.contacts = [contact()]
    first = await world.started(rules=QUICK)
    await world.until(lambda: world.link.asked)
    await first.stop()
    await world.until(lambda: not world.link.live)

    await world.started(rules=QUICK)
    await world.until(lambda: len(world.receiver.taken) == 2, seconds=60)
    assert world.receiver.dispositions == ["lost", "busy"]
    assert not world.link.twice


async def test_killed_after_a_result_was_kept_it_is_told_after_the_restart(world: World) -> None:
    world.receiver.refusals = 1
    world.source.contacts = [contact()]
    first = await world.started()
    attempt = await answered(world, first)
    await first.finish(attempt.id, "dissatisfied")
    await first.stop()
    world.link.hang_up(attempt.id)

    second = await world.started()
    await world.until(lambda: world.receiver.taken and not second.open_attempts)
    assert [(one.attempt.id, one.result) for one in world.receiver.taken] == [(attempt.id, "dissatisfied")]
    [kept] = await second.history("c1")
    assert (kept.disposition, kept.state) == (Disposition.ANSWERED, State.ENDED)


async def test_a_flow_that_ends_after_the_dialer_was_stopped_keeps_its_result(world: World) -> None:
    world.source.contacts = [contact()]
    first = await world.started()
    attempt = await answered(world, first)
    await first.stop()
    assert await first.finish(attempt.id, "satisfied")
    assert not await first.finish(attempt.id, "dissatisfied")
    world.link.hang_up(attempt.id)
    second = await world.started()
    await world.until(lambda: world.receiver.taken and not second.open_attempts)
    assert [one.result for one in world.receiver.taken] == ["satisfied"]


async def test_killed_in_a_conversation_without_a_result_it_is_lost(world: World) -> None:
    world.source.contacts = [contact()]
    first = await world.started()
    attempt = await answered(world, first)
    await first.stop()
    world.link.hang_up(attempt.id)
    await world.started()
    await world.until(lambda: world.receiver.taken)
    assert world.receiver.dispositions == ["lost"]


async def test_many_restarts_ring_nobody_twice_and_lose_no_attempt(world: World) -> None:
    rules = replace(QUICK, max_tries=100, max_dials=100)
    world.link.other = Behaviour(seconds=1.3, answers=True, talk_seconds=2.1)
    world.link.behaviours = {f"987650100{n}": BUSY for n in range(3)}
    world.source.contacts = [contact(str(n), f"987650100{n % 8}") for n in range(12)]
    for life in range(25):
        dialer = await world.started(rules=rules)
        await asyncio.sleep(0.2 + life * 0.37 % 2.7)
        await dialer.stop()
    last = await world.started(rules=rules, pace=Pace(lines=0))

    def told() -> dict[str, set[str]]:
        ends: dict[str, set[str]] = {}
        for outcome in world.receiver.taken:  # one may be told again after a crash, but never otherwise
            ends.setdefault(outcome.attempt.id, set()).add(outcome.disposition)
        return ends

    await world.until(lambda: not last.open_attempts and not world.link.live, seconds=90)
    await world.until(lambda: {call.call_id for call in world.link.asked} <= set(told()), seconds=90)
    assert not world.link.twice
    assert len(world.link.asked) > 8
    assert all(len(ends) == 1 for ends in told().values())


# -- the link breaks


async def test_a_link_that_breaks_at_the_originate_makes_no_second_call(world: World) -> None:
    world.link.swallows = True
    world.source.contacts = [contact()]
    dialer = await world.started()
    await world.until(lambda: not world.link.connected)
    await world.link.mend()
    await world.until(lambda: world.clock() > ELEVEN + timedelta(seconds=25))
    assert not world.link.asked
    assert len(dialer.open_attempts) == 1  # until it could not ring any more
    await world.until(lambda: world.receiver.taken, seconds=90)
    assert world.receiver.dispositions == ["lost"]


async def test_a_conversation_goes_on_through_a_break_of_the_link(world: World) -> None:
    world.source.contacts = [contact()]
    dialer = await world.started()
    attempt = await answered(world, dialer)
    world.link.cut()
    await dialer.finish(attempt.id, "satisfied")
    world.link.hang_up(attempt.id)  # nobody hears of it
    await world.link.mend()
    await world.until(lambda: not dialer.open_attempts)
    assert [one.result for one in world.receiver.taken] == ["satisfied"]
    assert len(world.link.asked) == 1


async def test_an_end_that_was_never_told_is_found_by_looking(world: World) -> None:
    world.source.contacts = [contact()]
    dialer = await world.started(check_seconds=30.0)
    attempt = await answered(world, dialer)
    world.link.connected = False
    world.link.hang_up(attempt.id)
    world.link.connected = True
    await world.until(lambda: not dialer.open_attempts, seconds=60)
    assert world.receiver.dispositions == ["lost"]


async def test_nobody_is_rung_while_the_link_is_down(world: World) -> None:
    world.link.connected = False
    world.source.contacts = [contact()]
    dialer = await world.started()
    await world.until(lambda: world.clock() > ELEVEN + timedelta(seconds=10))
    assert not await dialer.history("c1")
    await world.link.mend()
    await world.until(lambda: world.link.asked)


async def test_a_call_that_asterisk_refuses_uses_up_no_try(world: World) -> None:
    world.link.refuses = True
    world.source.contacts = [contact()]
    await world.started()
    await world.until(lambda: world.receiver.taken)
    assert world.receiver.dispositions == ["congestion"]


async def test_a_locked_database_delays_an_end_but_loses_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    save, refused = AttemptStore.save, 0

    async def locked(self: AttemptStore, attempt: Attempt) -> None:
        nonlocal refused
        if attempt.disposition is not None and refused < 5:
            refused += 1
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        await save(self, attempt)

    monkeypatch.setattr(AttemptStore, "save", locked)
    world.link.other = BUSY
    world.source.contacts = [contact()]
    await world.started()
    await world.until(lambda: world.receiver.taken)
    assert (refused, world.receiver.dispositions) == (5, ["busy"])


async def test_stop_leaves_the_calls_and_ends_every_task(world: World) -> None:
    world.source.contacts = [contact()]
    dialer = await world.started()
    attempt = await answered(world, dialer)
    await dialer.stop()
    await dialer.stop()
    assert world.link.live == [attempt.id]
    assert not dialer.open_attempts


# -- outcomes


async def test_a_receiver_that_fails_at_first_gets_each_outcome_once_in_the_end(world: World) -> None:
    world.link.other = BUSY
    world.receiver.refusals = 4
    world.source.contacts = [contact(str(n), f"9876501{n:03}") for n in range(3)]
    await world.started()
    await world.until(lambda: len(world.receiver.taken) == 3, seconds=60)
    await world.until(lambda: world.clock() > ELEVEN + timedelta(seconds=120), seconds=200, step=1.0)
    assert sorted(outcome.attempt.contact for outcome in world.receiver.taken) == ["0", "1", "2"]
    assert world.receiver.calls == 7


async def test_one_outcome_that_is_never_taken_holds_up_no_other(world: World) -> None:
    world.link.other = BUSY
    world.source.contacts = [contact("poison"), contact("good", "9876500002")]
    dialer = world.dialer()
    taken: list[str] = []

    async def receive(outcome: object) -> None:
        key = outcome.attempt.contact  # type: ignore[attr-defined]
        if key == "poison":
            raise ValueError("this one can't be taken")
        taken.append(key)

    dialer._reporter._receiver = receive
    await dialer.start()
    await world.until(lambda: taken)
    assert taken == ["good"]


async def test_an_outcome_not_marked_as_taken_before_a_crash_is_told_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_args: object) -> None:
        raise SystemError("kill -9")

    world.link.other = BUSY
    world.source.contacts = [contact()]
    with monkeypatch.context() as patch:
        patch.setattr(AttemptStore, "mark_reported", crash)
        first = await world.started()
        await world.until(lambda: world.receiver.taken)
        await first.stop()
    await world.started()
    await world.until(lambda: len(world.receiver.taken) == 2)
    assert len({outcome.attempt.id for outcome in world.receiver.taken}) == 1


# -- small things


async def test_the_database_refuses_a_second_open_attempt_for_a_number(world: World) -> None:
    store = AttemptStore(world.sessions, campaign="feedback")
    other = AttemptStore(world.sessions, campaign="broadcast")
    one, two = (
        written(contact(key), attempt_id=new_attempt_id(ELEVEN), campaign=campaign, at=ELEVEN)
        for key, campaign in (("c1", "feedback"), ("c2", "broadcast"))
    )
    assert await store.write(one, most=9, since=ELEVEN)
    assert not await other.write(two, most=9, since=ELEVEN)


async def test_the_database_refuses_one_call_too_many_to_a_number_on_one_day_over_all_campaigns(world: World) -> None:
    midnight = ELEVEN - timedelta(hours=11)

    async def rings(number: int, campaign: str, at: datetime, *, disposition: Disposition, most: int) -> bool:
        store = AttemptStore(world.sessions, campaign=campaign)
        one = written(contact(f"c{number}"), attempt_id=AttemptId(f"dial-{number}"), campaign=campaign, at=at)
        if not await store.write(one, most=most, since=midnight):
            return False
        done = resolved(rung(one, at), disposition, retry_at=None, round_over=False)
        await store.save(ended(done, at, cause=None))
        return True

    busy, congestion = Disposition.BUSY, Disposition.CONGESTION
    assert await rings(1, "feedback", midnight - timedelta(seconds=1), disposition=busy, most=2)  # yesterday
    assert await rings(2, "feedback", ELEVEN, disposition=busy, most=2)
    assert await rings(3, "broadcast", ELEVEN, disposition=congestion, most=2)  # no telephone rang
    assert await rings(4, "broadcast", ELEVEN, disposition=busy, most=2)
    assert not await rings(5, "feedback", ELEVEN, disposition=busy, most=2)
    assert await AttemptStore(world.sessions, campaign="x").rung_since(["9876500001"], midnight) == {"9876500001": 2}
    assert await AttemptStore(world.sessions, campaign="x").get("dial-5") is None


async def test_a_number_is_not_rung_more_often_than_a_day_allows_and_goes_on_the_next(world: World) -> None:
    world.link.other = BUSY
    world.source.contacts = [contact()]
    twice_a_day = replace(QUICK, most_a_day=2, max_tries=5)
    await world.started(rules=twice_a_day)
    await world.until(lambda: len(world.link.asked) == 2, seconds=120)
    await asyncio.sleep(40)
    assert len(world.link.asked) == 2


async def test_a_number_put_on_the_list_after_it_was_chosen_is_not_rung(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = DoNotRing(world.sessions, clock=world.clock)
    write = AttemptStore.write

    async def written_then_barred(self: AttemptStore, *args: Any, **kwargs: Any) -> bool:
        await lists.add("9876500001", by="supervisor", reason="asked for it")
        return await write(self, *args, **kwargs)

    monkeypatch.setattr(AttemptStore, "write", written_then_barred)
    world.source.contacts = [contact()]
    await world.started()
    await world.until(lambda: world.receiver.taken)
    assert world.receiver.dispositions == ["do_not_ring"]
    assert not world.link.asked


async def test_a_listed_number_is_reported_without_a_call_and_rung_when_it_is_taken_off(world: World) -> None:
    lists = DoNotRing(world.sessions, clock=world.clock)
    await lists.add("9876500001", by="supervisor", reason="asked for it")
    await lists.add("9876500001", by="supervisor", reason="asked again")  # once is enough
    assert [(one.number, one.reason) for one in await lists.all()] == [("9876500001", "asked for it")]
    world.source.contacts = [contact("c1")]
    await world.started()
    await world.until(lambda: world.receiver.taken)
    assert world.receiver.dispositions == ["do_not_ring"]
    assert await lists.remove("9876500001")
    assert not await lists.remove("9876500001")
    world.source.contacts = [contact("c2")]
    await world.until(lambda: world.link.asked)


async def test_an_attempt_comes_back_from_the_database_as_it_was(world: World) -> None:
    store = AttemptStore(world.sessions, campaign="feedback")
    attempt = written(contact(), attempt_id=new_attempt_id(ELEVEN), campaign="feedback", at=ELEVEN)
    await store.write(attempt, most=1, since=ELEVEN)
    assert await store.get(attempt.id) == attempt


def test_ids_sort_by_time_and_differ() -> None:
    ids = [new_attempt_id(ELEVEN + timedelta(seconds=second)) for second in (0, 1, 2)]
    assert ids == sorted(ids)
    assert len({new_attempt_id(ELEVEN) for _ in range(100)}) == 100


@pytest.mark.parametrize("key", ["", "a,b", "a b", "क", "x" * 101, "a\nb"])
def test_a_contact_with_an_unusable_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidContact):
        contact(key)


def test_a_contact_with_an_unusable_language_or_number_is_refused() -> None:
    with pytest.raises(InvalidContact):
        Contact(key=ContactKey("c1"), number="1", language="hi,x=y")
    with pytest.raises(InvalidContact):
        contact("c1", "9" * 33)


def test_personal_data_is_not_in_the_text_of_a_value() -> None:
    attempt = written(contact(), attempt_id=new_attempt_id(ELEVEN), campaign="feedback", at=ELEVEN)
    assert "9876500001" not in repr(attempt) + repr(contact())


def test_times_of_zero_are_refused() -> None:
    with pytest.raises(InvalidSettings):
        settings(tick_seconds=0)
