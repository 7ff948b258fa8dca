"""The forms in which networks deliver a call to a short code."""

from __future__ import annotations


def forms(*, number: str, std_code: str, country_code: str) -> tuple[str, ...]:
    """Every form of the helpline's number that a trunk may present, the plain one first, none twice.

    A short code arrives bare, behind the trunk prefix 0, behind its area's STD code, and either of them in the
    national or the international form; operators differ, and a caller who is not recognised is a caller lost.
    """
    area = std_code.removeprefix("0")
    national = (number, area + number)
    written = [
        number,
        f"0{number}",
        f"0{area}{number}",
        f"{area}{number}",
        *(f"{sign}{country_code}{form}" for form in national for sign in ("+", "", "00", "0")),
        *(f"+{country_code}0{form}" for form in national),
    ]
    return tuple(dict.fromkeys(written))
