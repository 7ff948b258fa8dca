"""The voice menu over real calls: every prompt can be played, keys cut in, and an emergency is bridged in time."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import wave
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

from acd.records import Request, Resumed, WantsMessage
from acd.waiting.callbacks import CITIZEN_VARIABLE
from asterisk_conf import messages
from asterisk_conf.instance import Instance
from asterisk_conf.programs import Programs
from grievance_core.catalogue import Catalogue
from ivr.build import build_prompts
from ivr.manifest import Manifest
from ivr.service import Ivr
from ivr.speaking import LANGUAGES, sounds
from ivr.testing import FakeComplaints, FakeDesk, House, a_complaint, awaiting_feedback
from telephony.ami import AmiLink, AmiSettings
from telephony.call import Call, CallId
from telephony.originate import Originate
from telephony.server import FastAgiServer
from telephony.testing import FakeWaker
from tests.live.sip_peer import Leg, SipPeer

pytestmark = pytest.mark.live

CALLER = "9876543210"
BRIDGED_SECONDS = 3.0  # from the key to the ringing of 112
KEY_SECONDS = 0.35  # a quick caller
SAMPLES = 8
LOUD = 500  # of 32767; the caller speaks a tone of about 1,050
WAITING_SECONDS = 4.5  # "connecting you", and into the wait
SOME_WORDS_SECONDS = 6.0  # the sentence before the number, and its first digits


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def prompts(programs: Programs, asterisk: Instance) -> Path:
    """The shipped prompts, where the shared Asterisk looks for them."""
    settings = asterisk.settings
    await asyncio.to_thread(build_prompts, settings.prompts_folder, settings.music_folder, programs=programs)
    return settings.prompts_folder


class Engine:
    """The voice menu on stand-ins, with the telephone network and 112 around it."""

    def __init__(self, asterisk: Instance) -> None:
        settings = asterisk.settings
        self.settings = settings
        self.house = House()
        self.flow: Callable[[Call], Awaitable[None]] | None = None  # instead of the menu
        self.calls: list[Call] = []
        self.over = asyncio.Event()
        self.server = FastAgiServer(*settings.agi, self._handle, FakeWaker())
        self.network = SipPeer((settings.bind, settings.sip_port))
        self.emergency = SipPeer((settings.bind, settings.sip_port))

    async def _handle(self, call: Call) -> None:
        self.calls.append(call)
        try:
            await (self.flow or Ivr(self.house.flows))(call)
        finally:
            self.over.set()

    async def start(self) -> None:
        await self.server.start()
        await self.network.open(self.settings.trunk.host, self.settings.trunk.port)
        await self.emergency.open(self.settings.emergency_trunk.host, self.settings.emergency_trunk.port)

    async def stop(self) -> None:
        for leg in (*self.network.legs.values(), *self.emergency.legs.values()):
            if not leg.ended.is_set():
                leg.hang_up()
        self.network.close()
        self.emergency.close()
        await self.server.stop()

    async def ended(self, seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            await self.over.wait()


@pytest.fixture
async def engine(asterisk: Instance, prompts: Path) -> AsyncIterator[Engine]:
    engine = Engine(asterisk)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def press(leg: Leg, keys: str) -> None:
    for key in keys:
        await asyncio.sleep(KEY_SECONDS)
        leg.press(key)


def missing(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [vars(line)["prompt"] for line in caplog.records if vars(line).get("action") == "prompt_missing"]


async def test_asterisk_plays_prompts_of_every_kind(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    ids = [prompt.id for prompt in Manifest.shipped(Catalogue.shipped())]
    some = [sound for id in ids[:: len(ids) // SAMPLES] for language in LANGUAGES for sound in sounds(language, [id])]

    async def tour(call: Call) -> None:
        for sound in some:
            await call.play(sound, keys="5")
        await call.done()

    engine.flow = tour
    leg = await engine.network.call("1076")
    while not engine.over.is_set():
        await press(leg, "5")  # cuts each one short
    await asyncio.wait_for(leg.ended.wait(), 5)
    assert missing(caplog) == []


@pytest.mark.parametrize("keys", ["5", "15"], ids=["before-a-language", "main-menu"])
async def test_an_emergency_rings_112_within_three_seconds_with_the_callers_number(engine: Engine, keys: str) -> None:
    leg = await engine.network.call("1076")
    await press(leg, keys)
    pressed = time.monotonic()
    async with asyncio.timeout(10):
        await engine.emergency.ringing.wait()
    assert time.monotonic() - pressed < BRIDGED_SECONDS
    rung = engine.emergency.rung[0]
    assert re.match(r"INVITE sip:112@", rung.invite)
    assert CALLER in next(line for line in rung.invite.splitlines() if line.startswith("From:"))
    async with asyncio.timeout(5):
        await rung.answered.wait()
    leg.hang_up()
    await engine.ended()
    assert engine.house.desk.requests == []
    async with asyncio.timeout(5):
        await rung.ended.wait()


async def test_when_112_hangs_up_the_call_is_over(engine: Engine) -> None:
    leg = await engine.network.call("1076")
    await press(leg, "5")
    async with asyncio.timeout(10):
        await engine.emergency.ringing.wait()
    (rung,) = engine.emergency.rung
    await asyncio.wait_for(rung.answered.wait(), 5)
    await asyncio.sleep(0.3)
    rung.hang_up()
    await engine.ended(5)
    await asyncio.wait_for(leg.ended.wait(), 5)


async def test_the_way_by_keys_to_an_agent_and_to_the_number_at_the_end(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.house.desk = FakeDesk(talk_seconds=0.2)
    leg = await engine.network.call("1076")
    await press(leg, "21")
    complaint = a_complaint(call_id=engine.calls[0].id)
    engine.house.complaints.kept[complaint.number] = complaint
    await press(leg, "1")
    async with asyncio.timeout(20):
        while not engine.house.desk.served:
            await asyncio.sleep(0.1)
    await asyncio.sleep(SOME_WORDS_SECONDS)
    assert not leg.ended.is_set()
    leg.hang_up()
    await engine.ended(5)
    assert [request.service for request in engine.house.desk.requests] == ["complaint"]
    assert engine.house.languages.known == {CALLER: "en"}
    assert missing(caplog) == []


async def test_a_status_is_told_for_twelve_keys_pressed_quickly(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    complaint = a_complaint()
    engine.house.complaints = FakeComplaints(complaint)
    engine.house.languages.known[CALLER] = "hi"
    caplog.set_level(logging.INFO, logger="ivr")
    leg = await engine.network.call("1076")
    await press(leg, "2")
    await press(leg, complaint.number)
    await asyncio.sleep(1)
    await press(leg, "*")  # while it is being said: back to the main menu
    await press(leg, "5")
    async with asyncio.timeout(10):
        await engine.emergency.ringing.wait()
    leg.hang_up()
    await engine.ended()
    assert missing(caplog) == []


async def test_feedback_of_one_who_dials_in_is_kept_on_a_key(engine: Engine) -> None:
    engine.house.complaints = FakeComplaints(awaiting_feedback())
    engine.house.languages.known[CALLER] = "hi"
    leg = await engine.network.call("1076")
    await press(leg, "2")
    async with asyncio.timeout(5):
        while not engine.house.complaints.answers:
            await asyncio.sleep(0.02)
    leg.hang_up()
    await engine.ended()
    assert list(engine.house.complaints.answers.values()) == [False]


# -- what a waiting caller chooses


async def waiting_for_message(engine: Engine, folder: Path) -> Leg:
    """A caller who chose to leave a message, and has heard the beep."""
    engine.house.desk = FakeDesk(ends=[WantsMessage(Request(language="en", service="person"))])
    engine.house.languages.known[CALLER] = "en"
    engine.house.messages_folder = folder
    leg = await engine.network.call("1076")
    await press(leg, "0")
    async with asyncio.timeout(30):
        while not list((folder / messages.TAKING).glob("*.wav")):
            await asyncio.sleep(0.05)
    return leg


def loudest(sound: Path) -> int:
    with wave.open(str(sound)) as file:
        return max(map(abs, array("h", file.readframes(file.getnframes()))))


async def test_a_complaint_left_as_a_message_is_on_the_disk_and_can_be_heard(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leg = await waiting_for_message(engine, tmp_path)
    await leg.speak(2.0)
    leg.press("#")
    async with asyncio.timeout(5):
        while not messages.waiting(tmp_path):
            await asyncio.sleep(0.02)
    assert not leg.ended.is_set()
    await engine.ended()
    await asyncio.wait_for(leg.ended.wait(), 5)
    (message,) = messages.waiting(tmp_path)
    assert 1.5 < message.seconds < 3.5
    assert loudest(message.sound) > LOUD
    assert message.sound.stat().st_mode & 0o077 == 0
    assert missing(caplog) == []


async def test_a_message_of_one_who_hangs_up_while_speaking_is_kept(engine: Engine, tmp_path: Path) -> None:
    leg = await waiting_for_message(engine, tmp_path)
    await leg.speak(1.5)
    leg.hang_up()
    await engine.ended(5)
    (message,) = messages.waiting(tmp_path)
    assert 1.0 < message.seconds < 3.0
    assert loudest(message.sound) > LOUD


async def test_a_status_is_told_to_one_who_waits_and_they_are_back_in_line(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    complaint = a_complaint()
    engine.house.desk = FakeDesk(offers="3", talk_seconds=0.5)
    engine.house.complaints = FakeComplaints(complaint)
    engine.house.languages.known[CALLER] = "hi"
    leg = await engine.network.call("1076")
    await press(leg, "0")
    await asyncio.sleep(WAITING_SECONDS)
    await press(leg, "3")
    await press(leg, complaint.number)
    await asyncio.sleep(1)
    await press(leg, "*")
    async with asyncio.timeout(20):
        while not engine.house.desk.served:
            await asyncio.sleep(0.1)
    assert len(engine.house.desk.requests) == 1
    await engine.ended()
    assert missing(caplog) == []


async def test_a_citizen_whom_we_ring_hears_who_calls_and_is_in_the_queue(
    engine: Engine, asterisk: Instance, caplog: pytest.LogCaptureFixture
) -> None:
    settings = asterisk.settings
    request = Request(language="hi", service="complaint")
    engine.house.desk = FakeDesk(resumes=Resumed(request=request, served=None, called_back=True), talk_seconds=0.2)
    link = AmiLink(
        AmiSettings(host="127.0.0.1", port=settings.ami_port, user=settings.ami_user, secret=asterisk.ami_secret()),
        rng=Random(1),
    )
    await link.start()
    try:
        called = Originate(
            channel=f"PJSIP/{CALLER}@trunk",
            call_id=CallId("callback-1-1"),
            context="callback",
            caller_id="1600221076",
            variables={CITIZEN_VARIABLE: CALLER},
        )
        assert (await link.originate(called)).answered
    finally:
        await link.stop()
    await engine.ended()
    assert engine.calls[0].path == "callback"
    assert engine.calls[0].caller == CALLER  # the citizen's, as in their own call: for status, message, urgency
    assert engine.house.desk.requests == [request]
    (rung,) = engine.network.rung
    await asyncio.wait_for(rung.ended.wait(), 5)
    assert missing(caplog) == []
