"""What a feedback call came to goes into the complaint's life: the citizen's own answer, and nothing else, moves it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

import outbound_dialer.store
from grievance_core.catalogue import Catalogue
from grievance_core.complaint import Complaint
from grievance_core.errors import StoreBusy, UnknownComplaint
from grievance_core.lifecycle import State
from grievance_core.rules import SECOND_CALL_HOURS, Policy
from grievance_core.rules import Rules as ComplaintRules
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, a_draft, memory_grievances
from helpline.feedback import DISSATISFIED, SATISFIED, FeedbackCalls, FeedbackSurvey, contact_of
from outbound_dialer.attempt import Attempt, AttemptId, written
from outbound_dialer.outcomes import Disposition
from outbound_dialer.reporting import Outcome
from outbound_dialer.rules import Rules, Window
from outbound_dialer.service import Dialer, DialerSettings
from outbound_dialer.testing import Behaviour, FakeLink

pytestmark = pytest.mark.unit

CATALOGUE = Catalogue.shipped()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def grievances(clock: FixedClock) -> AsyncIterator[Grievances]:
    async with memory_grievances(clock=clock, catalogue=CATALOGUE) as service:
        yield service


@pytest.fixture
def calls(grievances: Grievances) -> FeedbackCalls:
    return FeedbackCalls(grievances)


async def reported(grievances: Grievances, caller: str = "9876543210") -> Complaint:
    """A complaint whose citizen is to be asked."""
    complaint = await grievances.register(a_draft(caller=caller))
    return await grievances.report(complaint.number, by="JE Lucknow", text="ट्रांसफार्मर बदल दिया")


def attempt_about(complaint: Complaint, clock: FixedClock, id: str = "dial-1") -> Attempt:
    return written(contact_of(complaint), attempt_id=AttemptId(id), campaign="feedback", at=clock())


def outcome(
    attempt: Attempt, disposition: Disposition = Disposition.ANSWERED, *, result: str = "", round_over: bool = False
) -> Outcome:
    retry_at = None if disposition is Disposition.ANSWERED else attempt.written_at + timedelta(hours=4)
    return Outcome(attempt=attempt, disposition=disposition, result=result, round_over=round_over, retry_at=retry_at)


async def kinds(grievances: Grievances, complaint: Complaint) -> list[str]:
    return [event.kind.value for event in await grievances.history(complaint.number)]


# -- whom the dialer is to ring


async def test_those_who_await_feedback_are_due_the_oldest_report_first(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    first = await reported(grievances, "9876500001")
    clock.move(minutes=1)
    second = await reported(grievances, "9876500002")
    await grievances.register(a_draft(caller="9876500003"))
    assert [contact.number for contact in await calls.due(10, clock())] == ["9876500001", "9876500002"]
    (contact,) = await calls.due(1, clock())
    assert dict(contact.context) == {"complaint": first.number}
    assert contact.language == first.language
    assert second.number not in contact.key


async def test_whoever_has_answered_is_due_no_more(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    await calls.take(outcome(attempt_about(complaint, clock), result=SATISFIED))
    assert await calls.due(10, clock()) == []


async def test_a_new_report_is_a_new_matter_whose_tries_are_counted_anew(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    (before,) = await calls.due(10, clock())
    assert (await calls.due(10, clock()))[0].key == before.key
    await calls.take(outcome(attempt_about(complaint, clock), result=DISSATISFIED))
    clock.move(hours=1)
    await grievances.report(complaint.number, by="JE Lucknow", text="फिर से ठीक किया")
    (after,) = await calls.due(10, clock())
    assert after.key != before.key
    assert after.context == before.context


async def closed_and_drawn(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock, complaint: Complaint | None = None
) -> Complaint:
    """One who was satisfied and whose second call is due."""
    complaint = complaint or await reported(grievances)
    await calls.take(outcome(attempt_about(complaint, clock, "first"), result=SATISFIED))
    clock.move(hours=SECOND_CALL_HOURS[1])
    return await grievances.get(complaint.number)


@pytest.fixture
async def drawing(clock: FixedClock) -> AsyncIterator[Grievances]:
    """A grievance core that rings everybody a second time."""
    rules = replace(ComplaintRules.shipped(CATALOGUE), policy=Policy(second_calls=1.0))
    async with memory_grievances(clock=clock, catalogue=CATALOGUE, rules=rules) as service:
        yield service


@pytest.mark.parametrize(
    ("result", "over", "kind", "reason"),
    [
        (SATISFIED, False, "second_feedback", "satisfied"),
        (DISSATISFIED, False, "second_feedback", "dissatisfied"),
        ("", True, "second_call_missed", ""),
        ("", False, "satisfied", ""),
    ],
)
async def test_a_second_call_is_a_contact_like_any_other_and_its_answer_is_kept_once_beside_the_first(
    drawing: Grievances, clock: FixedClock, result: str, over: bool, kind: str, reason: str
) -> None:
    calls = FeedbackCalls(drawing)
    complaint = await closed_and_drawn(drawing, calls, clock)
    (contact,) = await calls.due(10, clock())
    assert set(contact.context) == {"complaint"}
    for _ in range(2):
        await calls.take(outcome(attempt_about(complaint, clock, "second"), result=result, round_over=over))
    history = await drawing.history(complaint.number)
    assert (history[-1].kind.value, history[-1].reason) == (kind, reason)
    assert [event.kind.value for event in history].count(kind) == 1
    assert (await drawing.get(complaint.number)).state is State.CLOSED_SATISFIED
    assert len(await calls.due(10, clock())) == (kind == "satisfied")


@pytest.mark.parametrize(("result", "over"), [(SATISFIED, False), (DISSATISFIED, False), ("", True)])
async def test_a_first_call_that_ends_after_the_draw_is_no_second_call(
    drawing: Grievances, clock: FixedClock, result: str, over: bool
) -> None:
    calls = FeedbackCalls(drawing)
    complaint = await reported(drawing)
    late = attempt_about(complaint, clock, "late")
    await drawing.feedback(complaint.number, satisfied=True, attempt="dialled_in:1", channel="dialled_in")
    assert await survey_of(KnownAttempts({"late": late}), drawing).question("late") is None
    await calls.take(outcome(late, result=result, round_over=over))
    assert await kinds(drawing, complaint) == ["registered", "assigned", "reported", "satisfied"]
    clock.move(hours=SECOND_CALL_HOURS[1])
    (second,) = await calls.due(10, clock())
    assert second.key != late.contact


async def test_a_second_call_asks_the_same_question(drawing: Grievances, clock: FixedClock) -> None:
    complaint = await reported(drawing)
    first = attempt_about(complaint, clock, "first")
    before = await survey_of(KnownAttempts({"first": first}), drawing).question("first")
    complaint = await closed_and_drawn(drawing, FeedbackCalls(drawing), clock, complaint)
    second = attempt_about(complaint, clock, "second")
    assert before is not None
    assert await survey_of(KnownAttempts({"second": second}), drawing).question("second") == before


async def test_a_withheld_number_is_named_too_so_that_the_dialer_records_why_nobody_is_rung(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    await reported(grievances, "")
    assert [contact.number for contact in await calls.due(10, clock())] == [""]


# -- what an outcome does


async def test_a_satisfied_citizen_closes_the_complaint(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    await calls.take(outcome(attempt_about(complaint, clock), result=SATISFIED))
    assert (await grievances.get(complaint.number)).state is State.CLOSED_SATISFIED
    last = (await grievances.history(complaint.number))[-1]
    assert (last.by, last.channel, last.attempt) == ("citizen", "feedback_call", "dial-1")


async def test_a_dissatisfied_citizen_sends_it_back_and_then_up_but_never_closes_it(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    await calls.take(outcome(attempt_about(complaint, clock, "dial-1"), result=DISSATISFIED))
    back = await grievances.get(complaint.number)
    assert (back.state, back.level) == (State.UNDER_REVIEW, 1)
    complaint = await grievances.report(complaint.number, by="JE Lucknow", text="फिर से ठीक किया")
    await calls.take(outcome(attempt_about(complaint, clock, "dial-2"), result=DISSATISFIED))
    risen = await grievances.get(complaint.number)
    assert (risen.state, risen.level) == (State.ESCALATED, 2)


NOT_ANSWERED = [disposition for disposition in Disposition if disposition is not Disposition.ANSWERED]


@pytest.mark.parametrize("disposition", NOT_ANSWERED)
async def test_a_call_that_brought_no_answer_changes_nothing_while_more_tries_follow(
    disposition: Disposition, grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    await calls.take(outcome(attempt_about(complaint, clock), disposition))
    assert await grievances.get(complaint.number) == complaint


@pytest.mark.parametrize("disposition", NOT_ANSWERED)
async def test_not_reached_is_counted_when_the_round_is_over_and_never_closes(
    disposition: Disposition, grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    for round_ in range(1, 4):
        attempt = attempt_about(complaint, clock, f"dial-{round_}")
        await calls.take(outcome(attempt, disposition, round_over=True))
        asked = await grievances.get(complaint.number)
        assert (asked.state, asked.missed, asked.dissatisfied) == (State.AWAITING_FEEDBACK, round_, 0)
    assert await calls.due(10, clock()) == []  # at a lower rhythm from now on
    (contact,) = await calls.due(10, clock.move(days=3))
    assert contact.context["complaint"] == complaint.number
    assert contact.key != contact_of(complaint).key  # a round of its own: its tries are counted anew


@pytest.mark.parametrize("result", ["", "perhaps"])
async def test_a_result_that_is_no_answer_is_no_feedback(
    result: str, grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    await calls.take(outcome(attempt_about(complaint, clock), result=result))
    assert (await grievances.get(complaint.number)).state is State.AWAITING_FEEDBACK


@pytest.mark.parametrize(
    ("result", "disposition", "round_over"),
    [
        pytest.param(SATISFIED, Disposition.ANSWERED, False, id="satisfied"),
        pytest.param(DISSATISFIED, Disposition.ANSWERED, False, id="dissatisfied"),
        pytest.param("", Disposition.BUSY, True, id="not reached"),
    ],
)
async def test_the_same_outcome_handed_over_again_is_taken_once(
    result: str,
    disposition: Disposition,
    round_over: bool,
    grievances: Grievances,
    calls: FeedbackCalls,
    clock: FixedClock,
) -> None:
    complaint = await reported(grievances)
    same = outcome(attempt_about(complaint, clock), disposition, result=result, round_over=round_over)
    await calls.take(same)
    once, told = await grievances.get(complaint.number), await kinds(grievances, complaint)
    await calls.take(same)
    await asyncio.gather(calls.take(same), calls.take(same))
    assert await grievances.get(complaint.number) == once
    assert await kinds(grievances, complaint) == told


@pytest.mark.parametrize(
    ("result", "disposition"), [(SATISFIED, Disposition.ANSWERED), (DISSATISFIED, Disposition.ANSWERED)]
)
async def test_an_answer_that_comes_too_late_is_logged_and_does_not_overturn_what_stands(
    result: str,
    disposition: Disposition,
    grievances: Grievances,
    calls: FeedbackCalls,
    clock: FixedClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    complaint = await reported(grievances)
    await grievances.feedback(complaint.number, satisfied=True, attempt="dialled_in:1", channel="dialled_in")
    stands, told = await grievances.get(complaint.number), await kinds(grievances, complaint)
    with caplog.at_level(logging.INFO, "helpline.feedback"):
        await calls.take(outcome(attempt_about(complaint, clock), disposition, result=result))
    assert await grievances.get(complaint.number) == stands
    assert await kinds(grievances, complaint) == told
    (record,) = [record for record in caplog.records if record.name == "helpline.feedback"]
    assert (vars(record)["action"], vars(record)["complaint"]) == ("feedback_late", complaint.number)


async def test_a_round_that_is_over_too_late_is_logged_only(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    await grievances.feedback(complaint.number, satisfied=False, attempt="dialled_in:1", channel="dialled_in")
    stands = await grievances.get(complaint.number)
    await calls.take(outcome(attempt_about(complaint, clock), Disposition.NO_ANSWER, round_over=True))
    assert await grievances.get(complaint.number) == stands


async def test_a_database_that_is_busy_is_told_to_the_dialer_which_hands_the_outcome_over_again(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = await reported(grievances)
    same = outcome(attempt_about(complaint, clock), result=SATISFIED)

    async def busy(*_: object, **__: object) -> Complaint:
        raise StoreBusy("The database is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(grievances, "feedback", busy)
        with pytest.raises(StoreBusy):
            await calls.take(same)
    await calls.take(same)
    assert (await grievances.get(complaint.number)).state is State.CLOSED_SATISFIED


# -- what the flow of a feedback call is told


@dataclass
class KnownAttempts:
    """The dialer as the survey sees it: attempts by call, and what they were finished with."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    finished: list[tuple[str, str]] = field(default_factory=list)

    async def attempt_for(self, call_id: str) -> Attempt | None:
        return self.attempts.get(call_id)

    async def finish(self, attempt_id: str, result: str) -> bool:
        self.finished.append((attempt_id, result))
        return len(self.finished) == 1


