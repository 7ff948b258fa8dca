"""The use cases on a real SQLite."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grievance_core.errors import (
    DraftRefused,
    NotAllowed,
    NumberUnreadable,
    UnknownCategory,
    UnknownComplaint,
    UnknownDistrict,
    UnknownMatter,
)
from grievance_core.lifecycle import EventKind, State
from grievance_core.numbers import SERIALS, number_for, spoken_groups
from grievance_core.service import Grievances, NotTold, Standing
from grievance_core.testing import NOON, FixedClock, a_draft
from tests.unit.grievance_core.stories import refuse, reported

pytestmark = pytest.mark.service


# Registering


async def test_a_registered_complaint_is_found_by_number_caller_call_and_post(grievances: Grievances) -> None:
    complaint = await grievances.register(a_draft(call_id="c-1"))
    assert complaint.state is State.WITH_OFFICER
    assert await grievances.get(" ".join(spoken_groups(complaint.number))) == complaint
    assert await grievances.find(caller="9876543210") == [complaint]
    assert await grievances.find(state=State.WITH_OFFICER, post=complaint.post) == [complaint]
    assert await grievances.find(state=State.ESCALATED) == []
    assert await grievances.for_call("c-1") == [complaint]
    assert await grievances.for_call("c-2") == []
    assert grievances.post_of(complaint).id == complaint.post
    assert [event.kind for event in await grievances.history(complaint.number)] == ["registered", "assigned"]


async def test_the_same_form_sent_twice_in_a_call_is_one_complaint(grievances: Grievances) -> None:
    first = await grievances.register(a_draft(call_id="c-1"))
    assert await grievances.register(a_draft(call_id="c-1")) == first
    another = await grievances.register(a_draft(call_id="c-1", text="और एक बात"))
    assert await grievances.for_call("c-1") == [first, another]


async def test_the_same_form_sent_by_two_desks_at_once_is_one_complaint(
    two_desks: tuple[Grievances, Grievances],
) -> None:
    sent = await asyncio.gather(*(desk.register(a_draft(call_id="c-1")) for desk in two_desks * 4))
    assert len({complaint.number for complaint in sent}) == 1
    assert len(await two_desks[0].history(sent[0].number)) == 2


async def test_two_letters_with_the_same_words_are_two_complaints(grievances: Grievances) -> None:
    assert await grievances.register(a_draft()) != await grievances.register(a_draft())


async def test_a_number_that_is_taken_is_drawn_anew(grievances: Grievances, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([SERIALS[7], SERIALS[7], SERIALS[8]])
    monkeypatch.setattr(grievances._rng, "choice", lambda serials: next(draws))
    first, second = await grievances.register(a_draft()), await grievances.register(a_draft())
    assert (first.number, second.number) == (number_for(SERIALS[7]), number_for(SERIALS[8]))


async def test_codes_in_small_letters_and_a_withheld_number_are_taken(grievances: Grievances) -> None:
    complaint = await grievances.register(replace(a_draft(caller=""), category=" ene-02", language="en", kind="demand"))
    assert (complaint.category, complaint.caller, complaint.kind) == ("ENE-02", "", "demand")


async def test_an_unknown_category_or_district_is_refused_with_the_nearest_and_nothing_is_kept(
    grievances: Grievances,
) -> None:
    with pytest.raises(UnknownCategory, match="ENE-02"):
        await grievances.register(a_draft(category="ENE-2"))
    with pytest.raises(UnknownDistrict, match="162"):
        await grievances.register(a_draft(district="Lucknow"))
    with pytest.raises(DraftRefused, match="statement is empty"):
        await grievances.register(a_draft(text=" "))
    assert await grievances.find() == []


# Looking up


async def test_an_unknown_number_and_an_unreadable_one_are_told_apart(grievances: Grievances) -> None:
    with pytest.raises(UnknownComplaint, match="No complaint"):
        await grievances.get(number_for(SERIALS[5]))
    with pytest.raises(UnknownComplaint):
        await grievances.history(number_for(SERIALS[5]))
    with pytest.raises(NumberUnreadable, match="12 digits"):
        await grievances.get("1076")


async def test_status_is_told_to_the_calling_number_only(grievances: Grievances) -> None:
    complaint = await grievances.register(a_draft())
    withheld = await grievances.register(a_draft(caller=""))
    assert await grievances.status_of(complaint.number, "9876543210") == complaint
    assert await grievances.status_of(complaint.number, "9999999999") == NotTold("no_match")
    assert await grievances.status_of(complaint.number, "") == NotTold("no_match")
    assert await grievances.status_of(withheld.number, "") == NotTold("no_match")
    assert await grievances.status_of(number_for(SERIALS[5]), "9876543210") == NotTold("no_match")
    assert await grievances.status_of("123", "9876543210") == NotTold("unreadable")


async def test_newest_comes_first_and_the_limit_is_kept(grievances: Grievances, clock: FixedClock) -> None:
    numbers = []
    for _ in range(3):
        numbers.append((await grievances.register(a_draft())).number)
        clock.move(minutes=1)
    assert [found.number for found in await grievances.find(limit=2)] == numbers[:0:-1]


async def test_a_callers_standing_is_the_highest_level_and_the_newest_agent_of_open_complaints(
    grievances: Grievances, clock: FixedClock
) -> None:
    assert await grievances.standing_of("9876543210") == Standing()
    first = await reported(grievances)
    clock.move(days=1)
    for attempt in ("one", "two"):
        await refuse(grievances, first, attempt)
        await grievances.report(first, by="EE Lucknow", text="फिर से देखा")
    await grievances.register(replace(a_draft(text="दूसरी बात"), agent="1002"))
    clock.move(days=1)
    letter = await grievances.register(replace(a_draft(text="एक पत्र"), agent=None))
    assert await grievances.standing_of("9876543210") == Standing(highest_level=2, last_agent="1002")
    await grievances.feedback(first, satisfied=True, attempt="three", channel="call")
    assert await grievances.standing_of("9876543210") == Standing(highest_level=1, last_agent="1002")
    assert letter.is_open


async def test_a_withheld_number_has_no_standing_even_if_complaints_were_made_from_one(grievances: Grievances) -> None:
    await grievances.register(a_draft(caller=""))
    assert await grievances.standing_of("") == Standing()
    assert await grievances.standing_of("9000000000") == Standing()


# The life of a complaint


async def test_a_whole_life_is_on_record(grievances: Grievances, clock: FixedClock) -> None:
    number = await reported(grievances)
    await refuse(grievances, number, "a-1")
    await grievances.report(number, by="JE Lucknow", text="फिर देखा")
    await refuse(grievances, number, "a-2")
    assert (await grievances.get(number)).level == 2
    await grievances.report(number, by="SDO Lucknow", text="नया लगाया")
    await grievances.feedback_missed(number, attempt="a-3")
    clock.move(hours=3)
    closed = await grievances.feedback(number, satisfied=True, attempt="a-4", channel="call")
    assert (closed.state, closed.level, closed.closed_at) == (State.CLOSED_SATISFIED, 2, clock())
    history = await grievances.history(number)
    assert [event.kind.value for event in history] == [
        *("registered", "assigned", "reported", "dissatisfied_first", "reported", "dissatisfied_again"),
        *("reported", "feedback_missed", "satisfied"),
    ]
    assert [event.attempt for event in history if event.attempt] == ["a-1", "a-2", "a-3", "a-4"]
    assert history[2].text == "ट्रांसफार्मर बदल दिया"


async def test_feedback_of_one_attempt_counts_once_and_the_first_answer_stands(grievances: Grievances) -> None:
    number = await reported(grievances)
    first = await grievances.feedback(number, satisfied=False, attempt="a-1", channel="call")
    assert await grievances.feedback(number, satisfied=False, attempt="a-1", channel="call") == first
    assert await grievances.feedback(number, satisfied=True, attempt="a-1", channel="call") == first
    assert await grievances.feedback_missed(number, attempt="a-1") == first
    assert first.dissatisfied == 1


async def test_a_missed_attempt_told_twice_counts_once(grievances: Grievances) -> None:
    number = await reported(grievances)
    await grievances.feedback_missed(number, attempt="a-1")
    assert (await grievances.feedback_missed(number, attempt="a-1")).missed == 1


async def test_feedback_without_a_report_is_not_allowed_and_leaves_no_trace(grievances: Grievances) -> None:
    complaint = await grievances.register(a_draft())
    with pytest.raises(NotAllowed, match="after the report") as caught:
        await grievances.feedback(complaint.number, satisfied=True, attempt="a-1", channel="call")
    assert caught.value.barred == "no_report_yet"
    assert await grievances.get(complaint.number) == complaint
    assert len(await grievances.history(complaint.number)) == 2


async def test_oldest_report_is_asked_first(grievances: Grievances, clock: FixedClock) -> None:
    waiting = []
    for _ in range(3):
        waiting.append(await reported(grievances))
        clock.move(hours=1)
    await grievances.register(a_draft())
    assert [complaint.number for complaint in await grievances.awaiting_feedback()] == waiting
    assert len(await grievances.awaiting_feedback(limit=1)) == 1


CLOSURE: dict[str, Any] = {
    "by": "SDO Lucknow",
    "level": 2,
    "reason": "in_court",
    "text": "वाद लम्बित",
    "report": "वाद सं. 12/2026",
}


async def test_special_closure_records_who_why_and_the_report(grievances: Grievances, clock: FixedClock) -> None:
    complaint = await grievances.register(a_draft())
    with pytest.raises(NotAllowed, match="L1 never closes"):
        await grievances.propose_closure(complaint.number, **CLOSURE)
    await grievances.sweep(clock.move(days=30))
    proposed = await grievances.propose_closure(complaint.number, **CLOSURE)
    assert (proposed.state, proposed.proposed_by) == (State.CLOSURE_PROPOSED, "SDO Lucknow")
    with pytest.raises(NotAllowed, match="Someone other"):
        await grievances.approve_closure(complaint.number, by=" sdo  LUCKNOW", level=3)
    closed = await grievances.approve_closure(complaint.number, by="DM Lucknow", level=3)
    assert (closed.state, closed.proposed_reason) == (State.CLOSED_SPECIALLY, "in_court")
    proposal, approval = (await grievances.history(complaint.number))[-2:]
    assert (proposal.by, proposal.reason, proposal.text, proposal.report, proposal.by_level) == (
        *("SDO Lucknow", "in_court", "वाद लम्बित", "वाद सं. 12/2026", 2),
    )
    assert (approval.by, approval.by_level) == ("DM Lucknow", 3)
    again = await grievances.object(complaint.number, text="मैं सहमत नहीं", channel="call")
    assert (again.state, again.level) == (State.ESCALATED, 3)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reason": "tired"}, "one of in_court, against_rules"),
        ({"text": ""}, "explanation is empty"),
        ({"report": " "}, "report is empty"),
        ({"by": "x" * 121}, "name of who did it"),
        ({"by": " "}, "Who proposes it"),
        ({"level": 5}, "1, 2, 3 or 4"),
        ({"reason": "never_reached"}, "Never reached is a reason only"),
    ],
)
async def test_a_proposal_without_its_papers_is_refused(
    grievances: Grievances, clock: FixedClock, changes: dict[str, Any], told: str
) -> None:
    complaint = await grievances.register(a_draft())
    await grievances.sweep(clock.move(days=30))
    with pytest.raises(DraftRefused, match=told):
        await grievances.propose_closure(complaint.number, **CLOSURE | changes)


async def test_an_attempt_without_an_id_and_an_empty_report_are_refused(grievances: Grievances) -> None:
    number = await reported(grievances)
    with pytest.raises(DraftRefused, match="attempt's id is empty"):
        await grievances.feedback(number, satisfied=True, attempt=" ", channel="call")
    with pytest.raises(DraftRefused, match="report is empty"):
        await grievances.report(number, by="JE", text="")


# Voice messages, refusals, logs


async def test_a_voice_message_filed_twice_is_one(two_desks: tuple[Grievances, Grievances]) -> None:
    path = Path("recordings/lifeline/1.wav")
    filed = await asyncio.gather(
        *(desk.file_voice_message(path, caller="9876543210", taken_at=NOON) for desk in two_desks * 3)
    )
    earlier = await two_desks[0].file_voice_message(Path("2.wav"), caller="", taken_at=NOON - timedelta(days=1))
    assert {message.id for message in filed} == {filed[0].id}
    assert await two_desks[0].voice_messages() == [earlier, filed[0]]


async def test_refusals_are_counted_by_matter(grievances: Grievances, clock: FixedClock) -> None:
    await grievances.count_refusal("rti", "9876543210")
    await grievances.count_refusal("rti", "")
    later = clock.move(hours=1)
    await grievances.count_refusal("court", "")
    counts = {"rti": 2, "court": 1, "other_state": 0, "centre": 0, "service_matter": 0}
    assert await grievances.refusal_counts() == counts
    assert sum((await grievances.refusal_counts(since=later)).values()) == 1
    with pytest.raises(UnknownMatter, match="rti, court"):
        await grievances.count_refusal("weather", "")


async def test_no_log_line_holds_a_number_a_name_or_words_of_people(
    grievances: Grievances, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="grievance_core")
    number = await reported(grievances)
    await refuse(grievances, number, "a-1")
    await grievances.sweep(clock.move(days=30))
    draft = a_draft()
    assert caplog.records
    for record in caplog.records:
        public = {key: value for key, value in vars(record).items() if not key.startswith("pii_")}
        assert not any(private in str(public) for private in (draft.caller, draft.name, draft.text, "बदल दिया"))


async def test_the_life_cycle_can_be_printed_from_the_service(grievances: Grievances) -> None:
    assert len(grievances.lifecycle_table()) == len(State) * len(EventKind)
