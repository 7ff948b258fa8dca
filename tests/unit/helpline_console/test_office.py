from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from grievance_core.complaint import Complaint
from grievance_core.lifecycle import State
from grievance_core.testing import a_draft
from tests.unit.helpline_console.stand_ins import OFFICE_CODE, House

pytestmark = pytest.mark.unit

CLOSURE = {
    "level": "2",
    "reason": "found_untrue",
    "explanation": "Two neighbours say otherwise",
    "report": "Seen on the spot",
}


async def escalated(house: House) -> Complaint:
    """A complaint that L1 let run out of time."""
    complaint = await house.grievances.register(a_draft())
    assert complaint.due_at is not None
    house.clock.now = complaint.due_at + timedelta(minutes=1)
    await house.grievances.sweep(house.clock())
    return await house.grievances.get(complaint.number)


async def test_the_office_wants_its_code_and_a_name(house: House) -> None:
    assert "/office/sign-in" in (await house.web.get("/office")).text
    nameless = await house.web.post("/office/sign-in", data={"name": " ", "code": OFFICE_CODE})
    assert (nameless.status_code, "name and post" in nameless.text) == (422, True)
    wrong = await house.web.post("/office/sign-in", data={"name": "X", "code": "guess"})
    assert (wrong.status_code, "not the office code" in wrong.text) == (403, True)


async def test_five_wrong_codes_close_the_door_for_a_while_even_to_the_right_one(house: House) -> None:
    for _ in range(5):
        await house.web.post("/office/sign-in", data={"name": "X", "code": "guess"})
    answer = await house.web.post("/office/sign-in", data={"name": "X", "code": OFFICE_CODE})
    assert answer.status_code == 429
    assert set(house.redis.expires.values()) == {300}


async def test_an_empty_office_code_opens_to_nobody(house: House) -> None:
    answer = await house.web.post("/office/sign-in", data={"name": "X", "code": ""})
    assert answer.status_code == 403


async def test_the_list_is_oldest_due_first_and_marks_what_is_late(house: House) -> None:
    later = await house.grievances.register(a_draft(category="HOM-02", text="a"))
    sooner = await house.grievances.register(a_draft(category="HOM-01", text="b"))
    await house.in_the_office()
    page = (await house.web.get("/office")).text
    assert page.index(f"/{sooner.number}") < page.index(f"/{later.number}")
    assert 'class="late"' not in page
    house.clock.move(days=4)
    assert (await house.web.get("/office")).text.count('class="late"') == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("district=162", 1),
        ("district=118&department=HOM", 1),
        ("district=162&department=HOM", 0),
        ("level=1", 2),
        ("level=2", 0),
        ("level=nine", 2),
    ],
)
async def test_the_list_can_be_narrowed(house: House, query: str, found: int) -> None:
    await house.grievances.register(a_draft())
    await house.grievances.register(a_draft(category="HOM-01", district="118", text="b"))
    await house.in_the_office()
    page = (await house.web.get(f"/office?{query}")).text
    assert page.count('<th scope="row">') == found


async def test_an_unknown_district_is_told(house: House) -> None:
    await house.in_the_office()
    answer = await house.web.get("/office?district=9999")
    assert answer.status_code == 422
    assert "There is no district" in answer.text


@pytest.mark.parametrize(("answer", "recorded"), [("yes", "visited"), ("no", "not_visited"), ("", ""), ("perhaps", "")])
async def test_a_report_records_whether_somebody_was_on_the_spot(house: House, answer: str, recorded: str) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    form = {"text": "The transformer was replaced", "visited": answer}
    await house.web.post(f"/office/complaints/{complaint.number}/report", data=form)
    assert (await house.grievances.history(complaint.number))[-1].reason == recorded


async def test_a_refused_report_keeps_what_was_said_of_the_visit(house: House) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    answer = await house.web.post(f"/office/complaints/{complaint.number}/report", data={"text": "", "visited": "no"})
    assert answer.status_code == 422
    assert '<option value="no" selected>' in answer.text


async def test_a_report_is_put_on_record_and_feedback_begins_at_once(house: House) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    answer = await house.web.post(
        f"/office/complaints/{complaint.number}/report", data={"text": "The transformer was replaced"}
    )
    assert answer.status_code == 303
    assert (await house.grievances.get(complaint.number)).state is State.AWAITING_FEEDBACK
    assert house.kicks == 1
    page = (await house.web.get(answer.headers["location"])).text
    assert "The transformer was replaced" in page
    assert "Executive Engineer" in page
    assert "/report" not in page


