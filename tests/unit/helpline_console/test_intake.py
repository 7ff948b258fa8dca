"""The desk's form: what an agent is offered before registering, the cap, refusals and marks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grievance_core.complaint import Complaint
from grievance_core.lifecycle import EventKind, State
from grievance_core.rules import Policy
from grievance_core.testing import a_draft
from tests.unit.helpline_console.stand_ins import House
from tests.unit.helpline_console.test_desk import FORM

pytestmark = pytest.mark.service

NEW = FORM | {"caller": "9000000000", "call_id": "call-9"}


async def sent(house: House, **more: str) -> str:
    answer = await house.web.post("/desk/complaints", data=NEW | more, follow_redirects=True)
    return answer.text


async def known(house: House, **more: str) -> Complaint:
    await house.at_the_desk()
    return await house.grievances.register(a_draft(text="गाँव का ट्रांसफार्मर जला है", **more))


async def test_the_same_trouble_is_offered_and_nothing_is_registered_yet(house: House) -> None:
    there = await known(house)
    said = await sent(house)
    assert f'value="merge:{there.number}"' in said
    assert 'value="anyway"' in said
    assert "राम लाल" in said  # what was typed
    assert await house.grievances.find() == [there]


async def test_the_agent_joins_them(house: House) -> None:
    there = await known(house)
    await sent(house, choice=f"merge:{there.number}")
    [mine] = await house.grievances.for_call("call-9")
    assert (mine.state, mine.parent) == (State.MERGED, there.number)


async def test_or_registers_all_the_same(house: House) -> None:
    await known(house)
    said = await sent(house, choice="anyway")
    [mine] = await house.grievances.for_call("call-9")
    assert (mine.state, mine.parent) == (State.WITH_OFFICER, None)
    assert f"<output>{mine.pin}</output>" in said


async def test_a_callers_own_is_noted_as_a_reminder(house: House) -> None:
    there = await known(house, caller="9000000000")
    assert f'value="remind:{there.number}"' in await sent(house)
    assert "Noted as a reminder" in await sent(house, choice=f"remind:{there.number}")
    last = (await house.grievances.history(there.number))[-1]
    assert (last.kind, last.by) == (EventKind.REMINDED, "1001")
    assert await house.grievances.for_call("call-9") == []


async def test_beyond_the_cap_a_supervisor_allows_it(house: House) -> None:
    await known(house, caller="9000000000", category="HOM-01")
    house.grievances._rules = replace(house.grievances.rules, policy=Policy(cap_per_month=1))
    said = await sent(house)
    assert "as many complaints this month" in said
    assert 'name="allowed_by"' in said
    await sent(house, choice="anyway", allowed_by="Supervisor Rao")
    [mine] = await house.grievances.for_call("call-9")
    assert (await house.grievances.history(mine.number))[-1].by == "Supervisor Rao"


async def test_an_officers_question_is_answered_on_the_complaints_page(house: House) -> None:
    there = await known(house)
    path = f"/desk/complaints/{there.number}"
    assert "/reply" not in (await house.web.get(path)).text
    await house.grievances.ask_citizen(there.number, by="JE", text="कौन सा गाँव")
    page = (await house.web.get(path)).text
    assert "कौन सा गाँव" in page
    assert f'action="{path}/reply"' in page
    assert (await house.web.post(f"{path}/reply", data={"reply": " "})).status_code == 422
    assert (await house.web.post(f"{path}/reply", data={"reply": "रामपुर"})).status_code == 303
    assert (await house.grievances.get(there.number)).question_at is None
    last = (await house.grievances.history(there.number))[-1]
    assert (last.text, last.by) == ("रामपुर", "citizen, noted by 1001")
    again = await house.web.post(f"{path}/reply", data={"reply": "रामपुर"})
    assert (again.status_code, "No question" in again.text) == (409, True)


async def test_pressure_on_a_citizen_is_noted_and_moves_nothing(house: House) -> None:
    there = await known(house)
    path = f"/desk/complaints/{there.number}"
    assert (await house.web.post(f"{path}/pressed", data={"pressure": "घर आए"})).status_code == 303
    last = (await house.grievances.history(there.number))[-1]
    assert (last.kind, last.text) == (EventKind.PRESSED, "घर आए")
    assert (await house.grievances.get(there.number)).due_at == there.due_at


async def test_nobody_answers_for_a_citizen_without_signing_in(house: House) -> None:
    there = await house.grievances.register(a_draft())
    assert (await house.web.post(f"/desk/complaints/{there.number}/reply", data={"reply": "x"})).status_code == 403
    assert (await house.web.post(f"/desk/complaints/{there.number}/pressed", data={})).status_code == 403


async def test_an_excluded_matter_is_refused_with_where_to_go(house: House) -> None:
    await house.at_the_desk()
    assert "public information officer" in await sent(house, excluded="rti")
    [refused] = await house.grievances.for_call("call-9")
    assert refused.state is State.REFUSED


async def test_a_confidential_one_against_its_officer_goes_a_level_up(house: House) -> None:
    await house.at_the_desk()
    await sent(house, confidential="yes", against="1")
    [mine] = await house.grievances.for_call("call-9")
    assert (mine.confidential, mine.level, mine.flags) == (True, 2, "against_officer")
