"""Short messages say what happened, in words that are registered, in the citizen's language."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from grievance_core.complaint import SpecialReason
from grievance_core.errors import CatalogueError
from grievance_core.messages.gateway import PATH, Gateway
from grievance_core.messages.letters import REASONS, SYSTEM, sms_letters
from grievance_core.messages.texts import VARIABLE_LIMIT, parsed, parts, shipped
from grievance_core.outbox.box import Outbox
from grievance_core.outbox.http import KEY_HEADER, opened
from grievance_core.outbox.letters import State
from grievance_core.outbox.sender import Sender
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, a_draft
from tests.unit.grievance_core.conftest import opened as engine_of
from tests.unit.grievance_core.stories import CATALOGUE, RULES

pytestmark = pytest.mark.service

TEMPLATES = shipped()
HEAD = "name,language,template_id,text\n"
ID = "1107000000000000001"


@pytest.fixture
async def engine(file_url: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_of(file_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def house(engine: AsyncEngine, clock: FixedClock) -> Grievances:
    rules = replace(RULES, letters=sms_letters(TEMPLATES, CATALOGUE))
    return Grievances(async_sessionmaker(engine), catalogue=CATALOGUE, clock=clock, rng=random.Random(7), rules=rules)


@pytest.fixture
def box(engine: AsyncEngine, clock: FixedClock) -> Outbox:
    return Outbox(async_sessionmaker(engine), clock=clock)


async def test_a_citizen_hears_of_each_step_in_their_language_and_of_the_number_and_pin(
    house: Grievances, box: Outbox
) -> None:
    complaint = await house.register(a_draft())
    number = complaint.number
    await house.report(number, by="JE", text="हो गया")
    await house.feedback_missed(number, attempt="a-1")
    await house.feedback(number, satisfied=True, attempt="a-2", channel="call")
    said = [letter.body["text"] for letter in await box.letters()]
    grouped = " ".join(number[start : start + 3] for start in range(0, 12, 3))
    assert said[0].startswith(f"शिकायत {grouped} दर्ज हुई")
    assert complaint.pin in said[0]
    assert ["संतुष्ट हैं या नहीं" in said[1], "फ़ोन आपसे नहीं मिला" in said[2], "बंद हुई" in said[3]] == [True] * 3
    assert {letter.body["to"] for letter in await box.letters()} == {"9876543210"}
    english = await house.register(replace(a_draft(text="no power"), language="en"))
    assert (await box.letters(about=english.number))[0].body["text"].startswith("Your complaint ")


@pytest.mark.parametrize("caller", ["", "05222236500", "1234567890"])
async def test_who_has_no_mobile_is_sent_nothing(house: Grievances, box: Outbox, caller: str) -> None:
    await house.register(a_draft(caller=caller))
    assert await box.letters() == []


async def test_a_special_closure_tells_the_reason_and_the_right_to_object(house: Grievances, box: Outbox) -> None:
    for reason in SpecialReason:
        assert set(REASONS[reason]) == {"hi", "en"}
        assert all(len(words) <= VARIABLE_LIMIT for words in REASONS[reason].values())
    template = TEMPLATES["closed_specially", "hi"]
    assert "आपत्ति" in template.text


async def test_the_gateway_is_told_header_entity_and_template_and_takes_a_message_once(
    house: Grievances, box: Outbox, clock: FixedClock
) -> None:
    asked: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(503) if len(asked) == 1 else httpx.Response(200, json={"id": "m-1"})

    await house.register(a_draft())
    async with opened("http://127.0.0.1:1", "t", transport=httpx.MockTransport(gateway)) as http:
        carrier = Gateway(http, TEMPLATES, header="UPCMHL-G", entity_id="1101000000000000000")
        sender = Sender(box, carrier, to=SYSTEM, clock=clock)
        await sender.send_due()
        clock.move(minutes=1)
        await sender.send_due()
    body = json.loads(asked[1].content)
    assert asked[0].url.path == PATH
    assert asked[0].headers[KEY_HEADER] == asked[1].headers[KEY_HEADER]
    assert (body["header"], body["entity"], body["template"]) == ("UPCMHL-G", "1101000000000000000", ID)
    assert body["parts"] == parts(body["text"]) > 1
    [letter] = await box.letters()
    assert (letter.state, letter.said) == (State.SENT, "message m-1")


async def test_words_that_are_not_registered_are_never_sent(house: Grievances, box: Outbox, clock: FixedClock) -> None:
    await house.register(a_draft())
    changed = parsed(HEAD + f'registered,hi,{ID},"नए शब्द {{#var#}}"\nregistered,en,1107000000000000002,new\n', "m")
    async with opened("http://127.0.0.1:1", transport=httpx.MockTransport(lambda _: httpx.Response(200))) as http:
        carrier = Gateway(http, changed, header="UPCMHL-G", entity_id="1101000000000000000")
        await Sender(box, carrier, to=SYSTEM, clock=clock).send_due()
    [letter] = await box.letters()
    assert letter.state is State.DEAD
    assert "registered template" in letter.said


@given(st.lists(st.text(max_size=60), min_size=3, max_size=3))
def test_whatever_is_filled_in_fits_the_registered_words(values: list[str]) -> None:
    template = TEMPLATES["registered", "hi"]
    assert template.fits(template.filled(values))


def test_a_wrong_number_of_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 variables"):
        TEMPLATES["registered", "hi"].filled(["1"])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("अ" * 70, 1),
        ("अ" * 71, 2),
        ("अ" * 134, 2),
        ("अ" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_message_is_counted_as_it_is_paid(text: str, count: int) -> None:
    assert parts(text) == count


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("a,hi,12,x\n", "line 2: a template's id has 19 digits"),
        (f"a,ur,{ID},x\n", "line 2: the language must be hi or en"),
        (f"a,hi,{ID},\n", "line 2: every column"),
        (f"a,hi,{ID},x\na,hi,{ID},y\n", "line 3: a in hi stands there twice"),
        (f"a,hi,{ID},x\n", "a is missing in en"),
    ],
)
def test_a_wrong_line_is_told_with_its_number(rows: str, problem: str) -> None:
    with pytest.raises(CatalogueError, match=problem):
        parsed(HEAD + rows, "messages.csv")


def test_other_columns_are_refused() -> None:
    with pytest.raises(CatalogueError, match="the columns must be"):
        parsed("a,b\n", "messages.csv")
