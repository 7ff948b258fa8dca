"""What the leadership types about integrity."""

from __future__ import annotations

import pytest

from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.service


def test_each_question_is_answered_with_what_happened(shell: Shell) -> None:
    number = shell.json("complaint", "register", "-c", "ENE-05", "-d", "Lucknow", "-t", "The transformer burnt")[
        "number"
    ]
    assert "Nobody said so" in shell.fine("integrity", "pressed")
    shell.fine("complaint", "pressed", number, "-t", "they came")
    shell.fine("complaint", "report", number, "--by", "JE", "-t", "done")
    shell.fine("complaint", "feedback", number, "--satisfied")
    assert shell.json("integrity", "pressed")[0]["complaint"] == number
    assert number in shell.fine("integrity", "pressed")
    (fast,) = shell.json("integrity", "fast")
    assert (fast["complaint"], fast["visit"]) == (number, "not said")
    assert number in shell.fine("integrity", "fast")
    draws = shell.json("integrity", "verify-draw")
    assert (draws["satisfied"], draws["bent"], len(draws["key"])) == (1, [], 64)
    assert "1 satisfied citizens" in shell.fine("integrity", "verify-draw").replace("\n", " ")
    assert shell.json("integrity", "disagreement") == []
    assert "No second call" in shell.fine("integrity", "disagreement", "--by", "agent")
    assert "give officer or agent" in shell.refused("integrity", "disagreement", "--by", "boss")
