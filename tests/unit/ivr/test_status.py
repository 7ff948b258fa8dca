"""The status of a complaint by keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from grievance_core.complaint import Complaint
from grievance_core.lifecycle import EventKind
from ivr.testing import NOON, PIN, FakeComplaints, House, a_complaint
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import heard, knows, run

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


async def asked(*keys: str, complaint: Complaint | None = None, house: House | None = None) -> list[str]:
    """What is heard after 2 in the main menu."""
    house = house or knows(House(complaints=FakeComplaints(complaint or a_complaint())))
    said = heard(await run(house, ScriptedCall(keys=["2", *keys])))
    return said[said.index("status_ask") :]


async def test_state_department_level_and_due_day_are_said() -> None:
    complaint = a_complaint()
    due = (complaint.due_at or NOON).astimezone(House().zone)
    assert await asked(complaint.number, "0", complaint=complaint) == [
        "status_ask",
        *("state_with_officer", "department_before", "department_ene", "department_after", "level_1"),
        *("due_before", f"number_{due.day}", f"month_{due.month}", "due_after"),
        *("status_menu", "agent_connecting", "thanks", "goodbye"),
    ]


async def test_the_due_day_is_that_of_the_public_not_of_the_machine() -> None:
    late = timedelta(hours=13)  # 01:00 of the next day in Lucknow, still the day before in UTC
    house = knows(House(complaints=FakeComplaints(_due_after(late))))
    (complaint,) = house.complaints.kept.values()
    said = await asked(complaint.number, "0", house=house)
    assert said[said.index("due_before") + 1] == f"number_{((complaint.ends_at or NOON) + timedelta(days=1)).day}"


def _due_after(more: timedelta) -> Complaint:
    complaint = a_complaint()
    return replace(complaint, ends_at=(complaint.ends_at or NOON) + more)


async def test_a_time_that_ran_out_is_not_promised() -> None:
    house = knows(House(complaints=FakeComplaints(a_complaint())))
    house.now = NOON + timedelta(days=60)
    (number,) = house.complaints.kept
    said = await asked(number, "0", house=house)
    assert "due_before" not in said
    assert "level_1" in said


async def test_a_closed_complaint_has_no_level() -> None:
    complaint = a_complaint(events=[EventKind.REPORTED, EventKind.SATISFIED])
    said = await asked(complaint.number, "0", complaint=complaint)
    assert "state_closed_satisfied" in said
    assert not any(id.startswith(("level_", "due_")) for id in said)


async def test_a_wrong_digit_is_told_at_once_without_a_look_up() -> None:
    number = a_complaint().number
    wrong = number[:5] + str((int(number[5]) + 1) % 10) + number[6:]
    house = knows(House(complaints=FakeComplaints(down=True)))  # a look-up would fail
    said = await asked(wrong, "0", house=house)
    assert said[:3] == ["status_ask", "status_wrong_digit", "status_ask"]


async def test_too_few_keys_are_told() -> None:
    assert (await asked("123#", "0"))[1] == "status_wrong_length"


async def test_of_too_many_keys_the_first_twelve_count() -> None:
    complaint = a_complaint()
    assert "state_with_officer" in await asked(complaint.number + "77", "0", complaint=complaint)


@pytest.mark.parametrize("caller", ["9000000001", ""])
async def test_another_phone_learns_nothing_not_even_that_the_number_exists(caller: str) -> None:
    complaint = a_complaint()
    house = House(complaints=FakeComplaints(complaint))
    call = await run(house, ScriptedCall(caller=caller, keys=["2", "2", complaint.number, "", "0"]))
    unknown = await run(House(), ScriptedCall(caller=caller, keys=["2", "2", complaint.number, "", "0"]))
    assert "status_no_match" in heard(call)
    assert heard(call) == heard(unknown)


@pytest.mark.parametrize("caller", ["9000000000", ""])
async def test_the_pin_opens_a_complaint_to_another_phone(caller: str) -> None:
    complaint = a_complaint()
    house = House(complaints=FakeComplaints(complaint))
    said = heard(await run(house, ScriptedCall(caller=caller, keys=["2", "2", complaint.number, PIN, "0"])))
    assert said[said.index("status_ask_pin") + 1] == "state_with_officer"


async def test_a_wrong_pin_sounds_the_same_for_numbers_that_nobody_has() -> None:
    complaint, keys = a_complaint(), ["2", "2", a_complaint().number, "9999", "0"]
    there = heard(await run(House(complaints=FakeComplaints(complaint)), ScriptedCall(caller="9000000000", keys=keys)))
    nowhere = heard(await run(House(), ScriptedCall(caller="9000000000", keys=keys)))
    assert "status_wrong_pin" in there
    assert there == nowhere


@pytest.mark.parametrize(("key", "then"), [("*", "main_menu"), ("0", "agent_connecting")])
async def test_instead_of_a_pin_star_goes_back_and_zero_alone_is_a_person(key: str, then: str) -> None:
    complaint = a_complaint()
    house = House(complaints=FakeComplaints(complaint))
    said = heard(await run(house, ScriptedCall(caller="9000000000", keys=["2", "2", complaint.number, key])))
    assert said[said.index("status_ask_pin") + 1] == then


async def test_after_three_failed_tries_there_is_help_and_a_person() -> None:
    house = knows(House())
    said = await asked("", "1", "123456789012", house=house)
    assert said.count("status_ask") == 3
    assert said[-4:] == ["menu_help", "agent_connecting", "thanks", "goodbye"]
    assert [request.service for request in house.desk.requests] == ["status"]


async def test_star_goes_back_and_zero_is_a_person() -> None:
    assert (await asked("*", "0"))[1] == "main_menu"
    assert (await asked("0"))[1] == "agent_connecting"


async def test_it_can_be_heard_again_and_another_one_asked() -> None:
    complaint = a_complaint()
    said = await asked(complaint.number, "1", "2", complaint.number, "*", "0", complaint=complaint)
    assert said.count("state_with_officer") == 3
    assert said.count("status_ask") == 2
    assert said[-5:-3] == ["status_menu", "main_menu"]


async def test_with_the_database_down_the_caller_is_told_and_gets_a_person() -> None:
    house = knows(House(complaints=FakeComplaints(down=True)))
    number = a_complaint().number
    said = await asked(number, number, number, house=house)
    assert said.count("status_unavailable") == 3
    assert len(house.desk.requests) == 1
