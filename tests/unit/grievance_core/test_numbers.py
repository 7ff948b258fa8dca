from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grievance_core.errors import NumberUnreadable
from grievance_core.numbers import DIGITS, SERIALS, ComplaintNumber, number_for, parse, spoken_groups

pytestmark = pytest.mark.unit

complaint_numbers = st.integers(SERIALS.start, SERIALS.stop - 1).map(number_for)


@given(complaint_numbers)
def test_a_number_has_twelve_digits_no_leading_zero_and_reads_back(number: ComplaintNumber) -> None:
    assert len(number) == DIGITS
    assert number.isdigit()
    assert number[0] != "0"
    assert parse(number) == number


@given(complaint_numbers, st.integers(0, DIGITS - 1), st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(number: ComplaintNumber, place: int, shift: int) -> None:
    wrong = str((int(number[place]) + shift) % 10)
    with pytest.raises(NumberUnreadable) as caught:
        parse(number[:place] + wrong + number[place + 1 :])
    assert caught.value.flaw == "check_digit"


@given(complaint_numbers, st.integers(0, DIGITS - 2))
def test_two_neighbours_swapped_are_always_caught(number: ComplaintNumber, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped == number:
        return
    with pytest.raises(NumberUnreadable):
        parse(swapped)


@given(complaint_numbers)
def test_a_number_is_spoken_in_four_groups_of_three_that_can_be_typed_back(number: ComplaintNumber) -> None:
    groups = spoken_groups(number)
    assert [len(group) for group in groups] == [3, 3, 3, 3]
    assert parse(" ".join(groups)) == parse("-".join(groups)) == number


def test_hindi_digits_and_pasted_spaces_are_understood() -> None:
    number = number_for(SERIALS[123456789])
    hindi = number.translate(str.maketrans("0123456789", "०१२३४५६७८९"))
    assert parse(f"\u00a0{hindi[:6]} {hindi[6:]}\n") == number


@pytest.mark.parametrize(
    ("text", "flaw", "advice"),
    [
        pytest.param("", "empty", "ask for all", id="nothing"),
        pytest.param(" - ", "empty", "ask for all", id="only separators"),
        pytest.param("12345678901", "length", "these are 11", id="one digit short"),
        pytest.param("1234567890123", "length", "these are 13", id="one digit too many"),
        pytest.param("1076-ABCD-1234", "not_digits", "only digits", id="letters"),
        pytest.param("12345678901²", "not_digits", "only digits", id="a superscript is no digit"),
        pytest.param("000000000000", "check_digit", "three digits at a time", id="never a leading zero"),
    ],
)
def test_what_is_no_number_is_told_with_what_to_ask(text: str, flaw: str, advice: str) -> None:
    with pytest.raises(NumberUnreadable, match=advice) as caught:
        parse(text)
    assert caught.value.flaw == flaw
    assert not caught.value.retryable


@pytest.mark.parametrize("serial", [0, SERIALS.start - 1, SERIALS.stop])
def test_a_serial_out_of_bounds_makes_no_number(serial: int) -> None:
    with pytest.raises(ValueError, match="no leading 0"):
        number_for(serial)
