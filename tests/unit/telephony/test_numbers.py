from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.numbers import national

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("arrived", "expected"),
    [
        ("9876543210", "9876543210"),
        ("+919876543210", "9876543210"),
        ("919876543210", "9876543210"),
        ("0919876543210", "9876543210"),
        ("00919876543210", "9876543210"),
        ("09876543210", "9876543210"),
        ("+91 98765-43210", "9876543210"),
        ("+91 (0) 98765 43210", "9876543210"),
        ("05222236767", "5222236767"),
        ("9198765432", "9198765432"),
        ("९८७६५४३२१०", "9876543210"),
        ("sip:+919876543210@trunk.example;user=phone", "9876543210"),
        ("tel:09876543210", "9876543210"),
        ("1076", "1076"),
        ("01076", "1076"),
        ("+911076", "1076"),
        ("+4420712345678", "+4420712345678"),
        ("004420712345678", "+4420712345678"),
    ],
)
def test_each_form_of_a_number_is_brought_to_one(arrived: str, expected: str) -> None:
    assert national(arrived) == expected


@pytest.mark.parametrize(
    "arrived", ["", "  ", "anonymous", "Unknown", "<unknown>", "Restricted", "s", "+", "000", "1" * 21, "98765x"]
)
def test_a_withheld_or_meaningless_number_is_empty(arrived: str) -> None:
    assert national(arrived) == ""


@given(st.one_of(st.text(), st.from_regex(r"\+?0{0,3}(91)?0?[0-9]{0,12}", fullmatch=True)))
def test_normalising_twice_changes_nothing(number: str) -> None:
    once = national(number)
    assert national(once) == once or len(once) > 10
    assert once == "" or once.removeprefix("+").isascii()


@given(st.from_regex(r"[2-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "0", "91", "+91", "091", "0091", "+910"]))
def test_every_prefix_of_a_trunk_leads_to_the_same_ten_digits(digits: str, prefix: str) -> None:
    assert national(prefix + digits) == digits
