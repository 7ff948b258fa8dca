"""What the leadership types about figures."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import async_sessionmaker

from grievance_core.audit import Audit
from grievance_core.figures.counting import WEEKDAYS
from grievance_core.figures.rollups import Rollups
from grievance_core.figures.tables import registered_weeks
from helpline.commands.records import utc_now
from helpline.storage import open_engine
from tests.unit.helpline_cli.stand_ins import Shell

pytestmark = pytest.mark.service


async def counted(shell: Shell) -> None:
    """What a running controller does once a minute."""
    settings = shell.settings
    engine = open_engine(settings.database)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    await Audit(sessions, clock=utc_now).seal()
    await Rollups(sessions, zone=settings.zone).catch_up()
    await engine.dispose()


def test_what_happened_is_shown_ranked_and_the_same_when_counted_anew(shell: Shell) -> None:
    ours = ("complaint", "register", "-c", "ENE-05", "-d", "Lucknow", "-t", "The transformer burnt")
    number = shell.json(*ours)["number"]
    shell.fine("complaint", "register", "-c", "ENE-05", "-d", "Agra", "-t", "The transformer burnt here too")
    shell.fine("complaint", "report", number, "--by", "JE", "-t", "done")
    shell.fine("complaint", "feedback", number, "--satisfied")
    assert "Nothing happened" in shell.fine("figures", "show")
    assert "Nothing is open" in shell.fine("figures", "open")
    asyncio.run(counted(shell))
    (state,) = shell.json("figures", "show")["lines"]
    assert (state["now"]["registered"], state["now"]["share_l1"], state["before"]["share_l1"]) == (2, 1.0, None)
    assert "100.0%" in shell.fine("figures", "show", "--by", "district")
    (agra,) = shell.json("figures", "show", "--by", "category", "--district", "Agra")["lines"]
    assert (agra["key"], agra["now"]["registered"], agra["now"]["solved"]) == ("ENE-05", 1, 0)
    (first,) = shell.json("figures", "rank")
    assert (first["name"], first["solved_at_l1"], first["solved"]) == ("Lucknow", 1, 1)
    assert "1 of 1" in shell.fine("figures", "rank", "--by", "division")
    assert shell.json("figures", "open") == [{"level": 1, "age": "to 7 days", "open": 1}]
    assert "L1" in shell.fine("figures", "open", "--district", "Agra")
    assert "what a recount of all events gives" in shell.fine("figures", "recount")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "--by", "cast"), "give one of state, district"),
        (("show", "--from", "02-01-2026", "--until", "01-01-2026"), "is after"),
        (("rank", "--from", "soon"), "is no day"),
        (("open", "--district", "Atlantis"), "no district"),
    ],
)
def test_what_can_not_be_is_told_with_the_next_step(shell: Shell, words: tuple[str, ...], says: str) -> None:
    shell.fine("complaint", "list")
    assert says in shell.refused("figures", *words)


async def a_year_of_weeks(shell: Shell, on: date) -> None:
    """Ten complaints a day in one category and each of two districts, and in the last week of one four times that."""
    engine = open_engine(shell.settings.database)
    rows: dict[tuple[str, date], dict[str, int]] = {}
    for back in range(7 * 40):
        day = on - timedelta(days=back)
        for district in ("162", "119"):
            number = 40 if back < 7 and district == "162" else 10
            for place in (district, ""):
                week = rows.setdefault((place, day - timedelta(days=day.weekday())), dict.fromkeys(WEEKDAYS, 0))
                week[WEEKDAYS[day.weekday()]] += number
    async with engine.begin() as connection:
        await connection.execute(
            insert(registered_weeks),
            [{"district": place, "week": week, "category": "ENE-05", **days} for (place, week), days in rows.items()],
        )
    await engine.dispose()


def test_what_rises_is_told_with_what_was_expected_and_with_the_false_alarms_that_are_allowed(shell: Shell) -> None:
    shell.fine("complaint", "list")
    assert "Nothing" in shell.fine("figures", "rises")
    yesterday = datetime.now(shell.settings.zone).date() - timedelta(days=1)
    asyncio.run(a_year_of_weeks(shell, yesterday))
    found = shell.json("figures", "rises")
    (rise,) = found["places"]
    assert (rise["category"], rise["district_name"], rise["seen"]) == ("ENE-05", "Lucknow", 280)
    assert rise["expected"] == pytest.approx(70, rel=0.1)
    assert (rise["since"], rise["until"]) == ((yesterday - timedelta(days=6)).isoformat(), yesterday.isoformat())
    assert (found["false_alarms_a_week"], found["everywhere"], rise["season_known"]) == (1.0, [], False)
    shown = shell.fine("figures", "rises", "--false-alarms", "5")
    assert "5 such lines a week" in shown
    assert "Lucknow" in shown
    assert "no year before" in shown
    assert shell.json("figures", "rises", "--on", (yesterday - timedelta(days=7)).isoformat())["places"] == []
    assert "is not over" in shell.refused("figures", "rises", "--on", (yesterday + timedelta(days=1)).isoformat())