def survey_of(dialer: KnownAttempts, grievances: Grievances) -> FeedbackSurvey:
    return FeedbackSurvey(cast("Dialer", dialer), grievances)


async def test_the_flow_is_told_the_complaint_and_the_language_of_its_call(
    grievances: Grievances, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    dialer = KnownAttempts({"dial-1": attempt_about(complaint, clock)})
    question = await survey_of(dialer, grievances).question("dial-1")
    assert question is not None
    assert (question.number, question.language) == (complaint.number, complaint.language)


async def test_there_is_nothing_to_ask_once_the_citizen_has_answered_elsewhere(
    grievances: Grievances, clock: FixedClock
) -> None:
    complaint = await reported(grievances)
    dialer = KnownAttempts({"dial-1": attempt_about(complaint, clock)})
    await grievances.feedback(complaint.number, satisfied=True, attempt="dialled_in:1", channel="dialled_in")
    assert await survey_of(dialer, grievances).question("dial-1") is None


async def test_a_call_that_is_none_of_the_dialers_has_no_question_and_keeps_no_answer(grievances: Grievances) -> None:
    dialer = KnownAttempts()
    survey = survey_of(dialer, grievances)
    assert await survey.question("1700000000.1") is None
    assert not await survey.finish("1700000000.1", SATISFIED)
    assert dialer.finished == []


async def test_an_answer_is_kept_once_and_a_second_one_is_told_apart(grievances: Grievances, clock: FixedClock) -> None:
    complaint = await reported(grievances)
    survey = survey_of(KnownAttempts({"dial-1": attempt_about(complaint, clock)}), grievances)
    assert await survey.finish("dial-1", SATISFIED)
    assert not await survey.finish("dial-1", DISSATISFIED)


async def test_a_complaint_that_is_gone_from_the_database_is_told(grievances: Grievances, clock: FixedClock) -> None:
    complaint = await reported(grievances)
    async with memory_grievances(catalogue=CATALOGUE) as other:
        dialer = KnownAttempts({"dial-1": attempt_about(complaint, clock)})
        with pytest.raises(UnknownComplaint):
            await survey_of(dialer, other).question("dial-1")


# -- put together with the real dialer


async def test_a_report_leads_to_a_call_whose_answer_closes_the_complaint_and_to_no_second_call(
    grievances: Grievances, calls: FeedbackCalls, clock: FixedClock, tmp_path: Path
) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'dialer.sqlite3'}")
    async with engine.begin() as connection:
        await connection.run_sync(outbound_dialer.store.metadata.create_all)
    link = FakeLink(other=Behaviour(seconds=0.0, answers=True))
    dialer = Dialer(
        async_sessionmaker(engine, expire_on_commit=False),
        link,
        calls,
        clock=clock,
        settings=DialerSettings(rules=Rules(window=Window(zone=ZoneInfo("Asia/Kolkata"))), caller_id="1600221076"),
        on_outcome=calls.take,
    )
    survey = FeedbackSurvey(dialer, grievances)
    complaint = await reported(grievances)
    await dialer.start()
    try:
        async with asyncio.timeout(10):
            while not dialer.open_attempts:
                await asyncio.sleep(0.001)
            call_id = dialer.open_attempts[0].id
            question = await survey.question(call_id)
            assert question is not None
            assert question.number == complaint.number
            assert await survey.finish(call_id, SATISFIED)
            while (await grievances.get(complaint.number)).state is not State.CLOSED_SATISFIED:
                await asyncio.sleep(0.001)
            link.hang_up(call_id)
            while dialer.open_attempts:
                await asyncio.sleep(0.001)
        dialer.kick()
        await asyncio.sleep(0.02)
        assert link.numbers() == [complaint.caller]
    finally:
        await dialer.stop()
        await link.close()
        await engine.dispose()
