"""What an agent is offered before a new complaint is typed in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grievance_core.complaint import Complaint
from grievance_core.duplicates import MOST_OFFERED, alike
from grievance_core.lifecycle import State
from grievance_core.numbers import SERIALS, number_for
from grievance_core.testing import a_draft
from tests.unit.grievance_core.stories import fresh

pytestmark = pytest.mark.unit

TEXT = "रामपुर गाँव का ट्रांसफार्मर तीन दिन से जला है"


def there(serial: int, **changes: object) -> Complaint:
    changed = {"category": "ENE-02", "caller": "9000000000", "text": TEXT} | changes
    return replace(fresh("ENE-02"), number=number_for(SERIALS[serial]), **changed)


def offered(*candidates: Complaint) -> list[tuple[str, str]]:
    return [(one.complaint.number, one.why) for one in alike(a_draft(text="रामपुर में ट्रांसफार्मर जला है"), candidates)]


def test_the_callers_own_of_the_category_is_a_repeat_whatever_it_says() -> None:
    mine = there(1, caller="9876543210", text="बत्ती नहीं", district="118")
    assert offered(mine) == [(mine.number, "repeat")]


def test_anothers_in_the_same_words_is_the_same_trouble_and_in_other_words_is_not() -> None:
    same, other = there(1), there(2, text="सीतापुर रोड पर खम्भा टूटा")
    assert offered(other, same) == [(same.number, "same_trouble")]


@pytest.mark.parametrize(
    "changes", [{"category": "ENE-01"}, {"district": "118"}, {"state": State.CLOSED_SATISFIED}, {"text": "!"}]
)
def test_another_matter_or_place_or_a_closed_one_is_not_offered(changes: dict[str, object]) -> None:
    assert offered(there(1, **changes)) == []


def test_nobody_who_withholds_their_number_is_taken_for_another() -> None:
    withheld = there(1, caller="", text="बत्ती नहीं")
    assert alike(a_draft(caller=""), [withheld]) == ()


def test_the_callers_own_comes_first_then_the_one_with_most_behind_it_and_a_handful_at_most() -> None:
    many = [there(serial) for serial in range(2, 12)]
    parent, mine = there(20, supporters=7), there(30, caller="9876543210")
    found = offered(*many, parent, mine)
    assert found[:2] == [(mine.number, "repeat"), (parent.number, "same_trouble")]
    assert len(found) == MOST_OFFERED
