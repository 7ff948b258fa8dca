"""What the leadership types about integrity."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from grievance_core.figures.counting import Figure
from grievance_core.figures.tables import figure_counts
from helpline.storage import open_engine
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


def test_who_jumped_and_which_agent_stands_out_is_told_beside_what_was_expected(shell: Shell) -> None:
    shell.fine("complaint", "list")
    assert shell.json("integrity", "jumps") == []
    assert "Nobody jumped" in shell.fine("integrity", "jumps")
    assert "Nobody stands out" in shell.fine("integrity", "agents")
    asyncio.run(odd_weeks(shell))
    (jump,) = shell.json("integrity", "jumps")
    assert (jump["officer"], jump["measure"], jump["seen"], jump["of"]) == ("p", "satisfied", 40, 40)
    assert jump["beside"] == [72, 144]
    assert "40 of 40 (100%)" in shell.fine("integrity", "jumps", "--false-alarms", "0.5")


async def odd_weeks(shell: Shell) -> None:
    """Half of an officer's citizens were satisfied for twelve weeks, and for two weeks all are."""
    engine = open_engine(shell.settings.database)
    today = datetime.now(shell.settings.zone).date()
    rows = []
    for week in range(14):
        solved, dissatisfied = (20, 0) if week < 2 else (6, 6)
        day = today - timedelta(days=1 + 7 * week)
        counts = dict.fromkeys(Figure, 0) | {Figure.SOLVED: solved, Figure.DISSATISFIED: dissatisfied}
        rows.append(
            {"of": "post", "day": day, "district": "162", "category": "ENE-05", "level": 1, "post": "p"}
            | {figure.value: number for figure, number in counts.items()}
        )
    async with engine.begin() as connection:
        await connection.execute(insert(figure_counts), rows)
    await engine.dispose()