async def test_an_empty_report_and_a_second_report_are_told(house: House) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    path = f"/office/complaints/{complaint.number}/report"
    empty = await house.web.post(path, data={"text": ""})
    assert (empty.status_code, "The report is empty" in empty.text) == (422, True)
    await house.web.post(path, data={"text": "done"})
    again = await house.web.post(path, data={"text": "done again"})
    assert (again.status_code, "reported already" in again.text) == (409, True)


async def test_the_officer_is_not_told_who_complains_in_confidence(house: House) -> None:
    complaint = await house.grievances.register(replace(a_draft(), confidential=True))
    await house.in_the_office()
    for page in ("/office", f"/office/complaints/{complaint.number}"):
        text = (await house.web.get(page)).text
        assert complaint.number[:3] in text
        assert not any(private in text for private in (complaint.caller, complaint.name))
    assert complaint.text in text


async def test_the_officer_does_not_read_who_said_they_were_pressed(house: House) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.grievances.pressed(complaint.number, channel="desk", text="They came to my house")
    await house.in_the_office()
    page = (await house.web.get(f"/office/complaints/{complaint.number}")).text
    assert "assigned" in page
    assert "pressed" not in page
    assert "They came" not in page


async def test_level_1_is_offered_no_special_closure_and_is_refused_one(house: House) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    path = f"/office/complaints/{complaint.number}"
    assert "/close" not in (await house.web.get(path)).text
    answer = await house.web.post(f"{path}/close", data=CLOSURE)
    assert (answer.status_code, "L1 never closes specially" in answer.text) == (409, True)


async def test_level_2_proposes_to_close_with_the_reason_on_record(house: House) -> None:
    complaint = await escalated(house)
    await house.in_the_office()
    path = f"/office/complaints/{complaint.number}"
    assert f'action="{path}/close"' in (await house.web.get(path)).text
    assert (await house.web.post(f"{path}/close", data=CLOSURE)).status_code == 303
    assert (await house.grievances.get(complaint.number)).state is State.CLOSURE_PROPOSED
    assert "found untrue: Two neighbours say otherwise" in (await house.web.get(path)).text


async def proposed(house: House) -> str:
    """The page of a complaint that another officer would close."""
    complaint = await escalated(house)
    papers = {"reason": "in_court", "text": "x", "report": "y"}
    await house.grievances.propose_closure(complaint.number, by="SDO, Lucknow", level=2, **papers)
    await house.in_the_office()
    return f"/office/complaints/{complaint.number}"


async def test_a_second_person_approves_what_was_proposed(house: House) -> None:
    path = await proposed(house)
    page = (await house.web.get(path)).text
    assert f'action="{path}/decide"' in page
    assert f'action="{path}/close"' not in page
    low = await house.web.post(f"{path}/decide", data={"level": "2", "decision": "approve"})
    assert (low.status_code, "A higher level" in low.text) == (409, True)
    assert (await house.web.post(f"{path}/decide", data={"level": "3", "decision": "approve"})).status_code == 303
    assert (await house.grievances.get(path[-12:])).state is State.CLOSED_SPECIALLY


async def test_or_declines_it_with_a_reason(house: House) -> None:
    path = await proposed(house)
    empty = await house.web.post(f"{path}/decide", data={"level": "3", "decision": "decline"})
    assert (empty.status_code, "The reason is empty" in empty.text) == (422, True)
    data = {"level": "3", "decision": "decline", "text": "Do the work"}
    assert (await house.web.post(f"{path}/decide", data=data)).status_code == 303
    assert (await house.grievances.get(path[-12:])).state is State.UNDER_REVIEW


async def test_who_proposed_it_does_not_decide(house: House) -> None:
    complaint = await escalated(house)
    await house.in_the_office()
    path = f"/office/complaints/{complaint.number}"
    await house.web.post(f"{path}/close", data=CLOSURE)
    answer = await house.web.post(f"{path}/decide", data={"level": "4", "decision": "approve"})
    assert (answer.status_code, "Someone other" in answer.text) == (409, True)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("reason", "", "The reason must be one of"),
        ("explanation", "", "The explanation is empty"),
        ("report", "", "The report is empty"),
        ("level", "²", "level must be"),
        ("level", "7", "level must be"),
    ],
)
async def test_a_closure_with_a_fault_comes_back_as_it_was_typed(
    house: House, field: str, value: str, said: str
) -> None:
    complaint = await escalated(house)
    await house.in_the_office()
    answer = await house.web.post(f"/office/complaints/{complaint.number}/close", data=CLOSURE | {field: value})
    assert answer.status_code == 422
    assert said in answer.text
    if field != "explanation":
        assert "Two neighbours say otherwise" in answer.text


