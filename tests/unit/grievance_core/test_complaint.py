"""What is taken down to register a complaint, and what is printed of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grievance_core.complaint import MASK, TEXT_LIMIT, checked, once_key
from grievance_core.errors import DraftRefused
from grievance_core.life import register
from grievance_core.numbers import SERIALS, number_for
from grievance_core.testing import NOON, a_draft
from tests.unit.grievance_core.stories import RULES

pytestmark = pytest.mark.unit

NUMBER = number_for(SERIALS[0])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"text": " \x00\n "}, "statement is empty", id="nothing but a NUL"),
        pytest.param({"text": "क" * (TEXT_LIMIT + 1)}, f"at most {TEXT_LIMIT}", id="too long"),
        pytest.param({"caller": "+919876543210"}, "digits only", id="a number with its plus"),
        pytest.param({"caller": "१२३"}, "digits only", id="a number in Hindi digits"),
        pytest.param({"name": "x" * 121}, "name must be at most 120", id="a name too long"),
        pytest.param({"channel": "x" * 21}, "channel must be at most 20", id="a channel too long"),
        pytest.param({"call_id": "x" * 121}, "call's id", id="a call's id too long"),
        pytest.param({"kind": "rant"}, "complaint, demand, suggestion", id="unknown kind"),
        pytest.param({"language": "fr"}, "one of hi, en", id="unknown language"),
    ],
)
def test_a_draft_out_of_bounds_is_refused_with_its_field(changes: dict[str, str], told: str) -> None:
    with pytest.raises(DraftRefused, match=told):
        checked(replace(a_draft(), **changes))  # type: ignore[arg-type]


def test_signs_that_no_store_can_keep_become_spaces() -> None:
    assert checked(replace(a_draft(), text="बिजली\x00नहीं\ud800\n")).text == "बिजली नहीं"


def test_the_same_form_in_the_same_call_has_one_key_and_outside_a_call_none() -> None:
    draft = a_draft(call_id="1700000000.1")
    assert once_key(draft) == once_key(replace(draft, name="", agent="1002"))
    assert once_key(draft) != once_key(replace(draft, text="something else"))
    assert once_key(a_draft()) is None


def test_what_is_printed_of_a_complaint_holds_no_personal_data() -> None:
    draft = a_draft()
    complaint, events = register(draft, number=NUMBER, at=NOON, rules=RULES)
    printed = f"{draft!r} {complaint!r} {events!r}"
    assert not any(private in printed for private in (draft.caller, draft.name, draft.text))


def test_an_officer_sees_no_pin_and_nothing_of_a_confidential_citizen() -> None:
    draft = a_draft()
    open_one, _ = register(draft, number=NUMBER, at=NOON, rules=RULES, pin="1234")
    hidden, _ = register(replace(draft, confidential=True), number=NUMBER, at=NOON, rules=RULES, pin="1234")
    assert (open_one.for_officer().caller, open_one.for_officer().pin) == (draft.caller, "")
    seen = hidden.for_officer()
    assert (seen.caller, seen.name, seen.pin) == ("", MASK, "")
    assert seen.text == draft.text
