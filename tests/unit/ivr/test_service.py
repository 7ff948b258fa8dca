"""Which flow a call gets, and what becomes of a call whose flow fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import NoReturn

import pytest

from acd.records import Request, Served
from acd.waiting.session import Aside
from ivr.service import ALONE, FAILURES_VARIABLE, PATHS, Ivr
from ivr.testing import FakeDesk, House
from telephony.call import Call
from telephony.errors import HungUp
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import knows, run

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


class FailingDesk(FakeDesk):
    async def wait_for_agent(self, call: Call, request: Request, *, asides: Mapping[str, Aside]) -> NoReturn:
        raise RuntimeError("a fault of ours")


class TransferringDesk(FakeDesk):
    async def wait_for_agent(self, call: Call, request: Request, *, asides: Mapping[str, Aside]) -> Served:
        assert isinstance(call, ScriptedCall)
        call.caller_hangs_up(transferred=True)
        return Served(agent="1001", talk_seconds=5.0, recording="", ended_by="transferred")


def endings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(record)["ended"] for record in caplog.records if vars(record).get("action") == "call_over"]


def test_the_paths_are_those_of_the_dialplan() -> None:
    assert set(PATHS) == {"citizen", "feedback", "callback"}


@pytest.mark.parametrize(
    ("path", "first"),
    [("citizen", "welcome_danger"), ("feedback", "feedback_greeting"), ("callback", "callback_greeting")],
)
async def test_the_path_decides_the_flow(path: str, first: str) -> None:
    call = await run(House(), ScriptedCall(path=path))
    assert call.played[0] == f"helpline/hi/{first}"


async def test_an_unknown_path_is_logged_and_the_call_refused(caplog: pytest.LogCaptureFixture) -> None:
    call = await run(House(), ScriptedCall(path="nonsense"))
    assert call.gone
    assert call.finished
    assert call.played == []
    assert [vars(record)["action"] for record in caplog.records] == ["unknown_path"]


async def test_a_line_that_is_no_citizens_is_left_to_itself(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ivr")
    attended: list[Call] = []

    async def attend(call: Call) -> None:
        attended.append(call)

    call = ScriptedCall(path="agent", variables={"tries": "4"})
    await Ivr(House().flows, lines={"agent": attend})(call)
    assert attended == [call]
    assert not call.finished  # whether its dialplan goes on is its own affair
    assert call.variables == {"tries": "4"}
    assert endings(caplog) == []


async def test_on_attach_the_dialplans_tries_are_set_back() -> None:
    call = await run(House(), ScriptedCall(keys=["5"], variables={"tries": "4"}))
    assert call.variables["tries"] == "0"


async def test_a_flow_that_fails_leaves_the_caller_to_the_dialplan_which_tries_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="ivr")
    house = knows(House(desk=FailingDesk()))
    call = ScriptedCall(keys=["0"])
    with pytest.raises(RuntimeError):
        await Ivr(house.flows)(call)
    assert not call.finished
    assert call.variables["tries"] == "0"
    assert endings(caplog) == ["failed"]


async def test_after_a_second_failure_the_dialplan_goes_on_without_us() -> None:
    house = knows(House(desk=FailingDesk()))
    call = ScriptedCall(keys=["0"], variables={FAILURES_VARIABLE: "1"})
    with pytest.raises(RuntimeError):
        await Ivr(house.flows)(call)
    assert call.variables["tries"] == ALONE


async def test_a_caller_who_is_transferred_away_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ivr")
    call = ScriptedCall(keys=["0"])
    with pytest.raises(HungUp):
        await Ivr(knows(House(desk=TransferringDesk())).flows)(call)
    assert not call.finished
    assert endings(caplog) == ["transferred"]


async def test_a_controller_that_stops_lets_go_of_the_call(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ivr")
    call = ScriptedCall(keys=["0"])
    session = asyncio.create_task(Ivr(knows(House()).flows)(call))
    await asyncio.sleep(1)
    session.cancel()
    with pytest.raises(asyncio.CancelledError):
        await session
    assert not call.finished
    assert endings(caplog) == ["broken_off"]
