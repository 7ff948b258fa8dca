"""Whom the dialer must not ring, on the command line."""

from __future__ import annotations

from pathlib import Path

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


def test_every_gate_before_a_citizens_call_is_told_in_words(shell: Shell, tmp_path: Path) -> None:
    ours = ("complaint", "register", "-c", "ENE-05", "-d", "Lucknow", "-t", "The transformer burnt")
    number = shell.json(*ours, "--caller", "9876543210")["number"]
    assert "Nobody here waits" in shell.fine("dialer", "why", "9876543210")
    shell.fine("complaint", "report", number, "--by", "JE", "-t", "done")
    shell.fine("dialer", "bar", "9876543210", "--why", "asked for it")
    shell.fine("campaign", "create", "water-2", "--mode", "preview")
    (tmp_path / "list.csv").write_text("number\n9876543210\n", encoding="utf-8")
    shell.fine("campaign", "import", "water-2", str(tmp_path / "list.csv"))
    feedback, listed = shell.json("dialer", "why", "+91 98765 43210")
    assert (feedback["campaign"], feedback["contact"], feedback["rings"]) == ("feedback", number, False)
    shut = {gate["gate"]: gate["why"] for gate in feedback["gates"] if not gate["open"]}
    assert "do-not-ring list" in shut["number"]
    assert (listed["campaign"], listed["rings"]) == ("water-2", False)
    assert "does not make their calls yet" in listed["gates"][0]["why"]
    assert f"feedback, {number}: not rung now" in shell.fine("dialer", "why", number)


def test_that_a_citizen_is_drawn_for_a_second_call_is_not_told(shell: Shell) -> None:
    ours = ("complaint", "register", "-c", "ENE-05", "-d", "Lucknow", "-t", "The transformer burnt")
    number = shell.json(*ours, "--caller", "9876543210")["number"]
    shell.fine("complaint", "report", number, "--by", "JE", "-t", "done")
    shell.fine("complaint", "feedback", number, "--satisfied")
    assert shell.json("dialer", "why", number) == []  # of all who are satisfied, drawn or not
