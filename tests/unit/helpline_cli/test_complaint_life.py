"""What is decided about a complaint on the command line."""

from __future__ import annotations

import pytest

from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.service

ONE = ("complaint", "register", "-c", "ENE-05", "-d", "Lucknow", "-t", "The transformer at Rampur burnt")
WHY = ("--by", "DM", "-t", "because")


def registered(shell: Shell, *more: str) -> str:
    return str(shell.json(*ONE, *more)["number"])


def history(shell: Shell, number: str) -> list[str]:
    return [event["kind"] for event in shell.json("complaint", "show", number)["history"]]


@pytest.fixture
def proposed(shell: Shell) -> str:
    number = registered(shell)
    for _ in range(2):
        shell.fine("complaint", "report", number, "--by", "JE", "-t", "done")
        shell.fine("complaint", "feedback", number, "--dissatisfied")
    papers = ("--level", "2", "--reason", "found_untrue", "-t", "untrue", "--report", "seen")
    shell.fine("complaint", "close", number, "--by", "SDO", *papers)
    return number


def test_a_second_person_approves_and_the_citizen_objects(shell: Shell, proposed: str) -> None:
    assert "Someone other" in shell.refused("complaint", "approve", proposed, "--by", "SDO", "--level", "3")
    assert shell.json("complaint", "approve", proposed, "--by", "DM", "--level", "3")["state"] == "closed_specially"
    (counted,) = shell.json("complaint", "closures").items()
    assert counted == (shell.json("complaint", "show", proposed)["post"], 1)
    assert counted[0] in shell.fine("complaint", "closures")
    assert shell.json("complaint", "object", proposed, "-t", "nobody came")["level"] == 3


def test_or_declines(shell: Shell, proposed: str) -> None:
    said = shell.json("complaint", "decline", proposed, *WHY, "--level", "3")
    assert (said["state"], said["proposed_by"]) == ("under_review", "")


def test_time_and_department_are_moved_on_record(shell: Shell) -> None:
    number = registered(shell)
    before = shell.json("complaint", "show", number)["due_at"]
    assert shell.json("complaint", "transfer", number, *WHY, "-c", "REV-01")["due_at"] == before
    assert shell.json("complaint", "extend", number, *WHY, "--level", "3", "--days", "2")["due_at"] > before
    assert history(shell, number)[2:] == ["transferred", "extended"]


def test_reminders_and_withdrawals_are_noted(shell: Shell) -> None:
    number = registered(shell)
    shell.fine("complaint", "remind", number, "-t", "still nothing")
    shell.fine("complaint", "pressed", number, "-t", "they came")
    assert history(shell, number)[2:] == ["reminded", "pressed"]
    assert shell.json("complaint", "withdraw", number, "-t", "solved")["state"] == "withdrawn"
    assert "after the report" in shell.refused("complaint", "ask-again", registered(shell), *WHY)


def test_what_is_alike_is_offered_and_can_be_merged(shell: Shell) -> None:
    first, second = registered(shell), registered(shell, "--caller", "9876543210")
    (found,) = shell.json("complaint", "alike", *ONE[2:], "--caller", "9876543210")[:1]
    assert (found["number"], found["why"]) == (second, "repeat")
    assert first in shell.fine("complaint", "alike", *ONE[2:])
    assert "Nothing like it" in shell.fine("complaint", "alike", "-c", "HOM-01", "-d", "Agra", "-t", "x")
    assert shell.json("complaint", "merge", second, "--into", first, "--by", "1001")["parent"] == first
    assert "supporters" in shell.fine("complaint", "show", first)


def test_an_excluded_matter_says_where_to_go_and_a_supervisor_takes_it_in(shell: Shell) -> None:
    said = shell.fine(*ONE, "--excluded", "rti")
    assert "public information officer" in said
    number = shell.json("complaint", "list", "--state", "refused")[0]["number"]
    assert shell.json("complaint", "override", number, *WHY)["state"] == "with_officer"


def test_one_beyond_the_cap_needs_a_supervisor(shell: Shell) -> None:
    shell.file.write_text(shell.file.read_text() + "\n[complaints]\ncap_per_month = 1\n")
    registered(shell, "--caller", "9876543210")
    assert "reminder" in shell.refused(*ONE, "--caller", "9876543210")
    number = registered(shell, "--caller", "9876543210", "--allowed-by", "Rao")
    assert history(shell, number)[-1] == "commented"


def test_a_complaint_against_its_own_officer_goes_a_level_up(shell: Shell) -> None:
    post = shell.json("complaint", "show", registered(shell))["post"]
    said = shell.json(*ONE, "--against", post, "--confidential")
    assert (said["level"], said["flags"], said["confidential"]) == (2, ["against_officer"], True)


def test_the_rules_can_be_drawn(shell: Shell) -> None:
    assert shell.fine("complaint", "lifecycle", "--drawing").startswith("stateDiagram-v2")
