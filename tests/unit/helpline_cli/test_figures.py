"""What the leadership types about figures."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from grievance_core.audit import Audit
from grievance_core.figures.rollups import Rollups
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
