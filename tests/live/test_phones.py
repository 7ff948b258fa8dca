"""The demo's phones and networks do over a real Asterisk what people and networks do."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from asterisk_conf.instance import Instance
from asterisk_conf.programs import Programs
from asterisk_conf.testing import free_port
from helpline.demo.errors import CallEnded, ExpectationFailed, NotRegistered, PhoneFailed, PhoneRefused, ScenarioFailed
from helpline.demo.hearing import heard, loudness
from helpline.demo.sipp import Sipp
from helpline.demo.softphone import Account, Softphone
from helpline.demo.sound import BYTES_PER_SECOND, read_wav, write_wav
from telephony.call import Call
from telephony.server import FastAgiServer
from tests.live.conftest import Phones

pytestmark = pytest.mark.live

CITIZEN = "9876543210"
SPEECH_SECONDS = 2.0


class NoWaker:
    """No decision wakes a call here."""

    async def play_dtmf(self, channel: str, digit: str) -> None:
        raise AssertionError("nobody wakes")


class Engine:
    """A controller that notes which keys each caller presses: three of them, then it hangs up if told so."""

    def __init__(self) -> None:
        self.pressed: list[tuple[str, str]] = []
        self.hangs_up = False

    async def __call__(self, call: Call) -> None:
        await call.answer()
        await call.done()
        asked = await call.ask(digits=3, seconds=4.0, gap=2.0)
        self.pressed.append((call.caller, asked.keys))
        if self.hangs_up:
            await call.hang_up()
        else:
            await call.wait(10.0, wakeable=False)


@pytest.fixture(scope="module")
def words(voices: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first sentence or so of each of the demo's people: tests need not hear them out."""
    folder = tmp_path_factory.mktemp("words")
    for name, voice in voices.items():
        write_wav(folder / f"{name}.wav", read_wav(voice)[: round(SPEECH_SECONDS * BYTES_PER_SECOND)])
    return {name: folder / f"{name}.wav" for name in voices}


@pytest.fixture
async def engine(asterisk: Instance) -> AsyncIterator[Engine]:
    engine = Engine()
    server = FastAgiServer(*asterisk.settings.agi, engine, NoWaker())
    await server.start()
    yield engine
    await server.stop()


async def test_two_agents_hear_each_other_and_nobody_else(phones: Phones, words: dict[str, Path]) -> None:
    first = await phones.agent("1001", speech=words["agent"])
    second = await phones.agent("1002", speech=words["agent_two"], answering="auto")
    words_of_first, words_of_second = read_wav(words["agent"]), read_wav(words["agent_two"])
    await first.dial("1002")
    await first.expect("established")
    assert (await second.expect("incoming")).peer.startswith("sip:1001@")
    await asyncio.sleep(SPEECH_SECONDS + 0.3)
    await second.hang_up()
    await first.expect("closed")
    assert heard(second.heard(), words_of_first).share > 0.8
    assert heard(first.heard(), words_of_second).share > 0.8
    assert heard(second.heard(), words_of_second).share < 0.4
    assert heard(first.said(), words_of_first).share > 0.8


async def test_a_phone_says_something_when_it_is_told_to(phones: Phones, words: dict[str, Path]) -> None:
    first = await phones.agent("1001")
    second = await phones.agent("1002", answering="auto")
    await first.dial("1002")
    await first.expect("established")
    await asyncio.sleep(0.5)
    assert loudness(second.heard()) == pytest.approx(0.0, abs=0.001)
    await first.say(words["emergency"])
    await asyncio.sleep(SPEECH_SECONDS + 0.3)
    verdict = heard(second.heard(), read_wav(words["emergency"]))
    assert verdict.share > 0.8
    assert verdict.at is not None
    assert 0.3 < verdict.at < 1.0
    await first.hang_up()
    await second.expect("closed")


async def test_a_citizens_keys_arrive_in_order_also_the_same_one_twice(phones: Phones, engine: Engine) -> None:
    citizen = await phones.citizen(CITIZEN)
    await citizen.dial("1076")
    await citizen.expect("established")
    await citizen.press("117")
    await citizen.hang_up()
    await citizen.expect("closed")
    await until(lambda: engine.pressed == [(CITIZEN, "117")])


async def test_a_citizen_may_call_as_any_number(phones: Phones, engine: Engine) -> None:
    citizen = await phones.citizen(CITIZEN)
    engine.hangs_up = True
    await citizen.dial("1076", as_number="9123456789")
    await citizen.expect("established")
    await citizen.press("789")
    await citizen.expect("closed")
    assert engine.pressed == [("9123456789", "789")]


