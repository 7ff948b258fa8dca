"""What callers hear without an agent: a complaint's status, where excluded matters go, schemes."""

from __future__ import annotations

import pytest

from grievance_core.excluded import ExcludedMatter
from helpline.demo.lab import Lab
from ivr import speaking
from tests.live.whole.steps import (
    TELLING_SECONDS,
    call_and_hear_the_welcome,
    first_words,
    has_called_before,
    heard_seconds,
    place_in_line,
    prompt,
    registered_before,
    until_heard,
    until_left,
)

pytestmark = pytest.mark.live

CITIZEN = "9800000501"
AT_ONCE_SECONDS = 1.0


async def test_a_wrong_digit_is_refused_at_once_and_then_the_status_is_told_with_department_level_and_day(
    lab: Lab,
) -> None:
    complaint = await registered_before(lab, CITIZEN)
    wrong = complaint.number[:-1] + str((int(complaint.number[-1]) + 1) % 10)
    async with lab.citizen(CITIZEN, reachable=False) as citizen:
        await call_and_hear_the_welcome(lab, citizen)
        await citizen.press("2")
        await until_heard(citizen, first_words(prompt(lab, "status_ask"), TELLING_SECONDS))
        await citizen.press(wrong)
        pressed = heard_seconds(citizen)
        told = await until_heard(citizen, prompt(lab, "status_wrong_digit"), after=pressed - AT_ONCE_SECONDS, timeout=5)
        assert told - pressed < AT_ONCE_SECONDS
        await citizen.press(complaint.number)
        place = heard_seconds(citizen) - AT_ONCE_SECONDS
        assert complaint.clock_ends_at is not None
        due = complaint.clock_ends_at.astimezone(lab.settings.zone).date()
        for said in (
            ("state_with_officer",),
            ("department_before", speaking.department_name(complaint.department)),
            ("level_1",),
            ("due_before", *speaking.day(due)),
            ("status_menu",),
        ):
            place = await until_heard(citizen, first_words(prompt(lab, *said), 3.0), after=place)
        await citizen.hang_up()
        await citizen.expect("closed")


async def test_a_complaint_of_another_phone_is_not_told(lab: Lab) -> None:
    complaint = await registered_before(lab, "9800000502")
    await has_called_before(lab, CITIZEN)
    async with lab.citizen(CITIZEN, reachable=False) as citizen:
        await call_and_hear_the_welcome(lab, citizen)
        await citizen.press("2")
        await citizen.press(complaint.number)
        place = heard_seconds(citizen) - AT_ONCE_SECONDS
        place = await until_heard(citizen, first_words(prompt(lab, "status_no_match"), 3.0), after=place)
        await citizen.hang_up()
        await citizen.expect("closed")


async def test_an_excluded_matter_is_told_where_to_go_and_counted_and_the_caller_is_back_in_the_main_menu(
    lab: Lab,
) -> None:
    await has_called_before(lab, CITIZEN)
    async with lab.grievances() as grievances:
        before = await grievances.refusal_counts()
    async with lab.citizen(CITIZEN, reachable=False) as citizen:
        await call_and_hear_the_welcome(lab, citizen)
        await citizen.press("1")
        await until_heard(citizen, first_words(prompt(lab, "complaint_menu"), TELLING_SECONDS))
        await citizen.press("9")
        place = await until_heard(citizen, first_words(prompt(lab, "excluded_menu"), TELLING_SECONDS))
        await citizen.press("1")
        place = await until_heard(citizen, prompt(lab, "excluded_rti"), after=place)
        await until_heard(citizen, first_words(prompt(lab, "main_menu"), TELLING_SECONDS), after=place)
        await citizen.hang_up()
        await citizen.expect("closed")
    async with lab.grievances() as grievances:
        after = await grievances.refusal_counts()
    assert after == before | {ExcludedMatter.RTI: before[ExcludedMatter.RTI] + 1}


async def test_schemes_are_told_and_a_key_leads_to_an_agent_who_is_told_what_it_is_about(lab: Lab) -> None:
    await has_called_before(lab, CITIZEN)
    async with lab.citizen(CITIZEN, reachable=False) as citizen:
        await call_and_hear_the_welcome(lab, citizen)
        await citizen.press("3")
        await until_heard(citizen, first_words(prompt(lab, "schemes_menu"), 6.0))
        await citizen.press("1")
        assert (await place_in_line(lab, CITIZEN))["service"] == "scheme"
        await citizen.hang_up()
        await until_left(lab, CITIZEN)
