"""How a caller is asked to choose."""

from __future__ import annotations

import asyncio
from types import MappingProxyType

import pytest

from ivr.menu import BACK, GAVE_UP, MOST_REPEATS, PERSON, Choice, Menu, choose
from telephony.errors import HungUp
from telephony.testing import ScriptedCall
from tests.unit.ivr.calls import LONGEST_CALL_SECONDS, heard

pytestmark = [pytest.mark.unit, pytest.mark.looptime]


def a_menu(**changes: object) -> Menu:
    values: dict[str, object] = {
        "id": "ask",
        "prompts": ("ask",),
        "choices": MappingProxyType({"1": "tea", "2": "coffee"}),
        "seconds": 5.0,
    }
    return Menu(**{**values, **changes})  # type: ignore[arg-type]


async def asked(keys: list[str], **changes: object) -> tuple[Choice, list[str]]:
    call = ScriptedCall(keys=keys)
    async with asyncio.timeout(LONGEST_CALL_SECONDS):
        return await choose(call, a_menu(**changes), "en"), heard(call)


async def test_a_key_chooses() -> None:
    assert await asked(["2"]) == (Choice("chosen", "coffee"), ["ask"])


async def test_of_too_many_keys_the_first_counts() -> None:
    assert (await asked(["21*0"]))[0] == Choice("chosen", "coffee")


async def test_zero_is_a_person_and_star_goes_back() -> None:
    assert (await asked(["0"]))[0] == PERSON
    assert (await asked(["*"]))[0] == BACK
    assert PERSON.wants_person
    assert not BACK.wants_person


async def test_hash_repeats_without_counting_as_a_failed_try() -> None:
    assert await asked(["#", "#", "#", "#", "1"]) == (Choice("chosen", "tea"), ["ask"] * 5)


async def test_a_stuck_hash_key_does_not_hold_the_line_for_ever() -> None:
    choice, said = await asked(["#"] * 100)
    assert choice == GAVE_UP
    assert said.count("ask") == MOST_REPEATS + 3


async def test_a_wrong_key_is_told_and_the_menu_said_again() -> None:
    assert await asked(["7", "1"]) == (Choice("chosen", "tea"), ["ask", "menu_wrong", "ask"])


async def test_silence_is_told_and_the_menu_said_again() -> None:
    assert await asked(["", "1"]) == (Choice("chosen", "tea"), ["ask", "menu_silent", "ask"])


async def test_after_three_failed_tries_there_is_help_and_then_a_person() -> None:
    choice, said = await asked(["7", "", "9"])
    assert choice.wants_person
    assert said == ["ask", "menu_wrong", "ask", "menu_silent", "menu_keys", "ask", "menu_help"]


async def test_where_there_is_no_person_three_failed_tries_are_the_end() -> None:
    choice, said = await asked(["", "0", ""], person=False)
    assert choice == GAVE_UP
    assert said == ["ask", "menu_silent", "ask", "menu_wrong", "ask"]


async def test_silence_can_be_a_choice() -> None:
    assert await asked([""], silence="tea") == (Choice("chosen", "tea"), ["ask"])
    assert (await asked([""], silence="back"))[0] == BACK


async def test_star_is_a_wrong_key_where_there_is_no_way_back() -> None:
    assert (await asked(["*", "1"], back=False))[1] == ["ask", "menu_wrong", "ask"]


async def test_what_comes_first_is_heard_once() -> None:
    call = ScriptedCall(keys=["#", "7", "1"])
    await choose(call, a_menu(), "en", first=("helpline/en/hello",))
    assert heard(call) == ["hello", "ask", "ask", "menu_wrong", "ask"]


async def test_before_the_language_is_known_all_is_heard_in_both() -> None:
    call = ScriptedCall(keys=["7", "1"])
    await choose(call, a_menu(every_language=True), "hi")
    both = ["helpline/hi/ask", "helpline/en/ask"]
    assert call.played == [*both, "helpline/hi/menu_wrong", "helpline/en/menu_wrong", *both]


async def test_a_hang_up_ends_the_question() -> None:
    with pytest.raises(HungUp):
        await choose(ScriptedCall(hang_up_at=1), a_menu(), "hi")