async def test_the_network_is_reached_at_any_number(programs: Programs, phones: Phones, tmp_path: Path) -> None:
    citizen = await phones.citizen(CITIZEN, answering="auto")
    await citizen.add_number("9000000001")
    account = Account(user="1076", exchange=phones.trunk)
    async with Softphone(
        "1076", program=programs.find("baresip"), folder=tmp_path / "1076", account=account
    ) as helpline:
        for number, reached in (("9000000001", "9000000001"), ("9555555555", CITIZEN)):
            await helpline.dial(number)
            assert (await citizen.expect("incoming")).account.startswith(f"sip:{reached}@")
            await citizen.expect("established")
            await helpline.hang_up()
            await citizen.expect("closed")


async def test_who_is_put_on_hold_hears_music_until_taken_back(phones: Phones, words: dict[str, Path]) -> None:
    agent = await phones.agent("1001", speech=words["agent"])
    other = await phones.agent("1002", answering="auto")
    await agent.dial("1002")
    await agent.expect("established")
    await agent.hold()
    before = len(other.heard())
    await asyncio.sleep(1.0)
    held = other.heard()[before:]
    assert loudness(held) > 0.01
    assert not heard(held, read_wav(words["agent"])).heard
    await agent.resume()
    before = len(other.heard())
    await asyncio.sleep(SPEECH_SECONDS + 1.2)
    assert heard(other.heard()[before:], read_wav(words["agent"])).share > 0.5
    await agent.hang_up()
    await other.expect("closed")


async def test_a_blind_transfer_rings_the_third_phone(phones: Phones) -> None:
    first = await phones.agent("1001")
    second = await phones.agent("1002", answering="auto")
    third = await phones.agent("1003")
    await first.dial("1002")
    await first.expect("established")  # the called phone is told so before Asterisk has joined the two
    await second.expect("established")
    await asyncio.sleep(0.3)
    await second.transfer("1003")
    await third.expect("incoming")
    await third.accept()
    await third.expect("established")
    await second.expect("closed")
    await first.hang_up()
    await third.expect("closed")


async def test_a_refused_phone_gives_the_reason_at_once(phones: Phones) -> None:
    first = await phones.agent("1001")
    second = await phones.agent("1002")
    await first.dial("1002")
    await second.expect("incoming")
    await second.hang_up()
    with pytest.raises(CallEnded, match="486"):
        await first.expect("established", timeout=5.0)


async def test_what_does_not_happen_is_told_with_what_did(phones: Phones) -> None:
    first = await phones.agent("1001")
    await phones.agent("1002")
    await first.dial("1002")
    with pytest.raises(ExpectationFailed, match=r"no \"established\" within 0.5 s. It told: registered, ringing"):
        await first.expect("established", timeout=0.5)
    await first.hang_up()
    await first.expect("closed")


async def test_a_wrong_password_is_told_and_leaves_no_process(
    programs: Programs, asterisk: Instance, tmp_path: Path
) -> None:
    exchange = f"127.0.0.1:{asterisk.settings.sip_port}"
    phone = Softphone(
        "thief",
        program=programs.find("baresip"),
        folder=tmp_path / "thief",
        account=Account(user="agent-1001", exchange=exchange, password="wrong"),
    )
    with pytest.raises(NotRegistered, match="401"):
        await phone.start()
    assert phone.pid is None


async def test_an_exchange_that_is_not_there_is_told(programs: Programs, tmp_path: Path) -> None:
    account = Account(user="agent-1001", exchange=f"127.0.0.1:{free_port()}", password="x")
    phone = Softphone("lost", program=programs.find("baresip"), folder=tmp_path / "lost", account=account)
    with pytest.raises(NotRegistered, match="does it run"):
        await phone.start(timeout=1.0)


async def test_a_phone_on_a_taken_address_says_which(programs: Programs, tmp_path: Path) -> None:
    account = Account(user="1", exchange="127.0.0.1:5")
    listen = f"127.0.0.2:{free_port('127.0.0.2')}"
    program = programs.find("baresip")
    async with Softphone("first", program=program, folder=tmp_path / "a", account=account, listen=listen):
        second = Softphone("second", program=program, folder=tmp_path / "b", account=account, listen=listen)
        with pytest.raises(PhoneFailed, match=f"Is {listen} taken"):
            await second.start()


async def test_a_killed_phone_is_noticed_by_who_waits(phones: Phones) -> None:
    phone = await phones.agent("1001")
    assert phone.pid is not None
    waiting = asyncio.create_task(phone.expect("incoming", timeout=5.0))
    await asyncio.sleep(0)
    os.kill(phone.pid, signal.SIGKILL)
    with pytest.raises(PhoneFailed, match="ended by itself"):
        await waiting
    with pytest.raises(PhoneFailed):
        await phone.dial("1002")


