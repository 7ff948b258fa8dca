"""Complaint numbers: short enough to say and key on a phone, safe against a wrong key, not guessable.

A number has 12 digits: 11 drawn at random (so that knowing one number tells nothing of the next; the first is never 0,
which spreadsheets and memories drop) and a check digit. The check digit is Verhoeff's: it catches every single wrong
digit and every swap of two neighbours, where Luhn misses the swap of 0 and 9.
"""

from __future__ import annotations

import unicodedata
from typing import NewType

from stdnum import verhoeff

from grievance_core.errors import NumberUnreadable

ComplaintNumber = NewType("ComplaintNumber", str)

DIGITS = 12
# What the random part is drawn from: 90 thousand million, so that 100 million complaints hold one in 900.
SERIALS = range(10 ** (DIGITS - 2), 10 ** (DIGITS - 1))
# What people put between digits when they write or paste a number.
_BETWEEN = str.maketrans("", "", " \t\n\r\u00a0\u200b-–—.,/#")


def number_for(serial: int) -> ComplaintNumber:
    """The complaint number of a serial drawn from SERIALS."""
    if serial not in SERIALS:
        raise ValueError(f"a serial has {DIGITS - 1} digits and no leading 0, this is {serial}")
    return ComplaintNumber(f"{serial}{verhoeff.calc_check_digit(str(serial))}")


def parse(text: str) -> ComplaintNumber:
    """The number in what was typed, keyed or pasted; spaces, dashes and Hindi digits are understood.

    Raises NumberUnreadable, whose message says what to ask of the person.
    """
    bare = text.translate(_BETWEEN)
    if not bare:
        raise NumberUnreadable("empty", f"No complaint number was given. It has {DIGITS} digits: ask for all of them.")
    if not bare.isdecimal():
        raise NumberUnreadable(
            "not_digits", f"A complaint number has only digits, {DIGITS} of them. Leave out all letters and signs."
        )
    digits = "".join(str(unicodedata.decimal(character)) for character in bare)
    if len(digits) != DIGITS:
        raise NumberUnreadable(
            "length", f"A complaint number has {DIGITS} digits, these are {len(digits)}. Ask for the number again."
        )
    if digits[0] == "0" or not verhoeff.is_valid(digits):
        raise NumberUnreadable(
            "check_digit",
            "One of the digits is wrong or two are swapped. Ask for the number again, three digits at a time.",
        )
    return ComplaintNumber(digits)


def spoken_groups(number: ComplaintNumber) -> tuple[str, ...]:
    """The number in groups of three digits, as it is said and shown."""
    return tuple(number[start : start + 3] for start in range(0, DIGITS, 3))
