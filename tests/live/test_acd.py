"""The queue with real phones: what agents' phones do on the wire is what the queue makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from acd.records import Outcome
from agents.presence import DID_NOT_ANSWER, PHONE_BUSY, PHONE_NOT_REACHABLE, State
from asterisk_conf.instance import Instance
from tests.live import floor
from tests.live.conftest import Phones
from tests.live.floor import Floor, Left
from tests.live.sip_peer import SipPeer

pytestmark = pytest.mark.live

WAV_HEADER = 44  # bytes of a file without sound


class Controller(Floor):
    """The same floor, with the telephone network behind the trunk."""

    def __init__(self, asterisk: Instance, recordings: Path) -> None:
        super().__init__(asterisk, recordings, Left(), wrap_up_seconds=1.0)
        self.calls = self.left.calls
        self.network = SipPeer((asterisk.settings.bind, asterisk.settings.sip_port))

    async def seat(self, *ids: str) -> None:
        """Signed in; whether the phone is there is Asterisk's to say."""
        for id in ids:
            await self.agents.seat(id)
            reachable = f"agent-{id}" in await self.link.reachable_endpoints()
            self.agents.phone_state(f"agent-{id}", reachable)

    async def until(self, id: str, state: State, reason: str = "") -> None:
        await until(lambda: (self.agents.get(id).state, self.agents.get(id).reason) == (state, reason))


@pytest.fixture
async def controller(asterisk: Instance, tmp_path: Path) -> AsyncIterator[Controller]:
    controller = Controller(asterisk, tmp_path / "recordings")
    await controller.start()
    await controller.network.open(asterisk.settings.trunk.host, asterisk.settings.trunk.port)
    yield controller
    for leg in controller.network.legs.values():
        if not leg.ended.is_set():
            leg.hang_up()
    await until(lambda: not controller.server.calls)
    controller.network.close()
    await controller.stop()


async def until(claim: Callable[[], object]) -> None:
    await floor.until(claim, seconds=15.0)


async def test_the_presence_follows_the_phone_from_the_ring_to_the_end_of_wrap_up(
    controller: Controller, phones: Phones
) -> None:
    phone = await phones.agent("1001")
    await controller.seat("1001")
    citizen = await controller.network.call("1076")
    await controller.until("1001", State.RINGING)
    await phone.expect("incoming")
    await phone.accept()
    await controller.until("1001", State.TALKING)
    await citizen.speak(0.5)
    await phone.hang_up()
    await controller.until("1001", State.WRAP_UP)
    await asyncio.wait_for(citizen.ended.wait(), 5)
    await controller.until("1001", State.READY)
    (record,) = controller.calls.records.values()
    assert record.outcome is Outcome.SERVED
    recording = Path(record.recording)
    await until(lambda: recording.exists() and recording.stat().st_size > WAV_HEADER)
    assert controller.acd.snapshot().repairs == {}


async def test_a_phone_that_rings_on_or_is_busy_pauses_its_agent_and_the_caller_goes_to_the_next(
    controller: Controller, phones: Phones
) -> None:
    silent, refusing, willing = await phones.agent("1001"), await phones.agent("1002"), await phones.agent("1003")
    await willing.answering("auto")
    await controller.seat("1001", "1002", "1003")
    citizen = await controller.network.call("1076")
    await silent.expect("incoming")
    await controller.until("1001", State.PAUSED, DID_NOT_ANSWER)
    await refusing.expect("incoming")
    await refusing.hang_up()
    await controller.until("1002", State.PAUSED, PHONE_BUSY)
    await controller.until("1003", State.TALKING)
    citizen.hang_up()
    await controller.until("1003", State.WRAP_UP)


async def test_a_phone_that_leaves_is_not_rung_and_one_that_comes_is_rung_at_once(
    controller: Controller, phones: Phones
) -> None:
    phone = await phones.agent("1001", answering="auto")
    await controller.seat("1001")
    assert controller.agents.get("1001").available
    await phone.stop()
    await until(lambda: not controller.agents.get("1001").phone_reachable)
    citizen = await controller.network.call("1076")
    await until(lambda: controller.acd.snapshot().waiting)
    assert controller.agents.get("1001").state is State.READY
    await phone.start()
    await controller.until("1001", State.TALKING)
    citizen.hang_up()
    await controller.until("1001", State.WRAP_UP)


async def test_a_phone_that_is_not_there_though_it_was_thought_to_be_pauses_its_agent(controller: Controller) -> None:
    await controller.agents.seat("1001")
    await controller.network.call("1076")
    await controller.until("1001", State.PAUSED, PHONE_NOT_REACHABLE)
    assert [place.position for place in controller.acd.snapshot().waiting] == [1]


async def test_a_caller_who_hangs_up_while_it_rings_frees_the_agent(controller: Controller, phones: Phones) -> None:
    phone = await phones.agent("1001")
    await controller.seat("1001")
    citizen = await controller.network.call("1076")
    await phone.expect("incoming")
    citizen.hang_up()
    await controller.until("1001", State.READY)
    await until(lambda: [record.outcome for record in controller.calls.records.values()] == [Outcome.ABANDONED])


async def test_a_blind_transfer_makes_the_second_agent_talk_and_ends_once(
    controller: Controller, phones: Phones
) -> None:
    first, second = await phones.agent("1001", answering="auto"), await phones.agent("1002", answering="auto")
    await controller.seat("1001")
    citizen = await controller.network.call("1076")
    await controller.until("1001", State.TALKING)
    await controller.seat("1002")
    await citizen.speak(0.5)  # a transfer in the moment of the answer finds no bridge yet
    await first.transfer("1002")
    await second.expect("established")
    await controller.until("1002", State.TALKING)
    assert controller.agents.get("1001").state in (State.WRAP_UP, State.READY)
    assert [talk.agent for talk in controller.acd.snapshot().talking] == ["1002"]
    await second.hang_up()
    await controller.until("1002", State.WRAP_UP)
    await asyncio.wait_for(citizen.ended.wait(), 5)
    await until(lambda: not controller.acd.snapshot().talking)
    served = [(Outcome.SERVED, "1002")]
    await until(lambda: [(record.outcome, record.agent) for record in controller.calls.records.values()] == served)


async def test_of_two_callers_the_first_is_rung_for_first(controller: Controller, phones: Phones) -> None:
    await phones.agent("1001", answering="auto")
    first = await controller.network.call("1076", "09811111111")
    await until(lambda: len(controller.acd.snapshot().waiting) == 1)
    second = await controller.network.call("1076", "09822222222")
    await until(lambda: len(controller.acd.snapshot().waiting) == 2)
    await controller.seat("1001")
    await until(lambda: [talk.caller for talk in controller.acd.snapshot().talking] == ["9811111111"])
    first.hang_up()
    await until(lambda: [talk.caller for talk in controller.acd.snapshot().talking] == ["9822222222"])
    second.hang_up()
    await controller.until("1001", State.WRAP_UP)
