"""Telephone numbers as they arrive, brought to one form: pure.

India's numbering plan (National Numbering Plan 2003, Department of Telecommunications): ten digits without the leading
0, whether mobile (first digit 6 to 9) or landline with its STD code; trunks put 0, 91, 091, +91, 0091 before them.
"""

from __future__ import annotations

from typing import Final

NATIONAL_DIGITS: Final = 10
MOST_DIGITS: Final = 20
"""E.164 has 15; what is longer than this is no telephone number."""
_WITHHELD: Final = frozenset({"", "unknown", "anonymous", "restricted", "unavailable", "private", "withheld", "s"})
_SPACING: Final = str.maketrans("", "", " -().\t")


def national(number: str) -> str:
    """The number as people in India write it, without 0 or 91 before it; "" when withheld or not a number.

    A short code (1076, 112) and a foreign number stay as they are; the foreign one keeps its `+`. Digits of any script
    are read (९८७…). What came out, put in again, comes out the same up to ten digits.
    """
    if len(number) == NATIONAL_DIGITS and number.isascii() and number.isdecimal() and number[0] != "0":
        return number  # as nearly all are, in lists of a million
    text = number.strip().lower()
    if text.startswith(("sip:", "sips:", "tel:")):
        text = text.partition(":")[2]
    text = text.partition("@")[0].partition(";")[0].translate(_SPACING)
    if text in _WITHHELD:
        return ""
    international = text.startswith("+")
    written = text.removeprefix("+")
    if not written.isdecimal() or len(written) > MOST_DIGITS:
        return ""
    digits = "".join(str(int(digit)) for digit in written)
    if not international and digits.startswith("00"):
        international, digits = True, digits.removeprefix("00")
    if international:
        if not digits or digits.startswith("0"):
            return ""
        return digits.removeprefix("91").lstrip("0") if digits.startswith("91") else "+" + digits
    for prefix in ("091", "91"):
        if digits.startswith(prefix) and len(digits) == len(prefix) + NATIONAL_DIGITS:
            return digits.removeprefix(prefix).lstrip("0")
    return digits.removeprefix("0")