async def test_a_question_is_put_on_record_and_the_citizen_is_rung_at_once(house: House) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    path = f"/office/complaints/{complaint.number}"
    assert (await house.web.post(f"{path}/ask", data={"question": "Which pole?"})).status_code == 303
    assert (await house.grievances.get(complaint.number)).question_at is not None
    assert house.kicks == 1
    page = (await house.web.get(path)).text
    assert "Which pole?" in page
    assert f'action="{path}/ask"' not in page
    again = await house.web.post(f"{path}/ask", data={"question": "Which village?"})
    assert (again.status_code, "Wait for the answer" in again.text) == (409, True)


async def test_the_third_transfer_is_left_to_the_supervisor_and_the_due_time_stays(house: House) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    path = f"/office/complaints/{complaint.number}"
    for category in ("HOM-01", "REV-01"):
        data = {"category": category, "transfer_reason": "Not ours"}
        assert (await house.web.post(f"{path}/transfer", data=data)).status_code == 303
    moved = await house.grievances.get(complaint.number)
    assert (moved.category, moved.due_at) == ("REV-01", complaint.due_at)
    third = await house.web.post(f"{path}/transfer", data={"category": "HOM-02", "transfer_reason": "Theirs, not ours"})
    assert (third.status_code, "A supervisor decides" in third.text) == (409, True)
    assert "Theirs, not ours</textarea>" in third.text
    assert '<option value="HOM-02" selected>' in third.text


@pytest.mark.parametrize(
    ("category", "reason", "said"),
    [
        ("HOM-99", "Not ours", "There is no category"),
        ("", "Not ours", "There is no category"),
        ("HOM-01", "", "The reason is empty"),
    ],
)
async def test_a_transfer_with_a_fault_moves_nothing(house: House, category: str, reason: str, said: str) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    data = {"category": category, "transfer_reason": reason}
    answer = await house.web.post(f"/office/complaints/{complaint.number}/transfer", data=data)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert (await house.grievances.get(complaint.number)).category == complaint.category


async def test_more_time_is_granted_once_by_a_higher_level(house: House) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    path = f"/office/complaints/{complaint.number}"
    grant = {"level": "2", "days": "3", "extension_reason": "The laboratory's report is due"}
    own = await house.web.post(f"{path}/extend", data=grant | {"level": "1"})
    assert (own.status_code, "Ask your superior" in own.text) == (409, True)
    assert (await house.web.post(f"{path}/extend", data=grant)).status_code == 303
    longer = await house.grievances.get(complaint.number)
    assert longer.due_at is not None
    assert complaint.due_at is not None
    assert longer.due_at > complaint.due_at
    again = await house.web.post(f"{path}/extend", data=grant)
    assert (again.status_code, "extended already" in again.text) == (409, True)


@pytest.mark.parametrize("days", ["", "0", "-1", "16", "²", "three", "9999"])
async def test_an_extension_of_no_length_is_told_and_keeps_its_reason(house: House, days: str) -> None:
    complaint = await house.grievances.register(a_draft())
    await house.in_the_office()
    grant = {"level": "2", "days": days, "extension_reason": "The laboratory's report is due"}
    answer = await house.web.post(f"/office/complaints/{complaint.number}/extend", data=grant)
    assert (answer.status_code, "1 to 15 days" in answer.text) == (422, True)
    assert "report is due</textarea>" in answer.text


async def test_a_proposed_closure_is_not_transferred(house: House) -> None:
    path = await proposed(house)
    assert f'action="{path}/transfer"' not in (await house.web.get(path)).text
    answer = await house.web.post(f"{path}/transfer", data={"category": "HOM-01", "transfer_reason": "x"})
    assert answer.status_code == 409


@pytest.mark.parametrize("path", ["", "/report", "/ask", "/transfer", "/extend", "/close", "/decide"])
async def test_nothing_of_a_complaint_is_shown_or_done_without_the_code(house: House, path: str) -> None:
    complaint = await house.grievances.register(a_draft())
    url = f"/office/complaints/{complaint.number}{path}"
    answer = await (house.web.post(url, data=CLOSURE) if path else house.web.get(url))
    assert answer.status_code == 403
    assert complaint.text not in answer.text


async def test_a_desk_session_is_no_office_session(house: House) -> None:
    await house.at_the_desk()
    house.web.cookies.set("helpline_office", house.web.cookies["helpline_desk"], path="/office")
    assert "/office/sign-in" in (await house.web.get("/office")).text


async def test_signing_out_of_the_office_ends_the_session(house: House) -> None:
    await house.in_the_office()
    await house.web.post("/office/sign-out")
    assert house.redis.kept == {}
