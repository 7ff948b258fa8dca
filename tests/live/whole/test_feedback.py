"""Feedback calls that do not reach the citizen, and citizens who answer by dialling 1076 themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asterisk_conf.programs import Programs
from grievance_core.complaint import Complaint
from grievance_core.lifecycle import State
from helpline.demo.lab import Lab
from helpline.demo.sipp import Running, Sipp
from helpline.feedback import contact_of
from outbound_dialer.attempt import Attempt
from outbound_dialer.outcomes import Disposition
from outbound_dialer.store import AttemptStore
from tests.live.whole.steps import (
    TELLING_SECONDS,
    call_and_hear_the_welcome,
    database_of,
    first_words,
    heard_seconds,
    prompt,
    registered_before,
    until,
    until_heard,
)

pytestmark = pytest.mark.live

# One for each test: nobody is rung more than four times a day.
NOT_REACHED, HANGS_UP, DIALS_IN = "9800000601", "9800000602", "9800000603"
RUNG_SECONDS = 20.0  # the lab's dialer rings for 10


@pytest.fixture
def sipp(programs: Programs, tmp_path: Path) -> Sipp:
    return Sipp(programs.find("sipp"), tmp_path)


@asynccontextmanager
async def reported(lab: Lab, caller: str) -> AsyncIterator[Complaint]:
    """A complaint that its officer reports solved; at the end nobody is rung about it any more."""
    registered = await registered_before(lab, caller)
    async with lab.grievances() as grievances:
        complaint = await grievances.report(registered.number, by="officer", text="The pump works.")
        await lab.post("/api/dialer/kick")
        yield complaint
        if (await grievances.get(complaint.number)).state is State.AWAITING_FEEDBACK:
            await grievances.feedback(complaint.number, satisfied=True, attempt="test", channel="cli")


async def attempts(lab: Lab, complaint: Complaint) -> list[Attempt]:
    key = contact_of(complaint).key
    async with database_of(lab) as sessions:
        return list((await AttemptStore(sessions, campaign="feedback").of_contacts([key]))[key])


async def only_attempt(lab: Lab, complaint: Complaint) -> Attempt:
    """The one attempt to reach this citizen, when it is over and told."""

    async def over() -> list[Attempt]:
        return [attempt for attempt in await attempts(lab, complaint) if attempt.reported_at and not attempt.open]

    (attempt,) = await until(over, what="the end of an attempt", seconds=RUNG_SECONDS)
    return attempt


async def state_of(lab: Lab, complaint: Complaint) -> State:
    async with lab.grievances() as grievances:
        return (await grievances.get(complaint.number)).state


async def network(sipp: Sipp, lab: Lab, answer: int) -> Running:
    """The citizen's end: refuses by this code, or rings for ever (180)."""
    return await (sipp.rings(lab.network) if answer == 180 else sipp.refuses(lab.network, answer))


@pytest.mark.parametrize(
    ("answer", "disposition"),
    [
        pytest.param(486, Disposition.BUSY, id="busy"),
        pytest.param(404, Disposition.INVALID_NUMBER, id="no such number"),
        pytest.param(180, Disposition.NO_ANSWER, id="nobody answers"),
    ],
)
async def test_a_citizen_who_is_not_reached_is_noted_as_what_happened_and_the_complaint_awaits_feedback_still(
    lab: Lab, sipp: Sipp, answer: int, disposition: Disposition
) -> None:
    async with await network(sipp, lab, answer), reported(lab, NOT_REACHED) as complaint:
        attempt = await only_attempt(lab, complaint)
        assert (attempt.disposition, attempt.answered_at, attempt.result) == (disposition, None, "")
        assert await state_of(lab, complaint) is State.AWAITING_FEEDBACK


async def test_a_citizen_who_hangs_up_before_pressing_a_key_gave_no_feedback(lab: Lab) -> None:
    async with lab.citizen(HANGS_UP) as citizen, reported(lab, HANGS_UP) as complaint:
        await citizen.expect("incoming", timeout=RUNG_SECONDS)
        await citizen.accept()
        await citizen.expect("established")
        await until_heard(citizen, first_words(prompt(lab, "feedback_greeting"), TELLING_SECONDS))
        await citizen.hang_up()
        attempt = await only_attempt(lab, complaint)
        assert (attempt.disposition, attempt.result) == (Disposition.UNFINISHED, "")
        assert attempt.answered_at is not None
        assert await state_of(lab, complaint) is State.AWAITING_FEEDBACK


@pytest.mark.parametrize(
    ("key", "reply", "state"),
    [
        pytest.param("1", "feedback_satisfied", State.CLOSED_SATISFIED, id="satisfied"),
        pytest.param("2", "feedback_dissatisfied", State.UNDER_REVIEW, id="not satisfied"),
    ],
)
async def test_a_citizen_who_dials_1076_while_feedback_is_awaited_is_asked_first_and_a_key_decides(
    lab: Lab, sipp: Sipp, key: str, reply: str, state: State
) -> None:
    async with reported(lab, DIALS_IN) as complaint:
        async with await network(sipp, lab, 486):
            assert (await only_attempt(lab, complaint)).disposition is Disposition.BUSY
        async with lab.citizen(DIALS_IN, reachable=False) as citizen:
            await call_and_hear_the_welcome(lab, citizen)
            await citizen.press("#")  # do not wait for the end of the welcome
            place = await until_heard(citizen, first_words(prompt(lab, "feedback_menu"), TELLING_SECONDS))
            await citizen.press(key)
            await until_heard(citizen, first_words(prompt(lab, reply), 3.0), after=place)
            assert await state_of(lab, complaint) is state
            await citizen.press("#")
            menu = first_words(prompt(lab, "main_menu"), TELLING_SECONDS)
            await until_heard(citizen, menu, after=heard_seconds(citizen) - 1.0)
            await citizen.hang_up()
            await citizen.expect("closed")
        assert len(await attempts(lab, complaint)) == 1
