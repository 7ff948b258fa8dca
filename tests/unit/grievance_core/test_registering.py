"""Use cases at the door, on a real SQLite: the cap, excluded matters, PINs, reminders, and many with one trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from grievance_core.complaint import Complaint
from grievance_core.errors import CapReached, DraftRefused, NotAllowed, UnknownMatter
from grievance_core.excluded import WHERE_TO_GO, ExcludedMatter
from grievance_core.lifecycle import EventKind, State
from grievance_core.rules import Policy
from grievance_core.service import Grievances, NotTold
from grievance_core.testing import FixedClock, a_draft, memory_grievances
from tests.unit.grievance_core.stories import CATALOGUE, RULES, refuse, reported

pytestmark = pytest.mark.service


# The cap


async def test_beyond_the_cap_it_is_a_reminder_or_a_supervisor_allows_it(clock: FixedClock) -> None:
    rules = replace(RULES, policy=Policy(cap_per_month=2))
    async with memory_grievances(clock=clock, catalogue=CATALOGUE, rules=rules) as grievances:
        first = await grievances.register(a_draft())
        await grievances.register(replace(a_draft(), kind="information"))  # does not count
        await grievances.refuse(a_draft(), matter="rti")  # nor does this
        await grievances.register(a_draft(text="और एक"))
        with pytest.raises(CapReached, match=r"2 complaints this month.*reminder.*supervisor"):
            await grievances.register(a_draft(text="तीसरी बात"))
        await grievances.register(a_draft(text="तीसरी बात", caller="9000000000"))
        await grievances.register(a_draft(text="तीसरी बात", caller=""))
        assert (await grievances.remind(first.number, text="अब तक कुछ नहीं", channel="call")).due_at == first.due_at
        assert (await grievances.history(first.number))[-1].kind is EventKind.REMINDED
        allowed = await grievances.register(a_draft(text="तीसरी बात"), allowed_by="Supervisor Rao")
        last = (await grievances.history(allowed.number))[-1]
        assert (last.by, last.reason, last.seq) == ("Supervisor Rao", "over_cap", 3)
        assert await grievances.get(allowed.number) == allowed == await grievances.rebuilt(allowed.number)
        clock.move(days=8)  # the first of the next month
        await grievances.register(a_draft(text="चौथी बात"))


# Excluded matters


async def test_an_excluded_matter_is_turned_away_counted_and_taken_in_by_a_supervisor(grievances: Grievances) -> None:
    refused = await grievances.refuse(a_draft(), matter="court")
    assert (refused.state, refused.excluded, refused.is_open) == (State.REFUSED, "court", False)
    assert (await grievances.refusal_counts())[ExcludedMatter.COURT] == 1
    taken = await grievances.override_refusal(refused.number, by="Supervisor Rao", text="अदालत में नहीं है")
    assert (taken.state, taken.level, taken.is_open) == (State.WITH_OFFICER, 1, True)
    last = (await grievances.history(refused.number))[-1]
    assert (last.kind, last.by, last.text) == (EventKind.OVERRIDDEN, "Supervisor Rao", "अदालत में नहीं है")
    with pytest.raises(UnknownMatter, match="rti, court"):
        await grievances.refuse(a_draft(), matter="weather")


def test_each_excluded_matter_says_where_to_go_in_both_languages() -> None:
    assert set(WHERE_TO_GO) == set(ExcludedMatter)
    assert all(len(words) == 2 and all(words) for words in WHERE_TO_GO.values())


# Status


async def test_the_pin_opens_the_status_from_another_phone_and_five_wrong_ones_close_it_for_a_day(
    grievances: Grievances, clock: FixedClock
) -> None:
    complaint = await grievances.register(a_draft())
    wrong = f"{(int(complaint.pin) + 1) % 10000:04}"
    assert await grievances.status_of(complaint.number, "9000000000", complaint.pin) == complaint
    assert await grievances.status_of(complaint.number, "", complaint.pin) == complaint
    for _ in range(5):
        assert await grievances.status_of(complaint.number, "9000000000", wrong) == NotTold("no_match")
    assert await grievances.status_of(complaint.number, "9000000000", complaint.pin) == NotTold("locked")
    assert await grievances.status_of(complaint.number, complaint.caller) == complaint
    clock.move(days=1.1)
    assert await grievances.status_of(complaint.number, "9000000000", complaint.pin) == complaint


async def test_pins_are_drawn_and_are_no_part_of_a_number(grievances: Grievances) -> None:
    pins = {(await grievances.register(a_draft(text=f"{count}"))).pin for count in range(12)}
    assert len(pins) > 8
    assert all(len(pin) == 4 and pin.isdigit() for pin in pins)


# Many with one trouble


async def village(grievances: Grievances, size: int = 3) -> tuple[Complaint, list[Complaint]]:
    """One complaint about a transformer, and others behind it."""
    parent = await grievances.register(a_draft())
    parts = []
    for count in range(size):
        part = await grievances.register(a_draft(caller=str(9000000000 + count)))
        parts.append(await grievances.merge(part.number, into=parent.number, by="1001"))
    return await grievances.get(parent.number), parts


async def test_the_agent_is_offered_what_may_be_the_same_trouble(grievances: Grievances, clock: FixedClock) -> None:
    mine = await grievances.register(a_draft(text="और बात"))
    same = await grievances.register(a_draft(caller="9000000000"))
    await grievances.register(a_draft(caller="9000000001", district="118"))
    found = await grievances.alike(a_draft())
    assert [(one.complaint.number, one.why) for one in found] == [
        (mine.number, "repeat"),
        (same.number, "same_trouble"),
    ]
    clock.move(days=31)
    assert [one.why for one in await grievances.alike(a_draft())] == ["repeat"]


async def test_who_joins_keeps_a_number_and_is_counted_rung_and_asked(
    grievances: Grievances, clock: FixedClock
) -> None:
    parent, parts = await village(grievances)
    assert parent.supporters == 3
    assert {(part.state, part.parent) for part in parts} == {(State.MERGED, parent.number)}
    assert [part.number for part in await grievances.supporters_of(parent.number)] == sorted(
        part.number for part in parts
    )
    assert await grievances.awaiting_feedback() == []
    await grievances.report(parent.number, by="JE", text="बदल दिया")
    rung = {complaint.number for complaint in await grievances.awaiting_feedback()}
    assert rung == {parent.number, *(part.number for part in parts)}
    assert [one.number for one in await grievances.feedback_of(parts[0].caller)] == [parts[0].number]


async def test_who_is_satisfied_is_done_and_who_is_not_goes_on_together(
    grievances: Grievances, clock: FixedClock
) -> None:
    parent, parts = await village(grievances, size=4)
    await grievances.report(parent.number, by="JE", text="बदल दिया")
    done = await grievances.feedback(parts[0].number, satisfied=True, attempt="a", channel="call")
    assert done.state is State.CLOSED_SATISFIED
    for count in (1, 2):
        await refuse(grievances, parts[count].number, f"b{count}")
    stood = await grievances.get(parent.number)
    assert (stood.supporters_for, stood.supporters_against, stood.state) == (1, 2, State.AWAITING_FEEDBACK)
    await grievances.feedback(parent.number, satisfied=True, attempt="c", channel="call")
    left = sorted(part.number for part in parts[1:3])
    first, second = await grievances.get(left[0]), await grievances.get(left[1])
    assert (first.state, first.parent, first.supporters, first.is_open) == (State.UNDER_REVIEW, None, 1, True)
    assert first.due_at == clock() + timedelta(hours=24)
    assert (second.state, second.parent) == (State.MERGED, first.number)
    late = await grievances.get(parts[3].number)  # rung later than the others
    await refuse(grievances, late.number, "d")
    assert (await grievances.get(late.number)).state is State.UNDER_REVIEW
    for number in (parent.number, *(part.number for part in parts)):
        assert await grievances.rebuilt(number) == await grievances.get(number)


async def test_supporters_stay_with_a_parent_whose_own_citizen_is_dissatisfied(grievances: Grievances) -> None:
    parent, parts = await village(grievances, size=2)
    await grievances.report(parent.number, by="JE", text="बदल दिया")
    await refuse(grievances, parts[0].number, "a")
    await refuse(grievances, parent.number, "b")
    assert (await grievances.get(parts[0].number)).state is State.MERGED
    again = await grievances.report(parent.number, by="JE", text="फिर बदला")
    assert (again.supporters_for, again.supporters_against) == (0, 0)
    assert len(await grievances.awaiting_feedback()) == 3


async def test_who_said_no_to_an_earlier_report_is_first_asked_about_the_last_one(grievances: Grievances) -> None:
    parent, parts = await village(grievances, size=1)
    for attempt in ("a", "b"):
        await grievances.report(parent.number, by="JE", text="बदल दिया")
        if attempt == "a":
            await refuse(grievances, parts[0].number, "a")
            await refuse(grievances, parent.number, "b")
    await grievances.feedback(parent.number, satisfied=True, attempt="c", channel="call")
    waiting = await grievances.get(parts[0].number)
    assert (waiting.state, waiting.feedback_wanted) == (State.MERGED, True)
    done = await grievances.feedback(waiting.number, satisfied=True, attempt="d", channel="call")
    assert done.state is State.CLOSED_SATISFIED


async def test_a_supporter_is_asked_after_a_report_only_and_once(grievances: Grievances) -> None:
    parent, parts = await village(grievances, size=1)
    with pytest.raises(NotAllowed, match="after the report"):
        await refuse(grievances, parts[0].number, "a")
    await grievances.report(parent.number, by="JE", text="बदल दिया")
    await refuse(grievances, parts[0].number, "b")
    with pytest.raises(NotAllowed, match="after the report"):
        await refuse(grievances, parts[0].number, "c")


async def test_a_supporter_who_is_not_reached_is_rung_at_the_lower_rhythm_and_then_no_more(
    grievances: Grievances, clock: FixedClock
) -> None:
    parent, parts = await village(grievances, size=1)
    await grievances.report(parent.number, by="JE", text="बदल दिया")
    await grievances.feedback(parent.number, satisfied=True, attempt="a", channel="call")
    await grievances.feedback_missed(parts[0].number, attempt="b")
    assert await grievances.awaiting_feedback() == []
    clock.move(days=3)
    assert len(await grievances.awaiting_feedback()) == 1
    assert await grievances.sweep(clock.move(days=20)) == 1
    assert await grievances.awaiting_feedback() == []
    assert [one.number for one in await grievances.feedback_of(parts[0].caller)] == [parts[0].number]


async def test_one_who_joins_while_the_others_are_asked_is_asked_too(grievances: Grievances) -> None:
    number = await reported(grievances)
    late = await grievances.register(a_draft(caller="9000000000"))
    assert (await grievances.merge(late.number, into=number, by="1001")).feedback_wanted


async def test_what_can_not_be_merged_says_why_and_leaves_no_trace(grievances: Grievances) -> None:
    parent, parts = await village(grievances, size=1)
    other = await grievances.register(a_draft(caller="9000000009"))
    with pytest.raises(DraftRefused, match="part of itself"):
        await grievances.merge(other.number, into=other.number, by="1001")
    with pytest.raises(NotAllowed, match="goes on as part of another"):
        await grievances.merge(other.number, into=parts[0].number, by="1001")
    with pytest.raises(NotAllowed, match="goes on as part of another"):
        await grievances.merge(parts[0].number, into=other.number, by="1001")
    with pytest.raises(NotAllowed, match="Others stand behind"):
        await grievances.merge(parent.number, into=other.number, by="1001")
    with pytest.raises(NotAllowed, match="Others stand behind"):
        await grievances.withdraw(parent.number, by="citizen", text="नहीं चाहिए", channel="call")
    assert await grievances.get(other.number) == other
    assert (await grievances.get(parent.number)).supporters == 1


async def test_what_a_supporter_asks_after_or_objects_to_is_the_whole(
    grievances: Grievances, clock: FixedClock
) -> None:
    parent, parts = await village(grievances, size=1)
    assert (await grievances.remind(parts[0].number, text="कब", channel="call")).number == parent.number
    await grievances.sweep(clock.move(days=2))
    papers = {"reason": "in_court", "text": "x", "report": "y"}
    await grievances.propose_closure(parent.number, by="SDO", level=2, **papers)
    await grievances.approve_closure(parent.number, by="DM", level=3)
    objected = await grievances.object(parts[0].number, text="नहीं", channel="call")
    assert (objected.number, objected.state, objected.level) == (parent.number, State.ESCALATED, 3)
