"""Figures are counted from events, each once: a recount gives the same, and small numbers do not win by luck."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import date, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker

from grievance_core.audit import Audit
from grievance_core.errors import ChangedMeanwhile, DraftRefused, NotAllowed, StoreBusy
from grievance_core.figures.counting import Cell, OpenCell
from grievance_core.figures.ranking import prior_of, ranked
from grievance_core.figures.reading import By, Figures, Span, ages, lines
from grievance_core.figures.rollups import Rollups
from grievance_core.figures.service import LeadershipFigures
from grievance_core.service import Grievances
from grievance_core.testing import NOON, FixedClock, a_draft
from tests.unit.grievance_core.stories import CATALOGUE, RULES

unit = pytest.mark.unit
service = pytest.mark.service
KOLKATA = ZoneInfo("Asia/Kolkata")
LUCKNOW, AGRA = CATALOGUE.find_district("Lucknow").code, CATALOGUE.find_district("Agra").code
DAY = NOON.astimezone(KOLKATA).date()


class Books:
    """A store with its seals and its roll-ups, as the controller has them."""

    def __init__(self, engine: AsyncEngine, clock: FixedClock) -> None:
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        self.house = Grievances(sessions, catalogue=CATALOGUE, clock=clock, rng=random.Random(1), rules=RULES)
        self.audit = Audit(sessions, clock=clock)
        self.rollups = Rollups(sessions, zone=KOLKATA)
        self.figures = LeadershipFigures(sessions, catalogue=CATALOGUE)

    async def count(self) -> None:
        while await self.audit.seal():
            pass
        await self.rollups.catch_up()


@pytest.fixture
def books(engine: AsyncEngine, clock: FixedClock) -> Books:
    return Books(engine, clock)


@service
async def test_a_story_is_counted_where_and_when_it_happened(books: Books, clock: FixedClock) -> None:
    house = books.house
    first = (await house.register(a_draft(category="HOM-01", district=LUCKNOW, call_id="1"))).number
    second = (await house.register(a_draft(category="HOM-01", district=AGRA, call_id="2"))).number
    await house.register(a_draft(category="ENE-01", district=AGRA, call_id="3"))
    for attempt, satisfied in enumerate([False, False, True]):
        await house.report(first, by="CO", text="done")
        await house.feedback(first, satisfied=satisfied, attempt=f"a{attempt}", channel="call")
    await house.report(second, by="CO", text="done")
    await house.feedback_missed(second, attempt="b1")
    await house.feedback(second, satisfied=True, attempt="b2", channel="call")
    await books.count()
    (state,) = await books.figures.lines(Span(DAY, DAY), "state")
    assert state.now == Figures(
        registered=3, reported=4, solved=2, solved_at_l1=1, in_time=2, dissatisfied=2, not_reached=1
    )
    assert (state.now.share_l1, state.now.share_in_time, state.now.share_satisfied) == (0.5, 1.0, 0.5)
    assert state.before == Figures()
    by_district = {line.name: line.now for line in await books.figures.lines(Span(DAY, DAY), "district")}
    assert (by_district["Lucknow"].dissatisfied, by_district["Agra"].dissatisfied) == (2, 0)
    assert (by_district["Lucknow"].solved_at_l1, by_district["Agra"].solved_at_l1) == (0, 1)
    posts = {line.key: line.now for line in await books.figures.lines(Span(DAY, DAY), "post", district=LUCKNOW)}
    assert posts["HOM/162/circle-officer"].dissatisfied == 2
    assert posts["HOM/162/additional-superintendent-of-police"].solved == 1
    assert {line.key for line in await books.figures.lines(Span(DAY, DAY), "department")} == {"HOM", "ENE"}
    assert [line.key for line in await books.figures.lines(Span(DAY, DAY), "category", category="ENE-01")] == ["ENE-01"]
    for by in get_args(By):  # whichever roll-ups are read, all of it is there
        for place, registered in (("", 3), (AGRA, 2)):
            for matter, of_these in (("", registered), ("HOM-01", registered - 1)):
                found = await books.figures.lines(Span(DAY, DAY), by, district=place, category=matter)
                assert sum(line.now.registered for line in found) == of_these
    clock.move(days=1)
    tomorrow = Span(DAY + timedelta(days=1), DAY + timedelta(days=1))
    (after,) = await books.figures.lines(tomorrow, "division", district=AGRA)
    assert (after.now, after.before.registered) == (Figures(), 2)
    assert await books.figures.open_by_age(DAY + timedelta(days=1)) == {(1, "to 7 days"): 1}
    assert await books.figures.open_by_age(DAY + timedelta(days=40), district=AGRA) == {(1, "to 90"): 1}
    assert await books.figures.open_by_age(DAY, district=LUCKNOW) == {}


@service
async def test_a_level_that_let_its_time_run_out_solves_out_of_time(books: Books, clock: FixedClock) -> None:
    number = (await books.house.register(a_draft())).number
    clock.move(days=30)
    await books.house.sweep(clock())
    await books.house.report(number, by="x", text="done")
    await books.house.feedback(number, satisfied=True, attempt="1", channel="call")
    await books.count()
    (state,) = await books.figures.lines(Span(DAY, DAY + timedelta(days=40)), "state")
    assert (state.now.solved, state.now.solved_at_l1, state.now.in_time) == (1, 0, 0)
    assert state.now.time_ran_out > 0


@service
@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_counted_step_by_step_is_what_a_recount_of_all_gives(
    books: Books, clock: FixedClock, seed: int
) -> None:
    chance = random.Random(seed)
    numbers: list[str] = []
    for turn in range(120):
        clock.move(hours=chance.expovariate(1 / 9))
        if not numbers or chance.random() < 0.25:
            place, matter = chance.choice([LUCKNOW, AGRA]), chance.choice(["HOM-01", "ENE-01", "ENE-05"])
            kind = chance.choice(["complaint", "complaint", "demand", "information"])
            draft = replace(a_draft(category=matter, district=place, call_id=f"c{turn}"), kind=kind)
            numbers.append((await books.house.register(draft)).number)
            continue
        try:
            await something(books.house, chance, numbers, turn, clock)
        except (NotAllowed, DraftRefused):
            continue
        if chance.random() < 0.2:
            await books.count()
    await books.count()
    assert await books.rollups.recount() == []
    span = Span(DAY, clock().astimezone(KOLKATA).date())
    (state,) = await books.figures.lines(span, "state")
    assert state.now.registered == len(numbers)
    everything = [await books.house.get(number) for number in numbers]
    counted = await books.figures.open_by_age(span.last)
    assert sum(counted.values()) == sum(one.is_open for one in everything)
    for level in (1, 2, 3, 4):
        of_level = sum(number for (at, _), number in counted.items() if at == level)
        assert of_level == sum(one.is_open and one.level == level for one in everything)


async def something(house: Grievances, chance: random.Random, numbers: list[str], turn: int, clock: FixedClock) -> None:
    number = chance.choice(numbers)
    match chance.randrange(8):
        case 0 | 1:
            await house.report(number, by="JE", text="done")
        case 2 | 3:
            await house.feedback(number, satisfied=chance.random() < 0.5, attempt=f"f{turn}", channel="call")
        case 4:
            await house.feedback_missed(number, attempt=f"m{turn}")
        case 5:
            await house.transfer(number, category=chance.choice(["REV-01", "HOM-03"]), by="DM", text="theirs")
        case 6:
            other = chance.choice(numbers)
            if other != number:
                await house.merge(number, into=other, by="1001")
        case _:
            await house.sweep(clock())


@service
async def test_a_roll_up_that_was_changed_is_told_and_repaired(books: Books, engine: AsyncEngine) -> None:
    await books.house.register(a_draft())
    await books.count()
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE figure_counts SET registered = 7"))
        await connection.execute(text("DELETE FROM open_counts"))
    faults = await books.rollups.recount()
    assert [fault.split(":")[0] for fault in faults] == ["figure_counts"] * 3 + ["open_counts"]
    assert faults[0].endswith("registered: 7, counted 1")
    assert len(await books.rollups.recount(repair=True)) == 4
    assert await books.rollups.recount() == []


@service
async def test_of_two_who_count_at_the_same_moment_one_counts(books: Books, engine: AsyncEngine) -> None:
    for call in "ab":
        await books.house.register(a_draft(call_id=call))
        while await books.audit.seal():
            pass
    other = Rollups(async_sessionmaker(engine), zone=KOLKATA)
    ends = await asyncio.gather(books.rollups.catch_up(), other.catch_up(), return_exceptions=True)
    assert all(isinstance(end, int | ChangedMeanwhile | StoreBusy) for end in ends)
    await books.rollups.catch_up()
    assert await other.catch_up() == 0
    assert await books.rollups.recount() == []
    (state,) = await books.figures.lines(Span(DAY, DAY), "state")
    assert state.now.registered == 2


@service
@pytest.mark.parametrize("repair", [False, True])
async def test_a_recount_while_the_controller_counts_on_finds_no_fault_and_loses_nothing(
    books: Books, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, repair: bool
) -> None:
    await books.house.register(a_draft(call_id="a"))
    await books.count()
    other = Rollups(async_sessionmaker(engine), zone=KOLKATA)
    counted_of, meanwhile = books.rollups._counted, asyncio.Queue[asyncio.Task[int]]()

    async def counted(session: AsyncConnection, which: ColumnElement[bool]) -> object:
        """Between counting and comparing, the controller counts what was sealed in the meantime."""
        found = await counted_of(session, which)
        if meanwhile.empty():
            meanwhile.put_nowait(asyncio.create_task(other.catch_up()))
            await asyncio.sleep(0.3)
        return found

    await books.house.register(a_draft(call_id="b"))
    monkeypatch.setattr(books.rollups, "catch_up", books.audit.seal)  # sealed, and not counted by this one
    monkeypatch.setattr(books.rollups, "_counted", counted)
    assert await books.rollups.recount(repair=repair) == []
    assert await meanwhile.get_nowait() == 1
    monkeypatch.undo()
    assert await books.rollups.recount() == []
    (state,) = await books.figures.lines(Span(DAY, DAY), "state")
    assert state.now.registered == 2


# Reading


@unit
def test_a_share_of_nothing_is_none_and_the_span_before_is_as_long() -> None:
    assert (Figures().share_l1, Figures().share_in_time, Figures().share_satisfied) == (None, None, None)
    assert Figures(not_reached=5).share_satisfied is None
    assert Span(date(2026, 11, 1), date(2026, 11, 30)).before == Span(date(2026, 10, 2), date(2026, 10, 31))
    assert lines([], [], "state", CATALOGUE) == []


@unit
@pytest.mark.parametrize(
    ("days", "age"), [(0, "to 7 days"), (7, "to 7 days"), (8, "to 15"), (31, "to 90"), (400, "older")]
)
def test_each_open_complaint_has_one_age(days: int, age: str) -> None:
    cell = OpenCell(district=AGRA, category="HOM-01", level=2, registered=DAY - timedelta(days=days))
    assert ages([(cell, 3)], DAY) == {(2, age): 3}


# The ranking


@unit
def test_a_district_with_twelve_complaints_does_not_top_the_list_by_luck() -> None:
    chance = random.Random(1076)
    rows = [(f"d{n}", binomial(chance, 2_000, 0.55 + 0.004 * n), 2_000) for n in range(74)]
    places = [one.key for one in ranked([*rows, ("lucky", 12, 12)])]
    assert places.index("lucky") > 5
    assert int(places[-1][1:]) < 10


@unit
def test_when_all_are_alike_but_for_chance_nobody_stands_out() -> None:
    chance = random.Random(3)
    found = ranked((f"d{n}", binomial(chance, 40, 0.6), 40) for n in range(75))
    assert found[0].share - found[-1].share < 0.15
    raw = [one.hits / one.tries for one in found]
    assert max(raw) - min(raw) > 0.3


@unit
@given(st.lists(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), max_size=30))
def test_each_share_lies_between_its_own_and_that_of_all(counts: list[tuple[int, int]]) -> None:
    prior = prior_of(counts)
    for one in ranked((str(n), hits, tries) for n, (hits, tries) in enumerate(counts)):
        own = one.hits / one.tries
        assert min(own, prior.share) - 1e-9 <= one.share <= max(own, prior.share) + 1e-9
        assert 0 <= one.low <= one.share <= one.high <= 1


def binomial(chance: random.Random, tries: int, share: float) -> int:
    return sum(chance.random() < share for _ in range(tries))


@unit
def test_cells_sort_so_that_two_writers_take_rows_in_one_order() -> None:
    made = [
        Cell(of="post", day=DAY, district=district, category="HOM-01", level=level, post="p")
        for district in (LUCKNOW, AGRA)
        for level in (2, 1)
    ]
    assert [(cell.district, cell.level) for cell in sorted(made)] == [
        (AGRA, 1), (AGRA, 2), (LUCKNOW, 1), (LUCKNOW, 2),
    ]  # fmt: skip
