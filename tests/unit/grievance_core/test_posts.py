"""The roster in the store: taken in whole or not at all, changed on record, and the owners of complaints follow it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from grievance_core.errors import RosterRefused, SheetRefused, SheetUnreadable
from grievance_core.lifecycle import EventKind, State
from grievance_core.posts.lines import COLUMNS
from grievance_core.posts.roster import Hold
from grievance_core.posts.service import Posts
from grievance_core.posts.sheet import read_sheet, write_sheet
from grievance_core.service import Grievances
from grievance_core.testing import FixedClock, a_draft
from tests.unit.grievance_core.stories import CATALOGUE, RULES

pytestmark = pytest.mark.service

PAGE = Path(__file__).parents[3] / "docs" / "officers-file.md"
EXAMPLE = PAGE.read_text(encoding="utf-8").split("<!-- example -->\n```\n")[1].split("```")[0]
CO, SP = "HOM/162/circle-officer", "HOM/162/superintendent-of-police"
ROWS = [
    ("HOM", "Lucknow", "Circle Officer", "A1", "अनिल", "", "holder", "01-01-2025", ""),
    ("HOM", "Lucknow", "Additional Superintendent of Police", "B1", "Bina", "", "holder", "01-01-2025", ""),
]


@pytest.fixture
def posts(engine: AsyncEngine, clock: FixedClock) -> Posts:
    return Posts(async_sessionmaker(engine), catalogue=CATALOGUE, clock=clock, zone=UTC)


@pytest.fixture
def house(engine: AsyncEngine, posts: Posts, clock: FixedClock) -> Grievances:
    rules = replace(RULES, owners=posts.owners)
    return Grievances(async_sessionmaker(engine), catalogue=CATALOGUE, clock=clock, rules=rules)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_sheet(tmp_path / "officers.csv", ROWS)
    return tmp_path / "officers.csv"


async def test_the_page_s_example_is_taken_in_and_changes_nothing_the_second_time(posts: Posts, tmp_path: Path) -> None:
    file = tmp_path / "officers.csv"
    file.write_text(EXAMPLE, encoding="utf-8")
    planned = await posts.take(file, by="clerk", why="first list")
    assert (len(planned.officers), len(planned.added), len(planned.changed)) == (2, 3, 0)
    assert posts.roster.officers["PNO10234"].name == "अनिल कुमार"  # type: ignore[index]
    again = await posts.take(file, by="clerk", why="once more")
    assert again.is_empty
    assert again.unchanged == 3
    (change,) = await posts.changes()
    assert (change.by, change.why, change.what["officers"]) == ("clerk", "first list", 2)


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
async def test_what_is_exported_is_taken_in_elsewhere_as_it_was(
    posts: Posts, file: Path, tmp_path: Path, name: str
) -> None:
    await posts.take(file, by="clerk", why="first list")
    assert await posts.export(tmp_path / name) == 2
    assert (await posts.look_into(tmp_path / name)).is_empty
    assert [tuple(line.cells[column] for column in COLUMNS) for line in read_sheet(tmp_path / name)] == sorted(
        ROWS, key=lambda row: row[2]
    )


async def test_one_wrong_line_and_nothing_is_taken(posts: Posts, tmp_path: Path) -> None:
    write_sheet(tmp_path / "bad.csv", [ROWS[0], (*ROWS[1][:7], "soon", ""), (*ROWS[0][:3], "", *ROWS[0][4:])])
    with pytest.raises(SheetRefused) as refused:
        await posts.take(tmp_path / "bad.csv", by="clerk", why="x")
    assert [fault.split(":")[0] for fault in refused.value.faults] == ["line 3, from", "line 4, officer_id"]
    await posts.refresh()
    assert not posts.roster.officers
    assert not await posts.changes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_is_read_in_the_encodings_and_marks_of_excel(tmp_path: Path, encoding: str, mark: str) -> None:
    text = "\r\n".join(mark.join(row) for row in (COLUMNS, *ROWS)) + "\r\n\r\n"
    (tmp_path / "o.csv").write_bytes(text.encode(encoding))
    lines = read_sheet(tmp_path / "o.csv")
    assert [line.number for line in lines] == [2, 3]
    assert lines[0].cells["name"] == "अनिल"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "no line below"),
        (b"department,name\nHOM,x\n", "these are missing: district"),
        (b"PK\x03\x04 broken", "no sound XLSX"),
        ("department,नाम".encode("utf-16-le"), "not UTF-8|missing"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"\xe0\xa4", "line 1: this is not UTF-8"),
        ((",".join(COLUMNS) + '\n"HOM,x\n').encode(), "quotation mark"),
    ],
)
def test_a_file_that_is_none_is_told_with_what_to_do(tmp_path: Path, raw: bytes, says: str) -> None:
    (tmp_path / "o.csv").write_bytes(raw)
    with pytest.raises(SheetUnreadable, match=says):
        read_sheet(tmp_path / "o.csv")


async def test_charge_leave_and_an_end_change_who_answers_and_are_on_record(posts: Posts, file: Path) -> None:
    await posts.take(file, by="clerk", why="first list")
    today = posts.today()
    await posts.grant_leave("a1", first=today, last=today, by="SSP", why="ill")
    assert not posts.roster.seat(posts.post(CO).id, today).answers
    await posts.give_charge(CO.upper(), "B1", first=today, last=today, by="SSP", why="order 1")
    assert posts.roster.seat(posts.post(CO).id, today).officer == "B1"
    ended = await posts.end(CO, "A1", last=today, by="SSP", why="retires")
    assert (ended.hold, ended.last) == (Hold.HOLDER, today)
    assert [next(iter(change.what)) for change in await posts.changes()] == ["ended", "charge", "leave", "file"]


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda posts, day: posts.give_charge("HOM/162/king", "A1", first=day, last=day, by="x", why="y"), "no post"),
        (lambda posts, day: posts.give_charge(CO, "Z9", first=day, last=day, by="x", why="y"), "No officer"),
        (lambda posts, day: posts.grant_leave("A1", first=day, last=date(2020, 1, 1), by="x", why="y"), "no leave"),
        (lambda posts, day: posts.end(SP, "A1", last=day, by="x", why="y"), "does not have"),
        (lambda posts, day: posts.grant_leave("A1", first=day, last=day, by="x", why=" "), "Say why"),
    ],
)
async def test_a_change_that_can_not_be_is_refused_with_the_next_step(
    posts: Posts, file: Path, ask: object, says: str
) -> None:
    await posts.take(file, by="clerk", why="first list")
    before = posts.roster
    with pytest.raises(RosterRefused, match=says):
        await ask(posts, posts.today())  # type: ignore[operator]
    await posts.refresh()
    assert posts.roster == before


async def test_of_two_who_change_it_at_the_same_moment_the_second_looks_again(
    posts: Posts, engine: AsyncEngine, clock: FixedClock, file: Path
) -> None:
    await posts.take(file, by="clerk", why="first list")
    other = Posts(async_sessionmaker(engine), catalogue=CATALOGUE, clock=clock, zone=UTC)
    planned = await other.look_into(file)
    await posts.declare("HOM", complete=True, by="one", why="letter")
    with pytest.raises(RosterRefused, match="same moment"):
        await other._write(planned, by="two", why="x", what={})
    assert await other.refresh()
    assert other.roster.complete == {"HOM"}


async def test_complaints_go_to_who_is_there_and_move_on_when_the_post_becomes_vacant(
    house: Grievances, posts: Posts, file: Path, clock: FixedClock
) -> None:
    await posts.take(file, by="clerk", why="first list")
    first = await house.register(a_draft(category="HOM-01", district="162", call_id="c1"))
    reported = await house.register(a_draft(category="HOM-01", district="162", call_id="c2"))
    reported = await house.report(reported.number, by="CO", text="done")
    assert (first.post, first.level, first.flags) == (CO, 1, "")
    await posts.end(CO, "A1", last=posts.today(), by="SSP", why="retires")
    clock.move(days=1)
    gone = posts.roster.gone(posts.today(), leave_days=7)
    assert gone == [CO]
    assert await house.move_on(gone, clock()) == 1
    moved, after = await house.get(first.number), await house.get(reported.number)
    assert (moved.state, moved.level, moved.flags) == (State.ESCALATED, 2, "vacant")
    assert moved.post == "HOM/162/additional-superintendent-of-police"
    assert moved.due_at
    assert first.due_at
    assert moved.due_at > first.due_at
    assert (await house.history(first.number))[-1].kind is EventKind.OFFICER_GONE
    assert await house.rebuilt(first.number) == moved
    assert after.state is State.AWAITING_FEEDBACK  # nobody works on it now
    assert await house.move_on(gone, clock()) == 0
    review = await house.feedback(reported.number, satisfied=False, attempt="a1", channel="call")
    assert (review.state, review.post) == (State.UNDER_REVIEW, CO)
    assert await house.move_on(gone, clock()) == 1
    new = await house.register(a_draft(category="HOM-01", district="162", call_id="c3"))
    assert (new.level, new.flags) == (2, "vacant")
