"""Whom the dialer must not ring, on the command line."""

from __future__ import annotations

import pytest

from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.service


def test_a_number_is_barred_listed_and_taken_off_again(shell: Shell) -> None:
    shell.fine("complaint", "list")  # makes the database
    assert "Nobody is barred" in shell.fine("dialer", "barred")
    shell.fine("dialer", "bar", "9876543210", "--why", "asked for it", "--by", "supervisor")
    (one,) = shell.json("dialer", "barred")
    assert (one["number"], one["by"], one["why"]) == ("9876543210", "supervisor", "asked for it")
    assert "asked for it" in shell.fine("dialer", "barred")
    assert "may be rung again" in shell.fine("dialer", "unbar", "9876543210")
    assert shell.json("dialer", "barred") == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("bar", "9876543210", "--why", " "), "Say why"),
        (("bar", "112", "--why", "x"), "Give national digits"),
        (("unbar", "9876543210"), "not on the list"),
    ],
)
def test_what_can_not_be_is_told_with_the_next_step(shell: Shell, words: tuple[str, ...], says: str) -> None:
    shell.fine("complaint", "list")
    assert says in shell.refused("dialer", *words)
