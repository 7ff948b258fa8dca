"""Use cases in which somebody decides, on a real SQLite; and that every state can be rebuilt from its events."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from grievance_core.errors import DraftRefused, NotAllowed, UnknownCategory
from grievance_core.lifecycle import EventKind, State
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, a_draft
from tests.unit.grievance_core.stories import refuse, reported

pytestmark = pytest.mark.service


async def test_an_extension_needs_a_reason_a_superior_and_bounds(grievances: Grievances) -> None:
    complaint = await grievances.register(a_draft(category="HOM-01"))
    extended = await grievances.extend(complaint.number, by="SP", level=3, days=5, text="साक्ष्य आना है")
    assert extended.due_at is not None
    assert extended.due_at - (complaint.due_at or extended.due_at) == timedelta(days=5)
    last = (await grievances.history(complaint.number))[-1]
    assert (last.kind, last.amount, last.by_level, last.text) == (EventKind.EXTENDED, 5, 3, "साक्ष्य आना है")
    with pytest.raises(NotAllowed, match="extended already"):
        await grievances.extend(complaint.number, by="SP", level=3, days=5, text="और")
    for wrong in ({"days": 16}, {"days": 0}, {"text": " "}, {"level": 6}):
        with pytest.raises(DraftRefused):
            await grievances.extend(complaint.number, **{"by": "SP", "level": 3, "days": 5, "text": "x"} | wrong)  # type: ignore[arg-type]


async def test_a_transfer_goes_to_the_other_departments_officer_and_the_third_needs_a_supervisor(
    grievances: Grievances,
) -> None:
    complaint = await grievances.register(a_draft(category="HOM-01"))
    for category in ("REV-01", "ENE-05"):
        moved = await grievances.transfer(complaint.number, category=category, by="CO", text="हमारा नहीं")
        assert (moved.category, moved.due_at) == (category, complaint.due_at)
    with pytest.raises(NotAllowed, match="supervisor decides"):
        await grievances.transfer(complaint.number, category="HOM-01", by="JE", text="हमारा भी नहीं")
    with pytest.raises(DraftRefused, match="this category already"):
        await grievances.transfer(complaint.number, category="ENE-05", by="JE", text="x")
    with pytest.raises(UnknownCategory):
        await grievances.transfer(complaint.number, category="XXX-99", by="JE", text="x")
    back = await grievances.transfer(complaint.number, category="hom-01", by="Rao", text="यहीं", supervisor=True)
    assert (back.category, back.post, back.transfers) == ("HOM-01", complaint.post, 3)
    assert await grievances.rebuilt(complaint.number) == back


async def test_an_officers_question_is_put_to_the_citizen_and_answered_and_the_clock_runs_on(
    grievances: Grievances, clock: FixedClock
) -> None:
    complaint = await grievances.register(a_draft(category="HOM-01"))
    asked = await grievances.ask_citizen(complaint.number, by="CO", text="घटना कब हुई")
    assert (asked.clock_ends_at, asked.question_at) == (complaint.clock_ends_at, clock())
    assert await grievances.open_questions() == [asked]
    with pytest.raises(NotAllowed, match="open already"):
        await grievances.ask_citizen(complaint.number, by="CO", text="और कहाँ")
    clock.move(hours=3)
    told = await grievances.reply_to_officer(complaint.number, text="कल", channel="call", attempt="q-1")
    assert told.question_at is None
    assert await grievances.reply_to_officer(complaint.number, text="कल", channel="call", attempt="q-1") == told
    with pytest.raises(NotAllowed, match="No question"):
        await grievances.reply_to_officer(complaint.number, text="कल", channel="call")
    assert await grievances.open_questions() == []


async def test_what_is_noted_moves_nothing(grievances: Grievances) -> None:
    complaint = await grievances.register(a_draft())
    await grievances.comment(complaint.number, by="CO", text="देखा")
    await grievances.attach(complaint.number, by="CO", path="attachments/1.pdf", text="नक्शा")
    after = await grievances.pressed(complaint.number, channel="call", text="वापस लेने को कहा")
    assert replace(after, version=complaint.version) == complaint
    noted = (await grievances.history(complaint.number))[2:]
    assert [event.kind.value for event in noted] == ["commented", "attached", "pressed"]
    assert (noted[1].report, noted[1].text) == ("attachments/1.pdf", "नक्शा")


async def test_a_withdrawn_complaint_is_closed_by_the_citizens_word(grievances: Grievances) -> None:
    complaint = await grievances.register(a_draft())
    gone = await grievances.withdraw(complaint.number, by="citizen", text="काम हो गया", channel="call")
    assert (gone.state, gone.is_open, gone.sweep_at) == (State.WITHDRAWN, False, None)


async def test_a_second_call_is_on_record_and_answers_once(grievances: Grievances) -> None:
    number = await reported(grievances)
    with pytest.raises(NotAllowed, match="closed as satisfied"):
        await grievances.second_feedback(number, satisfied=False, attempt="s-1")
    closed = await grievances.feedback(number, satisfied=True, attempt="a-1", channel="call", by="1001")
    for _ in range(2):
        await grievances.second_feedback(number, satisfied=False, attempt="s-1", by="1002")
    after, last = await grievances.get(number), (await grievances.history(number))[-1]
    assert (after.state, after.version) == (State.CLOSED_SATISFIED, closed.version + 1)
    assert (last.kind, last.reason, last.by) == (EventKind.SECOND_FEEDBACK, "dissatisfied", "1002")


async def test_never_reached_goes_to_the_superior_who_asks_again_or_proposes_to_close(
    grievances: Grievances, clock: FixedClock
) -> None:
    number = await reported(grievances)
    await grievances.feedback_missed(number, attempt="a-1")
    assert await grievances.sweep(clock.move(days=22)) == 1
    up = await grievances.get(number)
    assert (up.state, up.level) == (State.WITH_SUPERIOR, 2)
    assert [one.number for one in await grievances.feedback_of(up.caller)] == [number]
    again = await grievances.ask_again(number, by="SDO", text="एक बार और")
    assert (again.state, [one.number for one in await grievances.awaiting_feedback()]) == (
        *(State.AWAITING_FEEDBACK, [number]),
    )
    await grievances.feedback_missed(number, attempt="a-2")
    assert await grievances.sweep(clock.move(days=22)) == 1
    papers = {"reason": "never_reached", "text": "संपर्क नहीं हुआ", "report": "मौके पर देखा"}
    await grievances.propose_closure(number, by="SP", level=3, **papers)
    assert (await grievances.approve_closure(number, by="IG", level=4)).state is State.CLOSED_SPECIALLY


async def test_special_closures_are_counted_for_each_officer_also_when_objected_to(
    grievances: Grievances, clock: FixedClock
) -> None:
    began = clock()
    papers = {"reason": "in_court", "text": "x", "report": "y"}
    numbers = [(await grievances.register(a_draft(text=f"{count}"))).number for count in range(3)]
    await grievances.sweep(clock.move(days=2))
    for number in numbers:
        await grievances.propose_closure(number, by="SDO", level=2, **papers)
    for number in numbers[:2]:
        await grievances.approve_closure(number, by="DM", level=3)
    post = (await grievances.get(numbers[0])).post
    await grievances.object(numbers[0], text="नहीं", channel="call")
    assert await grievances.special_closures(began) == {post: 2}
    assert await grievances.special_closures(clock.move(minutes=1)) == {}


async def test_a_demands_answer_is_objected_to_once_and_information_not_at_all(grievances: Grievances) -> None:
    demand = await grievances.register(replace(a_draft(), kind="demand"))
    answered = await grievances.report(demand.number, by="JE", text="अगले वर्ष")
    assert (answered.state, answered.is_open) == (State.CLOSED_ANSWERED, False)
    assert (await grievances.object(demand.number, text="अभी चाहिए", channel="call")).level == 2
    await grievances.report(demand.number, by="EE", text="अगले वर्ष ही")
    with pytest.raises(NotAllowed, match="one objection"):
        await grievances.object(demand.number, text="अभी", channel="call")
    told = await grievances.register(replace(a_draft(), kind="information"))
    with pytest.raises(DraftRefused, match="Register a complaint"):
        await grievances.object(told.number, text="नहीं", channel="call")


async def test_what_went_past_l4_is_with_the_leadership_by_name(grievances: Grievances, clock: FixedClock) -> None:
    number = (await grievances.register(a_draft(category="HOM-01"))).number
    for _ in range(3):
        await grievances.sweep(clock.move(days=30))
    assert grievances.post_of(await grievances.get(number)).title == "Inspector General of Police, Lucknow"
    await grievances.report(number, by="IG", text="हो गया")
    await grievances.feedback_missed(number, attempt="a-1")
    await grievances.sweep(clock.move(days=22))
    assert grievances.post_of(await grievances.get(number)).title == "The leadership"


async def test_a_declined_proposal_tells_why(grievances: Grievances, clock: FixedClock) -> None:
    complaint = await grievances.register(a_draft())
    await grievances.sweep(clock.move(days=2))
    papers = {"reason": "in_court", "text": "x", "report": "y"}
    await grievances.propose_closure(complaint.number, by="SDO", level=2, **papers)
    with pytest.raises(DraftRefused, match="reason is empty"):
        await grievances.decline_closure(complaint.number, by="DM", level=3, text=" ")
    with pytest.raises(DraftRefused, match="1 to 4, or 5"):
        await grievances.approve_closure(complaint.number, by="DM", level=6)
    back = await grievances.decline_closure(complaint.number, by="DM", level=3, text="काम पूरा करें")
    assert (back.state, back.level) == (State.UNDER_REVIEW, 2)


async def test_the_oldest_that_should_have_gone_up_and_has_not_is_known(
    grievances: Grievances, clock: FixedClock
) -> None:
    assert await grievances.oldest_overdue(clock()) is None
    complaint = await grievances.register(a_draft())
    await grievances.register(a_draft(category="HOM-01"))
    await grievances.sweep(clock.move(hours=20))  # a warning is nothing overdue
    later = clock.move(days=5)
    assert await grievances.oldest_overdue(later) == complaint.due_at
    await grievances.sweep(later)
    assert await grievances.oldest_overdue(later) is None


async def test_every_state_is_rebuilt_from_its_events(grievances: Grievances, clock: FixedClock) -> None:
    """Many lives of use cases at random, some of which are refused; each is then made out of its events again."""
    draw = random.Random(1076)
    numbers = [
        (await grievances.register(replace(a_draft(category=category, text=f"{count}"), kind=kind))).number
        for count, (category, kind) in enumerate(
            [("HOM-01", "complaint"), ("ENE-02", "complaint"), ("REV-01", "demand")] * 5  # type: ignore[list-item]
        )
    ]
    papers = {"reason": "in_court", "text": "x", "report": "y"}
    for count in range(300):
        number, level = draw.choice(numbers), draw.randint(1, 5)
        acts = [
            lambda: grievances.report(number, by="JE", text="हो गया"),  # noqa: B023  done before the loop goes on
            lambda: refuse(grievances, number, f"a-{count}"),  # noqa: B023
            lambda: grievances.feedback(number, satisfied=True, attempt=f"a-{count}", channel="call"),  # noqa: B023
            lambda: grievances.feedback_missed(number, attempt=f"a-{count}"),  # noqa: B023
            lambda: grievances.propose_closure(number, by="SP", level=min(level, 4), **papers),  # noqa: B023
            lambda: grievances.approve_closure(number, by="DM", level=level),  # noqa: B023
            lambda: grievances.object(number, text="नहीं", channel="call"),  # noqa: B023
            lambda: grievances.extend(number, by="DM", level=level, days=3, text="x"),  # noqa: B023
            lambda: grievances.transfer(number, category="ENE-05", by="x", text="x", supervisor=True),  # noqa: B023
            lambda: grievances.sweep(clock.move(days=draw.random() * 4)),
        ]
        try:
            await draw.choice(acts)()
        except (NotAllowed, DraftRefused):
            continue
    states = set()
    for number in numbers:
        complaint = await grievances.get(number)
        assert await grievances.rebuilt(number) == complaint
        states.add(complaint.state)
    assert len(states) > 3