async def test_a_command_that_baresip_refuses_is_told(phones: Phones) -> None:
    phone = await phones.agent("1001")
    with pytest.raises(PhoneRefused):
        await phone.hold()
    with pytest.raises(PhoneRefused, match="is an agent's"):
        await phone.dial("1002", as_number=CITIZEN)


async def test_emergency_answers_and_is_heard(phones: Phones, sipp: Sipp, words: dict[str, Path]) -> None:
    agent = await phones.agent("1001")
    async with await sipp.answers(phones.emergency_trunk, voice=words["emergency"]) as emergency:
        await agent.dial("112")
        await agent.expect("established")
        await asyncio.sleep(SPEECH_SECONDS + 0.3)
        await agent.hang_up()
        await agent.expect("closed")
        assert heard(agent.heard(), read_wav(words["emergency"])).share > 0.8
        await asyncio.sleep(0.1)
        results = await emergency.stop()
    assert (results.begun, results.well, results.badly) == (1, 1, 0)


@pytest.mark.parametrize(
    ("code", "told"),
    [(486, "486"), (404, "404"), (480, "480"), (503, "503"), pytest.param(603, "403", id="603 as 403")],
)
async def test_a_number_that_cannot_be_had_is_told_apart(phones: Phones, sipp: Sipp, code: int, told: str) -> None:
    agent = await phones.agent("1001")
    async with await sipp.refuses(phones.emergency_trunk, code) as network:
        await agent.dial("112")
        assert (await agent.expect("closed")).detail.startswith(told)
        assert (await network.stop()).well == 1


async def test_a_number_that_only_rings_is_given_up(phones: Phones, sipp: Sipp) -> None:
    agent = await phones.agent("1001")
    async with await sipp.rings(phones.emergency_trunk) as network:
        await agent.dial("112")
        await agent.expect("ringing")
        await agent.hang_up()
        await agent.expect("closed")
        await asyncio.sleep(0.2)
        assert (await network.stop()).well == 1


async def test_twenty_citizens_call_at_once_and_each_ones_keys_arrive(
    phones: Phones, sipp: Sipp, engine: Engine
) -> None:
    numbers = [f"98765432{index:02}" for index in range(20)]
    async with await sipp.calls(phones.exchange, numbers=numbers, keys="120", stay=0.3, rate=40) as citizens:
        results = await citizens.finished(timeout=10)
    assert (results.begun, results.well, results.badly) == (20, 20, 0), str(results)
    await until(lambda: sorted(engine.pressed) == [(number, "120") for number in numbers])


async def test_a_citizen_whom_the_helpline_hangs_up_on_went_well(
    phones: Phones, sipp: Sipp, engine: Engine, words: dict[str, Path]
) -> None:
    engine.hangs_up = True
    async with await sipp.calls(
        phones.exchange, numbers=[CITIZEN], keys="1,23", stay=20, voice=words["citizen"]
    ) as citizens:
        results = await citizens.finished(timeout=10)
    assert (results.begun, results.well, results.badly) == (1, 1, 0), str(results)
    assert engine.pressed == [(CITIZEN, "123")]


async def test_a_number_that_is_not_the_helplines_is_told_in_the_results(phones: Phones, sipp: Sipp) -> None:
    async with await sipp.calls(phones.exchange, numbers=[CITIZEN], dialled="1077") as citizens:
        results = await citizens.finished(timeout=5)
    assert (results.begun, results.well, results.badly) == (1, 0, 1)
    assert results.reasons == {"UnexpectedMessage": 1}
    assert "404" in " ".join(results.words)


async def test_citizens_who_take_too_long_are_stopped_and_told(phones: Phones, sipp: Sipp, engine: Engine) -> None:
    citizens = await sipp.calls(phones.exchange, numbers=[CITIZEN], stay=30)
    with pytest.raises(ScenarioFailed, match="not over after 1 s"):
        await citizens.finished(timeout=1)
    assert citizens.pid is None


async def test_sipp_on_a_taken_address_says_so(phones: Phones, sipp: Sipp) -> None:
    await phones.citizen(CITIZEN)
    with pytest.raises(ScenarioFailed, match="SIPp"):
        await sipp.refuses(phones.trunk, 486)


async def until(true: object, timeout: float = 3.0) -> None:
    """Wait for something that another process brings about."""
    assert callable(true)
    async with asyncio.timeout(timeout):
        while not true():
            await asyncio.sleep(0.02)
